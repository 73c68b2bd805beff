/**
 * PUR-8 over any history: who earns, spends and undoes it all has gained nothing. People buy, are given awards, spend them,
 * wait until they expire, cancel and reverse in any order; then everything that can be undone is.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ReverseAward } from "#domain/award/AwardCommand.ts"
import type { CancelPurchase } from "#domain/purchase/PurchaseCommand.ts"
import { sum } from "#domain/shared/Money.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import type { DomainWorld } from "../../support/DomainWorld.ts"
import { dayMs } from "../../support/Given.ts"
import { done, household, invitation, journal, people, receipt, sharing } from "../../support/Household.ts"

const buyers = ["eleni", "nikos"] as const
const Buyer = Schema.Literals(buyers)
const Cents = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 }))
const Pool = Schema.Literals(["none", "any", "coffee", "month"])
const Which = Schema.Literals([0, 1, 2])
const Step = Schema.Union([
  Schema.TaggedStruct("Credit", { person: Schema.Literals(people), cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Buy", { person: Buyer, cents: Cents, restrict: Schema.Boolean }),
  Schema.TaggedStruct("Award", {
    person: Buyer,
    basisPoints: Schema.Literals([150, 3000, 20_000]),
    pool: Pool,
    of: Which
  }),
  Schema.TaggedStruct("Give", { person: Buyer, cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Reverse", { of: Which }),
  Schema.TaggedStruct("Cancel", { of: Which }),
  Schema.TaggedStruct("Wait", { days: Schema.Literals([1, 20, 45]) })
])
type Step = typeof Step.Type

type Undo = typeof ReverseAward.Type | typeof CancelPurchase.Type
interface Made {
  readonly purchases: Array<readonly [person: string, undo: typeof CancelPurchase.Type]>
  readonly awards: Array<readonly [person: string, undo: typeof ReverseAward.Type]>
}

/** Refusals leave nothing in a history. */
const take = (world: DomainWorld, { purchases, awards }: Made, step: Step): void => {
  const give = (person: string, worth: bigint | number, pool: typeof Pool.Type, purchaseId?: string) => {
    const made = { awardId: world.id("award"), ...(purchaseId !== undefined && { purchaseId }) }
    const given = world.run(person, {
      _tag: "GiveAward",
      ...made,
      name: "points",
      currency: "EUR",
      worth: typeof worth === "bigint" ? { _tag: "Amount", amount: worth } : { _tag: "Share", basisPoints: worth },
      ...(pool !== "none" && { poolId: pool })
    })
    if (Result.isSuccess(given)) awards.push([person, { _tag: "ReverseAward", ...made }])
  }
  switch (step._tag) {
    case "Credit": {
      const { person, cents, pool } = step
      const poolId = pool === "none" ? undefined : pool
      return void world.run(person, journal("CREDIT", BigInt(cents), world.id("journal"), poolId))
    }
    case "Buy": {
      const { person: contactId, cents, restrict: restrictFullyCovered } = step
      const lines = [{ productId: "p", sku: "coffee", quantity: 1, total: BigInt(cents) }]
      const referenceNumber = world.id("R")
      const spendRequest = { restrictFullyCovered }
      const command = receipt(BigInt(cents), { contactId, referenceNumber, lines, spendRequest })
      if (Result.isFailure(world.run(contactId, command))) return
      const { purchaseId } = command
      purchases.push([contactId, { _tag: "CancelPurchase", purchaseId, entryId: `${purchaseId}/cancel` }])
      return
    }
    case "Award": {
      const hers = purchases.filter(([person]) => person === step.person)
      return give(step.person, step.basisPoints, step.pool, hers.at(-1 - step.of)?.[1].purchaseId ?? "none")
    }
    case "Give":
      return give(step.person, BigInt(step.cents), step.pool)
    case "Reverse":
      return undo(world, awards.at(-1 - step.of))
    case "Cancel":
      return undo(world, purchases.at(-1 - step.of))
    case "Wait":
      return world.passUntil(world.now + step.days * dayMs)
  }
}

const undo = (world: DomainWorld, made: readonly [string, Undo] | undefined): void => {
  if (made !== undefined) world.run(...made)
}

/** Who has spent more of an award than she has is credited what is missing, as the refusal asks for. */
const undoForSure = (world: DomainWorld, [person, command]: readonly [string, Undo]): void => {
  const outcome = world.run(person, command)
  if (Result.isSuccess(outcome)) return
  if (outcome.failure._tag !== "AwardSpent") assert.fail(outcome.failure._tag)
  done(world.run(person, journal("CREDIT", outcome.failure.missing, world.id("journal"))))
  done(world.run(person, command))
}

const moneyOf = (world: DomainWorld, awards: ReadonlySet<string>) => {
  let [paidIn, lost, lapsed] = [0n, 0n, 0n]
  const [given, expired, back] = [new Map<string, bigint>(), new Map<string, bigint>(), new Map<string, bigint>()]
  for (const { event } of world.journal) {
    if (event._tag === "FundsCredited" && event.reason === "MANUAL_JOURNAL") paidIn += event.amount
    if (event._tag === "FundsCredited" && event.reason === "AWARD") given.set(event.lotId, event.amount)
    if (event._tag !== "FundsDebited") continue
    const [lotId = ""] = event.parts.map((part) => part.lotId)
    if (event.reason === "EXPIRY" && !awards.has(lotId)) lost += event.amount
    // What expires of an award once it was taken back was hers by other money: that is her loss, not her gain.
    if (event.reason === "EXPIRY" && awards.has(lotId)) {
      if (back.has(lotId)) lapsed += event.amount
      else expired.set(lotId, (expired.get(lotId) ?? 0n) + event.amount)
    }
    if (event.reason === "AWARD_REVERSAL") back.set(event.awardId ?? "", event.amount)
  }
  return { paidIn, lost, lapsed, given, expired, back }
}

describe("earn, spend, undo", () => {
  it.prop(
    "PUR-6, PUR-8: never leaves net gain, in whatever order, with shared wallets, pools and expiry",
    { steps: Schema.Array(Step).check(Schema.isMinLength(10), Schema.isMaxLength(60)), awardsFirst: Schema.Boolean },
    ({ steps, awardsFirst }) => {
      const world = household()
      for (const member of buyers) {
        done(world.run("andreas", invitation(member, { joinsAtOnce: true, terms: sharing() })))
      }
      const made: Made = { purchases: [], awards: [] }
      for (const step of steps) take(world, made, step)
      const all = awardsFirst ? [...made.awards, ...made.purchases] : [...made.purchases, ...made.awards]
      for (const each of all) undoForSure(world, each)
      world.passUntil(world.now)

      const awards = new Set(made.awards.map(([, { awardId }]) => awardId))
      const { paidIn, lost, lapsed, given, expired, back } = moneyOf(world, awards)
      for (const [awardId, amount] of given) {
        const due = (expired.get(awardId) ?? 0n) + (back.get(awardId) ?? 0n)
        assert.isTrue(due >= amount, `${awardId}: ${amount} given, ${due} gone`)
      }
      const left = sum(people.map((person) => balance(world.contact(person).lots)))
      assert.isTrue(left <= paidIn - lost, `${left} are left of ${paidIn} paid in and ${lost} expired`)
      if (expired.size === 0 && lost === 0n) assert.strictEqual(left, paidIn - lapsed)
    },
    { arbitrary: { runs: 300, size: 400 } }
  )
})
