/**
 * Phone numbers as they are compared (UNQ-3): E.164, whichever way people of a country write them. Pure; the numbering
 * plans are the full ones of libphonenumber, because a shop asks for landlines as well as for mobiles.
 */
import * as Result from "effect/Result"
import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString
} from "libphonenumber-js/max"
import type { InvalidContact } from "../Refusal.ts"
import { alpha2Of } from "../shared/Country.ts"

export interface GivenPhone {
  /** ISO 3166-1 alpha-3. */
  readonly countryCode?: string | undefined
  /** National, or E.164 as it stands. */
  readonly number: string
}

type E164 = Result.Result<string, typeof InvalidContact.Type>

/** What people put between the digits; anything else beside them would be guessed at. */
const writtenPattern = /^\+?[\d\s()./-]+$/

const regionOf = (countryCode: string): CountryCode | undefined => {
  const alpha2 = alpha2Of(countryCode)
  return alpha2 !== undefined && isSupportedCountry(alpha2) ? alpha2 : undefined
}

/** E.164 of a number; `field` is what the caller calls it, `home` the country of one that names none. */
export const e164Of = ({ countryCode, number }: GivenPhone, field: string, home: string): E164 => {
  const invalid = (part: string, rule: string): E164 =>
    Result.fail({ _tag: "InvalidContact", field: part === "" ? field : `${field}/${part}`, rule })
  const region = regionOf(countryCode ?? home)
  const text = number.trim()
  if (region === undefined && !text.startsWith("+")) {
    return invalid(
      "country_code",
      "The numbers of this country are not known; send the number as E.164, with a + in front."
    )
  }
  const parsed = writtenPattern.test(text)
    ? parsePhoneNumberFromString(text, { ...(region !== undefined && { defaultCountry: region }), extract: false })
    : undefined
  if (parsed === undefined || !parsed.isValid()) {
    return invalid(
      "number",
      "It cannot be a number of its country; send it as dialled there, or as E.164 with a + in front."
    )
  }
  const isForeign = region !== undefined && getCountryCallingCode(region) !== parsed.countryCallingCode
  if (countryCode !== undefined && isForeign) {
    return invalid("country_code", "The number begins with the calling code of another country.")
  }
  return Result.succeed(parsed.number)
}
