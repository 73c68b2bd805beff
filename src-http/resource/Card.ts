/**
 * Payment cards as media that identify (CIM-1, CIM-2). A number is checked, hashed under the business's key and forgotten;
 * its first six and last four digits stay for people to recognise it by. A hash made elsewhere is kept as it was given,
 * marked so that it can never be one of ours.
 */
import type { Card } from "#domain/contact/Profile.ts"
import type { Identification } from "#runtime/actor/Identification.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Line } from "./Fields.ts"

const numberPattern = /^\d{12,19}$/
const originOfGiven = "given:"

export const CardGiven = Schema.Union([Schema.Struct({ number: Line }), Schema.Struct({ hash: Line })])
export type CardGiven = typeof CardGiven.Type

const digitsOf = (text: string): string => text.replaceAll(/[\s-]/g, "")

/** ISO/IEC 7812: doubling every second digit from the right, the digits add up to a multiple of ten. */
const isLuhn = (digits: string): boolean => {
  let sum = 0
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** What a card is compared by, from its number or from a hash made elsewhere. */
export const cardHashOf = (identification: Identification["Service"], business: string, text: string): string => {
  const digits = digitsOf(text)
  return numberPattern.test(digits) ? identification.cardHash(business, digits) : `${originOfGiven}${text.trim()}`
}

/** The card to keep, or why it cannot be one. The number itself goes no further. */
export const cardOf = (
  identification: Identification["Service"],
  business: string,
  given: CardGiven
): Result.Result<Card, string> => {
  if ("hash" in given) {
    return numberPattern.test(digitsOf(given.hash))
      ? Result.fail("A hash that is a card number would be kept as it is; send it as number.")
      : Result.succeed({ hash: cardHashOf(identification, business, given.hash) })
  }
  const digits = digitsOf(given.number)
  if (!numberPattern.test(digits)) return Result.fail("A card number has 12 to 19 digits.")
  if (!isLuhn(digits)) return Result.fail("The card number is mistyped: its check digit does not fit.")
  return Result.succeed({
    hash: cardHashOf(identification, business, digits),
    firstSix: digits.slice(0, 6),
    lastFour: digits.slice(-4)
  })
}
