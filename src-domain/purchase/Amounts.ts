/**
 * The amounts of a receipt: complete, without contradiction, and worth what they are worth in the wallet's currency
 * (PUR-1, PUR-3). Whole minor units all the way: a rate multiplies integers, and half a unit goes to the even side.
 */
import * as Result from "effect/Result"
import type { Business } from "../organisation/Business.ts"
import type { Refusal } from "../Refusal.ts"
import type { Minor } from "../shared/Money.ts"
import { divideHalfEven, exponentOf, sum } from "../shared/Money.ts"

interface Given {
  readonly net?: Minor
  readonly tax?: Minor
  readonly total?: Minor
}

interface Complete {
  readonly net: Minor
  readonly tax: Minor
  readonly total: Minor
}

/** Lines are rounded one by one at the till, so their sum may be this far from the header (PUR-1). */
const lineToleranceMinor = 1n

/** PUR-1: total = net + tax. What is missing is computed; an amount that stands alone has no tax. */
export const complete = ({ net, tax, total }: Given, field: string): Result.Result<Complete, Refusal> => {
  if (net === undefined && total === undefined) {
    return Result.fail({ _tag: "InvalidAmount", field, rule: "A total or a net amount is needed." })
  }
  const knownNet = net ?? (total ?? 0n) - (tax ?? 0n)
  const knownTax = tax ?? (total === undefined ? 0n : total - knownNet)
  const knownTotal = total ?? knownNet + knownTax
  if (knownNet + knownTax !== knownTotal) {
    return Result.fail({ _tag: "ContradictingAmounts", field, rule: "The total is the net amount and the tax." })
  }
  return Result.succeed({ net: knownNet, tax: knownTax, total: knownTotal })
}

/** The header of a receipt; a receipt that gives money back is not a purchase. */
export const completeHeader = (given: Given): Result.Result<Complete, Refusal> => {
  const amounts = complete(given, "transaction_amounts")
  if (Result.isFailure(amounts)) return amounts
  const { net, tax, total } = amounts.success
  const negative = net < 0n ? "net" : tax < 0n ? "tax" : total < 0n ? "total" : undefined
  return negative === undefined
    ? amounts
    : Result.fail({
        _tag: "InvalidAmount",
        field: `transaction_amounts.${negative}`,
        rule: "An amount of a purchase is not below zero."
      })
}

/** Completes each line; single lines may give money back (a deposit, a voucher). */
export const completeLines = <Line extends Given>(
  lines: ReadonlyArray<Line>,
  header: Complete
): Result.Result<ReadonlyArray<Line & Complete>, Refusal> => {
  const completed: Array<Line & Complete> = []
  for (const [index, line] of lines.entries()) {
    const amounts = complete(line, `products[${index}]`)
    if (Result.isFailure(amounts)) return Result.fail(amounts.failure)
    completed.push({ ...line, ...amounts.success })
  }
  const difference = sum(completed.map((line) => line.total)) - header.total
  if (lines.length > 0 && (difference > lineToleranceMinor || difference < -lineToleranceMinor)) {
    return Result.fail({ _tag: "ContradictingAmounts", field: "products", rule: "The lines sum to the total." })
  }
  return Result.succeed(completed)
}

/** PUR-3: an amount of one currency in another; `rate` is the units of `to` for one unit of `from`, in decimals. */
export const convert = (amount: Minor, rate: string, from: string, to: string): Minor => {
  const [whole = "0", fraction = ""] = rate.split(".")
  const numerator = amount * BigInt(whole + fraction) * 10n ** BigInt(exponentOf(to))
  return divideHalfEven(numerator, 10n ** BigInt(fraction.length + exponentOf(from)))
}

const isRate = (rate: string | undefined): rate is string =>
  rate !== undefined && /^\d{1,15}(\.\d{1,15})?$/.test(rate) && /[1-9]/.test(rate)

/** The posted rate from a foreign currency to the wallet's; absent when they are the same. */
export const rateTo = (
  currency: string,
  from: string,
  business: Business
): Result.Result<string | undefined, Refusal> => {
  if (from === currency) return Result.succeed(undefined)
  const known = currency === business.currency && Object.hasOwn(business.exchangeRates, from)
  const rate = known ? business.exchangeRates[from] : undefined
  return isRate(rate) ? Result.succeed(rate) : Result.fail({ _tag: "UnknownCurrencyRate", currency: from })
}

/** Makes line amounts sum to the total: what rounding left over goes to the largest of them. */
export const settleLines = (amounts: ReadonlyArray<Minor>, total: Minor): ReadonlyArray<Minor> => {
  const difference = total - sum(amounts)
  if (difference === 0n || amounts.length === 0) return amounts
  const largest = amounts.reduce((found, amount, index) => (amount > (amounts[found] ?? 0n) ? index : found), 0)
  return amounts.with(largest, (amounts[largest] ?? 0n) + difference)
}
