import { assert, describe, it } from "@effect/vitest"
import { instantOf, latestOccurrence, localOccurrence, nextOccurrence } from "#domain/communication/Occurrence.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import { dayOf } from "#domain/shared/CivilDate.ts"

const zone = "Europe/Nicosia"
const at = (text: string): number => Date.parse(text)
const iso = (instant: number | undefined): string | undefined =>
  instant === undefined ? undefined : new Date(instant).toISOString().slice(0, 16)
const instant = (date: readonly [number, number, number], minutes: number, timeZone: string): string | undefined =>
  iso(instantOf(dayOf({ year: date[0], month: date[1], day: date[2] }), minutes, timeZone))

describe("when a plan is due", () => {
  it("P16: a time that the clocks skip comes after the gap, one that comes twice is the first", () => {
    // Nicosia: 29 March 2026 03:00 → 04:00, 25 October 04:00 → 03:00.
    assert.strictEqual(instant([2026, 3, 29], 3 * 60 + 30, zone), "2026-03-29T01:00")
    assert.strictEqual(instant([2026, 3, 29], 2 * 60 + 59, zone), "2026-03-29T00:59")
    assert.strictEqual(instant([2026, 3, 29], 4 * 60, zone), "2026-03-29T01:00")
    assert.strictEqual(instant([2026, 10, 25], 3 * 60 + 30, zone), "2026-10-25T00:30")
    assert.strictEqual(instant([2026, 10, 25], 4 * 60, zone), "2026-10-25T02:00")
    // Half an hour on Lord Howe, midnight itself in Havana, and a zone without a change.
    assert.strictEqual(instant([2026, 10, 4], 2 * 60 + 15, "Australia/Lord_Howe"), "2026-10-03T15:30")
    assert.strictEqual(instant([2026, 3, 8], 30, "America/Havana"), "2026-03-08T05:00")
    assert.strictEqual(instant([2026, 7, 1], 0, "UTC"), "2026-07-01T00:00")
  })

  it("P16: shows the time that was asked for, whenever the clocks show it at all", () => {
    for (const timeZone of [zone, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]) {
      for (let day = dayOf({ year: 2026, month: 1, day: 1 }); day < dayOf({ year: 2027, month: 1, day: 1 }); day++) {
        const found = instantOf(day, 150, timeZone)
        assert.strictEqual(dayNumber(found, timeZone), day, timeZone)
      }
    }
  })

  it("comes on its days of the week, and on the last day of a month that is too short", () => {
    const weekly = { type: "WEEKLY", days: [2, 5], time: "09:00", timeZone: zone } as const
    // Saturday 21 November 2026: last on Thursday, next on Monday.
    assert.strictEqual(latestOccurrence(weekly, at("2026-11-21T12:00Z"))?.key, "2026-11-19")
    assert.strictEqual(iso(nextOccurrence(weekly, zone, at("2026-11-21T12:00Z"))), "2026-11-23T07:00")
    const monthly = { type: "MONTHLY", day: 31, time: "09:00", timeZone: zone } as const
    assert.strictEqual(latestOccurrence(monthly, at("2026-03-01T00:00Z"))?.key, "2026-02-28")
    assert.strictEqual(latestOccurrence(monthly, at("2028-03-01T00:00Z"))?.key, "2028-02-29")
    assert.strictEqual(iso(nextOccurrence(monthly, zone, at("2026-11-22T00:00Z"))), "2026-11-30T07:00")
    assert.strictEqual(iso(nextOccurrence(monthly, zone, at("2026-12-31T08:00Z"))), "2027-01-31T07:00")
  })

  it("comes once, or each day, and names each time", () => {
    const once = { type: "ONCE", at: at("2026-11-22T10:00Z") } as const
    assert.isUndefined(latestOccurrence(once, once.at - 1))
    assert.deepStrictEqual(latestOccurrence(once, once.at), { key: `once ${once.at}`, at: once.at })
    assert.isUndefined(nextOccurrence(once, zone, once.at))
    const daily = { type: "DAILY", time: "23:59", timeZone: "Pacific/Auckland" } as const
    assert.strictEqual(latestOccurrence(daily, at("2026-11-22T10:58Z"))?.key, "2026-11-21")
    assert.strictEqual(latestOccurrence(daily, at("2026-11-22T10:59Z"))?.key, "2026-11-22")
  })

  it("comes in each zone on its own day", () => {
    const birthday = { type: "BIRTHDAY", time: "09:00" } as const
    const now = at("2026-11-22T07:00Z")
    const keys = [zone, "America/New_York", "Pacific/Auckland"].map((each) => localOccurrence(birthday, each, now)?.key)
    assert.deepStrictEqual(keys, [
      "2026-11-22 Europe/Nicosia",
      "2026-11-21 America/New_York",
      "2026-11-22 Pacific/Auckland"
    ])
  })
})
