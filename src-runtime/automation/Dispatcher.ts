/**
 * Sets automations off. A projection looks at every event that can be a trigger, and a sink at every join and leave of a
 * segment; what they call for is written as runs, with a task in the outbox each, in the transaction that moves the cursor
 * or changes the membership. So there is exactly one run for each version of an automation and event (AUT-6), whatever is
 * killed when, and those of one contact are done in order (AUT-1).
 *
 * How far the journal was looked at is kept beside the cursor and outlives it: a rebuild sets nothing off a second time.
 */
import { type Trigger, triggeringTags, triggersOf } from "#domain/automation/Trigger.ts"
import type { Event } from "#domain/Event.ts"
import { type EventDocument, eventDocuments } from "#domain/segment/Facts.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import type { Actors } from "../actor/Actors.ts"
import type { PastDefinitions } from "../actor/PastDefinitions.ts"
import { shardOf } from "../actor/Placement.ts"
import { eventNameOf } from "../journal/EventPlace.ts"
import type { Outbox } from "../outbox/Outbox.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"
import type { Position } from "../projection/ProjectionCursors.ts"
import type { ProjectionWaits } from "../projection/ViewRefusal.ts"
import type { ChangeReason, SegmentChange, SegmentChangeSink } from "../segment/SegmentChange.ts"
import { type Candidate, candidatesOf, type Happening } from "./Candidates.ts"
import * as Causes from "./Causes.ts"
import type * as FilterJudgement from "./FilterJudgement.ts"
import { encodeBody } from "./RunBody.ts"
import * as RunRows from "./RunRows.ts"

export const automationsName = "automations"
/** A crowd of commits shares one pass; nobody waits longer for it. */
const gatherMs = 10

interface Options {
  readonly actors: Actors["Service"]
  readonly definitions: PastDefinitions
  readonly outbox: Outbox["Service"]
  readonly judge: ReturnType<typeof FilterJudgement.make>
}

const readPositions = "SELECT shard, shard_offset FROM automation_position WHERE shard = ANY ($1::smallint[])"
const movePositions =
  "INSERT INTO automation_position (shard, shard_offset) SELECT shard, shard_offset FROM json_to_recordset($1::json) " +
  "AS r(shard smallint, shard_offset bigint) ORDER BY shard ON CONFLICT (shard) DO UPDATE " +
  "SET shard_offset = greatest(automation_position.shard_offset, excluded.shard_offset)"

/** The events that were not looked at before, and noted as looked at from now on. */
const unseen = Effect.fnUntraced(function* (sql: SqlClient, events: ReadonlyArray<Committed>) {
  const ends = new Map<number, number>()
  for (const { row } of events) ends.set(row.shard, Math.max(ends.get(row.shard) ?? 0, row.offset))
  const rows = yield* sql.unsafe<{ shard: number; shard_offset: bigint }>(readPositions, [
    `{${[...ends.keys()].join(",")}}`
  ])
  const seen = new Map(rows.map(({ shard, shard_offset }) => [shard, Number(shard_offset)]))
  const fresh = events.filter(({ row }) => row.offset > (seen.get(row.shard) ?? 0))
  if (fresh.length > 0) {
    const moved = Array.from(ends, ([shard, offset]) => ({ shard, shard_offset: offset }))
    yield* sql.unsafe(movePositions, [recordset(moved)])
  }
  return fresh
})

/** A happening with what its facts are to be as of: an event's place, or an instant. */
interface Placed extends Happening, FilterJudgement.AsOf {}

/** What is changed for many at once is changed for what they are now; each of the others has an instant of its own. */
const atOnce: ReadonlySet<ChangeReason> = new Set<ChangeReason>(["DEFINITION", "REFRESH", "IMPORT", "REMOVAL"])

const valuesOf = (document: EventDocument | undefined): Happening["values"] => {
  if (document === undefined) return {}
  const { _id, business, contact, sequence, ...values } = document
  return values
}

const happeningOf = (committed: Committed, triggers: ReadonlyArray<Trigger>, cause: Cause | undefined): Placed => {
  const { event, row } = committed
  return {
    business: row.business,
    contact: row.key,
    triggers,
    eventId: eventNameOf(row),
    eventType: event._tag,
    at: row.at,
    values: valuesOf(eventDocuments(committed)[0]),
    cause,
    judgedBy: "judgedBy" in event ? event.judgedBy : undefined,
    position: { shard: row.shard, offset: row.offset },
    until: Number.POSITIVE_INFINITY
  }
}

const happeningOfChange = (change: SegmentChange): Placed => ({
  business: change.business,
  contact: change.contact,
  triggers: [change.kind === "JOINED" ? "SEGMENT_JOINED" : "SEGMENT_LEFT"],
  segmentId: change.segmentId,
  eventId: `segment/${change.id}`,
  eventType: change.kind === "JOINED" ? "SegmentJoined" : "SegmentLeft",
  at: change.at,
  values: { segment_id: change.segmentId, reason: change.reason },
  cause: change.cause,
  position: undefined,
  until: atOnce.has(change.reason) ? Number.POSITIVE_INFINITY : change.at
})

export const make = ({ actors, definitions, outbox, judge }: Options) => {
  const called = Effect.fnUntraced(function* (happenings: ReadonlyArray<Placed>) {
    const found: Array<readonly [Candidate, Placed]> = []
    const automationsAt = yield* definitions.at(happenings, "automations")
    for (const happening of happenings) {
      for (const candidate of candidatesOf(happening, automationsAt(happening))) {
        found.push([candidate, happening])
      }
    }
    return found
  })

  const wanted = Effect.fnUntraced(function* (sql: SqlClient, happenings: ReadonlyArray<Placed>) {
    const candidates = yield* called(happenings)
    const questions = candidates.flatMap(([{ filter }, { business, contact, at, position, until }]) =>
      filter === undefined ? [] : [{ business, contact, at, position, until, filter }]
    )
    const holds = questions.length === 0 ? [] : yield* judge(sql, questions, (those) => endsOf(actors, those))
    let judged = 0
    return candidates.flatMap(([candidate]) =>
      candidate.filter === undefined || holds[judged++] === true ? [candidate] : []
    )
  })

  const setOff = Effect.fnUntraced(function* (sql: SqlClient, happenings: ReadonlyArray<Placed>) {
    const candidates = yield* wanted(sql, happenings)
    if (candidates.length === 0) return
    const clock = yield* Clock.Clock
    const now = clock.currentTimeMillisUnsafe()
    const inserted = yield* RunRows.make(sql).insert(candidates.map(newRunOf), now)
    yield* outbox.enqueue(
      candidates
        .filter(({ runId, skipped }) => skipped === undefined && inserted.has(runId))
        .map((candidate) => taskOf(candidate, now))
    )
  })

  const projection: Projection = {
    name: automationsName,
    types: [...new Set<Event["_tag"]>([...triggeringTags, ...Causes.effectTags])],
    // Filters and templates look into what stands in the events, not into who she is; sealed events are read all the same.
    opensPersonalData: true,
    gatherMs,
    reset: () => Effect.void,
    isQuiet: Effect.fnUntraced(function* (events) {
      if (events.some(Causes.concerns)) return false
      const rows = events.map(({ row }) => row)
      const automationsAt = yield* definitions.at(rows, "automations")
      return rows.every((row) => Object.keys(automationsAt(row)).length === 0)
    }),
    apply: Effect.fnUntraced(function* (sql, events) {
      const fresh = yield* unseen(sql, events)
      if (fresh.length === 0) return
      const causes = yield* Causes.follow(sql, fresh)
      const happenings = fresh.flatMap((committed, index) => {
        const triggers = triggersOf(committed.event)
        return triggers.length === 0 ? [] : [happeningOf(committed, triggers, causes[index])]
      })
      yield* setOff(sql, happenings)
    })
  }
  const sink: SegmentChangeSink = (sql, changes) =>
    Effect.catchTag(setOff(sql, changes.map(happeningOfChange)), "ProjectionWaits", waitingIsTransient)

  return { projection, sink }
}

/** A sink fails in the words of SQL: that the store is away is as good as that the database is. */
const waitingIsTransient = (cause: ProjectionWaits): Effect.Effect<never, SqlError> =>
  Effect.fail(new SqlError({ reason: new ConnectionError({ cause, message: cause.reason }) }))

/** What the facts have to hold: each event that is judged, and of a change all that was committed about its contact. */
const endsOf = (actors: Actors["Service"], those: ReadonlyArray<FilterJudgement.Question>): ReadonlyArray<Position> => {
  const ends = new Map<number, number>()
  for (const { contact, position } of those) {
    const shard = position?.shard ?? shardOf(contact)
    const end = position?.offset ?? actors.committedOffset(shard)
    ends.set(shard, Math.max(ends.get(shard) ?? 0, end))
  }
  return Array.from(ends, ([shard, offset]) => ({ shard, offset }))
}

const newRunOf = ({
  happening,
  runId,
  automationId,
  version,
  trigger,
  actions,
  skipped
}: Candidate): RunRows.NewRun => ({
  id: runId,
  business: happening.business,
  contact: happening.contact,
  automation: automationId,
  version,
  trigger,
  event: happening.eventId,
  eventAt: happening.at,
  chain: happening.cause?.chain ?? [],
  causedBy: happening.cause?.runId,
  state: skipped === undefined ? "PENDING" : "SKIPPED",
  reason: skipped,
  actions: actions.length
})

/** Runs of one contact are one lane. */
export const laneOfRuns = "runs"

const taskOf = ({ happening, runId, automationId, name, version, actions }: Candidate, now: number) => ({
  id: runId,
  queue: "automation" as const,
  business: happening.business,
  key: happening.contact,
  lane: laneOfRuns,
  dueAt: now,
  body: encodeBody({
    runId,
    automationId,
    name,
    version,
    contact: happening.contact,
    eventId: happening.eventId,
    eventType: happening.eventType,
    eventAt: happening.at,
    values: happening.values,
    chain: happening.cause?.chain ?? [],
    actions,
    next: 0
  })
})
