/** Facts about one purchase, as they stand in the journal. */
import * as Schema from "effect/Schema"
import { SharedSpend } from "../contact/ContactEvent.ts"
import { Minor } from "../shared/Money.ts"
import { OwnSpend, PurchaseAward, Receipt } from "./PurchaseState.ts"

/** It waits for a draw on a shared wallet (SHR-7); nothing has been paid yet. */
const PurchaseOpened = Schema.TaggedStruct("PurchaseOpened", {
  receipt: Receipt,
  commandId: Schema.String,
  drawId: Schema.String,
  ownerId: Schema.String,
  requested: Minor,
  memberFirst: Schema.Boolean,
  at: Schema.Int
})
const PurchasePosted = Schema.TaggedStruct("PurchasePosted", {
  /** Absent when `PurchaseOpened` already holds it. */
  receipt: Schema.optionalKey(Receipt),
  /** What is told of a receipt to those who have the event alone; beside `receipt` it would say the same twice. */
  summary: Schema.optionalKey(Schema.Struct({ organisationId: Schema.String, total: Minor, currency: Schema.String })),
  own: Schema.optionalKey(OwnSpend),
  shared: Schema.optionalKey(SharedSpend),
  at: Schema.Int
})
const PurchaseRefused = Schema.TaggedStruct("PurchaseRefused", { reason: Schema.String, at: Schema.Int })
/** With what came back of each award that still stood. */
const PurchaseCancelled = Schema.TaggedStruct("PurchaseCancelled", {
  awards: Schema.optionalKey(Schema.Array(Schema.Struct({ awardId: Schema.String, amount: Minor }))),
  at: Schema.Int
})
const { reversed: _, ...awardFields } = PurchaseAward.fields
const PurchaseAwarded = Schema.TaggedStruct("PurchaseAwarded", { award: Schema.Struct(awardFields), at: Schema.Int })
/** It was taken back by itself. */
const PurchaseAwardReversed = Schema.TaggedStruct("PurchaseAwardReversed", {
  awardId: Schema.String,
  amount: Minor,
  at: Schema.Int
})

export const PurchaseEvent = Schema.Union([
  PurchaseOpened,
  PurchasePosted,
  PurchaseRefused,
  PurchaseCancelled,
  PurchaseAwarded,
  PurchaseAwardReversed
])
export type PurchaseEvent = typeof PurchaseEvent.Type
