/**
 * Contacts by chance, from a seed: what the evaluators of conditions are compared on. Instants stand where
 * calendars are awkward: changes of the clock, ends of months, leap days; values come from few, so that conditions hit.
 */
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { initial, type ContactState } from "#domain/contact/ContactState.ts"
import type { ContactEvent, ContactUpdated } from "#domain/contact/ContactEvent.ts"
import type { Profile } from "#domain/contact/Profile.ts"
import type { Span } from "#domain/segment/Condition.ts"
import { type ContactFacts, eventDocuments, profileDocument } from "#domain/segment/Facts.ts"
import { earlier, later } from "#domain/segment/Periods.ts"

export const business = { id: "shop" }
export const zones = ["Europe/Nicosia", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"] as const

const hour = 3_600_000
export const day = 24 * hour

/** mulberry32. */
export class Chance {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }
  is(share: number): boolean {
    return this.next() < share
  }
  one<A>(from: ReadonlyArray<A>): A {
    const chosen = from[this.below(from.length)]
    if (chosen === undefined) throw new Error("there is nothing to choose from")
    return chosen
  }
  some<A>(from: ReadonlyArray<A>, share = 0.5): ReadonlyArray<A> {
    return from.filter(() => this.is(share))
  }
}

const awkward = [
  // The clock goes on and back: Nicosia, New York, Lord Howe (by half an hour).
  "2026-03-29T01:00:00Z",
  "2026-10-25T01:00:00Z",
  "2026-03-08T07:00:00Z",
  "2026-11-01T06:00:00Z",
  "2026-04-04T15:00:00Z",
  "2026-10-03T15:30:00Z",
  "2024-02-29T10:00:00Z",
  "2025-02-28T22:00:00Z",
  "2028-02-29T21:59:59.999Z",
  "2026-03-31T12:00:00Z",
  "2026-05-01T00:00:00Z",
  "2026-12-31T22:00:00Z",
  "2026-08-14T09:30:00Z",
  // Saint George, before and after Easter.
  "2026-04-22T21:00:00Z",
  "2024-05-05T21:00:00Z"
].map((text) => Date.parse(text))

export const instant = (chance: Chance): number => {
  const base = chance.one(awkward)
  return base + chance.one([0, 0, 1, -1, hour, -hour, chance.below(6 * day) - 3 * day])
}

export const span = (chance: Chance): Span =>
  chance.one<Span>([
    { amount: 1, unit: "MONTHS" },
    { amount: 2, unit: "MONTHS" },
    { amount: 13, unit: "MONTHS" },
    { amount: 1, unit: "YEARS" },
    { amount: 18, unit: "YEARS" },
    { amount: 1, unit: "DAYS" },
    { amount: 7, unit: "DAYS" },
    { amount: 30, unit: "DAYS" },
    { amount: 25, unit: "HOURS" },
    { amount: 90, unit: "MINUTES" }
  ])

/** Often at the edge of a span before or after now. */
export const near = (chance: Chance, at: number, timeZone: string): number => {
  const base = chance.is(0.7)
    ? (chance.is(0.75) ? earlier : later)(at, span(chance), timeZone)
    : at - chance.below(90 * day) + chance.below(3 * day)
  return base + chance.one([0, 0, 1, -1, hour, -hour, day, -day])
}

export const names = ["Μαρία", "Μάριος", "Eleni", "ÉLODIE", "Γιώργος", "Ann $pecial", "a.b*c", "Straße"]
const languages = ["ELL", "ENG"]
export const tags = ["vip", "staff", "$odd", "a.b"]
export const owners = ["andreas", "yiayia"]
export const pools = ["coffee", "bread.white"]
const states = ["NEVER_ENGAGED", "ENGAGED", "DORMANT", "RESTING"] as const
const consents = ["PENDING", "ACCEPTED", "REJECTED", "WITHDRAWN"] as const

const contactState = (chance: Chance, id: string, at: number): ContactState => {
  const timeZone = chance.one(zones)
  const maybe = <A>(make: () => A, share = 0.7): A | undefined => (chance.is(share) ? make() : undefined)
  const present = (record: object) =>
    Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
  const monthDay = () =>
    chance.one([
      { month: 2, day: 29 },
      { month: 2, day: 28 },
      { month: 3, day: 1 },
      { month: 12, day: 31 },
      { month: 1, day: 1 },
      { month: 10, day: 25 },
      { month: 1 + chance.below(12), day: 1 + chance.below(28) }
    ])
  const lots = Array.from({ length: chance.below(4) }, (_, index) => ({
    lotId: `lot-${index}`,
    ...chance.one([
      { pocket: "BUSINESS" as const },
      { pocket: "BUSINESS_COMMERCE" as const, poolId: chance.one(pools) }
    ]),
    creditedAt: at - day,
    remaining: BigInt(chance.one([0, 100, 500, 1_000])),
    ...present({ expiresAt: maybe(() => near(chance, at, timeZone)) })
  }))
  return {
    ...initial,
    id,
    timeZone,
    businessTimeZone: timeZone,
    type: chance.one(["PERSON", "COMPANY"]),
    countryOfAgreement: chance.one(["CYP", "GRC"]),
    languageCode: chance.one(languages),
    currency: "EUR",
    emailOptOut: chance.is(0.5),
    registeredAt: near(chance, at, timeZone),
    interactionState: chance.one(states),
    consent: chance.one(consents),
    spendBlocked: chance.is(0.2),
    tags: chance.some(tags),
    activePoolIds: chance.some(pools),
    lots,
    interactions: {
      ...initial.interactions,
      days: chance.is(0.7) ? [Math.floor(at / day) - chance.below(100)] : [],
      counts: [1]
    },
    memberships: chance.some(owners).map((ownerId) => ({
      ownerId,
      relationshipId: `with-${ownerId}`,
      state: chance.one(["PENDING", "ACCEPTED"]),
      sharing: chance.is(0.5),
      revision: 1
    })),
    openActivities: Array.from({ length: chance.below(3) }, (_, index) => ({
      id: `activity-${index}`,
      type: chance.one(["CALL", "VISIT"]),
      ...present({ dueAt: maybe(() => near(chance, at, timeZone)) })
    })),
    profile: present({
      firstName: maybe(() => chance.one(names)),
      email: maybe(() => `${chance.one(["maria", "ann"])}@shop.example`),
      demographics: maybe(() =>
        present({
          gender: maybe(() => chance.one(["FEMALE", "MALE"])),
          dateOfBirth: maybe(() => {
            const date = monthDay()
            const year = date.month === 2 && date.day === 29 ? chance.one([2000, 2004, 2008]) : 1990 + chance.below(36)
            return { year, ...date }
          }),
          nameDay: maybe(monthDay)
        })
      ),
      customFields: maybe(() => [
        { key: "shoe size", value: chance.one(["38", "44"]) },
        { key: "children", value: chance.one(["0", " 2", "2.5", "-1", "two", "1,5"]) },
        { key: "wedding", value: chance.one(["2000-02-29", "2026-11-01", "2026-02-30", "soon", "1999-10-25"]) },
        { key: "a.$b", value: chance.one(["Ναι", "ΟΧΙ\nναι"]) },
        { key: "constructor", value: "x" },
        { key: "0", value: "y" }
      ])
    })
  }
}

const communityState = (chance: Chance, at: number, timeZone: string): CommunityState => ({
  revision: 1,
  relations: ["eleni", "nikos"].slice(chance.below(3)).map((memberId) => ({
    relationshipId: `with-${memberId}`,
    memberId,
    state: chance.one(["PENDING", "ACCEPTED", "REJECTED"]),
    terms: {
      ...(chance.is(0.5) && { group: chance.one(["Οικογένεια", "staff"]) }),
      isAdmin: chance.is(0.3),
      permissions: chance.some(["FULL_ACCESS", "CONTACT_MANAGEMENT"]),
      walletSharing: {
        isEnabled: chance.is(0.6),
        method: "AUTO",
        ...(chance.is(0.6) && { maxAmount: BigInt(chance.one([0, 100, 1_000])) }),
        poolIds: [...chance.some(pools)]
      }
    },
    invitedAt: near(chance, at, timeZone),
    ...(chance.is(0.3) && { expiresAt: near(chance, at, timeZone) }),
    used: { month: "2026-11", amount: 0n }
  })),
  formerUse: []
})

type Made = (chance: Chance, at: number) => ContactEvent

/** Some say what has changed, and what had not been there. */
const profileChange = (chance: Chance): Pick<typeof ContactUpdated.Type, "profile" | "changed" | "previous"> => {
  const profile = (): Profile => ({
    ...(chance.is(0.7) && { firstName: chance.one(names) }),
    ...(chance.is(0.7) && { email: `${chance.one(tags)}@example.com` }),
    ...(chance.is(0.7) && {
      demographics: {
        ...(chance.is(0.5) && { gender: chance.one(["FEMALE", "MALE"] as const) }),
        ...(chance.is(0.5) && { dateOfBirth: { year: 1990, month: 1 + chance.below(3), day: 1 } })
      }
    })
  })
  const changed = ["first_name", "email", "demographics"].filter(() => chance.is(0.5))
  return { profile: profile(), ...(chance.is(0.8) && { changed, previous: profile() }) }
}

const makers: ReadonlyArray<Made> = [
  (chance, at) => ({
    _tag: "PurchasePaid",
    purchaseId: `p-${at}`,
    organisationId: chance.one(["ledra", "akropoli", "Λήδρας"]),
    currency: "EUR",
    total: BigInt(chance.one([100, 500, 1_000, 2_500])),
    counts: chance.is(0.8),
    ...(chance.is(0.3) && { date: at - chance.below(40) * day }),
    ...(chance.is(0.3) && {
      own: {
        entryId: "e",
        amount: 50n,
        parts: [
          { lotId: "l", pocket: "BUSINESS_COMMERCE" as const, poolId: chance.one(pools), creditedAt: 0, amount: 50n }
        ]
      }
    }),
    at
  }),
  (chance, at) => ({
    _tag: "FundsCredited",
    lotId: `l-${at}`,
    pocket: "BUSINESS",
    amount: BigInt(chance.one([100, 500])),
    currency: "EUR",
    reason: chance.one(["MANUAL_JOURNAL", "TRANSFER"]),
    counts: false,
    at
  }),
  (chance, at) => ({ _tag: "InteractionStateChanged", from: chance.one(states), to: chance.one(states), at }),
  (chance, at) => ({ _tag: "ConsentChanged", from: "PENDING", to: chance.one(consents), by: "USER", at }),
  (chance, at) => ({ _tag: "TagsChanged", tags: [...chance.some(tags)], at }),
  (chance, at) => ({ _tag: "PoolActivationChanged", poolId: chance.one(pools), active: chance.is(0.7), at }),
  (chance, at) => ({ _tag: "SpendBlockChanged", blocked: chance.is(0.5), at }),
  (chance, at) => ({
    _tag: "OptOutChanged",
    channel: chance.one(["EMAIL", "SMS"]),
    optedOut: chance.is(0.5),
    by: "LINK",
    at
  }),
  (chance, at) => ({
    _tag: "ContactUpdated",
    ...(chance.is(0.5) && { languageCode: chance.one(languages) }),
    ...(chance.is(0.5) && { emailOptOut: chance.is(0.5) }),
    ...(chance.is(0.5) && { smsOptOut: chance.is(0.5) }),
    ...(chance.is(0.5) && { timeZone: chance.one(zones) }),
    ...profileChange(chance),
    at
  }),
  (chance, at) => ({
    _tag: "MembershipChanged",
    membership: {
      ownerId: chance.one(owners),
      relationshipId: "r",
      state: chance.one(["PENDING", "ACCEPTED", "REJECTED", "ENDED"]),
      sharing: chance.is(0.5),
      revision: 1
    },
    at
  })
]

export const contactFacts = (chance: Chance, id: string, at: number): ContactFacts => {
  const state = contactState(chance, id, at)
  const { type, countryOfAgreement, timeZone, languageCode, currency } = state
  const registered: ContactEvent = {
    _tag: "ContactRegistered",
    contactId: id,
    type,
    countryOfAgreement,
    languageCode,
    currency,
    timeZone,
    emailOptOut: false,
    smsOptOut: false,
    profile: {},
    identity: initial.identity,
    at: near(chance, at, timeZone)
  }
  const happened = Array.from({ length: chance.below(14) }, () =>
    chance.one(makers)(chance, near(chance, at, timeZone))
  )
  const events = [registered, ...happened]
    .toSorted((left, right) => left.at - right.at)
    .flatMap((event, offset) =>
      eventDocuments({ event, row: { business: business.id, key: id, id, shard: 7, offset, at: event.at } })
    )
  return { profile: profileDocument(business, state, communityState(chance, at, timeZone)), events }
}
