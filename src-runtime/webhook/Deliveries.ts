/** What was sent to an endpoint and how that went: pages of it, the record of one, and which numbers a contact's series holds. */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Attempt, TaskState } from "../outbox/Task.ts"
import type { Outbox } from "../outbox/Outbox.ts"
import { type Condition, readPage } from "../projection/Listing.ts"
import type { PageRequest } from "../projection/Paging.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import * as Replay from "./Replay.ts"
import type { Message } from "./Telling.ts"

/** Ranges that are told of one contact. */
const rangesMax = 1_000

export interface Delivery {
  readonly id: string
  /** Absent: it concerns no contact. */
  readonly contact: string | undefined
  readonly sequence: number
  readonly type: string
  readonly at: number
  readonly state: TaskState
  readonly attempts: number
  /** When it is attempted next, while it waits. */
  readonly dueAt: number | undefined
  readonly finishedAt: number | undefined
}

export interface DeliveryDetail extends Delivery {
  /** Gone with its contact. */
  readonly payload: Message["payload"] | undefined
  readonly log: ReadonlyArray<Attempt>
}

/** From which deliveries on: all conditions have to hold. */
export interface Cursor {
  readonly contact?: string | undefined
  readonly fromSequence?: number | undefined
  readonly toSequence?: number | undefined
  /** Epoch milliseconds, when it happened. */
  readonly since?: number | undefined
  /** After a position that a payload gave: what came later where that stands. */
  readonly after?: { readonly shard: number; readonly offset: number } | undefined
  /** What never arrived, as far as anybody knows, and is not on its way. */
  readonly onlyMissed?: boolean | undefined
}

export interface Series {
  readonly contact: string
  /** The last number that was given. */
  readonly last: number
  /** What is still known of it; numbers that are in none are no longer kept. */
  readonly ranges: ReadonlyArray<{ readonly from: number; readonly to: number; readonly state: TaskState }>
}

interface Row {
  readonly task: string
  readonly business: string
  readonly contact: string
  readonly sequence: bigint
  readonly type: string
  readonly at: bigint
  readonly state: TaskState
  readonly attempts: number
  readonly due_at: bigint
  readonly finished_at: bigint | null
}

const columns = "task, business, contact, sequence, type, at, state, attempts, due_at, finished_at"

/** What the database did not answer, told as a list that is not there. */
export const orUnavailable = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, ViewUnavailable> =>
  Effect.mapError(effect, (cause) => new ViewUnavailable({ view: "webhooks", cause }))

const shown = (row: Row): Delivery => ({
  id: row.task,
  contact: row.contact === row.business ? undefined : row.contact,
  sequence: Number(row.sequence),
  type: row.type,
  at: Number(row.at),
  state: row.state,
  attempts: row.attempts,
  dueAt: row.state === "WAITING" ? Number(row.due_at) : undefined,
  finishedAt: row.finished_at === null ? undefined : Number(row.finished_at)
})

export const conditionsOf = (business: string, endpoint: string, cursor: Cursor): ReadonlyArray<Condition> => {
  const { contact, fromSequence, toSequence, since, after, onlyMissed = false } = cursor
  return [
    ["business = ?::uuid", business],
    ["endpoint = ?::uuid", endpoint],
    ...(contact === undefined ? [] : [["contact = ?::uuid", contact] as const]),
    ...(fromSequence === undefined ? [] : [["sequence >= ?::text::bigint", String(fromSequence)] as const]),
    ...(toSequence === undefined ? [] : [["sequence <= ?::text::bigint", String(toSequence)] as const]),
    ...(since === undefined ? [] : [["at >= ?::text::bigint", String(since)] as const]),
    ...(after === undefined
      ? []
      : [["shard = ?::integer AND shard_offset > ?::text::bigint", after.shard, String(after.offset)] as const]),
    ...(onlyMissed ? [["state IN ('WITHHELD', 'DEAD', 'CANCELLED')"] as const] : [])
  ]
}

const readRanges =
  "SELECT contact, state, min(sequence) AS first, max(sequence) AS last FROM (SELECT contact, state, sequence, " +
  "sequence - row_number() OVER (PARTITION BY contact, state ORDER BY sequence) AS island FROM webhook_delivery_log " +
  "WHERE business = $1::uuid AND endpoint = $2::uuid AND contact = ANY ($3::uuid[])) found " +
  "GROUP BY contact, state, island ORDER BY contact, first"

export const make = (sql: SqlClient, outbox: Outbox["Service"]) => ({
  list: Effect.fn("Deliveries.list")(function* (
    business: string,
    endpoint: string,
    query: PageRequest & { readonly contact?: string | undefined; readonly state?: TaskState | undefined }
  ) {
    const { contact, state, ...request } = query
    const page = yield* readPage<Row>(sql, {
      table: "webhook_delivery_log",
      columns,
      conditions: [
        ...conditionsOf(business, endpoint, { contact }),
        ...(state === undefined ? [] : [["state = ?", state] as const])
      ],
      sort: [
        { column: "at", type: "bigint", valueOf: ({ at }) => Number(at) },
        { column: "task", type: "uuid", valueOf: ({ task }) => task }
      ],
      request
    })
    return { ...page, rows: page.rows.map(shown) }
  }),

  get: Effect.fn("Deliveries.get")(function* (
    business: string,
    endpoint: string,
    id: string
  ): Effect.fn.Return<DeliveryDetail | undefined, ViewUnavailable> {
    const [row] = yield* orUnavailable(
      sql.unsafe<Row>(
        `SELECT ${columns} FROM webhook_delivery_log WHERE task = $1::uuid AND business = $2::uuid AND endpoint = $3::uuid`,
        [id, business, endpoint]
      )
    )
    if (row === undefined) return undefined
    const task = yield* orUnavailable(outbox.get(business, id))
    const log = yield* orUnavailable(outbox.attempts(business, id))
    return { ...shown(row), payload: (task?.body as unknown as Message | undefined)?.payload, log }
  }),

  replay: Replay.make(sql, outbox),

  /** By contact: the numbers that were given, and what became of them, so that a receiver sees what it misses. */
  series: Effect.fn("Deliveries.series")(function* (
    business: string,
    endpoint: string,
    query: PageRequest & { readonly contact?: string | undefined }
  ) {
    const { contact, ...request } = query
    const page = yield* readPage<{ contact: string; last: bigint }>(sql, {
      table: "webhook_sequence",
      columns: "contact, last",
      conditions: conditionsOf(business, endpoint, { contact }),
      sort: [
        { column: "contact", type: "uuid", valueOf: (row) => row.contact },
        { column: "endpoint", type: "uuid", valueOf: () => endpoint }
      ],
      request
    })
    const contacts = page.rows.map((row) => row.contact)
    const ranges =
      contacts.length === 0
        ? []
        : yield* orUnavailable(
            sql.unsafe<{ contact: string; state: TaskState; first: bigint; last: bigint }>(readRanges, [
              business,
              endpoint,
              contacts
            ])
          )
    const byContact = Map.groupBy(ranges, (range) => range.contact)
    const rows = page.rows.map((row): Series => ({
      contact: row.contact,
      last: Number(row.last),
      ranges: (byContact.get(row.contact) ?? [])
        .slice(0, rangesMax)
        .map(({ first, last, state }) => ({ from: Number(first), to: Number(last), state }))
    }))
    return { ...page, rows }
  })
})
export type Deliveries = ReturnType<typeof make>
