/**
 * What conditions mean, written to be read, not to be fast: each sentence of the algebra as plainly as it can be said.
 * `Evaluate.ts` and the compiler to MQL are held to it by test.
 *
 * Events later than the instant have not happened. Who has no value in a field passes NOT_EQUAL, NOT_IN and HAS_NONE, and
 * nothing else that compares.
 */
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import { type CivilDate, dayOf } from "../shared/CivilDate.ts"
import type {
  Comparison,
  ComparisonOperator,
  Condition,
  ConditionSets,
  Filter,
  HasBeen,
  Member,
  Plain,
  Recency,
  TextCondition,
  Window
} from "./Condition.ts"
import { type Fact, factAt, placeOf, zoneOf } from "./FactAccess.ts"
import type { FactObject } from "./FactForm.ts"
import type { ContactFacts, EventDocument } from "./Facts.ts"
import { earlier, later } from "./Periods.ts"
import { isOfProfile, notedAs, profileBegin, profileChange } from "./ProfileChanges.ts"
import { fold } from "./TextFold.ts"
import { matcherOf } from "./TextPattern.ts"
import { trackedFields } from "./Tracked.ts"
import { anniversary, yearlyOf } from "./Yearly.ts"

/** Since when the contact is in another segment, at the same instant; `undefined`: she is not. */
export type MemberSince = (segmentId: string) => number | undefined

interface Moment {
  readonly facts: ContactFacts
  readonly at: number
  readonly timeZone: string
  readonly memberSince: MemberSince
}

const isMeasured = (actual: number, operator: ComparisonOperator, wanted: number): boolean => {
  switch (operator) {
    case "GREATER":
      return actual > wanted
    case "GREATER_OR_EQUAL":
      return actual >= wanted
    case "LESS":
      return actual < wanted
    case "LESS_OR_EQUAL":
      return actual <= wanted
    case "EQUAL":
      return actual === wanted
    case "NOT_EQUAL":
      return actual !== wanted
    case "IN":
    case "NOT_IN":
      return false
  }
}

const compares = (actual: Fact, { operator, value }: Comparison): boolean => {
  const isOne = (Array.isArray(value) ? value : [value]).includes(actual)
  if (operator === "EQUAL" || operator === "IN") return isOne
  if (operator === "NOT_EQUAL" || operator === "NOT_IN") return !isOne
  return typeof actual === "number" && typeof value === "number" && isMeasured(actual, operator, value)
}

const exists = (actual: Fact): boolean => actual !== undefined && !(Array.isArray(actual) && actual.length === 0)

const isText = (actual: Fact, { operator, value }: TextCondition): boolean => {
  if (typeof actual !== "string") return false
  const [text, wanted] = [fold(actual), fold(value)]
  switch (operator) {
    case "IS":
      return text === wanted
    case "CONTAINS":
      return text.includes(wanted)
    case "STARTS_WITH":
      return text.startsWith(wanted)
    case "ENDS_WITH":
      return text.endsWith(wanted)
    case "MATCHES":
      return matcherOf(value)(actual)
  }
}

const listOf = (actual: Fact): ReadonlyArray<unknown> => (Array.isArray(actual) ? actual : [])

/** A date without a time is the instant at which it begins. */
const instantOf = (actual: Fact, timeZone: string): number | undefined => {
  if (typeof actual === "number") return actual
  if (typeof actual !== "object" || !("year" in actual)) return undefined
  return startOfDay(dayOf(actual as unknown as CivilDate), timeZone)
}

const isRecent = (instant: number, { operator, span }: Recency, { at, timeZone }: Moment): boolean => {
  switch (operator) {
    case "IN_LAST":
      return instant <= at && at < later(instant, span, timeZone)
    case "LONGER_AGO":
      return later(instant, span, timeZone) <= at
    case "IN_NEXT":
      return earlier(instant, span, timeZone) <= at && at < instant
  }
}

const passes = (actual: Fact, filter: Filter, moment: Moment): boolean => {
  switch (filter.type) {
    case "COMPARISON":
      return compares(actual, filter)
    case "EXISTENCE":
      return exists(actual) === filter.exists
    case "LIST": {
      const list = listOf(actual)
      if (filter.operator === "HAS_ALL") return filter.values.every((value) => list.includes(value))
      return filter.values.some((value) => list.includes(value)) === (filter.operator === "HAS_ANY")
    }
    case "DATE": {
      const instant = instantOf(actual, moment.timeZone)
      return instant !== undefined && instant < filter.at === (filter.operator === "BEFORE")
    }
    case "RECENCY": {
      const instant = instantOf(actual, moment.timeZone)
      return instant !== undefined && isRecent(instant, filter, moment)
    }
    case "TEXT":
      return isText(actual, filter)
    case "ANNIVERSARY": {
      const feast = yearlyOf(actual, moment.timeZone)
      return feast !== undefined && anniversary(filter, feast, dayNumber(moment.at, moment.timeZone)).holds
    }
  }
}

const passesAll = (document: FactObject, filters: ReadonlyArray<Filter> | undefined, moment: Moment): boolean =>
  (filters ?? []).every((filter) => passes(document[filter.field] ?? undefined, filter, moment))

const isInside = (instant: number, window: Window | undefined, { at, timeZone }: Moment): boolean => {
  const { last, from, until } = window ?? {}
  return (
    instant <= at &&
    (last === undefined || at < later(instant, last, timeZone)) &&
    (from === undefined || instant >= from) &&
    (until === undefined || instant < until)
  )
}

type EventCondition = Extract<Plain, { readonly event: string }>

/** The events that a condition is about, oldest first. */
export const eventsOf = ({ event, where, window }: EventCondition, moment: Moment): ReadonlyArray<EventDocument> =>
  moment.facts.events.filter(
    (each) => each.type === event && isInside(each.at, window, moment) && passesAll(each, where, moment)
  )

export const sumOf = (events: ReadonlyArray<EventDocument>, field: string): number => {
  let sum = 0
  for (const { [field]: value } of events) if (typeof value === "number") sum += value
  return sum
}

/** What a field became, event by event: whether it was the wanted value from then on. */
const historyOf = ({ field, value: wanted }: HasBeen, { facts, at }: Moment) => {
  const tracked = trackedFields[field]
  return facts.events.flatMap((event) => {
    const change = tracked?.changes.find((each) => each.event === event.type)
    if (tracked === undefined || change === undefined || event.at > at) return []
    if (change.only !== undefined && event[change.only.property] !== change.only.value) return []
    if (tracked.subject !== undefined && event[tracked.subject] !== wanted) return []
    const became = change.property === undefined ? change.value : event[change.property]
    if (became === undefined || became === null) return []
    const isWanted = Array.isArray(became) ? became.includes(wanted) : became === (tracked.present ?? wanted)
    return [{ at: event.at, isWanted }]
  })
}

/** Of who she is, as it is now: since the last event that may have changed it. */
const sinceChange = ({ field, value, state }: HasBeen, { facts, at }: Moment): number | undefined => {
  const now = factAt(facts.profile, placeOf(field))
  if (now === undefined || (value !== undefined && now !== value)) return undefined
  return facts.events.findLast((event) => {
    if (event.at > at) return false
    const names = event[notedAs(state)]
    return (
      event.type === profileBegin || (event.type === profileChange && (!Array.isArray(names) || names.includes(field)))
    )
  })?.at
}

/** Since when a field has had the value, `undefined` if it has not. */
export const sinceWhen = (condition: HasBeen, moment: Moment): number | undefined => {
  if (isOfProfile(condition.field)) return sinceChange(condition, moment)
  const history = historyOf(condition, moment)
  return history[history.findLastIndex(({ isWanted }) => !isWanted) + 1]?.at
}

const isMember = ({ segment, for: lasting }: Member, { at, timeZone, memberSince }: Moment): boolean => {
  const since = memberSince(segment)
  if (since === undefined || lasting === undefined) return since !== undefined
  const isLongEnough = later(since, lasting.span, timeZone) <= at
  return isLongEnough === (lasting.operator === "AT_LEAST")
}

const plainHolds = (condition: Plain, moment: Moment): boolean => {
  const { facts, at, timeZone } = moment
  switch (condition.type) {
    case "MEMBER":
      return isMember(condition, moment)
    case "COUNT":
      return isMeasured(eventsOf(condition, moment).length, condition.operator, condition.value)
    case "SUM":
      return isMeasured(sumOf(eventsOf(condition, moment), condition.field), condition.operator, condition.value)
    case "LAST":
    case "FIRST": {
      const event = eventsOf(condition, moment).at(condition.type === "LAST" ? -1 : 0)
      return event !== undefined && passesAll(event, condition.is, moment)
    }
    case "HAS_BEEN": {
      const since = sinceWhen(condition, moment)
      return since !== undefined && later(since, condition.span, timeZone) <= at
    }
    case "COMPARISON":
    case "EXISTENCE":
    case "TEXT":
    case "LIST":
    case "DATE":
    case "RECENCY":
    case "ANNIVERSARY":
      return passes(factAt(facts.profile, placeOf(condition.field)), condition, moment)
    case "ANY": {
      const entries = listOf(factAt(facts.profile, placeOf(condition.field)))
      return entries.some((entry) => passesAll(entry as FactObject, condition.where, moment))
    }
  }
}

export const momentOf = (facts: ContactFacts, at: number, memberSince: MemberSince): Moment => ({
  facts,
  at,
  timeZone: zoneOf(facts.profile),
  memberSince
})

export const conditionHolds = (condition: Condition, moment: Moment): boolean =>
  condition.type === "NOT" ? !plainHolds(condition.condition, moment) : plainHolds(condition, moment)

/** Whether the contact is in, at the instant. */
export const isIn = (sets: ConditionSets, facts: ContactFacts, at: number, memberSince: MemberSince): boolean => {
  const moment = momentOf(facts, at, memberSince)
  return sets.some(({ conditions }) => conditions.every((condition) => conditionHolds(condition, moment)))
}
