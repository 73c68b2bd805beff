/** `$sort`: by runs that are merged as they are read, so that a long list is never sorted in one go. */
import type { Document } from "bson"
import { fieldOf } from "./Keys.ts"
import { compare } from "./Order.ts"
import { Refused } from "./Refused.ts"
import { pieceSize, type Prepared } from "./Stage.ts"

/** Of an array the least counts going up and the greatest going down, as in MongoDB; an empty one comes before null. */
const sortValue = (document: Document, path: string, direction: number): unknown => {
  const value = fieldOf(document, path)
  if (!Array.isArray(value)) return value ?? null
  return value.reduce<unknown>(
    (found, each) => (found === undefined || compare(each, found) * direction < 0 ? each : found),
    undefined
  )
}

const orderOf = (body: Document): ((left: Document, right: Document) => number) => {
  const keys = Object.entries(body)
  if (keys.length === 0 || keys.some(([, direction]) => direction !== 1 && direction !== -1)) {
    throw new Refused("BadValue", "an order is given by 1 or -1")
  }
  return (left, right) => {
    for (const [path, direction] of keys) {
      const order = compare(sortValue(left, path, direction), sortValue(right, path, direction))
      if (order !== 0) return order * direction
    }
    return 0
  }
}

/** Equal ones in the order in which they came: of the earlier run first. */
function* merged(
  runs: ReadonlyArray<ReadonlyArray<Document>>,
  order: (left: Document, right: Document) => number
): Generator<ReadonlyArray<Document>> {
  const places = runs.map(() => 0)
  const heads = runs.map((_, run) => run)
  const isBefore = (left: number, right: number): boolean => {
    const found = order(runs[left]?.[places[left] ?? 0] as Document, runs[right]?.[places[right] ?? 0] as Document)
    return found === 0 ? left < right : found < 0
  }
  const sink = (from: number): void => {
    for (let at = from; ;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heads.length && isBefore(heads[child] as number, heads[least] as number)) least = child
      }
      if (least === at) return
      const moved = heads[at] as number
      heads[at] = heads[least] as number
      heads[least] = moved
      at = least
    }
  }
  for (let at = heads.length >> 1; at >= 0; at--) if (heads.length > 1) sink(at)
  let out: Array<Document> = []
  while (heads.length > 0) {
    const run = heads[0] as number
    const at = places[run] ?? 0
    out.push(runs[run]?.[at] as Document)
    places[run] = at + 1
    if (at + 1 === runs[run]?.length) {
      const last = heads.pop() as number
      if (heads.length > 0) heads[0] = last
    }
    if (heads.length > 0) sink(0)
    if (out.length === pieceSize) {
      yield out
      out = []
    }
  }
  if (out.length > 0) yield out
}

/** So many are sorted at once; the runs are merged as they are read. */
const runSize = 8_192

export const sort = (body: Document): Prepared => {
  const order = orderOf(body)
  return {
    whole: (documents) => (documents.length < 2 ? documents : documents.toSorted(order)),
    make: () => {
      let run: Array<Document> = []
      const runs: Array<Array<Document>> = []
      const close = (): void => {
        if (run.length > 0) runs.push(run.toSorted(order))
        run = []
      }
      return {
        push: (documents) => {
          run.push(...documents)
          if (run.length >= runSize) close()
          return []
        },
        end: function* () {
          close()
          yield* merged(runs, order)
        }
      }
    }
  }
}
