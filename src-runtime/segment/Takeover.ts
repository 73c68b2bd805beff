/**
 * The instant in which what was computed becomes what is in force: in one transaction that has the business to itself, the
 * difference to the members so far is written as joins and leaves, timers are replaced, and live segments that name this
 * one are judged for whoever joined or left.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as InForce from "./InForce.ts"
import * as Judging from "./Judging.ts"
import type { Mark, Subject } from "./Evaluation.ts"
import type { LiveFacts } from "./LiveFacts.ts"
import * as Membership from "./Membership.ts"
import { type ChangeReason, changesAtOnceMax, type SegmentChangeSink } from "./SegmentChange.ts"

/** Everything that holds for one segment and one transaction. */
interface Order<E, N> {
  readonly subject: Subject
  readonly segment: string
  readonly version: number
  /** Why it was computed. */
  readonly reason: string
  /** What had been asked when it began. */
  readonly asks: number
  readonly mark: Mark
  readonly nextRunAt: number | undefined
  /** Judges those who changed until now; run under the lock. */
  readonly catchUp: Effect.Effect<void, E>
  /** Written last: what is to be told of it is as durable as what is taken over. */
  readonly notice: Effect.Effect<void, N>
}

class RunAbandoned extends Schema.TaggedError<RunAbandoned>()("RunAbandoned", {}) {}

export interface Taken {
  readonly run: string
  readonly members: number
  readonly joined: number
  readonly departed: number
}

const readJoins =
  "SELECT c.contact, coalesce(m.by_import, false) AS by_import, m.since FROM segment_candidate c " +
  "LEFT JOIN segment_member m ON m.business = $2::uuid AND m.segment = $3::uuid AND m.contact = c.contact " +
  "WHERE c.run = $1::uuid AND c.holds AND m.by_rule IS NOT TRUE AND c.contact > $4::uuid ORDER BY c.contact LIMIT $5::integer"
const readLeaves =
  "SELECT m.contact, m.by_import, m.since FROM segment_member m WHERE m.business = $2::uuid AND m.segment = $3::uuid " +
  "AND m.by_rule AND NOT EXISTS (SELECT 1 FROM segment_candidate c WHERE c.run = $1::uuid AND c.contact = m.contact " +
  "AND c.holds) AND m.contact > $4::uuid ORDER BY m.contact LIMIT $5::integer"
const removeTimers = "DELETE FROM segment_timer WHERE business = $1::uuid AND segment = $2::uuid"
const readTimers =
  "SELECT contact, due_at FROM segment_candidate WHERE run = $1::uuid AND due_at IS NOT NULL AND contact > $2::uuid " +
  "ORDER BY contact LIMIT $3::integer"
const putInForce =
  "UPDATE segment_state SET version = $3::integer, live = $4::boolean, next_run_at = $5::bigint, " +
  "refreshed_at = $6::bigint, failure = NULL, failures = 0, retry_at = NULL, asked = CASE WHEN asks = $7::bigint THEN NULL ELSE asked END " +
  "WHERE business = $1::uuid AND segment = $2::uuid"
const countMembers = "SELECT count(*) AS members FROM segment_member WHERE business = $1::uuid AND segment = $2::uuid"
const stillRunning = "SELECT 1 FROM segment_run WHERE id = $1::uuid AND state = 'RUNNING' FOR UPDATE"
const endRun =
  "UPDATE segment_run SET state = 'DONE', ended_at = $2::bigint, members = $3::bigint, joined = $4::bigint, " +
  "departed = $5::bigint WHERE id = $1::uuid"
const forgetCandidates = "DELETE FROM segment_candidate WHERE run = $1::uuid"

const beforeAll = "00000000-0000-0000-0000-000000000000"

interface DifferenceRow {
  readonly contact: string
  readonly by_import: boolean
  readonly since: bigint | null
}

interface Options {
  readonly sql: SqlClient
  readonly inForce: InForce.InForce
  readonly facts: LiveFacts
  readonly sinks: ReadonlyArray<SegmentChangeSink>
  readonly now: () => number
}

const reasonOf = (reason: string): ChangeReason => (reason === "DEFINITION" ? "DEFINITION" : "REFRESH")

export const make = ({ sql, inForce, facts, sinks, now }: Options) => {
  /** Judges whoever moved in the live segments that name this one. */
  const drawAlong = Effect.fnUntraced(function* (
    business: string,
    segment: string,
    contacts: ReadonlyArray<string>,
    at: number
  ) {
    const set = (yield* inForce.of(sql, [business])).get(business)
    const concerned = set?.drawnBy([segment])
    if (set === undefined || concerned === undefined || concerned.size === 0 || contacts.length === 0) return
    const known = yield* facts.peek(business, contacts)
    yield* Judging.judge(
      sql,
      sinks,
      facts,
      known.map((each) => ({ known: each, set, concerned, at, reason: "SEGMENT", because: segment }))
    )
  })

  /** One side of the difference, in steps. */
  const move = Effect.fnUntraced(function* (order: Order<never, never>, query: string, byRule: boolean, at: number) {
    const { subject, segment, reason } = order
    const { run, business } = subject
    let count = 0
    let after = beforeAll
    for (;;) {
      const rows = yield* sql.unsafe<DifferenceRow>(query, [run, business, segment, after, changesAtOnceMax])
      if (rows.length === 0) return count
      const moves = rows.map(({ contact, by_import: byImport, since }): Membership.Move => {
        const before = { byRule: !byRule, byImport, since: Number(since ?? 0) }
        const isKept = Membership.isIn(before)
        return {
          business,
          segment,
          contact,
          at,
          before,
          after: { byRule, byImport, since: isKept ? before.since : at },
          reason: reasonOf(reason)
        }
      })
      count += yield* Membership.write(sql, sinks, moves)
      yield* drawAlong(
        business,
        segment,
        rows.map(({ contact }) => contact),
        at
      )
      after = rows.at(-1)?.contact ?? after
    }
  })

  const arm = Effect.fnUntraced(function* ({ subject: { run, business }, segment }: Order<never, never>) {
    yield* sql.unsafe(removeTimers, [business, segment])
    let after = beforeAll
    for (;;) {
      const rows = yield* sql.unsafe<{ contact: string; due_at: bigint }>(readTimers, [run, after, changesAtOnceMax])
      if (rows.length === 0) return
      yield* Membership.write(
        sql,
        sinks,
        [],
        rows.map(({ contact, due_at }) => ({ business, contact, segment, dueAt: Number(due_at) }))
      )
      after = rows.at(-1)?.contact ?? after
    }
  })

  const takeOver = <E, N>(order: Order<E, N>) =>
    sql.withTransaction(
      Effect.gen(function* () {
        const { subject, segment, version, asks, nextRunAt, catchUp, notice } = order
        const { run, business, isLive } = subject
        yield* Membership.lockBusiness(sql, business)
        // Another runner has begun anew: what was found here is not to be taken over any more.
        if ((yield* sql.unsafe(stillRunning, [run])).length === 0) return yield* new RunAbandoned()
        yield* catchUp
        const at = now()
        const instants = [nextRunAt === undefined ? null : BigInt(nextRunAt), BigInt(at)]
        yield* sql.unsafe(putInForce, [business, segment, version, isLive, ...instants, BigInt(asks)])
        yield* InForce.raise(sql, business)
        const own = order as unknown as Order<never, never>
        const joined = yield* move(own, readJoins, true, at)
        const departed = yield* move(own, readLeaves, false, at)
        yield* arm(own)
        const [counted] = yield* sql.unsafe<{ members: bigint }>(countMembers, [business, segment])
        const members = Number(counted?.members ?? 0)
        yield* sql.unsafe(endRun, [run, BigInt(at), BigInt(members), BigInt(joined), BigInt(departed)])
        yield* sql.unsafe(forgetCandidates, [run])
        yield* notice
        return { run, members, joined, departed } satisfies Taken
      })
    )

  /** What was remembered of a transaction that failed was never so. */
  return <E, N>(order: Order<E, N>) =>
    Effect.onError(takeOver(order), () =>
      Effect.sync(() => {
        inForce.forget(order.subject.business)
        facts.forgetAll()
      })
    )
}
export type Takeover = ReturnType<typeof make>

const ceaseLive =
  "UPDATE segment_state SET live = false, next_run_at = $4::bigint, failure = NULL, failures = 0, retry_at = NULL, " +
  "asked = CASE WHEN asks = $3::bigint THEN NULL ELSE asked END WHERE business = $1::uuid AND segment = $2::uuid"

/** Its members stay as they are until it is computed again. */
export const switchOff = (
  sql: SqlClient,
  given: {
    readonly business: string
    readonly segment: string
    readonly asks: number
    readonly nextRunAt: number | undefined
  }
): Effect.Effect<void, SqlError> =>
  sql.withTransaction(
    Effect.gen(function* () {
      const { business, segment, asks, nextRunAt } = given
      yield* Membership.lockBusiness(sql, business)
      yield* sql.unsafe(ceaseLive, [
        business,
        segment,
        BigInt(asks),
        nextRunAt === undefined ? null : BigInt(nextRunAt)
      ])
      yield* sql.unsafe(removeTimers, [business, segment])
      yield* InForce.raise(sql, business)
    })
  )

const tables = ["segment_timer", "segment_member", "segment_change", "segment_run", "segment_state"]

/** Nothing of a segment stays that was deleted: its stream ends without leaves. */
export const remove = (sql: SqlClient, business: string, segment: string): Effect.Effect<void, SqlError> =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* Membership.lockBusiness(sql, business)
      for (const table of tables) {
        yield* sql.unsafe(`DELETE FROM ${table} WHERE business = $1::uuid AND segment = $2::uuid`, [business, segment])
      }
      yield* InForce.raise(sql, business)
    })
  )
