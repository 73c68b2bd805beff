/** What the database server said was wrong, as against the ways in which it may not have been reached at all. */
import type { SqlError } from "effect/sql/SqlError"

/** What the server would have said, had the driver not refused to send it: an invalid text representation. */
const unencodable = "22P02"

/** SQLSTATE of the server's answer, if the server answered at all. */
export const sqlState = (error: SqlError): string | undefined => {
  let cause: unknown = error.reason.cause
  for (let depth = 0; depth < 4 && typeof cause === "object" && cause !== null; depth++) {
    if ("code" in cause && typeof cause.code === "string" && /^[0-9A-Z]{5}$/.test(cause.code)) return cause.code
    if ("_tag" in cause && cause._tag === "PgTypesCodecError") return unencodable
    cause = "cause" in cause ? cause.cause : undefined
  }
  return undefined
}

/** Classes of SQLSTATE that say "this row is wrong", whenever it is tried: data, constraint and syntax errors. */
export const rowIsWrong = /^(22|23|42)/
