/**
 * What somebody of the business is to decide, or did: changes that prior-to automations hold, and runs that wait at an
 * approval, in one list by when they began to wait. It says nothing of what they are about but whom.
 */
import type { Judge } from "#domain/automation/Judges.ts"
import type { HeldStanding } from "#domain/held/Held.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { type CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

export type ApprovalType = "REQUEST" | "RUN"

export interface ListedApproval {
  readonly id: string
  readonly type: ApprovalType
  readonly contactId: string
  readonly trigger: string
  readonly automations: ReadonlyArray<Judge>
  /** Of a REQUEST. */
  readonly commandId: string | undefined
  readonly assignee: string | undefined
  readonly state: HeldStanding
  readonly heldAt: number
  readonly expiresAt: number
  readonly decidedAt: number | undefined
}

export interface ApprovalQuery extends PageRequest {
  readonly business: string
  readonly type?: ApprovalType | undefined
  readonly state?: HeldStanding | undefined
  readonly assignee?: string | undefined
}

export class Approvals extends Context.Service<
  Approvals,
  {
    readonly list: (query: ApprovalQuery) => Effect.Effect<Page<ListedApproval>, CursorInvalid | ViewUnavailable>
    readonly find: (business: string, id: string) => Effect.Effect<ListedApproval | undefined, ViewUnavailable>
  }
>()("koinon/runtime/Approvals") {}

interface Row {
  readonly id: string
  readonly type: ApprovalType
  readonly contact: string
  readonly trigger: string
  readonly held_by: ReadonlyArray<Judge>
  readonly command: string | null
  readonly assignee: string | null
  readonly state: HeldStanding
  readonly held_at: bigint
  readonly expires_at: bigint
  readonly decided_at: bigint | null
}

const columns = "id, type, contact, trigger, held_by, command, assignee, state, held_at, expires_at, decided_at"

const listedOf = (row: Row): ListedApproval => ({
  id: row.id,
  type: row.type,
  contactId: row.contact,
  trigger: row.trigger,
  automations: row.held_by,
  commandId: row.command ?? undefined,
  assignee: row.assignee ?? undefined,
  state: row.state,
  heldAt: Number(row.held_at),
  expiresAt: Number(row.expires_at),
  decidedAt: row.decided_at === null ? undefined : Number(row.decided_at)
})

/** Of the runs the view has also those that never waited. */
const everHeld = "held_at IS NOT NULL"

/** Few wait, and many were decided: for those that wait there are indexes, which serve nothing else that is said of a state. */
const inState = (state: HeldStanding): Condition => (state === "PENDING" ? ["is_pending"] : ["state = ?", state])

const conditionsOf = ({ business, type, state, assignee }: ApprovalQuery): ReadonlyArray<Condition> => [
  ["business = ?::uuid", business],
  [everHeld],
  ...(type === undefined ? [] : [["type = ?", type] as const]),
  ...(state === undefined ? [] : [inState(state)]),
  ...(assignee === undefined ? [] : [["assignee = ?", assignee] as const])
]

export const layer: Layer.Layer<Approvals, never, SqlClient> = Layer.effect(
  Approvals,
  Effect.map(SqlClient, (sql) =>
    Approvals.of({
      list: Effect.fn("Approvals.list")(function* (query) {
        const page = yield* readPage<Row>(sql, {
          table: "approval",
          columns,
          conditions: conditionsOf(query),
          sort: [
            { column: "held_at", type: "bigint", valueOf: ({ held_at }) => Number(held_at) },
            { column: "id", type: "uuid", valueOf: ({ id }) => id }
          ],
          request: query
        })
        return { ...page, rows: page.rows.map(listedOf) }
      }),
      find: (business, id) =>
        sql
          .unsafe<Row>(`SELECT ${columns} FROM approval WHERE business = $1::uuid AND id = $2::uuid AND ${everHeld}`, [
            business,
            id
          ])
          .pipe(
            Effect.map(([row]) => (row === undefined ? undefined : listedOf(row))),
            Effect.mapError((cause) => new ViewUnavailable({ view: "approval", cause }))
          )
    })
  )
)
