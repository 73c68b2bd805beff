/**
 * The questions put to one operation, all read from its description: is each documented parameter and field taken
 * with its values, is everything else refused by name, is nothing given to a caller without the right. Pure: a probe
 * is the change to a call that would succeed, and what must come of it.
 */
import type { Json, JsonObject, Operation, Parameter, Schema } from "./Description.ts"
import { check, plain } from "./SchemaCheck.ts"
import { type Field, fieldsOf, type Given, illTyped, leafOf, sample, valueAt, withField, without } from "./Sample.ts"

/** One request to the operation, before it is put on the wire. */
export interface Call {
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: JsonObject | undefined
  /** Sent in place of the body, as it stands. */
  readonly text?: string
  readonly credentials: "own" | "none" | "unknown token" | "foreign token"
}

export type Expectation =
  | { readonly kind: "success"; readonly heed?: { readonly parameter: Parameter; readonly value: string } }
  /** `names` must stand in the problem answer. */
  | { readonly kind: "refusal"; readonly statuses: ReadonlyArray<number>; readonly names?: string }
  /** The description demands a field that the server may do without: refusing must name it, taking is no difference. */
  | { readonly kind: "refusal or success"; readonly names: string }
  /** The value names a thing that nothing served can make: it may be refused, but not as an unknown field. */
  | { readonly kind: "known field" }

export interface Probe {
  /** What was sent, in the words of the report. */
  readonly when: string
  /** The body pointer or `?parameter` in question, or nothing. */
  readonly about: string
  readonly alter: (call: Call, given: Given) => Call
  readonly expectation: Expectation
}

const undocumentedName = "conformance_probe"
const enumerationTriedMax = 12
const nowhere = "00000000-0000-4000-8000-000000000000"
const clientErrors = [400, 403, 404, 409, 422]

const success: Expectation = { kind: "success" }
const refusal = (statuses: ReadonlyArray<number>, names?: string): Expectation =>
  names === undefined ? { kind: "refusal", statuses } : { kind: "refusal", statuses, names }

/** The enumeration whole when it is short; of a long one, such as the currencies, the scenario's choice stands for all. */
const documentedValues = (schema: Schema): ReadonlyArray<Json> => {
  if (schema.enum !== undefined) return schema.enum.length <= enumerationTriedMax ? schema.enum : []
  if (schema.type === "boolean") return [true, false]
  return [schema.minimum, schema.maximum].filter((bound) => bound !== undefined)
}

/** A list of words in one example of a plain string shows the choices, as `sort` does. */
const exampleValues = (parameter: Parameter): ReadonlyArray<Json> =>
  parameter.examples
    .flatMap((example) =>
      typeof example === "string" && parameter.schema.format !== "csv" ? example.split(",") : [example]
    )
    .filter((example) => check(parameter.schema, example).length === 0)

const valuesOf = (parameter: Parameter, given: Given): ReadonlyArray<Json> => {
  const own = given[`?${parameter.name}`]
  if (own !== undefined) return [own]
  const values = [...documentedValues(parameter.schema), ...exampleValues(parameter)]
  return values.length === 0 ? [sample(parameter.schema, {})] : [...new Set(values)]
}

const withParameter =
  (parameter: Parameter, value: string) =>
  (call: Call): Call =>
    parameter.in === "header"
      ? { ...call, headers: { ...call.headers, [parameter.name]: value } }
      : { ...call, query: { ...call.query, [parameter.name]: value } }

const parameterProbes = (operation: Operation, given: Given): ReadonlyArray<Probe> =>
  operation.parameters
    .filter((parameter) => parameter.in === "query" || parameter.in === "header")
    .flatMap((parameter) => {
      const about = `?${parameter.name}`
      const taken = valuesOf(parameter, given).map((value): Probe => {
        const text = plain(value)
        return {
          when: `${parameter.in} ${parameter.name}=${text}`,
          about,
          alter: withParameter(parameter, text),
          expectation: { kind: "success", heed: { parameter, value: text } }
        }
      })
      if (parameter.schema.enum === undefined && parameter.schema.type === "string") return taken
      const wrong = plain(illTyped(parameter.schema))
      const refused: Probe = {
        when: `${parameter.in} ${parameter.name}=${wrong}`,
        about,
        alter: withParameter(parameter, wrong),
        expectation: refusal([400], parameter.name)
      }
      return [...taken, refused]
    })

/** Not asked where a path names what is everybody's. */
export const foreignToken: Probe = {
  when: "another contact's token",
  about: "",
  alter: (call) => ({ ...call, credentials: "foreign token" }),
  expectation: refusal([403, 404])
}

const callerProbes = (operation: Operation): ReadonlyArray<Probe> => {
  const probe = (when: string, alter: Probe["alter"], expectation: Expectation): Probe => ({
    when,
    about: "",
    alter,
    expectation
  })
  return [
    probe(
      `query ${undocumentedName}=1`,
      (call) => ({ ...call, query: { ...call.query, [undocumentedName]: "1" } }),
      refusal([400], undocumentedName)
    ),
    probe("no credentials", (call) => ({ ...call, credentials: "none" }), refusal([401])),
    ...(operation.needsBearer
      ? [probe("an unknown token", (call) => ({ ...call, credentials: "unknown token" }), refusal([401]))]
      : []),
    foreignToken,
    ...operation.parameters
      .filter((parameter) => parameter.in === "path")
      .map(({ name }) =>
        probe(
          `path ${name} of nothing that exists`,
          (call) => ({ ...call, path: { ...call.path, [name]: nowhere } }),
          refusal([403, 404])
        )
      )
  ]
}

/** Whether a pointer, or one of its values, lies in what the scenario calls unserved. */
const liesIn = (unserved: ReadonlyArray<string>, pointer: string, value?: Json): boolean =>
  unserved.some(
    (each) =>
      each === pointer ||
      pointer.startsWith(`${each}/`) ||
      (value !== undefined && each === `${pointer}=${plain(value)}`)
  )

const fieldProbes = (
  body: Schema,
  field: Field,
  given: Given,
  unserved: ReadonlyArray<string>
): ReadonlyArray<Probe> => {
  const { pointer, schema } = field
  const open = liesIn(unserved, pointer)
  const setTo = (choose: (call: Call, given: Given) => Json, at = pointer): Probe["alter"] => {
    return (call, given) => ({
      ...call,
      body: withField(body, call.body ?? {}, at, choose(call, given), given) as JsonObject
    })
  }
  const present = setTo((call, given) => valueAt(call.body, pointer) ?? sample(schema, given, pointer))
  const taken = (value: Json): Probe => ({
    when: `body ${pointer} = ${JSON.stringify(value)}`,
    about: pointer,
    alter: setTo(() => value),
    expectation: open || liesIn(unserved, pointer, value) ? { kind: "known field" } : success
  })
  const refused = (wrong: Json): Probe => ({
    when: `body ${pointer} = ${JSON.stringify(wrong)}`,
    about: pointer,
    alter: setTo(() => wrong),
    expectation: refusal(open ? clientErrors : [400], leafOf(pointer))
  })
  const sampled: Probe = {
    when: `body ${pointer}`,
    about: pointer,
    alter: setTo((_call, given) => sample(schema, given, pointer)),
    expectation: open ? { kind: "known field" } : success
  }
  const absent: Probe = {
    when: `body without ${pointer}`,
    about: pointer,
    alter: (call, given) => ({ ...call, body: without(present(call, given).body ?? {}, pointer) }),
    expectation: { kind: "refusal or success", names: leafOf(pointer) }
  }
  const strayPointer = `${pointer}/${undocumentedName}`
  const stray: Probe = {
    when: `body ${strayPointer}`,
    about: pointer,
    alter: (call, given) => setTo(() => "1", strayPointer)(present(call, given), given),
    expectation: refusal([400], undocumentedName)
  }
  const listed = given[pointer] === undefined ? documentedValues(schema) : []
  const entries = given[pointer] === undefined ? documentedValues(schema.items ?? {}) : []
  const scalarEntry = schema.items?.properties === undefined ? schema.items : undefined
  return [
    ...(listed.length === 0 ? [sampled] : listed.map(taken)),
    ...entries.map((entry) => taken([entry])),
    ...(schema.nullable === true ? [taken(null)] : []),
    refused(illTyped(schema)),
    ...(scalarEntry === undefined ? [] : [refused([illTyped(scalarEntry)])]),
    ...(field.required && !open ? [absent] : []),
    ...(schema.properties !== undefined && !open ? [stray] : [])
  ]
}

const malformed: Probe = {
  when: "a body that is not JSON",
  about: "",
  alter: (call) => ({ ...call, text: '{"' }),
  expectation: refusal([400])
}

/** Sent before the rest: its answer shows how this server refuses what it does not know. */
export const unknownField: Probe = {
  when: `body /${undocumentedName}`,
  about: "",
  alter: (call) => ({ ...call, body: { ...call.body, [undocumentedName]: "1" } }),
  expectation: refusal([400], undocumentedName)
}

export const plainCall: Probe = { when: "the plain call", about: "", alter: (call) => call, expectation: success }

/** Everything asked after the plain call, for an arrangement that gives these values. */
export const probesOf = (
  operation: Operation,
  given: Given,
  unserved: ReadonlyArray<string> = []
): ReadonlyArray<Probe> => {
  const { body } = operation
  const ofBody =
    body === undefined
      ? []
      : [unknownField, malformed, ...fieldsOf(body).flatMap((field) => fieldProbes(body, field, given, unserved))]
  return [...ofBody, ...parameterProbes(operation, given), ...callerProbes(operation)]
}
