/**
 * When a plan is due. Times are those of a wall clock in a zone: one that the clocks skip comes at the first instant after
 * the gap, one that comes twice is the first of the two. An occurrence has a key, the same however often it is worked out,
 * and one run (AUT-12).
 */
import { absurd } from "../shared/Aggregate.ts"
import { dayNumber, localTime } from "../shared/CalendarDate.ts"
import { civilOf, dayOf, daysInMonth } from "../shared/CivilDate.ts"
import type { LocalSchedule, PlanSchedule } from "./Plan.ts"

const minuteMs = 60_000
const dayMs = 86_400_000
const daysOfWeek = 7

export interface Occurrence {
  /** Names the run. */
  readonly key: string
  /** When it is due, epoch milliseconds. */
  readonly at: number
}

/** Whether it comes on a day in the life of each contact, by the clocks of her zone. */
export const isLocal = (schedule: PlanSchedule): schedule is LocalSchedule =>
  schedule.type === "BIRTHDAY" || schedule.type === "NAME_DAY"

/** Of a day in the lives of contacts: all who live in a zone, on one local day. */
export interface LocalDay extends Occurrence {
  /** Days since 1970-01-01. */
  readonly day: number
  readonly timeZone: string
}

const minutesOf = (time: string): number => {
  const [hours, minutes] = time.split(":")
  return Number(hours) * 60 + Number(minutes)
}

/** Milliseconds to add to UTC at an instant. */
const offsetAt = (at: number, timeZone: string): number =>
  dayNumber(at, timeZone) * dayMs + localTime(at, timeZone).minutes * minuteMs - Math.floor(at / minuteMs) * minuteMs

/** The instant at which the clocks of a zone show a time on a day. */
export const instantOf = (day: number, minutes: number, timeZone: string): number => {
  const local = day * dayMs + minutes * minuteMs
  const before = offsetAt(local - dayMs, timeZone)
  const after = offsetAt(local + dayMs, timeZone)
  const early = local - Math.max(before, after)
  const late = local - Math.min(before, after)
  // Shown twice, the earlier; shown once, whichever of the two shows it.
  if (offsetAt(early, timeZone) === local - early) return early
  if (offsetAt(late, timeZone) === local - late) return late
  let [low, high] = [early, late]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle, timeZone) === offsetAt(early, timeZone)) low = middle
    else high = middle
  }
  return high
}

const twoDigits = (value: number): string => String(value).padStart(2, "0")

export const dateKey = (day: number): string => {
  const { year, month, day: ofMonth } = civilOf(day)
  return `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(ofMonth)}`
}

/** 1970-01-01 was a Thursday; 1 is Sunday. */
const weekdayOf = (day: number): number => ((((day + 4) % daysOfWeek) + daysOfWeek) % daysOfWeek) + 1

/** The days on which it comes, among those around `day`; the latest first. */
const candidates = (schedule: Exclude<PlanSchedule, { readonly type: "ONCE" }>, day: number): ReadonlyArray<number> => {
  switch (schedule.type) {
    case "BIRTHDAY":
    case "NAME_DAY":
    case "DAILY":
      return [day + 1, day, day - 1]
    case "WEEKLY": {
      const around = Array.from({ length: 2 * daysOfWeek + 1 }, (_, index) => day + daysOfWeek - index)
      return around.filter((each) => schedule.days.includes(weekdayOf(each)))
    }
    case "MONTHLY": {
      const { year, month } = civilOf(day)
      return [1, 0, -1].map((step) => {
        const { year: of, month: inMonth } = civilOf(dayOf({ year, month: month + step, day: 1 }))
        return dayOf({ year: of, month: inMonth, day: Math.min(schedule.day, daysInMonth(of, inMonth)) })
      })
    }
    default:
      return absurd(schedule)
  }
}

const comesRound = (
  schedule: Exclude<PlanSchedule, { readonly type: "ONCE" }>,
  timeZone: string,
  now: number
): ReadonlyArray<LocalDay> =>
  candidates(schedule, dayNumber(now, timeZone)).map((day) => ({
    key: dateKey(day),
    at: instantOf(day, minutesOf(schedule.time), timeZone),
    day,
    timeZone
  }))

/** The last time that it was due, now at the latest. Of a day in the lives of contacts `localOccurrence` tells. */
export const latestOccurrence = (
  schedule: Exclude<PlanSchedule, LocalSchedule>,
  now: number
): Occurrence | undefined => {
  if (schedule.type === "ONCE") {
    const { at } = schedule
    return at <= now ? { key: `once ${at}`, at } : undefined
  }
  return comesRound(schedule, schedule.timeZone, now).find(({ at }) => at <= now)
}

/** The last time that it was due for those who live in a zone. */
export const localOccurrence = (schedule: LocalSchedule, timeZone: string, now: number): LocalDay | undefined => {
  const latest = comesRound(schedule, timeZone, now).find(({ at }) => at <= now)
  return latest && { ...latest, key: `${latest.key} ${timeZone}` }
}

/** When it is due next, in a zone for days of contacts; `undefined` when it never is again. */
export const nextOccurrence = (schedule: PlanSchedule, timeZone: string, after: number): number | undefined => {
  if (schedule.type === "ONCE") return schedule.at > after ? schedule.at : undefined
  const zone = "timeZone" in schedule ? schedule.timeZone : timeZone
  return comesRound(schedule, zone, after).findLast(({ at }) => at > after)?.at
}
