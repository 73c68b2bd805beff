/**
 * The actors of all runners as one service: what is asked goes to the actors here if their shard is here, to the runner that
 * holds it otherwise, and again for as long as the shard is on its way between runners and the caller has patience. A command
 * keeps its id on all of its ways, so that it takes effect once however often it is asked.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Actors, type Ask, type Placed } from "../actor/Actors.ts"
import { timeOrderedUuid } from "../actor/Naming.ts"
import { type Reply, settleReply } from "../actor/Pending.ts"
import { shardOf } from "../actor/Placement.ts"
import { ActorUnavailable, type RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Kind, StateOf } from "../journal/Kinds.ts"
import { type Question, type Reaction, reactionOf, replyIn, stateFromJson, stateToJson } from "./Envelope.ts"
import { Gateway } from "./Gateway.ts"

/** A caller who set no deadline waits so long for a shard that is on its way: longer than a takeover takes. */
const patienceMs = 30_000
/** Between two attempts. */
const retryIntervalMs = 50

/** Whether the same question may find an answer elsewhere, or a moment later. */
const isOnItsWay = (refusal: RuntimeRefusal, attempt: number): boolean =>
  refusal._tag === "ShardMoved" ||
  refusal._tag === "ActorUnavailable" ||
  // What runs is an earlier attempt of our own.
  (refusal._tag === "StillRunning" && attempt > 0)

export const make = Effect.fnUntraced(function* (local: Actors["Service"], placed: Placed) {
  const gateway = yield* Gateway
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context())
  const now = (): number => clock.currentTimeMillisUnsafe()

  const attempt = (
    key: string,
    here: Effect.Effect<Reaction>,
    question: Question
  ): Effect.Effect<Reaction, ActorUnavailable> => {
    const shard = shardOf(key)
    return local.holds(shard) ? here : gateway.carry(shard, question)
  }

  /** Asks until there is an answer that no other attempt could change; the last one when the time is over. */
  const pursue = Effect.fnUntraced(function* (
    key: string,
    until: number,
    here: Effect.Effect<Reaction>,
    question: Question
  ) {
    for (let count = 0; ; count++) {
      const left = Math.max(1, until - now())
      const exit = yield* Effect.exit(
        Effect.timeoutOrElse(attempt(key, here, question), {
          duration: left,
          orElse: () => Effect.fail(new ActorUnavailable({ cause: "no runner answered in time" }))
        })
      )
      if (Exit.isSuccess(exit)) {
        const reaction = exit.value
        if (reaction._tag !== "Failed" || !isOnItsWay(reaction.refusal, count)) return reaction
      }
      if (now() + retryIntervalMs >= until) {
        return Exit.isSuccess(exit)
          ? exit.value
          : ({ _tag: "Failed", refusal: new ActorUnavailable({ cause: exit.cause }) } satisfies Reaction)
      }
      yield* Effect.sleep(retryIntervalMs)
    }
  })

  const unexpected = (reaction: Reaction): RuntimeRefusal =>
    reaction._tag === "Failed"
      ? reaction.refusal
      : new ActorUnavailable({ cause: `another runner answered ${reaction._tag}` })

  const find = (ask: Ask, reply: (reply: Reply) => void): void => {
    const { business, key, command, fingerprint, expectedSeq, trace } = ask
    const id = ask.id ?? timeOrderedUuid(now())
    const until = Math.min(ask.deadlineAt ?? Number.POSITIVE_INFINITY, now() + patienceMs)
    const question: Question = {
      _tag: "Ask",
      business,
      key,
      command,
      id,
      deadlineAt: until,
      ...(fingerprint !== undefined && { fingerprint }),
      ...(expectedSeq !== undefined && { expectedSeq }),
      ...(trace !== undefined && { traceparent: trace.traceparent })
    }
    const here = Effect.callback<Reaction>((resume) => {
      local.askWith({ ...question, trace }, (each) => resume(Effect.succeed(reactionOf(each))))
    })
    runFork(
      Effect.map(pursue(key, until, here, question), (reaction) =>
        reply(replyIn(reaction) ?? { _tag: "Failed", refusal: unexpected(reaction) })
      )
    )
  }

  const askWith = (ask: Ask, reply: (reply: Reply) => void): void => {
    if (!local.holds(shardOf(ask.key))) return find(ask, reply)
    const asked = ask.id === undefined ? { ...ask, id: timeOrderedUuid(now()) } : ask
    local.askWith(asked, (each) => {
      if (each._tag === "Failed" && each.refusal._tag === "ShardMoved") find(asked, reply)
      else reply(each)
    })
  }

  const looking = new Set<number>()
  placed.onSentElsewhere((shard) => {
    if (looking.has(shard)) return
    looking.add(shard)
    // All that this tick sends is one look.
    setImmediate(() => {
      looking.delete(shard)
      // Lost, it is found by the next sweep of the other runner.
      runFork(Effect.ignore(gateway.carry(shard, { _tag: "Look" })))
    })
  })

  const readElsewhere = Effect.fnUntraced(function* <K extends Kind>(
    business: string,
    key: string,
    kind: K,
    id: string
  ) {
    const here = Effect.match(local.read(business, key, kind, id), {
      onFailure: (refusal): Reaction => ({ _tag: "Failed", refusal }),
      onSuccess: ({ state, seq }): Reaction => ({ _tag: "Seen", state: stateToJson(kind, state), seq })
    })
    const question: Question = { _tag: "Read", business, key, kind, id }
    const reaction = yield* pursue(key, now() + patienceMs, here, question)
    if (reaction._tag !== "Seen") return yield* Effect.fail(unexpected(reaction))
    return { state: stateFromJson(kind, reaction.state) as StateOf<K>, seq: reaction.seq }
  })

  return Actors.of({
    ...local,
    askWith,
    ask: (ask) =>
      Effect.flatMap(
        Effect.callback<Reply>((resume) => {
          askWith(ask, (reply) => resume(Effect.succeed(reply)))
        }),
        settleReply
      ),
    accept: Effect.fnUntraced(function* (ask: Ask) {
      const { business, key, command, id = timeOrderedUuid(now()) } = ask
      const here = Effect.match(local.accept({ ...ask, id }), {
        onFailure: (refusal): Reaction => ({ _tag: "Failed", refusal }),
        onSuccess: (): Reaction => ({ _tag: "Done" })
      })
      const question: Question = { _tag: "Accept", business, key, command, id }
      const reaction = yield* pursue(key, now() + patienceMs, here, question)
      return reaction._tag === "Done" ? id : yield* Effect.fail(unexpected(reaction))
    }),
    read: (business, key, kind, id = key) =>
      local.holds(shardOf(key))
        ? Effect.catchTag(local.read(business, key, kind, id), "ShardMoved", () =>
            readElsewhere(business, key, kind, id)
          )
        : readElsewhere(business, key, kind, id)
  })
})
