import { assert, describe, it } from "@effect/vitest"
import { civilOf, dayOf, daysInMonth, isLeap, plusMonths } from "#domain/shared/CivilDate.ts"

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000
const text = (dayNumber: number): string => new Date(dayNumber * 86_400_000).toISOString().slice(0, 10)

describe("dates of the calendar", () => {
  it("are whole days since 1970 and back, from 1600 to 2400", () => {
    for (let number = day("1600-01-01"); number < day("2400-01-01"); number++) {
      const date = civilOf(number)
      if (dayOf(date) !== number) assert.fail(`${number} became ${JSON.stringify(date)}`)
    }
    for (const known of ["1600-02-29", "1900-03-01", "1969-12-31", "1970-01-01", "2000-02-29", "2026-11-22"]) {
      const { year, month, day: dayOfMonth } = civilOf(day(known))
      assert.strictEqual([year, month, dayOfMonth].map((part) => String(part).padStart(2, "0")).join("-"), known)
    }
  })

  it("end with the month when months are added, either way", () => {
    const added = (from: string, months: number) => text(plusMonths(day(from), months))
    assert.deepStrictEqual(
      [
        added("2026-01-31", 1),
        added("2027-01-31", 13),
        added("2026-03-31", -1),
        added("2026-01-15", -13),
        added("2024-02-29", 12)
      ],
      ["2026-02-28", "2028-02-29", "2026-02-28", "2024-12-15", "2025-02-28"]
    )
  })

  it("know leap years", () => {
    assert.deepStrictEqual([1900, 2000, 2024, 2026].map(isLeap), [false, true, true, false])
    assert.deepStrictEqual([daysInMonth(2024, 2), daysInMonth(2026, 2), daysInMonth(2026, 12)], [29, 28, 31])
  })
})
