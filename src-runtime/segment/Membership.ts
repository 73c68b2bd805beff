/**
 * The tables of who is in which segment, as all who change them do it: locks first, then what is there, then what follows,
 * the changes in their stream and what the sinks make of them, all in the caller's transaction.
 *
 * Two kinds of locks, both of the transaction and taken in one order. Whoever judges contacts shares the business and has
 * their shards to itself, so two never judge one contact at a time; whoever replaces a segment has the business to itself.
 */
import type { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { nameUuid } from "../actor/Naming.ts"
import { shardOf } from "../actor/Placement.ts"
import { recordset } from "../projection/Projection.ts"
import {
  changeChannel,
  changesAtOnceMax,
  type ChangeReason,
  type SegmentChange,
  type SegmentChangeSink
} from "./SegmentChange.ts"

/** First halves of the names of advisory locks: of a business (by its shard), and of the contacts of a shard. */
const businessLocks = 0x5e61
const contactLocks = 0x5e62

const lockShared =
  `SELECT CASE kind WHEN ${businessLocks} THEN pg_advisory_xact_lock_shared(kind, number) ` +
  "ELSE pg_advisory_xact_lock(kind, number) END FROM unnest($1::integer[], $2::integer[]) AS l(kind, number)"

const ascending = (numbers: Iterable<number>): ReadonlyArray<number> =>
  [...new Set(numbers)].toSorted((left, right) => left - right)

const integers = (numbers: ReadonlyArray<number>): string => `{${numbers.join(",")}}`

/** To judge contacts of the shards, of these businesses. */
export const lockContacts = (sql: SqlClient, businesses: Iterable<string>, shards: Iterable<number>) => {
  const first = ascending(Array.from(businesses, shardOf))
  const second = ascending(shards)
  const kinds = [...first.map(() => businessLocks), ...second.map(() => contactLocks)]
  return Effect.asVoid(sql.unsafe(lockShared, [integers(kinds), integers([...first, ...second])]))
}

/** To replace what is in force in a business: nobody is judged there meanwhile. */
export const lockBusiness = (sql: SqlClient, business: string) =>
  Effect.asVoid(
    sql.unsafe("SELECT pg_advisory_xact_lock($1::integer, $2::integer)", [businessLocks, shardOf(business)])
  )

/** How a contact stands in a segment. */
export interface Standing {
  readonly byRule: boolean
  readonly byImport: boolean
  readonly since: number
}

export const outside: Standing = { byRule: false, byImport: false, since: 0 }
export const isIn = ({ byRule, byImport }: Standing): boolean => byRule || byImport

/** What becomes of a contact's standing in a segment, and why. */
export interface Move {
  readonly business: string
  readonly segment: string
  readonly contact: string
  readonly before: Standing
  readonly after: Standing
  readonly reason: ChangeReason
  readonly because?: string | undefined
  readonly event?: string | undefined
  readonly at: number
  readonly cause?: Cause | undefined
  /** The offset of the event that caused it, in the shard of the contact. */
  readonly upTo?: number | undefined
}

interface MemberRow {
  readonly business: string
  readonly contact: string
  readonly segment: string
  readonly by_rule: boolean
  readonly by_import: boolean
  readonly since: bigint
}

/** By `business/contact`, then by segment. */
export type Standings = ReadonlyMap<string, ReadonlyMap<string, Standing>>

export const placeOf = (business: string, contact: string): string => `${business}/${contact}`

const readMembers =
  "SELECT m.business, m.contact, m.segment, m.by_rule, m.by_import, m.since FROM json_to_recordset($1::json) " +
  "AS r(business uuid, contact uuid) JOIN segment_member m ON m.business = r.business AND m.contact = r.contact"

/** Of contacts that the caller has locked, if it means to change anything. */
export const standingsOf = (
  sql: SqlClient,
  contacts: ReadonlyArray<{ readonly business: string; readonly contact: string }>
): Effect.Effect<Standings, SqlError> =>
  Effect.map(sql.unsafe<MemberRow>(readMembers, [recordset(contacts)]), (rows) => {
    const found = new Map<string, Map<string, Standing>>()
    for (const row of rows) {
      const place = placeOf(row.business, row.contact)
      let standings = found.get(place)
      if (standings === undefined) {
        standings = new Map()
        found.set(place, standings)
      }
      const { by_rule: byRule, by_import: byImport, since } = row
      standings.set(row.segment, { byRule, byImport, since: Number(since) })
    }
    return found
  })

/**
 * All rows of a step in one statement, which returns the positions that its changes have. Whoever gets positions holds the
 * row until its commit, so they become visible in their order. Of two instants the earlier stands: looking too early costs
 * a look, looking too late is wrong.
 */
const writeRows =
  "WITH stay AS (INSERT INTO segment_member (business, contact, segment, by_rule, by_import, since) " +
  "SELECT business, contact, segment, by_rule, by_import, since FROM json_to_recordset($1::json) AS r(business uuid, " +
  "contact uuid, segment uuid, by_rule boolean, by_import boolean, since bigint) " +
  "ON CONFLICT (business, segment, contact) DO UPDATE SET by_rule = excluded.by_rule, by_import = excluded.by_import, " +
  "since = excluded.since), " +
  "go AS (DELETE FROM segment_member m USING json_to_recordset($2::json) AS r(business uuid, contact uuid, segment uuid) " +
  "WHERE m.business = r.business AND m.contact = r.contact AND m.segment = r.segment), " +
  "due AS (INSERT INTO segment_timer (business, contact, segment, shard, due_at) SELECT business, contact, segment, " +
  "shard, due_at FROM json_to_recordset($3::json) AS r(business uuid, contact uuid, segment uuid, shard smallint, " +
  "due_at bigint) ON CONFLICT (business, contact, segment) DO UPDATE SET due_at = excluded.due_at " +
  "WHERE segment_timer.due_at > excluded.due_at), " +
  "held AS (SELECT s.business, s.segment, r.number FROM segment_state s JOIN json_to_recordset($4::json) " +
  "AS r(business uuid, segment uuid, number integer) ON s.business = r.business AND s.segment = r.segment " +
  "ORDER BY s.business, s.segment FOR UPDATE OF s) UPDATE segment_state s SET position = s.position + held.number " +
  "FROM held WHERE s.business = held.business AND s.segment = held.segment " +
  "RETURNING s.business, s.segment, s.position - held.number AS before"

const insertChanges =
  "WITH told AS (INSERT INTO segment_change (business, segment, position, id, contact, joined, reason, because, at, shard, event, cause) " +
  "SELECT business, segment, position, id, contact, joined, reason, because, at, shard, event, cause " +
  "FROM json_to_recordset($1::json) AS r(business uuid, segment uuid, position bigint, id uuid, contact uuid, " +
  "joined boolean, reason text, because text, at bigint, shard smallint, event text, cause text)) " +
  `SELECT pg_notify('${changeChannel}', topic) FROM unnest($2::text[]) AS t(topic)`

const rowOf = (change: SegmentChange) => ({
  business: change.business,
  segment: change.segmentId,
  position: change.position,
  id: change.id,
  contact: change.contact,
  joined: change.kind === "JOINED",
  reason: change.reason,
  because: change.because ?? null,
  at: change.at,
  shard: change.shard,
  event: change.event ?? null,
  cause: change.cause === undefined ? null : JSON.stringify(change.cause)
})

/** A contact to look at again, no later than an instant. */
export interface Due {
  readonly business: string
  readonly contact: string
  readonly segment: string
  readonly dueAt: number
}

/** How many changes each segment gets. */
const numbersOf = (seen: ReadonlyArray<Move>) => {
  const numbers = new Map<string, { business: string; segment: string; number: number }>()
  for (const { business, segment } of seen) {
    const place = placeOf(business, segment)
    const known = numbers.get(place) ?? { business, segment, number: 0 }
    known.number += 1
    numbers.set(place, known)
  }
  return [...numbers.values()]
}

/** The joins and leaves, each with the next position of its segment; `positions` holds the last ones before. */
const changesOf = (seen: ReadonlyArray<Move>, positions: Map<string, number>): ReadonlyArray<SegmentChange> => {
  const changes: Array<SegmentChange> = []
  for (const { business, segment, contact, after, reason, because, at, event, cause, upTo } of seen) {
    const place = placeOf(business, segment)
    const before = positions.get(place)
    // Deleted a moment ago: nobody follows it any more.
    if (before === undefined) continue
    const position = before + 1
    positions.set(place, position)
    changes.push({
      id: nameUuid("segment change", business, segment, String(position)),
      business,
      segmentId: segment,
      position,
      contact,
      kind: isIn(after) ? "JOINED" : "LEFT",
      reason,
      because,
      at,
      event,
      cause,
      shard: shardOf(contact),
      upTo
    })
  }
  return changes
}

const memberRow = ({ business, contact, segment, after: { byRule, byImport, since } }: Move) => ({
  business,
  contact,
  segment,
  by_rule: byRule,
  by_import: byImport,
  since
})
const dueRow = ({ business, contact, segment, dueAt }: Due) => ({
  business,
  contact,
  segment,
  shard: shardOf(contact),
  due_at: dueAt
})

const writeSome = Effect.fnUntraced(function* (
  sql: SqlClient,
  sinks: ReadonlyArray<SegmentChangeSink>,
  moves: ReadonlyArray<Move>,
  dues: ReadonlyArray<Due>
) {
  const stay = moves.filter(({ after }) => isIn(after))
  const go = moves.filter(({ before, after }) => isIn(before) && !isIn(after))
  const seen = moves.filter(({ before, after }) => isIn(before) !== isIn(after))
  const taken = yield* sql.unsafe<{ business: string; segment: string; before: bigint }>(writeRows, [
    recordset(stay.map(memberRow)),
    recordset(go.map(({ business, contact, segment }) => ({ business, contact, segment }))),
    recordset(dues.map(dueRow)),
    recordset(numbersOf(seen))
  ])
  const positions = new Map(taken.map((row) => [placeOf(row.business, row.segment), Number(row.before)]))
  const changes = changesOf(seen, positions)
  if (changes.length === 0) return 0
  const topics = new Set(changes.map(({ business, segmentId }) => placeOf(business, segmentId)))
  yield* sql.unsafe(insertChanges, [recordset(changes.map(rowOf)), `{${[...topics].join(",")}}`])
  for (const sink of sinks) yield* sink(sql, changes)
  return changes.length
})

/** Writes what became of the standings, and when to look again; says how many joined or left. Needs the locks of both. */
export const write = Effect.fnUntraced(function* (
  sql: SqlClient,
  sinks: ReadonlyArray<SegmentChangeSink>,
  moves: ReadonlyArray<Move>,
  dues: ReadonlyArray<Due> = []
) {
  let changes = 0
  for (let from = 0; from < Math.max(moves.length, dues.length); from += changesAtOnceMax) {
    const upTo = from + changesAtOnceMax
    changes += yield* writeSome(sql, sinks, moves.slice(from, upTo), dues.slice(from, upTo))
  }
  return changes
})
