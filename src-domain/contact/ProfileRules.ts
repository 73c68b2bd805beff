/**
 * What a contact has to look like, and how a change of it is read: a Person has two names, a Company has one, and what an
 * update does not mention stays as it is. Fields are named as the API names them.
 */
import type { Refusal } from "../Refusal.ts"
import { isTimeZone } from "../shared/CalendarDate.ts"
import { claimOf } from "./Claims.ts"
import type { ContactState } from "./ContactState.ts"
import type { Card, Identity, Profile } from "./Profile.ts"

/** Values of all three kinds together that may identify one contact. */
export const mediaMax = 64
const codeLengthMax = 64

const emailPattern = /^[^\s@]+@[^\s@]+$/
const e164Pattern = /^\+[1-9]\d{4,14}$/
const referralCodePattern = /^[A-Z0-9]{6}$/i
const walletCodePattern = /^\d{16}$/

const isBlank = (value: string | undefined): boolean => value === undefined || value.trim() === ""

const invalid = (field: string, rule: string): Refusal => ({ _tag: "InvalidContact", field, rule })

const objectionToNames = (type: ContactState["type"], profile: Profile): Refusal | undefined => {
  if (type === "COMPANY") {
    return isBlank(profile.companyName) ? invalid("company_name", "A company needs a company name.") : undefined
  }
  if (isBlank(profile.firstName)) return invalid("first_name", "A person needs a first name.")
  if (isBlank(profile.lastName)) return invalid("last_name", "A person needs a last name.")
  if (!isBlank(profile.companyName)) return invalid("company_name", "Only a company has a company name.")
  if (profile.companyProfile !== undefined) return invalid("company_profile", "Only a company has a company profile.")
  return undefined
}

export const objectionToProfile = (type: ContactState["type"], profile: Profile): Refusal | undefined => {
  const objection = objectionToNames(type, profile)
  if (objection !== undefined) return objection
  if (profile.email !== undefined && !emailPattern.test(profile.email)) {
    return invalid("email_address", "An e-mail address has a name, an @ and a domain.")
  }
  if (profile.phone !== undefined && !e164Pattern.test(profile.phone.e164)) {
    return invalid("phone", "The number could not be read as one of a country.")
  }
  return undefined
}

export const objectionToTimeZone = (timeZone: string | undefined): Refusal | undefined =>
  timeZone === undefined || isTimeZone(timeZone)
    ? undefined
    : invalid("time_zone", "The time zone is a name of the IANA database.")

const mediaCount = (identity: Pick<Identity, "loyaltyIdentifiers" | "cards" | "giftPasses">): number =>
  identity.loyaltyIdentifiers.length + identity.cards.length + identity.giftPasses.length

export const objectionToMedia = (identity: Parameters<typeof mediaCount>[0]): Refusal | undefined => {
  if (identity.loyaltyIdentifiers.some(isBlank)) return invalid("loyalty_identifiers", "An identifier is not empty.")
  if (identity.cards.some((card) => isBlank(card.hash))) return invalid("cards", "A card has a hash.")
  if (identity.giftPasses.some(isBlank)) return invalid("gift_passes", "A gift pass is not empty.")
  return mediaCount(identity) > mediaMax
    ? invalid("cims", `A contact is identified by at most ${mediaMax} cards, loyalty identifiers and gift passes.`)
    : undefined
}

/** IDN-1..3. Codes may be given: only generated ones avoid the letters and digits that look alike. */
export const objectionToIdentity = (identity: Identity): Refusal | undefined => {
  const { code, referralCode, walletCode } = identity
  if (isBlank(code) || code !== code.trim() || code.length > codeLengthMax) {
    return invalid("code", `A code has 1 to ${codeLengthMax} characters and no space at either end.`)
  }
  if (!referralCodePattern.test(referralCode)) {
    return invalid("referral_code", "A referral code has 6 letters or digits.")
  }
  if (!walletCodePattern.test(walletCode)) return invalid("wallet_code", "A wallet code has 16 digits.")
  return objectionToMedia(identity)
}

/** UNQ-3: an e-mail address is kept in the form in which it is compared. */
export const tidied = (profile: Profile): Profile =>
  profile.email === undefined ? profile : { ...profile, email: claimOf("email", profile.email).value }

type CustomFields = NonNullable<Profile["customFields"]>

const mergedFields = (current: CustomFields = [], given: CustomFields = []): CustomFields => [
  ...new Map([...current, ...given].map((field) => [field.key, field])).values()
]

/** What is given replaces what is there; what is not given stays, also within demographics and the company profile. */
export const merged = (current: Profile, given: Profile): Profile => {
  const { companyProfile, demographics, customFields } = given
  return {
    ...current,
    ...tidied(given),
    ...(companyProfile && { companyProfile: { ...current.companyProfile, ...companyProfile } }),
    ...(demographics && { demographics: { ...current.demographics, ...demographics } }),
    ...(customFields && { customFields: mergedFields(current.customFields, customFields) })
  }
}

type Media = Pick<Identity, "loyaltyIdentifiers" | "cards" | "giftPasses">

const union = <A>(known: ReadonlyArray<A>, given: ReadonlyArray<A>, valueOf: (item: A) => string): ReadonlyArray<A> => [
  ...new Map([...given, ...known].map((item) => [valueOf(item), item])).values()
]

/** Known media first, each value once, as it was first given. */
export const withMedia = (known: Media, given: Media): Media => ({
  loyaltyIdentifiers: union(
    known.loyaltyIdentifiers,
    given.loyaltyIdentifiers,
    (value) => claimOf("loyalty_identifier", value).value
  ),
  cards: union(known.cards, given.cards, (card: Card) => card.hash),
  giftPasses: union(known.giftPasses, given.giftPasses, (value) => claimOf("gift_pass", value).value)
})
