/**
 * Computes segments anew: when they are saved, on demand, by their schedule. One runner does it for a business, the one
 * that holds it. A computation is taken over in one transaction in which nobody is judged: membership, joins and leaves,
 * timers, and the version in force change together, once (SEG-4). What was asked is in a table, so a crash begins it anew.
 *
 *     asked ─► journal's ends ─► collect ─► who changed meanwhile, anew ─► lock ─► the last of them ─► take over
 */
import type { Definition } from "#domain/definition/Definition.ts"
import { nextRefresh, type SegmentDefinition } from "#domain/segment/Segment.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import type { Actors } from "../actor/Actors.ts"
import type { Definitions } from "../actor/Definitions.ts"
import { allShards } from "../actor/Placement.ts"
import * as ProjectionCursors from "../projection/ProjectionCursors.ts"
import type { Evaluation, Mark, Subject } from "./Evaluation.ts"
import { liveSegmentsName } from "./LiveSegments.ts"
import type { Store } from "./LateStore.ts"
import type { SegmentExport } from "./SegmentExportNotice.ts"
import { SegmentStoreUnavailable } from "./SegmentDatabase.ts"
import { type Takeover, remove, switchOff } from "./Takeover.ts"

/** Asked-for segments are looked for this often even if nobody said that there are any. */
const lookIntervalMs = 1_000
/** A segment that could not be computed is tried again after this long, and twice as long each time, up to the bound. */
const retryFirstMs = 1_000
const retryMaxMs = 300_000
const doublingsMax = 10
/** What changed meanwhile is caught up with outside the lock until it is so little, or so often. */
const roundsMax = 10
const fewContacts = 200

interface Asked {
  readonly business: string
  readonly segment: string
  readonly asked: string | null
  readonly asks: bigint
}

const readAsked =
  "SELECT business, segment, asked, asks FROM segment_state WHERE shard = ANY ($1::smallint[]) AND " +
  "(asked IS NOT NULL OR next_run_at <= $2::bigint) AND (retry_at IS NULL OR retry_at <= $2::bigint) ORDER BY asked_at NULLS FIRST LIMIT 20"
const readNext =
  "SELECT min(greatest(next_run_at, retry_at)) AS next FROM segment_state WHERE shard = ANY ($1::smallint[])"
/** Who asks while it fails has it tried at once. */
const noteFailure =
  "UPDATE segment_state SET failure = $3::text, failures = failures + 1, retry_at = CASE WHEN asks = $4::bigint THEN " +
  `$5::bigint + least(${retryMaxMs}, ${retryFirstMs} * 2 ^ least(failures, ${doublingsMax}))::bigint END ` +
  "WHERE business = $1::uuid AND segment = $2::uuid"
const forgetCandidates = "DELETE FROM segment_candidate WHERE run = ANY ($1::uuid[])"
/** Those that failed, or whose beginner is gone, or will find that they are. */
const removeFruitless =
  "DELETE FROM segment_run WHERE business = $1::uuid AND segment = $2::uuid AND state IN ('RUNNING', 'FAILED') RETURNING id"
const beginRun =
  "INSERT INTO segment_run (id, business, segment, version, asked, state, started_at) " +
  "VALUES ($1::uuid, $2::uuid, $3::uuid, $4::integer, $5::text, 'RUNNING', $6::bigint)"
const failRun = "UPDATE segment_run SET state = 'FAILED', ended_at = $2::bigint, failure = $3::text WHERE id = $1::uuid"

export interface RefresherOptions {
  readonly sql: SqlClient
  readonly actors: Actors["Service"]
  readonly definitions: Definitions["Service"]
  readonly store: Store
  readonly evaluation: Evaluation
  readonly takeOver: Takeover
  /** Has the recipients of an automatic export told; within the transaction that takes the refresh over. */
  readonly notice: (asked: SegmentExport) => Effect.Effect<void, SqlError>
  /** Told once something was taken over, and is durable. */
  readonly taken: () => void
}

const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  // It holds nothing of what was asked.
  if (error instanceof SegmentStoreUnavailable) return `${error._tag}: ${error.operation} ${error.reason}`
  if (typeof error === "object" && error !== null && "_tag" in error) return String(error._tag)
  return error instanceof Error ? error.name : "unknown"
}

export const make = Effect.fnUntraced(function* (options: RefresherOptions) {
  const { sql, actors, definitions, store, evaluation, takeOver, notice, taken } = options
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const wake = yield* Latch.make(true)
  const cursors = ProjectionCursors.make(sql)
  const held = (): string => `{${allShards.filter(actors.holds).join(",")}}`

  /** The ends of the journal, and who is in what is named, before anybody is looked at. */
  const markOf = Effect.fnUntraced(function* (subject: Subject) {
    const mark: Mark = { journal: yield* cursors.heads, segments: yield* evaluation.segmentsAt(subject) }
    yield* store.caughtUp(mark.journal)
    return mark
  })

  const compute = Effect.fnUntraced(function* (
    { business, segment, asked, asks }: Asked,
    definition: Definition<SegmentDefinition>
  ) {
    const { body, version } = definition
    const { mode } = body.refresh
    const at = now()
    const run = randomUUID()
    const subject: Subject = { run, business, sets: body.sets, at, isLive: mode === "LIVE" }
    const reason = asked ?? "SCHEDULE"
    const fruitless = yield* sql.unsafe<{ id: string }>(removeFruitless, [business, segment])
    if (fruitless.length > 0) {
      yield* sql.unsafe(forgetCandidates, [`{${fruitless.map(({ id }) => id).join(",")}}`])
    }
    yield* sql.unsafe(beginRun, [run, business, segment, version, reason, BigInt(at)])
    const collected = Effect.gen(function* () {
      let mark = yield* markOf(subject)
      // Nobody is in by rule where there is none to follow.
      if (mode !== "NEVER") yield* evaluation.collect(subject)
      if (subject.isLive) {
        for (let round = 0; round < roundsMax; round++) {
          const next = yield* markOf(subject)
          const touched = yield* evaluation.collectAgain({ ...subject, at: now() }, mark, next.journal)
          mark = { ...mark, journal: next.journal }
          if (touched <= fewContacts) break
        }
      }
      return yield* takeOver({
        subject,
        segment,
        version,
        reason,
        asks: Number(asks),
        mark,
        nextRunAt: nextRunOf(business, body, now()),
        notice:
          body.export === undefined ? Effect.void : notice({ id: run, business, segmentId: segment, ...body.export }),
        catchUp: Effect.gen(function* () {
          const upTo = yield* cursors.load(liveSegmentsName)
          yield* store.caughtUp(upTo)
          if (subject.isLive) yield* evaluation.collectAgain({ ...subject, at: now() }, mark, upTo)
        })
      })
    })
    const exit = yield* Effect.exit(collected)
    if (Exit.isSuccess(exit)) return taken()
    yield* sql.unsafe(failRun, [run, BigInt(now()), reasonOf(exit.cause)])
    yield* sql.unsafe(forgetCandidates, [`{${run}}`])
    return yield* Effect.failCause(exit.cause)
  })

  const nextRunOf = (business: string, { refresh }: SegmentDefinition, after: number): number | undefined => {
    if (refresh.mode !== "SCHEDULED" || refresh.cron === undefined) return undefined
    const timeZone = refresh.timeZone ?? actors.business(business)?.timeZone ?? "UTC"
    return nextRefresh(refresh.cron, timeZone, after)
  }

  const settle = Effect.fnUntraced(function* (asked: Asked) {
    const { business, segment } = asked
    const definition = (yield* definitions.confirmed([business], "segments")).get(business)?.[segment]
    if (definition === undefined) return yield* remove(sql, business, segment)
    const { mode } = definition.body.refresh
    const isDue = asked.asked === null
    if (definition.state === "INACTIVE") {
      return yield* switchOff(sql, { business, segment, asks: Number(asked.asks), nextRunAt: undefined })
    }
    // Saved, and computed when somebody asks for it or its time comes.
    const waits = asked.asked === "DEFINITION" && (mode === "ON_DEMAND" || mode === "SCHEDULED")
    if (waits) {
      const nextRunAt = nextRunOf(business, definition.body, now())
      return yield* switchOff(sql, { business, segment, asks: Number(asked.asks), nextRunAt })
    }
    if (isDue && mode !== "SCHEDULED") {
      return yield* switchOff(sql, { business, segment, asks: Number(asked.asks), nextRunAt: undefined })
    }
    return yield* compute(asked, definition)
  })

  const attempt = Effect.fnUntraced(function* (asked: Asked) {
    const exit = yield* Effect.exit(settle(asked))
    if (Exit.isSuccess(exit)) return true
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    const reason = reasonOf(exit.cause)
    yield* Effect.logWarning(`segment ${asked.segment} could not be computed`, reason)
    yield* Effect.ignore(sql.unsafe(noteFailure, [asked.business, asked.segment, reason, asked.asks, BigInt(now())]))
    return false
  })

  const step = Effect.gen(function* () {
    yield* wake.close
    const rows = yield* sql.unsafe<Asked>(readAsked, [held(), BigInt(now())])
    let failed = false
    for (const asked of rows) failed = !(yield* attempt(asked)) || failed
    // Also where the failure could not be noted.
    if (failed) return yield* Effect.raceFirst(Effect.sleep(lookIntervalMs), wake.await)
    if (rows.length > 0) return
    const [row] = yield* sql.unsafe<{ next: bigint | null }>(readNext, [held()])
    const next = row === undefined || row.next === null ? Number.POSITIVE_INFINITY : Number(row.next)
    const wait = Math.max(0, Math.min(lookIntervalMs, next - now()))
    yield* Effect.raceFirst(Effect.sleep(wait), wake.await)
  })
  // Also after a fault of the code: nobody would begin the fiber again.
  const steady = Effect.catchCause(step, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.andThen(Effect.logWarning("segments wait to be computed", reasonOf(cause)), Effect.sleep(lookIntervalMs))
  )
  yield* Effect.forkScoped(Effect.forever(steady))

  return {
    /** Something was asked for, durably. */
    wake: (): void => void wake.openUnsafe()
  }
})
