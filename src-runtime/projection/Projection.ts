/**
 * What a projection is: a name, the events that it wants, and how rows follow from them. The projector sees to it that
 * `apply` gets every wanted event once, those of one key in order, in the transaction that moves the cursor. Events of
 * different shards come in no order among each other: what is written may not depend on one, or a rebuild would differ.
 */
import type { Event } from "#domain/Event.ts"
import type * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { EventRow } from "../journal/Unit.ts"
import type { ProjectionWaits } from "./ViewRefusal.ts"
import type { Trace } from "../observability/Trace.ts"

/** A committed event and its place in the journal. */
export interface Committed {
  readonly event: Event
  readonly row: EventRow
  /** The commit that it came with, where that is traced. */
  readonly trace?: Trace | undefined
}

export interface Projection {
  /** Stored with the cursors: never changed, or the view is read from zero beside its old rows. */
  readonly name: string
  /** All others are passed over undecoded. */
  readonly types: ReadonlyArray<Event["_tag"]>
  /** Whether it may see personal fields: without it sealed events are refused, and it stops. */
  readonly opensPersonalData: boolean
  /** How long it waits for more to read once it is woken; 200 unless it says otherwise. */
  readonly gatherMs?: number | (() => number)
  /** Where its readers cannot wait: the longest that it rests after a pass, instead of a second. */
  readonly restMaxMs?: number
  /**
   * Whether nothing at all follows from the events, as things are now: then no transaction is made for them, and the stored
   * cursor follows within a second or so. What is read again after a crash has to come to the same.
   */
  readonly isQuiet?: (events: ReadonlyArray<Committed>) => Effect.Effect<boolean, ProjectionWaits>
  /** Empties the view, which had been read so far; its cursors stand at zero by then. */
  readonly reset: (
    sql: SqlClient,
    readTo: ReadonlyArray<{ readonly shard: number; readonly offset: number }>
  ) => Effect.Effect<void, SqlError>
  /** Writes what follows from the events; interrupted or failed, none of it remains. */
  readonly apply: (sql: SqlClient, events: ReadonlyArray<Committed>) => Effect.Effect<void, SqlError | ProjectionWaits>
  /** Called when what the last `apply` wrote is durable. */
  readonly applied?: () => void
}

/** A control character that PostgreSQL's text cannot hold. */
const nul = "\0"

/** A text as a column keeps it. */
export const storedText = (text: string): string => text.replaceAll(nul, "").toWellFormed()

const storable = (_key: string, value: unknown): unknown => {
  if (typeof value === "bigint") return value.toString()
  return typeof value === "string" ? storedText(value) : value
}

/** Rows as one parameter for `json_to_recordset`. What no text column can hold is left out, so that it stops no view. */
export const recordset = (rows: ReadonlyArray<object>): string => JSON.stringify(rows, storable)
