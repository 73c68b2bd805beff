import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { dayNumber, isTimeZone, localTime, monthKey, startOfDay } from "#domain/shared/CalendarDate.ts"

const dayMs = 86_400_000
const utc = (...parts: Parameters<typeof Date.UTC>): number => Date.UTC(...parts)
const day = (year: number, month: number, date: number): number => utc(year, month - 1, date) / dayMs

const nicosia = "Europe/Nicosia"
/** Zones that keep the arithmetic honest: midnight gaps, midnight twice, half hours, a day that never was, no change. */
const zones = [
  nicosia,
  "America/Havana",
  "America/Sao_Paulo",
  "Pacific/Apia",
  "Australia/Lord_Howe",
  "Africa/Casablanca",
  "Asia/Kathmandu",
  "Pacific/Kiritimati",
  "Etc/GMT+12",
  "UTC"
]

const Instant = Schema.Int.check(Schema.isBetween({ minimum: utc(1972, 1, 1), maximum: utc(2037, 1, 1) }))
const Zone = Schema.Literals(zones)

/** What the calendar of the runtime says, the slow way. */
const partsOf = (at: number, timeZone: string): Record<string, string> => {
  const options = { timeZone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit" } as const
  const format = new Intl.DateTimeFormat("en-US", { ...options, weekday: "short", hour: "2-digit", minute: "2-digit" })
  return Object.fromEntries(format.formatToParts(at).map((part) => [part.type, part.value]))
}
const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

describe("a local date", () => {
  it("turns at local midnight, not at that of UTC (P16)", () => {
    assert.strictEqual(dayNumber(utc(2026, 10, 22, 21, 59), nicosia), day(2026, 11, 22))
    assert.strictEqual(dayNumber(utc(2026, 10, 22, 22, 0), nicosia), day(2026, 11, 23))
  })

  it("belongs to the local month, over a month's end, a year's end and a leap day (P16)", () => {
    assert.strictEqual(monthKey(utc(2026, 10, 30, 21, 59), nicosia), "2026-11")
    assert.strictEqual(monthKey(utc(2026, 10, 30, 22, 0), nicosia), "2026-12")
    assert.strictEqual(monthKey(utc(2026, 11, 31, 22, 0), nicosia), "2027-01")
    assert.strictEqual(monthKey(utc(2028, 1, 29, 12, 0), nicosia), "2028-02")
  })

  it("begins an hour earlier in summer than in winter (P16)", () => {
    assert.strictEqual(startOfDay(day(2026, 7, 1), nicosia), utc(2026, 5, 30, 21, 0))
    assert.strictEqual(startOfDay(day(2026, 12, 1), nicosia), utc(2026, 10, 30, 22, 0))
  })

  it("begins with the first instant that exists where the clocks skip midnight (P16)", () => {
    assert.strictEqual(startOfDay(day(2026, 3, 8), "America/Havana"), utc(2026, 2, 8, 5, 0))
    assert.deepStrictEqual(localTime(utc(2026, 2, 8, 5, 0), "America/Havana"), { weekday: 1, month: 3, minutes: 60 })
  })

  it("begins with the first of two midnights where the clocks go back to it (P16)", () => {
    assert.strictEqual(startOfDay(day(2026, 11, 1), "America/Havana"), utc(2026, 10, 1, 4, 0))
  })

  it("that never was begins where the next one does (P16)", () => {
    assert.strictEqual(startOfDay(day(2011, 12, 30), "Pacific/Apia"), startOfDay(day(2011, 12, 31), "Pacific/Apia"))
  })

  it.prop("is the one on the wall, at any instant and in any zone", { at: Instant, zone: Zone }, ({ at, zone }) => {
    const parts = partsOf(at, zone)
    const { year = "", month = "", weekday = "", hour = "", minute = "" } = parts
    assert.strictEqual(dayNumber(at, zone), day(Number(year), Number(month), Number(parts["day"])))
    assert.strictEqual(monthKey(at, zone), `${year}-${month}`)
    assert.deepStrictEqual(localTime(at, zone), {
      weekday: weekdays.indexOf(weekday) + 1,
      month: Number(month),
      minutes: Number(hour) * 60 + Number(minute)
    })
  })

  it.prop("holds from its beginning to the instant before the next", { at: Instant, zone: Zone }, ({ at, zone }) => {
    const today = dayNumber(at, zone)
    const start = startOfDay(today, zone)
    assert.isAtMost(start, at)
    assert.isAbove(startOfDay(today + 1, zone), at)
    assert.strictEqual(dayNumber(start, zone), today)
    assert.isBelow(dayNumber(start - 1, zone), today)
  })
})

describe("a zone", () => {
  it("is known by its IANA name, and anything else is not one", () => {
    assert.isTrue(isTimeZone(nicosia))
    assert.isFalse(isTimeZone("Mars/Olympus"))
    assert.isFalse(isTimeZone(""))
  })
})
