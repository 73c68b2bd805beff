/**
 * Computes a whole segment: who is in it by its rule, found by the store, or one by one where instants have to be known as
 * well. It is collected beside what is in force, in steps; whoever something happens to meanwhile is judged again, so that
 * at its end it is true for every contact at once.
 */
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import type { MemberSince } from "#domain/segment/Reference.ts"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { recordset } from "../projection/Projection.ts"
import type { Position } from "../projection/ProjectionCursors.ts"
import { pipelineBytes, pipelineOf } from "./Mql.ts"
import type { Store } from "./LateStore.ts"

/** Contacts judged, or noted, at a time. */
const contactsAtOnce = 500
/** Members of other segments that one question to the store may hold; with more, contacts are judged one by one. */
const namedMax = 50_000
/** Bytes of one question to the store, about; with more, contacts are judged one by one. */
const pipelineBytesMax = 8 * 1024 * 1024

const insertCandidates =
  "INSERT INTO segment_candidate (run, contact, holds, due_at) SELECT $2::uuid, contact, holds, due_at " +
  "FROM json_to_recordset($1::json) AS r(contact uuid, holds boolean, due_at bigint) " +
  "ON CONFLICT (run, contact) DO UPDATE SET holds = excluded.holds, due_at = excluded.due_at"
const readMembers = "SELECT contact, since FROM segment_member WHERE business = $1::uuid AND segment = $2::uuid"
/** Somebody to whom something happened between two places of the journal. */
const readTouched =
  "SELECT DISTINCT e.key AS contact FROM json_to_recordset($1::json) AS r(shard smallint, after bigint, up_to bigint) " +
  "JOIN event e ON e.shard = r.shard AND e.shard_offset > r.after AND e.shard_offset <= r.up_to " +
  "WHERE e.business = $2::uuid AND e.key <> $2::uuid"

/** Somebody who came or went in a segment since a position of its stream: for an instant, an import or another segment. */
const readMoved =
  "SELECT DISTINCT c.contact FROM json_to_recordset($1::json) AS r(segment uuid, after bigint) JOIN segment_change c " +
  "ON c.business = $2::uuid AND c.segment = r.segment AND c.position > r.after"
const readPositions =
  "SELECT segment, position FROM segment_state WHERE business = $1::uuid AND segment = ANY ($2::uuid[])"

/** How far everything that a computation looks at had come. */
export interface Mark {
  readonly journal: ReadonlyArray<Position>
  /** Of the streams of the segments that are named. */
  readonly segments: ReadonlyArray<{ readonly segment: string; readonly after: number }>
}

/** What is computed. */
export interface Subject {
  /** Names what is collected. */
  readonly run: string
  readonly business: string
  readonly sets: ConditionSets
  /** The instant that it is true for. */
  readonly at: number
  /** Whether to note when contacts are to be looked at again. */
  readonly isLive: boolean
}

/** By contact: since when she has been in a segment. */
export type Members = ReadonlyMap<string, number>
/** Members of the segments that are named. */
export type Named = ReadonlyMap<string, Members>

const nobody: Members = new Map()

const isLarge = (named: Named): boolean => {
  let members = 0
  for (const of of named.values()) members += of.size
  return members > namedMax
}

interface Candidate {
  readonly contact: string
  readonly holds: boolean
  readonly due_at: number | null
}

/** Who is in the segment now, however she came to be. */
export const membersOf = (sql: SqlClient, business: string, segment: string): Effect.Effect<Members, SqlError> =>
  Effect.map(
    sql.unsafe<{ contact: string; since: bigint }>(readMembers, [business, segment]),
    (rows) => new Map(rows.map(({ contact, since }) => [contact, Number(since)]))
  )

/** Of one contact. */
export const memberSinceOf =
  (contact: string, named: Named): MemberSince =>
  (segment) =>
    named.get(segment)?.get(contact)

export const make = (sql: SqlClient, store: Store, timeZoneOf: (business: string) => string) => {
  /** The members of the segments that the sets name, as they are now. */
  const namedBy = Effect.fnUntraced(function* (business: string, sets: ConditionSets) {
    const named = new Map<string, Members>()
    for (const id of dependsOn(sets).segments) named.set(id, yield* membersOf(sql, business, id))
    return named
  })

  const note = (run: string, candidates: ReadonlyArray<Candidate>) =>
    candidates.length === 0 ? Effect.void : Effect.asVoid(sql.unsafe(insertCandidates, [recordset(candidates), run]))

  /** Contacts, one by one, on what the store holds of them. */
  const judgeSome = Effect.fnUntraced(function* (
    { run, business, sets, at, isLive }: Subject,
    named: Named,
    contacts: ReadonlyArray<string>
  ) {
    const judge = compile(sets)
    const facts = yield* store.facts(business, contacts)
    const candidates = contacts.flatMap((contact): ReadonlyArray<Candidate> => {
      const known = facts.get(contact)
      // Nobody (any more): she is noted as out, in case that she was noted as in.
      if (known === undefined) return [{ contact, holds: false, due_at: null }]
      const { holds, until } = judge(known, at, memberSinceOf(contact, named))
      return [{ contact, holds, due_at: isLive ? (until ?? null) : null }]
    })
    yield* note(run, candidates)
  })

  /** All zones that contacts of the business live in, its own first; only where the calendar matters. */
  const zonesOf = (business: string, sets: ConditionSets) => {
    const home = timeZoneOf(business)
    const found = dependsOn(sets).calendar ? store.zones(business) : Effect.succeed([])
    return Effect.map(found, (zones): readonly [string, ...ReadonlyArray<string>] => [
      home,
      ...zones.filter((zone) => zone !== home)
    ])
  }

  const asked = (business: string, sets: ConditionSets, at: number, named: Named) => {
    const members = (id: string): Members => named.get(id) ?? nobody
    return Stream.unwrap(
      Effect.map(zonesOf(business, sets), (zones) =>
        pipelineBytes(sets, zones.length, members) > pipelineBytesMax
          ? oneByOne(business, sets, at, named)
          : store.matching(business, pipelineOf(sets, { business, at, zones, members }))
      )
    )
  }

  const everyContact = (business: string) => store.matching(business, [])

  const oneByOne = (business: string, sets: ConditionSets, at: number, named: Named) => {
    const judge = compile(sets)
    return everyContact(business).pipe(
      Stream.grouped(contactsAtOnce),
      Stream.mapEffect((contacts) => store.facts(business, contacts)),
      Stream.flatMap((facts) =>
        Stream.fromIterable(
          Array.from(facts.values())
            .filter((known) => judge(known, at, memberSinceOf(known.profile._id, named)).holds)
            .map(({ profile }) => profile._id)
        )
      )
    )
  }

  /** Who is in at an instant, on what the store holds. */
  const matching = (business: string, sets: ConditionSets, at: number, named: Named) =>
    (isLarge(named) ? oneByOne : asked)(business, sets, at, named)

  return {
    namedBy,
    matching,
    /** Everybody, as of what the store holds now. */
    collect: Effect.fnUntraced(function* (subject: Subject) {
      const { run, business, sets, at, isLive } = subject
      const named = yield* namedBy(business, sets)
      const isJudged = isLive && dependsOn(sets).time
      const found = isJudged ? everyContact(business) : matching(business, sets, at, named)
      yield* found.pipe(
        Stream.grouped(contactsAtOnce),
        Stream.runForEach((contacts) =>
          isJudged
            ? judgeSome(subject, named, contacts)
            : note(
                run,
                contacts.map((contact) => ({ contact, holds: true, due_at: null }))
              )
        )
      )
    }),
    /** Where the segments that are named stand. */
    segmentsAt: Effect.fnUntraced(function* ({ business, sets }: Subject) {
      const named = [...dependsOn(sets).segments]
      const rows = yield* sql.unsafe<{ segment: string; position: bigint }>(readPositions, [
        business,
        `{${named.join(",")}}`
      ])
      return rows.map(({ segment, position }) => ({ segment, after: Number(position) }))
    }),
    /** Those to whom something happened after the mark, up to the positions, anew; says how many they were. */
    collectAgain: Effect.fnUntraced(function* (subject: Subject, mark: Mark, upTo: ReadonlyArray<Position>) {
      const after = new Map(mark.journal.map(({ shard, offset }) => [shard, offset]))
      const ranges = upTo.flatMap(({ shard, offset }) => {
        const begin = after.get(shard) ?? 0
        return offset > begin ? [{ shard, after: begin, up_to: offset }] : []
      })
      const { business, sets } = subject
      const touched = yield* sql.unsafe<{ contact: string }>(readTouched, [recordset(ranges), business])
      const moved = yield* sql.unsafe<{ contact: string }>(readMoved, [recordset(mark.segments), business])
      const contacts = [...new Set([...touched, ...moved].map(({ contact }) => contact))]
      if (contacts.length === 0) return 0
      yield* store.caughtUp(upTo)
      const named = yield* namedBy(business, sets)
      for (let begin = 0; begin < contacts.length; begin += contactsAtOnce) {
        yield* judgeSome(subject, named, contacts.slice(begin, begin + contactsAtOnce))
      }
      return contacts.length
    })
  }
}
export type Evaluation = ReturnType<typeof make>
