/** The tables of the outbox, statement by statement. Numbers leave as numbers; sealed texts go through as they are. */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { recordset } from "../projection/Projection.ts"
import type { QueueName, TaskState } from "./Task.ts"

/** Runners are told the name of a queue when something was put into it or taken up again, with the commit. */
export const noticeChannel = "koinon_outbox"

export interface NewRow {
  /** Its place among those that are enqueued with it. */
  readonly nth: number
  readonly id: string
  readonly queue: QueueName
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly lane: string
  readonly body: string
  readonly at: number
  readonly due: number
  readonly state: "WAITING" | "WITHHELD"
  readonly finished: number | null
}

export interface TaskRow {
  readonly id: string
  /** A bigint as it is read; see `plain`. */
  readonly position: number | bigint
  readonly queue: QueueName
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly lane: string
  readonly body: string
  readonly state: TaskState
  readonly version: number
  readonly enqueued_at: number
  readonly due_at: number
  readonly attempts: number
  readonly failures: number
  readonly failing_since: number | null
  readonly finished_at: number | null
}

export interface AttemptRow {
  readonly number: number
  readonly started_at: number
  readonly ended_at: number
  readonly outcome: "DONE" | "RETRY" | "CONTINUE" | "DEAD"
  readonly detail: string
}

/** A row after an attempt; nothing of it is written unless the row is still as `version` says. */
export interface SettledRow {
  readonly id: string
  readonly version: number
  readonly state: TaskState
  readonly due: number
  readonly body: string | null
  readonly failures: number
  readonly failing_since: number | null
  readonly finished: number | null
  readonly started: number
  readonly ended: number
  /** Null: it is not logged. */
  readonly outcome: AttemptRow["outcome"] | null
  readonly detail: string | null
}

/** A lane whose first task is not due: none of it is looked at before. */
export interface BlockedLane {
  readonly lane: string
  readonly until: number
}

export interface QueueCounts {
  readonly queue: QueueName
  readonly waiting: number
  readonly due: number
  readonly oldestDueAt: number | undefined
  readonly dead: number
}

/** Attempts of one task that are kept. */
const attemptsKeptMax = 100
/** Beyond so many it is only said that there are more. */
const countedMax = 100_000

const taskColumns =
  "id, position, queue, business, key, shard, lane, body, state, version, enqueued_at, due_at, attempts, failures, " +
  "failing_since, finished_at"

const told = `SELECT pg_notify('${noticeChannel}', q.queue) FROM (SELECT DISTINCT queue FROM changed) q`

const enqueueRows =
  "WITH changed AS (INSERT INTO outbox_task (id, queue, business, key, shard, lane, body, enqueued_at, due_at, state, " +
  "finished_at) SELECT id, queue, business, key, shard, lane, body, at, due, state, finished FROM " +
  "json_to_recordset($1::json) AS r(nth integer, id uuid, queue text, business uuid, key uuid, shard smallint, lane uuid, " +
  "body text, at bigint, due bigint, state text, finished bigint) ORDER BY nth " +
  `ON CONFLICT (id) DO NOTHING RETURNING queue) ${told}`

/** The lanes with something due, in the order of their oldest, each with what comes first in it. */
const readDue =
  "WITH due AS (SELECT lane, min(due_at) AS since, min(position) AS first FROM (SELECT lane, due_at, position FROM outbox_task " +
  "WHERE queue = $1 AND state = 'WAITING' AND due_at <= $2::bigint AND shard = ANY ($3::smallint[]) " +
  "AND lane NOT IN (SELECT unnest($4::uuid[])) ORDER BY due_at, position LIMIT $5::integer) found GROUP BY lane) " +
  `SELECT t.* FROM due CROSS JOIN LATERAL (SELECT ${taskColumns} FROM outbox_task o WHERE o.lane = due.lane ` +
  "AND o.state = 'WAITING' ORDER BY o.position LIMIT $6::integer) t " +
  "ORDER BY due.since, due.first, t.position LIMIT $5::integer"

const readNext =
  "SELECT due_at FROM outbox_task WHERE queue = $1 AND state = 'WAITING' AND due_at > $2::bigint " +
  "AND shard = ANY ($3::smallint[]) ORDER BY due_at LIMIT 1"

/** A task may be enqueued long after it was due: nobody can have been late with it before. */
const readOldestDue =
  "SELECT q AS queue, (SELECT greatest(due_at, enqueued_at) FROM outbox_task WHERE queue = q AND state = 'WAITING' " +
  "AND due_at <= $2::bigint AND shard = ANY ($3::smallint[]) ORDER BY due_at LIMIT 1) AS since FROM unnest($1::text[]) AS q"

const deferRows =
  "UPDATE outbox_task t SET due_at = r.until FROM json_to_recordset($1::json) AS r(lane uuid, until bigint) " +
  "WHERE t.lane = r.lane AND t.state = 'WAITING' AND t.due_at < r.until"

const settleRows =
  "WITH s AS (SELECT * FROM json_to_recordset($1::json) AS r(id uuid, version integer, state text, due bigint, body text, " +
  "failures integer, failing_since bigint, finished bigint, started bigint, ended bigint, outcome text, detail text)), " +
  "moved AS (UPDATE outbox_task t SET version = t.version + 1, state = s.state, due_at = s.due, " +
  "origin = CASE WHEN s.body IS NULL THEN t.origin ELSE coalesce(t.origin, t.body) END, body = coalesce(s.body, t.body), " +
  "failures = s.failures, failing_since = s.failing_since, finished_at = s.finished, " +
  "attempts = t.attempts + CASE WHEN s.outcome IS NULL THEN 0 ELSE 1 END " +
  // The version alone, since every change raises it: with the state beside it, the plan would go through all that wait.
  "FROM s WHERE t.id = s.id AND t.version = s.version " +
  "RETURNING t.id, t.business, t.attempts, s.started, s.ended, s.outcome, s.detail), " +
  "logged AS (INSERT INTO outbox_attempt (task, number, business, started_at, ended_at, outcome, detail) " +
  "SELECT id, attempts, business, started, ended, outcome, detail FROM moved WHERE outcome IS NOT NULL), " +
  `gone AS (DELETE FROM outbox_attempt a USING moved WHERE a.task = moved.id AND a.number = moved.attempts - ${attemptsKeptMax}) ` +
  "SELECT id FROM moved"

const again = (from: string, body: string): string =>
  `WITH changed AS (UPDATE outbox_task SET state = 'WAITING', version = version + 1, failures = 0, failing_since = NULL, ` +
  `finished_at = NULL, due_at = $3::bigint${body} WHERE id = ANY ($1::uuid[]) AND business = $2::uuid AND state IN (${from}) ` +
  `RETURNING queue), told AS (${told}) SELECT (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM told) AS told`
const replayRow = again("'DONE', 'DEAD', 'CANCELLED', 'WITHHELD'", ", body = coalesce(origin, body), origin = NULL")
const resumeRow = again("'DEAD', 'CANCELLED'", "")

/** What a failure has put off keeps its time. By position, so that what is put off again meanwhile is not met twice. */
const hurryRows =
  "WITH found AS (SELECT id, position FROM outbox_task WHERE business = $1::uuid AND queue = $2 AND state = 'WAITING' " +
  "AND due_at > $3::bigint AND failures = 0 AND shard = ANY ($4::smallint[]) AND position > $5::bigint " +
  "ORDER BY position LIMIT $6::integer), " +
  "changed AS (UPDATE outbox_task t SET due_at = $3::bigint, version = t.version + 1 FROM found f WHERE t.id = f.id " +
  `AND t.state = 'WAITING' RETURNING t.queue), told AS (${told}) ` +
  "SELECT (SELECT max(position) FROM found) AS last, (SELECT count(*) FROM changed) AS changed, (SELECT count(*) FROM told) AS told"

const cancelRow =
  "UPDATE outbox_task SET state = 'CANCELLED', version = version + 1, finished_at = $3::bigint " +
  "WHERE id = $1::uuid AND business = $2::uuid AND state = 'WAITING' RETURNING id"

const pruneRows =
  "DELETE FROM outbox_task WHERE id IN (SELECT id FROM outbox_task WHERE finished_at < $1::bigint " +
  "ORDER BY finished_at LIMIT $2::integer) RETURNING id"

const countRows =
  "SELECT q AS queue, (SELECT count(*) FROM (SELECT 1 FROM outbox_task WHERE queue = q AND state = 'WAITING' LIMIT $3) w) AS waiting, " +
  "(SELECT count(*) FROM (SELECT 1 FROM outbox_task WHERE queue = q AND state = 'WAITING' AND due_at <= $2::bigint LIMIT $3) d) AS due, " +
  "(SELECT min(due_at) FROM outbox_task WHERE queue = q AND state = 'WAITING') AS oldest, " +
  "(SELECT count(*) FROM (SELECT 1 FROM outbox_task WHERE queue = q AND state = 'DEAD' LIMIT $3) x) AS dead " +
  "FROM unnest($1::text[]) AS q"

/** 64-bit integers as numbers: all are below 2^53. */
export const plain = <Row extends object>(row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value])
  ) as Row

export const make = (sql: SqlClient) => {
  const query = <Row extends object>(text: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(sql.unsafe<Row>(text, parameters), (rows) => rows.map(plain))

  const changed = (text: string, business: string, ids: ReadonlyArray<string>, now: number) =>
    Effect.map(query<{ changed: number }>(text, [ids, business, BigInt(now)]), ([row]) => row?.changed ?? 0)

  return {
    enqueue: (rows: ReadonlyArray<NewRow>) => Effect.asVoid(sql.unsafe(enqueueRows, [recordset(rows)])),
    due: (
      queue: QueueName,
      now: number,
      shards: ReadonlyArray<number>,
      lanesApart: ReadonlyArray<string>,
      rowsMax: number,
      rowsOfLaneMax: number
    ) => query<TaskRow>(readDue, [queue, BigInt(now), shards, lanesApart, rowsMax, rowsOfLaneMax]),
    next: (queue: QueueName, now: number, shards: ReadonlyArray<number>) =>
      Effect.map(query<{ due_at: number }>(readNext, [queue, BigInt(now), shards]), ([row]) => row?.due_at),
    /** Of each queue, since when its oldest task has been due on these shards. */
    oldestDue: (queues: ReadonlyArray<QueueName>, now: number, shards: ReadonlyArray<number>) =>
      query<{ queue: QueueName; since: number | null }>(readOldestDue, [queues, BigInt(now), shards]),
    defer: (lanes: ReadonlyArray<BlockedLane>) => Effect.asVoid(sql.unsafe(deferRows, [recordset(lanes)])),
    /** The ids of those that were as they had to be. */
    settle: (rows: ReadonlyArray<SettledRow>) =>
      Effect.map(
        sql.unsafe<{ id: string }>(settleRows, [recordset(rows)]),
        (found) => new Set(found.map(({ id }) => id))
      ),
    /** How many it were. */
    replay: (business: string, ids: ReadonlyArray<string>, now: number) => changed(replayRow, business, ids, now),
    resume: (business: string, ids: ReadonlyArray<string>, now: number) => changed(resumeRow, business, ids, now),
    /** So many of those behind a position; the position of the last, if there was any. */
    hurry: (
      business: string,
      queue: QueueName,
      now: number,
      shards: ReadonlyArray<number>,
      behind: number,
      rowsMax: number
    ) =>
      Effect.map(
        query<{ last: number | null }>(hurryRows, [business, queue, BigInt(now), shards, BigInt(behind), rowsMax]),
        ([row]) => row?.last ?? undefined
      ),
    cancel: (business: string, id: string, now: number) =>
      Effect.map(sql.unsafe(cancelRow, [id, business, BigInt(now)]), (rows) => rows.length > 0),
    get: (business: string, id: string) =>
      Effect.map(
        query<TaskRow>(`SELECT ${taskColumns} FROM outbox_task WHERE id = $1::uuid AND business = $2::uuid`, [
          id,
          business
        ]),
        ([row]) => row
      ),
    attempts: (business: string, id: string) =>
      query<AttemptRow>(
        "SELECT number, started_at, ended_at, outcome, detail FROM outbox_attempt " +
          "WHERE task = $1::uuid AND business = $2::uuid ORDER BY number",
        [id, business]
      ),
    prune: (before: number, rowsMax: number) =>
      Effect.map(sql.unsafe(pruneRows, [BigInt(before), rowsMax]), (rows) => rows.length),
    counts: (queues: ReadonlyArray<QueueName>, now: number) =>
      Effect.map(
        query<Omit<QueueCounts, "oldestDueAt"> & { oldest: number | null }>(countRows, [
          queues,
          BigInt(now),
          countedMax
        ]),
        (rows) => rows.map(({ oldest, ...counts }): QueueCounts => ({ ...counts, oldestDueAt: oldest ?? undefined }))
      )
  }
}

export type TaskRows = ReturnType<typeof make>
export const listedColumns = taskColumns
