/** SEG-3: what is said to leave a profile as it is does, whatever stands in it. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { contact } from "#domain/contact/Contact.ts"
import { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { typesAside } from "#domain/segment/FactChanges.ts"
import { profileDocument } from "#domain/segment/Facts.ts"
import { initial } from "#domain/contact/ContactState.ts"

const of = (...types: ReadonlyArray<string>) =>
  Schema.Union(ContactEvent.members.filter((member) => types.includes(member.fields._tag.schema.literal)))

const eleni: ContactState = {
  ...initial,
  id: "eleni",
  timeZone: "Europe/Nicosia",
  businessTimeZone: "Europe/Nicosia",
  interactionState: "DORMANT",
  tags: ["gold"],
  lots: [{ lotId: "l", pocket: "BUSINESS", creditedAt: 0, remaining: 100n, expiresAt: 5 }],
  tokens: [{ id: "it", value: "v", alternative: "a", intent: "SPEND", expiresAt: 1 }],
  dynamicCode: { value: "d", expiresAt: 1 },
  communications: [{ id: "it", channel: "SMS", purpose: "MARKETING", authorized: false }],
  timers: { expiry: 5 }
}
/** About what stands in her, wherever it names something. */
const about = (event: ContactEvent): ContactEvent => ({
  ...event,
  ...("communicationId" in event && { communicationId: "it" }),
  ...("tokenId" in event && { tokenId: "it" })
})
const shown = (state: ContactState) => profileDocument({ id: "bakery" }, state, nobody)
const own = ["interaction_state", "tags", "consent", "spend_blocked"]

describe("what happens to a contact", () => {
  const nothing = typesAside(new Set(own))

  it.prop(
    "SEG-3: changes nothing of her profile where it is said to be aside",
    { event: of(...nothing) },
    ({ event }) => {
      for (const each of [event, about(event)]) {
        assert.deepStrictEqual(shown(contact.evolve(eleni, each)), shown(eleni))
      }
    }
  )

  it.prop(
    "SEG-3: changes one field alone where only who asks for that one looks again",
    { event: of(...typesAside(new Set()).filter((type) => !nothing.includes(type))) },
    ({ event }) => {
      const after = shown(contact.evolve(eleni, event))
      const changed = own.filter((field) => !typesAside(new Set([field])).includes(event._tag))
      assert.lengthOf(changed, 1)
      const field = changed[0] ?? ""
      assert.deepStrictEqual({ ...after, [field]: undefined }, { ...shown(eleni), [field]: undefined })
    }
  )

  it("SEG-3: is never aside where it changes money, who she is, or from whom she wants to hear", () => {
    const aside = new Set<string>(typesAside(new Set()))
    const others = ContactEvent.members
      .map((member) => member.fields._tag.schema.literal)
      .filter((tag) => !aside.has(tag))
    for (const tag of ["FundsCredited", "PurchasePaid", "ContactUpdated", "OptOutChanged", "ActivityClosed"] as const) {
      assert.include(others, tag)
    }
  })
})
