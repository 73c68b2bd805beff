/**
 * The whole domain under random use: one business, four contacts, two communities; credits, awards, transfers, invitations,
 * purchases, cancels, reversals, blocks, changed limits and passing time, while messages between keys are delivered late, in any
 * order and more than once. After every step money is counted anew from the journal alone (P3, P4), and when everything
 * has been delivered nothing may hang in between (P10).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Command } from "#domain/Command.ts"
import { relationWith } from "#domain/community/Community.ts"
import type { Event } from "#domain/Event.ts"
import { sum } from "#domain/shared/Money.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import type { DomainWorld, Entry } from "../support/DomainWorld.ts"
import { dayMs } from "../support/Given.ts"
import { household, invitation, journal, line, people, receipt, sharing } from "../support/Household.ts"

const owners = ["andreas", "yiayia"] as const
const pools = [undefined, "coffee", "any", "month"] as const
const references = ["A", "B", "C", "D", "E", "F"] as const

const Person = Schema.Literals(people)
const Owner = Schema.Literals(owners)
const Cents = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 400 }))
const Pool = Schema.Literals([0, 1, 2, 3])
const Index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 7 }))
const Limit = Schema.Literals(["none", "low", "high"])

const Buy = Schema.TaggedStruct("Buy", {
  person: Person,
  reference: Schema.Literals(references),
  cents: Cents,
  restrict: Schema.Boolean,
  from: Schema.Literals([...owners, "unnamed", "unnamed"])
})

/** What is repeated happens more often. */
const Step = Schema.Union([
  Schema.TaggedStruct("Credit", { person: Person, cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Debit", { person: Person, cents: Cents }),
  Schema.TaggedStruct("Transfer", { person: Person, to: Person, cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Invite", { owner: Owner, person: Person, atOnce: Schema.Boolean, limit: Limit, pool: Pool }),
  Schema.TaggedStruct("Respond", { owner: Owner, person: Person, accept: Schema.Boolean }),
  Schema.TaggedStruct("Update", { owner: Owner, person: Person, limit: Limit, pool: Pool }),
  Schema.TaggedStruct("Leave", { owner: Owner, person: Person }),
  Buy,
  Buy,
  Buy,
  Schema.TaggedStruct("BuyAgain", { person: Person, reference: Schema.Literals(references), cents: Cents }),
  Schema.TaggedStruct("Cancel", { index: Index }),
  Schema.TaggedStruct("Cancel", { index: Index }),
  Schema.TaggedStruct("Award", { index: Index, cents: Cents, pool: Pool, isForPurchase: Schema.Boolean }),
  Schema.TaggedStruct("Reverse", { index: Index }),
  Schema.TaggedStruct("Block", { person: Person, blocked: Schema.Boolean }),
  Schema.TaggedStruct("Deliver", { index: Index }),
  Schema.TaggedStruct("Deliver", { index: Index }),
  Schema.TaggedStruct("Deliver", { index: Index }),
  Schema.TaggedStruct("Redeliver", { index: Index }),
  Schema.TaggedStruct("Settle", {}),
  Schema.TaggedStruct("Pass", { days: Index }),
  Schema.TaggedStruct("Sleep", { days: Index }),
  Schema.TaggedStruct("Order", { memberFirst: Schema.Boolean })
])
type Step = typeof Step.Type

const termsOf = (limit: typeof Limit.Type, pool: typeof Pool.Type) => {
  const poolId = pools[pool]
  return sharing({
    poolIds: poolId === undefined ? [] : [poolId],
    ...(limit !== "none" && { maxAmount: limit === "low" ? 150n : 500n })
  })
}

const purchaseIdOf = (person: string, reference: string): string => `purchase-${person}-${reference}`

const bought = (world: DomainWorld, step: Extract<Step, { _tag: "Buy" | "BuyAgain" }>): Command => {
  const { person, reference } = step
  const total = BigInt(step.cents)
  return receipt(total, {
    purchaseId: purchaseIdOf(person, reference),
    contactId: person,
    referenceNumber: reference,
    lines: [line("coffee", total / 3n), line("pie", total - total / 3n)],
    spendRequest: { restrictFullyCovered: step._tag === "Buy" && step.restrict },
    ...(step._tag === "Buy" && step.from !== "unnamed" && { communityId: step.from }),
    entryId: world.id("entry"),
    drawId: world.id("draw"),
    fingerprint: `${total}`
  })
}

/** One that was paid or waits to be, counted from the latest. */
const recentPurchase = (world: DomainWorld, index: number) => {
  const opened = world.journal.flatMap(({ key, event }) =>
    (event._tag === "PurchasePosted" || event._tag === "PurchaseOpened") && event.receipt !== undefined
      ? [{ person: key, purchaseId: event.receipt.purchaseId }]
      : []
  )
  return opened.at(-1 - index) ?? { person: "eleni", purchaseId: "none" }
}

/** Of an award that was given, counted from the latest. */
const recentReversal = (world: DomainWorld, index: number): readonly [string, Command] | undefined => {
  const given = world.journal.flatMap(({ key, event }) =>
    event._tag === "AwardGiven" ? [{ key, ...event.award }] : []
  )
  const award = given.at(-1 - index)
  if (award === undefined) return undefined
  const { key, awardId, purchaseId } = award
  return [key, { _tag: "ReverseAward", awardId, ...(purchaseId !== undefined && { purchaseId }) }]
}

/** What a step asks for, and of whom; the steps that only move time or messages ask for nothing. */
const commandOf = (world: DomainWorld, step: Step): readonly [string, Command] | undefined => {
  switch (step._tag) {
    case "Credit":
      return [step.person, journal("CREDIT", BigInt(step.cents), world.id("credit"), pools[step.pool])]
    case "Debit":
      return [step.person, journal("DEBIT", BigInt(step.cents), world.id("debit"))]
    case "Transfer": {
      const poolId = pools[step.pool]
      const pool = poolId !== undefined && { poolId }
      const destinationId = step.to === "nikos" ? "nobody" : step.to
      const amount = BigInt(step.cents)
      return [
        step.person,
        { _tag: "SendTransfer", transferId: world.id("transfer"), destinationId, amount, currency: "EUR", ...pool }
      ]
    }
    case "Invite": {
      const terms = termsOf(step.limit, step.pool)
      const relationshipId = world.id("relation")
      return [step.owner, invitation(step.person, { relationshipId, joinsAtOnce: step.atOnce, terms })]
    }
    case "Respond": {
      const relationshipId = relationWith(world.community(step.owner), step.person)?.relationshipId ?? "none"
      const action = step.accept ? "ACCEPT" : "REJECT"
      return [step.owner, { _tag: "RespondToInvitation", relationshipId, memberId: step.person, action }]
    }
    case "Update": {
      const relationshipId = relationWith(world.community(step.owner), step.person)?.relationshipId ?? "none"
      return [step.owner, { _tag: "UpdatePerson", relationshipId, terms: termsOf(step.limit, step.pool) }]
    }
    case "Leave":
      return [step.owner, { _tag: "LeaveCommunity", memberId: step.person }]
    case "Buy":
    case "BuyAgain":
      return [step.person, bought(world, step)]
    case "Cancel": {
      const { person, purchaseId } = recentPurchase(world, step.index)
      return [person, { _tag: "CancelPurchase", purchaseId, entryId: world.id("cancel") }]
    }
    case "Award": {
      const { person, purchaseId } = recentPurchase(world, step.index)
      const poolId = pools[step.pool]
      const made = { awardId: world.id("award"), name: "points", currency: "EUR" }
      const conditions = { ...(poolId !== undefined && { poolId }), ...(step.isForPurchase && { purchaseId }) }
      const worth = { _tag: "Amount", amount: BigInt(step.cents) } as const
      return [person, { _tag: "GiveAward", ...made, ...conditions, worth }]
    }
    case "Reverse":
      return recentReversal(world, step.index)
    case "Block":
      return [step.person, { _tag: "ChangeSpendBlock", blocked: step.blocked }]
    default:
      return undefined
  }
}

const perform = (world: DomainWorld, step: Step): void => {
  const asked = commandOf(world, step)
  if (asked !== undefined) return void world.ask(...asked)
  switch (step._tag) {
    case "Deliver":
      return world.deliver(step.index % Math.max(1, world.messages.length))
    case "Redeliver":
      return world.redeliver(step.index % Math.max(1, world.delivered.length))
    case "Settle":
      return world.settle()
    case "Pass":
      return world.passUntil(world.now + step.days * 3 * dayMs)
    case "Sleep":
      return world.sleepUntil(world.now + step.days * 3 * dayMs)
    case "Order": {
      const sharingOrder = step.memberFirst ? "MEMBER_FIRST" : "OWNER_FIRST"
      world.business = { ...world.business, settings: { ...world.business.settings, sharingOrder } }
      return
    }
    default:
  }
}

const signOf = (event: Event): 1n | -1n | undefined =>
  event._tag === "FundsCredited" || event._tag === "FundsReturned" || event._tag === "PurchaseReversed"
    ? 1n
    : event._tag === "FundsDebited" || event._tag === "PurchasePaid"
      ? -1n
      : undefined

/** What an event moves in the wallet of its own key. */
const ownAmount = (event: Event): bigint => {
  const sign = signOf(event)
  if (sign === undefined) return 0n
  const amount = "own" in event ? (event.own?.amount ?? 0n) : "amount" in event ? event.amount : 0n
  return typeof amount === "bigint" ? sign * amount : 0n
}

/** The books of an auditor, who has the journal and nothing else. */
interface Books {
  read: number
  readonly balances: Map<string, bigint>
  /** Money that has left one key and not arrived at, or come back from, the other. */
  readonly transit: Map<string, bigint>
  /** What each member has used of each month, by owner. */
  readonly months: Map<string, bigint>
  /** Money from outside, less what has left for good. */
  inside: bigint
  readonly limits: Map<string, bigint | undefined>
}

const add = (amounts: Map<string, bigint>, key: string, amount: bigint): void => {
  amounts.set(key, (amounts.get(key) ?? 0n) + amount)
}

const bookTransit = ({ transit }: Books, event: Event): void => {
  switch (event._tag) {
    case "FundsDebited":
      if (event.reason === "WALLET_SHARING") return add(transit, `draw ${event.drawId}`, event.amount)
      if (event.reason === "TRANSFER") return add(transit, `transfer ${event.transferId}`, event.amount)
      return
    case "FundsReturned":
      if (event.reason === "TRANSFER") return add(transit, `transfer ${event.transferId}`, -event.amount)
      return add(transit, `draw ${event.drawId}`, -event.amount)
    case "FundsCredited":
      return event.reason === "TRANSFER" ? add(transit, `transfer ${event.transferId}`, -event.amount) : undefined
    case "PurchasePaid":
      return event.shared && add(transit, `draw ${event.shared.drawId}`, -event.shared.amount)
    case "PurchaseReversed":
      return event.shared && add(transit, `draw ${event.shared.drawId}`, event.shared.amount)
    default:
  }
}

/** Of what comes from outside, or leaves for good. */
const foreignReasons: ReadonlySet<string> = new Set(["MANUAL_JOURNAL", "EXPIRY", "AWARD", "AWARD_REVERSAL"])

const bookInside = (books: Books, event: Event): void => {
  if (event._tag === "FundsCredited" && foreignReasons.has(event.reason)) books.inside += event.amount
  if (event._tag === "FundsDebited" && foreignReasons.has(event.reason)) books.inside -= event.amount
  const amount = (event._tag === "PurchasePaid" || event._tag === "PurchaseReversed") && [
    event.own?.amount ?? 0n,
    event.shared?.amount ?? 0n
  ]
  if (event._tag === "PurchasePaid") assert.isTrue(sum(amount || []) <= event.total, "PUR-4: paid more than it cost")
  if (amount) books.inside += event._tag === "PurchasePaid" ? -sum(amount) : sum(amount)
}

const bookMonth = (books: Books, { key, event }: Entry): void => {
  if (event._tag === "PersonInvited" || event._tag === "PersonUpdated") {
    books.limits.set(`${key}/${event.memberId}`, event.terms.walletSharing.maxAmount)
  }
  if (event._tag === "DrawUncounted" && event.month === event.bookedInMonth) {
    add(books.months, `${key}/${event.memberId}/${event.month}`, -event.amount)
  }
  if (event._tag !== "DrawCounted") return
  const month = `${key}/${event.memberId}/${event.month}`
  add(books.months, month, event.amount)
  const limit = books.limits.get(`${key}/${event.memberId}`)
  assert.isTrue(limit === undefined || (books.months.get(month) ?? 0n) <= limit, `P3: ${month} is above its limit`)
}

/** Reads on in the journal: no prefix of it may show a wallet below zero or a month above its limit (P3). */
const audit = (books: Books, world: DomainWorld): void => {
  for (; books.read < world.journal.length; books.read++) {
    const entry = world.journal[books.read]
    if (entry === undefined) continue
    add(books.balances, entry.key, ownAmount(entry.event))
    bookTransit(books, entry.event)
    bookInside(books, entry.event)
    bookMonth(books, entry)
    assert.isTrue((books.balances.get(entry.key) ?? 0n) >= 0n, `P3: the wallet of ${entry.key} is below zero`)
  }
  for (const id of people) {
    const { lots } = world.contact(id)
    assert.strictEqual(balance(lots), books.balances.get(id) ?? 0n, "WAL-1: the lots are the entries")
    assert.isTrue(
      lots.every((lot) => lot.remaining > 0n),
      "WAL-1: no lot is empty or below zero"
    )
  }
  assert.strictEqual(
    sum(books.balances.values()) + sum(books.transit.values()),
    books.inside,
    "P4: money is in a wallet, on its way, or gone for good"
  )
  for (const [what, amount] of books.transit) assert.isTrue(amount >= 0n, `P4: ${what} arrived more than once`)
}

/** When everything has been delivered: nobody waits, nothing is on its way. */
const auditTheEnd = (books: Books, world: DomainWorld): void => {
  world.settle()
  audit(books, world)
  for (const [what, amount] of books.transit) assert.strictEqual(amount, 0n, `P10: ${what} is still on its way`)
  assert.deepStrictEqual(world.open, [], "P10: every command has its last word")
  for (const person of people) {
    for (const reference of references) {
      assert.notStrictEqual(world.purchase(purchaseIdOf(person, reference)).state, "OPEN", "P10: paid or undone")
    }
  }
}

const newBooks = (): Books => ({
  read: 0,
  balances: new Map(),
  transit: new Map(),
  months: new Map(),
  inside: 0n,
  limits: new Map()
})

/** Most steps need somebody with money and a member: every history begins with some. */
const openingSteps: ReadonlyArray<Step> = [
  { _tag: "Credit", person: "andreas", cents: 400, pool: 0 },
  { _tag: "Credit", person: "andreas", cents: 200, pool: 1 },
  { _tag: "Credit", person: "yiayia", cents: 300, pool: 3 },
  { _tag: "Credit", person: "eleni", cents: 100, pool: 1 },
  { _tag: "Invite", owner: "andreas", person: "eleni", atOnce: true, limit: "high", pool: 0 },
  { _tag: "Invite", owner: "andreas", person: "nikos", atOnce: true, limit: "low", pool: 1 },
  { _tag: "Invite", owner: "yiayia", person: "eleni", atOnce: true, limit: "none", pool: 3 },
  { _tag: "Settle" }
]

describe("a household", () => {
  it.prop(
    "P3 P4 P10 WAL-1 SHR-8 overspends nothing, loses nothing and leaves nothing hanging, whatever happens in whatever order",
    [Schema.Array(Step)],
    ([steps]) => {
      const world = household()
      const books = newBooks()
      for (const step of [...openingSteps, ...steps]) {
        perform(world, step)
        audit(books, world)
      }
      auditTheEnd(books, world)
    },
    { arbitrary: { runs: 300, size: 400 } }
  )

  it("does what it should in most histories, so that the property above is about something", () => {
    const world = household()
    for (const step of openingSteps) perform(world, step)
    perform(world, { _tag: "Buy", person: "eleni", reference: "A", cents: 300, restrict: true, from: "andreas" })
    perform(world, { _tag: "Buy", person: "nikos", reference: "A", cents: 300, restrict: false, from: "unnamed" })
    perform(world, { _tag: "Settle" })
    perform(world, { _tag: "Cancel", index: 1 })
    perform(world, { _tag: "Settle" })
    const states = [world.purchase("purchase-eleni-A").state, world.purchase("purchase-nikos-A").state]
    assert.deepStrictEqual(states, ["CANCELLED", "POSTED"])
    assert.strictEqual(world.purchase("purchase-nikos-A").shared?.amount, 100n)
  })
})
