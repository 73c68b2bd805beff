import { assert, describe, it } from "@effect/vitest"
import { easterOf, movingFeasts, nameDayIn, nameDayOf, nameDayRuleOf } from "#domain/contact/NameDays.ts"
import { nameDayRules } from "#domain/contact/NameDayTable.ts"
import { civilOf, dayOf, daysInMonth } from "#domain/shared/CivilDate.ts"

const text = (day: number | undefined): string | undefined => {
  if (day === undefined) return undefined
  const { year, month, day: ofMonth } = civilOf(day)
  return `${year}-${String(month).padStart(2, "0")}-${String(ofMonth).padStart(2, "0")}`
}
const on = (firstName: string, year: number): string | undefined => text(nameDayOf(firstName, year))

describe("dates of the calendar", () => {
  it("are days and back, over leap years and centuries", () => {
    for (let day = dayOf({ year: 1899, month: 12, day: 1 }); day < 60_000; day++) {
      const date = new Date(day * 86_400_000)
      const expected = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() }
      assert.deepStrictEqual(civilOf(day), expected)
      assert.strictEqual(dayOf(expected), day)
    }
    assert.deepStrictEqual([daysInMonth(2000, 2), daysInMonth(1900, 2), daysInMonth(2026, 4)], [29, 28, 30])
  })
})

describe("name days", () => {
  it("NAM-1: Orthodox Easter falls where the church keeps it", () => {
    const years = Array.from({ length: 11 }, (_, index) => text(easterOf(2020 + index)))
    assert.deepStrictEqual(years, [
      "2020-04-19",
      "2021-05-02",
      "2022-04-24",
      "2023-04-16",
      "2024-05-05",
      "2025-04-20",
      "2026-04-12",
      "2027-05-02",
      "2028-04-16",
      "2029-04-08",
      "2030-04-28"
    ])
  })

  it("NAM-1: are fixed, counted from Easter, or give way to it", () => {
    assert.strictEqual(on("Νίκος", 2026), "2026-12-06")
    // Easter Monday where 23 April is not after Easter.
    assert.deepStrictEqual(
      [2021, 2022, 2023, 2024, 2025].map((year) => on("Γιώργος", year)),
      ["2021-05-03", "2022-04-25", "2023-04-23", "2024-05-06", "2025-04-23"]
    )
    assert.deepStrictEqual(
      [2021, 2022, 2023].map((year) => on("Μάρκος", year)),
      ["2021-05-04", "2022-04-26", "2023-04-25"]
    )
    assert.deepStrictEqual(
      [on("Θωμάς", 2026), on("Λάζαρος", 2026), on("Θόδωρος", 2026)],
      ["2026-04-19", "2026-04-04", "2026-02-28"]
    )
  })

  it("NAM-1: 29 February is kept on the 28th in common years", () => {
    assert.deepStrictEqual([on("Κασσιανός", 2028), on("Κασσιανός", 2027)], ["2028-02-29", "2027-02-28"])
  })

  it("NAM-1: are found in either alphabet, whatever the case and the accents", () => {
    const spellings: ReadonlyArray<ReadonlyArray<string>> = [
      ["Γιώργος", "ΓΙΩΡΓΟΣ", "γιωργος", "Giorgos", "Yiorgos", "George", "Georgios", "Γεώργιος", "Giwrgos", "GEORGIA"],
      ["Γιάννης", "Yiannis", "Giannis", "Yannis", "Ioannis", "John", "ΙΩΑΝΝΑ"],
      ["Κωνσταντίνος", "Konstantinos", "Constantinos", "Costas", "Kostas", "Kwstas", "Eleni", "Helen", "Ντίνος"],
      ["Χαράλαμπος", "Charalambos", "Haralampos", "Charalampos", "Babis"],
      ["Χρήστος", "Christos", "Hristos", "Chrystalla"],
      ["Ανδρέας", "Andreas", "Αντρέας", "Antreas"],
      ["Ευάγγελος", "Evangelos", "Evaggelos", "Evangelia"],
      ["Αλέξανδρος", "Alexandros", "Aleksandros", "Alexander"],
      ["Κυριάκος", "Kyriakos", "Kiriakos"],
      ["Σοφία", "Sofia", "Sophia"],
      ["Μιχάλης", "Michalis", "Mihalis", "Michail", "Michael"],
      ["Φίλιππος", "Filippos", "Philippos", "Philip"],
      ["Αντώνης", "Antonis", "Andonis", "Anthony"],
      ["Παναγιώτης", "Panagiotis", "Panayiotis", "Maria", "Μαρία"]
    ]
    for (const [first = "", ...others] of spellings) {
      const rule = nameDayRuleOf(first)
      assert.isDefined(rule, first)
      for (const other of others) assert.strictEqual(nameDayRuleOf(other)?.description, rule.description, other)
    }
  })

  it("NAM-1: match whole words, and the earlier of two rules", () => {
    assert.isUndefined(nameDayOf("Mariachristinopoulou", 2026))
    assert.isUndefined(nameDayOf("Zyx", 2026))
    assert.isUndefined(nameDayOf("", 2026))
    assert.strictEqual(on("Maria-Eleni", 2026), "2026-05-21")
    assert.strictEqual(on("  Άννα  Μαρία ", 2026), "2026-08-15")
  })

  it("belong to what a contact has said herself before anything else", () => {
    const said = { month: 7, day: 25 }
    assert.deepStrictEqual(nameDayIn({ firstName: "Anna", demographics: { nameDay: said } }), said)
    assert.deepStrictEqual(nameDayIn({ firstName: "Anna", demographics: {} }), { month: 12, day: 9 })
    assert.deepStrictEqual(nameDayIn({ firstName: "Giorgos" }), { feast: "Saint George" })
    assert.isUndefined(nameDayIn({}))
  })

  it("are listed with dates that there are, and every name is found", () => {
    for (const { feast, names, description } of nameDayRules) {
      // A feast that moves is known by its name, so no other is called the same.
      if (!Array.isArray(feast)) assert.strictEqual(movingFeasts.get(description), feast)
      assert.lengthOf(
        nameDayRules.filter((other) => other.description === description && other.feast !== feast),
        0
      )
      if (Array.isArray(feast)) assert.isAtMost(feast[1], daysInMonth(2028, feast[0]), description)
      for (const name of names.split(" ")) assert.isDefined(nameDayRuleOf(name), name)
    }
  })
})
