/** Fields that many resources share, as they stand in JSON: strict on the way in, exact on the way out. */
import { exponentOf, fromDecimal, toDecimal } from "#domain/shared/Money.ts"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type Fault, invalidField } from "../door/Fault.ts"

/** A UUID, any case. */
export const Id = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, {
    message: "A UUID is needed."
  })
)
export const isId = Schema.is(Id)
/** A line of text a person wrote. */
export const Line = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255))
/** An amount of money, a decimal in the currency that stands beside it. Its digits are checked against the currency. */
export const Amount = Schema.Finite
export const CurrencyCode = Schema.String.check(
  Schema.isPattern(/^[A-Z]{3}$/, { message: "An ISO 4217 currency code is needed." })
)

/** Minor units of a decimal that a caller sent; names the field and the rule when it cannot be one. */
export const minor = (pointer: string, decimal: number, currency: string): Effect.Effect<bigint, Fault> => {
  const amount = fromDecimal(decimal, currency)
  if (amount === undefined || amount < 0n) {
    return Effect.fail(
      invalidField(
        pointer,
        `${decimal} is not an amount of ${currency}: not negative, at most ${exponentOf(currency)} decimals and 15 digits.`
      )
    )
  }
  return Effect.succeed(amount)
}

export const minorOptional = (
  pointer: string,
  decimal: number | undefined,
  currency: string
): Effect.Effect<bigint | undefined, Fault> =>
  decimal === undefined ? Effect.succeed(undefined) : minor(pointer, decimal, currency)

export const decimal = toDecimal

/** Epoch seconds of epoch milliseconds. */
export const epoch = (at: number): number => Math.floor(at / 1000)

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}
/** An object without its undefined members, as exact optional types want it. */
export const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
