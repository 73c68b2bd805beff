/**
 * Judges contacts in the live segments of their business and writes what follows: standings, changes, timers. The one way
 * in which an event, an instant, an import or another segment changes a live membership; to be run under the locks of the
 * contacts, in the transaction that makes it so.
 */
import type { Cause } from "#domain/shared/Cause.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Known, LiveFacts } from "./LiveFacts.ts"
import type { LiveSegment, LiveSet } from "./LiveSet.ts"
import * as Membership from "./Membership.ts"
import type { ChangeReason, SegmentChangeSink } from "./SegmentChange.ts"

/** One contact to be judged, and what for. */
export interface Case {
  readonly known: Known
  readonly set: LiveSet
  readonly concerned: ReadonlySet<LiveSegment>
  readonly at: number
  readonly reason: ChangeReason
  readonly because?: string | undefined
  readonly event?: string | undefined
  readonly cause?: Cause | undefined
  /** The offset of the last event that it is judged by. */
  readonly upTo?: number | undefined
}

const nobody: ReadonlyMap<string, Membership.Standing> = new Map()

const movesOf = (
  { known: { business, contact }, at, reason, because, event, cause, upTo }: Case,
  outcomes: ReturnType<LiveSet["judge"]>["outcomes"]
): ReadonlyArray<Membership.Move> =>
  outcomes.map(({ segment, before, after, through }) => ({
    business,
    contact,
    segment,
    before,
    after,
    at,
    event,
    cause,
    upTo,
    reason: through === undefined ? reason : "SEGMENT",
    because: through ?? because
  }))

const standingsIn = (facts: LiveFacts, { business, contact }: Known, { stamp }: LiveSet) =>
  facts.standingsOf(business, contact, stamp)

const standingsAfter = (
  before: ReadonlyMap<string, Membership.Standing>,
  outcomes: ReturnType<LiveSet["judge"]>["outcomes"]
): ReadonlyMap<string, Membership.Standing> => {
  if (outcomes.length === 0) return before
  const standings = new Map(before)
  for (const { segment, after } of outcomes) {
    if (Membership.isIn(after)) standings.set(segment, after)
    else standings.delete(segment)
  }
  return standings
}

export interface Written {
  /** How many joined or left. */
  readonly changes: number
  /** The earliest instant that was written, if any was. */
  readonly nextDueAt: number
}

export const judge = Effect.fnUntraced(function* (
  sql: SqlClient,
  sinks: ReadonlyArray<SegmentChangeSink>,
  facts: LiveFacts,
  cases: ReadonlyArray<Case>
) {
  if (cases.length === 0) return { changes: 0, nextDueAt: Number.POSITIVE_INFINITY } satisfies Written
  const unread = cases.filter(({ known, set }) => standingsIn(facts, known, set) === undefined)
  const read =
    unread.length === 0
      ? undefined
      : yield* Membership.standingsOf(
          sql,
          unread.map(({ known: { business, contact } }) => ({ business, contact }))
        )
  const moves: Array<Membership.Move> = []
  const dues: Array<Membership.Due> = []
  for (const each of cases) {
    const { known, set, concerned, at } = each
    const { business, contact } = known
    const found = standingsIn(facts, known, set) ?? read?.get(Membership.placeOf(business, contact)) ?? nobody
    const judged = set.judge(known.facts, at, concerned, found)
    facts.keepStandings(business, contact, set.stamp, standingsAfter(found, judged.outcomes))
    moves.push(...movesOf(each, judged.outcomes))
    for (const due of facts.newDues(business, contact, set.stamp, judged.dues)) dues.push({ business, contact, ...due })
  }
  const changes = yield* Membership.write(sql, sinks, moves, dues)
  const nextDueAt = dues.reduce((next, { dueAt }) => Math.min(next, dueAt), Number.POSITIVE_INFINITY)
  return { changes, nextDueAt } satisfies Written
})
