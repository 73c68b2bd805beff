/**
 * How MongoDB orders values of any kind, for what compares two values as expressions do: missing before null before numbers
 * before text and so on, whole arrays with whole arrays. (A filter compares within one kind only; that is mingo's part.)
 */
import type { Document } from "bson"

const ranks: Readonly<Record<string, number>> = { undefined: 0, number: 2, bigint: 2, string: 3, boolean: 8 }

const rankOf = (value: unknown): number => {
  const plain = ranks[typeof value]
  if (plain !== undefined) return plain
  if (value === null) return 1
  if (Array.isArray(value)) return 5
  return value instanceof Date ? 9 : 4
}

const plainOrder = <A>(left: A, right: A): number => (left < right ? -1 : left > right ? 1 : 0)

/** Text is ordered by its bytes in UTF-8, which JavaScript's own order is not beyond the basic plane. */
const textOrder = (left: string, right: string): number =>
  left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right))

export const compare = (left: unknown, right: unknown): number => {
  if (left === right) return 0
  const rank = rankOf(left)
  const other = rankOf(right)
  if (rank !== other) return rank - other
  if (typeof left === "string") return textOrder(left, right as string)
  if (typeof left !== "object" || left === null) return plainOrder(left, right)
  if (left instanceof Date) return plainOrder(left.getTime(), (right as Date).getTime())
  if (Array.isArray(left)) return listOrder(left, right as ReadonlyArray<unknown>)
  return documentOrder(left, right as Document)
}

const listOrder = (left: ReadonlyArray<unknown>, right: ReadonlyArray<unknown>): number => {
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compare(left[index], right[index])
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Field by field as they stand: kind, then name, then value. */
const documentOrder = (left: Document, right: Document): number => {
  const [own, other] = [Object.entries(left), Object.entries(right)]
  for (const [index, [name, value]] of own.entries()) {
    const met = other[index]
    if (met === undefined) return 1
    const order = rankOf(value) - rankOf(met[1]) || textOrder(name, met[0]) || compare(value, met[1])
    if (order !== 0) return order
  }
  return own.length - other.length
}
