/**
 * A contact joins or leaves a segment: what is told of it, and to whom. A sink writes what follows from changes (runs of
 * automations, webhooks) in the transaction that writes the membership, so that each change is acted on exactly once.
 */
import type { Cause } from "#domain/shared/Cause.ts"
import type * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/**
 * EVENT: something was committed about the contact; TIME: an instant has come; SEGMENT: another segment that this one
 * names has changed; DEFINITION: it was saved or switched on; REFRESH: it was computed on demand or by schedule; IMPORT
 * and REMOVAL: by file or by hand.
 */
export type ChangeReason = "EVENT" | "TIME" | "SEGMENT" | "DEFINITION" | "REFRESH" | "IMPORT" | "REMOVAL"

export interface SegmentChange {
  readonly id: string
  readonly business: string
  readonly segmentId: string
  /** In the stream of its segment: dense from 1, in the order in which they became visible. */
  readonly position: number
  readonly contact: string
  readonly kind: "JOINED" | "LEFT"
  readonly reason: ChangeReason
  /** The type of the event, or the id of the other segment. */
  readonly because?: string | undefined
  /** By its place in its stream, the event that brought it about, also by way of another segment; absent unless it was exactly one. */
  readonly event?: string | undefined
  /** Epoch milliseconds. */
  readonly at: number
  readonly cause?: Cause | undefined
  /** Of the contact. */
  readonly shard: number
  /** The offset there of the event that caused it: that is told first. Absent: no event did. */
  readonly upTo?: number | undefined
}

/** Called with at most `changesAtOnceMax` changes at a time. Failing undoes the changes, which are then tried again. */
export type SegmentChangeSink = (sql: SqlClient, changes: ReadonlyArray<SegmentChange>) => Effect.Effect<void, SqlError>

/** Changes written, and handed to a sink, in one statement. */
export const changesAtOnceMax = 1_000

/** Where those who follow a segment hear that its stream has grown; the payload is `business/segment`. */
export const changeChannel = "koinon_segment"
