/** Why nobody outside has decided about a command (AUT-3). Nothing of an answer is in it but its status. */
import * as Schema from "effect/Schema"

export const UndecidedFailure = Schema.Literals([
  "TIMEOUT",
  /** It could not be reached, or closed the connection before it had answered. */
  "CONNECTION",
  /** It is not on the internet, and the installation does not allow it. */
  "ADDRESS_NOT_ALLOWED",
  "ENDPOINT_INACTIVE",
  /** Its answer was no 200. */
  "STATUS",
  "TOO_LONG",
  "NOT_JSON",
  "UNKNOWN_VERDICT",
  "REASON_MISSING",
  "FIELD_NOT_ALLOWED",
  /** A verdict that counts, with something of another type in it than is described. */
  "INVALID_ANSWER",
  /** Nobody was asked: what the automation's filter asks for could not be read. */
  "FILTER_UNAVAILABLE"
])
export type UndecidedFailure = typeof UndecidedFailure.Type

export const Undecided = Schema.Struct({
  /** Absent from what was refused before it was told apart. */
  failure: Schema.optionalKey(UndecidedFailure),
  /** Of the answer, where it is the failure. */
  status: Schema.optionalKey(Schema.Int)
})
export type Undecided = typeof Undecided.Type

export const undecidedOf = ({ failure, status }: Undecided): Undecided => ({
  ...(failure !== undefined && { failure }),
  ...(status !== undefined && { status })
})
