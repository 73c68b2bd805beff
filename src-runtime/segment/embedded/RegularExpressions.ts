/**
 * Patterns without backtracking: whatever a pattern says, a text is read once. What needs to look ahead or back is refused,
 * and so is what would compile into too much. Compiled ones are kept, the least recently used leave.
 */
import { BSONRegExp } from "bson"
import { RE2JS } from "re2js"
import { Refused } from "./Refused.ts"

/** Enough for any text of a condition: three letters for one of Hangul, a mark before one that means something. */
const patternLengthMax = 2_000
const compiledMax = 256

const flags: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL
}

export interface Pattern {
  readonly source: string
  readonly options: string
}

/** What a filter or an expression gives as a pattern; `undefined` if it is none. */
export const patternOf = (value: unknown, options: unknown = ""): Pattern | undefined => {
  if (value instanceof BSONRegExp) return { source: value.pattern, options: value.options }
  if (value instanceof RegExp) return { source: value.source, options: value.flags.replaceAll(/[gyud]/g, "") }
  if (typeof value !== "string") return undefined
  return { source: value, options: typeof options === "string" ? options : "" }
}

const compiled = new Map<string, RE2JS>()

export const compile = ({ source, options }: Pattern): RE2JS => {
  const name = `${options}/${source}`
  const known = compiled.get(name)
  if (known !== undefined) return known
  if (source.length > patternLengthMax) {
    throw new Refused("UnknownRegularExpression", `a pattern is longer than ${patternLengthMax} characters`)
  }
  let bits = 0
  for (const option of options) {
    const bit = flags[option]
    if (bit === undefined)
      throw new Refused("UnknownRegularExpression", `the option ${option} of patterns is not known`)
    bits |= bit
  }
  try {
    const pattern = RE2JS.compile(source, bits)
    if (compiled.size >= compiledMax) {
      const [oldest] = compiled.keys()
      if (oldest !== undefined) compiled.delete(oldest)
    }
    compiled.set(name, pattern)
    return pattern
  } catch {
    throw new Refused("UnknownRegularExpression", "a pattern that cannot be read once through")
  }
}
