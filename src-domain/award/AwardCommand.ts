/** What can be asked of an award. Both go to the key of the contact who has it, with her purchase where it is for one. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"

/** What it is worth: so much, or so many hundredths of a percent of what she paid of the purchase (PUR-5). */
const Worth = Schema.Union([
  Schema.TaggedStruct("Amount", { amount: Minor }),
  Schema.TaggedStruct("Share", { basisPoints: Schema.Int })
])
export type Worth = typeof Worth.Type

export const GiveAward = Schema.TaggedStruct("GiveAward", {
  awardId: Schema.String,
  name: Schema.String,
  worth: Worth,
  currency: Schema.String,
  poolId: Schema.optionalKey(Schema.String),
  purchaseId: Schema.optionalKey(Schema.String)
})

/** Names the purchase that the award is for, if it is for one: that has to be looked up before. */
export const ReverseAward = Schema.TaggedStruct("ReverseAward", {
  awardId: Schema.String,
  purchaseId: Schema.optionalKey(Schema.String)
})

export const AwardCommand = Schema.Union([GiveAward, ReverseAward])
export type AwardCommand = typeof AwardCommand.Type
