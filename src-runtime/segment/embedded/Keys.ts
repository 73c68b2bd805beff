/** Values as keys of hash maps: two values that MongoDB holds for equal have one key. Missing is null, as in its indexes. */
import { type Document, ObjectId, serialize } from "bson"
import { Refused } from "./Refused.ts"

export type Key = string | number | boolean | null

/** Begins the keys of whatever is no plain value, so that none of them is taken for a string. */
const mark = "\0"

export const keyOf = (value: unknown): Key => {
  switch (typeof value) {
    case "string":
      return value.startsWith(mark) ? `${mark}string${value}` : value
    case "number":
    case "boolean":
      // Minus zero equals zero in a map as well.
      return value
    case "undefined":
      return null
    default:
      if (value === null) return null
      if (value instanceof ObjectId) return `${mark}id${value.toHexString()}`
      return `${mark}bson${Buffer.from(serialize({ value })).toString("base64")}`
  }
}

/** A field of a document; `undefined` where any step is missing. MongoDB would look into each document of a list on the way. */
export const fieldOf = (document: Document, path: string): unknown => {
  if (!path.includes(".")) return document[path]
  let value: unknown = document
  for (const step of path.split(".")) {
    if (Array.isArray(value)) throw new Refused("BadValue", `the path ${path} leads through a list`)
    if (typeof value !== "object" || value === null) return undefined
    value = (value as Document)[step]
  }
  return value
}

/** What is neither an operator nor a pattern, but a value to be equal to. */
export const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
