import { assert, describe, it } from "@effect/vitest"
import type { Lot, Part } from "#domain/wallet/Lot.ts"
import type { Spending } from "#domain/wallet/Spending.ts"
import type { SpendRules } from "#domain/wallet/Wallet.ts"
import {
  balance,
  credited,
  debited,
  expired,
  returned,
  spendable,
  take,
  takeOpen,
  takePool
} from "#domain/wallet/Wallet.ts"
import { bakery, dayMs, noon } from "../../support/Given.ts"

const lot = (lotId: string, remaining: bigint, overrides: Partial<Lot> = {}): Lot => ({
  lotId,
  pocket: overrides.poolId === undefined ? "BUSINESS" : "BUSINESS_COMMERCE",
  creditedAt: noon - dayMs,
  remaining,
  ...overrides
})
const spending = (total: bigint, overrides: Partial<Spending> = {}): Spending => ({
  organisationId: "ledra",
  at: noon,
  total,
  lines: [],
  ...overrides
})
const basket = (...lines: ReadonlyArray<readonly [sku: string, amount: bigint]>): Spending =>
  spending(
    lines.reduce((total, [, amount]) => total + amount, 0n),
    { lines: lines.map(([sku, amount]) => ({ sku, amount })) }
  )
const rules = (overrides: Partial<SpendRules> = {}): SpendRules => ({
  business: bakery,
  activePoolIds: [],
  pools: "any",
  openPocket: true,
  ...overrides
})
const amounts = (parts: ReadonlyArray<Part>): ReadonlyArray<readonly [string, bigint]> =>
  parts.map((part) => [part.lotId, part.amount])

describe("a wallet", () => {
  it("WAL-1: has in each pocket and pool the sum of what is left in its lots", () => {
    const lots = [lot("a", 5n), lot("b", 7n, { poolId: "coffee" }), lot("c", 11n, { poolId: "bread" })]
    assert.strictEqual(balance(lots), 23n)
    assert.strictEqual(balance(lots, "BUSINESS"), 5n)
    assert.strictEqual(balance(lots, "BUSINESS_COMMERCE"), 18n)
    assert.strictEqual(balance(lots, "BUSINESS_COMMERCE", "bread"), 11n)
  })

  it("WAL-1: keeps a lot until its last cent is gone", () => {
    const lots = [lot("a", 5n), lot("b", 7n)]
    assert.deepStrictEqual(debited(lots, takeOpen(lots, 11n)), [lot("b", 1n)])
    assert.deepStrictEqual(debited(lots, takeOpen(lots, 12n)), [])
  })

  it("WAL-9: cannot be folded below zero, not even by the journal", () => {
    const lots = [lot("a", 5n)]
    assert.throws(() => debited(lots, takeOpen([lot("a", 6n)], 6n)), "lot a is overdrawn by 1")
    assert.throws(() => debited(lots, takeOpen([lot("gone", 1n)], 1n)), "lot gone is overdrawn by 1")
  })

  it("WAL-6: takes a reverted debit back into the lots it came from, as old as they were and with their expiry", () => {
    const lots = [
      lot("old", 5n, { poolId: "coffee", creditedAt: noon - 3 * dayMs, expiresAt: noon + dayMs }),
      lot("young", 7n)
    ]
    const parts = take(lots, basket(["coffee", 8n]), 8n, rules())
    assert.deepStrictEqual(amounts(parts), [
      ["old", 5n],
      ["young", 3n]
    ])
    assert.deepStrictEqual(returned(debited(lots, parts), parts), lots)
  })

  it("WAL-4: holds its lots oldest first, however they come in", () => {
    const old = lot("old", 1n, { creditedAt: noon - 9 * dayMs })
    assert.deepStrictEqual(credited([lot("a", 1n)], old), [old, lot("a", 1n)])
  })

  it("WAL-5: expires what is left in a lot from the instant that its date is over, not before", () => {
    const lots = [lot("a", 5n, { poolId: "month", expiresAt: noon }), lot("b", 7n)]
    assert.deepStrictEqual(expired(lots, noon - 1), [])
    assert.deepStrictEqual(amounts(expired(lots, noon)), [["a", 5n]])
  })
})

describe("a pool", () => {
  const one = (poolId: string): ReadonlyArray<Lot> => [lot("a", 5n, { poolId })]

  it("WAL-3: pays where its organisations are: the business everywhere, a merchant in its venues", () => {
    assert.strictEqual(spendable(one("north"), spending(9n), rules()), 5n)
    assert.strictEqual(spendable(one("north"), spending(9n, { organisationId: "north" }), rules()), 5n)
    assert.strictEqual(spendable(one("north"), spending(9n, { organisationId: "london" }), rules()), 0n)
    const everywhere = {
      ...bakery,
      pools: { all: { ...bakery.pools["any"]!, id: "all", organisationIds: ["bakery"] } }
    }
    assert.strictEqual(spendable(one("all"), spending(9n), rules({ business: everywhere })), 5n)
  })

  it("WAL-3: pays for the products it names and nothing else of the basket", () => {
    const bought = basket(["coffee", 3n], ["cake", 4n])
    assert.strictEqual(spendable(one("coffee"), bought, rules()), 3n)
    assert.strictEqual(spendable(one("bread"), bought, rules()), 0n)
    assert.strictEqual(spendable(one("any"), bought, rules()), 5n)
  })

  it("WAL-3: pays for no product in particular when nobody says what was bought", () => {
    assert.strictEqual(spendable(one("coffee"), spending(9n), rules()), 0n)
    assert.strictEqual(spendable(one("any"), spending(9n), rules()), 5n)
  })

  it("WAL-3: pays at its times, both ends included, by the clock of the venue", () => {
    const at = (hours: number, minutes: number, organisationId = "ledra") =>
      spendable(one("sunday"), spending(9n, { organisationId, at: Date.UTC(2026, 10, 22, hours, minutes) }), rules())
    assert.strictEqual(at(5, 59), 0n)
    assert.strictEqual(at(6, 0), 5n)
    assert.strictEqual(at(10, 30), 5n)
    assert.strictEqual(at(10, 31), 0n)
    // Two hours later in London, where it is still morning.
    assert.strictEqual(at(12, 30, "london"), 5n)
    assert.strictEqual(at(7, 59, "london"), 0n)
    const monday = spending(9n, { at: noon + dayMs })
    assert.strictEqual(spendable(one("sunday"), monday, rules()), 0n)
  })

  it("WAL-3: may go over midnight", () => {
    const night = { ...bakery.pools["any"]!, id: "night", timings: [{ startTime: "22:00", endTime: "02:00" }] }
    const business = { ...bakery, pools: { night } }
    const at = (hours: number) => spending(9n, { at: Date.UTC(2026, 10, 22, hours - 2) })
    assert.strictEqual(spendable(one("night"), at(23), rules({ business })), 5n)
    assert.strictEqual(spendable(one("night"), at(25), rules({ business })), 5n)
    assert.strictEqual(spendable(one("night"), at(12), rules({ business })), 0n)
  })

  it("WAL-3: pays only once its owner has activated it, where that is needed", () => {
    assert.strictEqual(spendable(one("opened"), spending(9n), rules()), 0n)
    assert.strictEqual(spendable(one("opened"), spending(9n), rules({ activePoolIds: ["opened"] })), 5n)
  })

  it("WAL-3: pays until the instant of its expiry, as of the purchase", () => {
    const lots = [lot("a", 5n, { poolId: "month", expiresAt: noon })]
    assert.strictEqual(spendable(lots, spending(9n, { at: noon - 1 }), rules()), 5n)
    assert.strictEqual(spendable(lots, spending(9n, { at: noon }), rules()), 0n)
  })

  it("SHR-3: is left alone unless the grant lists it, and so is the open pocket", () => {
    const lots = [lot("a", 5n, { poolId: "any" }), lot("b", 7n, { poolId: "north" }), lot("c", 11n)]
    const granted = (pools: SpendRules["pools"], openPocket: boolean) =>
      amounts(take(lots, spending(99n), 99n, rules({ pools, openPocket })))
    assert.deepStrictEqual(granted(["north"], false), [["b", 7n]])
    assert.deepStrictEqual(granted([], true), [["c", 11n]])
  })
})

describe("a spend", () => {
  it("WAL-4: takes commerce lots by earliest expiry, then narrowest use, then age, and the open pocket last", () => {
    const lots = [
      lot("open", 9n, { creditedAt: noon - 9 * dayMs }),
      lot("old", 1n, { poolId: "any", creditedAt: noon - 8 * dayMs }),
      lot("young", 1n, { poolId: "any", creditedAt: noon - 7 * dayMs }),
      lot("narrow", 1n, { poolId: "coffee", creditedAt: noon - 6 * dayMs }),
      lot("later", 1n, { poolId: "month", creditedAt: noon - 5 * dayMs, expiresAt: noon + 2 * dayMs }),
      lot("sooner", 1n, { poolId: "month", creditedAt: noon - 4 * dayMs, expiresAt: noon + dayMs })
    ]
    const bought = basket(["coffee", 3n], ["cake", 5n])
    assert.deepStrictEqual(
      take(lots, bought, 8n, rules()).map((part) => part.lotId),
      ["sooner", "later", "narrow", "old", "young", "open"]
    )
  })

  it("WAL-4: covers all that can be covered, moving what an earlier lot pays for out of the way", () => {
    // By order alone the first lot would pay for the coffee, and the second could pay for nothing.
    const lots = [
      lot("first", 3n, { poolId: "any", expiresAt: noon + dayMs }),
      lot("second", 3n, { poolId: "coffee", expiresAt: noon + 2 * dayMs })
    ]
    const bought = basket(["coffee", 3n], ["cake", 3n])
    assert.strictEqual(spendable(lots, bought, rules()), 6n)
    assert.deepStrictEqual(amounts(take(lots, bought, 6n, rules())), [
      ["first", 3n],
      ["second", 3n]
    ])
  })

  it("WAL-4: counts several lines of one product as one, and nothing for a line that gives money back", () => {
    const lots = [lot("a", 9n, { poolId: "coffee" })]
    const bought = basket(["coffee", 2n], ["coffee", 2n], ["deposit", -1n])
    assert.deepStrictEqual(amounts(take(lots, bought, 9n, rules())), [["a", 3n]])
  })

  it("WAL-8: of a transfer or journal takes the open pocket only, oldest first", () => {
    const lots = [lot("a", 1n, { poolId: "any" }), lot("b", 2n), lot("c", 3n)]
    assert.deepStrictEqual(amounts(takeOpen(lots, 4n)), [
      ["b", 2n],
      ["c", 2n]
    ])
    assert.deepStrictEqual(amounts(takeOpen(lots, 0n)), [])
  })

  it("WAL-4: of a journal about one pool takes its lots by expiry, without those that are past it", () => {
    const lots = [
      lot("gone", 1n, { poolId: "month", expiresAt: noon }),
      lot("ever", 2n, { poolId: "month" }),
      lot("soon", 3n, { poolId: "month", expiresAt: noon + dayMs }),
      lot("other", 4n, { poolId: "any" })
    ]
    assert.deepStrictEqual(amounts(takePool(lots, "month", 4n, noon)), [
      ["soon", 3n],
      ["ever", 1n]
    ])
  })
})
