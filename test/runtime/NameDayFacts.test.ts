/** NAM-1: segments keep a contact's name day on the day on which plans do, whichever of the evaluators is asked. */
import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { nameDayRuleOf } from "#domain/contact/NameDays.ts"
import { nameDayRules } from "#domain/contact/NameDayTable.ts"
import type { Anniversary, ConditionSets } from "#domain/segment/Condition.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { type ContactFacts, profileDocument } from "#domain/segment/Facts.ts"
import { isIn } from "#domain/segment/Reference.ts"
import { startOfDay } from "#domain/shared/CalendarDate.ts"
import { civilOf, dayOf, plusMonths } from "#domain/shared/CivilDate.ts"
import { feastsOn, keptOn } from "#runtime/communication/Anniversaries.ts"
import { pipelineOf } from "#runtime/segment/Mql.ts"
import { filler } from "#runtime/segment/MemberColumns.ts"
import { idsOf } from "../support/MqlOnMingo.ts"

const zone = "Europe/Nicosia"
type Profile = ContactState["profile"]
const said = (month: number, day: number): Profile => ({
  firstName: "Giorgos",
  demographics: { nameDay: { month, day } }
})

const profiles: ReadonlyArray<Profile> = [
  ...nameDayRules.map(({ names }) => ({ firstName: names.split(" ")[0] ?? "" })),
  { firstName: "Anna Maria" },
  { firstName: "Zyx" },
  {},
  said(2, 29),
  said(4, 23)
]
const factsOf = (profile: Profile, index: number, type: ContactState["type"] = "PERSON"): ContactFacts => ({
  profile: profileDocument(
    { id: "shop" },
    { ...initial, id: `contact-${index}`, type, timeZone: zone, profile },
    nobody
  ),
  events: []
})
const contacts = profiles.map((profile, index) => factsOf(profile, index))

/** As a plan chooses its recipients. */
const plannedOn = (day: number): ReadonlyArray<string> =>
  profiles.flatMap(({ firstName, demographics }, index) => {
    const { nameDay } = demographics ?? {}
    const rule = firstName === undefined ? undefined : nameDayRuleOf(firstName)
    const isKept =
      nameDay === undefined
        ? rule !== undefined && feastsOn(day).includes(rule.description)
        : keptOn(day).includes(nameDay.month * 100 + nameDay.day)
    return isKept ? [`contact-${index}`] : []
  })

const asked = (operator: Anniversary["operator"], value?: number): ConditionSets => [
  {
    conditions: [{ type: "ANNIVERSARY", field: "name_day", operator, ...(value !== undefined && { value }) }]
  }
]
const byPipeline = (sets: ConditionSets, at: number) =>
  idsOf(pipelineOf(sets, { business: "shop", at, zones: [zone], members: () => new Map() }), contacts)
const byReference = (sets: ConditionSets, at: number) =>
  contacts.filter((facts) => isIn(sets, facts, at, () => undefined)).map(({ profile }) => profile._id)

const daysOf = (year: number, from = 1, months = 12): ReadonlyArray<number> => {
  const first = dayOf({ year, month: from, day: 1 })
  return Array.from({ length: plusMonths(first, months) - first }, (_, index) => first + index)
}

describe("a name day in a segment", () => {
  it("NAM-1: is the day on which a plan remembers the same contact, in years of an early and a late Easter", () => {
    const today = asked("TODAY")
    const judge = compile(today)
    for (const year of [2024, 2026]) {
      for (const day of daysOf(year)) {
        const at = startOfDay(day, zone)
        const planned = plannedOn(day)
        const judged = contacts.filter((facts) => judge(facts, at, () => undefined).holds)
        assert.deepStrictEqual(
          judged.map(({ profile }) => profile._id),
          planned,
          JSON.stringify(civilOf(day))
        )
      }
      // From before Easter at the earliest to the last feast that goes by it.
      for (const day of daysOf(year, 2, 5)) {
        const at = startOfDay(day, zone)
        assert.deepStrictEqual(byReference(today, at), plannedOn(day))
        assert.deepStrictEqual(byPipeline(today, at), plannedOn(day))
      }
    }
  })

  it("NAM-1, SEG-4: is asked for by month and by days to come, of feasts that move too", () => {
    const all = [
      asked("THIS_MONTH"),
      ...[1, 2, 4, 5, 6].map((month) => asked("IN_MONTH", month)),
      ...[0, 1, 30, 366].map((days) => asked("IN_NEXT_DAYS", days))
    ]
    for (const sets of all) {
      const judge = compile(sets)
      for (const day of [...daysOf(2024), ...daysOf(2025)].filter((each) => each % 9 === 0)) {
        const at = startOfDay(day, zone)
        const expected = byReference(sets, at)
        assert.deepStrictEqual(
          contacts.filter((facts) => judge(facts, at, () => undefined).holds).map(({ profile }) => profile._id),
          expected
        )
        assert.deepStrictEqual(byPipeline(sets, at), expected)
      }
    }
    // Easter Monday of 2024 is in May, of 2025 Saint George is kept in April.
    const inMay = (year: number) => byReference(asked("IN_MONTH", 5), Date.UTC(year, 0, 2))
    const giorgos = `contact-${profiles.findIndex(({ firstName }) => firstName === "Γιώργος")}`
    assert.include(inMay(2024), giorgos)
    assert.notInclude(inMay(2025), giorgos)
  })

  it("SEG-3: begins and ends at midnight of her zone, each year on its own day", () => {
    const facts = factsOf({ firstName: "Giorgos" }, 0)
    const judge = compile(asked("TODAY"))
    const instants: Array<number> = []
    for (let at = Date.UTC(2024, 0, 1); instants.length < 6; at = instants.at(-1) ?? at) {
      const { until } = judge(facts, at, () => undefined)
      if (until === undefined) throw new Error("a name day comes round")
      instants.push(until)
    }
    const midnight = (year: number, month: number, day: number) => startOfDay(dayOf({ year, month, day }), zone)
    assert.deepStrictEqual(instants, [
      midnight(2024, 5, 6),
      midnight(2024, 5, 7),
      midnight(2025, 4, 23),
      midnight(2025, 4, 24),
      midnight(2026, 4, 23),
      midnight(2026, 4, 24)
    ])
    const { until } = compile(asked("IN_MONTH", 5))(facts, Date.UTC(2024, 5, 1), () => undefined)
    assert.strictEqual(until, midnight(2025, 1, 1))
  })

  it("NAM-1: is nobody's who is no person, and what she has said comes before her first name", () => {
    assert.notProperty(factsOf({ firstName: "Giorgos", companyName: "Giorgos Ltd" }, 0, "COMPANY").profile, "name_day")
    assert.deepStrictEqual(factsOf({ firstName: "Giorgos" }, 0).profile["name_day"], { feast: "Saint George" })
    assert.deepStrictEqual(factsOf({ firstName: "Ioanna" }, 0).profile["name_day"], { month: 1, day: 7 })
    assert.deepStrictEqual(factsOf(said(5, 21), 0).profile["name_day"], { month: 5, day: 21 })
  })

  it("SEG-6: is exported as the day of the year, or as the feast that moves", () => {
    const cell = (profile: Profile) => filler("name_day")({ usual: {} as never, profile: factsOf(profile, 0).profile })
    assert.deepStrictEqual(
      [{ firstName: "Giorgos" }, { firstName: "Ioanna" }, { firstName: "Zyx" }].map((each) => cell(each).text),
      ["Saint George", "01-07", ""]
    )
  })
})
