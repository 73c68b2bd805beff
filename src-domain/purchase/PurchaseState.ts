/**
 * One purchase of one contact, from the till to a possible cancel. Its id is derived from organisation and reference
 * number, so that the same receipt is the same purchase (PUR-2); its placement key is the contact who bought.
 *
 *     Absent --opened--> OPEN --posted--> POSTED --cancelled--> CANCELLED
 *        \                 \--refused--> REFUSED
 *         \--posted--> POSTED
 */
import * as Schema from "effect/Schema"
import { SharedSpend } from "../contact/ContactEvent.ts"
import { Minor } from "../shared/Money.ts"
import { Part } from "../wallet/Lot.ts"

/** Amounts in the purchase's own currency. */
const Amounts = Schema.Struct({
  net: Minor,
  tax: Minor,
  discount: Schema.optionalKey(Minor),
  total: Minor
})
export type Amounts = typeof Amounts.Type

const PurchaseLine = Schema.Struct({
  productId: Schema.String,
  sku: Schema.String,
  name: Schema.optionalKey(Schema.String),
  quantity: Schema.Number,
  net: Minor,
  tax: Minor,
  total: Minor
})
export type PurchaseLine = typeof PurchaseLine.Type

export const SpendRequest = Schema.Struct({
  /** In the wallet's currency; absent means as much as possible (PUR-4). */
  amount: Schema.optionalKey(Minor),
  restrictFullyCovered: Schema.Boolean
})
export type SpendRequest = typeof SpendRequest.Type

/** What the till said, complete and consistent (PUR-1, PUR-3). */
export const Receipt = Schema.Struct({
  purchaseId: Schema.String,
  /** Short code for people, unique within the business. */
  code: Schema.String,
  contactId: Schema.String,
  organisationId: Schema.String,
  referenceNumber: Schema.String,
  amounts: Amounts,
  currency: Schema.String,
  /** What the purchase is worth in the wallet's currency, and the rate if it is another one (PUR-3). */
  totalDefaultCurrency: Minor,
  defaultCurrency: Schema.String,
  exchangeRate: Schema.optionalKey(Schema.String),
  classification: Schema.optionalKey(Schema.Struct({ id: Schema.String, name: Schema.String })),
  lines: Schema.Array(PurchaseLine),
  spendRequest: Schema.optionalKey(SpendRequest),
  /** First six digits of a card that was used, for display. */
  paymentMediumIdentifier: Schema.optionalKey(Schema.String),
  date: Schema.Int,
  /** Fingerprint of the request: another payload under the same reference is a conflict (PUR-2). */
  fingerprint: Schema.String
})
export type Receipt = typeof Receipt.Type

export const OwnSpend = Schema.Struct({ entryId: Schema.String, amount: Minor, parts: Schema.Array(Part) })
export type OwnSpend = typeof OwnSpend.Type

/** Awards of one purchase, at most, those that were taken back among them. */
export const purchaseAwardsMax = 20

/** Money that the contact was given for it: what has to be known to take it back (PUR-6). */
export const PurchaseAward = Schema.Struct({
  awardId: Schema.String,
  name: Schema.String,
  amount: Minor,
  poolId: Schema.optionalKey(Schema.String),
  /** What came back of it, once it was taken back; less than was given where the rest had expired. */
  reversed: Schema.optionalKey(Minor)
})
export type PurchaseAward = typeof PurchaseAward.Type

export const PurchaseState = Schema.Struct({
  state: Schema.Literals(["ABSENT", "OPEN", "POSTED", "REFUSED", "CANCELLED"]),
  receipt: Schema.optionalKey(Receipt),
  /** While OPEN: the command to settle, the draw that is under way, and what is asked for in all. */
  open: Schema.optionalKey(
    Schema.Struct({
      commandId: Schema.String,
      drawId: Schema.String,
      ownerId: Schema.String,
      requested: Minor,
      memberFirst: Schema.Boolean
    })
  ),
  own: Schema.optionalKey(OwnSpend),
  shared: Schema.optionalKey(SharedSpend),
  postedAt: Schema.Int,
  awards: Schema.optionalKey(Schema.Array(PurchaseAward)),
  cancelledAt: Schema.optionalKey(Schema.Int)
})
export type PurchaseState = typeof PurchaseState.Type

export const initial: PurchaseState = { state: "ABSENT", postedAt: 0 }
