/**
 * The values by which a contact is found and that nobody else may hold (UNQ-3, CIM-1, IDN-1..3), in the one form in which
 * they are compared. Whoever looks a value up uses the same functions as whoever takes it.
 */
import type { Claim } from "../shared/Decision.ts"
import type { ContactToken } from "./ContactToken.ts"
import type { Identity, Profile } from "./Profile.ts"

const folded = (value: string): string => value.trim().normalize("NFKC").toLowerCase()

/** How each kind of value is compared. */
const normal = {
  email: folded,
  /** E.164 as it stands: whoever knows the country made it so. */
  phone: (value: string) => value.trim(),
  code: folded,
  referral_code: (value: string) => value.trim().toUpperCase(),
  wallet_code: (value: string) => value.trim(),
  /** A keyed hash. */
  card: (value: string) => value,
  loyalty_identifier: folded,
  gift_pass: folded,
  token: (value: string) => value.trim(),
  /** Where pushes to a device go. */
  device: (value: string) => value
}

export type ClaimKind = keyof typeof normal

/** A value as it is claimed and looked up. Wallet codes are one of a kind in the whole network (IDN-2). */
export const claimOf = (kind: ClaimKind, value: string): Claim => ({
  kind,
  value: normal[kind](value),
  scope: kind === "wallet_code" ? "network" : "business"
})

/** CIM-3: what of a profile identifies, for as long as it stands there. */
export const profileClaims = (profile: Profile): ReadonlyArray<Claim> => [
  ...(profile.email === undefined ? [] : [claimOf("email", profile.email)]),
  ...(profile.phone === undefined ? [] : [claimOf("phone", profile.phone.e164)])
]

type Media = Pick<Identity, "loyaltyIdentifiers" | "cards" | "giftPasses">

/** CIM-1: the media that identify. */
export const mediaClaims = (media: Media): ReadonlyArray<Claim> => [
  ...media.loyaltyIdentifiers.map((value) => claimOf("loyalty_identifier", value)),
  ...media.cards.map((card) => claimOf("card", card.hash)),
  ...media.giftPasses.map((value) => claimOf("gift_pass", value))
]

/** IDN-1, IDN-2, IDN-3. */
export const identityClaims = (identity: Identity): ReadonlyArray<Claim> => [
  claimOf("code", identity.code),
  claimOf("referral_code", identity.referralCode),
  claimOf("wallet_code", identity.walletCode),
  ...mediaClaims(identity)
]

/** A token answers to its value and to the sixteen digits for tills without a scanner. */
export const tokenClaims = (token: ContactToken): ReadonlyArray<Claim> => [
  claimOf("token", token.value),
  claimOf("token", token.alternative)
]

/** Whether two values are the same to a reader of that kind. */
export const isSame = (kind: ClaimKind, left: string, right: string): boolean =>
  claimOf(kind, left).value === claimOf(kind, right).value

/** What of `claims` is not among `others`. */
export const except = (claims: ReadonlyArray<Claim>, others: ReadonlyArray<Claim>): ReadonlyArray<Claim> =>
  claims.filter((claim) => !others.some((other) => other.kind === claim.kind && other.value === claim.value))
