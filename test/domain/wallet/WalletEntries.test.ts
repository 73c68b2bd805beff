/** Wallet entries as a reading of the journal: each kind once by hand, and their sum against the fold for any history. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ReverseAward } from "#domain/award/AwardCommand.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { ContactEvent as ContactEvents } from "#domain/contact/ContactEvent.ts"
import type { Event } from "#domain/Event.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import type { WalletEntry } from "#domain/wallet/WalletEntries.ts"
import { walletEntries, walletEventTags } from "#domain/wallet/WalletEntries.ts"
import type { DomainWorld } from "../../support/DomainWorld.ts"
import { dayMs } from "../../support/Given.ts"
import { done, household, invitation, journal, people, receipt, sharing, whatThereIs } from "../../support/Household.ts"

const contactTags: ReadonlySet<string> = new Set(
  ContactEvents.members.map((member) => member.fields._tag.schema.literal)
)
const isOfContact = (event: Event): event is ContactEvent => contactTags.has(event._tag)

const entriesOf = (world: DomainWorld, person: string): ReadonlyArray<WalletEntry> =>
  world.events(person).filter(isOfContact).flatMap(walletEntries)

/** "+500 MANUAL_JOURNAL BUSINESS": an entry at a glance. */
const line = ({ type, amount, transactionType, pocket, poolId }: WalletEntry): string =>
  `${type === "CREDIT" ? "+" : "-"}${amount} ${transactionType} ${poolId ?? pocket}`

const net = (entries: ReadonlyArray<WalletEntry>, pocket: WalletEntry["pocket"], poolId?: string): bigint =>
  entries
    .filter((entry) => entry.pocket === pocket && (poolId === undefined || entry.poolId === poolId))
    .reduce((total, { type, amount }) => (type === "CREDIT" ? total + amount : total - amount), 0n)

/** Andreas shares his open pocket with Eleni; she has money of her own, some of it in a pool. */
const family = (): DomainWorld => {
  const world = household()
  done(world.run("andreas", journal("CREDIT", 300n, "salary")))
  done(world.run("eleni", journal("CREDIT", 100n, "gift")))
  done(world.run("eleni", journal("CREDIT", 50n, "voucher", "any")))
  done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms: sharing() })))
  return world
}

describe("wallet entries", () => {
  it("WAL-2: a credit is one entry, named for the lot that it opened", () => {
    const [gift, voucher] = entriesOf(family(), "eleni")
    assert.deepStrictEqual(
      [gift?.id, gift?.lotId, gift && line(gift)],
      ["gift", "gift", "+100 MANUAL_JOURNAL BUSINESS"]
    )
    assert.deepStrictEqual([voucher?.poolId, voucher?.pocket], ["any", "BUSINESS_COMMERCE"])
  })

  it("WAL-4: a debit from several pools and pockets is one entry for each, with an id of its own", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 100n, "gift")))
    done(world.run("eleni", journal("CREDIT", 20n, "first", "any")))
    done(world.run("eleni", journal("CREDIT", 30n, "second", "any")))
    done(world.run("eleni", receipt(120n, { spendRequest: whatThereIs })))
    const spent = entriesOf(world, "eleni").filter((entry) => entry.transactionType === "SPEND")
    assert.deepStrictEqual(spent.map(line), ["-50 SPEND any", "-70 SPEND BUSINESS"])
    assert.deepStrictEqual(
      spent.map(({ id, purchaseId, organisationId }) => [id, purchaseId, organisationId]),
      [
        ["entry-R-1/any", "purchase-R-1", "ledra"],
        ["entry-R-1/BUSINESS", "purchase-R-1", "ledra"]
      ]
    )
  })

  it("SHR-7: what the owner paid comes in and goes out at the member, under the draw's id on both sides", () => {
    const world = family()
    done(world.run("eleni", receipt(400n, { spendRequest: whatThereIs })))
    const eleni = entriesOf(world, "eleni").slice(2)
    assert.deepStrictEqual(eleni.map(line), [
      "+300 WALLET_SHARING BUSINESS",
      "-300 SPEND BUSINESS",
      "-50 SPEND any",
      "-50 SPEND BUSINESS"
    ])
    const [, draw] = entriesOf(world, "andreas")
    assert.strictEqual(draw && line(draw), "-300 WALLET_SHARING BUSINESS")
    assert.deepStrictEqual([draw?.drawId, draw?.counterpartId], [eleni[0]?.drawId, "eleni"])
    assert.strictEqual(eleni[0]?.counterpartId, "andreas")
  })

  it("PUR-6, SHR-9: a cancelled purchase leaves the exact inverse, last in first out, and every id is used once", () => {
    const world = family()
    done(world.run("eleni", receipt(400n, { spendRequest: whatThereIs })))
    done(world.run("eleni", { _tag: "CancelPurchase", purchaseId: "purchase-R-1", entryId: "cancel" }))
    const eleni = entriesOf(world, "eleni")
    assert.deepStrictEqual(eleni.slice(6).map(line), [
      "+50 SPEND_REVERSAL any",
      "+50 SPEND_REVERSAL BUSINESS",
      "+300 SPEND_REVERSAL BUSINESS",
      "-300 WALLET_SHARING_REVERSAL BUSINESS"
    ])
    assert.deepStrictEqual(entriesOf(world, "andreas").map(line).slice(1), [
      "-300 WALLET_SHARING BUSINESS",
      "+300 WALLET_SHARING_REVERSAL BUSINESS"
    ])
    for (const entries of [eleni, entriesOf(world, "andreas")]) {
      assert.strictEqual(new Set(entries.map((entry) => entry.id)).size, entries.length)
    }
  })

  it("WAL-8: a transfer names the other side, and comes back as its reversal when nobody is there to take it", () => {
    const world = family()
    const send = { _tag: "SendTransfer", amount: 30n, currency: "EUR", notes: "for bread" } as const
    done(world.run("eleni", { ...send, transferId: "t-1", destinationId: "nikos" }))
    world.run("eleni", { ...send, transferId: "t-2", destinationId: "nobody" })
    const [sent, ...lost] = entriesOf(world, "eleni").slice(2)
    assert.deepStrictEqual(
      [sent && line(sent), sent?.counterpartId, sent?.notes],
      ["-30 TRANSFER BUSINESS", "nikos", "for bread"]
    )
    assert.deepStrictEqual(lost.map(line), ["-30 TRANSFER BUSINESS", "+30 TRANSFER_REVERSAL BUSINESS"])
    assert.deepStrictEqual(entriesOf(world, "nikos").map(line), ["+30 TRANSFER BUSINESS"])
  })

  it("WAL-5: what expired is a debit of its lot's pool", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 40n, "month", "month")))
    world.passUntil(world.now + 40 * dayMs)
    assert.deepStrictEqual(entriesOf(world, "eleni").map(line), ["+40 MANUAL_JOURNAL month", "-40 EXPIRY month"])
  })

  it("come of the money events and of no other", () => {
    const world = family()
    const silent = world
      .events("eleni")
      .filter((event) => !(walletEventTags as ReadonlyArray<string>).includes(event._tag))
    assert.isNotEmpty(silent)
    assert.deepStrictEqual(silent.filter(isOfContact).flatMap(walletEntries), [])
  })
})

const Person = Schema.Literals(people)
const Cents = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 300 }))
const Pool = Schema.Literals(["none", "any", "coffee", "month"])
const Step = Schema.Union([
  Schema.TaggedStruct("Credit", { person: Person, cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Debit", { person: Person, cents: Cents, pool: Pool }),
  Schema.TaggedStruct("Transfer", {
    from: Person,
    to: Schema.Literals([...people, "nobody"]),
    cents: Cents,
    pool: Pool
  }),
  Schema.TaggedStruct("Buy", { person: Person, cents: Cents, restrict: Schema.Boolean }),
  Schema.TaggedStruct("Award", {
    person: Person,
    cents: Cents,
    pool: Pool,
    purchase: Schema.Literals(["none", 0, 1])
  }),
  Schema.TaggedStruct("Reverse", { award: Schema.Literals([0, 1, 2]) }),
  Schema.TaggedStruct("Cancel", { person: Person, purchase: Schema.Literals([0, 1, 2]) }),
  Schema.TaggedStruct("Wait", { days: Schema.Literals([1, 20, 45]) })
])
type Step = typeof Step.Type

/** Purchases by who made them, and how each award is taken back. */
interface Made {
  readonly bought: Map<string, Array<string>>
  readonly awarded: Array<readonly [person: string, reversal: typeof ReverseAward.Type]>
}

const poolOf = (pool: typeof Pool.Type): string | undefined => (pool === "none" ? undefined : pool)

/** Refusals are part of a history: they leave nothing in it. */
const take = (world: DomainWorld, { bought, awarded }: Made, step: Step): void => {
  switch (step._tag) {
    case "Credit":
    case "Debit": {
      const action = step._tag === "Credit" ? "CREDIT" : "DEBIT"
      return void world.run(step.person, journal(action, BigInt(step.cents), world.id("journal"), poolOf(step.pool)))
    }
    case "Transfer": {
      const { from, to: destinationId, cents, pool } = step
      const money = { amount: BigInt(cents), currency: "EUR", ...(pool !== "none" && { poolId: pool }) }
      return void world.run(from, { _tag: "SendTransfer", transferId: world.id("transfer"), destinationId, ...money })
    }
    case "Buy": {
      const referenceNumber = world.id("R")
      const lines = [{ productId: "p", sku: "coffee", quantity: 1, total: BigInt(step.cents) }]
      const spendRequest = { restrictFullyCovered: step.restrict }
      const command = receipt(BigInt(step.cents), { contactId: step.person, referenceNumber, lines, spendRequest })
      bought.set(step.person, [...(bought.get(step.person) ?? []), command.purchaseId])
      return void world.run(step.person, command)
    }
    case "Award": {
      const { person, cents, pool, purchase } = step
      const purchaseId = purchase === "none" ? undefined : bought.get(person)?.at(-1 - purchase)
      const made = { awardId: world.id("award"), ...(purchaseId !== undefined && { purchaseId }) }
      awarded.push([person, { _tag: "ReverseAward", ...made }])
      const worth = { _tag: "Amount", amount: BigInt(cents) } as const
      const given = { _tag: "GiveAward", ...made, name: "points", currency: "EUR", worth } as const
      return void world.run(person, pool === "none" ? given : { ...given, poolId: pool })
    }
    case "Reverse": {
      const [person, reversal] = awarded.at(-1 - step.award) ?? []
      if (person !== undefined && reversal !== undefined) world.run(person, reversal)
      return
    }
    case "Cancel": {
      const purchaseId = bought.get(step.person)?.at(-1 - step.purchase)
      if (purchaseId === undefined) return
      return void world.run(step.person, { _tag: "CancelPurchase", purchaseId, entryId: world.id("cancel") })
    }
    case "Wait":
      return world.passUntil(world.now + step.days * dayMs)
  }
}

describe("any history", () => {
  it.prop(
    "WAL-1: Σ credits − Σ debits of the entries is the balance of the fold, in each pocket and each pool",
    { steps: Schema.Array(Step).check(Schema.isMinLength(10), Schema.isMaxLength(60)) },
    ({ steps }) => {
      const world = household()
      done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms: sharing() })))
      done(
        world.run("andreas", invitation("nikos", { joinsAtOnce: true, terms: sharing({ poolIds: ["any", "coffee"] }) }))
      )
      const made: Made = { bought: new Map(), awarded: [] }
      for (const step of steps) take(world, made, step)
      for (const person of people) {
        const entries = entriesOf(world, person)
        const { lots } = world.contact(person)
        assert.strictEqual(net(entries, "BUSINESS"), balance(lots, "BUSINESS"))
        for (const pool of ["any", "coffee", "month"]) {
          assert.strictEqual(net(entries, "BUSINESS_COMMERCE", pool), balance(lots, "BUSINESS_COMMERCE", pool))
        }
        assert.strictEqual(net(entries, "BUSINESS_COMMERCE"), balance(lots, "BUSINESS_COMMERCE"))
        assert.strictEqual(new Set(entries.map((entry) => entry.id)).size, entries.length, "an id was used twice")
      }
    }
  )
})
