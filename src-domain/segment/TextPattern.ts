/**
 * Regular expressions of conditions: RE2, which takes time in proportion to the text whatever the expression. They are
 * kept to what RE2 and the engine of a MongoDB server can be made to understand alike: no flags but `(?i)`, no names, and
 * the few escapes below.
 */
import * as Result from "effect/Result"
import { RE2JS } from "re2js"

const patternLengthMax = 200
/** Instructions of the compiled program: repetitions of repetitions multiply. */
const programSizeMax = 2_000

/** Where each engine has an own opinion, what both take for the same. */
const spaces = "\\t\\n\\f\\r "
const escapes = /^(?:[dDwWbBnrtfxpP]|[^\p{L}\p{N}])$/u

type Scanned = Result.Result<string, string>

const groupObjection = "A group is plain, (?:…) or (?i:…); no flag is known but a leading (?i)."
const escapeObjection = "Of escapes it knows \\d \\w \\s \\b and their opposites, \\n \\r \\t \\f, \\x and \\p."

/** The escape whose backslash stands at `index`. */
const escapeOf = (sign: string, inClass: boolean): string | undefined => {
  if (sign === "s") return inClass ? spaces : `[${spaces}]`
  if (sign === "S") return inClass ? undefined : `[^${spaces}]`
  return escapes.test(sign) ? `\\${sign}` : undefined
}

/** The expression as a MongoDB server takes it, or what is wrong with it. */
const scan = (pattern: string): Scanned => {
  let [result, inClass] = ["", false]
  const signs = Array.from(pattern)
  for (let index = 0; index < signs.length; index++) {
    const sign = signs[index] ?? ""
    const rest = signs.slice(index + 1, index + 3).join("")
    if (sign === "\\") {
      const escaped = escapeOf(signs[index + 1] ?? "", inClass)
      if (escaped === undefined) return Result.fail(escapeObjection)
      result += escaped
      index++
    } else if (inClass) {
      if (sign === "[" && /^[.=]/.test(rest)) return Result.fail("A class of characters is a plain one or [:name:].")
      const named = sign === "[" ? /^\[:\^?[a-z]+:\]/.exec(signs.slice(index).join(""))?.[0] : undefined
      result += named ?? (sign === "[" ? "\\[" : sign)
      index += (named?.length ?? 1) - 1
      if (sign === "]") inClass = false
    } else if (sign === "[") {
      const opening = /^\[\^?\]?/.exec(signs.slice(index, index + 3).join(""))?.[0] ?? sign
      result += opening
      index += opening.length - 1
      inClass = true
    } else if (sign === "(" && rest.startsWith("?")) {
      const group = signs.slice(index, index + 4).join("")
      if (!group.startsWith("(?:") && group !== "(?i:" && (group !== "(?i)" || index > 0)) {
        return Result.fail(groupObjection)
      }
      result += sign
    } else if (sign === "{" && rest.startsWith(",")) return Result.fail("A repetition begins with a number.")
    else result += sign === "$" ? "\\z" : sign
  }
  return Result.succeed(result)
}

const compiled = (pattern: string): RE2JS | undefined => {
  try {
    return RE2JS.compile(pattern)
  } catch {
    return undefined
  }
}

/** A sentence, or `undefined` when the expression may be kept. */
export const objectionToPattern = (pattern: string): string | undefined => {
  if (pattern.length > patternLengthMax) return `A regular expression has at most ${patternLengthMax} characters.`
  const scanned = scan(pattern)
  if (Result.isFailure(scanned)) return scanned.failure
  const program = compiled(pattern)
  if (program === undefined) return "It is not a regular expression of RE2."
  return program.programSize() > programSizeMax ? "The regular expression repeats too much." : undefined
}

/** The same expression for the engine of a MongoDB server. */
export const portablePattern = (pattern: string): string => Result.getOrThrow(scan(pattern))

/** Of an expression that `objectionToPattern` has nothing against: whether it is found anywhere in the text. */
export const matcherOf = (pattern: string): ((text: string) => boolean) => {
  const program = RE2JS.compile(pattern)
  return (text) => program.matcher(text).find()
}
