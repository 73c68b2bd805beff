import { assert, describe, it } from "@effect/vitest"
import { contact } from "#domain/contact/Contact.ts"
import { claimOf, profileClaims } from "#domain/contact/Claims.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import { mediaMax } from "#domain/contact/ProfileRules.ts"
import type { Phone, Profile } from "#domain/contact/Profile.ts"
import { bakery, noon, registered, registration, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })

const phone = (e164: string): Phone => ({ type: "MOBILE", number: e164, e164 })
const person: Profile = { firstName: "Eleni", lastName: "Georgiou" }
const { identity } = registration("eleni")
const update = (profile: Profile, rest: object = {}) => ({ _tag: "UpdateContact", profile, ...rest }) as const
const done = { _tag: "Done", id: "eleni" } as const

describe("a registration", () => {
  it("INT-1, CTC-2: opens an empty wallet in the currency of the business, and nobody is engaged yet", () => {
    given()
      .when(registration("eleni"))
      .journals(registered("eleni", { at: noon }))
      .answers({
        _tag: "ContactRegisteredAnswer",
        contactId: "eleni",
        identity: { code: "C-eleni", referralCode: "ELENI2", walletCode: "1234567890123456" }
      })
      .leaves(({ contact }) => {
        assert.strictEqual(contact.id, "eleni")
        assert.strictEqual(contact.currency, "EUR")
        assert.strictEqual(contact.timeZone, "Europe/Nicosia")
        assert.strictEqual(contact.interactionState, "NEVER_ENGAGED")
        assert.deepStrictEqual(contact.lots, [])
      })
  })

  it("IDN-1, IDN-2, IDN-3, CIM-1, CIM-3: takes every value by which the contact will be found", () => {
    given()
      .when(
        registration("eleni", {
          profile: { ...person, email: " Eleni@Example.COM ", phone: phone("+35799123456") },
          identity: {
            ...identity,
            referralCode: "eleni2",
            loyaltyIdentifiers: ["LOY-1", "loy-1"],
            cards: [{ hash: "h1", firstSix: "400000", lastFour: "0002" }, { hash: "h1" }],
            giftPasses: ["GIFT-7"]
          }
        })
      )
      .takes(
        { kind: "code", value: "c-eleni", scope: "business" },
        { kind: "referral_code", value: "ELENI2", scope: "business" },
        { kind: "wallet_code", value: "1234567890123456", scope: "network" },
        { kind: "loyalty_identifier", value: "loy-1", scope: "business" },
        { kind: "card", value: "h1", scope: "business" },
        { kind: "gift_pass", value: "gift-7", scope: "business" },
        { kind: "email", value: "eleni@example.com", scope: "business" },
        { kind: "phone", value: "+35799123456", scope: "business" }
      )
      .leaves(({ contact }) => {
        assert.strictEqual(contact.profile.email, "eleni@example.com")
        assert.strictEqual(contact.identity.cards.length, 1)
      })
  })

  it("takes the country of agreement from the business and English as the language, unless they are given", () => {
    given()
      .when(registration("eleni", { countryOfAgreement: "GRC", languageCode: "GRE" }))
      .leaves(({ contact }) => {
        assert.strictEqual(contact.countryOfAgreement, "GRC")
        assert.strictEqual(contact.languageCode, "GRE")
      })
    given()
      .when(registration("eleni"))
      .leaves(({ contact }) => assert.strictEqual(contact.countryOfAgreement, bakery.country))
  })

  it.each([
    ["first_name", "PERSON", { lastName: "Georgiou" }],
    ["last_name", "PERSON", { firstName: "Eleni", lastName: "  " }],
    ["company_name", "PERSON", { ...person, companyName: "Zygos" }],
    ["company_profile", "PERSON", { ...person, companyProfile: {} }],
    ["company_name", "COMPANY", person],
    ["email_address", "PERSON", { ...person, email: "eleni" }],
    ["phone", "PERSON", { ...person, phone: phone("99123456") }]
  ] as const)("needs a sound %s of a %s", (field, type, profile) => {
    const { judgement } = given().when(registration("eleni", { type, profile }))
    assert.deepInclude(judgement, { _tag: "Failure" })
    given().when(registration("eleni", { type, profile })).refusesTag("InvalidContact")
    assert.strictEqual((judgement as { failure?: { field?: string } }).failure?.field, field)
  })

  it("is open to a company with its name alone", () => {
    given()
      .when(registration("zygos", { type: "COMPANY", profile: { companyName: "Zygos" } }))
      .journalsTags("ContactRegistered")
  })

  it.each([
    ["IDN-1", { code: " C-1" }],
    ["IDN-1", { code: "" }],
    ["IDN-2", { walletCode: "123456789012345" }],
    ["IDN-3", { referralCode: "ELEN1" }],
    ["IDN-3", { referralCode: "ELENI-2" }],
    ["CIM-1", { giftPasses: [" "] }],
    ["CIM-2", { cards: [{ hash: "" }] }],
    ["CIM-1", { loyaltyIdentifiers: Array.from({ length: mediaMax + 1 }, (_, index) => `L${index}`) }]
  ])("%s: refuses a value that cannot name anybody: %o", (_, values) => {
    given()
      .when(registration("eleni", { identity: { ...identity, ...values } }))
      .refusesTag("InvalidContact")
  })

  it("IDN-3: accepts a given referral code with characters that generated ones avoid", () => {
    given()
      .when(registration("eleni", { identity: { ...identity, referralCode: "O0I1AB" } }))
      .journalsTags("ContactRegistered")
  })

  it("happens once", () => {
    given(registered("eleni")).when(registration("eleni")).refuses({ _tag: "ContactAlreadyRegistered", id: "eleni" })
  })

  it("comes before everything else that a contact can be asked", () => {
    given().when(update({})).refusesTag("ContactNotFound")
    given().when({ _tag: "ExpireLots" }).refusesTag("ContactNotFound")
  })
})

describe("an update", () => {
  const history = registered("eleni", {
    profile: {
      ...person,
      email: "eleni@example.com",
      phone: phone("+35799123456"),
      demographics: { gender: "FEMALE", nameDay: { month: 5, day: 21 } },
      customFields: [
        { key: "size", value: "M" },
        { key: "milk", value: "oat" }
      ]
    }
  })

  it("keeps what it does not mention, also within a group of fields", () => {
    given(history)
      .when(
        update({
          lastName: "Ioannou",
          demographics: { gender: "OTHER" },
          customFields: [{ key: "milk", value: "soy" }]
        })
      )
      .answers(done)
      .leaves(({ contact }) =>
        assert.deepStrictEqual(contact.profile, {
          firstName: "Eleni",
          lastName: "Ioannou",
          email: "eleni@example.com",
          phone: phone("+35799123456"),
          demographics: { gender: "OTHER", nameDay: { month: 5, day: 21 } },
          customFields: [
            { key: "size", value: "M" },
            { key: "milk", value: "soy" }
          ]
        })
      )
  })

  it("UNQ-5, CIM-3: releases the old e-mail and phone and takes the new ones in the same decision", () => {
    given(history)
      .when(update({ email: "New@example.com", phone: phone("+35799000000") }))
      .takes(claimOf("email", "new@example.com"), claimOf("phone", "+35799000000"))
      .releases(claimOf("email", "eleni@example.com"), claimOf("phone", "+35799123456"))
  })

  it("UNQ-3: sees the same address in other letters, and the same number written otherwise, as no change", () => {
    const sameNumber: Phone = { type: "MOBILE", number: "99 123456", e164: "+35799123456" }
    given(history)
      .when(update({ email: " ELENI@EXAMPLE.COM" }))
      .journals()
      .takes()
    given(history)
      .when(update({ phone: sameNumber }))
      .journalsTags("ContactUpdated")
      .takes()
      .releases()
  })

  it("AUT-9: tells what really changed, and what it was before", () => {
    const changed = given(history).when(update({ email: "New@example.com", firstName: "Eleni" }, { emailOptOut: true }))
    const { events } = changed.decision
    const [event] = events
    assert.deepInclude(event, {
      changed: ["email_opt_out", "email"],
      previous: { emailOptOut: false, email: "eleni@example.com" },
      before: { emailOptOut: false }
    })
  })

  it("IDN-1, IDN-3: may repeat type, code and referral code", () => {
    given(history)
      .when(update({}, { type: "PERSON", code: "C-eleni", referralCode: "eleni2" }))
      .journals()
      .answers(done)
  })

  it.each([
    ["IDN-1", "type", { type: "COMPANY" }],
    ["IDN-1", "code", { code: "C-other" }],
    ["IDN-3", "referral_code", { referralCode: "OTHER2" }]
  ])("%s: never changes the %s", (_, field, values) => {
    given(history).when(update({}, values)).refuses({ _tag: "ImmutableField", field })
  })

  it("cannot take a person's name away", () => {
    given(history)
      .when(update({ firstName: "" }))
      .refusesTag("InvalidContact")
  })

  it("lives in the business's zone, or in the one that was said; its interactions are dated in the business's (INT-4)", () => {
    const { contact: usual } = given(history).states
    assert.deepStrictEqual([usual.timeZone, usual.businessTimeZone], [bakery.timeZone, bakery.timeZone])
    const moved = given(history).when(update({}, { timeZone: "America/New_York" }))
    moved.leaves(({ contact }) =>
      assert.deepStrictEqual([contact.timeZone, contact.businessTimeZone], ["America/New_York", bakery.timeZone])
    )
    assert.deepInclude(moved.decision.events[0], { changed: ["time_zone"], previous: { timeZone: bakery.timeZone } })
    given(history)
      .when(update({}, { timeZone: bakery.timeZone }))
      .journals()
    given()
      .when({ ...registration("eleni"), timeZone: "Asia/Tokyo" })
      .leaves(({ contact }) =>
        assert.deepStrictEqual([contact.timeZone, contact.businessTimeZone], ["Asia/Tokyo", bakery.timeZone])
      )
  })

  it.each(["Mars/Olympus", "+02:00", "Europe/Nicosia "])("cannot live in %j", (timeZone) => {
    given(history).when(update({}, { timeZone })).refusesTag("InvalidContact")
    given()
      .when({ ...registration("eleni"), timeZone })
      .refusesTag("InvalidContact")
  })

  it("MKT-1: says who opted out where she was registered so", () => {
    const optedOut = given().when({ ...registration("eleni"), smsOptOut: true, optOutBy: "USER" })
    assert.deepInclude(optedOut.decision.events[0], { smsOptOut: true, emailOptOut: false, optOutBy: "USER" })
    const not = given().when({ ...registration("eleni"), optOutBy: "USER" })
    assert.notProperty(not.decision.events[0], "optOutBy")
  })

  it("changes language and opt-outs, and writes down only what is new", () => {
    given(history)
      .when(update({}, { languageCode: "GRE", emailOptOut: false, smsOptOut: true }))
      .leaves(({ contact }) => assert.isTrue(contact.smsOptOut && !contact.emailOptOut))
      .decision.events.forEach((event) => assert.notProperty(event, "emailOptOut"))
  })
})

describe("media that identify", () => {
  const add = (values: Partial<typeof identity>) =>
    ({
      _tag: "AddIdentifiers",
      identity: { loyaltyIdentifiers: [], cards: [], giftPasses: [], ...values }
    }) as const
  const history = registered("eleni", { identity: { ...identity, loyaltyIdentifiers: ["LOY-1"] } })

  it("CIM-1: are added, each value once, and claimed", () => {
    given(history)
      .when(add({ loyaltyIdentifiers: ["loy-1", "LOY-2"], giftPasses: ["G1"] }))
      .takes(claimOf("loyalty_identifier", "LOY-2"), claimOf("gift_pass", "G1"))
      .leaves(({ contact }) => assert.deepStrictEqual(contact.identity.loyaltyIdentifiers, ["LOY-1", "LOY-2"]))
  })

  it("CIM-2: hold of a card its hash and what may be shown of it", () => {
    given(history)
      .when(add({ cards: [{ hash: "h1", lastFour: "0002" }] }))
      .takes(claimOf("card", "h1"))
      .leaves(({ contact }) => assert.deepStrictEqual(contact.identity.cards, [{ hash: "h1", lastFour: "0002" }]))
  })

  it("CIM-1: that are known already change nothing", () => {
    given(history)
      .when(add({ loyaltyIdentifiers: ["loy-1"] }))
      .journals()
      .takes()
      .answers(done)
  })

  it("CIM-1: are bounded in number", () => {
    const many = Array.from({ length: mediaMax }, (_, index) => `L${index}`)
    given(history)
      .when(add({ loyaltyIdentifiers: many }))
      .refusesTag("InvalidContact")
  })
})

describe("a claim", () => {
  it("UNQ-3: compares trimmed, in one Unicode form and in one case", () => {
    assert.deepStrictEqual(claimOf("email", " Ελένη@Example.com"), claimOf("email", "ελένη@EXAMPLE.com "))
    assert.deepStrictEqual(claimOf("code", "ﬁn"), claimOf("code", "FIN"))
    assert.deepStrictEqual(claimOf("referral_code", "ab12cd"), claimOf("referral_code", "AB12CD"))
  })

  it("IDN-2: of a wallet code holds in the whole network, all others within the business", () => {
    assert.strictEqual(claimOf("wallet_code", "1").scope, "network")
    assert.deepStrictEqual(
      profileClaims({ email: "a@b.cy", phone: phone("+35799123456") }).map((claim) => claim.scope),
      ["business", "business"]
    )
  })
})

describe("the turn", () => {
  it("dates a registration, whatever clock sent it", () => {
    const { decision } = given().when(registration("eleni"), turnAt(noon + 5))
    assert.deepInclude(decision.events[0], { at: noon + 5 })
  })
})
