/**
 * What was sent against what is declared. Everything that a schema finds wrong becomes faults a caller can act on: a
 * pointer and a rule each, all of them at once. Whatever is not declared is refused by name (API-1).
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Fault, type FieldFault, fault, invalid } from "./Fault.ts"
import { fieldFaults, notKnown } from "./SchemaFaults.ts"

const parseOptions = { errors: "all", onExcessProperty: "error" } as const

export type Decode = (value: unknown) => Result.Result<unknown, Fault>

/** Decodes by a declared schema; what is not declared at all is not looked at. */
export const decoderOf = (schema: Schema.Codec<unknown, unknown> | undefined, root: string): Decode => {
  if (schema === undefined) return () => Result.succeed(undefined)
  const decode = Schema.decodeUnknownResult(schema)
  return (value) => Result.mapError(decode(value, parseOptions), (error) => invalid(fieldFaults(error.issue, root)))
}

/** Objects and arrays within each other: more than any declared body has. */
const depthMax = 32

const tooDeep = fault(
  400,
  "KOINON.JSON_TOO_DEEP",
  "JSON nested too deeply",
  `Objects and arrays stand at most ${depthMax} deep within each other.`,
  { parameters: { depth_max: depthMax } }
)

const quote = 0x22
const backslash = 0x5c

/** How deep it is, as far as it is allowed to be. Of what is no JSON it says something. */
const isTooDeep = (text: string): boolean => {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isText) {
      if (code === backslash) at += 1
      else if (code === quote) isText = false
    } else if (code === quote) isText = true
    // The brackets of both kinds differ in one bit from each other.
    else if ((code | 0x20) === 0x7b) {
      depth += 1
      if (depth > depthMax) return true
    } else if ((code | 0x20) === 0x7d) depth -= 1
  }
  return false
}

/** What opens fewer than are allowed cannot be too deep, which most bodies are told by without being read twice. */
const opensMoreThanMax = (text: string): boolean => {
  let opened = 0
  for (const bracket of "{[") {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      opened += 1
      if (opened > depthMax) return true
    }
  }
  return false
}

/** The first text that no store can keep: with a NUL in it, or half of a surrogate pair. */
const unkeepable = (value: unknown, pointer: string): FieldFault | undefined => {
  if (typeof value === "string") {
    if (value.isWellFormed() && !value.includes("\0")) return undefined
    return { pointer: pointer || "/", rule: "A text holds no NUL character (\\u0000) and no half of a surrogate pair." }
  }
  if (typeof value !== "object" || value === null) return undefined
  for (const [name, each] of Object.entries(value)) {
    // A name that is wrong cannot be told in an answer either.
    const found = unkeepable(name, pointer) ?? unkeepable(each, `${pointer}/${name}`)
    if (found !== undefined) return found
  }
  return undefined
}

/** No body at all is an empty one: what it lacks, if anything, is then named field by field. */
export const parseJson = (text: string): Result.Result<unknown, Fault> => {
  if (text === "") return Result.succeed({})
  // Before it is parsed: what is that deep takes many times its length in memory.
  if (opensMoreThanMax(text) && isTooDeep(text)) return Result.fail(tooDeep)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Result.fail(fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "It is not JSON; send application/json."))
  }
  // Only written as an escape can they have come this far.
  const wrong = text.includes("\\u") ? unkeepable(value, "") : undefined
  return wrong === undefined ? Result.succeed(value) : Result.fail(invalid([wrong]))
}

/** Bytes that are no text: to read them as one would store something else than was sent. */
export const notUtf8 = fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "It is not UTF-8; send application/json.")

/** Where nothing may be sent: `Schema.Struct({})` would take anything. */
export const NoFields = Schema.Record(Schema.String, Schema.Never.annotate({ message: notKnown }))
