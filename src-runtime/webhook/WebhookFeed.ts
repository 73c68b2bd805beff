/**
 * How committed events become deliveries: by a projection, each once and in its time, for it keeps a mark of its own, which
 * stays when it is read from zero. Changes of segments, which are no events, come from `SegmentNews.ts`. That an endpoint was
 * switched off by itself is taken note of here too, so that its people are told of it once, whatever is killed when.
 */
import type { Event } from "#domain/Event.ts"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Actors } from "../actor/Actors.ts"
import type { Definitions } from "../actor/Definitions.ts"
import type { Outbox } from "../outbox/Outbox.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"
import { publicEvent, toldTypes } from "./PublicEvents.ts"
import type { DisabledNotice } from "./DisabledNotice.ts"
import type { EndpointHealth } from "./EndpointHealth.ts"
import { addressed, type Occurrence, tell } from "./Telling.ts"

const readMarks = "SELECT shard, shard_offset FROM webhook_mark WHERE shard = ANY ($1::smallint[])"
const raiseMarks =
  "INSERT INTO webhook_mark (shard, shard_offset) SELECT shard, place FROM json_to_recordset($1::json) " +
  "AS r(shard smallint, place bigint) ORDER BY shard ON CONFLICT (shard) DO UPDATE SET " +
  "shard_offset = greatest(webhook_mark.shard_offset, excluded.shard_offset)"

interface Place {
  readonly shard: number
  readonly offset: number
}

/** That an endpoint was switched off by itself. */
type Disabled = Committed & {
  readonly event: Extract<Event, { readonly _tag: "EndpointStateChanged" }> & { readonly reason: string }
}
const isDisabled = (committed: Committed): committed is Disabled =>
  committed.event._tag === "EndpointStateChanged" && committed.event.reason !== undefined

export const webhooksName = "webhooks"
/** A delivery should leave soon after its event, and a crowd of events share a pass. */
const gatherMs = 20

export interface Sources {
  readonly actors: Actors["Service"]
  readonly definitions: Definitions["Service"]
  readonly outbox: Outbox["Service"]
  readonly clock: Clock.Clock
  readonly health: EndpointHealth
  readonly noticed: DisabledNotice
}

/** An event is judged by all that was committed before it, wherever that was. */
const endpointsOf = (definitions: Definitions["Service"], those: Iterable<string>) =>
  definitions.inForce([...new Set(those)], "endpoints")

/** To whom these are told. */
export const deliveriesOf = Effect.fnUntraced(function* (
  definitions: Definitions["Service"],
  occurrences: ReadonlyArray<Occurrence>
) {
  const deliveries: Array<ReturnType<typeof addressed>[number]> = []
  const byBusiness = Map.groupBy(occurrences, ({ business }) => business)
  for (const [business, endpoints] of yield* endpointsOf(definitions, byBusiness.keys())) {
    deliveries.push(...addressed(byBusiness.get(business) ?? [], endpoints))
  }
  return deliveries
})

/** No business of theirs has an endpoint. */
const nobodyListens = Effect.fnUntraced(function* (
  definitions: Definitions["Service"],
  events: ReadonlyArray<Committed>
) {
  const inForce = yield* endpointsOf(
    definitions,
    events.map(({ row }) => row.business)
  )
  return inForce.values().every((endpoints) => Object.keys(endpoints).length === 0)
})

export const projectionOf = ({ actors, definitions, outbox, clock, health, noticed }: Sources): Projection => {
  const occurrenceOf = (committed: Committed): Occurrence | undefined => {
    const { business, key, shard, offset, at } = committed.row
    const told = publicEvent(committed, actors.business(business)?.currency ?? "EUR")
    const place = { shard, offset }
    return told === undefined ? undefined : { name: `${shard}/${offset}`, business, contact: key, at, place, ...told }
  }
  /** In the transaction of the batch, like all that follows from it. */
  const takeNote = Effect.fnUntraced(function* ({ event, row: { business } }: Disabled) {
    const { id, reason, at } = event
    yield* health.disabled(business, id, at, reason)
    const endpoint = (yield* endpointsOf(definitions, [business])).get(business)?.[id]
    if (endpoint !== undefined) yield* noticed({ business, endpoint, at, reason })
  })
  return {
    name: webhooksName,
    types: toldTypes,
    opensPersonalData: true,
    gatherMs,
    // All that was read is behind the mark from now on, also what nobody wanted. Nothing else would keep a rebuild from
    // telling it late: an endpoint that was there then may since have come to want it.
    reset: (sql, readTo) => moveMarks(sql, readTo),
    isQuiet: (events) => nobodyListens(definitions, events),
    // Most of what happens nobody may want: marks are looked at, and moved, where something follows.
    apply: Effect.fnUntraced(function* (sql, events) {
      const occurrences = events.flatMap((committed) => occurrenceOf(committed) ?? [])
      const deliveries = yield* deliveriesOf(definitions, occurrences)
      const disabled = events.filter(isDisabled)
      if (deliveries.length === 0 && disabled.length === 0) return
      const marks = new Map(yield* marksOf(sql, events))
      const isNew = (place: Place | undefined): boolean =>
        place !== undefined && place.offset > (marks.get(place.shard) ?? 0)
      const fresh = events.filter(({ row }) => isNew(row))
      if (fresh.length === 0) return
      const wanted = deliveries.filter(({ place }) => isNew(place))
      yield* tell(sql, outbox, wanted, clock.currentTimeMillisUnsafe())
      yield* Effect.forEach(
        disabled.filter(({ row }) => isNew(row)),
        takeNote,
        { discard: true }
      )
      yield* moveMarks(sql, lastOffsets(fresh))
    })
  }
}

const marksOf = (sql: SqlClient, events: ReadonlyArray<Committed>) =>
  Effect.map(
    sql.unsafe<{ shard: number; shard_offset: bigint }>(readMarks, [[...new Set(events.map(({ row }) => row.shard))]]),
    (rows) => rows.map(({ shard, shard_offset }) => [shard, Number(shard_offset)] as const)
  )

const lastOffsets = (events: ReadonlyArray<Committed>) => {
  const last = new Map<number, number>()
  for (const { row } of events) last.set(row.shard, Math.max(last.get(row.shard) ?? 0, row.offset))
  return [...last].map(([shard, offset]): Place => ({ shard, offset }))
}

const moveMarks = (sql: SqlClient, places: ReadonlyArray<Place>) =>
  Effect.asVoid(sql.unsafe(raiseMarks, [recordset(places.map(({ shard, offset }) => ({ shard, place: offset })))]))
