/** What can be asked of a contact and its wallet. Ids, random codes and keyed hashes are made before, and arrive here. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import { Personal } from "../shared/Personal.ts"
import { Part } from "../wallet/Lot.ts"
import { ContactToken } from "./ContactToken.ts"
import { Membership } from "./Membership.ts"
import { Identity, Profile } from "./Profile.ts"

export const RegisterContact = Schema.TaggedStruct("RegisterContact", {
  contactId: Schema.String,
  type: Schema.Literals(["PERSON", "COMPANY"]),
  countryOfAgreement: Schema.optionalKey(Schema.String),
  languageCode: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean),
  profile: Personal(Profile),
  identity: Personal(Identity)
})

/** Absent fields stay; `null` has no meaning here. `type`, `code` and `referralCode` may only repeat what is there. */
export const UpdateContact = Schema.TaggedStruct("UpdateContact", {
  type: Schema.optionalKey(Schema.Literals(["PERSON", "COMPANY"])),
  code: Schema.optionalKey(Personal(Schema.String)),
  referralCode: Schema.optionalKey(Personal(Schema.String)),
  languageCode: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean),
  profile: Personal(Profile)
})

export const AddIdentifiers = Schema.TaggedStruct("AddIdentifiers", {
  identity: Personal(
    Schema.Struct({
      loyaltyIdentifiers: Identity.fields.loyaltyIdentifiers,
      cards: Identity.fields.cards,
      giftPasses: Identity.fields.giftPasses
    })
  )
})

/** A manual journal of the back office. Without a pool it is about the business open pocket. */
export const PostJournal = Schema.TaggedStruct("PostJournal", {
  entryId: Schema.String,
  action: Schema.Literals(["CREDIT", "DEBIT"]),
  amount: Minor,
  currency: Schema.String,
  poolId: Schema.optionalKey(Schema.String),
  notes: Schema.optionalKey(Personal(Schema.String))
})

export const SendTransfer = Schema.TaggedStruct("SendTransfer", {
  transferId: Schema.String,
  destinationId: Schema.String,
  amount: Minor,
  currency: Schema.String,
  poolId: Schema.optionalKey(Schema.String),
  /** 16 digits, for people. */
  code: Schema.optionalKey(Schema.String),
  notes: Schema.optionalKey(Personal(Schema.String))
})
export const ReceiveTransfer = Schema.TaggedStruct("ReceiveTransfer", {
  transferId: Schema.String,
  originId: Schema.String,
  /** Carried along, because a destination that was never registered does not know its own name. */
  destinationId: Schema.String,
  amount: Minor,
  currency: Schema.String,
  poolId: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.String),
  /** What to give back, and which command to settle, if it is refused. */
  parts: Schema.Array(Part),
  settles: Schema.String,
  sentAt: Schema.Int
})
export const CompleteTransfer = Schema.TaggedStruct("CompleteTransfer", {
  transferId: Schema.String,
  destinationId: Schema.String,
  amount: Minor,
  parts: Schema.Array(Part),
  settles: Schema.String,
  sentAt: Schema.Int,
  /** The refusal's tag; absent when it arrived. */
  refusedBecause: Schema.optionalKey(Schema.String)
})

export const NoteMembership = Schema.TaggedStruct("NoteMembership", { membership: Membership })
export const IssueToken = Schema.TaggedStruct("IssueToken", { token: Personal(ContactToken) })
export const RotateWalletCode = Schema.TaggedStruct("RotateWalletCode", {
  walletCode: Personal(Schema.String),
  expiresAt: Schema.Int
})
export const ChangePoolActivation = Schema.TaggedStruct("ChangePoolActivation", {
  poolId: Schema.String,
  active: Schema.Boolean
})
export const ChangeSpendBlock = Schema.TaggedStruct("ChangeSpendBlock", { blocked: Schema.Boolean })

/** Timers of the contact itself (INT-5, WAL-5). */
const ReviewInteraction = Schema.TaggedStruct("ReviewInteraction", {})
const ExpireLots = Schema.TaggedStruct("ExpireLots", {})

export const ContactCommand = Schema.Union([
  RegisterContact,
  UpdateContact,
  AddIdentifiers,
  PostJournal,
  SendTransfer,
  ReceiveTransfer,
  CompleteTransfer,
  NoteMembership,
  IssueToken,
  RotateWalletCode,
  ChangePoolActivation,
  ChangeSpendBlock,
  ReviewInteraction,
  ExpireLots
])
export type ContactCommand = typeof ContactCommand.Type
