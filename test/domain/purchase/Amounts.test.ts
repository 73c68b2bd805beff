/** PUR-1 and PUR-3 by numbers: what is missing is computed, what contradicts is refused, what is foreign is converted. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { complete, completeHeader, completeLines, convert, rateTo, settleLines } from "#domain/purchase/Amounts.ts"
import { sum } from "#domain/shared/Money.ts"
import { bakery } from "../../support/Given.ts"
import { line } from "../../support/Household.ts"

const header = { net: 840n, tax: 160n, total: 1000n }
const tagOf = <A, E extends { readonly _tag: string }>(result: Result.Result<A, E>) =>
  Result.isFailure(result) ? result.failure._tag : "accepted"

describe("amounts of a receipt", () => {
  it("PUR-1 whichever of net, tax and total is missing is computed", () => {
    assert.deepStrictEqual(complete({ net: 840n, tax: 160n }, "x"), Result.succeed(header))
    assert.deepStrictEqual(complete({ net: 840n, total: 1000n }, "x"), Result.succeed(header))
    assert.deepStrictEqual(complete({ tax: 160n, total: 1000n }, "x"), Result.succeed(header))
    assert.deepStrictEqual(complete(header, "x"), Result.succeed(header))
  })

  it("PUR-1 an amount that stands alone has no tax", () => {
    const untaxed = { net: 1000n, tax: 0n, total: 1000n }
    assert.deepStrictEqual(complete({ total: 1000n }, "x"), Result.succeed(untaxed))
    assert.deepStrictEqual(complete({ net: 1000n }, "x"), Result.succeed(untaxed))
  })

  it("PUR-1 amounts that contradict each other are refused", () => {
    assert.strictEqual(tagOf(complete({ ...header, total: 1001n }, "x")), "ContradictingAmounts")
  })

  it("PUR-1 without a net amount and a total there is nothing to compute from", () => {
    assert.strictEqual(tagOf(complete({}, "x")), "InvalidAmount")
    assert.strictEqual(tagOf(complete({ tax: 160n }, "x")), "InvalidAmount")
  })

  it("PUR-1 no amount of a purchase is below zero, given or computed", () => {
    assert.strictEqual(tagOf(completeHeader({ net: -1n, total: 0n })), "InvalidAmount")
    assert.strictEqual(tagOf(completeHeader({ net: 1001n, total: 1000n })), "InvalidAmount")
    assert.strictEqual(tagOf(completeHeader({ total: -1n })), "InvalidAmount")
    assert.strictEqual(tagOf(completeHeader({ total: 0n })), "accepted")
  })

  it("PUR-1 lines may miss the header by one minor unit, not by two", () => {
    const lines = (total: bigint) => tagOf(completeLines([line("coffee", 300n), line("pie", total)], header))
    assert.strictEqual(lines(699n), "accepted")
    assert.strictEqual(lines(701n), "accepted")
    assert.strictEqual(lines(698n), "ContradictingAmounts")
    assert.strictEqual(lines(702n), "ContradictingAmounts")
  })

  it("PUR-1 a line may give money back, a receipt without lines says nothing of products", () => {
    assert.strictEqual(tagOf(completeLines([line("pie", 1100n), line("deposit", -100n)], header)), "accepted")
    assert.strictEqual(tagOf(completeLines([], header)), "accepted")
  })

  it("PUR-1 a contradiction in a line names the line", () => {
    const wrong = { ...line("pie", 700n), net: 700n, tax: 1n }
    assert.deepStrictEqual(
      completeLines([line("coffee", 300n), wrong], header),
      Result.fail({
        _tag: "ContradictingAmounts" as const,
        field: "products[1]",
        rule: "The total is the net amount and the tax."
      })
    )
  })
})

describe("amounts of another currency", () => {
  it("PUR-3 are converted at the posted rate, in the digits of each currency", () => {
    assert.strictEqual(convert(1000n, "0.92", "USD", "EUR"), 920n)
    assert.strictEqual(convert(1000n, "0.0061", "JPY", "EUR"), 610n)
    assert.strictEqual(convert(1000n, "163.5", "EUR", "JPY"), 1635n)
    assert.strictEqual(convert(1000n, "3", "KWD", "EUR"), 300n)
  })

  it("PUR-3 half a unit goes to the even side, also below zero", () => {
    assert.strictEqual(convert(1n, "0.5", "USD", "EUR"), 0n)
    assert.strictEqual(convert(3n, "0.5", "USD", "EUR"), 2n)
    assert.strictEqual(convert(5n, "0.5", "USD", "EUR"), 2n)
    assert.strictEqual(convert(-3n, "0.5", "USD", "EUR"), -2n)
    assert.strictEqual(convert(1n, "0.51", "USD", "EUR"), 1n)
  })

  it("PUR-3 a currency without a posted rate is refused, and the wallet's own needs none", () => {
    const business = { ...bakery, exchangeRates: { USD: "0.92", CHF: "0.0" } }
    assert.deepStrictEqual(rateTo("EUR", "USD", business), Result.succeed("0.92"))
    assert.deepStrictEqual(rateTo("EUR", "EUR", business), Result.succeed(undefined))
    for (const currency of ["GBP", "CHF", "constructor"]) {
      assert.deepStrictEqual(
        rateTo("EUR", currency, business),
        Result.fail({ _tag: "UnknownCurrencyRate" as const, currency })
      )
    }
  })

  it.prop(
    "PUR-3 converted lines sum to the converted total",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))), Schema.Boolean],
    ([cents, oneOff]) => {
      const lines = cents.map((amount) => BigInt(amount))
      const total = convert(sum(lines) + (oneOff ? 1n : 0n), "0.3137", "USD", "EUR")
      const settled = settleLines(
        lines.map((amount) => convert(amount, "0.3137", "USD", "EUR")),
        total
      )
      return lines.length === 0 || sum(settled) === total
    }
  )
})
