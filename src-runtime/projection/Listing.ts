/** One page of a view's table in keyset order, with an exact total when asked. Values only ever travel as parameters. */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { boundsOf, type Page, type PageRequest, pageOf, placeOf } from "./Paging.ts"
import { CursorInvalid, ViewUnavailable } from "./ViewRefusal.ts"

/** A condition, with a `?` for each of its values. */
export type Condition = readonly [text: string, ...values: ReadonlyArray<unknown>]

/** A column that rows are sorted by, and how its value is written in a cursor. */
export interface SortColumn<Row> {
  readonly column: string
  readonly type: "text" | "bigint" | "uuid"
  readonly valueOf: (row: Row) => string | number
}

export interface Listing<Row> {
  readonly table: string
  readonly columns: string
  readonly conditions: ReadonlyArray<Condition>
  /** The second tells rows apart that are equal in the first. */
  readonly sort: readonly [SortColumn<Row>, SortColumn<Row>]
  readonly request: PageRequest
}

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A cursor comes from outside: what the database could not read as the column's type is refused here. */
const fits = (value: string | number, { type }: SortColumn<never>): boolean => {
  if (type === "bigint") return Number.isSafeInteger(value)
  return typeof value === "string" && (type === "uuid" ? uuidPattern.test(value) : !value.includes("\0"))
}

export const readPage = Effect.fnUntraced(function* <Row extends object>(
  sql: SqlClient,
  { table, columns, conditions, sort: [first, second], request }: Listing<Row>
): Effect.fn.Return<Page<Row>, CursorInvalid | ViewUnavailable> {
  const { order } = request
  const list = `${table} ${first.column} ${order}`
  const { size, skip } = boundsOf(request)
  const after = yield* placeOf(list, request.after)
  if (after !== undefined && !(fits(after[0], first) && fits(after[1], second))) return yield* new CursorInvalid()

  const parameters: Array<unknown> = []
  const numbered = ([text, ...values]: Condition): string => {
    let index = 0
    return text.replace(/\?/g, () => `$${parameters.push(values[index++])}`)
  }
  const query = <A extends object>(text: string) =>
    Effect.mapError(sql.unsafe<A>(text, [...parameters]), (cause) => new ViewUnavailable({ view: table, cause }))

  const where = conditions.map(numbered).join(" AND ")
  const counted =
    request.includeTotal === true
      ? yield* query<{ total: bigint }>(`SELECT count(*) AS total FROM ${table} WHERE ${where}`)
      : []
  // As text, so that the parameter's type is the column's and not what a JavaScript value looks like.
  const further =
    after === undefined
      ? ""
      : numbered([
          ` AND (${first.column}, ${second.column}) ${order === "ASC" ? ">" : "<"} ` +
            `(?::text::${first.type}, ?::text::${second.type})`,
          ...after.map(String)
        ])
  const bounds = numbered(["LIMIT ? OFFSET ?", size + 1, skip])
  const found = yield* query<Row>(
    `SELECT ${columns} FROM ${table} WHERE ${where}${further} ` +
      `ORDER BY ${first.column} ${order}, ${second.column} ${order} ${bounds}`
  )
  const total = counted[0] === undefined ? undefined : Number(counted[0].total)
  return pageOf(list, found, size, (row) => [first.valueOf(row), second.valueOf(row)], total)
})
