/**
 * One page of two lists that are sorted alike. Its cursor holds that of each list after the last row of it that was shown, so
 * no row is missed and none comes twice, however the two are mixed.
 */
import type { Page } from "#runtime/projection/Paging.ts"
import { CursorInvalid } from "#runtime/projection/ViewRefusal.ts"
import * as Effect from "effect/Effect"

export interface Request {
  readonly size: number
  readonly after?: string | undefined
}

type List<Row, E, R> = (request: Request) => Effect.Effect<Page<Row>, E, R>

/** In place of a list's cursor: nothing of it was shown yet, or all of it. */
const fromStart = "."
const atEnd = "~"
const between = ","

/** The cursor of a list of which `taken` rows were shown. */
const further = <Row, E, R>(list: List<Row, E, R>, after: string, { rows, next }: Page<Row>, taken: number) => {
  if (taken === rows.length) return Effect.succeed(next ?? atEnd)
  if (taken === 0) return Effect.succeed(after)
  const size = taken
  return Effect.map(list(requestOf(after, size)), (shown) => shown.next ?? atEnd)
}

const requestOf = (after: string, size: number): Request => ({ size, ...(after !== fromStart && { after }) })

const read = <Row, E, R>(list: List<Row, E, R>, after: string, size: number): Effect.Effect<Page<Row>, E, R> =>
  after === atEnd ? Effect.succeed({ rows: [], hasMore: false }) : list(requestOf(after, size))

/** `isBefore` says whether a row of the first list comes before one of the second. */
export const pageOfBoth = Effect.fnUntraced(function* <Row, E1, R1, E2, R2>(
  first: List<Row, E1, R1>,
  second: List<Row, E2, R2>,
  isBefore: (one: Row, other: Row) => boolean,
  { size, after = `${fromStart}${between}${fromStart}` }: Request
) {
  const [afterFirst = "", afterSecond = "", ...rest] = after.split(between)
  if (afterFirst === "" || afterSecond === "" || rest.length > 0) return yield* new CursorInvalid()
  const ones = yield* read(first, afterFirst, size)
  const others = yield* read(second, afterSecond, size)
  const rows: Array<Row> = []
  let [nth, otherNth] = [0, 0]
  while (rows.length < size) {
    const [one, other] = [ones.rows[nth], others.rows[otherNth]]
    if (one !== undefined && (other === undefined || isBefore(one, other))) {
      rows.push(one)
      nth += 1
    } else if (other !== undefined) {
      rows.push(other)
      otherNth += 1
    } else break
  }
  const cursors = [yield* further(first, afterFirst, ones, nth), yield* further(second, afterSecond, others, otherNth)]
  return { rows, next: cursors.every((cursor) => cursor === atEnd) ? undefined : cursors.join(between) }
})
