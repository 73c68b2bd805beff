/** What each condition means, said by example; the reference and the compiled predicate are both asked. */
import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { catalogue } from "#domain/segment/Catalogue.ts"
import type { Condition } from "#domain/segment/Condition.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { explain } from "#domain/segment/Explain.ts"
import { type ContactFacts, eventDocuments, profileDocument } from "#domain/segment/Facts.ts"
import { isIn } from "#domain/segment/Reference.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"

const at = (text: string): number => Date.parse(text)
const now = at("2026-11-22T10:00:00Z")
const day = 86_400_000

const factsOf = (state: Partial<ContactState>, ...events: ReadonlyArray<ContactEvent>): ContactFacts => ({
  profile: profileDocument({ id: "shop" }, { ...initial, id: "maria", timeZone: "Europe/Nicosia", ...state }, nobody),
  events: events.flatMap((event, offset) =>
    eventDocuments({ event, row: { business: "shop", key: "maria", id: "maria", shard: 1, offset, at: event.at } })
  )
})

const purchase = (total: bigint, at: number): ContactEvent => ({
  _tag: "PurchasePaid",
  purchaseId: `p-${at}`,
  organisationId: "ledra",
  currency: "EUR",
  total,
  counts: true,
  at
})
const became = (to: "DORMANT" | "ENGAGED", at: number): ContactEvent => ({
  _tag: "InteractionStateChanged",
  from: "NEVER_ENGAGED",
  to,
  at
})

const maria = factsOf(
  {
    countryOfAgreement: "CYP",
    registeredAt: now - 100 * day,
    tags: ["vip", "early bird"],
    consent: "ACCEPTED",
    lots: [
      { lotId: "a", pocket: "BUSINESS", creditedAt: 0, remaining: 700n },
      {
        lotId: "b",
        pocket: "BUSINESS_COMMERCE",
        poolId: "coffee",
        creditedAt: 0,
        remaining: 300n,
        expiresAt: now + day
      }
    ],
    memberships: [{ ownerId: "andreas", relationshipId: "r", state: "ACCEPTED", sharing: true, revision: 1 }],
    profile: {
      firstName: "Μαρίας",
      email: "maria@shop.example",
      demographics: { dateOfBirth: { year: 1990, month: 11, day: 25 }, nameDay: { month: 8, day: 15 } },
      customFields: [{ key: "shoe.size", value: "38" }]
    }
  },
  purchase(500n, now - 40 * day),
  became("ENGAGED", now - 40 * day),
  purchase(1_200n, now - 10 * day),
  purchase(300n, now - day)
)

/** Maria is a regular for forty days. */
const memberSince = (segment: string) => (segment === "regulars" ? now - 40 * day : undefined)

const judged = (condition: Condition, facts = maria, instant = now): boolean => {
  const sets = [{ conditions: [condition] }]
  assert.isUndefined(objectionTo(sets, catalogue, () => true))
  const expected = isIn(sets, facts, instant, memberSince)
  assert.strictEqual(compile(sets)(facts, instant, memberSince).holds, expected)
  const opposite = condition.type === "NOT" ? condition.condition : ({ type: "NOT", condition } as const)
  assert.strictEqual(isIn([{ conditions: [opposite] }], facts, instant, memberSince), !expected)
  return expected
}
const until = (condition: Condition, facts = maria, instant = now) =>
  compile([{ conditions: [condition] }])(facts, instant, memberSince).until

const comparison = (field: string, operator: string, value: unknown) =>
  ({ type: "COMPARISON", field, operator, value }) as Condition

describe("a condition", () => {
  it.each([
    ["country_of_agreement", "EQUAL", "CYP", true],
    ["country_of_agreement", "EQUAL", "cyp", false],
    ["country_of_agreement", "NOT_EQUAL", "GRC", true],
    ["wallet.balance", "GREATER", 999, true],
    ["wallet.balance", "GREATER", 1_000, false],
    ["wallet.balance", "GREATER_OR_EQUAL", 1_000, true],
    ["wallet.balance", "LESS", 1_000, false],
    ["wallet.balance", "LESS_OR_EQUAL", 1_000, true],
    ["wallet.balance_by_pocket.BUSINESS_COMMERCE", "EQUAL", 300, true],
    ["wallet.balance_by_pool.coffee", "EQUAL", 300, true],
    ["wallet.balance_by_pool.bread", "LESS", 300, false],
    ["wallet.lots", "EQUAL", 2, true],
    ["custom_fields.shoe.size", "EQUAL", "38", true],
    ["custom_fields.constructor", "NOT_EQUAL", "x", true],
    ["consent", "IN", ["PENDING", "ACCEPTED"], true],
    ["consent", "NOT_IN", ["PENDING", "ACCEPTED"], false],
    ["last_name", "EQUAL", "", false],
    ["last_name", "NOT_EQUAL", "Georgiou", true],
    ["last_name", "IN", ["Georgiou"], false],
    ["last_name", "NOT_IN", ["Georgiou"], true],
    ["spend_blocked", "EQUAL", false, true]
  ])("SEG-1: compares: %s %s %s is %s", (field, operator, value, expected) => {
    assert.strictEqual(judged(comparison(field, operator, value)), expected)
  })

  it.each([
    ["IS", "ΜΑΡΙΑΣ", true],
    ["CONTAINS", "αρι", true],
    ["STARTS_WITH", "Μά", true],
    ["ENDS_WITH", "σ", true],
    ["ENDS_WITH", "α", false],
    ["MATCHES", "^Μ.*ς$", true],
    ["MATCHES", "^μ", false],
    ["MATCHES", "(?i)^μ", true]
  ] as const)("SEG-1: reads text without case and accents: %s %s is %s", (operator, value, expected) => {
    assert.strictEqual(judged({ type: "TEXT", field: "first_name", operator, value }), expected)
    assert.isFalse(judged({ type: "TEXT", field: "last_name", operator, value }))
  })

  it("SEG-1: looks for a value, and for entries of a list", () => {
    const exists = (field: string) => judged({ type: "EXISTENCE", field, exists: true })
    assert.deepStrictEqual(
      ["email", "last_name", "tags", "open_activities", "communities", "wallet.next_expiry_at"].map(exists),
      [true, false, true, false, true, true]
    )
    const has = (operator: "HAS_ANY" | "HAS_ALL" | "HAS_NONE", ...values: ReadonlyArray<string>) =>
      judged({ type: "LIST", field: "tags", operator, values })
    assert.deepStrictEqual(
      [
        has("HAS_ANY", "vip", "x"),
        has("HAS_ALL", "vip", "x"),
        has("HAS_ALL", "vip", "early bird"),
        has("HAS_NONE", "x")
      ],
      [true, false, true, true]
    )
    const any = (owner: string) =>
      judged({
        type: "ANY",
        field: "communities",
        where: [
          { type: "COMPARISON", field: "owner", operator: "EQUAL", value: owner },
          { type: "COMPARISON", field: "sharing", operator: "EQUAL", value: true }
        ]
      })
    assert.deepStrictEqual([any("andreas"), any("yiayia")], [true, false])
  })

  it("SEG-1: counts, adds up and looks at the first and the last of what happened", () => {
    const count = (value: number, days: number) =>
      judged({
        type: "COUNT",
        event: "PurchasePaid",
        where: [{ type: "COMPARISON", field: "total", operator: "GREATER", value: 400 }],
        window: { last: { amount: days, unit: "DAYS" } },
        operator: "EQUAL",
        value
      })
    assert.deepStrictEqual([count(2, 41), count(1, 40), count(0, 10)], [true, true, true])
    const sum = (value: number, from: number) =>
      judged({ type: "SUM", event: "PurchasePaid", field: "total", window: { from }, operator: "EQUAL", value })
    assert.deepStrictEqual([sum(2_000, 0), sum(1_500, now - 10 * day), sum(0, now)], [true, true, true])
    const endmost = (type: "FIRST" | "LAST", event: string, value: number) =>
      judged({ type, event, is: [{ type: "COMPARISON", field: "total", operator: "EQUAL", value }] })
    assert.deepStrictEqual([endmost("FIRST", "PurchasePaid", 500), endmost("LAST", "PurchasePaid", 300)], [true, true])
    assert.isFalse(judged({ type: "LAST", event: "FundsCredited", is: [] }))
  })

  it("SEG-3: a purchase leaves its window at the exact millisecond, and nothing else does", () => {
    const condition: Condition = {
      type: "COUNT",
      event: "PurchasePaid",
      window: { last: { amount: 30, unit: "DAYS" } },
      operator: "GREATER_OR_EQUAL",
      value: 2
    }
    const leaves = now - 10 * day + 30 * day
    assert.strictEqual(until(condition), leaves)
    assert.isTrue(judged(condition, maria, leaves - 1))
    assert.isFalse(judged(condition, maria, leaves))
  })

  it("SEG-3: months end with the month, and keep the time of day over a change of the clock", () => {
    const condition: Condition = {
      type: "COUNT",
      event: "PurchasePaid",
      window: { last: { amount: 1, unit: "MONTHS" } },
      operator: "EQUAL",
      value: 1
    }
    // Noon of 31 January in Nicosia is kept until noon of 28 February; noon of 5 March, until noon of summer time.
    const january = at("2026-01-31T10:00:00Z")
    assert.strictEqual(until(condition, factsOf({}, purchase(1n, january)), january), at("2026-02-28T10:00:00Z"))
    const march = at("2026-03-05T10:00:00Z")
    assert.strictEqual(until(condition, factsOf({}, purchase(1n, march)), march), at("2026-04-05T09:00:00Z"))
  })

  it("SEG-1: tells what has come, what is long ago and what is to come", () => {
    const recency = (field: string, operator: "IN_LAST" | "LONGER_AGO" | "IN_NEXT", amount: number): Condition => ({
      type: "RECENCY",
      field,
      operator,
      span: { amount, unit: "DAYS" }
    })
    assert.isFalse(judged(recency("registered_at", "IN_LAST", 100)))
    assert.isTrue(judged(recency("registered_at", "IN_LAST", 101)))
    assert.isTrue(judged(recency("registered_at", "LONGER_AGO", 100)))
    assert.isTrue(judged(recency("wallet.next_expiry_at", "IN_NEXT", 1)))
    assert.strictEqual(until(recency("wallet.next_expiry_at", "IN_NEXT", 1)), now + day)
    assert.isFalse(judged(recency("last_interaction_at", "LONGER_AGO", 1)))
    const adult: Condition = {
      type: "RECENCY",
      field: "demographics.date_of_birth",
      operator: "LONGER_AGO",
      span: { amount: 36, unit: "YEARS" }
    }
    // Her 36th birthday begins at midnight in Nicosia.
    assert.strictEqual(until(adult), at("2026-11-24T22:00:00Z"))
    const date = (operator: "BEFORE" | "AFTER", at: number): Condition => ({
      type: "DATE",
      field: "registered_at",
      operator,
      at
    })
    const registered = now - 100 * day
    assert.deepStrictEqual(
      [date("BEFORE", registered), date("AFTER", registered), date("BEFORE", registered + 1)].map((each) =>
        judged(each)
      ),
      [false, true, true]
    )
  })

  it("SEG-1: keeps birthdays in the contact's zone, and 29 February on the 28th where there is none", () => {
    const anniversary = (
      operator: "TODAY" | "IN_NEXT_DAYS" | "IN_MONTH" | "THIS_MONTH",
      value?: number
    ): Condition => ({
      type: "ANNIVERSARY",
      field: "demographics.date_of_birth",
      operator,
      ...(value !== undefined && { value })
    })
    const birthday = at("2026-11-24T22:00:00Z")
    assert.isFalse(judged(anniversary("TODAY"), maria, birthday - 1))
    assert.isTrue(judged(anniversary("TODAY"), maria, birthday))
    assert.strictEqual(until(anniversary("TODAY"), maria, birthday), birthday + day)
    assert.deepStrictEqual(
      [2, 3].map((days) => judged(anniversary("IN_NEXT_DAYS", days))),
      [false, true]
    )
    assert.isTrue(judged(anniversary("IN_MONTH", 11)))
    assert.isTrue(judged(anniversary("THIS_MONTH")))
    const leap = factsOf({ profile: { demographics: { dateOfBirth: { year: 2000, month: 2, day: 29 } } } })
    const keeps = (text: string) => judged(anniversary("TODAY"), leap, at(text))
    assert.deepStrictEqual(
      ["2026-02-28T12:00:00Z", "2026-03-01T12:00:00Z", "2028-02-28T12:00:00Z", "2028-02-29T12:00:00Z"].map(keeps),
      [true, false, false, true]
    )
  })

  it("SEG-1, SEG-3: knows since when a field has had its value", () => {
    const hasBeen = (amount: number): Condition => ({
      type: "HAS_BEEN",
      field: "interaction_state",
      value: "ENGAGED",
      span: { amount, unit: "DAYS" }
    })
    assert.deepStrictEqual([judged(hasBeen(40)), judged(hasBeen(41))], [true, false])
    assert.strictEqual(until(hasBeen(41)), now + day)
    const again = factsOf(
      {},
      became("ENGAGED", now - 9 * day),
      became("DORMANT", now - 6 * day),
      became("ENGAGED", now - 3 * day)
    )
    assert.deepStrictEqual([judged(hasBeen(3), again), judged(hasBeen(4), again)], [true, false])
  })

  it("SEG-3: waits for whichever entry of a list comes to its time first", () => {
    const due = (id: string, dueAt: number) => ({ id, type: "CALL", dueAt })
    const busy = factsOf({ openActivities: [due("a", now + 2 * day), due("b", now + 9 * day)] })
    const span = { amount: 1, unit: "DAYS" } as const
    const soon: Condition = {
      type: "ANY",
      field: "open_activities",
      where: [{ type: "RECENCY", field: "due_at", operator: "IN_NEXT", span }]
    }
    assert.isFalse(judged(soon, busy))
    assert.strictEqual(until(soon, busy), now + day)
    assert.strictEqual(until(soon, busy, now + day), now + 2 * day)
    assert.strictEqual(until(soon, busy, now + 2 * day), now + 8 * day)
  })

  it("SEG-5: asks for the members of another segment at the same instant", () => {
    assert.isTrue(judged({ type: "MEMBER", segment: "regulars" }))
    assert.isFalse(judged({ type: "MEMBER", segment: "others" }))
  })

  it("SEG-1, SEG-3: knows for how long a member has been one", () => {
    const member = (operator: "AT_LEAST" | "LESS_THAN", amount: number, segment = "regulars"): Condition => ({
      type: "MEMBER",
      segment,
      for: { operator, span: { amount, unit: "DAYS" } }
    })
    assert.deepStrictEqual([judged(member("AT_LEAST", 40)), judged(member("AT_LEAST", 41))], [true, false])
    assert.deepStrictEqual([judged(member("LESS_THAN", 40)), judged(member("LESS_THAN", 41))], [false, true])
    assert.deepStrictEqual(
      [until(member("AT_LEAST", 41)), until(member("LESS_THAN", 41)), until(member("LESS_THAN", 40))],
      [now + day, now + day, undefined]
    )
    // Who is not in it has been in it for no time at all, not even for a short one.
    assert.deepStrictEqual(
      [judged(member("AT_LEAST", 1, "others")), judged(member("LESS_THAN", 1, "others"))],
      [false, false]
    )
    const sets = [{ conditions: [member("AT_LEAST", 41)] }]
    assert.deepStrictEqual(explain(sets, maria, now, memberSince), [
      {
        holds: false,
        conditions: [{ holds: false, expected: member("AT_LEAST", 41), actual: now - 40 * day, until: now + day }]
      }
    ])
  })

  it("explains itself: what it found, what it wants, and until when that is so", () => {
    const vip: Condition = { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["vip"] }
    const rich: Condition = { type: "COMPARISON", field: "wallet.balance", operator: "GREATER", value: 5_000 }
    const soon: Condition = {
      type: "ANNIVERSARY",
      field: "demographics.date_of_birth",
      operator: "IN_NEXT_DAYS",
      value: 7
    }
    const sets = [{ conditions: [vip, rich] }, { conditions: [soon] }]
    assert.deepStrictEqual(
      explain(sets, maria, now, () => undefined),
      [
        {
          holds: false,
          conditions: [
            { holds: true, expected: vip, actual: ["vip", "early bird"] },
            { holds: false, expected: rich, actual: 1_000 }
          ]
        },
        {
          holds: true,
          conditions: [
            {
              holds: true,
              expected: soon,
              actual: { year: 1990, month: 11, day: 25 },
              until: at("2026-11-25T22:00:00Z")
            }
          ]
        }
      ]
    )
  })

  it("lets everybody in who meets any set, and everybody in where a set asks for nothing", () => {
    const poor = { conditions: [comparison("wallet.balance", "LESS", 10)] }
    const none = compile([poor])(maria, now, () => undefined)
    const all = compile([poor, { conditions: [] }])(maria, now, () => undefined)
    assert.deepStrictEqual(
      [none, all],
      [
        { holds: false, until: undefined },
        { holds: true, until: undefined }
      ]
    )
  })
})
