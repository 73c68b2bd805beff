import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { initial } from "#domain/contact/ContactState.ts"
import { catalogue, locate } from "#domain/segment/Catalogue.ts"
import { factKey } from "#domain/segment/FactForm.ts"
import { eventDocuments, profileDocument, profileFields } from "#domain/segment/Facts.ts"
import { laterCatalogue } from "../../support/LaterField.ts"

const row = { business: "shop", key: "maria", id: "maria", shard: 3, offset: 41, at: 1_790_000_000_000 }
const identity = {
  code: "C1",
  referralCode: "MARIA",
  walletCode: "secret-wallet-code",
  loyaltyIdentifiers: ["L1"],
  cards: [{ hash: "secret-card-hash", firstSix: "secret", lastFour: "secret" }],
  giftPasses: ["secret-gift-pass"]
}

describe("the facts of a contact", () => {
  it("CIM-2: hold no code, token, card or identity document that opens anything", () => {
    const profile = profileDocument(
      { id: "shop" },
      {
        ...initial,
        id: "maria",
        timeZone: "Europe/Nicosia",
        identity,
        dynamicCode: { value: "secret-dynamic", expiresAt: 1 },
        tokens: [{ id: "t", value: "secret-token", alternative: "secret", intent: "SPEND", expiresAt: 1 }],
        profile: {
          firstName: "Μαρία",
          demographics: {
            gender: "FEMALE",
            statutoryNumber: "secret",
            passport: { number: "secret", issuingCountryCode: "CYP", expirationDate: 1 }
          }
        }
      },
      nobody
    )
    assert.notMatch(JSON.stringify(profile), /secret/)
    assert.deepInclude(profile, {
      _id: "maria",
      business: "shop",
      first_name: "Μαρία",
      code: "C1",
      referral_code: "MARIA"
    })
    assert.deepStrictEqual(profile["folded"], {
      first_name: "μαρια",
      code: "c1",
      referral_code: "maria",
      id: "maria",
      time_zone: "europe/nicosia",
      country_of_agreement: "",
      currency: "",
      language_code: ""
    })
  })

  it("hold the most that a double can where an amount is more, in a wallet and in an event, and stop nobody", () => {
    const lots = [{ lotId: "l", pocket: "BUSINESS" as const, creditedAt: 0, remaining: 2n ** 53n }]
    const most = Number.MAX_SAFE_INTEGER
    const { wallet } = profileDocument({ id: "shop" }, { ...initial, id: "maria", lots }, nobody)
    assert.deepInclude(wallet, { balance: most, balance_by_pocket: { BUSINESS: most, BUSINESS_COMMERCE: 0 } })
    const event = (amount: bigint) =>
      eventDocuments({
        event: {
          _tag: "FundsCredited",
          lotId: "l",
          pocket: "BUSINESS",
          amount,
          currency: "EUR",
          reason: "MANUAL_JOURNAL",
          counts: true,
          notes: "for her birthday",
          at: row.at
        },
        row
      })
    assert.deepInclude(event(2n ** 60n)[0], { amount: most })
    assert.deepStrictEqual(event(2n ** 53n - 1n), [
      {
        _id: "3/41",
        business: "shop",
        contact: "maria",
        type: "FundsCredited",
        at: row.at,
        sequence: 41,
        lot_id: "l",
        pocket: "BUSINESS",
        amount: Number.MAX_SAFE_INTEGER,
        currency: "EUR",
        reason: "MANUAL_JOURNAL",
        counts: true
      }
    ])
  })

  it("PUR-8: say of a reversal of which award it is, of one that was written before it said so by the stream it stands in", () => {
    const reversed = (more: object) =>
      eventDocuments({
        event: { _tag: "AwardReversed", amount: 90n, at: row.at, ...more },
        row: { ...row, id: "a1" }
      })[0]
    assert.deepInclude(reversed({ awardId: "a1", name: "Points", currency: "EUR", purchaseId: "p1" }), {
      award_id: "a1",
      name: "Points",
      amount: 90,
      currency: "EUR",
      purchase_id: "p1"
    })
    assert.deepInclude(reversed({}), { award_id: "a1", amount: 90 })
  })

  it("are flat for an event, with lists of what its lines say", () => {
    const line = { net: 1n, tax: 0n, total: 1n, quantity: 1 }
    const [posted] = eventDocuments({
      event: {
        _tag: "PurchasePosted",
        receipt: {
          purchaseId: "p",
          code: "AB12",
          contactId: "maria",
          organisationId: "ledra",
          referenceNumber: "R-1",
          amounts: { net: 2n, tax: 0n, total: 2n },
          currency: "EUR",
          totalDefaultCurrency: 2n,
          defaultCurrency: "EUR",
          lines: [
            { productId: "1", sku: "bread", ...line },
            { productId: "2", sku: "pie", name: "Pie", ...line }
          ],
          paymentMediumIdentifier: "400000",
          date: 5,
          fingerprint: "f"
        },
        at: row.at
      },
      row
    })
    assert.deepInclude(posted, { organisation_id: "ledra", amounts_total: 2, lines_sku: ["bread", "pie"], date: 5 })
    assert.notProperty(posted, "payment_medium_identifier")
    assert.notProperty(posted, "fingerprint")
  })

  it("are none for what is not at a contact, and for the domain's own doing", () => {
    const timer = { _tag: "TimerArmed", name: "expiry", firesAt: 1, at: 1 } as const
    const deleted = { _tag: "SegmentDeleted", id: "s", at: 1 } as const
    assert.deepStrictEqual(
      [timer, deleted].flatMap((event) => eventDocuments({ event, row })),
      []
    )
  })

  it("SEG-1, CF-1: of custom fields are numbers and dates too where they are written as such", () => {
    const written = {
      size: "38.5",
      debt: " -12 ",
      spoken: "two",
      comma: "1,5",
      huge: "1".repeat(20),
      hex: "0x10",
      __proto__x: "7",
      "a.b": "3",
      wedding: "2000-02-29",
      never: "2001-02-29",
      short: "2001-2-3",
      greek: "29/02/2000"
    }
    const customFields = Object.entries(written).map(([key, value]) => ({ key, value }))
    const profile = profileDocument({ id: "shop" }, { ...initial, id: "maria", profile: { customFields } }, nobody)
    assert.deepStrictEqual(profile["custom_numbers"], { size: 38.5, debt: -12, __proto__x: 7, "a%2Eb": 3 })
    assert.deepStrictEqual(profile["custom_dates"], { wedding: { year: 2000, month: 2, day: 29 } })
    const none = profileDocument({ id: "shop" }, { ...initial, id: "maria" }, nobody)
    assert.notProperty(none, "custom_numbers")
    assert.deepStrictEqual(locate(catalogue.fields, "custom_numbers.a.b"), {
      field: { path: "custom_numbers", type: "NUMBER", keyed: true },
      place: ["custom_numbers", "a%2Eb"]
    })
    assert.strictEqual(locate(catalogue.fields, "custom_dates.wedding")?.field.type, "DATE")
  })

  it("stand under names that no store gives a meaning to", () => {
    assert.deepStrictEqual(["a.b$%", "0", "__proto__", "constructor", "shoe size", "Ναι"].map(factKey), [
      "a%2Eb%24%25",
      "%30",
      "%5F_proto__",
      "%63onstructor",
      "shoe size",
      "Ναι"
    ])
  })
})

describe("the catalogue", () => {
  it("derives from the schemas: a field that is added to one can be asked for at once", () => {
    assert.deepStrictEqual(
      laterCatalogue.fields.filter(({ path }) => path.startsWith("subscription")),
      [
        { path: "subscription.plan_name", type: "ENUM", values: ["GOLD", "BASIC"] },
        { path: "subscription.monthly_price", type: "AMOUNT" },
        { path: "subscription.renews_at", type: "INSTANT" }
      ]
    )
    assert.deepStrictEqual(laterCatalogue.events.get("SubscriptionRenewed")?.fields, [
      { path: "at", type: "INSTANT" },
      { path: "subscription_type", type: "TEXT" },
      { path: "price", type: "AMOUNT" }
    ])
  })

  it("knows fields by type, custom ones by their key, and what entries of lists have", () => {
    const found = (path: string) => locate(catalogue.fields, path)
    assert.deepStrictEqual(found("interaction_state")?.field, {
      path: "interaction_state",
      type: "ENUM",
      values: ["NEVER_ENGAGED", "ENGAGED", "DORMANT", "RESTING"]
    })
    assert.deepStrictEqual(found("custom_fields.shoe.size"), {
      field: { path: "custom_fields", type: "TEXT", keyed: true },
      place: ["custom_fields", "shoe%2Esize"]
    })
    assert.deepStrictEqual(
      found("communities")?.field.fields?.map(({ path }) => path),
      ["owner", "relationship_id", "state", "sharing"]
    )
    assert.deepStrictEqual(
      [
        "custom_fields",
        "custom_fields.",
        "wallet",
        "tokens",
        "identity.code",
        "wallet_code",
        "folded.code",
        "__proto__"
      ].map(found),
      Array.from({ length: 8 }, () => undefined)
    )
    assert.strictEqual(new Set(profileFields.map(({ name }) => name)).size, profileFields.length)
  })
})
