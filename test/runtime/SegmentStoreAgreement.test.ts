/**
 * Segments asked of the segment store through the driver, against the reference in plain TypeScript, on contacts and
 * conditions by chance. `SEED` repeats a run and `CASES` makes it longer; what disagrees is printed whole.
 */
import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { initial } from "#domain/contact/ContactState.ts"
import type { Condition } from "#domain/segment/Condition.ts"
import { type ContactFacts, foldedEvent, profileDocument } from "#domain/segment/Facts.ts"
import { isIn } from "#domain/segment/Reference.ts"
import * as Allowed from "#runtime/segment/embedded/Allowed.ts"
import { pipelineOf } from "#runtime/segment/Mql.ts"
import { mqlExpressionOperators, mqlQueryOperators, mqlStages } from "#runtime/segment/MqlOperators.ts"
import { conditionSets, memberships } from "../support/SegmentConditions.ts"
import { Chance, contactFacts, instant, zones } from "../support/SegmentContacts.ts"
import { overEachStore } from "./SegmentStores.ts"

const seed = Number(process.env["SEED"] ?? 1_618)
const cases = Number(process.env["CASES"] ?? 300)
const contactsEach = 12

/** Each case is a business of its own, so that what leaks from one into another shows as well. */
const ofBusiness = ({ profile, events }: ContactFacts, business: string): ContactFacts => {
  const contact = `${business}/${profile._id}`
  return {
    profile: { ...profile, _id: contact, business },
    events: events.map((event, index) => ({ ...foldedEvent(event), _id: `${contact}/${index}`, contact, business }))
  }
}

overEachStore("segments", ({ withDatabase }) => {
  it(
    "SEG-1, SEG-4: hold whom the reference lets in, and nobody of another business",
    () =>
      withDatabase(async (database) => {
        const profiles = database.collection<{ _id: string }>("profiles")
        const events = database.collection<{ _id: string }>("events")
        await profiles.createIndex({ business: 1 })
        await events.createIndex({ contact: 1, at: 1 })
        let members = 0
        for (let number = 0; number < cases; number++) {
          const chance = new Chance(seed + number)
          const at = instant(chance)
          const business = `case-${number}`
          const contacts = Array.from({ length: contactsEach }, (_, index) =>
            ofBusiness(contactFacts(chance, `contact-${index}`, at), business)
          )
          const sets = conditionSets(chance, contacts, at)
          await profiles.insertMany(contacts.map(({ profile }) => profile))
          const happened = contacts.flatMap((contact) => contact.events)
          // Out of order, as a collection is.
          if (happened.length > 0) await events.insertMany(happened.toReversed())

          const { membersOf, sinceOf } = memberships(chance, contacts, at)
          const expected = contacts
            .filter((facts) => isIn(sets, facts, at, sinceOf(facts)))
            .map(({ profile }) => profile._id)
          const pipeline = pipelineOf(sets, {
            business,
            at,
            zones: [...zones],
            members: membersOf
          })
          const found = (await profiles.aggregate([...pipeline]).toArray()).map(({ _id }) => String(_id))
          members += expected.length
          if (found.toSorted().join() === expected.toSorted().join()) continue
          const wrong = contacts.filter(({ profile }) => found.includes(profile._id) !== expected.includes(profile._id))
          assert.fail(`SEED=${seed + number} at ${at} ${JSON.stringify({ sets, pipeline, wrong }, null, 1)}`)
        }
        const share = members / (cases * contactsEach)
        assert.isTrue(share > 0.2 && share < 0.8, `${share} of the contacts are in: the cases say little`)
      }),
    240_000
  )

  it("SEG-1: take the longest texts that may be asked for, whatever stands in them", () =>
    withDatabase(async (database) => {
      const profiles = database.collection<{ _id: string }>("profiles")
      const about = { business: "shop", at: 0, zones: ["UTC"], members: () => new Map() } as const
      for (const text of [".".repeat(500), "각".repeat(500), "Ώ".repeat(500)]) {
        const facts = {
          profile: profileDocument(
            { id: "shop" },
            { ...initial, id: text.charAt(0), profile: { firstName: text } },
            nobody
          ),
          events: []
        }
        await profiles.insertOne(facts.profile)
        for (const operator of ["IS", "CONTAINS", "STARTS_WITH", "ENDS_WITH"] as const) {
          const asked: ReadonlyArray<Condition> = [
            { type: "TEXT", field: "first_name", operator, value: text },
            {
              type: "COUNT",
              event: "PurchasePaid",
              where: [{ type: "TEXT", field: "currency", operator, value: text }],
              operator: "EQUAL",
              value: 0
            }
          ]
          const found = await profiles.aggregate([...pipelineOf([{ conditions: asked }], about)]).toArray()
          assert.deepStrictEqual(
            found.map(({ _id }) => _id),
            [text.charAt(0)]
          )
        }
      }
    }))
})

describe("what the embedded store takes", () => {
  it("is what segments are compiled to, and the few stages that the store asks for by itself", () => {
    const own = ["$limit", "$skip", "$count"]
    assert.sameMembers([...Allowed.stages], [...mqlStages, ...own])
    assert.sameMembers([...Allowed.queryOperators], [...mqlQueryOperators, "$options"])
    assert.sameMembers([...Allowed.expressionOperators], [...mqlExpressionOperators])
  })
})
