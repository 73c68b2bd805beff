/**
 * What people of a business are to do, over all its contacts: a view of the journal by due date. It holds no words about a
 * contact; subject and description stand sealed in her journal.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { type Condition, readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"
import type { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

/** Sorts behind every date there is. */
const neverDue = Number.MAX_SAFE_INTEGER

export const activityStates = ["OPEN", "DONE", "CANCELLED"] as const
export type ActivityState = (typeof activityStates)[number]

export interface ListedActivity {
  readonly activityId: string
  readonly contactId: string
  readonly type: string
  readonly state: ActivityState
  readonly dueAt: number | undefined
  readonly assignee: string | undefined
  /** The run of the automation that scheduled it. */
  readonly runId: string | undefined
  readonly scheduledAt: number
  readonly closedAt: number | undefined
}

export interface ActivityQuery extends PageRequest {
  readonly business: string
  readonly contact?: string | undefined
  readonly state?: ActivityState | undefined
  readonly assignee?: string | undefined
  readonly type?: string | undefined
  /** Due before it, epoch milliseconds. */
  readonly dueUntil?: number | undefined
}

export class ActivityList extends Context.Service<
  ActivityList,
  {
    readonly list: (query: ActivityQuery) => Effect.Effect<Page<ListedActivity>, CursorInvalid | ViewUnavailable>
  }
>()("koinon/runtime/ActivityList") {}

interface Row {
  readonly business: string
  readonly activity: string
  readonly contact: string
  readonly type: string
  readonly state: ActivityState
  readonly due_at: number | bigint | null
  readonly due_key: number | bigint
  readonly assignee: string | null
  readonly run: string | null
  readonly scheduled_at: number | bigint
  readonly closed_at: number | bigint | null
}

const columnTypes = {
  business: "uuid",
  activity: "text",
  contact: "uuid",
  type: "text",
  state: "text",
  due_at: "bigint",
  due_key: "bigint",
  assignee: "text",
  run: "text",
  scheduled_at: "bigint",
  closed_at: "bigint"
} satisfies Record<keyof Row, string>
const columns = Object.keys(columnTypes)
const columnList = columns.join(", ")

const upsert =
  `INSERT INTO activity (${columnList}) SELECT ${columnList} FROM json_to_recordset($1::json) AS r(` +
  `${Object.entries(columnTypes)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ")}) ON CONFLICT (business, contact, activity) DO UPDATE SET ` +
  columns.map((column) => `${column} = excluded.${column}`).join(", ")
const readKnown =
  `SELECT ${columnList} FROM activity WHERE (business, contact, activity) IN ` +
  "(SELECT business, contact, activity FROM json_to_recordset($1::json) AS r(business uuid, contact uuid, activity text))"

const withDue = (row: Row, dueAt: number | undefined): Row =>
  dueAt === undefined ? row : { ...row, due_at: dueAt, due_key: dueAt }

const evolve = (row: Row | undefined, { event, row: { business, key } }: Committed): Row | undefined => {
  switch (event._tag) {
    case "ActivityScheduled": {
      const { activityId, type, dueAt, assignee = null, cause, at } = event
      const begun = { business, contact: key, activity: activityId, type, state: "OPEN", assignee } as const
      const when = { scheduled_at: at, closed_at: null, due_at: null, due_key: neverDue, run: cause?.runId ?? null }
      return withDue({ ...begun, ...when }, dueAt)
    }
    case "ActivityChanged": {
      const { dueAt, assignee } = event
      return row && withDue(assignee === undefined ? row : { ...row, assignee }, dueAt)
    }
    case "ActivityClosed":
      return row && { ...row, state: event.outcome, closed_at: event.at }
    default:
      return row
  }
}

const nameOf = ({ event, row }: Committed): string =>
  `${row.business}/${row.key}/${"activityId" in event ? event.activityId : ""}`
const nameOfRow = ({ business, contact, activity }: Row): string => `${business}/${contact}/${activity}`

export const activityListName = "activity"

export const activityList: Projection = {
  name: activityListName,
  types: ["ActivityScheduled", "ActivityChanged", "ActivityClosed"],
  // What is sealed in them is not looked at, but they cannot be read without their key.
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE activity")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const wanted = events.map(({ event, row }) => ({
      business: row.business,
      contact: row.key,
      activity: "activityId" in event ? event.activityId : ""
    }))
    const known = yield* sql.unsafe<Row>(readKnown, [recordset(wanted)])
    const rows = new Map(known.map((row) => [nameOfRow(row), row]))
    for (const committed of events) {
      const row = evolve(rows.get(nameOf(committed)), committed)
      if (row !== undefined) rows.set(nameOf(committed), row)
    }
    if (rows.size > 0) yield* sql.unsafe(upsert, [recordset([...rows.values()])])
  })
}

const shown = (row: Row): ListedActivity => ({
  activityId: row.activity,
  contactId: row.contact,
  type: row.type,
  state: row.state,
  dueAt: row.due_at === null ? undefined : Number(row.due_at),
  assignee: row.assignee ?? undefined,
  runId: row.run ?? undefined,
  scheduledAt: Number(row.scheduled_at),
  closedAt: row.closed_at === null ? undefined : Number(row.closed_at)
})

const conditionsOf = ({
  business,
  contact,
  state,
  assignee,
  type,
  dueUntil
}: ActivityQuery): ReadonlyArray<Condition> => [
  ["business = ?::uuid", business],
  ...(contact === undefined ? [] : [["contact = ?::uuid", contact] as const]),
  ...(state === undefined ? [] : [["state = ?", state] as const]),
  ...(assignee === undefined ? [] : [["assignee = ?", assignee] as const]),
  ...(type === undefined ? [] : [["type = ?", type] as const]),
  ...(dueUntil === undefined ? [] : [["due_key < ?::bigint", BigInt(dueUntil)] as const])
]

export const layer: Layer.Layer<ActivityList, never, SqlClient> = Layer.effect(
  ActivityList,
  Effect.map(SqlClient, (sql) =>
    ActivityList.of({
      list: Effect.fn("ActivityList.list")(function* (query) {
        const page = yield* readPage<Row>(sql, {
          table: "activity",
          columns: columnList,
          conditions: conditionsOf(query),
          sort: [
            { column: "due_key", type: "bigint", valueOf: ({ due_key }) => Number(due_key) },
            { column: "activity", type: "text", valueOf: ({ activity }) => activity }
          ],
          request: query
        })
        return { ...page, rows: page.rows.map(shown) }
      })
    })
  )
)
