/**
 * Says where a JSON value departs from a schema of the description, as JSON pointer, expected and got. Pure and
 * recursive over the whole value. Fields that the description does not name are allowed at every level; a null is
 * allowed only where the schema says `nullable`, whatever the prose beside it says.
 */
import { isArray, isObject, type Json, type Schema } from "./Description.ts"

export interface Difference {
  readonly pointer: string
  readonly expected: string
  readonly got: string
}

const shownLengthMax = 80
const enumerationShownMax = 12
/** Seconds stay below this until the year 5138; the milliseconds of any instant since 1973 lie above it. */
const epochSecondsMax = 1e11
/** 2001 in seconds; no example of another number in the description is as large. */
const instantExampleMin = 1e9

/** A value short enough for one line of a report. */
export const show = (value: Json | undefined): string => {
  if (value === undefined) return "nothing"
  const text = JSON.stringify(value)
  return text.length <= shownLengthMax ? text : `${text.slice(0, shownLengthMax - 1)}…`
}

/** As it stands in an address or a sentence: a text without its quotes. */
export const plain = (value: Json | undefined): string =>
  typeof value === "string" ? value : JSON.stringify(value ?? null)

export const escapeToken = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1")

const typeOf = (value: Json): string => (value === null ? "null" : isArray(value) ? "array" : typeof value)

/** A value and its type, for one that is of the wrong type. */
export const typed = (value: Json | undefined): string =>
  value === undefined || value === null ? show(value) : `${typeOf(value)} ${show(value)}`

const guid = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

/** A format whose meaning is not listed is a bare name for the reader and constrains nothing. */
const formats: Readonly<Record<string, { readonly expected: string; readonly holds: (value: Json) => boolean }>> = {
  epoch: {
    expected: "whole seconds since 1970",
    holds: (value) => Number.isInteger(value) && Math.abs(Number(value)) < epochSecondsMax
  },
  int32: {
    expected: "a whole number of 32 bits",
    holds: (value) => Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31
  },
  int64: { expected: "a whole number that JSON keeps exactly", holds: (value) => Number.isSafeInteger(value) },
  GUID: { expected: "a GUID", holds: (value) => typeof value === "string" && guid.test(value) },
  date: { expected: "a date as YYYY-MM-DD", holds: (value) => /^\d{4}-\d\d-\d\d$/.test(plain(value)) }
}

const typeHolds = (type: string | undefined, value: Json): boolean => {
  switch (type) {
    case undefined:
      return true
    case "integer":
      return Number.isInteger(value)
    case "object":
      return isObject(value)
    case "array":
      return isArray(value)
    default:
      return typeof value === type
  }
}

const enumeration = (values: ReadonlyArray<Json>): string =>
  values.length <= enumerationShownMax
    ? `one of ${values.map(plain).join(", ")}`
    : `one of the ${values.length} values from ${plain(values[0])} to ${plain(values.at(-1))}`

/** The description calls some instants a bare `int64`; then only the example beside it shows that they are seconds. */
const formatOf = ({ format, example }: Schema): string =>
  format === "int64" && Number.isInteger(example) && Number(example) >= instantExampleMin ? "epoch" : (format ?? "")

const checkScalar = (schema: Schema, value: Json, pointer: string): ReadonlyArray<Difference> => {
  const expected: Array<string> = []
  const format = formats[formatOf(schema)]
  if (schema.enum !== undefined && !schema.enum.includes(value)) expected.push(enumeration(schema.enum))
  if (format !== undefined && !format.holds(value)) expected.push(format.expected)
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum) expected.push(`at least ${schema.minimum}`)
    if (schema.maximum !== undefined && value > schema.maximum) expected.push(`at most ${schema.maximum}`)
  }
  if (typeof value === "string") {
    if (schema.minLength !== undefined && value.length < schema.minLength) {
      expected.push(`${schema.minLength} characters or more`)
    }
    if (schema.maxLength !== undefined && value.length > schema.maxLength) {
      expected.push(`${schema.maxLength} characters or fewer`)
    }
  }
  return expected.map((each) => ({ pointer, expected: each, got: show(value) }))
}

const checkObject = (schema: Schema, value: JsonLike, pointer: string): ReadonlyArray<Difference> => {
  const missing = (schema.required ?? [])
    .filter((name) => value[name] === undefined)
    .map((name) => ({ pointer: `${pointer}/${escapeToken(name)}`, expected: "a required field", got: "nothing" }))
  const inside = Object.entries(value).flatMap(([name, each]) => {
    const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined
    const part = known ?? schema.additionalProperties
    return part === undefined || each === undefined ? [] : check(part, each, `${pointer}/${escapeToken(name)}`)
  })
  return [...missing, ...inside]
}

type JsonLike = Readonly<Record<string, Json | undefined>>

const checkArray = (schema: Schema, value: ReadonlyArray<Json>, pointer: string): ReadonlyArray<Difference> => {
  const { items } = schema
  const inside = items === undefined ? [] : value.flatMap((each, index) => check(items, each, `${pointer}/${index}`))
  if (schema.uniqueItems !== true) return inside
  const texts = value.map((each) => JSON.stringify(each))
  const twice = texts.findIndex((text, index) => texts.indexOf(text) !== index)
  if (twice < 0) return inside
  return [...inside, { pointer: `${pointer}/${twice}`, expected: "unique entries", got: show(value[twice]) }]
}

/** Every difference between the value and its schema; empty when it conforms. */
export const check = (schema: Schema, value: Json, pointer = ""): ReadonlyArray<Difference> => {
  if (value === null && schema.nullable === true) return []
  if (!typeHolds(schema.type, value)) {
    const orNull = schema.nullable === true ? " or null" : ""
    return [{ pointer, expected: `${schema.type}${orNull}`, got: typed(value) }]
  }
  if (isArray(value)) return checkArray(schema, value, pointer)
  if (isObject(value)) return checkObject(schema, value, pointer)
  return checkScalar(schema, value, pointer)
}

/** The documented fields of a schema below its root, with `*` for an index: what an answer could show. */
export const documentedFields = (schema: Schema, pointer = ""): ReadonlyArray<string> => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const here = `${pointer}/${escapeToken(name)}`
    return [here, ...documentedFields(part, here)]
  }),
  ...(schema.items === undefined ? [] : documentedFields(schema.items, `${pointer}/*`))
]

/** The fields that a value does show, written as `documentedFields` writes them. */
export const shownFields = (value: Json, pointer = ""): ReadonlyArray<string> => {
  if (isArray(value)) return value.flatMap((each) => shownFields(each, `${pointer}/*`))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, part]) => {
    const here = `${pointer}/${escapeToken(name)}`
    return [here, ...shownFields(part, here)]
  })
}
