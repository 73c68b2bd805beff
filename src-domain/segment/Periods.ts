/**
 * Time as conditions count it. Minutes, hours and days are lengths; months and years go by the calendar of the contact's
 * zone and keep the time of day, counted from where the date began. Here is also the other way round: given now, from when
 * to when an instant has to lie, for a store that knows no calendar.
 */
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import { plusMonths } from "../shared/CivilDate.ts"
import type { Recency, Span } from "./Condition.ts"

const lengths = { MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 } as const

const monthsOf = ({ amount, unit }: Span): number | undefined =>
  unit === "MONTHS" ? amount : unit === "YEARS" ? 12 * amount : undefined

const lengthOf = ({ amount, unit }: Span): number =>
  unit === "MONTHS" || unit === "YEARS" ? 0 : amount * lengths[unit]

/** Days of which it is remembered how far their months reach, for each zone. */
const rememberedMax = 4_096
const reaches = new Map<string, Map<number, number>>()

/** From the beginning of a date to that of the same one so many months on. */
const reachOf = (day: number, months: number, timeZone: string): number => {
  let known = reaches.get(timeZone)
  if (known === undefined) {
    known = new Map()
    reaches.set(timeZone, known)
  }
  const name = day * 8_192 + months
  let reach = known.get(name)
  if (reach === undefined) {
    if (known.size >= rememberedMax) known.clear()
    reach = startOfDay(plusMonths(day, months), timeZone) - startOfDay(day, timeZone)
    known.set(name, reach)
  }
  return reach
}

const shifted = (at: number, months: number, timeZone: string): number =>
  at + reachOf(dayNumber(at, timeZone), months, timeZone)

export const later = (at: number, span: Span, timeZone: string): number => {
  const months = monthsOf(span)
  return months === undefined ? at + lengthOf(span) : shifted(at, months, timeZone)
}

export const earlier = (at: number, span: Span, timeZone: string): number => {
  const months = monthsOf(span)
  return months === undefined ? at - lengthOf(span) : shifted(at, -months, timeZone)
}

/** From `from`, inclusive, to `to`, exclusive: an interval of instants, or of days. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** No date is more than a day or two longer than its time of day can say: so many before today are looked at one by one. */
const uncertainDays = 2

/** The instants that lie, so many months on, after `at`: all from some day on, and of earlier days the end. */
const laterThan = (at: number, months: number, timeZone: string): ReadonlyArray<Interval> => {
  const today = dayNumber(at, timeZone)
  const about = plusMonths(today, -months)
  const found: Array<Interval> = []
  for (let day = about - 6; ; day++) {
    const target = plusMonths(day, months)
    const from = startOfDay(day, timeZone)
    if (target > today + uncertainDays) return [...found, { from, to: Infinity }]
    if (target < today - uncertainDays) continue
    const first = Math.max(from, from + at - startOfDay(target, timeZone) + 1)
    const to = startOfDay(day + 1, timeZone)
    if (first < to) found.push({ from: first, to })
  }
}

const within = ({ from, to }: Interval, bounds: Interval): ReadonlyArray<Interval> => {
  const both = { from: Math.max(from, bounds.from), to: Math.min(to, bounds.to) }
  return both.from < both.to ? [both] : []
}

/** All that is in none of them; they stand in order and do not overlap. */
const outside = (intervals: ReadonlyArray<Interval>): ReadonlyArray<Interval> => {
  const left: Array<Interval> = []
  let from = -Infinity
  for (const interval of intervals) {
    if (from < interval.from) left.push({ from, to: interval.from })
    from = interval.to
  }
  return from < Infinity ? [...left, { from, to: Infinity }] : left
}

/** Where an instant has to lie, now being `at`. */
export const instantsOf = (
  operator: Recency["operator"],
  span: Span,
  at: number,
  timeZone: string
): ReadonlyArray<Interval> => {
  const months = monthsOf(span)
  const length = lengthOf(span)
  const past = { from: -Infinity, to: at + 1 }
  const future = { from: at + 1, to: Infinity }
  if (operator === "IN_NEXT") {
    if (months === undefined) return [{ from: at + 1, to: at + length + 1 }]
    return outside(laterThan(at, -months, timeZone)).flatMap((interval) => within(interval, future))
  }
  const after = months === undefined ? [{ from: at - length + 1, to: Infinity }] : laterThan(at, months, timeZone)
  if (operator === "LONGER_AGO") return outside(after)
  return after.flatMap((interval) => within(interval, past))
}

/** The first day that begins at the instant or later. */
const firstDay = (at: number, timeZone: string): number => {
  if (!Number.isFinite(at)) return at
  const day = dayNumber(at, timeZone)
  return startOfDay(day, timeZone) >= at ? day : day + 1
}

/** The days whose beginning lies in the interval. */
export const daysOf = ({ from, to }: Interval, timeZone: string): Interval => ({
  from: firstDay(from, timeZone),
  to: firstDay(to, timeZone)
})
