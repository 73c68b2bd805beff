/** Filters: what a document has to be, and which few documents can be meant, where an index tells. */
import { BSONRegExp, type Document } from "bson"
import type { Collection } from "./Collection.ts"
import { isPlain } from "./Keys.ts"
import { patternOperator, predicate } from "./Predicates.ts"
import { Refused } from "./Refused.ts"
import { type Pattern, patternOf } from "./RegularExpressions.ts"

const isDocument = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

const named = ({ options, source }: Pattern): Document => ({ [patternOperator]: `${options}/${source}` })

/** The same filter with its patterns under another name, so that none of them becomes one that backtracks. */
const withoutPatterns = (value: unknown): unknown => {
  const pattern = typeof value === "string" ? undefined : patternOf(value)
  if (pattern !== undefined) return named(pattern)
  if (Array.isArray(value)) return value.some((each) => typeof each === "object") ? value.map(withoutPatterns) : value
  if (!isDocument(value)) return value
  const copy: Document = {}
  for (const [name, inner] of Object.entries(value)) {
    if (name === "$regex") {
      const given = patternOf(inner, value["$options"])
      if (given === undefined) throw new Refused("BadValue", "$regex has to be a text")
      Object.assign(copy, named(given))
    } else if (name === "$in" || name === "$nin" || name === "$all") {
      if (Array.isArray(inner) && inner.some((each) => each instanceof BSONRegExp)) {
        throw new Refused("BadValue", "a pattern in a list")
      }
      copy[name] = inner
    } else if (name !== "$options") copy[name] = name === "$expr" ? inner : withoutPatterns(inner)
  }
  return copy
}

export interface Filter {
  readonly body: Document
  readonly test: (document: Document) => boolean
}

export const compile = (filter: Document): Filter => {
  const body = withoutPatterns(filter) as Document
  return { body, test: Object.keys(body).length === 0 ? () => true : predicate(body) }
}

/** The values that a field has to equal one of; `undefined` if the condition says something else. */
const valuesOf = (condition: unknown): ReadonlyArray<unknown> | undefined => {
  if (isPlain(condition)) return [condition]
  if (!isDocument(condition)) return undefined
  if (isPlain(condition["$eq"])) return [condition["$eq"]]
  const list: unknown = condition["$in"]
  return Array.isArray(list) && list.every(isPlain) ? list : undefined
}

interface Lookup {
  readonly field: string
  readonly values: ReadonlyArray<unknown>
}

const lookupsOf = (filter: Document, collection: Collection): ReadonlyArray<Lookup> =>
  Object.entries(filter).flatMap(([field, condition]): ReadonlyArray<Lookup> => {
    if (field === "$and" && Array.isArray(condition)) {
      return condition.flatMap((each: Document) => lookupsOf(each, collection))
    }
    const values = collection.knows(field) ? valuesOf(condition) : undefined
    return values === undefined ? [] : [{ field, values: [...new Set(values)] }]
  })

/** A lookup that leads to more than a third of all documents costs more than to look at all of them. */
const worthwhileShare = 3

/** All that can match, or more; each of them has to be tested. */
export const candidates = (filters: ReadonlyArray<Filter>, collection: Collection): Iterable<Document> => {
  let best: Lookup | undefined
  let fewest = Math.max(1, collection.size / worthwhileShare)
  for (const { body } of filters) {
    for (const lookup of lookupsOf(body, collection)) {
      const count = collection.countOf(lookup.field, lookup.values)
      if (count > fewest) continue
      best = lookup
      fewest = count
    }
  }
  return best === undefined ? collection.all() : collection.under(best.field, best.values)
}
