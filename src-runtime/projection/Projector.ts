/**
 * Keeps views of the journal up to date: reads each shard after the projection's cursor, decodes what the projection
 * wants, and writes its rows and the moved cursor in one transaction, so that an event takes effect once whatever is
 * killed when, and two runners cannot both apply it. Woken by commits of this runner, and each second in case it missed one;
 * what this runner committed a moment ago need not be read back. A view in a store of its own is written
 * before its cursor instead, as often as it takes (see `ProjectionSink`).
 *
 * Projections run apart: one that throws stands still with its reason in `status`, holds up no other, and never skips;
 * `rebuild` empties it and starts from zero. An unreachable database is waited for.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { allShards } from "../actor/Placement.ts"
import { Codec, isSealed } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import type { Trace } from "../observability/Trace.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "./DataKeys.ts"
import * as Fetching from "./Fetching.ts"
import { FreshEvents } from "./FreshEvents.ts"
import * as Pace from "./Pace.ts"
import type { Committed } from "./Projection.ts"
import * as ProjectionCursors from "./ProjectionCursors.ts"
import { CursorMoved, type Lag, type Move, type Position } from "./ProjectionCursors.ts"
import { isTransient, reasonOf } from "./ProjectionFailure.ts"
import { ReadersElsewhere } from "./ReadersElsewhere.ts"
import { type AnyProjection, isOutside, sinkOf } from "./ProjectionSink.ts"
import * as RebuildsFollowed from "./RebuildsFollowed.ts"
import { movesTo, rangesOf, type Reading, shardsBehind, takeAhead, unstored } from "./Reading.ts"
import { type ProjectionBehind, ViewUnavailable } from "./ViewRefusal.ts"
import * as WaitingReaders from "./WaitingReaders.ts"

/** Events read at a time and applied in one transaction, over all shards, unless the projection says otherwise. */
const batchEventsMax = 2_000
/** Where a reader waits for a view, it waits only for what is committed in the same moment. */
const hurriedGatherMs = 5
/** The journal is looked at this often even if no commit was heard of; an unreachable one is tried again as often. */
const pollIntervalMs = 1_000
/** Of a view from which nothing follows, the cursor is stored this often. */
const storeIntervalMs = 1_000
/** Views that use a connection at a time, however many there are and whatever they wait for: commands have the others. */
const passesAtOnceMax = 4

export interface ProjectionStatus {
  readonly projection: string
  /** FILLING: a store of its own is read into from where it was left, or from zero, and has not caught up yet. */
  readonly state: "RUNNING" | "STOPPED" | "FILLING"
  /** Why it stopped, or what it is waiting for. */
  readonly reason?: string
  /** Committed and not yet in the view. */
  readonly lagEvents: number
  /** How long the oldest of them has been waiting. */
  readonly lagMs: number
}

export class Projector extends Context.Service<
  Projector,
  {
    /**
     * Returns once the view holds all that is committed up to the positions; without any, all that was committed before
     * the call. At most a second; at once when the projection stands still.
     */
    readonly waitFor: (
      projection: string,
      upTo?: ReadonlyArray<Position>
    ) => Effect.Effect<void, ProjectionBehind | ViewUnavailable>
    /** Empties the view and its cursors in one transaction and reads from zero; returns before it has caught up. */
    readonly rebuild: (projection: string) => Effect.Effect<void, ViewUnavailable>
    readonly status: Effect.Effect<ReadonlyArray<ProjectionStatus>, ViewUnavailable>
  }
>()("koinon/runtime/Projector") {}

const make = Effect.fn("Projector.make")(function* (projections: ReadonlyArray<AnyProjection>) {
  const sql = yield* SqlClient
  const journal = yield* Journal
  const actors = yield* Actors
  const keys = yield* DataKeys
  const readers = yield* ReadersElsewhere
  const cursors = ProjectionCursors.make(sql)
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context())
  const fresh = new FreshEvents(projections.map(({ types }) => types))
  const fetching = Fetching.make({ actors, journal, codec: new Codec(yield* Sealer), keys, fresh })
  /** The last offset of each shard that is known to be committed. */
  const heads = new Map<number, number>()
  /** How far it is stands in memory: its cursors are kept elsewhere, or stored later. */
  const isToldFromMemory = (projection: AnyProjection): boolean =>
    isOutside(projection) || projection.isQuiet !== undefined
  const names = projections.flatMap((projection) => (isToldFromMemory(projection) ? [] : [projection.name]))

  const view = <A, E>(name: string, effect: Effect.Effect<A, E>): Effect.Effect<A, ViewUnavailable> =>
    Effect.mapError(effect, (cause) => new ViewUnavailable({ view: name, cause }))

  const sawHead = ({ shard, offset }: Position): void => {
    if ((heads.get(shard) ?? 0) < offset) heads.set(shard, offset)
  }
  const readHeads = Effect.tap(cursors.heads, (found) => Effect.sync(() => found.forEach(sawHead)))

  /** The only place where a reading gets on: whoever waits for it looks again. */
  const moved = (reading: Reading, positions: ReadonlyArray<Position>): void => {
    for (const { shard, offset } of positions) reading.offsets.set(shard, offset)
    for (const look of reading.waiting) look()
  }
  const reload = (reading: Reading) =>
    Effect.map(reading.sink.load, (positions) => {
      for (const { shard, offset } of positions) reading.stored.set(shard, offset)
      moved(reading, positions)
    })
  const reloadElsewhere = (reading: Reading) =>
    Effect.map(reading.sink.load, (positions) =>
      moved(
        reading,
        positions.filter(({ shard }) => !reading.reads(shard))
      )
    )

  const connections = yield* Semaphore.make(passesAtOnceMax)
  /** Nothing else of this view meanwhile. */
  const inTurn = <A, E>(reading: Reading, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    reading.turn.withPermit(isOutside(reading.projection) ? work : connections.withPermit(work))

  const store = (reading: Reading, moves: ReadonlyArray<Move>, events: ReadonlyArray<Committed>) =>
    Effect.map(reading.sink.apply(moves, events, Pace.pauseIn(reading)), () => {
      for (const { shard, after } of moves) reading.stored.set(shard, after)
      reading.storedAt = performance.now()
    })
  const isStale = ({ storedAt }: Reading): boolean => performance.now() - storedAt >= storeIntervalMs

  const followsNothing = (reading: Reading, events: ReadonlyArray<Committed>) => {
    const { projection } = reading
    if (isOutside(projection) || projection.isQuiet === undefined || isStale(reading)) return Effect.succeed(false)
    return projection.isQuiet(events)
  }

  /** One batch: read, decode, apply and move the cursors. It is behind if the batch was full: what comes meanwhile wakes it. */
  const pass = Effect.fnUntraced(function* (reading: Reading) {
    const { projection } = reading
    const startedAt = performance.now()
    const ranges = rangesOf(reading, heads)
    const isFull = ranges.some(({ shard, upTo }) => upTo < (heads.get(shard) ?? 0))
    const events = takeAhead(reading, ranges) ?? (yield* fetching.fetch(reading, ranges))
    if (!(yield* followsNothing(reading, events))) {
      // A store of its own is written while the next batch is read; the database has enough to do with one of the two.
      const next = isOutside(projection) ? rangesOf(reading, heads, ranges) : []
      const write = store(reading, movesTo(reading, ranges), events)
      if (next.length === 0) yield* write
      else yield* Effect.all([write, fetching.ahead(reading, next)], { concurrency: 2 })
    }
    reading.reason = undefined
    reading.restMs = Pace.restAfter(projection, performance.now() - startedAt)
    const traces = new Set<Trace>()
    for (const { trace } of events) if (trace !== undefined) traces.add(trace)
    for (const trace of traces) {
      trace.child("projection", { "koinon.projection": projection.name }, startedAt).end()
    }
    moved(
      reading,
      ranges.map(({ shard, upTo }): Position => ({ shard, offset: upTo }))
    )
    reading.isBehind = isFull
  })

  /** Nothing is lost if it fails: what lies between is read again by whoever holds the shard. */
  const storeWhatFollowed = (reading: Reading) => {
    const behind = isStale(reading) ? unstored(reading) : []
    if (behind.length === 0) return Effect.void
    return Effect.ignore(
      inTurn(
        reading,
        Effect.catch(
          Effect.suspend(() => store(reading, movesTo(reading, behind), [])),
          () => reload(reading)
        )
      )
    )
  }

  const takeTime = ({ hurry, waiting }: Reading): void => {
    if (waiting.size === 0) hurry.closeUnsafe()
  }
  /** For one pass; and what was passed over is stored with it, for that is what a reader elsewhere sees. */
  const hurryFor = (view: string): void => {
    const reading = readings.find(({ projection }) => projection.name === view)
    if (reading === undefined) return
    reading.storedAt = Number.NEGATIVE_INFINITY
    reading.hurry.openUnsafe()
    reading.wake.openUnsafe()
  }

  /** Runs one batch, or waits until there is something to do. */
  const step = Effect.fnUntraced(function* (reading: Reading) {
    const { name } = reading.projection
    yield* reading.wake.await
    yield* reading.wake.close
    if (reading.state === "STOPPED") return
    if (shardsBehind(reading, heads).length === 0) {
      if (heads.size > 0) reading.isFilling = false
      takeTime(reading)
      return yield* storeWhatFollowed(reading)
    }
    const gathered = Effect.sleep(Pace.waitBefore(reading))
    yield* Effect.raceFirst(gathered, Effect.andThen(reading.hurry.await, Effect.sleep(hurriedGatherMs)))
    takeTime(reading)
    const exit = yield* Effect.exit(inTurn(reading, pass(reading)))
    // A filling one once more, if only to find that there is nothing left.
    if (Exit.isSuccess(exit)) return reading.isBehind || reading.isFilling ? reading.wake.openUnsafe() : undefined
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    // Whatever it was, unless it stops here, there is still something to read.
    reading.wake.openUnsafe()
    const error = Cause.squash(exit.cause)
    if (error instanceof CursorMoved) {
      return yield* Effect.catch(inTurn(reading, reload(reading)), () => Effect.sleep(pollIntervalMs))
    }
    reading.reason = reasonOf(error)
    if (isTransient(error)) {
      yield* Effect.logWarning(`the projection ${name} waits for the database`, reading.reason)
      // A connection lost during the commit leaves open whether the cursors have moved.
      return yield* Effect.delay(Effect.ignore(inTurn(reading, reload(reading))), pollIntervalMs)
    }
    reading.state = "STOPPED"
    for (const look of reading.waiting) look()
    yield* Effect.logError(`the projection ${name} has stopped`, reading.reason)
  })

  const start = Effect.fnUntraced(function* (projection: AnyProjection, place: number) {
    const outside = isOutside(projection) ? projection : undefined
    const { gatherMs = Pace.gatherMs } = projection
    if (outside === undefined) yield* cursors.create(projection.name)
    const reading: Reading = {
      projection,
      place,
      sink: sinkOf(projection, sql, cursors),
      reads: outside?.everyShard === true ? () => true : actors.holds,
      gatherMs: typeof gatherMs === "function" ? gatherMs : () => gatherMs,
      restMs: 0,
      batchEventsMax: outside?.batchEventsMax ?? batchEventsMax,
      offsets: new Map(),
      stored: new Map(),
      storedAt: 0,
      wake: yield* Latch.make(true),
      hurry: yield* Latch.make(false),
      turn: yield* Semaphore.make(1),
      waiting: new Set(),
      state: "RUNNING",
      isFilling: outside !== undefined,
      isBehind: false,
      ahead: undefined,
      reason: undefined
    }
    // A store of its own may be away when everything else starts.
    yield* outside === undefined ? reload(reading) : Effect.ignore(reload(reading))
    return reading
  })

  const readings = yield* view("Projector", Effect.forEach(projections, start))
  const readingOf = (name: string): Reading => {
    const reading = readings.find(({ projection }) => projection.name === name)
    if (reading === undefined) throw new Error(`no projection is named ${name}`)
    return reading
  }

  const readingsOf = new Map<string, ReadonlyArray<Reading>>()
  for (const reading of readings) {
    for (const type of new Set(reading.projection.types))
      readingsOf.set(type, [...(readingsOf.get(type) ?? []), reading])
  }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onCommitted((turn) => {
        const { business, key, shard, events, dataKey } = turn
        const last = events.at(-1)
        if (last === undefined) return
        sawHead({ shard, offset: last.row.offset })
        if (dataKey !== undefined && events.some(({ event }) => isSealed(event._tag))) {
          keys.remember(business, key, dataKey)
        }
        fresh.hear(turn)
        // What a projection does not want it passes over later, with the next event that it does, or at the next poll.
        for (const { event } of events) {
          for (const { wake } of readingsOf.get(event._tag) ?? []) wake.openUnsafe()
        }
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  // Whoever read a shard before has moved its cursors.
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onHeld((shards) => {
        if (![...shards].some(actors.holds)) return
        for (const reading of readings) runFork(Effect.ignore(inTurn(reading, reload(reading))))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  yield* Effect.acquireRelease(
    Effect.sync(() => readers.onAsked(hurryFor)),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  for (const reading of readings) {
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        reading.sink.onLost?.(() => {
          reading.offsets.clear()
          reading.isFilling = true
          runFork(Effect.ignore(inTurn(reading, reload(reading))))
        })
      ),
      (unsubscribe) => Effect.sync(() => unsubscribe?.())
    )
  }
  yield* Effect.forEach(readings, (reading) => Effect.forkScoped(Effect.forever(step(reading))))
  yield* readHeads.pipe(
    Effect.tap(() => Effect.sync(() => readings.forEach(({ wake }) => wake.openUnsafe()))),
    Effect.catch((error) => Effect.logWarning("the journal's shards cannot be read", reasonOf(error))),
    Effect.andThen(Effect.sleep(pollIntervalMs)),
    Effect.forever,
    Effect.forkScoped
  )

  const outsideLag = (reading: Reading) =>
    Effect.andThen(
      allShards.every(reading.reads) ? Effect.void : Effect.ignore(reloadElsewhere(reading)),
      Effect.suspend(() => cursors.lagBehind(reading.offsets))
    )
  const now = (): number => clock.currentTimeMillisUnsafe()
  const again = (reading: Reading) => inTurn(reading, reload(reading))
  const asked = RebuildsFollowed.make({ sql, runner: actors.runner, readings, now, reload: again, lagOf: outsideLag })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(asked, pollIntervalMs)))

  const arrival = WaitingReaders.make({
    heads,
    readers,
    reloadElsewhere: (reading) => view(reading.projection.name, reloadElsewhere(reading))
  })

  return Projector.of({
    waitFor: Effect.fn("Projector.waitFor")(function* (name, upTo) {
      const reading = readingOf(name)
      const targets = upTo ?? (yield* view(name, readHeads))
      const isThere = targets.every(({ shard, offset }) => offset <= (reading.offsets.get(shard) ?? 0))
      if (isThere) return
      // Only the journal says which positions exist: a reader may be told of one that does not.
      if (upTo !== undefined) yield* view(name, readHeads)
      reading.wake.openUnsafe()
      yield* arrival(reading, targets)
    }),
    rebuild: Effect.fn("Projector.rebuild")(function* (name) {
      const reading = readingOf(name)
      yield* view(
        name,
        inTurn(
          reading,
          Effect.gen(function* () {
            yield* reading.sink.reset
            reading.isFilling = isOutside(reading.projection)
            reading.state = "RUNNING"
            reading.reason = undefined
            yield* reload(reading)
          })
        )
      )
      reading.wake.openUnsafe()
    }),
    status: Effect.gen(function* () {
      const lags = new Map<string, Lag>(yield* view("Projector", cursors.lags(names)))
      for (const reading of readings.filter(({ projection }) => isToldFromMemory(projection))) {
        lags.set(reading.projection.name, yield* view("Projector", outsideLag(reading)))
      }
      const at = now()
      return readings.map(({ projection, state, isFilling, reason }): ProjectionStatus => {
        const { events = 0, oldestAt = at } = lags.get(projection.name) ?? {}
        return {
          projection: projection.name,
          state: state === "RUNNING" && isFilling && events > 0 && reason === undefined ? "FILLING" : state,
          ...(reason !== undefined && { reason }),
          lagEvents: events,
          lagMs: Math.max(0, at - oldestAt)
        }
      })
    })
  })
})

export const layer = (
  projections: ReadonlyArray<AnyProjection>
): Layer.Layer<Projector, ViewUnavailable, SqlClient | Journal | Sealer | DataKeys | Actors> =>
  Layer.effect(Projector, make(projections))
