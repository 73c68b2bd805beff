/**
 * The actors of the shards that this runner holds: finds or activates the group of a key, hands it commands, and sees to it
 * that what a commit left to be done gets done. Whoever asks for an actor of another shard is told that it has moved.
 *
 * Guarantees: a command is answered only after its commit (`ask`) or after it was made durable (`accept`); one id has one
 * outcome; commands of one key take their turns in the order they were admitted; messages and timers are delivered at
 * least once and take effect once, also after a crash. Bounds: mailbox 256 a key, units in flight 8,192, resident groups.
 */
import type { Business } from "#domain/organisation/Business.ts"
import type { Refusal } from "#domain/Refusal.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Codec } from "../journal/Codec.ts"
import * as Committer from "../journal/Committer.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { Notice } from "../journal/Notice.ts"
import { atOnce, type CommandRow, emptyUnit, type InboxRow } from "../journal/Unit.ts"
import { traced } from "../observability/Trace.ts"
import { TurnMeter } from "../observability/TurnMeter.ts"
import { Sealer } from "../privacy/Sealer.ts"
import * as Delivery from "./Delivery.ts"
import type { Answered, Ask } from "./Ask.ts"
import { Businesses } from "./Businesses.ts"
import { cascade, CascadeTurnsMax, type Surroundings } from "./Cascade.ts"
import { type Group, mailboxSizeMax } from "./Group.ts"
import { Groups } from "./Groups.ts"
import type { Host } from "./Host.ts"
import * as Housekeeping from "./Housekeeping.ts"
import * as Others from "./Others.ts"
import * as Loading from "./Loading.ts"
import { timeOrderedUuid } from "./Naming.ts"
import * as Lookups from "./Lookups.ts"
import { OpenCommands } from "./OpenCommands.ts"
import { messageOf, type Reply, settleReply } from "./Pending.ts"
import { allShards, shardCount, shardOf } from "./Placement.ts"
import { replayOf } from "./Replay.ts"
import * as Reading from "./Reading.ts"
import { RecentCommands } from "./RecentCommands.ts"
import { ActorUnavailable, MailboxFull, type RuntimeRefusal, ShardMoved, TurnFailed } from "./RuntimeRefusal.ts"
import type { CommittedTurn } from "./Turn.ts"

export type { Answered, Ask, View } from "./Ask.ts"

export interface Statistics {
  readonly runner: string
  readonly residentGroups: number
  readonly openCommands: number
  readonly meter: TurnMeter
  readonly committer: Committer.CommitterStatistics
}

/** Units decided and not yet durable, on this runner. */
const unitsInFlightMax = 8192
/** On leaving memory a stream is snapshot when its tail is at least this long. */
const passivationSnapshotEvents = 20
/** How long a stop waits for what was decided to become durable. */
const drainTimeoutMs = 3_000
/** A full mailbox drains in about one commit: what a caller is told to wait. */
const retryAfterMs = 100

type Answers = Lookups.Lookups & Reading.Reading

export class Actors extends Context.Service<
  Actors,
  Answers & {
    readonly runner: string
    /** Judges a command and answers it once that is durable. */
    readonly ask: (ask: Ask) => Effect.Effect<Answered, Refusal | RuntimeRefusal>
    /** `ask` without a fiber, for gateways that count microseconds. */
    readonly askWith: (ask: Ask, reply: (reply: Reply) => void) => void
    /** Makes the command durable and returns; it is judged afterwards, in order, whatever happens (202). */
    readonly accept: (ask: Ask) => Effect.Effect<string, RuntimeRefusal>
    readonly business: (id: string) => Business | undefined
    readonly businesses: () => Iterable<Business>
    /** Sees to it that `business` knows them: for whoever takes up what other runners have written of them. */
    readonly learn: (businesses: Iterable<string>) => Effect.Effect<void, JournalUnavailable>
    readonly onCommitted: (listener: (turn: CommittedTurn) => void) => () => void
    /** The last durable offset of a shard held here: what comes later is still to be heard by `onCommitted`. */
    readonly committedOffset: (shard: number) => number
    readonly holds: (shard: number) => boolean
    /** Called when shards have come or gone; what came is served, what went is not. */
    readonly onHeld: (listener: (shards: ReadonlySet<number>) => void) => () => void
    /**
     * Called with what any runner commits of the things that are remembered here, after it is in effect; `undefined`: some
     * of it may have been missed.
     */
    readonly onNotice: (listener: (notice: Notice | undefined) => void) => () => void
    /** False while commits of others are not heard of: then nothing may be remembered that they could change. */
    readonly hearsOthers: () => boolean
    readonly statistics: () => Statistics
  }
>()("koinon/runtime/Actors") {}

/** How the actors of one runner are told what becomes of its shards; for whoever places them. */
export interface Placed {
  /** Fences whoever had the shards, hands out what was left undone, and only then serves anything new. */
  readonly take: (shards: ReadonlyArray<number>) => Effect.Effect<void, JournalUnavailable>
  /** Turns away who waits, lets what is under way become durable, and gives the shards up. */
  readonly release: (shards: ReadonlySet<number>) => Effect.Effect<void>
  /** A message may have come in from another runner. */
  readonly look: () => void
  /** Called with the shard of another runner for which a message was made durable. */
  readonly onSentElsewhere: (listener: (shard: number) => void) => void
  /** Hears what other runners commit, for as long as it runs. */
  readonly hearOthers: Effect.Effect<never>
}

const joining = <A>(listeners: Set<A>) => {
  return (listener: A) => (listeners.add(listener), () => void listeners.delete(listener))
}

/** Beginning with the first shards. */
export const make = Effect.fn("Actors.make")(function* (first: ReadonlyArray<number>) {
  const journal = yield* Journal
  const sealer = yield* Sealer
  const clock = yield* Clock.Clock
  const context = yield* Effect.context()
  const runFork = Effect.runForkWith(context)
  const runner = randomUUID()
  const committer = yield* Committer.make(runner, [])
  // On the way out what was decided becomes durable and is answered, before the lane ends.
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(committer.drained(), drainTimeoutMs)))
  const codec = new Codec(sealer)
  const now = (): number => clock.currentTimeMillisUnsafe()

  const load = Loading.make(journal, codec)
  const noticeListeners = new Set<(notice: Notice | undefined) => void>()
  const tell = (notice: Notice | undefined): void => noticeListeners.forEach((listener) => listener(notice))
  const businesses = new Businesses(journal, codec, load, (business) => tell({ business }))
  const open = new OpenCommands()
  const recent = new RecentCommands()
  const meter = new TurnMeter()
  const waitingForRoom = new Set<Group>()
  const listeners = new Set<(turn: CommittedTurn) => void>()
  const holdListeners = new Set<(shards: ReadonlySet<number>) => void>()
  let sentElsewhere: Parameters<Placed["onSentElsewhere"]>[0] = () => undefined
  /** By shard: 1 where the actors are here. */
  const held = new Uint8Array(shardCount)

  const saveSnapshots = (business: string, key: Group["dataKey"], snapshots: CommittedTurn["snapshots"]): void => {
    if (snapshots.length === 0) return
    meter.snapshots += snapshots.length
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

  const published = (turn: CommittedTurn): void => {
    if (turn.key === turn.business) businesses.committed(turn)
    for (const { row, command, isTimer } of turn.inbox) delivery.added(row, command, isTimer ? undefined : turn.key)
    saveSnapshots(turn.business, turn.dataKey, turn.snapshots)
    for (const listener of listeners) listener(turn)
  }

  const host: Host = {
    codec,
    sealer,
    now,
    meter,
    business: (id) => businesses.get(id),
    hasRoom: () => committer.waiting() < unitsInFlightMax,
    whenRoom: (group) => waitingForRoom.add(group),
    submit: (decided, spreading) => {
      committer.submit(cascade(decided, spreading ? surroundings : alone))
    },
    commit: committer.submit,
    load: (business, key, streams, done) => {
      const loaded = Effect.andThen(businesses.learn([business]), load(business, key, streams))
      runFork(Effect.matchCause(loaded, { onFailure: (cause) => done({ cause }), onSuccess: done }))
    },
    leftOpen: (pending, group, isParked) => open.leave(pending, group, held[group.shard] === 1, isParked),
    published,
    settle: (settlements) => {
      for (const { commandId, outcome } of settlements) {
        open.answer(commandId, { _tag: "Outcome", outcome, replayed: false, seq: 0 })
      }
    },
    gaveUp: ({ command, fromInbox, id, trace }, reason) => {
      if (fromInbox) delivery.park(id, reason)
      else runFork(traced(trace, Effect.logError(`a turn threw on ${command._tag} ${id}`, reason)))
    }
  }

  const groups = new Groups(host)

  const delivery = yield* Delivery.make({
    now,
    codec,
    deliver: (row, command, done) => groups.of(row.business, row.key).admit(messageOf(row.id, command, true, done)),
    sentElsewhere: (shard) => sentElsewhere(shard)
  })

  const surroundings: Surroundings = {
    turnsMax: yield* CascadeTurnsMax,
    groupOf: (business, key) => groups.peek(business, key),
    delivery,
    holds: (shard) => held[shard] === 1
  }
  const alone = { ...surroundings, turnsMax: 1 }

  const pumpWaiting = (): void => {
    if (waitingForRoom.size === 0) return
    const groupsWithWork = [...waitingForRoom]
    waitingForRoom.clear()
    for (const group of groupsWithWork) group.pump()
  }
  committer.onCommitted(pumpWaiting)

  /** Nothing new begins on the shards, and all who wait are told. */
  const surrender = (shards: ReadonlySet<number>): void => {
    for (const shard of shards) held[shard] = 0
    delivery.release(shards)
    groups.surrender(shards)
    open.moved(shards)
    for (const listener of holdListeners) listener(shards)
  }
  committer.onLost((shards) => {
    surrender(shards)
    pumpWaiting()
  })
  const take = (shards: ReadonlyArray<number>) =>
    Effect.gen(function* () {
      // They may have been another runner's in between, unknown to this one: nothing of what was decided here before may
      // commit under the new epoch, or beside what is judged from now on.
      surrender(new Set(shards.filter((shard) => held[shard] === 1)))
      yield* committer.drained(new Set(shards))
      yield* committer.take(shards)
      yield* businesses.readTaken(shards)
      yield* delivery.take(shards)
      // Some may be lost again by now.
      for (const shard of shards) if (committer.holds(shard)) held[shard] = 1
      for (const listener of holdListeners) listener(new Set(shards))
    })

  const askWith = (ask: Ask, reply: (reply: Reply) => void): void => {
    if (held[shardOf(ask.key)] === 0) return reply({ _tag: "Failed", refusal: new ShardMoved() })
    const group = groups.of(ask.business, ask.key)
    meter.mailboxDepths.observe(group.size)
    if (group.size >= mailboxSizeMax) {
      return reply({ _tag: "Failed", refusal: new MailboxFull({ retryAfterMs }) })
    }
    const { id, fingerprint = "" } = ask
    const mayRepeat = id !== undefined && ask.fingerprint !== ""
    if (mayRepeat) {
      const known = recent.begin(id)
      if (known !== undefined) return reply(known)
    }
    const finish = mayRepeat
      ? (result: Reply): void => {
          recent.end(id)
          reply(result)
        }
      : reply
    const admitTo = (to: Group): void =>
      to.admit({
        id: id ?? timeOrderedUuid(now()),
        fingerprint,
        command: ask.command,
        deadlineAt: ask.deadlineAt ?? Number.POSITIVE_INFINITY,
        expectedSeq: ask.expectedSeq,
        fromInbox: false,
        reply: finish,
        trace: ask.trace,
        attempts: 0,
        place: 0
      })
    const isNew = !mayRepeat || (!recent.meet(id) && ask.expectedSeq === undefined)
    if (id === undefined || (isNew && ask.repeated !== true)) return admitTo(group)
    // A repetition finds its outcome, also before its precondition is judged on what it changed itself.
    const fail = (refusal: RuntimeRefusal): void => finish({ _tag: "Failed", refusal })
    const found = (row: CommandRow | undefined): void => {
      if (row?.business === ask.business) {
        return host.load(row.business, row.key, [], (loaded) => finish(replayOf(host, row, fingerprint, loaded)))
      }
      // Another business's, if there is one: the commit will say so. Meanwhile the shard may have gone, and the group memory.
      if (held[shardOf(ask.key)] === 0) return fail(new ShardMoved())
      const here = groups.of(ask.business, ask.key)
      return here.size < mailboxSizeMax ? admitTo(here) : fail(new MailboxFull({ retryAfterMs }))
    }
    const failed = (cause: unknown): void => fail(new ActorUnavailable({ cause }))
    runFork(Effect.match(journal.command(id), { onFailure: failed, onSuccess: found }))
  }

  // Reference data first: no turn of a business runs without it.
  yield* businesses.readAll
  yield* take(first)

  yield* Housekeeping.start({
    groups,
    open,
    commit: committer.submit,
    now,
    leaving: (group) => saveSnapshots(group.business, group.dataKey, group.snapshots(passivationSnapshotEvents))
  })
  const others = yield* Others.make({ businesses, tell })

  const actors = Actors.of({
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
        const shard = shardOf(key)
        if (held[shard] === 0) return refuse(new ShardMoved())
        if (!host.hasRoom()) return refuse(new MailboxFull({ retryAfterMs }))
        let row: InboxRow
        try {
          const text = codec.command(command, undefined, id)
          row = { id, business, key, shard, command: text, deliverAt: atOnce, at: now() }
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
    ...Reading.make((business, key) => (held[shardOf(key)] === 1 ? groups.of(business, key) : undefined)),
    ...Lookups.make({ journal, sealer, codec, load }),
    business: (id) => businesses.get(id),
    businesses: () => businesses.all(),
    learn: (ids) => businesses.learn(ids),
    onCommitted: joining(listeners),
    committedOffset: committer.committedOffset,
    holds: (shard) => held[shard] === 1,
    onHeld: joining(holdListeners),
    onNotice: joining(noticeListeners),
    hearsOthers: others.areHeard,
    statistics: () => ({
      runner,
      residentGroups: groups.size,
      openCommands: open.size,
      meter,
      committer: committer.statistics()
    })
  })
  const placed: Placed = {
    take,
    release: (shards) =>
      Effect.suspend(() => {
        surrender(shards)
        return committer.release(shards)
      }),
    look: delivery.look,
    onSentElsewhere: (listener) => {
      sentElsewhere = listener
    },
    hearOthers: others.hear
  }
  return { actors, placed }
})

/** A runner alone: it holds every shard. */
export const layer: Layer.Layer<Actors, JournalUnavailable, Journal | Sealer> = Layer.effect(
  Actors,
  Effect.map(make(allShards), ({ actors }) => actors)
)
