/**
 * Where a view is written: in the database, rows and cursor in one transaction, or in a store of its own, which has no
 * transaction with the journal. Such a store keeps its cursors itself, moves them after what was written, and takes the same
 * events again without a difference: what a crash left without its cursor is written once more.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Event } from "#domain/Event.ts"
import type { Committed, Projection } from "./Projection.ts"
import type * as ProjectionCursors from "./ProjectionCursors.ts"
import type { Move, Position } from "./ProjectionCursors.ts"

/** The store of a view was not reached, or did not take what it was given. `reason` holds nothing of what that was. */
export class SinkFailed extends Schema.TaggedError<SinkFailed>()("SinkFailed", {
  reason: Schema.String,
  /** Worth trying again as it is. */
  isTransient: Schema.Boolean
}) {}

export interface Sink<Failure = unknown> {
  /** How far every shard has been applied. */
  readonly load: Effect.Effect<ReadonlyArray<Position>, Failure>
  /** Fails with `CursorMoved` when somebody else has moved one of the cursors. Long work is done in pieces, with a `pause` between. */
  readonly apply: (
    moves: ReadonlyArray<Move>,
    events: ReadonlyArray<Committed>,
    pause: Effect.Effect<void>
  ) => Effect.Effect<void, Failure>
  /** Empties the view and its cursors. */
  readonly reset: Effect.Effect<void, Failure>
  /** Called at once when the store has lost all that it held. */
  readonly onLost?: (listener: () => void) => () => void
  /** Of one that can be emptied while it is read, by `load` where it was asked for: whether it holds again what it held. */
  readonly isFull?: Effect.Effect<boolean, Failure>
}

/** A projection into a store of its own. */
export interface OutsideProjection {
  readonly name: string
  readonly types: ReadonlyArray<Event["_tag"]>
  readonly opensPersonalData: boolean
  readonly sink: Sink
  /** Whether this runner reads all shards, for the store is its own; otherwise those that it holds. */
  readonly everyShard: boolean
  readonly gatherMs?: number
  readonly restMaxMs?: number
  readonly batchEventsMax?: number
}

export type AnyProjection = Projection | OutsideProjection

export const isOutside = (projection: AnyProjection): projection is OutsideProjection => "sink" in projection

/** The database's own: nothing of a batch remains unless its cursors have moved. */
export const sinkOf = (
  projection: AnyProjection,
  sql: SqlClient,
  cursors: ReturnType<typeof ProjectionCursors.make>
): Sink => {
  if (isOutside(projection)) return projection.sink
  const { name } = projection
  return {
    load: cursors.load(name),
    apply: (moves, events) =>
      Effect.tap(
        sql.withTransaction(
          Effect.andThen(
            cursors.move(name, moves),
            events.length > 0 ? Effect.suspend(() => projection.apply(sql, events)) : Effect.void
          )
        ),
        () => Effect.sync(() => projection.applied?.())
      ),
    reset: sql.withTransaction(Effect.flatMap(cursors.reset(name), (readTo) => projection.reset(sql, readTo)))
  }
}
