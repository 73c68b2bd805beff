/**
 * Sets of conditions as one function of the facts and an instant: whether the contact is in, and how long that is sure to
 * stay so while nothing happens (SEG-3). Whoever keeps memberships sets a timer for then and asks again.
 */
import type { ConditionSet, ConditionSets } from "./Condition.ts"
import { dependsOn } from "./Dependencies.ts"
import { zoneOf } from "./FactAccess.ts"
import type { ContactFacts } from "./Facts.ts"
import type { Asked, Judge } from "./FilterJudges.ts"
import { judgeOf } from "./Judges.ts"
import type { MemberSince } from "./Reference.ts"

export interface Verdict {
  readonly holds: boolean
  /** The first instant after the one asked about at which it may be otherwise without any event; `undefined` if never. */
  readonly until: number | undefined
}

export type Predicate = (facts: ContactFacts, at: number, memberSince: MemberSince) => Verdict

const costOf = ({ conditions: [condition] }: ConditionSet): number => {
  if (condition === undefined) return 0
  const { time, events } = dependsOn([{ conditions: [condition] }])
  return (time ? 2 : 0) + (events.size > 0 ? 1 : 0)
}

/** What is quickly known and does not change with time comes first: when it is false, nothing else matters. */
const judgesOf = ({ conditions }: ConditionSet): ReadonlyArray<Judge> =>
  conditions
    .map((condition) => ({ condition, cost: costOf({ conditions: [condition] }) }))
    .toSorted((left, right) => left.cost - right.cost)
    .map(({ condition }) => judgeOf(condition))

/** In all of them; `next` says until when. */
const every = (judges: ReadonlyArray<Judge>, asked: Asked): boolean => {
  const { next } = asked
  let until = Infinity
  for (const judge of judges) {
    if (!judge(asked)) return false
    until = Math.min(until, next.until)
  }
  next.until = until
  return true
}

export const compile = (sets: ConditionSets): Predicate => {
  const judgesOfSets = sets.map(judgesOf)
  return (facts, at, memberSince) => {
    const next = { until: Infinity }
    const asked = { facts, at, timeZone: zoneOf(facts.profile), memberSince, next }
    let until = Infinity
    for (const judges of judgesOfSets) {
      if (every(judges, asked)) return { holds: true, until: Number.isFinite(next.until) ? next.until : undefined }
      until = Math.min(until, next.until)
    }
    return { holds: false, until: Number.isFinite(until) ? until : undefined }
  }
}
