/**
 * What to make of the failure of a batch: wait and try again, or stand still. Waiting is for a database that cannot be
 * reached or is busy; whatever would fail the same way again stops the projection, with a reason an operator may read.
 */
import { SqlError } from "effect/sql/SqlError"
import { Unreadable } from "../journal/Codec.ts"
import { JournalUnavailable } from "../journal/Journal.ts"
import { SinkFailed } from "./ProjectionSink.ts"
import { rowIsWrong, sqlState } from "../storage/SqlState.ts"
import { ProjectionWaits } from "./ViewRefusal.ts"

export const isTransient = (error: unknown): boolean =>
  error instanceof JournalUnavailable ||
  error instanceof ProjectionWaits ||
  (error instanceof SinkFailed && error.isTransient) ||
  (error instanceof SqlError && (error.isRetryable || !rowIsWrong.test(sqlState(error) ?? "")))

/** Names what went wrong, without the values that the database's own words would quote. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof Unreadable) return `${error.row}: ${error.reason}`
  if (error instanceof ProjectionWaits) return `${error._tag}: ${error.reason}`
  if (error instanceof SqlError) return `${error._tag}: ${error.reason._tag} ${sqlState(error) ?? ""}`.trim()
  if (error instanceof SinkFailed) return `${error._tag}: ${error.reason}`
  if (error instanceof JournalUnavailable) return `${error._tag}: ${error.operation}`
  return error instanceof Error ? `${error.name}: ${error.message}` : "it threw what is no error"
}
