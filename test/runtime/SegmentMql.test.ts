/**
 * Conditions as MQL against the reference, on contacts and conditions by chance. `SEED` repeats a run and `CASES` makes it
 * longer; what disagrees is printed whole. Only what is listed as allowed exists for the pipelines here.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Condition, ConditionSets } from "#domain/segment/Condition.ts"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import { isIn } from "#domain/segment/Reference.ts"
import { type MembersOf, pipelineOf } from "#runtime/segment/Mql.ts"
import { mqlExpressionOperators, mqlQueryOperators, mqlStages } from "#runtime/segment/MqlOperators.ts"
import { idsOf } from "../support/MqlOnMingo.ts"
import { conditionSets, memberships } from "../support/SegmentConditions.ts"
import { business, Chance, contactFacts, instant, zones } from "../support/SegmentContacts.ts"

const seed = Number(process.env["SEED"] ?? 815)
const cases = Number(process.env["CASES"] ?? 200)

const pipeline = (sets: ConditionSets, at: number, members: MembersOf) =>
  pipelineOf(sets, {
    business: business.id,
    at,
    zones: [...zones],
    members
  })

const operatorsIn = (value: unknown): ReadonlyArray<string> => {
  if (Array.isArray(value)) return value.flatMap(operatorsIn)
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name.startsWith("$") ? [name] : []),
    ...(name === "$literal" ? [] : operatorsIn(inner))
  ])
}

const simple = (sets: ConditionSets) =>
  pipelineOf(sets, { business: "shop", at: 0, zones: ["Europe/Nicosia"], members: () => new Map() })

describe("the aggregation pipeline of a segment", () => {
  it("says everything with the stages and operators that are listed, and uses all of them", () => {
    const used = new Set<string>()
    for (let number = 0; number < cases; number++) {
      const chance = new Chance(seed + number)
      const at = instant(chance)
      const contacts = Array.from({ length: 3 }, (_, index) => contactFacts(chance, `contact-${index}`, at))
      const { membersOf } = memberships(chance, contacts, at)
      for (const operator of operatorsIn(pipeline(conditionSets(chance, contacts, at), at, membersOf)))
        used.add(operator)
    }
    const listed = new Set([...mqlStages, ...mqlQueryOperators, ...mqlExpressionOperators])
    assert.deepStrictEqual([...used].toSorted(), [...listed].toSorted())
  })

  it("begins with the business, asks profiles first and for only the events and fields that are needed", () => {
    const [first, second] = simple([
      {
        conditions: [
          {
            type: "SUM",
            event: "PurchasePaid",
            field: "total",
            operator: "GREATER",
            value: 5,
            where: [{ type: "COMPARISON", field: "organisation_id", operator: "EQUAL", value: "ledra" }]
          },
          { type: "COMPARISON", field: "country_of_agreement", operator: "EQUAL", value: "CYP" }
        ]
      }
    ])
    assert.deepStrictEqual(first, {
      $match: { $and: [{ business: { $eq: "shop" } }, { country_of_agreement: { $eq: "CYP" } }] }
    })
    assert.deepStrictEqual((second?.["$lookup"] as { readonly pipeline: unknown } | undefined)?.pipeline, [
      { $match: { business: { $eq: "shop" }, type: { $in: ["PurchasePaid"] }, at: { $lte: 0 } } },
      { $sort: { sequence: 1 } },
      { $project: { _id: 0, type: 1, at: 1, organisation_id: 1, total: 1 } }
    ])
  })

  it("keeps 29 February on the 28th where there is none, and takes no missing number for a small one", () => {
    const born = (id: string, month: number, day: number): ContactFacts => ({
      profile: { _id: id, business: "shop", demographics: { date_of_birth: { year: 2000, month, day } } },
      events: [{ _id: "1/1", business: "shop", contact: id, type: "FundsCredited", at: 0, sequence: 1 }]
    })
    const contacts = [born("leap", 2, 29), born("28th", 2, 28), born("1st", 3, 1)]
    const kept = (text: string) =>
      idsOf(
        pipelineOf(
          [{ conditions: [{ type: "ANNIVERSARY", field: "demographics.date_of_birth", operator: "TODAY" }] }],
          { business: "shop", at: Date.parse(text), zones: ["Europe/Nicosia"], members: () => new Map() }
        ),
        contacts
      )
    assert.deepStrictEqual(["2026-02-28T12:00:00Z", "2028-02-28T12:00:00Z", "2028-02-29T12:00:00Z"].map(kept), [
      ["leap", "28th"],
      ["28th"],
      ["leap"]
    ])
    const low: Condition = {
      type: "COUNT",
      event: "FundsCredited",
      where: [{ type: "COMPARISON", field: "amount", operator: "LESS", value: 5 }],
      operator: "EQUAL",
      value: 1
    }
    assert.deepStrictEqual(idsOf(simple([{ conditions: [low] }]), contacts), [])
    assert.include(JSON.stringify(simple([{ conditions: [low] }])), '{"$isNumber":"$$event.amount"}')
  })

  it("finds a text of events by what it means folded, and by the case of ASCII only where nothing else is in it", () => {
    const texts = [
      { currency: "MAST 5K" },
      { currency: "Maſt 5\u212a" },
      { currency: "Μάστ 5K" },
      { currency: "mast 5k" },
      {}
    ]
    const contacts = texts.map((text, index): ContactFacts => {
      const _id = String(index)
      const bought = { _id: `1/${_id}`, business: "shop", contact: _id, type: "PurchasePaid", at: 0, sequence: 1 }
      return { profile: { _id, business: "shop" }, events: [{ ...bought, ...text }] }
    })
    for (const value of ["s", "ST 5k", "5K", "5\u212a", "ſT", "μαστ", "\u0301"]) {
      for (const operator of ["IS", "CONTAINS", "STARTS_WITH", "ENDS_WITH"] as const) {
        const where = [{ type: "TEXT", field: "currency", operator, value }] as const
        const sets: ConditionSets = [
          { conditions: [{ type: "COUNT", event: "PurchasePaid", where, operator: "EQUAL", value: 1 }] }
        ]
        const expected = contacts
          .filter((facts) => isIn(sets, facts, 0, () => undefined))
          .map(({ profile }) => profile._id)
        assert.deepStrictEqual(idsOf(simple(sets), contacts), expected, `${operator} ${value}`)
        assert.notMatch(JSON.stringify(simple(sets)), /"\$regexMatch":\{"input":\{/, "no engine agrees on more")
      }
    }
  })

  it("takes no text that was given for a field, an operator or a pattern", () => {
    const made = simple([
      {
        conditions: [
          { type: "TEXT", field: "first_name", operator: "CONTAINS", value: ".*$where" },
          { type: "COMPARISON", field: "custom_fields.$where.a", operator: "EQUAL", value: "$business" },
          {
            type: "COUNT",
            event: "PurchasePaid",
            where: [{ type: "COMPARISON", field: "organisation_id", operator: "EQUAL", value: "$$ROOT" }],
            operator: "EQUAL",
            value: 1
          }
        ]
      }
    ])
    const text = JSON.stringify(made)
    assert.include(text, String.raw`{"folded.first_name":{"$regex":"\\.\\*\\$where"}}`)
    assert.include(text, '{"custom_fields.%24where%2Ea":{"$eq":"$business"}}')
    assert.include(text, '{"$eq":["$$event.organisation_id",{"$literal":"$$ROOT"}]}')
  })

  it("SEG-1, SEG-4: yields whom the reference lets in, in every zone", () => {
    for (let number = 0; number < cases; number++) {
      const chance = new Chance(seed + number)
      const at = instant(chance)
      const contacts = Array.from({ length: 12 }, (_, index) => contactFacts(chance, `contact-${index}`, at))
      const sets = conditionSets(chance, contacts, at)
      const { membersOf, sinceOf } = memberships(chance, contacts, at)
      const expected = contacts
        .filter((facts) => isIn(sets, facts, at, sinceOf(facts)))
        .map(({ profile }) => profile._id)
      const made = pipeline(sets, at, membersOf)
      const found = idsOf(made, contacts)
      if (found.join() !== expected.join()) {
        const wrong = contacts.filter(({ profile }) => found.includes(profile._id) !== expected.includes(profile._id))
        assert.fail(`SEED=${seed + number} at ${at} ${JSON.stringify({ sets, made, wrong }, null, 1)}`)
      }
    }
  })
})
