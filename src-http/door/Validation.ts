/**
 * What was sent against what is declared. Everything that a schema finds wrong becomes faults a caller can act on: a
 * pointer and a rule each, all of them at once. Whatever is not declared is refused by name (API-1).
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { type Fault, type FieldFault, fault, invalid } from "./Fault.ts"

/** Faults listed in one answer; a body with more is wrong enough. */
const faultsMax = 20

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const pointerOf = (path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined): string =>
  (path ?? []).map((segment) => `/${String(typeof segment === "object" ? segment.key : segment)}`).join("")

/** `root` is put before a lone parameter name, "" for bodies. */
export const fieldFaults = (issue: SchemaIssue.Issue, root: string): ReadonlyArray<FieldFault> =>
  format(issue)
    .issues.slice(0, faultsMax)
    .map(({ path, message }) => ({ pointer: `${root}${pointerOf(path)}` || "/", rule: message }))

const parseOptions = { errors: "all", onExcessProperty: "error" } as const

export type Decode = (value: unknown) => Result.Result<unknown, Fault>

/** Decodes by a declared schema; what is not declared at all is not looked at. */
export const decoderOf = (schema: Schema.Codec<unknown, unknown> | undefined, root: string): Decode => {
  if (schema === undefined) return () => Result.succeed(undefined)
  const decode = Schema.decodeUnknownResult(schema)
  return (value) => Result.mapError(decode(value, parseOptions), (error) => invalid(fieldFaults(error.issue, root)))
}

/** No body at all is an empty one: what it lacks, if anything, is then named field by field. */
export const parseJson = (text: string): Result.Result<unknown, Fault> => {
  if (text === "") return Result.succeed({})
  try {
    return Result.succeed(JSON.parse(text))
  } catch {
    return Result.fail(fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "It is not JSON; send application/json."))
  }
}

/** Where nothing may be sent: `Schema.Struct({})` would take anything. */
export const NoFields = Schema.Record(Schema.String, Schema.Never.annotate({ message: "Expected no excess property" }))
