/** What can be asked of a contact and its wallet. Ids, random codes and keyed hashes are made before, and arrive here. */
import * as Schema from "effect/Schema"
import { Verdict } from "../automation/Judges.ts"
import { Cause } from "../shared/Cause.ts"
import { Minor } from "../shared/Money.ts"
import { Personal } from "../shared/Personal.ts"
import { Part } from "../wallet/Lot.ts"
import { ContactToken } from "./ContactToken.ts"
import { Membership } from "./Membership.ts"
import { Identity, Profile } from "./Profile.ts"
import { Channel, communicationFields, Gateway, Purpose, RejectionReason } from "./Communication.ts"
import { ConsentState } from "./Consent.ts"
import { Device } from "./Device.ts"
import { activityFields, ChangedBy, ConsentForm } from "./ContactEvent.ts"

/** AUT-2: the prior-to automations that let it through as it is here; none if absent. */
const JudgedBy = Schema.optionalKey(Schema.Array(Verdict))
/** AUT-2: what they knew of the contact when they did. Of somebody who is not there yet there is nothing to know. */
export const JudgedOn = Schema.Struct({
  languageCode: Schema.String,
  timeZone: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.Boolean,
  smsOptOut: Schema.Boolean,
  profile: Profile
})

export const RegisterContact = Schema.TaggedStruct("RegisterContact", {
  contactId: Schema.String,
  type: Schema.Literals(["PERSON", "COMPANY"]),
  countryOfAgreement: Schema.optionalKey(Schema.String),
  languageCode: Schema.optionalKey(Schema.String),
  /** The business's, if absent. */
  timeZone: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean),
  /** MKT-1: who says so, where either is true. */
  optOutBy: Schema.optionalKey(ChangedBy),
  profile: Personal(Profile),
  identity: Personal(Identity),
  judgedBy: JudgedBy
})

/** Absent fields stay; `null` has no meaning here. `type`, `code` and `referralCode` may only repeat what is there. */
export const UpdateContact = Schema.TaggedStruct("UpdateContact", {
  type: Schema.optionalKey(Schema.Literals(["PERSON", "COMPANY"])),
  code: Schema.optionalKey(Personal(Schema.String)),
  referralCode: Schema.optionalKey(Personal(Schema.String)),
  languageCode: Schema.optionalKey(Schema.String),
  timeZone: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean),
  profile: Personal(Profile),
  judgedBy: JudgedBy,
  judgedOn: Schema.optionalKey(Personal(JudgedOn))
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

export const ChangeTags = Schema.TaggedStruct("ChangeTags", {
  add: Schema.Array(Schema.String),
  remove: Schema.Array(Schema.String),
  cause: Schema.optionalKey(Cause)
})
export const ChangeConsent = Schema.TaggedStruct("ChangeConsent", {
  to: ConsentState,
  by: ChangedBy,
  form: Schema.optionalKey(ConsentForm)
})
export const ChangeOptOut = Schema.TaggedStruct("ChangeOptOut", {
  channel: Schema.Literals(["EMAIL", "SMS"]),
  optedOut: Schema.Boolean,
  by: ChangedBy
})

export const ScheduleActivity = Schema.TaggedStruct("ScheduleActivity", activityFields)
export const ChangeActivity = Schema.TaggedStruct("ChangeActivity", {
  activityId: Schema.String,
  dueAt: Schema.optionalKey(Schema.Int),
  assignee: Schema.optionalKey(Schema.String)
})
export const CloseActivity = Schema.TaggedStruct("CloseActivity", {
  activityId: Schema.String,
  outcome: Schema.Literals(["DONE", "CANCELLED"])
})

export const RequestCommunication = Schema.TaggedStruct("RequestCommunication", communicationFields)
/** May it go now? Asked by whoever is about to send it; the answer is in the contact's order. */
export const AuthorizeSend = Schema.TaggedStruct("AuthorizeSend", {
  communicationId: Schema.String,
  /** As what it would go now (SendPurpose.ts); as what it was asked for, where nothing is said. */
  purpose: Schema.optionalKey(Purpose)
})
export const CompleteCommunication = Schema.TaggedStruct("CompleteCommunication", {
  communicationId: Schema.String,
  language: Schema.String,
  recipient: Personal(Schema.String),
  subject: Schema.optionalKey(Personal(Schema.String)),
  gateway: Schema.optionalKey(Gateway)
})
export const RejectCommunication = Schema.TaggedStruct("RejectCommunication", {
  communicationId: Schema.String,
  reason: RejectionReason,
  /** What its provider calls the reason. */
  code: Schema.optionalKey(Schema.String)
})
/** The provider's word that what it had taken did not arrive. */
export const ReportUndelivered = Schema.TaggedStruct("ReportUndelivered", {
  communicationId: Schema.String,
  channel: Channel,
  code: Schema.optionalKey(Schema.String)
})
export const MarkCommunication = Schema.TaggedStruct("MarkCommunication", {
  communicationId: Schema.String,
  mark: Schema.Literals(["VIEWED", "ARCHIVED", "UNARCHIVED", "CLICKED"]),
  link: Schema.optionalKey(Schema.Int)
})

const { registeredAt: _, ...deviceFields } = Device.fields
/** With the token of one that is known, it is that device. */
export const RegisterDevice = Schema.TaggedStruct("RegisterDevice", { device: Personal(Schema.Struct(deviceFields)) })
export const RemoveDevice = Schema.TaggedStruct("RemoveDevice", { deviceId: Schema.String })

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
  ChangeTags,
  ChangeConsent,
  ChangeOptOut,
  ScheduleActivity,
  ChangeActivity,
  CloseActivity,
  RequestCommunication,
  AuthorizeSend,
  CompleteCommunication,
  RejectCommunication,
  ReportUndelivered,
  MarkCommunication,
  RegisterDevice,
  RemoveDevice,
  ReviewInteraction,
  ExpireLots
])
export type ContactCommand = typeof ContactCommand.Type
