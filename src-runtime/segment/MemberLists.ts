/** What the tables say of segments, for readers: standings, pages of members, the stream of changes, the last refresh. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Cause } from "#domain/shared/Cause.ts"
import type { ChangeReason, SegmentChange } from "./SegmentChange.ts"

export interface MemberOf {
  readonly segmentId: string
  readonly byRule: boolean
  readonly byImport: boolean
  /** Epoch milliseconds. */
  readonly since: number
}

export interface SegmentStatus {
  /** ASKED: it is about to be computed; COMPUTING: for the first time, so that it has no members yet. */
  readonly state: "NEVER_COMPUTED" | "COMPUTING" | "READY" | "ASKED" | "FAILED"
  /** Which version of its definition its members follow. */
  readonly version?: number | undefined
  readonly members: number
  readonly refreshedAt?: number | undefined
  readonly nextRefreshAt?: number | undefined
  /** Of the last change in its stream. */
  readonly position: number
  readonly failure?: string | undefined
}

interface ChangeRow {
  readonly business: string
  readonly segment: string
  readonly position: bigint
  readonly id: string
  readonly contact: string
  readonly joined: boolean
  readonly reason: string
  readonly because: string | null
  readonly at: bigint
  readonly shard: number
  readonly event: string | null
  readonly cause: string | null
}

interface StateRow {
  readonly version: number | null
  readonly asked: string | null
  readonly refreshed_at: bigint | null
  readonly next_run_at: bigint | null
  readonly position: bigint
  readonly failure: string | null
  readonly members: bigint
}

const decodeCause = Schema.decodeUnknownSync(Schema.fromJsonString(Cause))

const changeOf = (row: ChangeRow): SegmentChange => ({
  id: row.id,
  business: row.business,
  segmentId: row.segment,
  position: Number(row.position),
  contact: row.contact,
  kind: row.joined ? "JOINED" : "LEFT",
  reason: row.reason as ChangeReason,
  because: row.because ?? undefined,
  at: Number(row.at),
  event: row.event ?? undefined,
  cause: row.cause === null ? undefined : decodeCause(row.cause),
  shard: row.shard
})

const readStatus =
  "SELECT version, asked, refreshed_at, next_run_at, position, failure, (SELECT count(*) FROM segment_member m " +
  "WHERE m.business = s.business AND m.segment = s.segment) AS members FROM segment_state s " +
  "WHERE business = $1::uuid AND segment = $2::uuid"
const readPruned =
  "SELECT max(pruned_to) AS position, max(pruned_before) AS before FROM segment_state " +
  "WHERE business = $1::uuid AND segment = ANY ($2::uuid[])"
const readMemberships =
  "SELECT segment, by_rule, by_import, since FROM segment_member WHERE business = $1::uuid AND contact = $2::uuid " +
  "ORDER BY since, segment"
const readMembership =
  "SELECT since FROM segment_member WHERE business = $1::uuid AND segment = $2::uuid AND contact = $3::uuid"
const readChanges =
  "SELECT * FROM segment_change WHERE business = $1::uuid AND segment = $2::uuid AND position > $3::bigint " +
  "ORDER BY position LIMIT $4::integer"
const readChangesOfContact = (compared: "<" | "<=" | ">", order: "ASC" | "DESC"): string =>
  `SELECT * FROM segment_change WHERE business = $1::uuid AND contact = $2::uuid AND (at, id) ${compared} ($3::bigint, ` +
  `$4::uuid) ORDER BY at ${order}, id ${order} LIMIT $5::integer`
const readLastUntil =
  "SELECT joined FROM segment_change WHERE business = $1::uuid AND contact = $3::uuid AND segment = $2::uuid " +
  "AND at <= $4::bigint ORDER BY position DESC LIMIT 1"
const readMembersUntil =
  "SELECT contact, at FROM (SELECT DISTINCT ON (contact) contact, joined, at FROM segment_change WHERE business = $1::uuid " +
  "AND segment = $2::uuid AND at <= $3::bigint ORDER BY contact, position DESC) AS last WHERE joined"

const stateOf = (row: StateRow): SegmentStatus["state"] => {
  if (row.failure !== null) return "FAILED"
  if (row.version === null) return row.asked === null ? "NEVER_COMPUTED" : "COMPUTING"
  return row.asked === null ? "READY" : "ASKED"
}

const instantOf = (value: bigint | null): number | undefined => (value === null ? undefined : Number(value))

export const statusOf = (sql: SqlClient, business: string, segment: string): Effect.Effect<SegmentStatus, SqlError> =>
  Effect.map(sql.unsafe<StateRow>(readStatus, [business, segment]), ([row]) =>
    row === undefined
      ? { state: "NEVER_COMPUTED", members: 0, position: 0 }
      : {
          state: stateOf(row),
          version: row.version ?? undefined,
          members: Number(row.members),
          refreshedAt: instantOf(row.refreshed_at),
          nextRefreshAt: instantOf(row.next_run_at),
          position: Number(row.position),
          failure: row.failure ?? undefined
        }
  )

export const segmentsOf = (
  sql: SqlClient,
  business: string,
  contact: string
): Effect.Effect<ReadonlyArray<MemberOf>, SqlError> =>
  Effect.map(
    sql.unsafe<{ segment: string; by_rule: boolean; by_import: boolean; since: bigint }>(readMemberships, [
      business,
      contact
    ]),
    (rows) =>
      rows.map(({ segment, by_rule, by_import, since }) => ({
        segmentId: segment,
        byRule: by_rule,
        byImport: by_import,
        since: Number(since)
      }))
  )

/** What is no longer there of the streams of changes: up to which position, and for which instants. */
export const prunedOf = (sql: SqlClient, business: string, segments: ReadonlyArray<string>) =>
  Effect.map(
    sql.unsafe<{ position: bigint | null; before: bigint | null }>(readPruned, [business, segments]),
    ([row]) => ({ position: Number(row?.position ?? 0), before: Number(row?.before ?? 0) })
  )

/** `undefined`: she is not in it. */
export const memberSince = (sql: SqlClient, business: string, segment: string, contact: string) =>
  Effect.map(sql.unsafe<{ since: bigint }>(readMembership, [business, segment, contact]), ([row]) =>
    row === undefined ? undefined : Number(row.since)
  )

/** As the stream of changes has it. */
export const wasMember = (sql: SqlClient, business: string, segment: string, contact: string, at: number) =>
  Effect.map(
    sql.unsafe<{ joined: boolean }>(readLastUntil, [business, segment, contact, BigInt(at)]),
    ([last]) => last?.joined ?? false
  )

/** Each with since when: her last join is how she came to be in it, and stays on record for as long as she is. */
export const membersAt = (sql: SqlClient, business: string, segment: string, at: number) =>
  Effect.map(
    sql.unsafe<{ contact: string; at: bigint }>(readMembersUntil, [business, segment, BigInt(at)]),
    (rows): ReadonlyMap<string, number> => new Map(rows.map((row) => [row.contact, Number(row.at)]))
  )

/** In order, after a position. */
export const changesAfter = (sql: SqlClient, business: string, segment: string, position: number, rowsMax: number) =>
  Effect.map(sql.unsafe<ChangeRow>(readChanges, [business, segment, BigInt(position), rowsMax]), (rows) =>
    rows.map(changeOf)
  )

/** The joins and leaves of one contact, of all segments: DESC before an instant and an id, or from it on; ASC after it. */
export const changesOfContact = (
  sql: SqlClient,
  business: string,
  contact: string,
  begin: { readonly at: number; readonly id: string; readonly isIncluded: boolean; readonly order: "ASC" | "DESC" },
  rowsMax: number
): Effect.Effect<ReadonlyArray<SegmentChange>, SqlError> => {
  const compared = begin.order === "ASC" ? ">" : begin.isIncluded ? "<=" : "<"
  const parameters = [business, contact, BigInt(begin.at), begin.id, rowsMax]
  return Effect.map(sql.unsafe<ChangeRow>(readChangesOfContact(compared, begin.order), parameters), (rows) =>
    rows.map(changeOf)
  )
}
