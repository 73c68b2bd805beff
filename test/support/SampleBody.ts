/**
 * A body that an operation takes, made of its description: what is required and nothing else, and where a text has to be
 * of a form that the description does not tell, the first that the declaration takes. So no operation needs one written.
 */
import * as Result from "effect/Result"
import { decoderOf } from "#http/door/Validation.ts"
import type { Endpoint } from "#http/door/Endpoint.ts"

export interface JsonSchema {
  readonly $ref?: string
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly allOf?: ReadonlyArray<JsonSchema>
  readonly enum?: ReadonlyArray<unknown>
  readonly type?: string
  readonly required?: ReadonlyArray<string>
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly minItems?: number
  readonly items?: JsonSchema
  readonly minimum?: number
}

type Schemas = Readonly<Record<string, JsonSchema>>
type Body = Record<string, unknown>

const plainest = (schema: JsonSchema, schemas: Schemas): unknown => {
  const inner =
    schema.$ref === undefined ? (schema.anyOf ?? schema.allOf)?.[0] : schemas[schema.$ref.split("/").at(-1) ?? ""]
  if (inner !== undefined) return plainest(inner, schemas)
  if (schema.enum !== undefined) return schema.enum[0]
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        (schema.required ?? []).map((name) => [name, plainest(schema.properties?.[name] ?? {}, schemas)])
      )
    case "array":
      return (schema.minItems ?? 0) > 0 ? [plainest(schema.items ?? {}, schemas)] : []
    case "integer":
    case "number":
      return Math.max(1, schema.minimum ?? 1)
    case "boolean":
      return true
    default:
      return "text"
  }
}

const put = (body: Body, pointer: string, value: unknown): Body => {
  const [name = "", ...rest] = pointer.split("/").slice(1)
  const inner = rest.map((each) => `/${each}`).join("")
  const held = body[name]
  if (inner === "") return { ...body, [name]: value }
  if (Array.isArray(held))
    return { ...body, [name]: Object.values(put(Object.fromEntries(held.entries()), inner, value)) }
  return { ...body, [name]: put((held ?? {}) as Body, inner, value) }
}

/** Dies where nothing that is known fits: then `texts` lacks a form that the declaration asks for. */
export const sampleBody = (
  { declaration }: Pick<Endpoint<unknown>, "declaration">,
  schema: JsonSchema,
  schemas: Schemas,
  texts: (pointer: string) => ReadonlyArray<string>
): unknown => {
  const decode = decoderOf(declaration.body, "")
  const pointersIn = (body: unknown): ReadonlyArray<string> => {
    const decoded = decode(body)
    return Result.isSuccess(decoded) ? [] : (decoded.failure.faults ?? []).map(({ pointer }) => pointer)
  }
  let body = plainest(schema, schemas) as Body
  for (const pointer of pointersIn(body)) {
    const fitting = texts(pointer).find((text) => !pointersIn(put(body, pointer, text)).includes(pointer))
    if (fitting !== undefined) body = put(body, pointer, fitting)
  }
  const left = pointersIn(body)
  if (left.length > 0) throw new Error(`${declaration.name}: no value is known for ${left.join(", ")}`)
  return body
}
