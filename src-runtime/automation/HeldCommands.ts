/**
 * The commands that wait, or waited, for approval, as contacts list them, and `Approvals` for the back office (AUT-5): a
 * view without what they say.
 */
import type { HeldStanding } from "#domain/held/Held.ts"
import type { HeldEvent } from "#domain/held/HeldEvent.ts"
import type { Judge } from "#domain/automation/Judges.ts"
import type { PriorTrigger } from "#domain/automation/PriorTo.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage, type SortColumn } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"
import type { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

export interface ListedHeld {
  readonly id: string
  readonly contactId: string
  readonly commandId: string
  readonly trigger: PriorTrigger
  readonly heldBy: ReadonlyArray<Judge>
  readonly state: HeldStanding
  readonly heldAt: number
  readonly expiresAt: number
  readonly decidedAt?: number
}

export interface HeldQuery extends PageRequest {
  readonly business: string
  /** Any of them; all if it is not said. */
  readonly states?: ReadonlyArray<HeldStanding> | undefined
  readonly contact?: string | undefined
  /** By when they were held, unless by when they were decided: until then that is when they were held. */
  readonly sort?: "HELD" | "CHANGED"
}

export class HeldCommands extends Context.Service<
  HeldCommands,
  {
    readonly list: (query: HeldQuery) => Effect.Effect<Page<ListedHeld>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/HeldCommands") {}

interface Row {
  readonly id: string
  readonly contact: string
  readonly command: string
  readonly trigger: PriorTrigger
  readonly held_by: ReadonlyArray<Judge>
  readonly state: HeldStanding
  readonly held_at: number | bigint
  readonly expires_at: number | bigint
  readonly decided_at: number | bigint | null
}

const columns = "id, contact, command, trigger, held_by, state, held_at, expires_at, decided_at"

const listedOf = (row: Row): ListedHeld => ({
  id: row.id,
  contactId: row.contact,
  commandId: row.command,
  trigger: row.trigger,
  heldBy: row.held_by,
  state: row.state,
  heldAt: Number(row.held_at),
  expiresAt: Number(row.expires_at),
  ...(row.decided_at !== null && { decidedAt: Number(row.decided_at) })
})

const ends = { HeldApproved: "APPROVED", HeldRejected: "REJECTED", HeldLapsed: "LAPSED" } as const

/** All events of one key come in order, so a row is there before it is decided. */
const heldRow = ({ event, row }: Committed) => {
  const held = event as HeldEvent
  if (held._tag !== "CommandHeld") return []
  const { heldId: id, contactId: contact, commandId: command, trigger, heldBy: held_by, expiresAt: expires_at } = held
  return [{ business: row.business, id, contact, command, trigger, held_by, held_at: row.at, expires_at }]
}
const endRow = ({ event, row }: Committed) => {
  const held = event as HeldEvent
  if (held._tag === "CommandHeld") return []
  return [{ business: row.business, id: held.heldId, state: ends[held._tag], decided_at: row.at }]
}

export const heldCommands: Projection = {
  name: "held_commands",
  types: ["CommandHeld", "HeldApproved", "HeldRejected", "HeldLapsed"],
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE held_command")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const held = events.flatMap(heldRow)
    const ended = events.flatMap(endRow)
    if (held.length > 0) {
      yield* sql.unsafe(
        "INSERT INTO held_command (business, id, contact, command, trigger, held_by, state, held_at, expires_at) " +
          "SELECT business, id, contact, command, trigger, held_by, 'PENDING', held_at, expires_at " +
          "FROM json_to_recordset($1::json) AS r(business uuid, id uuid, contact uuid, command uuid, trigger text, " +
          "held_by jsonb, held_at bigint, expires_at bigint)",
        [recordset(held)]
      )
    }
    if (ended.length > 0) {
      yield* sql.unsafe(
        "UPDATE held_command SET state = r.state, decided_at = r.decided_at FROM json_to_recordset($1::json) " +
          "AS r(business uuid, id uuid, state text, decided_at bigint) " +
          "WHERE held_command.business = r.business AND held_command.id = r.id",
        [recordset(ended)]
      )
    }
  })
}

const sorts: Record<NonNullable<HeldQuery["sort"]>, SortColumn<Row>> = {
  HELD: { column: "held_at", type: "bigint", valueOf: (row) => Number(row.held_at) },
  CHANGED: {
    column: "coalesce(decided_at, held_at)",
    type: "bigint",
    valueOf: (row) => Number(row.decided_at ?? row.held_at)
  }
}

const conditionsOf = ({ business, contact, states }: HeldQuery): ReadonlyArray<Condition> => [
  ["business = ?", business],
  ...(contact === undefined ? [] : [["contact = ?", contact] as const]),
  ...(states === undefined ? [] : [["state = ANY (?::text[])", states] as const])
]

export const layer: Layer.Layer<HeldCommands, never, SqlClient> = Layer.effect(
  HeldCommands,
  Effect.map(SqlClient, (sql) =>
    HeldCommands.of({
      list: Effect.fn("HeldCommands.list")(function* (query) {
        const page = yield* readPage<Row>(sql, {
          table: "held_command",
          columns,
          conditions: conditionsOf(query),
          sort: [sorts[query.sort ?? "HELD"], { column: "id", type: "uuid", valueOf: (row) => row.id }],
          request: query
        })
        return { ...page, rows: page.rows.map(listedOf) }
      })
    })
  )
)
