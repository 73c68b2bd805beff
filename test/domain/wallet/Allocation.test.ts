/** The allocation against an oracle that tries every way to lay small lots over a small basket. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Lot } from "#domain/wallet/Lot.ts"
import type { Spending } from "#domain/wallet/Spending.ts"
import type { SpendRules } from "#domain/wallet/Wallet.ts"
import { debited, returned, spendable, take } from "#domain/wallet/Wallet.ts"
import { bakery, dayMs, noon } from "../../support/Given.ts"

const skus = ["coffee", "bread", "pie", "cake"] as const
const pools = ["any", "coffee", "bread", "mixed", undefined] as const
const mixed = { ...bakery.pools["any"]!, id: "mixed", skus: ["coffee", "pie"] }
const rules: SpendRules = {
  business: { ...bakery, pools: { ...bakery.pools, mixed } },
  activePoolIds: [],
  pools: "any",
  openPocket: true
}

const small = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Lots = Schema.Array(
  Schema.Struct({ pool: small(0, pools.length - 1), remaining: small(1, 4), days: small(0, 3) })
).check(Schema.isMaxLength(4))
const Lines = Schema.Array(Schema.Struct({ sku: small(0, skus.length - 1), amount: small(1, 3) })).check(
  Schema.isMaxLength(4)
)
const Case = { lots: Lots, lines: Lines, asked: small(0, 12) }

const lotsOf = (given: typeof Lots.Type): ReadonlyArray<Lot> =>
  given.map(({ pool, remaining, days }, index) => {
    const poolId = pools[pool]
    const fields = { lotId: String(index), creditedAt: noon - 1_000 + index, remaining: BigInt(remaining) }
    if (poolId === undefined) return { ...fields, pocket: "BUSINESS" }
    const expiry = days === 0 ? {} : { expiresAt: noon + days * dayMs }
    return { ...fields, pocket: "BUSINESS_COMMERCE", poolId, ...expiry }
  })

const spendingOf = (given: typeof Lines.Type): Spending => {
  const lines = given.map(({ sku, amount }) => ({ sku: skus[sku] ?? "", amount: BigInt(amount) }))
  return { organisationId: "ledra", at: noon, total: lines.reduce((total, { amount }) => total + amount, 0n), lines }
}

const canPay = (lot: Lot, sku: string): boolean => {
  const named = lot.poolId === undefined ? [] : (rules.business.pools[lot.poolId]?.skus ?? [])
  return named.length === 0 || named.includes(sku)
}

/** What lots can pay of a basket is what the worst cut lets through: the least, over sets of lots, of Hall's bound. */
const most = (lots: ReadonlyArray<Lot>, spending: Spending): bigint => {
  let least: bigint | undefined
  for (let set = 0; set < 1 << lots.length; set++) {
    const inside = lots.filter((_, index) => (set >> index) & 1)
    const outside = lots.filter((lot) => !inside.includes(lot))
    const reached = spending.lines.filter((line) => inside.some((lot) => canPay(lot, line.sku)))
    const cut = [...outside.map((lot) => lot.remaining), ...reached.map((line) => line.amount)]
    const bound = cut.reduce((total, amount) => total + amount, 0n)
    if (least === undefined || bound < least) least = bound
  }
  return least ?? 0n
}

const least = (left: bigint, right: bigint): bigint => (left < right ? left : right)

describe("an allocation", () => {
  it.prop("WAL-4: covers the maximum that is possible for the basket", Case, ({ lots: given, lines }) => {
    const [lots, spending] = [lotsOf(given), spendingOf(lines)]
    assert.strictEqual(spendable(lots, spending, rules), most(lots, spending))
  })

  it.prop("WAL-4: gives what is asked for or all that can be given, and no lot more than it has", Case, (sample) => {
    const [lots, spending] = [lotsOf(sample.lots), spendingOf(sample.lines)]
    const asked = BigInt(sample.asked)
    const parts = take(lots, spending, asked, rules)
    const taken = parts.reduce((total, { amount }) => total + amount, 0n)
    assert.strictEqual(taken, least(asked, most(lots, spending)))
    assert.isTrue(parts.every((part) => part.amount > 0n))
    assert.deepStrictEqual(returned(debited(lots, parts), parts), lots)
  })

  it.prop("WAL-4: takes the most from each lot in turn that leaves the whole possible", Case, (sample) => {
    const [lots, spending] = [lotsOf(sample.lots), spendingOf(sample.lines)]
    const asked = BigInt(sample.asked)
    const parts = take(lots, spending, asked, rules)
    const order = parts.map((part) => part.lotId)
    for (let count = 1; count <= order.length; count++) {
      const first = lots.filter((lot) => order.slice(0, count).includes(lot.lotId))
      const taken = parts.slice(0, count).reduce((total, { amount }) => total + amount, 0n)
      assert.strictEqual(taken, least(asked, most(first, spending)))
    }
  })
})
