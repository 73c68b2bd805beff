/** Reads messages: those of a contact, those of a business, the one of an id. What they say is read beside it, sealed. */
import type { Channel, Gateway, Purpose, RejectionReason } from "#domain/contact/Communication.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage, type SortColumn } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { type CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { CommunicationBodies, type StoredBody } from "./CommunicationBodies.ts"

export interface Communication {
  readonly business: string
  readonly id: string
  readonly contact: string
  readonly planId: string | undefined
  readonly planRun: string | undefined
  readonly templateId: string
  readonly name: string
  readonly channel: Channel
  readonly purpose: Purpose
  readonly state: "PENDING" | "COMPLETED" | "REJECTED"
  readonly reason: RejectionReason | undefined
  /** What its provider calls the reason. */
  readonly reasonCode: string | undefined
  readonly gateway: Gateway | undefined
  readonly language: string | undefined
  /** Epoch milliseconds, like all of them. */
  readonly createdAt: number
  readonly updatedAt: number
  readonly endedAt: number | undefined
  readonly viewedAt: number | undefined
  readonly clickedAt: number | undefined
  readonly archived: boolean
  /** Absent before it was written, and once it is forgotten. */
  readonly stored: StoredBody | undefined
}

export interface CommunicationQuery extends PageRequest {
  readonly business: string
  readonly contact?: string | undefined
  readonly state?: Communication["state"] | undefined
  readonly channel?: string | undefined
  readonly planId?: string | undefined
  readonly gateway?: Gateway | undefined
  /** Of `createdAt`: `from` included, `until` not. */
  readonly from?: number | undefined
  readonly until?: number | undefined
  /** Only those that are. */
  readonly archived?: boolean | undefined
  readonly viewed?: boolean | undefined
  readonly sort: "CREATED" | "UPDATED" | "NAME"
}

export class Communications extends Context.Service<
  Communications,
  {
    readonly list: (query: CommunicationQuery) => Effect.Effect<Page<Communication>, CursorInvalid | ViewUnavailable>
    readonly get: (business: string, id: string) => Effect.Effect<Communication | undefined, ViewUnavailable>
  }
>()("koinon/runtime/Communications") {}

type Instant = number | bigint
interface Row {
  readonly business: string
  readonly id: string
  readonly contact: string
  readonly plan: string | null
  readonly plan_run: string | null
  readonly template: string
  readonly name: string
  readonly channel: Channel
  readonly purpose: Purpose
  readonly state: Communication["state"]
  readonly reason: RejectionReason | null
  readonly reason_code: string | null
  readonly gateway: Gateway | null
  readonly language: string | null
  readonly created_at: Instant
  readonly updated_at: Instant
  readonly ended_at: Instant | null
  readonly viewed_at: Instant | null
  readonly clicked_at: Instant | null
  readonly archived: boolean
}
const columns =
  "business, id, contact, plan, plan_run, template, name, channel, purpose, state, reason, reason_code, gateway, " +
  "language, created_at, updated_at, ended_at, viewed_at, clicked_at, archived"

const sorts: Readonly<Record<CommunicationQuery["sort"], SortColumn<Row>>> = {
  CREATED: { column: "created_at", type: "bigint", valueOf: (row) => Number(row.created_at) },
  UPDATED: { column: "updated_at", type: "bigint", valueOf: (row) => Number(row.updated_at) },
  NAME: { column: "name", type: "text", valueOf: (row) => row.name }
}
const byId: SortColumn<Row> = { column: "id", type: "uuid", valueOf: (row) => row.id }

const instantOf = (at: Instant | null): number | undefined => (at === null ? undefined : Number(at))

const communicationOf = (row: Row, stored: StoredBody | undefined): Communication => ({
  business: row.business,
  id: row.id,
  contact: row.contact,
  planId: row.plan ?? undefined,
  planRun: row.plan_run ?? undefined,
  templateId: row.template,
  name: row.name,
  channel: row.channel,
  purpose: row.purpose,
  state: row.state,
  reason: row.reason ?? undefined,
  reasonCode: row.reason_code ?? undefined,
  gateway: row.gateway ?? undefined,
  language: row.language ?? stored?.body.language,
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  endedAt: instantOf(row.ended_at),
  viewedAt: instantOf(row.viewed_at),
  clickedAt: instantOf(row.clicked_at),
  archived: row.archived,
  stored
})

const conditionsOf = (query: CommunicationQuery): ReadonlyArray<Condition> => {
  const when = (text: string, value: unknown): ReadonlyArray<Condition> => (value === undefined ? [] : [[text, value]])
  return [
    ["business = ?::uuid", query.business],
    ...when("contact = ?::uuid", query.contact),
    ...when("state = ?", query.state),
    ...when("channel = ?", query.channel),
    ...when("plan = ?", query.planId),
    ...when("gateway = ?", query.gateway),
    ...when("created_at >= ?::bigint", query.from),
    ...when("created_at < ?::bigint", query.until),
    ...(query.archived === undefined ? [] : [["archived = ?", query.archived] as const]),
    ...(query.viewed === undefined ? [] : [[`viewed_at IS ${query.viewed ? "NOT " : ""}NULL`] as const])
  ]
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const bodies = yield* CommunicationBodies
  const withBodies = Effect.fnUntraced(function* (rows: ReadonlyArray<Row>) {
    const stored = yield* bodies.read(rows)
    return rows.map((row) => communicationOf(row, stored.get(row.id)))
  })
  return Communications.of({
    list: Effect.fn("Communications.list")(function* (query) {
      const page = yield* readPage<Row>(sql, {
        table: "communication",
        columns,
        conditions: conditionsOf(query),
        sort: [sorts[query.sort], byId],
        request: query
      })
      return { ...page, rows: yield* withBodies(page.rows) }
    }),
    get: Effect.fn("Communications.get")(function* (business, id) {
      const found = yield* Effect.mapError(
        sql.unsafe<Row>(`SELECT ${columns} FROM communication WHERE business = $1::uuid AND id = $2::uuid`, [
          business,
          id
        ]),
        (cause) => new ViewUnavailable({ view: "communication", cause })
      )
      const [communication] = yield* withBodies(found)
      return communication
    })
  })
})

export const layer: Layer.Layer<Communications, never, SqlClient | CommunicationBodies> = Layer.effect(
  Communications,
  make
)
