/**
 * Conditions as functions: made once for a definition, asked for every contact and commit. Each says whether it holds and,
 * through `Next`, the first instant at which time alone may change that. What they mean is said by `Reference.ts`. Here
 * are those on one value, and filters on one event or entry.
 */
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import { type CivilDate, dayOf } from "../shared/CivilDate.ts"
import type {
  Anniversary,
  Comparison,
  ComparisonOperator,
  Filter,
  ListCondition,
  Recency,
  TextCondition
} from "./Condition.ts"
import { isTimedFilter } from "./Dependencies.ts"
import type { Fact } from "./FactAccess.ts"
import type { FactObject } from "./FactForm.ts"
import type { ContactFacts } from "./Facts.ts"
import { earlier, later } from "./Periods.ts"
import type { MemberSince } from "./Reference.ts"
import { fold } from "./TextFold.ts"
import { matcherOf } from "./TextPattern.ts"
import { anniversary, yearlyOf } from "./Yearly.ts"

/** Written by whoever is asked: the earliest instant after now at which its answer may be another; `Infinity` if never. */
export interface Next {
  until: number
}

export interface Asked {
  readonly facts: ContactFacts
  readonly at: number
  readonly timeZone: string
  readonly memberSince: MemberSince
  readonly next: Next
}

/** Sets `asked.next.until`, whatever it was before. */
export type Judge = (asked: Asked) => boolean
/** The same of one value. */
export type ValueJudge = (value: Fact, asked: Asked) => boolean
/** The same of the fields of one event or entry. */
export type ObjectJudge = (document: FactObject, asked: Asked) => boolean

/** For good, as far as time goes. */
export const lasting =
  (test: (value: Fact) => boolean): ValueJudge =>
  (value, { next }) => {
    next.until = Infinity
    return test(value)
  }

export const measure = (operator: ComparisonOperator, wanted: number): ((actual: number) => boolean) => {
  switch (operator) {
    case "GREATER":
      return (actual) => actual > wanted
    case "GREATER_OR_EQUAL":
      return (actual) => actual >= wanted
    case "LESS":
      return (actual) => actual < wanted
    case "LESS_OR_EQUAL":
      return (actual) => actual <= wanted
    case "EQUAL":
      return (actual) => actual === wanted
    case "NOT_EQUAL":
      return (actual) => actual !== wanted
    case "IN":
    case "NOT_IN":
      return () => false
  }
}

const comparison = ({ operator, value }: Comparison): ((actual: Fact) => boolean) => {
  const wanted = new Set<Fact>(Array.isArray(value) ? value : [value])
  if (operator === "EQUAL" || operator === "IN") return (actual) => wanted.has(actual)
  if (operator === "NOT_EQUAL" || operator === "NOT_IN") return (actual) => !wanted.has(actual)
  if (typeof value !== "number") return () => false
  const isMeasured = measure(operator, value)
  return (actual) => typeof actual === "number" && isMeasured(actual)
}

const list = ({ operator, values }: ListCondition): ((actual: Fact) => boolean) => {
  const wanted = new Set<unknown>(values)
  if (operator === "HAS_ALL") {
    return (actual) => Array.isArray(actual) && wanted.isSubsetOf(new Set<unknown>(actual))
  }
  const isWanted = operator === "HAS_ANY"
  return (actual) => (Array.isArray(actual) && actual.some((value) => wanted.has(value))) === isWanted
}

const instantOf = (value: Fact, timeZone: string): number | undefined => {
  if (typeof value === "number") return value
  if (typeof value !== "object" || !("year" in value)) return undefined
  return startOfDay(dayOf(value as unknown as CivilDate), timeZone)
}

/** False from `-Infinity`, true from `from`, false again from `to`. */
const during = (from: number, to: number, { at, next }: Asked): boolean => {
  next.until = at < from ? from : at < to ? to : Infinity
  return from <= at && at < to
}

const recency = ({ operator, span }: Recency): ValueJudge => {
  return (value, asked) => {
    const instant = instantOf(value, asked.timeZone)
    if (instant === undefined) {
      asked.next.until = Infinity
      return false
    }
    switch (operator) {
      case "IN_LAST":
        return during(instant, later(instant, span, asked.timeZone), asked)
      case "LONGER_AGO":
        return during(later(instant, span, asked.timeZone), Infinity, asked)
      case "IN_NEXT":
        return during(earlier(instant, span, asked.timeZone), instant, asked)
    }
  }
}

/** Of a text that is folded, but for MATCHES. */
export const textTest = ({ operator, value }: TextCondition): ((text: string) => boolean) => {
  const wanted = fold(value)
  switch (operator) {
    case "IS":
      return (text) => text === wanted
    case "CONTAINS":
      return (text) => text.includes(wanted)
    case "STARTS_WITH":
      return (text) => text.startsWith(wanted)
    case "ENDS_WITH":
      return (text) => text.endsWith(wanted)
    case "MATCHES":
      return matcherOf(value)
  }
}

const text = (condition: TextCondition): ((actual: Fact) => boolean) => {
  const test = textTest(condition)
  return condition.operator === "MATCHES"
    ? (actual) => typeof actual === "string" && test(actual)
    : (actual) => typeof actual === "string" && test(fold(actual))
}

const kept =
  (condition: Anniversary): ValueJudge =>
  (value, { at, timeZone, next }) => {
    next.until = Infinity
    const feast = yearlyOf(value, timeZone)
    if (feast === undefined) return false
    const { holds, until } = anniversary(condition, feast, dayNumber(at, timeZone))
    if (until !== undefined) next.until = startOfDay(until, timeZone)
    return holds
  }

export const valueJudge = (filter: Filter): ValueJudge => {
  switch (filter.type) {
    case "COMPARISON":
      return lasting(comparison(filter))
    case "EXISTENCE":
      return lasting(
        (value) => (value !== undefined && !(Array.isArray(value) && value.length === 0)) === filter.exists
      )
    case "LIST":
      return lasting(list(filter))
    case "DATE": {
      const { at: bound, operator } = filter
      return (value, { timeZone, next }) => {
        next.until = Infinity
        const instant = instantOf(value, timeZone)
        return instant !== undefined && instant < bound === (operator === "BEFORE")
      }
    }
    case "RECENCY":
      return recency(filter)
    case "TEXT":
      return lasting(text(filter))
    case "ANNIVERSARY":
      return kept(filter)
  }
}

/** All filters on one object; those that time cannot change are asked first. */
export const allOf = (filters: ReadonlyArray<Filter> | undefined): ObjectJudge => {
  const judges = (filters ?? [])
    .toSorted((left, right) => Number(isTimedFilter(left)) - Number(isTimedFilter(right)))
    .map((filter) => ({ field: filter.field, judge: valueJudge(filter) }))
  return (document, asked) => {
    const { next } = asked
    let until = Infinity
    for (const { field, judge } of judges) {
      // It stays out for as long as this one does: `next` says how long.
      if (!judge(document[field] ?? undefined, asked)) return false
      until = Math.min(until, next.until)
    }
    next.until = until
    return true
  }
}
