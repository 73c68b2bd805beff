/** SEG-1, SEG-3: since when a field has had its value is read off events, so they have to carry every change of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { contact } from "#domain/contact/Contact.ts"
import { ContactEvent, ContactRegistered, ContactUpdated } from "#domain/contact/ContactEvent.ts"
import { ContactState, initial } from "#domain/contact/ContactState.ts"
import { catalogue, locate } from "#domain/segment/Catalogue.ts"
import type { Scalar } from "#domain/segment/Condition.ts"
import { eventFormsOf } from "#domain/segment/EventForms.ts"
import { derivedFacts, eventDocuments, ownFacts, ownFields } from "#domain/segment/Facts.ts"
import { type FactObject, objectFact } from "#domain/segment/FactForm.ts"
import { momentOf, sinceWhen } from "#domain/segment/Reference.ts"
import { trackedFields, trackedOf } from "#domain/segment/Tracked.ts"

const row = { business: "shop", key: "maria", id: "maria", shard: 1 }
const zones = ["Europe/Nicosia", "Asia/Kathmandu", "UTC"]
/** Instants in order, zones that there are, and no lots that there are not; else as chance has it. */
const put = (event: ContactEvent, index: number): ContactEvent => ({
  ...event,
  at: index * 86_400_000,
  ...("timeZone" in event && { timeZone: zones[index % zones.length] ?? "UTC" }),
  ...("uncounts" in event && { uncounts: 0 }),
  ...("parts" in event && { parts: [] }),
  ...("own" in event && event.own !== undefined && { own: { ...event.own, parts: [] } }),
  ...(event._tag === "ContactRegistered" && { businessTimeZone: "UTC" })
})

/** The values that a field has now, be it one or a list. */
const valuesOf = (state: ContactState, field: string): ReadonlyArray<unknown> => {
  if (field !== "communities") return [objectFact(ownFields, state)[field]].flat()
  return derivedFacts(state).communities.flatMap(({ owner, state }) => (state === "ACCEPTED" ? [owner] : []))
}

describe("a field of which it is asked since when", () => {
  it.prop(
    "SEG-3: has been what it is according to its events, whatever else happens",
    { first: ContactRegistered, others: Schema.Array(ContactEvent) },
    ({ first, others }) => {
      const happened = [first, ...others.filter(({ _tag }) => _tag !== "ContactRegistered")].map(put)
      const seen = new Map(Object.keys(trackedFields).map((field) => [field, new Set<unknown>()]))
      let state = initial
      for (const event of happened) {
        state = contact.evolve(state, event)
        for (const [field, values] of seen) for (const value of valuesOf(state, field)) values.add(value)
      }
      const events = happened.flatMap((event, offset) =>
        eventDocuments({ event, row: { ...row, offset, at: event.at } })
      )
      const profile = { _id: "maria", business: "shop" } satisfies FactObject
      const moment = momentOf({ profile, events }, Number.MAX_SAFE_INTEGER, () => undefined)
      for (const [field, values] of seen) {
        const now = valuesOf(state, field)
        for (const value of values as Set<Scalar>) {
          const condition = { type: "HAS_BEEN", field, value, span: { amount: 1, unit: "DAYS" } } as const
          const since = sinceWhen(condition, moment)
          assert.strictEqual(since !== undefined, now.includes(value), `${field} ${String(value)}`)
        }
      }
    }
  )

  it("SEG-1: is one that the catalogue has", () => {
    for (const field of Object.keys(trackedFields)) assert.isDefined(locate(catalogue.fields, field), field)
    assert.includeMembers(Object.keys(trackedFields), ["time_zone", "type", "country_of_agreement", "active_pool_ids"])
  })

  it("SEG-1: is at once one that is added to what a contact is registered and updated with", () => {
    const added = { tier: Schema.Literals(["GOLD", "BASIC"]), visits: Schema.Int, hobbies: Schema.Array(Schema.String) }
    const settable = {
      tier: Schema.optionalKey(added.tier),
      visits: Schema.optionalKey(added.visits),
      hobbies: Schema.optionalKey(added.hobbies)
    }
    const Later = Schema.Struct({ ...ContactState.fields, ...added, note: Schema.String })
    const events = Schema.Union([
      Schema.TaggedStruct("ContactRegistered", { ...ContactRegistered.fields, ...settable }),
      Schema.TaggedStruct("ContactUpdated", { ...ContactUpdated.fields, ...settable })
    ])
    const forms = new Map(eventFormsOf(events.ast).map((form) => [form.type, form]))
    const later = trackedOf(ownFacts(Later.ast), forms)
    const changes = (property: string) => ["ContactRegistered", "ContactUpdated"].map((event) => ({ event, property }))
    assert.deepInclude(later, {
      tier: { changes: changes("tier") },
      visits: { changes: changes("visits") },
      hobbies: { changes: changes("hobbies"), list: true }
    })
    assert.notProperty(later, "note")
  })

  it("ANO-6: is none that says who she is: what it was before is nowhere in the clear", () => {
    for (const personal of ["first_name", "email", "custom_fields", "demographics", "name_day", "code"]) {
      assert.notProperty(trackedFields, personal)
    }
  })
})
