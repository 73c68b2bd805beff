/**
 * Turns what happened into deliveries: one for each endpoint that wants it, numbered densely for that endpoint and contact,
 * in the transaction that takes note of it. Numbers are given under a lock, so that order of numbers, of the outbox and of
 * delivery are one. An endpoint that is switched off has its numbers all the same: what they stand for is withheld, so that
 * its receiver sees afterwards that it missed something, and can have it sent. Of one that was off for longer than that is
 * kept, the numbers are all that is written: whoever left it behind costs little, and nothing personal is kept for it.
 */
import { rfc3339 } from "../projection/Rfc3339.ts"
import { type EndpointDefinition, wants } from "#domain/webhook/Endpoint.ts"
import { type EventType, testEventType } from "#domain/webhook/EventType.ts"
import { type Definitions as All, oldestAt } from "#domain/definition/Definition.ts"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { nameUuid } from "../actor/Naming.ts"
import { positionText } from "../live/Position.ts"
import { type Outbox, retentionMs } from "../outbox/Outbox.ts"
import { recordset } from "../projection/Projection.ts"

/** Something that may be told of. */
export interface Occurrence {
  /** Names it for ever: the same occurrence is told to an endpoint once. */
  readonly name: string
  readonly business: string
  readonly contact: string
  readonly type: EventType
  readonly data: Json
  readonly at: number
  /** Where it stands in the journal. */
  readonly place?: { readonly shard: number; readonly offset: number }
}

/** An occurrence on its way to one endpoint. */
interface Addressed extends Omit<Occurrence, "type"> {
  readonly type: EventType | typeof testEventType
  readonly task: string
  readonly endpoint: string
  /** The endpoint is switched off, and for how long it was when this happened. */
  readonly offForMs?: number
}

/** What a task holds: whom it is for, and what is sent but for the instant of sending. */
export interface Message {
  readonly endpoint: string
  readonly payload: {
    readonly type: string
    /** RFC 3339, when it happened. */
    readonly timestamp: string
    readonly sequence: number
    readonly contact_id?: string
    readonly position?: string
    readonly data: Json
  }
}

const giveNumbers =
  "INSERT INTO webhook_sequence (business, endpoint, contact, last) SELECT business, endpoint, contact, count " +
  "FROM json_to_recordset($1::json) AS r(business uuid, endpoint uuid, contact uuid, count bigint) ORDER BY endpoint, contact " +
  "ON CONFLICT (business, endpoint, contact) DO UPDATE SET last = webhook_sequence.last + excluded.last " +
  "RETURNING endpoint, contact, last"

const insertDeliveries =
  "INSERT INTO webhook_delivery (task, business, endpoint, contact, sequence, type, shard, shard_offset, at) " +
  "SELECT task, business, endpoint, contact, sequence, type, shard, shard_offset, at FROM json_to_recordset($1::json) AS " +
  "r(task uuid, business uuid, endpoint uuid, contact uuid, sequence bigint, type text, shard smallint, shard_offset bigint, " +
  "at bigint)"

/** The lane of a contact at an endpoint. */
const laneOf = ({ endpoint }: Addressed): string => endpoint

const seriesOf = ({ endpoint, contact }: { readonly endpoint: string; readonly contact: string }): string =>
  `${endpoint}/${contact}`

/** What is withheld is kept as long as all that has ended: an endpoint that is off for longer has long lost what it missed. */
const isKept = ({ offForMs = 0 }: Addressed): boolean => offForMs < retentionMs

/** For each endpoint that was there when it happened and wanted it then, or wants it now: clocks differ a little. */
export const addressed = (
  occurrences: ReadonlyArray<Occurrence>,
  endpoints: All<EndpointDefinition>
): ReadonlyArray<Addressed> => {
  const all = Object.values(endpoints)
  return occurrences.flatMap((occurrence) =>
    all.flatMap((endpoint) => {
      const then = oldestAt(endpoint, occurrence.at)
      const { id, state, stateSince, body } = endpoint
      if (then === undefined || ![then.body, body].some((each) => wants(each, occurrence.type))) return []
      const task = nameUuid("webhook", id, occurrence.name)
      return [
        { ...occurrence, endpoint: id, task, ...(state === "INACTIVE" && { offForMs: occurrence.at - stateSince }) }
      ]
    })
  )
}

export const testOf = (business: string, endpoint: string, name: string, at: number): Addressed => ({
  name,
  business,
  contact: business,
  type: testEventType,
  data: {},
  at,
  endpoint,
  task: nameUuid("webhook", endpoint, name)
})

const messageOf = (delivery: Addressed, sequence: number): Message => {
  const { endpoint, type, at, business, contact, place, data } = delivery
  return {
    endpoint,
    payload: {
      type,
      timestamp: rfc3339(at),
      sequence,
      ...(contact !== business && { contact_id: contact }),
      ...(place !== undefined && { position: positionText(place) }),
      data
    }
  }
}

/** Gives each delivery its number, writes those that are kept, and has them sent. To be run in the transaction that takes note of them. */
export const tell = Effect.fnUntraced(function* (
  sql: SqlClient,
  outbox: Outbox["Service"],
  deliveries: ReadonlyArray<Addressed>,
  now: number
) {
  if (deliveries.length === 0) return
  const bySeries = Map.groupBy(deliveries, seriesOf)
  const wanted = [...bySeries.values()].map((series) => {
    const [{ business, endpoint, contact }] = series as [Addressed]
    return { business, endpoint, contact, count: series.length }
  })
  const given = yield* sql.unsafe<{ endpoint: string; contact: string; last: bigint }>(giveNumbers, [recordset(wanted)])
  const numbers = new Map<string, number>()
  for (const row of given) {
    const series = bySeries.get(seriesOf(row)) ?? []
    for (const [index, { task }] of series.entries()) numbers.set(task, Number(row.last) - series.length + 1 + index)
  }
  const sequenceOf = ({ task }: Addressed): number => numbers.get(task) ?? 0
  const kept = deliveries.filter(isKept)
  if (kept.length === 0) return
  yield* outbox.enqueue(
    kept.map((delivery) => ({
      id: delivery.task,
      queue: "webhook" as const,
      business: delivery.business,
      key: delivery.contact,
      lane: laneOf(delivery),
      body: messageOf(delivery, sequenceOf(delivery)) as unknown as Json,
      dueAt: now,
      isWithheld: delivery.offForMs !== undefined
    }))
  )
  yield* sql.unsafe(insertDeliveries, [
    recordset(
      kept.map((delivery) => ({
        task: delivery.task,
        business: delivery.business,
        endpoint: delivery.endpoint,
        contact: delivery.contact,
        sequence: sequenceOf(delivery),
        type: delivery.type,
        shard: delivery.place?.shard ?? null,
        shard_offset: delivery.place?.offset ?? null,
        at: delivery.at
      }))
    )
  ])
})
