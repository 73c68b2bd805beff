/**
 * The actors of this runner: finds or activates the group of a key, hands it commands, and sees to it that what a commit
 * left to be done gets done.
 *
 * Guarantees: a command is answered only after its commit (`ask`) or after it was made durable (`accept`); one id has one
 * outcome; commands of one key take their turns in the order they were admitted; messages and timers are delivered at
 * least once and take effect once, also after a crash. Bounds: mailbox 256 a key, units in flight 8,192, resident groups.
 */
import type { Business } from "#domain/organisation/Business.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { Claim } from "#domain/shared/Decision.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { randomUUID } from "node:crypto"
import { Codec } from "../journal/Codec.ts"
import * as Committer from "../journal/Committer.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import { aggregateOfKind, type Kind, type StateOf } from "../journal/Kinds.ts"
import { claimName, type CommandRow, emptyUnit, type InboxRow } from "../journal/Unit.ts"
import { Sealer } from "../privacy/Sealer.ts"
import * as Delivery from "./Delivery.ts"
import type { Answered, Ask, View } from "./Ask.ts"
import { cascade, CascadeTurnsMax, type Surroundings } from "./Cascade.ts"
import { type ActorView, type Group, mailboxSizeMax } from "./Group.ts"
import { Groups } from "./Groups.ts"
import type { Host } from "./Host.ts"
import { claimRow, timeOrderedUuid } from "./Naming.ts"
import type { Pending, Reply } from "./Pending.ts"
import { allShards, shardOf } from "./Placement.ts"
import { replayOf } from "./Replay.ts"
import { restore } from "./Resident.ts"
import { RecentCommands } from "./RecentCommands.ts"
import { ActorUnavailable, MailboxFull, type RuntimeRefusal, ShardMoved, TurnFailed } from "./RuntimeRefusal.ts"
import type { CommittedTurn } from "./Turn.ts"

export type { Answered, Ask, View } from "./Ask.ts"

export interface Statistics {
  readonly runner: string
  readonly residentGroups: number
  readonly openCommands: number
  readonly committer: Committer.CommitterStatistics
}

/** Units decided and not yet durable, on this runner. */
const unitsInFlightMax = 8192
const passivationIntervalMs = 5_000
/** On leaving memory a stream is snapshot when its tail is at least this long. */
const passivationSnapshotEvents = 20
/** Rows of commits are kept this long, and go so many at a time. */
const batchRetentionMs = 24 * 60 * 60_000
const forgottenAtOnceMax = 5_000
const forgettingIntervalMs = 10 * 60_000
/** How long a stop waits for what was decided to become durable. */
const drainTimeoutMs = 3_000
/** A full mailbox drains in about one commit: what a caller is told to wait. */
const retryAfterMs = 100

export class Actors extends Context.Service<
  Actors,
  {
    readonly runner: string
    /** Judges a command and answers it once that is durable. */
    readonly ask: (ask: Ask) => Effect.Effect<Answered, Refusal | RuntimeRefusal>
    /** `ask` without a fiber, for gateways that count microseconds. */
    readonly askWith: (ask: Ask, reply: (reply: Reply) => void) => void
    /** Makes the command durable and returns; it is judged afterwards, in order, whatever happens (202). */
    readonly accept: (ask: Ask) => Effect.Effect<string, RuntimeRefusal>
    /** The committed state of one aggregate; what was decided before the call is in it. */
    readonly read: <K extends Kind>(
      business: string,
      key: string,
      kind: K,
      id?: string
    ) => Effect.Effect<View<StateOf<K>>, RuntimeRefusal>
    /** The committed state of a stream whose key is not known, straight from the journal. */
    readonly lookUp: <K extends Kind>(
      business: string,
      kind: K,
      id: string
    ) => Effect.Effect<View<StateOf<K>> & { readonly key: string | undefined }, RuntimeRefusal>
    /** The contacts that hold the values, by position. */
    readonly holders: (
      business: string,
      claims: ReadonlyArray<Claim>
    ) => Effect.Effect<ReadonlyArray<string | undefined>, RuntimeRefusal>
    readonly business: (id: string) => Business | undefined
    readonly businesses: () => Iterable<Business>
    /** What became so far of a durable command of the business, and at which key, for those who were told to come back. */
    readonly outcome: (
      business: string,
      id: string,
      fingerprint?: string
    ) => Effect.Effect<{ readonly key: string; readonly reply: Reply } | undefined, RuntimeRefusal>
    readonly onCommitted: (listener: (turn: CommittedTurn) => void) => () => void
    /** The last durable offset of a shard: what comes later is still to be heard by `onCommitted`. */
    readonly committedOffset: (shard: number) => number
    readonly statistics: () => Statistics
  }
>()("koinon/runtime/Actors") {}

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const sealer = yield* Sealer
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const runFork = Effect.runForkWith(context)
  const runner = randomUUID()
  const committer = yield* Committer.make(runner, allShards)
  // On the way out what was decided becomes durable and is answered, before the lane ends.
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(committer.drained, drainTimeoutMs)))
  const codec = new Codec(sealer)
  const now = (): number => clock.currentTimeMillisUnsafe()

  const businesses = new Map<string, Business>()
  /** Who waits for a later turn. Emptied when answered, for a map's outgrown tables keep alive what they once held. */
  const open = new Map<string, { reply: Pending["reply"] | undefined }>()
  const recent = new RecentCommands()
  const waitingForRoom = new Set<Group>()
  const listeners = new Set<(turn: CommittedTurn) => void>()

  const load = Effect.fnUntraced(function* (business: string, key: string, streams: Parameters<Host["load"]>[2]) {
    const loaded = yield* journal.load(business, key, streams)
    const trusted = loaded.streams.every((stream) => stream.snapshot === undefined || codec.trusts(stream.snapshot))
    if (trusted) return loaded
    yield* Effect.logWarning("a snapshot cannot be trusted; all events of its stream are folded instead")
    return yield* journal.load(business, key, streams, { withoutSnapshots: true })
  })

  const saveSnapshots = (business: string, key: Group["dataKey"], snapshots: CommittedTurn["snapshots"]): void => {
    if (snapshots.length === 0) return
    runFork(
      journal
        .saveSnapshots(
          snapshots.map(({ aggregate, id, seq, state }) => codec.snapshot(business, aggregate, id, seq, state, key))
        )
        // A snapshot is never needed: the next one will do.
        .pipe(
          Effect.catchTag("JournalUnavailable", (error) =>
            Effect.logWarning("a snapshot was not saved", error.operation)
          )
        )
    )
  }

  const answerOpen = (commandId: string, reply: Reply): void => {
    const waiting = open.get(commandId)
    if (waiting?.reply === undefined) return
    const answer = waiting.reply
    waiting.reply = undefined
    open.delete(commandId)
    answer(reply)
  }

  const published = (turn: CommittedTurn): void => {
    if (turn.key === turn.business) {
      let business = businesses.get(turn.business) ?? (aggregateOfKind("business").initial as Business)
      for (const { event } of turn.events) business = aggregateOfKind("business").evolve(business, event) as Business
      businesses.set(turn.business, business)
    }
    for (const { row, command, isTimer } of turn.inbox) delivery.added(row, command, isTimer ? undefined : turn.key)
    saveSnapshots(turn.business, turn.dataKey, turn.snapshots)
    for (const listener of listeners) listener(turn)
  }

  const host: Host = {
    codec,
    sealer,
    now,
    business: (id) => businesses.get(id),
    hasRoom: () => committer.waiting() < unitsInFlightMax,
    whenRoom: (group) => waitingForRoom.add(group),
    submit: (decided, spreading) => {
      committer.submit(cascade(decided, spreading ? surroundings : alone))
    },
    commit: committer.submit,
    load: (business, key, streams, done) => {
      runFork(
        Effect.matchCause(load(business, key, streams), {
          onFailure: (cause) => done({ cause }),
          onSuccess: done
        })
      )
    },
    leftOpen: (pending) => {
      open.set(pending.id, { reply: pending.reply })
    },
    published,
    settle: (settlements) => {
      for (const { commandId, outcome } of settlements) {
        answerOpen(commandId, { _tag: "Outcome", outcome, replayed: false, seq: 0 })
      }
    },
    gaveUp: (pending, reason) => {
      if (pending.fromInbox) delivery.park(pending.id, reason)
      else runFork(Effect.logError(`a turn threw on ${pending.command._tag} ${pending.id}`, reason))
    }
  }

  const groups = new Groups(host)

  const delivery = yield* Delivery.make({
    now,
    codec,
    deliver: (row, command, done) =>
      groups.of(row.business, row.key).admit({
        id: row.id,
        fingerprint: "",
        command,
        deadlineAt: Number.POSITIVE_INFINITY,
        fromInbox: true,
        reply: done,
        attempts: 0
      })
  })

  const surroundings: Surroundings = {
    turnsMax: yield* CascadeTurnsMax,
    groupOf: (business, key) => groups.peek(business, key),
    delivery
  }
  const alone: Surroundings = { ...surroundings, turnsMax: 1 }

  const pumpWaiting = (): void => {
    if (waitingForRoom.size === 0) return
    const groupsWithWork = [...waitingForRoom]
    waitingForRoom.clear()
    for (const group of groupsWithWork) group.pump()
  }
  committer.onCommitted(pumpWaiting)
  committer.onFenced(() => {
    // Settled by the new owner now: this runner will not hear of it.
    for (const id of open.keys()) answerOpen(id, { _tag: "Failed", refusal: new ShardMoved() })
    pumpWaiting()
  })

  const askWith = (ask: Ask, reply: (reply: Reply) => void): void => {
    const group = groups.of(ask.business, ask.key)
    if (group.size >= mailboxSizeMax) {
      return reply({ _tag: "Failed", refusal: new MailboxFull({ retryAfterMs }) })
    }
    const { id, fingerprint = "" } = ask
    const mayRepeat = id !== undefined && ask.fingerprint !== ""
    if (mayRepeat) {
      const known = recent.begin(id, ask.business, fingerprint)
      if (known !== undefined) return reply(known)
    }
    const finish = mayRepeat
      ? (result: Reply): void => {
          recent.end(id)
          reply(result)
        }
      : reply
    const admit = (): void =>
      group.admit({
        id: id ?? timeOrderedUuid(now()),
        fingerprint,
        command: ask.command,
        deadlineAt: ask.deadlineAt ?? Number.POSITIVE_INFINITY,
        expectedSeq: ask.expectedSeq,
        fromInbox: false,
        reply: finish,
        attempts: 0
      })
    if (!mayRepeat || (!recent.meet(id) && ask.expectedSeq === undefined)) return admit()
    // A repetition finds its outcome, also before its precondition is judged on what it changed itself.
    const failed = (cause: unknown): void => finish({ _tag: "Failed", refusal: new ActorUnavailable({ cause }) })
    const found = (row: CommandRow | undefined): void => {
      // Another business's: the commit will say so.
      if (row?.business !== ask.business) {
        return group.size < mailboxSizeMax
          ? admit()
          : finish({ _tag: "Failed", refusal: new MailboxFull({ retryAfterMs }) })
      }
      host.load(row.business, row.key, [], (loaded) => finish(replayOf(host, row, fingerprint, loaded)))
    }
    runFork(Effect.match(journal.command(id), { onFailure: failed, onSuccess: found }))
  }

  const settleReply = (reply: Reply): Effect.Effect<Answered, Refusal | RuntimeRefusal> => {
    if (reply._tag === "Failed") return Effect.fail(reply.refusal)
    return Result.isSuccess(reply.outcome)
      ? Effect.succeed({ answer: reply.outcome.success, replayed: reply.replayed, seq: reply.seq })
      : Effect.fail(reply.outcome.failure)
  }

  const unavailable = <A>(effect: Effect.Effect<A, JournalUnavailable>): Effect.Effect<A, RuntimeRefusal> =>
    Effect.mapError(effect, (cause) => new ActorUnavailable({ cause }))

  const lookUp = <K extends Kind>(business: string, kind: K, id: string) =>
    unavailable(
      Effect.gen(function* () {
        const aggregate = aggregateOfKind(kind)
        const stream = { aggregate: aggregate.code, id }
        const first = (yield* journal.streamEvents(business, stream, Number.MAX_SAFE_INTEGER % 2 ** 31, 1))[0]
        if (first === undefined) return { state: aggregate.initial as StateOf<K>, seq: 0, key: undefined }
        const loaded = yield* load(business, first.key, [stream])
        const key = loaded.dataKey === undefined ? undefined : sealer.unwrap(business, first.key, loaded.dataKey)
        const restored = restore(codec, loaded.streams[0] as (typeof loaded.streams)[number], key)
        return { state: restored.state as StateOf<K>, seq: restored.seq, key: first.key }
      })
    )

  // Reference data first: no turn of a business runs without it.
  for (const id of yield* journal.businessIds) {
    const loaded = yield* load(id, id, [{ aggregate: aggregateOfKind("business").code, id }])
    const stream = loaded.streams[0]
    if (stream !== undefined) businesses.set(id, restore(codec, stream, undefined).state as Business)
  }
  yield* delivery.start

  const passivate = Effect.sync(() => {
    groups.passivate(now(), (group) => {
      saveSnapshots(group.business, group.dataKey, group.snapshots(passivationSnapshotEvents))
    })
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(passivate, passivationIntervalMs)))
  // A batch is asked for within seconds of its commit, or never.
  const forgetBatches = Effect.suspend(() => journal.forgetBatches(now() - batchRetentionMs, forgottenAtOnceMax)).pipe(
    Effect.repeat({ while: (gone: number) => gone === forgottenAtOnceMax }),
    Effect.catchTag("JournalUnavailable", (error) => Effect.logWarning("old batches stay for now", error.operation))
  )
  yield* Effect.forkScoped(Effect.forever(Effect.delay(forgetBatches, forgettingIntervalMs)))

  return Actors.of({
    runner,
    askWith,
    ask: (ask) =>
      Effect.flatMap(
        Effect.callback<Reply>((resume) => {
          askWith(ask, (reply) => resume(Effect.succeed(reply)))
        }),
        settleReply
      ),
    accept: (ask) =>
      Effect.callback((resume) => {
        const id = ask.id ?? randomUUID()
        const { business, key, command } = ask
        const refuse = (refusal: RuntimeRefusal): void => resume(Effect.fail(refusal))
        if (!host.hasRoom()) return refuse(new MailboxFull({ retryAfterMs }))
        const shard = shardOf(key)
        let row: InboxRow
        try {
          row = { id, business, key, shard, command: codec.command(command, undefined, id), deliverAt: now() }
        } catch (cause) {
          return refuse(new TurnFailed({ cause }))
        }
        committer.submit({
          units: [{ ...emptyUnit(business, key, shard), inbox: [row] }],
          groups: [],
          committed: () => {
            delivery.added(row, command)
            resume(Effect.succeed(id))
          },
          failed: ({ _tag }) => refuse(_tag === "Fenced" ? new ShardMoved() : new ActorUnavailable({ cause: _tag }))
        })
      }),
    read: <K extends Kind>(business: string, key: string, kind: K, id: string = key) =>
      Effect.callback<View<StateOf<K>>, RuntimeRefusal>((resume) => {
        if (committer.statistics().fenced) return resume(Effect.fail(new ShardMoved()))
        groups.of(business, key).admit({
          refs: [[kind, id]],
          reply: (views: ReadonlyArray<ActorView> | RuntimeRefusal) =>
            resume("_tag" in views ? Effect.fail(views) : Effect.succeed(views[0] as unknown as View<StateOf<K>>))
        })
      }),
    lookUp,
    holders: (business, claims) => {
      const rows = claims.map((claim) => claimRow(sealer, business, business, claim))
      return Effect.map(unavailable(journal.holders(rows)), (held) => rows.map((row) => held.get(claimName(row))))
    },
    business: (id) => businesses.get(id),
    businesses: () => businesses.values(),
    outcome: (business, id, fingerprint) =>
      unavailable(
        Effect.gen(function* () {
          const row = yield* journal.command(id)
          if (row?.business !== business) return undefined
          const loaded = yield* journal.load(business, row.key, [])
          return { key: row.key, reply: replayOf(host, row, fingerprint ?? row.fingerprint, loaded) }
        })
      ),
    onCommitted: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    committedOffset: committer.committedOffset,
    statistics: () => ({
      runner,
      residentGroups: groups.size,
      openCommands: open.size,
      committer: committer.statistics()
    })
  })
})

export const layer: Layer.Layer<Actors, JournalUnavailable, Journal | Sealer> = Layer.effect(Actors, make)
