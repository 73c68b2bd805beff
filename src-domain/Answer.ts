/**
 * What an accepted command answers. Stored with the command, so that a retry gets the same answer (P7): it holds all
 * that the reply is made of, and no more.
 */
import * as Schema from "effect/Schema"
import { AwardState } from "./award/Award.ts"
import { Identity } from "./contact/Profile.ts"
import { PurchaseState } from "./purchase/PurchaseState.ts"
import { Personal } from "./shared/Personal.ts"

/** It is done; `id` names what was made or changed. */
const Done = Schema.TaggedStruct("Done", { id: Schema.String })

const ContactRegisteredAnswer = Schema.TaggedStruct("ContactRegisteredAnswer", {
  contactId: Schema.String,
  identity: Personal(
    Schema.Struct({
      code: Identity.fields.code,
      referralCode: Identity.fields.referralCode,
      walletCode: Identity.fields.walletCode
    })
  )
})

const PurchaseAnswer = Schema.TaggedStruct("PurchaseAnswer", {
  purchase: PurchaseState,
  /** The buyer's name and code, as of the purchase. */
  buyer: Personal(Schema.Struct({ name: Schema.String, code: Schema.String }))
})

const AwardAnswer = Schema.TaggedStruct("AwardAnswer", { award: AwardState })

/** CON-6: whether a message may go now, not before `at`, or never. */
const SendJudged = Schema.TaggedStruct("SendJudged", {
  verdict: Schema.Literals(["GO", "WAIT", "REJECTED", "OVER"]),
  /** Of WAIT: the first instant at which it may be asked again, epoch milliseconds. */
  at: Schema.optionalKey(Schema.Int)
})

export const Answer = Schema.Union([Done, ContactRegisteredAnswer, PurchaseAnswer, AwardAnswer, SendJudged])
export type Answer = typeof Answer.Type
