/**
 * Well-typed and ill-typed values for a schema, and the reading and writing of one field of a body by JSON pointer.
 * Pure. A value that the scenario gives wins, then an example that fits its own schema, then the plainest value of
 * the type.
 */
import { isArray, isObject, type Json, type JsonObject, type Schema } from "./Description.ts"
import { check, escapeToken } from "./SchemaCheck.ts"

/** What the scenario says a field should be, by pointer. */
export type Given = Readonly<Record<string, Json>>

export interface Field {
  readonly pointer: string
  readonly schema: Schema
  readonly required: boolean
}

/** Every documented field of a request body, outermost first; an array's fields are those of its first entry. */
export const fieldsOf = (schema: Schema, pointer = ""): ReadonlyArray<Field> => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const here = `${pointer}/${escapeToken(name)}`
    return [
      { pointer: here, schema: part, required: schema.required?.includes(name) === true },
      ...fieldsOf(part, here)
    ]
  }),
  ...(schema.items?.properties === undefined ? [] : fieldsOf(schema.items, `${pointer}/0`))
]

export const sample = (schema: Schema, given: Given, pointer = ""): Json => {
  const own = given[pointer]
  if (own !== undefined) return own
  if (schema.type === "object" || schema.properties !== undefined) {
    const required = schema.required ?? []
    return Object.fromEntries(
      Object.entries(schema.properties ?? {})
        .filter(([name]) => required.includes(name) || given[`${pointer}/${escapeToken(name)}`] !== undefined)
        .map(([name, part]) => [name, sample(part, given, `${pointer}/${escapeToken(name)}`)])
    )
  }
  if (schema.type === "array") return [sample(schema.items ?? {}, given, `${pointer}/0`)]
  if (schema.example !== undefined && check(schema, schema.example).length === 0) return schema.example
  if (schema.enum?.[0] !== undefined) return schema.enum[0]
  switch (schema.type) {
    case "boolean":
      return true
    case "integer":
    case "number":
      return schema.minimum ?? 1
    default:
      return "text"
  }
}

/** A value that no reader of the schema may take for the documented type. */
export const illTyped = (schema: Schema): Json => {
  if (schema.enum !== undefined) return "NO_SUCH_VALUE"
  switch (schema.type) {
    case "string":
      return 12
    case "boolean":
      return "perhaps"
    case "array":
      return { not: "a list" }
    default:
      return "neither"
  }
}

const tokensOf = (pointer: string): ReadonlyArray<string> =>
  pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))

export const leafOf = (pointer: string): string =>
  tokensOf(pointer)
    .filter((token) => token !== "0")
    .at(-1) ?? ""

export const valueAt = (value: Json | undefined, pointer: string): Json | undefined => {
  let found = value
  for (const token of tokensOf(pointer)) {
    if (isArray(found)) found = found[Number(token)]
    else found = isObject(found) && Object.hasOwn(found, token) ? found[token] : undefined
  }
  return found
}

/** A copy without the field. */
export const without = (body: JsonObject, pointer: string): JsonObject => {
  const [token = "", ...rest] = tokensOf(pointer)
  if (rest.length === 0) return Object.fromEntries(Object.entries(body).filter(([name]) => name !== token))
  const child = body[token]
  const inner = `/${rest.map(escapeToken).join("/")}`
  return isObject(child) ? { ...body, [token]: without(child, inner) } : body
}

/** A copy with the field set; a parent that is not there yet comes with the fields that it requires. */
export const withField = (schema: Schema, body: Json, pointer: string, value: Json, given: Given, at = ""): Json => {
  const [token, ...rest] = tokensOf(pointer)
  if (token === undefined) return value
  const inner = rest.map((each) => `/${escapeToken(each)}`).join("")
  const here = `${at}/${escapeToken(token)}`
  const part = (isArray(body) ? schema.items : schema.properties?.[token]) ?? {}
  const child = valueAt(body, `/${escapeToken(token)}`) ?? (inner === "" ? null : sample(part, given, here))
  const changed = withField(part, child, inner, value, given, here)
  if (isArray(body)) return [changed, ...body.slice(1)]
  return { ...(isObject(body) ? body : {}), [token]: changed }
}
