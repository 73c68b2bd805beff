/**
 * Pages of a list: by number, or after an opaque cursor, which stays where it is while rows come and go. A cursor holds
 * the place of the last row seen, in one list and one order, and is refused in any other.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { CursorInvalid } from "./ViewRefusal.ts"

/** Rows on a page; more is cut down to it. */
export const pageSizeMax = 200

export interface PageRequest {
  readonly size: number
  /** Counted from 1; ignored when there is a cursor. */
  readonly page?: number | undefined
  /** The `next` of the page before. */
  readonly after?: string | undefined
  readonly order: "ASC" | "DESC"
  /** Counts all rows, exactly; costs as much. */
  readonly includeTotal?: boolean | undefined
}

export interface Page<Row> {
  readonly rows: ReadonlyArray<Row>
  /** Exact; only when it was asked for. */
  readonly total?: number
  readonly hasMore: boolean
  /** The cursor of the page after this one; absent on the last. */
  readonly next?: string
}

/** The place of a row in its list: the value that it is sorted by, and what tells it from rows that are equal in that. */
export type Place = readonly [value: string | number, id: string | number]

const Cursor = Schema.fromJsonString(
  Schema.Tuple([
    Schema.String,
    Schema.Union([Schema.String, Schema.Finite]),
    Schema.Union([Schema.String, Schema.Finite])
  ])
)
const encode = Schema.encodeSync(Cursor)
const decode = Schema.decodeEffect(Cursor)

/** Rows to read for a page: one more than it shows tells whether there is another. */
export const boundsOf = (request: PageRequest): { readonly size: number; readonly skip: number } => {
  const size = Math.min(Math.max(1, request.size), pageSizeMax)
  return { size, skip: request.after === undefined ? (Math.max(1, request.page ?? 1) - 1) * size : 0 }
}

const cursorOf = (list: string, place: Place): string => Buffer.from(encode([list, ...place])).toString("base64url")

export const placeOf = (list: string, after: string | undefined): Effect.Effect<Place | undefined, CursorInvalid> =>
  after === undefined
    ? Effect.succeed(undefined)
    : decode(Buffer.from(after, "base64url").toString("utf8")).pipe(
        Effect.mapError(() => new CursorInvalid()),
        Effect.flatMap(([of, ...place]) => (of === list ? Effect.succeed(place) : Effect.fail(new CursorInvalid())))
      )

/** A page of what was read: at most `size` rows and the one after them. */
export const pageOf = <Row>(
  list: string,
  found: ReadonlyArray<Row>,
  size: number,
  place: (row: Row) => Place,
  total: number | undefined
): Page<Row> => {
  const rows = found.slice(0, size)
  const last = rows.at(-1)
  const hasMore = found.length > size
  return {
    rows,
    ...(total !== undefined && { total }),
    hasMore,
    ...(hasMore && last !== undefined && { next: cursorOf(list, place(last)) })
  }
}
