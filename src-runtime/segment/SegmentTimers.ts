/**
 * Instants at which contacts enter or leave with no event (SEG-3): a durable table, and a fiber that sleeps until the next
 * one of the shards held here. A contact is judged as of the very instant, also when it is looked at later; what was due
 * while nobody was there is caught up with in order. Whoever reads a contact can have hers done first.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Actors } from "../actor/Actors.ts"
import { allShards, shardOf } from "../actor/Placement.ts"
import { recordset } from "../projection/Projection.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import type { InForce } from "./InForce.ts"
import * as Judging from "./Judging.ts"
import type { LiveFacts } from "./LiveFacts.ts"
import type { LiveSegment } from "./LiveSet.ts"
import * as Membership from "./Membership.ts"
import type { SegmentChangeSink } from "./SegmentChange.ts"

/** Contacts judged in one transaction. */
const contactsAtOnceMax = 200
/** The table is looked at this often even if nobody said that it has changed; after a failure as well. */
const lookIntervalMs = 1_000
const retryIntervalMs = 1_000
/** How often a reader looks what the runner of a contact has done. */
const elsewhereIntervalMs = 25

interface Row {
  readonly business: string
  readonly contact: string
  readonly segment: string
  readonly due_at: bigint
}

const readDue =
  "SELECT business, contact FROM segment_timer WHERE due_at <= $1::bigint AND shard = ANY ($2::smallint[]) " +
  "ORDER BY due_at LIMIT $3::integer"
const readDueOf =
  "SELECT business, contact FROM segment_timer WHERE business = $1::uuid AND contact = $2::uuid AND due_at <= $3::bigint"
/** Under the locks: what is still due of these. */
const takeDue =
  "SELECT t.business, t.contact, t.segment, t.due_at FROM json_to_recordset($1::json) AS r(business uuid, contact uuid) " +
  "JOIN segment_timer t ON t.business = r.business AND t.contact = r.contact AND t.due_at <= $2::bigint"
const removeDue =
  "DELETE FROM segment_timer t USING json_to_recordset($1::json) AS r(business uuid, contact uuid, segment uuid) " +
  "WHERE t.business = r.business AND t.contact = r.contact AND t.segment = r.segment"
const readNext = "SELECT min(due_at) AS next FROM segment_timer WHERE shard = ANY ($1::smallint[])"

interface Options {
  readonly sql: SqlClient
  readonly actors: Actors["Service"]
  readonly inForce: InForce
  readonly facts: LiveFacts
  readonly sinks: ReadonlyArray<SegmentChangeSink>
}

interface Contact {
  readonly business: string
  readonly contact: string
}

/** Of each contact the segments of her earliest instant; the others come after it. */
const earliest = (rows: ReadonlyArray<Row>) => {
  const found = new Map<string, { business: string; contact: string; at: number; segments: Set<string> }>()
  for (const { business, contact, segment, due_at } of rows) {
    const place = Membership.placeOf(business, contact)
    const at = Number(due_at)
    const known = found.get(place)
    if (known === undefined || at < known.at) found.set(place, { business, contact, at, segments: new Set([segment]) })
    else if (at === known.at) known.segments.add(segment)
  }
  return [...found.values()]
}

export const make = Effect.fnUntraced(function* ({ sql, actors, inForce, facts, sinks }: Options) {
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const wake = yield* Latch.make(true)
  const held = (): string => `{${allShards.filter(actors.holds).join(",")}}`

  const judgeDue = Effect.fnUntraced(function* (contacts: ReadonlyArray<Contact>, until: number) {
    yield* Membership.lockContacts(
      sql,
      contacts.map(({ business }) => business),
      contacts.map(({ contact }) => shardOf(contact))
    )
    const rows = yield* sql.unsafe<Row>(takeDue, [recordset(contacts), BigInt(until)])
    const dues = earliest(rows)
    if (dues.length === 0) return false
    const gone = dues.flatMap(({ business, contact, segments }) =>
      Array.from(segments, (segment) => ({ business, contact, segment }))
    )
    yield* sql.unsafe(removeDue, [recordset(gone)])
    for (const { business, contact, segments } of dues) facts.dropDues(business, contact, segments)
    const sets = yield* inForce.of(sql, [...new Set(dues.map(({ business }) => business))])
    const those = dues.filter(({ business }) => sets.has(business))
    const known = yield* facts.touch(those.map(({ business, contact }) => ({ business, contact, committed: [] })))
    const cases: Array<Judging.Case> = []
    for (const [index, { business, at, segments }] of those.entries()) {
      const set = sets.get(business)
      const each = known[index]
      if (set === undefined || each === undefined) continue
      const concerned = new Set<LiveSegment>()
      for (const id of segments) {
        const segment = set.get(id)
        if (segment !== undefined) concerned.add(segment)
      }
      cases.push({ known: each, set, concerned, at, reason: "TIME" })
    }
    yield* Judging.judge(sql, sinks, facts, cases)
    return true
  })

  /** One transaction; what it noted in memory is void if it fails. */
  const run = (contacts: ReadonlyArray<Contact>, until: number) =>
    Effect.onError(sql.withTransaction(judgeDue(contacts, until)), () =>
      Effect.sync(() => {
        for (const { business, contact } of contacts) facts.forget(business, contact)
      })
    )

  const distinct = (contacts: ReadonlyArray<Contact>): ReadonlyArray<Contact> => [
    ...new Map(contacts.map((each) => [Membership.placeOf(each.business, each.contact), each])).values()
  ]

  /** Until nothing of the shards held here is due; returns the next instant. */
  const catchUp = Effect.fnUntraced(function* () {
    for (;;) {
      const until = now()
      const rows = yield* sql.unsafe<Contact>(readDue, [BigInt(until), held(), contactsAtOnceMax])
      if (rows.length === 0) break
      yield* run(distinct(rows), until)
    }
    const [row] = yield* sql.unsafe<{ next: bigint | null }>(readNext, [held()])
    return row?.next === null || row === undefined ? undefined : Number(row.next)
  })

  /** No instant before it is written, as far as the fiber knows; 0 while it looks. */
  let nextAt = 0
  const step = Effect.gen(function* () {
    yield* wake.close
    nextAt = 0
    const next = yield* catchUp()
    const at = now()
    nextAt = next ?? Number.POSITIVE_INFINITY
    const awakeAt = Math.min(nextAt, at + lookIntervalMs)
    yield* Effect.raceFirst(Effect.sleep(Math.max(0, awakeAt - at)), wake.await)
  })
  // Also after a fault of the code: nobody would begin the fiber again.
  const steady = Effect.catchCause(step, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.andThen(
          Effect.logWarning("timers of segments wait", reasonOf(Cause.squash(cause))),
          Effect.sleep(retryIntervalMs)
        )
  )
  yield* Effect.forkScoped(Effect.forever(steady))
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onHeld(() => {
        facts.forgetAll()
        wake.openUnsafe()
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  return {
    /** An instant was written, durably. */
    wake: (dueAt: number): void => {
      if (dueAt >= nextAt && nextAt > 0) return
      if (nextAt > 0) nextAt = dueAt
      wake.openUnsafe()
    },
    /** For who is about to judge contacts at an instant, in the same transaction: what was due before comes before. */
    judgeBefore: Effect.fnUntraced(function* (contacts: ReadonlyArray<Contact>, at: number) {
      if (nextAt > at) return
      while (yield* judgeDue(contacts, at)) continue
    }),
    /** Whatever is due for one contact now has happened when it returns; elsewhere her own runner sees to it. */
    settle: Effect.fnUntraced(function* (business: string, contact: string) {
      const isHere = actors.holds(shardOf(contact))
      const until = now()
      for (;;) {
        const rows = yield* sql.unsafe<Contact>(readDueOf, [business, contact, BigInt(until)])
        if (rows.length === 0) return
        yield* isHere ? run(distinct(rows), until) : Effect.sleep(elsewhereIntervalMs)
      }
    })
  }
})
export type SegmentTimers = Effect.Success<ReturnType<typeof make>>
