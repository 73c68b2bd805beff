/**
 * Filters on one value as expressions of MQL. The store knows no calendar of ours: whatever depends on a zone is reckoned
 * here, for each zone, and handed over as instants and numbers.
 */
import type { FieldType } from "#domain/segment/Catalogue.ts"
import type { Anniversary, Comparison, Filter, ListCondition, TextCondition } from "#domain/segment/Condition.ts"
import { daysOf, instantsOf, type Interval } from "#domain/segment/Periods.ts"
import { fold, isPlain } from "#domain/segment/TextFold.ts"
import { portablePattern } from "#domain/segment/TextPattern.ts"
import { feastsOf, instantsOn, monthDaysOf } from "#domain/segment/Yearly.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"

export type Mql = { readonly [operator: string]: unknown }

/** A place in a document, "$wallet.balance" or "$$event.total". */
export type Place = string

/** Whatever the text, it is never read as a field. */
export const literal = (value: unknown): unknown =>
  typeof value === "number" || typeof value === "boolean" ? value : { $literal: value }

const always: Mql = { $and: [] }
const never: Mql = { $or: [] }

export const both = (all: ReadonlyArray<Mql>): Mql => {
  const [only] = all
  if (only === undefined) return always
  return all.length === 1 ? only : { $and: all }
}
export const either = (any: ReadonlyArray<Mql>): Mql => {
  const [only] = any
  if (only === undefined) return never
  return any.length === 1 ? only : { $or: any }
}

const operators = {
  EQUAL: "$eq",
  GREATER: "$gt",
  GREATER_OR_EQUAL: "$gte",
  LESS: "$lt",
  LESS_OR_EQUAL: "$lte"
} as const

const negated = (expression: Mql): Mql => ({ $not: [expression] })

/** Of two numbers that are surely there. */
export const measured = (
  actual: unknown,
  operator: Exclude<Comparison["operator"], "IN" | "NOT_IN">,
  value: number
): Mql => (operator === "NOT_EQUAL" ? { $ne: [actual, value] } : { [operators[operator]]: [actual, value] })

const comparison = (place: Place, { operator, value }: Comparison): Mql => {
  switch (operator) {
    case "EQUAL":
      return { $eq: [place, literal(value)] }
    case "NOT_EQUAL":
      return { $ne: [place, literal(value)] }
    case "IN":
      return { $in: [place, literal(value)] }
    case "NOT_IN":
      return negated({ $in: [place, literal(value)] })
    case "GREATER":
    case "GREATER_OR_EQUAL":
    case "LESS":
    case "LESS_OR_EQUAL":
      // Of values of different types any order is true in MQL.
      return both([{ $isNumber: place }, { [operators[operator]]: [place, literal(value)] }])
  }
}

/** Missing and null are one. */
const valueOf = (place: Place): Mql => ({ $ifNull: [place, null] })
const listOf = (place: Place): Mql => ({ $ifNull: [place, []] })

const existence = (place: Place, isList: boolean): Mql =>
  isList ? { $gt: [{ $size: listOf(place) }, 0] } : { $ne: [valueOf(place), null] }

const list = (place: Place, { operator, values }: ListCondition): Mql => {
  if (operator === "HAS_ALL") return { $setIsSubset: [literal(values), listOf(place)] }
  const shared = { $size: { $setIntersection: [listOf(place), literal(values)] } }
  return operator === "HAS_ANY" ? { $gt: [shared, 0] } : { $eq: [shared, 0] }
}

/** Of so many intervals each is looked at. */
const fewIntervals = 4

/** A number within any of the intervals, which stand in order: of many, half of them are left out at each step. */
export const inIntervals = (value: unknown, intervals: ReadonlyArray<Interval>): Mql => {
  const half = Math.floor(intervals.length / 2)
  const middle = intervals[half]
  if (intervals.length > fewIntervals && middle !== undefined) {
    return either([
      both([{ $lt: [value, middle.from] }, inIntervals(value, intervals.slice(0, half))]),
      both([{ $gte: [value, middle.from] }, inIntervals(value, intervals.slice(half))])
    ])
  }
  return either(
    intervals.map(({ from, to }) =>
      both([
        ...(from === -Infinity ? [] : [{ $gte: [value, from] }]),
        ...(to === Infinity ? [] : [{ $lt: [value, to] }])
      ])
    )
  )
}

/** Where a field is, and what of its type decides how it is asked. */
export interface Field {
  readonly place: Place
  /** Where its text stands folded, if more than its case goes. */
  readonly folded: Place
  readonly type: FieldType | undefined
}

/** A text as a pattern that means the text itself. */
const quoted = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)

/** Found in the folded text, but for MATCHES. */
export const patternOf = ({ operator, value }: TextCondition): string => {
  const text = quoted(fold(value))
  switch (operator) {
    case "IS":
      return String.raw`^${text}\z`
    case "CONTAINS":
      return text
    case "STARTS_WITH":
      return `^${text}`
    case "ENDS_WITH":
      return String.raw`${text}\z`
    case "MATCHES":
      return portablePattern(value)
  }
}

const matches = (input: Place, pattern: string): Mql => ({ $regexMatch: { input, regex: literal(pattern) } })

/** A pattern is held against what stands there and nothing that is made of it: engines differ in what they make of that. */
const textMql = ({ place, folded }: Field, condition: TextCondition): Mql => {
  const pattern = patternOf(condition)
  if (condition.operator === "MATCHES") return matches(place, pattern)
  const asFolded = matches(folded, pattern)
  // A text that does not stand folded is of ASCII alone: nothing else is found in it, and all that it has of a fold is case.
  if (!isPlain(pattern)) return asFolded
  return either([asFolded, both([{ $eq: [valueOf(folded), null] }, matches(place, `(?i)${pattern}`)])])
}

const anniversaryMql = ({ place, type }: Field, condition: Anniversary, at: number, timeZone: string): Mql => {
  const today = dayNumber(at, timeZone)
  const monthDays = monthDaysOf(condition, today)
  if (type === "INSTANT") return both([{ $isNumber: place }, inIntervals(place, instantsOn(monthDays, timeZone))])
  const monthDay = { $add: [{ $multiply: [`${place}.month`, 100] }, `${place}.day`] }
  const onDate = both([{ $isNumber: `${place}.month` }, { $in: [monthDay, literal(monthDays)] }])
  if (type !== "NAME_DAY") return onDate
  return either([onDate, { $in: [valueOf(`${place}.feast`), literal(feastsOf(condition, today))] }])
}

/** Days of the calendar in order, as one number. */
const orderedDay = (place: Place): Mql => ({
  $add: [{ $multiply: [`${place}.year`, 10_000] }, { $multiply: [`${place}.month`, 100] }, `${place}.day`]
})

export type OrderOf = (day: number) => number

/** An instant, or the beginning of a date, within any of the intervals. */
const within = (
  { place, type }: Field,
  intervals: ReadonlyArray<Interval>,
  timeZone: string,
  orderOf: OrderOf
): Mql => {
  if (type !== "DATE") return both([{ $isNumber: place }, inIntervals(place, intervals)])
  const days = intervals
    .map((interval) => daysOf(interval, timeZone))
    .filter(({ from, to }) => from < to)
    .map(({ from, to }) => ({ from: orderOf(from), to: orderOf(to) }))
  return both([{ $isNumber: `${place}.year` }, inIntervals(orderedDay(place), days)])
}

/** Where an instant has to lie for a DATE or RECENCY to hold. */
export const intervalsOf = (
  filter: Extract<Filter, { readonly type: "DATE" | "RECENCY" }>,
  at: number,
  timeZone: string
): ReadonlyArray<Interval> => {
  if (filter.type === "RECENCY") return instantsOf(filter.operator, filter.span, at, timeZone)
  return filter.operator === "BEFORE" ? [{ from: -Infinity, to: filter.at }] : [{ from: filter.at, to: Infinity }]
}

export const filterMql = (field: Field, filter: Filter, at: number, timeZone: string, orderOf: OrderOf): Mql => {
  const { place } = field
  switch (filter.type) {
    case "COMPARISON":
      return comparison(place, filter)
    case "EXISTENCE": {
      const there = existence(place, field.type === "LIST" || field.type === "ENTRIES")
      return filter.exists ? there : negated(there)
    }
    case "LIST":
      return list(place, filter)
    case "DATE":
    case "RECENCY":
      return within(field, intervalsOf(filter, at, timeZone), timeZone, orderOf)
    case "TEXT":
      return textMql(field, filter)
    case "ANNIVERSARY":
      return anniversaryMql(field, filter, at, timeZone)
  }
}
