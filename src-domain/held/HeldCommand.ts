/** What can be asked of a command that waits for somebody's approval (AUT-5). */
import * as Schema from "effect/Schema"
import { Judge } from "../automation/Judges.ts"
import { RegisterContact, UpdateContact } from "../contact/ContactCommand.ts"
import { Identity } from "../contact/Profile.ts"
import { Personal } from "../shared/Personal.ts"

/** The codes that were made up for a contact, and are made up anew if somebody has them by the time of the approval. */
export const GeneratedCode = Schema.Literals(["code", "referralCode", "walletCode"])

/** What is kept of a command until it is decided. */
export const heldFields = {
  heldId: Schema.String,
  command: Personal(Schema.Union([RegisterContact, UpdateContact])),
  generated: Schema.Array(GeneratedCode),
  /** The automations that said so. */
  heldBy: Schema.Array(Judge)
}

/** Sent under the id of the request: that stays open until somebody decides. */
export const HoldCommand = Schema.TaggedStruct("HoldCommand", heldFields)
export const ApproveHeld = Schema.TaggedStruct("ApproveHeld", {
  heldId: Schema.String,
  /** In place of codes that were made up, and are taken. */
  codes: Schema.optionalKey(
    Schema.Struct({
      code: Identity.fields.code,
      referralCode: Identity.fields.referralCode,
      walletCode: Identity.fields.walletCode
    })
  )
})
const RejectHeld = Schema.TaggedStruct("RejectHeld", { heldId: Schema.String })
const LapseHeld = Schema.TaggedStruct("LapseHeld", { heldId: Schema.String })

export const HeldCommand = Schema.Union([HoldCommand, ApproveHeld, RejectHeld, LapseHeld])
export type HeldCommand = typeof HeldCommand.Type
