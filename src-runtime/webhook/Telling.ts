/**
 * Turns what happened into deliveries: one for each endpoint that wants it, numbered densely for that endpoint and contact,
 * in the transaction that takes note of it. Numbers are given under a lock, so that order of numbers, of the outbox and of
 * delivery are one.
 */
import { type EndpointDefinition, wants } from "#domain/webhook/Endpoint.ts"
import { type EventType, testEventType } from "#domain/webhook/EventType.ts"
import type { Definitions as All } from "#domain/definition/Definition.ts"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { nameUuid } from "../actor/Naming.ts"
import { positionText } from "../live/Position.ts"
import type { Outbox } from "../outbox/Outbox.ts"
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

/** For each endpoint that was switched on when it happened and wants it. */
export const addressed = (
  occurrences: ReadonlyArray<Occurrence>,
  endpoints: All<EndpointDefinition>
): ReadonlyArray<Addressed> => {
  const active = Object.values(endpoints).filter(({ state }) => state === "ACTIVE")
  return occurrences.flatMap((occurrence) =>
    active
      .filter(({ body, stateSince }) => occurrence.at >= stateSince && wants(body, occurrence.type))
      .map(({ id }) => ({ ...occurrence, endpoint: id, task: nameUuid("webhook", id, occurrence.name) }))
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
      timestamp: new Date(at).toISOString(),
      sequence,
      ...(contact !== business && { contact_id: contact }),
      ...(place !== undefined && { position: positionText(place) }),
      data
    }
  }
}

/** Writes the deliveries, each with its number, and has them sent. To be run in the transaction that takes note of them. */
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
  yield* outbox.enqueue(
    deliveries.map((delivery) => ({
      id: delivery.task,
      queue: "webhook" as const,
      business: delivery.business,
      key: delivery.contact,
      lane: laneOf(delivery),
      body: messageOf(delivery, sequenceOf(delivery)) as unknown as Json,
      dueAt: now
    }))
  )
  yield* sql.unsafe(insertDeliveries, [
    recordset(
      deliveries.map((delivery) => ({
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
