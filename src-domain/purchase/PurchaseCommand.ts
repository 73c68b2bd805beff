/** What can be asked of a purchase. All of them go to the key of the contact who bought. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import { SharedSpend } from "../contact/ContactEvent.ts"
import { SpendRequest } from "./PurchaseState.ts"

export const PostPurchase = Schema.TaggedStruct("PostPurchase", {
  purchaseId: Schema.String,
  code: Schema.String,
  contactId: Schema.String,
  organisationId: Schema.String,
  referenceNumber: Schema.String,
  /** As given; one of the three may be missing (PUR-1). In the purchase's currency. */
  net: Schema.optionalKey(Minor),
  tax: Schema.optionalKey(Minor),
  total: Schema.optionalKey(Minor),
  discount: Schema.optionalKey(Minor),
  currency: Schema.String,
  classification: Schema.optionalKey(Schema.Struct({ id: Schema.String, name: Schema.String })),
  lines: Schema.Array(
    Schema.Struct({
      productId: Schema.String,
      sku: Schema.String,
      name: Schema.optionalKey(Schema.String),
      quantity: Schema.Number,
      net: Schema.optionalKey(Minor),
      tax: Schema.optionalKey(Minor),
      total: Schema.optionalKey(Minor)
    })
  ),
  spendRequest: Schema.optionalKey(SpendRequest),
  /** SHR-4: whose shared wallet, when the caller names one. */
  communityId: Schema.optionalKey(Schema.String),
  /** The token the contact was identified by: its intent, amount and community apply, and it is used up (CIM-5). */
  tokenValue: Schema.optionalKey(Schema.String),
  /** The dynamic wallet code the contact was identified by: used up as well (IDN-2). */
  walletCode: Schema.optionalKey(Schema.String),
  paymentMediumIdentifier: Schema.optionalKey(Schema.String),
  /** When it happened; absent means at the turn. Epoch milliseconds. */
  date: Schema.optionalKey(Schema.Int),
  entryId: Schema.String,
  drawId: Schema.String,
  fingerprint: Schema.String
})

/** The owner's answer to a draw; `shared` is absent when nothing was given, and `reason` says why not (more). */
export const CompletePurchase = Schema.TaggedStruct("CompletePurchase", {
  purchaseId: Schema.String,
  drawId: Schema.String,
  entryId: Schema.String,
  shared: Schema.optionalKey(SharedSpend),
  /** What could have been given, where that was too little to give anything (SHR-6). */
  offered: Schema.optionalKey(Minor),
  reason: Schema.optionalKey(Schema.String)
})

export const CancelPurchase = Schema.TaggedStruct("CancelPurchase", {
  purchaseId: Schema.String,
  entryId: Schema.String
})

export const PurchaseCommand = Schema.Union([PostPurchase, CompletePurchase, CancelPurchase])
export type PurchaseCommand = typeof PurchaseCommand.Type
