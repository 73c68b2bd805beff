import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { scopeFor, scopeOf, tagCatalogue, tagCatalogueOf } from "#domain/communication/TemplateTags.ts"
import { write } from "#domain/communication/TemplateText.ts"
import { profileDocument } from "#domain/segment/Facts.ts"
import { dayOf } from "#domain/shared/CivilDate.ts"
import { laterEvents, laterFields, laterProfile } from "../../support/LaterField.ts"

const reader = { locale: "en", currency: "EUR", timeZone: "Europe/Nicosia" }
const written = (source: string, state: Partial<ContactState>, today: number, community = nobody) => {
  const profile = profileDocument(
    { id: "shop" },
    { ...initial, id: "giorgos", timeZone: reader.timeZone, ...state },
    community
  )
  const told = { profile, event: undefined, events: [], businessName: "Zygos", today, links: {} }
  const result = write(source, "PLAIN", scopeFor(told, reader), reader, true)
  return result._tag === "Written" ? result.text : result
}

describe("the tags of a template", () => {
  it("have at once a field that is added to the schema of a contact or an event, and say its value", () => {
    const { contact, events } = tagCatalogueOf(laterFields, laterEvents)
    const tags = ["PLAN_NAME", "MONTHLY_PRICE", "RENEWS_AT"].map((name) => `SUBSCRIPTION.${name}`)
    assert.deepStrictEqual(
      tags.map((tag) => contact.get(tag)),
      ["TEXT", "MONEY", "INSTANT"]
    )
    assert.strictEqual(events.get("SubscriptionRenewed")?.get("EVENT.PRICE"), "MONEY")
    const scope = scopeOf(laterFields, laterProfile, { ...reader, today: 0 })
    const said = write("#SUBSCRIPTION.PLAN_NAME# for #SUBSCRIPTION.MONTHLY_PRICE#", "PLAIN", scope, reader, true)
    assert.deepStrictEqual(said, { _tag: "Written", text: "GOLD for €9.90" })
  })

  it("NAM-1: say the name day of the first name, of a feast that moves the day on which it is kept next", () => {
    const giorgos = { profile: { firstName: "Giorgos" } }
    const on = (year: number, month: number, day: number) => dayOf({ year, month, day })
    assert.strictEqual(tagCatalogue.contact.get("NAME_DAY"), "DATE")
    assert.deepStrictEqual(
      [on(2024, 5, 6), on(2024, 5, 7), on(2027, 1, 1)].map((today) => written("#NAME_DAY#", giorgos, today)),
      ["May 6", "April 23", "May 3"]
    )
    assert.strictEqual(written("#NAME_DAY#", { profile: { firstName: "Ioanna" } }, on(2026, 5, 1)), "January 7")
    assert.deepInclude(written("#NAME_DAY#", { profile: { firstName: "Zyx" } }, on(2026, 5, 1)), { _tag: "Missing" })
  })

  it("SHR-1: say how many people are in her community, and who they are to her", () => {
    const relation = {
      relationshipId: "r",
      memberId: "eleni",
      state: "ACCEPTED",
      invitedAt: 0,
      terms: {
        group: "Family",
        isAdmin: false,
        permissions: [],
        walletSharing: { isEnabled: true, method: "AUTO", maxAmount: 5_000n, poolIds: [] }
      },
      used: { month: "", amount: 0n }
    } as const
    const source =
      "#PEOPLE_COUNT.ACCEPTED#:{% for one in PEOPLE %} {{ one.GROUP }} {{ one.WALLET_SHARING_MAX_AMOUNT }}{% endfor %}"
    const community = { ...nobody, relations: [relation, { ...relation, state: "PENDING" as const }] }
    assert.strictEqual(tagCatalogue.contact.get("PEOPLE_COUNT.ACCEPTED"), "NUMBER")
    assert.strictEqual(written(source, { currency: "EUR" }, 0, community), "1: Family €50.00 Family €50.00")
  })
})
