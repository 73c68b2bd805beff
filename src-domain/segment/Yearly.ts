/**
 * Days that come round each year, as conditions ask for them: those of dates, of instants, and name days, of which some move
 * with Easter (NAM-1). 29 February is kept on the 28th where there is none. Here is also the other way round: given today,
 * which days of the year are asked for, for a store that knows no calendar.
 */
import { feastIn, isMoving, movingFeasts } from "../contact/NameDays.ts"
import type { Feast } from "../contact/NameDayTable.ts"
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import { civilOf, dayOf, daysInMonth, isLeap, plusMonths } from "../shared/CivilDate.ts"
import type { Anniversary } from "./Condition.ts"
import type { Interval } from "./Periods.ts"

/** The years of which instants are kept: a store that knows no calendar is told each of them. */
const keptYears = { from: 1970, to: 2100 }

/** What is kept each year of a date, of an instant where the clock is the zone's, or of a name day. */
export const yearlyOf = (value: unknown, timeZone: string): Feast | undefined => {
  if (typeof value === "number") {
    const { year, month, day } = civilOf(dayNumber(value, timeZone))
    return year >= keptYears.from && year < keptYears.to ? [month, day] : undefined
  }
  if (typeof value !== "object" || value === null) return undefined
  const { month, day, feast } = value as { readonly month?: number; readonly day?: number; readonly feast?: string }
  if (feast !== undefined) return movingFeasts.get(feast)
  return month === undefined || day === undefined ? undefined : [month, day]
}

/** The next day on which it is kept, today or later. */
export const nextKept = (feast: Feast, today: number): number => {
  const { year } = civilOf(today)
  const thisYear = feastIn(feast, year)
  return thisYear >= today ? thisYear : feastIn(feast, year + 1)
}

export interface Kept {
  readonly holds: boolean
  /** The first day on which it may be otherwise; `undefined` if never. */
  readonly until: number | undefined
}

/** What moves may be in another month next year. */
const keptInMonth = (feast: Feast, month: number, today: number): Kept => {
  const { year } = civilOf(today)
  const holds = civilOf(feastIn(feast, year)).month === month
  return { holds, until: isMoving(feast) ? dayOf({ year: year + 1, month: 1, day: 1 }) : undefined }
}

const keptThisMonth = (feast: Feast, today: number): Kept => {
  const { year, month } = civilOf(today)
  const kept = civilOf(feastIn(feast, year)).month
  if (kept === month) return { holds: true, until: plusMonths(dayOf({ year, month, day: 1 }), 1) }
  const next = kept > month ? { year, month: kept } : civilOf(feastIn(feast, year + 1))
  return { holds: false, until: dayOf({ year: next.year, month: next.month, day: 1 }) }
}

/** Whether an anniversary is as asked for on a date. */
export const anniversary = ({ operator, value = 0 }: Anniversary, feast: Feast, today: number): Kept => {
  if (operator === "IN_MONTH") return keptInMonth(feast, value, today)
  if (operator === "THIS_MONTH") return keptThisMonth(feast, today)
  const days = operator === "TODAY" ? 0 : value
  const next = nextKept(feast, today)
  return next - today <= days ? { holds: true, until: next + 1 } : { holds: false, until: next - days }
}

/** The feasts that move, by their names, of which an anniversary is as asked for on a date. */
export const feastsOf = (condition: Anniversary, today: number): ReadonlyArray<string> =>
  Array.from(movingFeasts).flatMap(([name, feast]) => (anniversary(condition, feast, today).holds ? [name] : []))

/** Of the longest month. */
const daysMax = 31

/** The month-days, as month * 100 + day, of which an anniversary is kept from today on for so many days. */
const monthDaysFrom = (today: number, days: number): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (let day = today; day <= today + days; day++) {
    const { year, month, day: dayOfMonth } = civilOf(day)
    found.add(month * 100 + dayOfMonth)
    if (month === 2 && dayOfMonth === 28 && !isLeap(year)) found.add(229)
  }
  return [...found]
}

/** The month-days, as month * 100 + day, with which an anniversary is as asked for on a date. */
export const monthDaysOf = ({ operator, value = 0 }: Anniversary, today: number): ReadonlyArray<number> => {
  if (operator === "TODAY" || operator === "IN_NEXT_DAYS") return monthDaysFrom(today, operator === "TODAY" ? 0 : value)
  const month = operator === "IN_MONTH" ? value : civilOf(today).month
  return Array.from({ length: daysMax }, (_, index) => month * 100 + index + 1)
}

/** The instants on days of the year, as `monthDaysOf` has them, where the clock is the zone's; in order. */
export const instantsOn = (monthDays: ReadonlyArray<number>, timeZone: string): ReadonlyArray<Interval> => {
  const found: Array<Interval> = []
  const ordered = monthDays.toSorted((left, right) => left - right)
  for (let year = keptYears.from; year < keptYears.to; year++) {
    for (const monthDay of ordered) {
      const [month, day] = [Math.floor(monthDay / 100), monthDay % 100]
      if (day > daysInMonth(year, month)) continue
      const from = dayOf({ year, month, day })
      const before = found.at(-1)
      if (before?.to === from) found[found.length - 1] = { from: before.from, to: from + 1 }
      else found.push({ from, to: from + 1 })
    }
  }
  return found.map(({ from, to }) => ({ from: startOfDay(from, timeZone), to: startOfDay(to, timeZone) }))
}
