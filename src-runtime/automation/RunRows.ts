/** The table of runs: written where a run is set off, changed by whoever does it, read by people in lists. */
import { heldForMs } from "#domain/held/HeldDecider.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Condition, readPage } from "../projection/Listing.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { recordset } from "../projection/Projection.ts"
import type { CursorInvalid, ViewUnavailable } from "../projection/ViewRefusal.ts"

/** Rows of one statement. */
export const lapsedAtOnceMax = 1_000

export const runStates = ["PENDING", "RUNNING", "WAITING", "SKIPPED", "COMPLETED", "REJECTED", "FAILED"] as const
export type RunState = (typeof runStates)[number]

/** A run as it is written when it is set off. */
export interface NewRun {
  readonly id: string
  readonly business: string
  readonly contact: string
  readonly automation: string
  readonly version: number
  readonly trigger: string
  readonly event: string
  readonly eventAt: number
  readonly chain: ReadonlyArray<string>
  /** The run that brought about what set it off. */
  readonly causedBy?: string | undefined
  readonly state: "PENDING" | "SKIPPED"
  readonly reason?: string | undefined
  readonly actions: number
}

export interface Run extends Omit<NewRun, "state" | "reason" | "causedBy"> {
  readonly state: RunState
  readonly reason: string | undefined
  /** Counted from 0. */
  readonly nextAction: number
  /** Of the outbox. */
  readonly task: string
  /** Of the approval that it waits for, or waited for last. */
  readonly approval:
    | { readonly assignee: string | undefined; readonly heldAt: number; readonly expiresAt: number }
    | undefined
  readonly createdAt: number
  readonly changedAt: number
  readonly endedAt: number | undefined
  /** What set it off, as the activity feed names it. */
  readonly eventId?: string | undefined
}

interface Row {
  readonly id: string
  readonly business: string
  readonly contact: string
  readonly automation: string
  readonly version: number
  readonly trigger: string
  readonly event: string
  readonly event_at: bigint
  readonly chain: string
  readonly state: RunState
  readonly reason: string | null
  readonly next_action: number
  readonly actions: number
  readonly task: string
  readonly assignee: string | null
  readonly held_at: bigint | null
  readonly expires_at: bigint | null
  readonly created_at: bigint
  readonly changed_at: bigint
  readonly ended_at: bigint | null
}

const columns =
  "id, business, contact, automation, version, trigger, event, event_at, chain, state, reason, next_action, actions, " +
  "task, assignee, held_at, expires_at, created_at, changed_at, ended_at"

const insertRuns =
  "INSERT INTO automation_run (id, business, contact, automation, version, trigger, event, event_at, chain, caused_by, state, " +
  "reason, next_action, actions, task, created_at, changed_at, ended_at) " +
  "SELECT id, business, contact, automation, version, trigger, event, event_at, chain, caused_by, state, reason, 0, actions, id, " +
  "$2::bigint, $2::bigint, CASE WHEN state = 'SKIPPED' THEN $2::bigint END FROM json_to_recordset($1::json) " +
  "AS r(id uuid, business uuid, contact uuid, automation uuid, version integer, trigger text, event text, " +
  "event_at bigint, chain text, caused_by text, state text, reason text, actions integer) ON CONFLICT (id) DO NOTHING RETURNING id"

const ended = "CASE WHEN $4 IN ('COMPLETED', 'FAILED', 'REJECTED') THEN $7::bigint END"
const progressRun =
  "UPDATE automation_run SET state = $4, next_action = $5::integer, reason = $6, changed_at = $7::bigint, " +
  `ended_at = ${ended} WHERE id = $1::uuid AND business = $2::uuid AND task = $3::uuid AND state NOT IN ('WAITING', 'REJECTED')`
const failRun =
  "UPDATE automation_run SET state = 'FAILED', reason = $3, changed_at = $4::bigint, ended_at = $4::bigint " +
  "WHERE business = $1::uuid AND task = $2::uuid AND state IN ('PENDING', 'RUNNING')"
const holdRun =
  "UPDATE automation_run SET state = 'WAITING', next_action = $4::integer, held = $5, reason = NULL, " +
  "changed_at = $6::bigint, held_at = $6::bigint, expires_at = $7::bigint, decided_at = NULL, assignee = $8 WHERE id = $1::uuid AND business = $2::uuid AND task = $3::uuid AND state IN ('PENDING', 'RUNNING')"
const decideRun =
  "UPDATE automation_run SET state = $3, task = $4::uuid, changed_at = $5::bigint, decided_at = $5::bigint, " +
  "ended_at = CASE WHEN $3 = 'REJECTED' THEN $5::bigint END, reason = $6, held = NULL FROM " +
  "(SELECT id AS held_id, held AS held_body FROM automation_run WHERE id = $1::uuid FOR UPDATE) h " +
  "WHERE id = $1::uuid AND id = h.held_id AND business = $2::uuid AND state = 'WAITING' " +
  // A runner of before expiry, while one is replaced by the other, gives it none.
  "AND coalesce(expires_at > $5::bigint, true) RETURNING h.held_body AS held, contact"
const lapseRuns =
  "UPDATE automation_run SET state = 'REJECTED', reason = 'LAPSED', held = NULL, changed_at = $1::bigint, " +
  "decided_at = $1::bigint, ended_at = $1::bigint WHERE id = ANY (ARRAY(SELECT id FROM automation_run WHERE " +
  "state = 'WAITING' AND expires_at <= $1::bigint ORDER BY expires_at LIMIT $2::integer FOR UPDATE SKIP LOCKED)) RETURNING 1"
const againRun =
  "UPDATE automation_run SET state = 'PENDING', reason = NULL, ended_at = NULL, changed_at = $4::bigint " +
  "WHERE id = $1::uuid AND business = $2::uuid AND state = ANY ($3::text[]) RETURNING task"

const shown = (row: Row): Run => ({
  id: row.id,
  business: row.business,
  contact: row.contact,
  automation: row.automation,
  version: row.version,
  trigger: row.trigger,
  event: row.event,
  eventAt: Number(row.event_at),
  chain: JSON.parse(row.chain) as ReadonlyArray<string>,
  state: row.state,
  reason: row.reason ?? undefined,
  nextAction: row.next_action,
  actions: row.actions,
  task: row.task,
  approval:
    row.held_at === null
      ? undefined
      : {
          assignee: row.assignee ?? undefined,
          heldAt: Number(row.held_at),
          expiresAt: Number(row.expires_at)
        },
  createdAt: Number(row.created_at),
  changedAt: Number(row.changed_at),
  endedAt: row.ended_at === null ? undefined : Number(row.ended_at)
})

export interface RunQuery extends PageRequest {
  readonly business: string
  readonly automation?: string | undefined
  readonly contact?: string | undefined
  readonly state?: RunState | undefined
}

const conditionsOf = ({ business, automation, contact, state }: RunQuery): ReadonlyArray<Condition> => [
  ["business = ?::uuid", business],
  ...(automation === undefined ? [] : [["automation = ?::uuid", automation] as const]),
  ...(contact === undefined ? [] : [["contact = ?::uuid", contact] as const]),
  ...(state === undefined ? [] : [["state = ?", state] as const])
]

export const make = (sql: SqlClient) => ({
  /** Those that were not there before. */
  insert: (runs: ReadonlyArray<NewRun>, now: number): Effect.Effect<ReadonlySet<string>, SqlError> => {
    const rows = runs.map(({ eventAt, chain, causedBy, reason, ...run }) => ({
      ...run,
      event_at: eventAt,
      chain: JSON.stringify(chain),
      caused_by: causedBy ?? null,
      reason: reason ?? null
    }))
    return Effect.map(
      sql.unsafe<{ id: string }>(insertRuns, [recordset(rows), BigInt(now)]),
      (inserted) => new Set(inserted.map(({ id }) => id))
    )
  },
  /** By the task that does it; one that was decided meanwhile stays so. */
  progress: (
    run: { readonly id: string; readonly business: string; readonly task: string },
    state: "RUNNING" | "COMPLETED" | "FAILED",
    next: number,
    reason: string | undefined,
    now: number
  ): Effect.Effect<void, SqlError> =>
    Effect.asVoid(sql.unsafe(progressRun, [run.id, run.business, run.task, state, next, reason ?? null, BigInt(now)])),
  /** By the task that was to do it, which is all that is known of it. */
  failedBy: (business: string, task: string, reason: string, now: number): Effect.Effect<void, SqlError> =>
    Effect.asVoid(sql.unsafe(failRun, [business, task, reason, BigInt(now)])),
  hold: (
    run: { readonly id: string; readonly business: string; readonly task: string },
    next: number,
    body: string,
    assignee: string | undefined,
    now: number
  ): Effect.Effect<void, SqlError> => {
    const until = [BigInt(now), BigInt(now + heldForMs)]
    return Effect.asVoid(sql.unsafe(holdRun, [run.id, run.business, run.task, next, body, ...until, assignee ?? null]))
  },
  /** Ends what nobody decided in time; how many, `lapsedAtOnceMax` at most. */
  lapse: (now: number): Effect.Effect<number, SqlError> =>
    Effect.map(sql.unsafe(lapseRuns, [BigInt(now), lapsedAtOnceMax]), (rows) => rows.length),
  /** What was held, if it still was and its time was not over. */
  decide: (
    business: string,
    id: string,
    state: "RUNNING" | "REJECTED",
    task: string,
    reason: string | undefined,
    now: number
  ) =>
    Effect.map(
      sql.unsafe<{ held: string; contact: string }>(decideRun, [
        id,
        business,
        state,
        task,
        BigInt(now),
        reason ?? null
      ]),
      (rows) => rows[0]
    ),
  /** Its task, if it was in one of the states. */
  again: (business: string, id: string, states: ReadonlyArray<RunState>, now: number) =>
    Effect.map(
      sql.unsafe<{ task: string }>(againRun, [id, business, `{${states.join(",")}}`, BigInt(now)]),
      (rows) => rows[0]?.task
    ),
  get: (business: string, id: string): Effect.Effect<Run | undefined, SqlError> =>
    Effect.map(
      sql.unsafe<Row>(`SELECT ${columns} FROM automation_run WHERE id = $1::uuid AND business = $2::uuid`, [
        id,
        business
      ]),
      (rows) => (rows[0] === undefined ? undefined : shown(rows[0]))
    ),
  list: (query: RunQuery): Effect.Effect<Page<Run>, CursorInvalid | ViewUnavailable> =>
    Effect.map(
      readPage<Row>(sql, {
        table: "automation_run",
        columns,
        conditions: conditionsOf(query),
        sort: [
          { column: "created_at", type: "bigint", valueOf: ({ created_at }) => Number(created_at) },
          { column: "id", type: "uuid", valueOf: ({ id }) => id }
        ],
        request: query
      }),
      (page) => ({ ...page, rows: page.rows.map(shown) })
    )
})
export type RunRows = ReturnType<typeof make>
