/**
 * Money: an integer of minor units with its ISO 4217 currency (architecture decision 11). Never a float: a JSON decimal
 * becomes minor units through its shortest decimal text, and one that is finer than the currency is refused, not rounded.
 */
import * as Schema from "effect/Schema"

/** A non-negative or signed count of minor units (cents, fils, yen), written as a decimal string in JSON. */
export const Minor = Schema.BigInt
export type Minor = bigint

/** ISO 4217 alphabetic code. */
export const CurrencyCode = Schema.String.check(Schema.isPattern(/^[A-Z]{3}$/))

const exponents = new Map<string, number>()

/** How many decimals a currency has: EUR 2, JPY 0, KWD 3. */
export const exponentOf = (currency: string): number => {
  let exponent = exponents.get(currency)
  if (exponent === undefined) {
    exponent = new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2
    exponents.set(currency, exponent)
  }
  return exponent
}

/** Minor units of a decimal, or `undefined` when it is not finite, finer than the currency, or beyond 15 digits. */
export const fromDecimal = (decimal: number, currency: string): Minor | undefined => {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(decimal))
  if (match === null) return undefined
  const exponent = exponentOf(currency)
  const fraction = match[3] ?? ""
  const whole = match[2] ?? ""
  if (fraction.length > exponent || whole.length + fraction.length > 15) return undefined
  const minor = BigInt(whole + fraction.padEnd(exponent, "0"))
  return match[1] === "-" ? -minor : minor
}

/** The decimal of minor units: exact for every amount that `fromDecimal` accepts. */
export const toDecimal = (minor: Minor, currency: string): number => {
  const exponent = exponentOf(currency)
  return exponent === 0 ? Number(minor) : Number(`${minor}e-${exponent}`)
}

/** Rounded to whole minor units; half a unit goes to the even side. */
export const divideHalfEven = (numerator: bigint, denominator: bigint): bigint => {
  const sign = numerator < 0n ? -1n : 1n
  const magnitude = numerator * sign
  const quotient = magnitude / denominator
  const twice = (magnitude % denominator) * 2n
  const up = twice > denominator || (twice === denominator && quotient % 2n === 1n)
  return sign * (up ? quotient + 1n : quotient)
}

export const min = (first: Minor, ...rest: ReadonlyArray<Minor>): Minor =>
  rest.reduce((least, amount) => (amount < least ? amount : least), first)

export const sum = (amounts: Iterable<Minor>): Minor => {
  let total = 0n
  for (const amount of amounts) total += amount
  return total
}
