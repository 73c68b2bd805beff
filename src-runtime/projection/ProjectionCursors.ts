/**
 * How far each projection has read each shard, and how far there is to read: the table of cursors beside the ends of the
 * journal's shards. A cursor is moved only from where it was read, so of two runners with one projection only one can.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import { allShards, shardCount } from "../actor/Placement.ts"
import { recordset } from "./Projection.ts"

/** A place in the journal. */
export interface Position {
  readonly shard: number
  readonly offset: number
}

export interface Move {
  readonly shard: number
  readonly before: number
  readonly after: number
}

export interface Lag {
  readonly events: number
  /** The instant of the oldest event that is still to be applied. */
  readonly oldestAt: number | undefined
}

/** Another runner has moved a cursor since it was read: nothing may be written. */
export class CursorMoved extends Schema.TaggedError<CursorMoved>()("CursorMoved", {}) {}

const createRows =
  "INSERT INTO projection_cursor (projection, shard, shard_offset) SELECT $1, s.shard, 0 " +
  "FROM generate_series(0, $2::integer - 1) AS s(shard) ON CONFLICT DO NOTHING"

/** Locked in one order, so that two runners never wait for each other; those that another has moved are not among them. */
const moveRows =
  "WITH held AS (SELECT c.shard, m.after FROM projection_cursor c " +
  "JOIN json_to_recordset($2::json) AS m(shard smallint, before bigint, after bigint) ON c.shard = m.shard " +
  "WHERE c.projection = $1 AND c.shard_offset = m.before ORDER BY c.shard FOR UPDATE OF c) " +
  "UPDATE projection_cursor c SET shard_offset = held.after FROM held " +
  "WHERE c.projection = $1 AND c.shard = held.shard RETURNING c.shard"

const resetRows =
  "WITH held AS (SELECT shard, shard_offset FROM projection_cursor WHERE projection = $1 ORDER BY shard FOR UPDATE) " +
  "UPDATE projection_cursor c SET shard_offset = 0 FROM held WHERE c.projection = $1 AND c.shard = held.shard " +
  "RETURNING held.shard, held.shard_offset"

/** One look at the end of every shard's index, not a scan. */
const readHeads =
  "SELECT s.shard, h.head FROM generate_series(0, $1::integer - 1) AS s(shard) CROSS JOIN LATERAL " +
  "(SELECT max(e.shard_offset) AS head FROM event e WHERE e.shard = s.shard) h WHERE h.head IS NOT NULL"

const readLags =
  "SELECT c.projection, sum(h.head - c.shard_offset)::bigint AS events, min(o.at) AS oldest FROM projection_cursor c " +
  "CROSS JOIN LATERAL (SELECT coalesce(max(e.shard_offset), 0) AS head FROM event e WHERE e.shard = c.shard) h " +
  "LEFT JOIN event o ON o.shard = c.shard AND o.shard_offset = c.shard_offset + 1 " +
  "WHERE c.projection = ANY ($1::text[]) GROUP BY c.projection"

const readLag =
  "SELECT sum(greatest(h.head - c.shard_offset, 0))::bigint AS events, min(o.at) AS oldest " +
  "FROM json_to_recordset($1::json) AS c(shard smallint, shard_offset bigint) " +
  "CROSS JOIN LATERAL (SELECT coalesce(max(e.shard_offset), 0) AS head FROM event e WHERE e.shard = c.shard) h " +
  "LEFT JOIN event o ON o.shard = c.shard AND o.shard_offset = c.shard_offset + 1"

interface PositionRow {
  readonly shard: number
  readonly shard_offset: bigint
}
const positionsOf = (rows: ReadonlyArray<PositionRow>): ReadonlyArray<Position> =>
  rows.map(({ shard, shard_offset }) => ({ shard, offset: Number(shard_offset) }))

const lagOf = (row: { readonly events: bigint; readonly oldest: bigint | null } | undefined): Lag => ({
  events: Number(row?.events ?? 0),
  oldestAt: row === undefined || row.oldest === null ? undefined : Number(row.oldest)
})

export const make = (sql: SqlClient) => ({
  create: (projection: string) => Effect.asVoid(sql.unsafe(createRows, [projection, shardCount])),

  load: (projection: string) =>
    Effect.map(
      sql.unsafe<PositionRow>("SELECT shard, shard_offset FROM projection_cursor WHERE projection = $1", [projection]),
      positionsOf
    ),

  /** To be run in the transaction that writes what was read between the two. */
  move: (projection: string, moves: ReadonlyArray<Move>) => {
    const rows = recordset(moves.map(({ shard, before, after }) => ({ shard, before, after })))
    return Effect.flatMap(sql.unsafe(moveRows, [projection, rows]), (moved) =>
      moved.length === moves.length ? Effect.void : Effect.fail(new CursorMoved())
    )
  },

  /** How far each shard had been read. */
  reset: (projection: string) => Effect.map(sql.unsafe<PositionRow>(resetRows, [projection]), positionsOf),

  /** The last event of each shard with events. */
  heads: Effect.map(sql.unsafe<{ shard: number; head: bigint }>(readHeads, [shardCount]), (rows) =>
    rows.map(({ shard, head }): Position => ({ shard, offset: Number(head) }))
  ),

  lags: (projections: ReadonlyArray<string>) =>
    Effect.map(
      sql.unsafe<{ projection: string; events: bigint; oldest: bigint | null }>(readLags, [projections]),
      (rows) => new Map(rows.map((row): readonly [string, Lag] => [row.projection, lagOf(row)]))
    ),

  /** Of a view that keeps its cursors elsewhere; a shard without one has not been read. */
  lagBehind: (offsets: ReadonlyMap<number, number>) => {
    const rows = allShards.map((shard) => ({ shard, shard_offset: offsets.get(shard) ?? 0 }))
    return Effect.map(sql.unsafe<{ events: bigint; oldest: bigint | null }>(readLag, [recordset(rows)]), ([row]) =>
      lagOf(row)
    )
  }
})
