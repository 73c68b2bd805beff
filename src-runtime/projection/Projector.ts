/**
 * Keeps views of the journal up to date: reads each shard after the projection's cursor, decodes what the projection
 * wants, and writes its rows and the moved cursor in one transaction, so that an event takes effect once whatever is
 * killed when, and two runners cannot both apply it. Woken by commits of this runner, and each second in case it missed one;
 * what this runner committed a moment ago need not be read back.
 *
 * Projections run apart: one that throws stands still with its reason in `status`, holds up no other, and never skips;
 * `rebuild` empties it and starts from zero. An unreachable database is waited for.
 */
import type { Event } from "#domain/Event.ts"
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
import { Codec, Unreadable } from "../journal/Codec.ts"
import { Journal, type JournalUnavailable, type OffsetRange } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import type { Trace } from "../observability/Trace.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "./DataKeys.ts"
import { FreshEvents } from "./FreshEvents.ts"
import type { Committed, Projection } from "./Projection.ts"
import * as ProjectionCursors from "./ProjectionCursors.ts"
import { CursorMoved, type Position } from "./ProjectionCursors.ts"
import { isTransient, reasonOf } from "./ProjectionFailure.ts"
import { ProjectionBehind, ViewUnavailable } from "./ViewRefusal.ts"

/** Events read at a time and applied in one transaction, over all shards. */
const batchEventsMax = 2_000
/** A projection that was woken waits this long for more to read, unless a reader waits for it. */
const gatherMs = 200
/** Then it waits only for what is committed in the same moment. */
const hurriedGatherMs = 5
/** Data keys asked for at once: some connections are left for everybody else. */
const readsAtOnceMax = 4
/** The journal is looked at this often even if no commit was heard of; an unreachable one is tried again as often. */
const pollIntervalMs = 1_000
/** How often a reader looks how far other runners have read. */
const elsewhereIntervalMs = 25
/** How long a reader waits for a view to catch up. */
const waitMaxMs = 1_000

export interface ProjectionStatus {
  readonly projection: string
  readonly state: "RUNNING" | "STOPPED"
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

/** What stands behind a name: where it is, and who waits for it. */
interface Reading {
  readonly projection: Projection
  /** By shard: the last event applied. */
  readonly offsets: Map<number, number>
  readonly fresh: FreshEvents
  readonly wake: Latch.Latch
  /** Open while a reader waits. */
  readonly hurry: Latch.Latch
  /** Held by a pass and by a rebuild. */
  readonly turn: Semaphore.Semaphore
  readonly waiting: Set<() => void>
  state: ProjectionStatus["state"]
  reason: string | undefined
}

const make = Effect.fn("Projector.make")(function* (projections: ReadonlyArray<Projection>) {
  const sql = yield* SqlClient
  const journal = yield* Journal
  const actors = yield* Actors
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)
  const cursors = ProjectionCursors.make(sql)
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context())
  /** The last offset of each shard that is known to be committed. */
  const heads = new Map<number, number>()
  const names = projections.map((projection) => projection.name)

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
    Effect.map(cursors.load(reading.projection.name), (positions) => moved(reading, positions))
  const reloadElsewhere = (reading: Reading) =>
    Effect.map(cursors.load(reading.projection.name), (positions) =>
      moved(
        reading,
        positions.filter(({ shard }) => !actors.holds(shard))
      )
    )

  /** Of the shards that are held here: each is read where its actors are, and by nobody else. */
  const shardsBehind = (reading: Reading): ReadonlyArray<readonly [shard: number, head: number]> =>
    [...heads].filter(([shard, head]) => head > (reading.offsets.get(shard) ?? 0) && actors.holds(shard))

  /** The ranges to read now: all shards together, a batch at most. */
  const rangesOf = (reading: Reading): ReadonlyArray<OffsetRange> => {
    const shards = shardsBehind(reading)
    const each = Math.max(1, Math.floor(batchEventsMax / Math.max(1, shards.length)))
    return shards.map(([shard, head]) => {
      const after = reading.offsets.get(shard) ?? 0
      return { shard, after, upTo: Math.min(head, after + each) }
    })
  }

  const read = Effect.fnUntraced(function* (reading: Reading, ranges: ReadonlyArray<OffsetRange>) {
    const { rows, shardsWithHoles } = yield* journal.scan(ranges, reading.projection.types)
    const hole = ranges.find(({ shard }) => shardsWithHoles.includes(shard))
    if (hole === undefined) return rows
    // An offset that was never written, or a row that is gone: nothing may be built on that.
    const row = `shard ${hole.shard}/${hole.after + 1}..${hole.upTo}`
    return yield* new Unreadable({ row, reason: "an event is missing from the journal" })
  })

  const decode = (
    reading: Reading,
    rows: ReadonlyArray<EventRow>
  ): Effect.Effect<ReadonlyArray<Committed>, JournalUnavailable> => {
    if (!reading.projection.opensPersonalData) {
      return Effect.sync(() => rows.map((row) => ({ row, event: codec.readEvent(row, undefined) })))
    }
    return Effect.forEach(
      rows,
      (row) => Effect.map(keys.get(row.business, row.key), (key) => ({ row, event: codec.readEvent(row, key) })),
      { concurrency: readsAtOnceMax }
    )
  }

  /** One batch: read, decode, apply and move the cursors. Says whether it was full, so that there is more. */
  const pass = Effect.fnUntraced(function* (reading: Reading) {
    const { projection } = reading
    const startedAt = performance.now()
    const ranges = rangesOf(reading)
    const events = reading.fresh.within(ranges) ?? (yield* decode(reading, yield* read(reading, ranges)))
    yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* cursors.move(
          projection.name,
          ranges.map(({ shard, after, upTo }) => ({ shard, before: after, after: upTo }))
        )
        if (events.length > 0) yield* projection.apply(sql, events)
      })
    )
    reading.reason = undefined
    reading.fresh.forget(ranges)
    const traces = new Set<Trace>()
    for (const { trace } of events) if (trace !== undefined) traces.add(trace)
    for (const trace of traces) {
      trace.child("projection", { "koinon.projection": projection.name }, startedAt).end()
    }
    moved(
      reading,
      ranges.map(({ shard, upTo }): Position => ({ shard, offset: upTo }))
    )
    return ranges.some(({ shard, upTo }) => upTo < (heads.get(shard) ?? 0))
  })

  /** Runs one batch, or waits until there is something to do. */
  const step = Effect.fnUntraced(function* (reading: Reading) {
    const { name } = reading.projection
    yield* reading.wake.await
    yield* reading.wake.close
    if (reading.state === "STOPPED" || shardsBehind(reading).length === 0) return
    // A crowd of commits shares one pass.
    yield* Effect.raceFirst(Effect.sleep(gatherMs), Effect.andThen(reading.hurry.await, Effect.sleep(hurriedGatherMs)))
    const exit = yield* Effect.exit(reading.turn.withPermit(pass(reading)))
    if (Exit.isSuccess(exit)) return exit.value ? reading.wake.openUnsafe() : undefined
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    // Whatever it was, unless it stops here, there is still something to read.
    reading.wake.openUnsafe()
    const error = Cause.squash(exit.cause)
    if (error instanceof CursorMoved) return yield* Effect.ignore(reading.turn.withPermit(reload(reading)))
    reading.reason = reasonOf(error)
    if (isTransient(error)) {
      yield* Effect.logWarning(`the projection ${name} waits for the database`, reading.reason)
      // A connection lost during the commit leaves open whether the cursors have moved.
      return yield* Effect.delay(Effect.ignore(reading.turn.withPermit(reload(reading))), pollIntervalMs)
    }
    reading.state = "STOPPED"
    for (const look of reading.waiting) look()
    yield* Effect.logError(`the projection ${name} has stopped`, reading.reason)
  })

  const start = Effect.fnUntraced(function* (projection: Projection) {
    yield* cursors.create(projection.name)
    const reading: Reading = {
      projection,
      offsets: new Map(),
      fresh: new FreshEvents(new Set(projection.types)),
      wake: yield* Latch.make(true),
      hurry: yield* Latch.make(false),
      turn: yield* Semaphore.make(1),
      waiting: new Set(),
      state: "RUNNING",
      reason: undefined
    }
    yield* reload(reading)
    return reading
  })

  const readings = yield* view("Projector", Effect.forEach(projections, start))
  const readingOf = (name: string): Reading => {
    const reading = readings.find(({ projection }) => projection.name === name)
    if (reading === undefined) throw new Error(`no projection is named ${name}`)
    return reading
  }

  const personalTypes = new Set<Event["_tag"]>(
    projections.flatMap((each) => (each.opensPersonalData ? each.types : []))
  )
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onCommitted((turn) => {
        const { business, key, shard, events, dataKey } = turn
        const last = events.at(-1)
        if (last === undefined) return
        sawHead({ shard, offset: last.row.offset })
        if (dataKey !== undefined && events.some(({ event }) => personalTypes.has(event._tag))) {
          keys.remember(business, key, dataKey)
        }
        // What a projection does not want it passes over later, with the next event that it does, or at the next poll.
        for (const reading of readings) if (reading.fresh.hear(turn)) reading.wake.openUnsafe()
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  // Whoever read a shard before has moved its cursors.
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onHeld((shards) => {
        if (![...shards].some(actors.holds)) return
        for (const reading of readings) runFork(Effect.ignore(reading.turn.withPermit(reload(reading))))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  yield* Effect.forEach(readings, (reading) => Effect.forkScoped(Effect.forever(step(reading))))
  yield* readHeads.pipe(
    Effect.tap(() => Effect.sync(() => readings.forEach(({ wake }) => wake.openUnsafe()))),
    Effect.catch((error) => Effect.logWarning("the journal's shards cannot be read", reasonOf(error))),
    Effect.andThen(Effect.sleep(pollIntervalMs)),
    Effect.forever,
    Effect.forkScoped
  )

  const behind = (reading: Reading) =>
    new ProjectionBehind({
      projection: reading.projection.name,
      lagEvents: shardsBehind(reading).reduce(
        (lag, [shard, head]) => lag + head - (reading.offsets.get(shard) ?? 0),
        0
      ),
      ...(reading.reason !== undefined && { reason: reading.reason })
    })

  return Projector.of({
    waitFor: Effect.fn("Projector.waitFor")(function* (name, upTo) {
      const reading = readingOf(name)
      const targets = upTo ?? (yield* view(name, readHeads))
      const isThere = () => targets.every(({ shard, offset }) => offset <= (reading.offsets.get(shard) ?? 0))
      if (isThere()) return
      // Only the journal says which positions exist: a reader may be told of one that does not.
      if (upTo !== undefined) yield* view(name, readHeads)
      reading.wake.openUnsafe()
      // What other runners read moves cursors that only the database knows.
      const elsewhere = targets.some(
        ({ shard, offset }) => !actors.holds(shard) && offset > (reading.offsets.get(shard) ?? 0)
      )
      const looking = elsewhere
        ? view(name, Effect.forever(Effect.delay(reloadElsewhere(reading), elsewhereIntervalMs)))
        : Effect.never
      const arrived = Effect.callback<void, ProjectionBehind>((resume) => {
        const leave = (): void => {
          reading.waiting.delete(look)
          if (reading.waiting.size === 0) reading.hurry.closeUnsafe()
        }
        const look = (): void => {
          if (!isThere() && reading.state !== "STOPPED") return
          leave()
          resume(isThere() ? Effect.void : Effect.fail(behind(reading)))
        }
        reading.waiting.add(look)
        reading.hurry.openUnsafe()
        look()
        return Effect.sync(leave)
      })
      yield* Effect.raceFirst(arrived, looking).pipe(
        Effect.timeoutOrElse({ duration: waitMaxMs, orElse: () => Effect.fail(behind(reading)) })
      )
    }),
    rebuild: Effect.fn("Projector.rebuild")(function* (name) {
      const reading = readingOf(name)
      yield* view(
        name,
        reading.turn.withPermit(
          Effect.gen(function* () {
            yield* sql.withTransaction(Effect.andThen(cursors.reset(name), reading.projection.reset(sql)))
            reading.state = "RUNNING"
            reading.reason = undefined
            yield* reload(reading)
          })
        )
      )
      reading.wake.openUnsafe()
    }),
    status: Effect.gen(function* () {
      const lags = yield* view("Projector", cursors.lags(names))
      const now = clock.currentTimeMillisUnsafe()
      return readings.map(({ projection, state, reason }): ProjectionStatus => {
        const { events = 0, oldestAt = now } = lags.get(projection.name) ?? {}
        return {
          projection: projection.name,
          state,
          ...(reason !== undefined && { reason }),
          lagEvents: events,
          lagMs: Math.max(0, now - oldestAt)
        }
      })
    })
  })
})

export const layer = (
  projections: ReadonlyArray<Projection>
): Layer.Layer<Projector, ViewUnavailable, SqlClient | Journal | Sealer | DataKeys | Actors> =>
  Layer.effect(Projector, make(projections))
