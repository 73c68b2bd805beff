/** A one-time token by which a contact agrees to a purchase at the till (CIM-4, CIM-5): single use, short-lived. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"

export const TokenIntent = Schema.Literals(["SPEND", "APPROVE_PURCHASE", "REJECT_PURCHASE"])

export const ContactToken = Schema.Struct({
  id: Schema.String,
  value: Schema.String,
  /** 16 digits, for tills without a scanner. */
  alternative: Schema.String,
  intent: TokenIntent,
  /** Absent: as much as possible (PUR-4). */
  spendAmount: Schema.optionalKey(Minor),
  /** Whose shared wallet to use (SHR-4). */
  communityId: Schema.optionalKey(Schema.String),
  estimateId: Schema.optionalKey(Schema.String),
  expiresAt: Schema.Int
})
export type ContactToken = typeof ContactToken.Type

/** In the place of a token's id: the purchase used up the dynamic wallet code (IDN-2). The code itself is personal. */
export const usedWalletCode = "wallet_code"
