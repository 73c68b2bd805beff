/** Fields that many resources share, as they stand in JSON: strict on the way in, exact on the way out. */
import { exponentOf, fromDecimal, toDecimal } from "#domain/shared/Money.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Fault, type FieldFault, invalid } from "../door/Fault.ts"

/** A UUID, any case. */
export const Id = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, {
    message: "A UUID is needed."
  })
)
export const isId = Schema.is(Id)
/** A line of text a person wrote. */
export const Line = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255))
/** The last second of the year 9999. */
export const secondsMax = 253_402_300_799
/** Epoch seconds. What was meant as milliseconds is past its end. */
export const Instant = Schema.Int.check(
  Schema.isBetween(
    { minimum: 0, maximum: secondsMax },
    { message: `Seconds since 1970 are needed, at most ${secondsMax}, the end of the year 9999.` }
  )
)
/** An amount of money, a decimal in the currency that stands beside it. Its digits are checked against the currency. */
export const Amount = Schema.Finite
export const CurrencyCode = Schema.String.check(
  Schema.isPattern(/^[A-Z]{3}$/, { message: "An ISO 4217 currency code is needed." })
)

/** Reads amounts that a caller sent into minor units, and remembers which of them cannot be amounts, and why. */
export class Amounts {
  readonly #currency: string
  readonly #faults: Array<FieldFault> = []

  constructor(currency: string) {
    this.#currency = currency
  }

  /** Absent stays absent, and so does what is no amount: then `fault` says so. */
  read(pointer: string, decimal: number | undefined): bigint | undefined {
    if (decimal === undefined) return undefined
    const amount = fromDecimal(decimal, this.#currency)
    if (amount !== undefined && amount >= 0n) return amount
    const decimals = exponentOf(this.#currency)
    const rule = `${decimal} is not an amount of ${this.#currency}: not negative, at most ${decimals} decimals and 15 digits.`
    this.#faults.push({ pointer, rule })
    return undefined
  }

  get fault(): Fault | undefined {
    return this.#faults.length === 0 ? undefined : invalid(this.#faults)
  }
}

/** Minor units of one decimal; names the field and the rule when it cannot be one. Settled. */
export const minorOptional = (
  pointer: string,
  decimal: number | undefined,
  currency: string
): Effect.Effect<bigint | undefined, Fault> => {
  const amounts = new Amounts(currency)
  const amount = amounts.read(pointer, decimal)
  return amounts.fault === undefined ? Effect.succeed(amount) : Effect.fail(amounts.fault)
}

export const minor = minorOptional as (
  pointer: string,
  decimal: number,
  currency: string
) => Effect.Effect<bigint, Fault>

export const decimal = toDecimal

/** Epoch seconds of epoch milliseconds. */
export const epoch = (at: number): number => Math.floor(at / 1000)

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}
/** An object without its undefined members, as exact optional types want it. */
export const present = <T extends object>(fields: T): Present<T> => {
  const kept: Record<string, unknown> = {}
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name]
  return kept as never
}
