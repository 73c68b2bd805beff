/**
 * The projection that keeps live segments right: whatever is committed about a contact is judged in the segments that it
 * can concern, and joins, leaves, timers and what the sinks make of them are written with the cursor. So each happens
 * exactly once, whatever is killed when (SEG-3, SEG-4). A definition that was saved is noted for the refresher.
 */
import { aggregates } from "#domain/Domain.ts"
import type { Event } from "#domain/Event.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { SqlError } from "effect/sql/SqlError"
import { shardOf } from "../actor/Placement.ts"
import { members, tagOf } from "../journal/Kinds.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import { eventsOfContacts } from "./EventsOfContacts.ts"
import type { InForce } from "./InForce.ts"
import * as Judging from "./Judging.ts"
import type { Known, LiveFacts, Touched } from "./LiveFacts.ts"
import type { LiveSet } from "./LiveSet.ts"
import * as Membership from "./Membership.ts"
import type { SegmentChangeSink } from "./SegmentChange.ts"
import type { SegmentTimers } from "./SegmentTimers.ts"
import { type Stretch, stretchesOf } from "./Stretches.ts"

export const liveSegmentsName = "live_segments"
/** A crowd of commits shares one pass; nobody waits longer for it. */
const gatherMs = 4
/** Who joins is told within milliseconds, also under load. */
const restMaxMs = 6
/** Where no segment is live in any business that something happens in, there is no hurry. */
const idleGatherMs = 100

const ofDefinitions = members(aggregates.segments.Event.ast).map(tagOf)

const askDefinitions =
  "INSERT INTO segment_state (business, segment, shard, asked, asks, asked_at) " +
  "SELECT business, segment, shard, 'DEFINITION', 1, $2::bigint FROM json_to_recordset($1::json) " +
  "AS r(business uuid, segment uuid, shard smallint) ON CONFLICT (business, segment) DO UPDATE SET " +
  "asked = 'DEFINITION', asks = segment_state.asks + 1, asked_at = excluded.asked_at, retry_at = NULL"
const askAllLive = "UPDATE segment_state SET asked = 'DEFINITION', asks = asks + 1, retry_at = NULL WHERE live"

interface Options {
  readonly inForce: InForce
  readonly facts: LiveFacts
  readonly sinks: ReadonlyArray<SegmentChangeSink>
  /** Told, once it is so, that a definition has changed. */
  readonly wakeRefresher: () => void
  readonly timers: Pick<SegmentTimers, "judgeBefore" | "wake">
}

/** Whatever a database, a store or an actor is missing now, it will have again. */
const waiting = (error: { readonly _tag: string }): SqlError | ProjectionWaits =>
  error instanceof SqlError ? error : new ProjectionWaits({ reason: error._tag })

/** By contact; events at the business's own key are of no contact. */
const touchedIn = (events: ReadonlyArray<Committed>): ReadonlyArray<Touched> => {
  const found = new Map<string, { business: string; contact: string; committed: Array<Committed> }>()
  for (const each of events) {
    const { business, key } = each.row
    if (business === key) continue
    const place = Membership.placeOf(business, key)
    const known = found.get(place)
    if (known === undefined) found.set(place, { business, contact: key, committed: [each] })
    else known.committed.push(each)
  }
  return [...found.values()]
}

/** Segments whose definition has changed. */
const savedIn = (events: ReadonlyArray<Committed>) => {
  const saved = new Map<string, { business: string; segment: string; shard: number }>()
  for (const { event, row } of events) {
    if (!ofDefinitions.includes(event._tag) || !("id" in event) || typeof event.id !== "string") continue
    const { business } = row
    saved.set(Membership.placeOf(business, event.id), { business, segment: event.id, shard: shardOf(business) })
  }
  return [...saved.values()]
}

export const make = ({ inForce, facts, sinks, wakeRefresher, timers }: Options): Projection => {
  const casesOf = (
    known: ReadonlyArray<Known>,
    stretches: ReadonlyArray<Stretch>,
    sets: ReadonlyMap<string, LiveSet>,
    now: number
  ) => {
    const cases: Array<Judging.Case> = []
    for (const [index, each] of known.entries()) {
      const set = sets.get(each.business)
      const stretch = stretches[index]
      if (set === undefined || stretch === undefined) continue
      const concerned = set.concernedBy(each.before, each.facts?.profile, each.types)
      if (concerned.size === 0) continue
      // A stream's time never goes back, a clock may: nobody is judged before what is judged.
      const at = stretch.committed.reduce((latest, { row }) => Math.max(latest, row.at), now)
      // Who was just read is as she is after all that happened to her, not after this.
      const isKnown = each.before !== undefined
      const cause = isKnown || stretch.isOfOneCause ? stretch.cause : undefined
      const event = isKnown || stretch.isWhole ? stretch.event : undefined
      const { because, committed } = stretch
      const upTo = committed.at(-1)?.row.offset
      cases.push({ known: each, set, concerned, at, reason: "EVENT", because, event, cause, upTo })
    }
    return cases
  }

  /** What there is to be told when the pass under way is durable. */
  let nextDueAt = Number.POSITIVE_INFINITY
  let isAsked = false

  /** Judges whoever something happened to, under the locks. */
  const follow = Effect.fnUntraced(function* (
    sql: SqlClient,
    touched: ReadonlyArray<Touched>,
    businesses: ReadonlyArray<string>,
    now: number
  ) {
    const sets = yield* inForce.of(sql, businesses)
    const those = touched.filter(({ business }) => sets.has(business))
    // Nobody looked at what happened to the others, so what is remembered of them is not all.
    for (const { business, contact } of touched) if (!sets.has(business)) facts.forget(business, contact)
    if (those.length === 0) return
    yield* timers.judgeBefore(those, now)
    let left = those.map(stretchesOf)
    while (left.length > 0) {
      const stretches = left.flatMap(([first]) => first ?? [])
      const known = yield* facts.touch(stretches)
      const written = yield* Judging.judge(sql, sinks, facts, casesOf(known, stretches, sets, now))
      nextDueAt = Math.min(nextDueAt, written.nextDueAt)
      left = left.map((each) => each.slice(1)).filter(({ length }) => length > 0)
    }
  })

  const apply = Effect.fnUntraced(function* (sql: SqlClient, events: ReadonlyArray<Committed>) {
    const clock = yield* Clock.Clock
    const now = clock.currentTimeMillisUnsafe()
    const touched = touchedIn(events)
    const saved = savedIn(events)
    const businesses = new Set([...touched, ...saved].map(({ business }) => business))
    // Before any row: whoever takes over a segment has the business to itself, and then takes rows.
    yield* Membership.lockContacts(
      sql,
      businesses,
      touched.map(({ contact }) => shardOf(contact))
    )
    if (touched.length > 0) yield* follow(sql, touched, [...businesses], now)
    if (saved.length === 0) return
    yield* sql.unsafe(askDefinitions, [recordset(saved), BigInt(now)])
    isAsked = true
  })

  return {
    name: liveSegmentsName,
    types: [...eventsOfContacts, ...ofDefinitions] as ReadonlyArray<Event["_tag"]>,
    opensPersonalData: true,
    restMaxMs,
    gatherMs: () => (inForce.isEmpty() ? idleGatherMs : gatherMs),
    /** Nobody leaves for a rebuild: all live segments are computed again, and only what differs is a change. */
    reset: (sql) => Effect.asVoid(sql.unsafe(askAllLive)),
    apply: (sql, events) => Effect.mapError(apply(sql, events), waiting),
    applied: () => {
      if (isAsked) wakeRefresher()
      if (nextDueAt < Number.POSITIVE_INFINITY) timers.wake(nextDueAt)
      isAsked = false
      nextDueAt = Number.POSITIVE_INFINITY
    }
  }
}
