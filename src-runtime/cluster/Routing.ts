/**
 * The actors of all runners as one service: what is asked goes to the actors here if their shard is here, to the runner that
 * holds it otherwise, and again for as long as the shard is on its way between runners and the caller has patience. A command
 * keeps its id on all of its ways, so that it takes effect once however often it is asked.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { Actors, type Ask, type Placed, type View } from "../actor/Actors.ts"
import { timeOrderedUuid } from "../actor/Naming.ts"
import { type Reply, settleReply } from "../actor/Pending.ts"
import { shardOf } from "../actor/Placement.ts"
import { ActorUnavailable, type RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Kind, StateOf } from "../journal/Kinds.ts"
import { type Question, type Reaction, replyIn, stateFromJson } from "./Envelope.ts"
import { Gateway } from "./Gateway.ts"
import type { Here } from "./Here.ts"

/** A caller who set no deadline waits so long for a shard that is on its way: longer than a takeover takes. */
const patienceMs = 30_000
/** Between two attempts. */
const retryIntervalMs = 50

const notYet: ReadonlySet<RuntimeRefusal["_tag"]> = new Set(["ShardMoved", "ActorUnavailable"])
/** What an attempt is told that may not be the first: one before it may run, or may have been done. */
const notYetAgain: ReadonlySet<RuntimeRefusal["_tag"]> = new Set([
  ...notYet,
  "StillRunning",
  "MailboxFull",
  "DeadlinePassed"
])

/** Whether the same question may find an answer elsewhere, or a moment later. */
const isOnItsWay = ({ _tag }: RuntimeRefusal, repeated: boolean): boolean => (repeated ? notYetAgain : notYet).has(_tag)

const viewOf = <K extends Kind>(kind: K, { state, seq }: View<unknown>): View<StateOf<K>> => ({
  state: stateFromJson(kind, state) as StateOf<K>,
  seq
})

export const make = Effect.fnUntraced(function* (local: Actors["Service"], placed: Placed, here: Here) {
  const gateway = yield* Gateway
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context())
  const now = (): number => clock.currentTimeMillisUnsafe()

  /** Asks until there is an answer that no other attempt could change; the last one when the time is over. */
  const pursue = Effect.fnUntraced(function* (
    key: string,
    until: number,
    questionOf: (left: number, repeated: boolean) => Question,
    askedBefore = false
  ) {
    const shard = shardOf(key)
    for (let repeated = askedBefore; ; repeated = true) {
      const left = Math.max(1, until - now())
      const question = questionOf(left, repeated)
      const exit = yield* Effect.exit(
        Effect.timeoutOrElse(local.holds(shard) ? here(question) : gateway.carry(shard, question), {
          duration: left,
          orElse: () => Effect.fail(new ActorUnavailable({ cause: "no runner answered in time" }))
        })
      )
      if (Exit.isSuccess(exit)) {
        const reaction = exit.value
        if (reaction._tag !== "Failed" || !isOnItsWay(reaction.refusal, repeated)) return reaction
      }
      if (now() + retryIntervalMs >= until) {
        const cause = Exit.isSuccess(exit) ? exit.value : exit.cause
        return { _tag: "Failed", refusal: new ActorUnavailable({ cause }) } satisfies Reaction
      }
      yield* Effect.sleep(retryIntervalMs)
    }
  })

  const unexpected = (reaction: Reaction): RuntimeRefusal =>
    reaction._tag === "Failed"
      ? reaction.refusal
      : new ActorUnavailable({ cause: `another runner answered ${reaction._tag}` })

  const find = (ask: Ask, reply: (reply: Reply) => void, askedBefore: boolean): void => {
    const { business, key, command, fingerprint, expectedSeq, trace } = ask
    const until = Math.min(ask.deadlineAt ?? Number.POSITIVE_INFINITY, now() + patienceMs)
    const asked = {
      business,
      key,
      command,
      id: ask.id ?? timeOrderedUuid(now()),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(expectedSeq !== undefined && { expectedSeq })
    }
    const questionOf = (left: number, repeated: boolean): Question => ({
      _tag: "Ask",
      ...asked,
      withinMs: left,
      repeated,
      ...(trace !== undefined && { traceparent: trace.traceparent })
    })
    const given = Effect.flatMap(pursue(key, until, questionOf, askedBefore), (reaction) => {
      const found = replyIn(reaction) ?? { _tag: "Failed" as const, refusal: unexpected(reaction) }
      if (found._tag !== "Failed" || found.refusal._tag !== "PreconditionFailed") return Effect.succeed(found)
      // It may be what an earlier attempt of its own has changed.
      return Effect.match(local.outcome(business, asked.id, fingerprint ?? ""), {
        onFailure: (refusal): Reply => ({ _tag: "Failed", refusal }),
        onSuccess: (known) => known?.reply ?? found
      })
    })
    runFork(Effect.map(given, reply))
  }

  const askWith = (ask: Ask, reply: (reply: Reply) => void): void => {
    if (!local.holds(shardOf(ask.key))) return find(ask, reply, false)
    const asked = ask.id === undefined ? { ...ask, id: timeOrderedUuid(now()) } : ask
    local.askWith(asked, (each) => {
      if (each._tag === "Failed" && each.refusal._tag === "ShardMoved") find(asked, reply, true)
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
    const reaction = yield* pursue(key, now() + patienceMs, () => ({ _tag: "Read", business, key, kind, id }))
    return reaction._tag === "Seen" ? viewOf(kind, reaction) : yield* Effect.fail(unexpected(reaction))
  })
  const readOwnerElsewhere = Effect.fnUntraced(function* (business: string, key: string) {
    const reaction = yield* pursue(key, now() + patienceMs, () => ({ _tag: "ReadOwner", business, key }))
    if (reaction._tag !== "SeenOwner") return yield* Effect.fail(unexpected(reaction))
    return { contact: viewOf("contact", reaction.contact), community: viewOf("community", reaction.community) }
  })
  /** Of actors here, unless they go as they are asked. */
  const hereOrElsewhere = <A>(
    key: string,
    read: Effect.Effect<A, RuntimeRefusal>,
    elsewhere: Effect.Effect<A, RuntimeRefusal>
  ): Effect.Effect<A, RuntimeRefusal> =>
    Effect.suspend(() => (local.holds(shardOf(key)) ? Effect.catchTag(read, "ShardMoved", () => elsewhere) : elsewhere))

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
      const question: Question = { _tag: "Accept", business, key, command, id }
      const reaction = yield* pursue(key, now() + patienceMs, () => question)
      return reaction._tag === "Done" ? id : yield* Effect.fail(unexpected(reaction))
    }),
    read: (business, key, kind, id = key) =>
      hereOrElsewhere(key, local.read(business, key, kind, id), readElsewhere(business, key, kind, id)),
    readOwner: (business, key) =>
      hereOrElsewhere(key, local.readOwner(business, key), readOwnerElsewhere(business, key))
  })
})
