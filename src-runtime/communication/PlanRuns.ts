/**
 * The table of runs: an occurrence is written down once, its recipients are fixed in the one statement that starts it
 * (SEG-7), and each step moves its place only from where it was read, so that of two who work on a run one gets nowhere.
 */
import { dateKey, isLocal, type LocalDay, type Occurrence } from "#domain/communication/Occurrence.ts"
import type { Plan } from "#domain/communication/Plan.ts"
import type { Channel, Purpose } from "#domain/contact/Communication.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { shardOf } from "../actor/Placement.ts"
import { nameUuid } from "../actor/Naming.ts"
import { readPage } from "../projection/Listing.ts"
import type { PageRequest } from "../projection/Paging.ts"
import { feastsOn, keptOn, zonesOf } from "./Anniversaries.ts"

export type RunState = "WAITING" | "SENDING" | "DONE" | "MISSED" | "CANCELLED"

export interface PlanRun {
  readonly id: string
  readonly business: string
  readonly plan: string
  readonly key: string
  readonly series: string
  readonly version: number
  readonly name: string
  readonly template: string
  readonly channel: Channel
  readonly purpose: Purpose
  readonly segments: ReadonlyArray<string>
  readonly priority: number
  readonly occasion: "BIRTHDAY" | "NAME_DAY" | null
  readonly day: number | null
  readonly timeZone: string | null
  readonly state: RunState
  readonly dueAt: number
  readonly startedAt: number | null
  readonly endedAt: number | null
  readonly recipients: number
  readonly position: number
  readonly requested: number
  readonly refused: number
}

/** What a run is made of when it is due. */
export interface NewRun {
  readonly business: string
  readonly plan: string
  readonly name: string
  readonly version: number
  readonly body: Plan
  readonly channel: Channel
  readonly purpose: Purpose
  readonly occurrence: Occurrence | LocalDay
  readonly state: "WAITING" | "MISSED"
}

interface Row extends Record<string, unknown> {
  readonly id: string
}

const columns =
  "id, business, plan, key, series, version, name, template, channel, purpose, segments, priority, occasion, day, " +
  'time_zone AS "timeZone", state, due_at AS "dueAt", started_at AS "startedAt", ended_at AS "endedAt", recipients, ' +
  "position, requested, refused"

const numbers = ["dueAt", "startedAt", "endedAt", "recipients", "position", "requested", "refused"]

/** `bigint` columns come as bigints. */
const runOf = (row: Row): PlanRun =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, numbers.includes(name) && value !== null ? Number(value) : value])
  ) as unknown as PlanRun

const arrayOf = (values: ReadonlyArray<string | number>): string => `{${values.join(",")}}`

const insert =
  "INSERT INTO plan_run (id, business, plan, shard, key, series, version, name, template, channel, purpose, segments, " +
  "priority, occasion, day, time_zone, state, due_at) VALUES ($1::uuid, $2::uuid, $3::uuid, $4::smallint, $5, $6, " +
  "$7::integer, $8, $9::uuid, $10, $11, $12::text::uuid[], $13::integer, $14, $15::integer, $16, $17, $18::bigint) " +
  "ON CONFLICT (business, plan, key) DO NOTHING"

const lock = `SELECT ${columns} FROM plan_run WHERE id = $1::uuid AND state = 'WAITING' FOR UPDATE SKIP LOCKED`
/** Whom a run is for: a query and its parameters. Each member once, whatever number of the segments has her. */
export interface Selection {
  readonly text: string
  readonly parameters: ReadonlyArray<unknown>
}
export interface Chosen {
  readonly business: string
  /** Null where it is about no run: then nobody was in an earlier one. */
  readonly plan: string | null
  readonly series: string
  readonly dueAt: number
  readonly segments: ReadonlyArray<string>
  readonly occasion: "BIRTHDAY" | "NAME_DAY" | null
  readonly day: number | null
  readonly timeZone: string | null
}

const members =
  "SELECT DISTINCT m.contact FROM segment_member m WHERE m.business = $1::uuid AND m.segment = ANY ($2::text::uuid[])"
const remembered =
  "SELECT DISTINCT m.contact FROM contact_anniversary a JOIN segment_member m ON m.business = a.business " +
  "AND m.contact = a.contact AND m.segment = ANY ($2::text::uuid[]) WHERE a.business = $1::uuid"
const inZone = "a.time_zone = $3"
/**
 * Who has left the zone for one where the run of that day had begun already: her message would come nowhere. Both runs are
 * of one series, so nobody gets it in both.
 */
const leftLate =
  "a.former_zone = $3 AND a.moved_at > $4::bigint AND EXISTS (SELECT FROM plan_run o WHERE o.business = a.business " +
  "AND o.plan = $5::uuid AND o.series = $6 AND o.time_zone = a.time_zone AND o.started_at <= a.moved_at)"
const onBirthday = "a.birthday = ANY ($7::text::smallint[])"
const onNameDay = "(a.name_day = ANY ($7::text::smallint[]) OR (a.name_day IS NULL AND a.feast = ANY ($8::text[])))"
const rememberedOn = (day: string): string =>
  `${remembered} AND ${inZone} AND ${day} UNION ${remembered} AND ${leftLate} AND ${day}`
/** No day lasts longer, from where it begins first to where it ends last. */
const movedWithinMs = 2 * 24 * 60 * 60 * 1_000

const selectionOf = ({ business, plan, series, segments, occasion, day, timeZone, dueAt }: Chosen): Selection => {
  const base = [business, arrayOf(segments)]
  if (occasion === null) return { text: members, parameters: base }
  const kept = [...base, timeZone, BigInt(dueAt - movedWithinMs), plan, series, arrayOf(keptOn(day ?? 0))]
  return occasion === "BIRTHDAY"
    ? { text: rememberedOn(onBirthday), parameters: kept }
    : { text: rememberedOn(onNameDay), parameters: [...kept, feastsOn(day ?? 0)] }
}

/** In an order that does not change. */
const fixed = ({ text, parameters }: Selection): string => {
  const run = `$${parameters.length + 1}::uuid`
  return (
    `INSERT INTO plan_recipient (run, position, contact) SELECT ${run}, row_number() OVER (ORDER BY contact), contact ` +
    `FROM (${text}) AS chosen`
  )
}
const start =
  "UPDATE plan_run SET state = CASE WHEN n.count = 0 THEN 'DONE' ELSE 'SENDING' END, started_at = $2::bigint, " +
  "ended_at = CASE WHEN n.count = 0 THEN $2::bigint END, recipients = n.count FROM (SELECT count(*) AS count FROM " +
  `plan_recipient WHERE run = $1::uuid) AS n WHERE id = $1::uuid RETURNING ${columns}`
const readBatch =
  "SELECT position, contact FROM plan_recipient WHERE run = $1::uuid AND position > $2::bigint ORDER BY position LIMIT $3::integer"
const advance =
  "UPDATE plan_run SET position = $3::bigint, requested = requested + $4::bigint, refused = refused + $5::bigint, " +
  "state = CASE WHEN $3::bigint >= recipients THEN 'DONE' ELSE state END, " +
  "ended_at = CASE WHEN $3::bigint >= recipients THEN $6::bigint END " +
  "WHERE id = $1::uuid AND position = $2::bigint AND state = 'SENDING' RETURNING id"
const forget = "DELETE FROM plan_recipient WHERE run = $1::uuid AND position <= $2::bigint"
const cancel =
  "UPDATE plan_run SET state = 'CANCELLED', ended_at = $2::bigint WHERE id = $1::uuid AND state IN ('WAITING', 'SENDING')"
const miss = "UPDATE plan_run SET state = 'MISSED' WHERE id = $1::uuid AND state = 'WAITING'"
const makeUp =
  "UPDATE plan_run SET state = 'WAITING', due_at = $4::bigint WHERE business = $1::uuid AND plan = $2::uuid " +
  "AND id = $3::uuid AND state = 'MISSED'"
const readOpen =
  `SELECT ${columns} FROM plan_run WHERE state IN ('WAITING', 'SENDING') AND shard = ANY ($1::text::smallint[]) ` +
  "ORDER BY priority DESC, due_at, id LIMIT $2::integer"
const readOne = `SELECT ${columns} FROM plan_run WHERE business = $1::uuid AND plan = $2::uuid AND id = $3::uuid`
const countSends =
  "SELECT state, reason, count(*) AS count, count(*) FILTER (WHERE viewed) AS viewed, count(*) FILTER (WHERE clicked) AS clicked " +
  "FROM plan_send WHERE business = $1::uuid AND plan = $2::uuid AND run_key = $3 GROUP BY state, reason"
const owners = "SELECT id FROM event WHERE aggregate = 9 AND seq = 1"

export const runIdOf = (business: string, plan: string, key: string): string =>
  nameUuid("plan-run", business, plan, key)

export interface SendCounts {
  readonly pending: number
  readonly completed: number
  /** By reason. */
  readonly rejected: Readonly<Record<string, number>>
  readonly viewed: number
  readonly clicked: number
}

interface CountRow {
  readonly state: string
  readonly reason: string | null
  readonly count: bigint
  readonly viewed: bigint
  readonly clicked: bigint
}

const countsOf = (rows: ReadonlyArray<CountRow>): SendCounts => {
  const countOf = (state: string): number => Number(rows.find((row) => row.state === state)?.count ?? 0)
  const sum = (field: "viewed" | "clicked"): number => rows.reduce((total, row) => total + Number(row[field]), 0)
  const rejected = rows.flatMap(({ state, reason, count }) =>
    state === "REJECTED" ? [[reason ?? "", Number(count)] as const] : []
  )
  return {
    pending: countOf("PENDING"),
    completed: countOf("COMPLETED"),
    rejected: Object.fromEntries(rejected),
    viewed: sum("viewed"),
    clicked: sum("clicked")
  }
}

export const make = (sql: SqlClient) => {
  const fix = (run: PlanRun) => {
    const selection = selectionOf(run)
    return sql.unsafe(fixed(selection), [...selection.parameters, run.id])
  }
  return {
    /** Once, however often the occurrence is found. */
    add: ({ business, plan, name, version, body, channel, purpose, occurrence, state }: NewRun) => {
      const { schedule } = body
      const local = isLocal(schedule) && "timeZone" in occurrence ? occurrence : undefined
      return sql.unsafe(insert, [
        runIdOf(business, plan, occurrence.key),
        business,
        plan,
        shardOf(business),
        occurrence.key,
        local === undefined ? occurrence.key : dateKey(local.day),
        version,
        name,
        body.templateId,
        channel,
        purpose,
        arrayOf(body.segmentIds),
        body.priority,
        local === undefined ? null : schedule.type,
        local?.day ?? null,
        local?.timeZone ?? null,
        state,
        BigInt(occurrence.at)
      ])
    },
    /** Fixes the recipients and starts it, all in one; `undefined` if somebody else does. */
    start: (id: string, now: number) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const [row] = yield* sql.unsafe<Row>(lock, [id])
          if (row === undefined) return undefined
          yield* fix(runOf(row))
          const [started] = yield* sql.unsafe<Row>(start, [id, BigInt(now)])
          return started && runOf(started)
        })
      ),
    batch: (run: PlanRun, size: number) =>
      Effect.map(
        sql.unsafe<{ readonly position: bigint; readonly contact: string }>(readBatch, [
          run.id,
          BigInt(run.position),
          size
        ]),
        (rows) => rows.map(({ position, contact }) => ({ position: Number(position), contact }))
      ),
    /** Says whether it was this caller who moved it. */
    advance: (
      run: PlanRun,
      to: number,
      counts: { readonly requested: number; readonly refused: number },
      now: number
    ) =>
      sql.withTransaction(
        Effect.gen(function* () {
          const moved = yield* sql.unsafe(advance, [
            run.id,
            BigInt(run.position),
            BigInt(to),
            BigInt(counts.requested),
            BigInt(counts.refused),
            BigInt(now)
          ])
          if (moved.length === 0) return false
          yield* sql.unsafe(forget, [run.id, BigInt(to)])
          return true
        })
      ),
    cancel: (id: string, now: number) =>
      sql.withTransaction(
        Effect.andThen(sql.unsafe(cancel, [id, BigInt(now)]), sql.unsafe(forget, [id, 9_223_372_036_854_775_807n]))
      ),
    miss: (id: string) => sql.unsafe(miss, [id]),
    /** What was missed is due again, now; for whom it is stays as it was written down. */
    makeUp: ({ business, plan, id }: PlanRun, now: number) => sql.unsafe(makeUp, [business, plan, id, BigInt(now)]),
    /** Whom a run would be for: their number, and the first of them. */
    chosen: (chosen: Chosen, most: number) => {
      const { text, parameters } = selectionOf(chosen)
      return Effect.map(
        sql.unsafe<{ readonly contact: string; readonly total: bigint }>(
          `SELECT contact, count(*) OVER () AS total FROM (${text}) AS chosen ORDER BY contact LIMIT ${most}`,
          [...parameters]
        ),
        (rows) => ({ total: Number(rows[0]?.total ?? 0), contacts: rows.map(({ contact }) => contact) })
      )
    },
    /** The most urgent first. */
    open: (shards: ReadonlyArray<number>, most: number) =>
      Effect.map(sql.unsafe<Row>(readOpen, [arrayOf(shards), most]), (rows) => rows.map(runOf)),
    one: (business: string, plan: string, id: string) =>
      Effect.map(sql.unsafe<Row>(readOne, [business, plan, id]), ([row]) => row && runOf(row)),
    counts: (run: PlanRun) => Effect.map(sql.unsafe<CountRow>(countSends, [run.business, run.plan, run.key]), countsOf),
    /** Zones in which persons of the business live, or have lived until lately. */
    zones: (business: string, now: number) =>
      Effect.map(sql.unsafe<{ readonly name: string }>(zonesOf, [business, BigInt(now - movedWithinMs)]), (rows) =>
        rows.map(({ name }) => name)
      ),
    /** Businesses that have ever had a plan. */
    owners: Effect.map(sql.unsafe<{ readonly id: string }>(owners), (rows) => rows.map(({ id }) => id))
  }
}

/** Runs of a plan, newest first. */
export const listRuns = Effect.fn("PlanRuns.list")(function* (
  sql: SqlClient,
  business: string,
  plan: string,
  request: PageRequest
) {
  const page = yield* readPage<Row>(sql, {
    table: "plan_run",
    columns,
    conditions: [
      ["business = ?::uuid", business],
      ["plan = ?::uuid", plan]
    ],
    sort: [
      { column: "due_at", type: "bigint", valueOf: (row) => Number(row["dueAt"]) },
      { column: "id", type: "uuid", valueOf: (row) => row.id }
    ],
    request
  })
  return { ...page, rows: page.rows.map(runOf) }
})
