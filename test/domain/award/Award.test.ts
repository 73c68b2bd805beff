/** Awards: money given for something, alone or for a purchase, and what becomes of it when that is undone (PUR-5, 6, 8). */
import { assert, describe, it } from "@effect/vitest"
import type { Answer } from "#domain/Answer.ts"
import { expiredLotsMax } from "#domain/contact/ExpiredLots.ts"
import type { GiveAward } from "#domain/award/AwardCommand.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { walletEntries } from "#domain/wallet/WalletEntries.ts"
import type { DomainWorld } from "../../support/DomainWorld.ts"
import { dayMs, noon } from "../../support/Given.ts"
import {
  allOrNothing,
  done,
  household,
  invitation,
  journal,
  line,
  receipt,
  refused,
  sharing,
  whatThereIs
} from "../../support/Household.ts"

type Given = Omit<typeof GiveAward.Type, "_tag" | "currency">
const award = (awardId: string, worth: bigint | number, rest: Partial<Given> = {}): typeof GiveAward.Type => ({
  _tag: "GiveAward",
  awardId,
  name: "Double points",
  currency: "EUR",
  worth: typeof worth === "bigint" ? { _tag: "Amount", amount: worth } : { _tag: "Share", basisPoints: worth },
  ...rest
})
const reversal = (awardId: string, purchaseId?: string) =>
  ({ _tag: "ReverseAward", awardId, ...(purchaseId !== undefined && { purchaseId }) }) as const
const purchaseId = "purchase-R-1"
const forPurchase = { purchaseId }
const cancel = { _tag: "CancelPurchase", purchaseId, entryId: "cancel" } as const

const awardIn = (answer: Answer) => {
  if (answer._tag !== "AwardAnswer") throw new Error(`answered ${answer._tag}`)
  return answer.award
}
const has = (world: DomainWorld, poolId?: string): bigint =>
  balance(world.contact("eleni").lots, poolId === undefined ? "BUSINESS" : undefined, poolId)
const tagsSince = (world: DomainWorld, from: number) => world.events("eleni", from).map(({ _tag }) => _tag)

/** Eleni has bought for 20 euros, at the till. */
const bought = (overrides: Parameters<typeof receipt>[1] = {}): DomainWorld => {
  const world = household()
  done(world.run("eleni", receipt(2000n, overrides)))
  return world
}

describe("an award is given", () => {
  it("WAL-1, INT-2: its money opens a lot of its own and is no interaction", () => {
    const world = household()
    const from = world.journal.length
    const given = awardIn(done(world.run("eleni", award("a1", 500n))))
    assert.deepStrictEqual([given.state, given.award?.amount, given.givenAt], ["GIVEN", 500n, noon])
    assert.deepStrictEqual(tagsSince(world, from), ["AwardGiven", "FundsCredited"])
    assert.deepStrictEqual(world.events("eleni").at(-1), {
      _tag: "FundsCredited",
      lotId: "a1",
      reason: "AWARD",
      counts: false,
      awardId: "a1",
      name: "Double points",
      amount: 500n,
      currency: "EUR",
      at: noon,
      pocket: "BUSINESS"
    })
    assert.strictEqual(has(world), 500n)
    assert.strictEqual(world.contact("eleni").interactionState, "NEVER_ENGAGED")
  })

  it("WAL-2, WAL-5: of a pool it is under the pool's conditions, and expires with its validity", () => {
    const world = household()
    done(world.run("eleni", award("a1", 500n, { poolId: "month" })))
    assert.strictEqual(has(world, "month"), 500n)
    world.passUntil(noon + 40 * dayMs)
    assert.strictEqual(has(world, "month"), 0n)
  })

  it("PUR-5: a share is of what the purchase cost, half a cent to the even side", () => {
    const world = bought()
    const { award: given } = awardIn(done(world.run("eleni", award("a1", 500, forPurchase))))
    assert.deepStrictEqual([given?.amount, given?.base, given?.basisPoints], [100n, 2000n, 500])
    done(world.run("eleni", receipt(1050n, { referenceNumber: "R-2" })))
    const half = { purchaseId: "purchase-R-2" }
    // 1 % of 10.50 is 10.5 cents, 3 % of it 31.5.
    assert.strictEqual(awardIn(done(world.run("eleni", award("a2", 100, half)))).award?.amount, 10n)
    assert.strictEqual(awardIn(done(world.run("eleni", award("a3", 300, half)))).award?.amount, 32n)
  })

  it("PUR-5: commerce money earns nothing, open money does, her own as well as what is shared with her", () => {
    const world = household()
    for (const [who, pool] of [["andreas", 300n] as const, ["eleni", 200n] as const]) {
      done(world.run(who, journal("CREDIT", pool, `${who}-pool`, "any")))
      done(world.run(who, journal("CREDIT", 100n, `${who}-open`)))
    }
    const terms = sharing({ poolIds: ["any"] })
    done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms })))
    done(world.run("eleni", receipt(2000n, { spendRequest: whatThereIs })))
    const { award: given } = awardIn(done(world.run("eleni", award("a1", 1000, forPurchase))))
    assert.deepStrictEqual([given?.base, given?.amount], [1500n, 150n])
    assert.strictEqual(has(world), 150n, "it is hers who bought")
  })

  it("PUR-5: a share that comes to nothing is refused, and says of how much", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 500n, "pool", "any")))
    done(world.run("eleni", receipt(500n, { spendRequest: allOrNothing })))
    const nothing = { _tag: "NothingToAward", id: purchaseId, base: 0n, currency: "EUR" } as const
    assert.deepStrictEqual(refused(world.run("eleni", award("a1", 1000, forPurchase))), nothing)
    done(world.run("eleni", receipt(40n, { referenceNumber: "R-2" })))
    const small = refused(world.run("eleni", award("a2", 100, { purchaseId: "purchase-R-2" })))
    assert.deepStrictEqual(small, { ...nothing, id: "purchase-R-2", base: 40n })
  })

  it("refuses what it cannot be for: no amount, another currency, an unknown pool, nobody, a share of nothing named", () => {
    const world = bought()
    assert.strictEqual(refused(world.run("eleni", award("a1", 0n)))._tag, "InvalidAmount")
    assert.strictEqual(refused(world.run("eleni", award("a1", -1n)))._tag, "InvalidAmount")
    assert.strictEqual(refused(world.run("eleni", award("a1", 500)))._tag, "InvalidAmount")
    for (const percent of [0, -5, 100_001]) {
      assert.strictEqual(refused(world.run("eleni", award("a1", percent, forPurchase)))._tag, "InvalidAmount")
    }
    assert.strictEqual(refused(world.run("eleni", { ...award("a1", 5n), currency: "USD" }))._tag, "CurrencyMismatch")
    assert.strictEqual(refused(world.run("eleni", award("a1", 5n, { poolId: "none" })))._tag, "PoolNotFound")
    assert.strictEqual(refused(world.run("stranger", award("a1", 5n)))._tag, "ContactNotFound")
    assert.strictEqual(has(world), 0n)
  })

  it("is for a purchase of hers that is posted: not another's, not an open, refused or cancelled one", () => {
    const world = bought()
    assert.strictEqual(refused(world.run("nikos", award("a1", 5n, forPurchase)))._tag, "PurchaseNotFound")
    assert.strictEqual(refused(world.run("eleni", award("a1", 5n, { purchaseId: "none" })))._tag, "PurchaseNotFound")
    done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms: sharing() })))
    world.ask("eleni", receipt(50n, { referenceNumber: "R-2", spendRequest: allOrNothing }))
    const second = { purchaseId: "purchase-R-2" }
    assert.strictEqual(refused(world.run("eleni", award("a1", 5n, second), "early"))._tag, "PurchaseStillOpen")
    assert.strictEqual(world.purchase("purchase-R-2").state, "REFUSED")
    assert.strictEqual(refused(world.run("eleni", award("a1", 5n, second)))._tag, "PurchaseNotFound")
    done(world.run("eleni", cancel))
    assert.strictEqual(refused(world.run("eleni", award("a1", 5n, forPurchase)))._tag, "PurchaseIsCancelled")
  })

  it("once: the same again answers the same, the same id for another is refused", () => {
    const world = bought()
    const first = done(world.run("eleni", award("a1", 500, forPurchase)))
    const from = world.journal.length
    assert.deepStrictEqual(done(world.run("eleni", award("a1", 500, forPurchase))), first)
    assert.strictEqual(world.journal.length, from)
    for (const other of [
      award("a1", 501, forPurchase),
      award("a1", 100n),
      award("a1", 500, { ...forPurchase, name: "" })
    ]) {
      assert.strictEqual(refused(world.run("eleni", other))._tag, "AlreadyExists")
    }
  })

  it("a purchase has at most 20", () => {
    const world = bought()
    for (let index = 0; index < 20; index++) done(world.run("eleni", award(`a${index}`, 1n, forPurchase)))
    const limit = { _tag: "TooManyAwards", id: purchaseId, limit: 20 } as const
    assert.deepStrictEqual(refused(world.run("eleni", award("a20", 1n, forPurchase))), limit)
    done(world.run("eleni", reversal("a0", purchaseId)))
    assert.deepStrictEqual(refused(world.run("eleni", award("a20", 1n, forPurchase))), limit)
    done(world.run("eleni", award("a20", 1n)))
  })
})

describe("a cancelled purchase takes its awards back", () => {
  it("PUR-6: all of them, in the same decision, and the wallet is as it was before", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 700n, "salary")))
    const before = world.contact("eleni").lots
    done(world.run("eleni", receipt(2000n, { spendRequest: whatThereIs })))
    done(world.run("eleni", award("a1", 500, forPurchase)))
    done(world.run("eleni", award("a2", 300n, { ...forPurchase, poolId: "any" })))
    const from = world.journal.length
    done(world.run("eleni", cancel))
    assert.deepStrictEqual(tagsSince(world, from).slice(0, 4), [
      "PurchaseCancelled",
      "PurchaseReversed",
      "FundsDebited",
      "FundsDebited"
    ])
    assert.deepStrictEqual(world.contact("eleni").lots, before)
    assert.deepStrictEqual(
      world.purchase(purchaseId).awards?.map(({ reversed }) => reversed),
      [100n, 300n]
    )
    const again = world.journal.length
    done(world.run("eleni", cancel))
    assert.strictEqual(world.journal.length, again, "a second cancel is a no-op")
  })

  it("PUR-8: what was spent of it comes from its pool first, then from the open pocket", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, { ...forPurchase, poolId: "any" })))
    done(world.run("eleni", receipt(400n, { referenceNumber: "R-2", spendRequest: allOrNothing })))
    done(world.run("eleni", journal("CREDIT", 250n, "gift", "any")))
    done(world.run("eleni", journal("CREDIT", 1000n, "salary")))
    done(world.run("eleni", cancel))
    // 100 were left of it, 250 are in its pool, 150 come from the open pocket.
    assert.deepStrictEqual([has(world, "any"), has(world)], [0n, 850n])
  })

  it("PUR-8: her own money of the purchase comes back before, and pays for what she spent of the award", () => {
    const world = household()
    done(world.run("eleni", journal("CREDIT", 600n, "salary")))
    done(world.run("eleni", receipt(600n, { spendRequest: allOrNothing })))
    done(world.run("eleni", award("a1", 500n, forPurchase)))
    done(world.run("eleni", receipt(500n, { referenceNumber: "R-2", spendRequest: allOrNothing })))
    assert.strictEqual(has(world), 0n)
    done(world.run("eleni", cancel))
    assert.strictEqual(has(world), 100n)
  })

  it("PUR-8: where that is not enough nothing is cancelled, and the refusal says what is missing", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, forPurchase)))
    done(world.run("eleni", award("a2", 100n, { ...forPurchase, poolId: "any" })))
    done(world.run("eleni", receipt(450n, { referenceNumber: "R-2", spendRequest: allOrNothing })))
    const from = world.journal.length
    assert.deepStrictEqual(refused(world.run("eleni", cancel, "first")), {
      _tag: "AwardSpent",
      awardIds: ["a1", "a2"],
      available: 150n,
      missing: 450n,
      currency: "EUR"
    })
    assert.strictEqual(world.journal.length, from)
    assert.strictEqual(world.purchase(purchaseId).state, "POSTED")
    done(world.run("eleni", journal("CREDIT", 450n, "settled")))
    done(world.run("eleni", cancel))
    assert.deepStrictEqual([has(world), has(world, "any")], [0n, 0n])
  })

  it("PUR-8: an open award leaves the pools of others alone, and nothing goes below zero", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, forPurchase)))
    done(world.run("eleni", journal("CREDIT", 500n, "gift", "coffee")))
    done(world.run("eleni", journal("DEBIT", 200n, "paid-out")))
    assert.strictEqual(refused(world.run("eleni", cancel))._tag, "AwardSpent")
    assert.deepStrictEqual([has(world), has(world, "coffee")], [300n, 500n])
  })

  it("PUR-8: what of an award has expired is not owed, what she spent of it before is", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, { ...forPurchase, poolId: "month" })))
    done(world.run("eleni", receipt(200n, { referenceNumber: "R-2", spendRequest: allOrNothing })))
    world.passUntil(noon + 40 * dayMs)
    assert.strictEqual(has(world, "month"), 0n)
    assert.strictEqual(refused(world.run("eleni", cancel))._tag, "AwardSpent")
    done(world.run("eleni", journal("CREDIT", 1000n, "salary")))
    done(world.run("eleni", cancel))
    assert.strictEqual(has(world), 800n)
  })

  it("PUR-8: also in the moment before its expiry is posted", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, { ...forPurchase, poolId: "month" })))
    world.sleepUntil(noon + 40 * dayMs)
    done(world.run("eleni", cancel))
    assert.strictEqual(world.purchase(purchaseId).awards?.[0]?.reversed, 0n)
    world.passUntil(noon + 41 * dayMs)
    assert.strictEqual(has(world, "month"), 0n)
  })

  it("PUR-8: of the lots that expired the latest are remembered; what ran out of one before them counts as spent", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, { ...forPurchase, poolId: "month" })))
    world.passUntil(noon + 31 * dayMs)
    for (let index = 0; index < expiredLotsMax; index++)
      done(world.run("eleni", award(`b${index}`, 1n, { poolId: "month" })))
    world.passUntil(noon + 80 * dayMs)
    assert.strictEqual(world.contact("eleni").expiredLots.length, expiredLotsMax)
    assert.strictEqual(refused(world.run("eleni", cancel))._tag, "AwardSpent")
  })

  it("SHR-9, PUR-6: of a purchase that shared money paid the award is taken from the member, and the owner's comes back", () => {
    const world = household()
    done(world.run("andreas", journal("CREDIT", 1000n, "salary")))
    done(world.run("andreas", invitation("eleni", { joinsAtOnce: true, terms: sharing() })))
    done(world.run("eleni", receipt(1000n, { spendRequest: allOrNothing })))
    done(world.run("eleni", award("a1", 1000, forPurchase)))
    assert.strictEqual(has(world), 100n)
    // Her own purchase of it cannot be paid from what comes back to Andreas.
    done(world.run("eleni", journal("DEBIT", 60n, "paid-out")))
    assert.strictEqual(refused(world.run("eleni", cancel))._tag, "AwardSpent")
    assert.strictEqual(balance(world.contact("andreas").lots), 0n)
    done(world.run("eleni", journal("CREDIT", 60n, "paid-in")))
    done(world.run("eleni", cancel))
    assert.deepStrictEqual([has(world), balance(world.contact("andreas").lots)], [0n, 1000n])
  })

  it("an award that was taken back by itself is not taken again", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, forPurchase)))
    done(world.run("eleni", award("a2", 300n, forPurchase)))
    done(world.run("eleni", reversal("a1", purchaseId)))
    assert.strictEqual(has(world), 300n)
    done(world.run("eleni", cancel))
    assert.strictEqual(has(world), 0n)
  })
})

describe("an award is taken back by itself", () => {
  it("PUR-8: once; a second reversal changes nothing and answers the same", () => {
    const world = household()
    done(world.run("eleni", award("a1", 500n)))
    world.now += 1000
    const first = done(world.run("eleni", reversal("a1")))
    assert.deepStrictEqual(awardIn(first).reversed, { amount: 500n, at: noon + 1000 })
    world.now += 1000
    const from = world.journal.length
    assert.deepStrictEqual(done(world.run("eleni", reversal("a1"))), first)
    assert.strictEqual(world.journal.length, from)
  })

  it("PUR-6: of a cancelled purchase it is that already", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n, forPurchase)))
    done(world.run("eleni", cancel))
    const from = world.journal.length
    const { state, reversed } = awardIn(done(world.run("eleni", reversal("a1", purchaseId))))
    assert.deepStrictEqual([state, reversed], ["REVERSED", { amount: 500n, at: noon }])
    assert.strictEqual(world.journal.length, from)
  })

  it("is hers who has it: another's and one that there never was are not found", () => {
    const world = bought()
    done(world.run("eleni", award("a1", 500n)))
    done(world.run("eleni", award("a2", 500n, forPurchase)))
    assert.strictEqual(refused(world.run("nikos", reversal("a1")))._tag, "AwardNotFound")
    assert.strictEqual(refused(world.run("eleni", reversal("none")))._tag, "AwardNotFound")
    assert.strictEqual(refused(world.run("eleni", reversal("a2")))._tag, "AwardNotFound")
    assert.strictEqual(refused(world.run("eleni", reversal("a1", purchaseId)))._tag, "AwardNotFound")
  })

  it("WAL-10: also from a wallet that may not spend, for it is the business that takes", () => {
    const world = household()
    done(world.run("eleni", { _tag: "ChangeSpendBlock", blocked: true }))
    done(world.run("eleni", award("a1", 500n)))
    done(world.run("eleni", reversal("a1")))
    assert.strictEqual(has(world), 0n)
  })

  it("WAL-6: stands in the wallet as the exact opposite of the award", () => {
    const world = bought()
    done(world.run("eleni", receipt(5n, { referenceNumber: "R-2", lines: [line("coffee", 5n)] })))
    done(world.run("eleni", award("a1", 500n, { ...forPurchase, poolId: "any" })))
    done(world.run("eleni", reversal("a1", purchaseId)))
    const entries = world
      .events("eleni")
      .flatMap((event) => (event._tag === "FundsCredited" || event._tag === "FundsDebited" ? walletEntries(event) : []))
    assert.deepStrictEqual(
      entries.map(({ id, type, transactionType, amount, poolId, purchaseId: of, name }) => [
        id,
        type,
        transactionType,
        amount,
        poolId,
        of,
        name
      ]),
      [
        ["a1", "CREDIT", "AWARD", 500n, "any", purchaseId, "Double points"],
        ["a1/reversal", "DEBIT", "AWARD_REVERSAL", 500n, "any", purchaseId, "Double points"]
      ]
    )
  })
})
