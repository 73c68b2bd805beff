/**
 * Facts about a contact and its wallet, as they stand in the journal. A name is stored for ever and never changes
 * meaning; amounts are minor units of the wallet's currency; instants are epoch milliseconds.
 */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import { Personal } from "../shared/Personal.ts"
import { Part, Pocket } from "../wallet/Lot.ts"
import { Identity, Profile } from "./Profile.ts"
import { InteractionState } from "./Interaction.ts"
import { Membership } from "./Membership.ts"
import { ContactToken } from "./ContactToken.ts"
import { Verdict } from "../automation/Judges.ts"
import { Cause } from "../shared/Cause.ts"
import { Channel, communicationFields, Gateway, RejectionReason } from "./Communication.ts"
import { ConsentState } from "./Consent.ts"
import { Device } from "./Device.ts"

/** Who changed it: a user of the back office, the contact in an app, or whoever followed the link in a message (CON-3, MKT-1). */
export const ChangedBy = Schema.Literals(["USER", "CONTACT", "LINK"])

/** AUT-4: the prior-to automations that judged the command, and for which of them it is; absent where none had to. */
const JudgedBy = Schema.optionalKey(Schema.Array(Verdict))

export const ContactRegistered = Schema.TaggedStruct("ContactRegistered", {
  contactId: Schema.String,
  type: Schema.Literals(["PERSON", "COMPANY"]),
  countryOfAgreement: Schema.String,
  languageCode: Schema.String,
  /** CTC-2: the wallet's currency, fixed here. */
  currency: Schema.String,
  /** Where she lives: the business's zone unless another was said. */
  timeZone: Schema.String,
  /** INT-4: the zone in which her interactions are dated, where it is not `timeZone`; fixed, so that a fold needs nothing else. */
  businessTimeZone: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.Boolean,
  smsOptOut: Schema.Boolean,
  /** MKT-1: who said so, where either is true. */
  optOutBy: Schema.optionalKey(ChangedBy),
  profile: Personal(Profile),
  identity: Personal(Identity),
  judgedBy: JudgedBy,
  at: Schema.Int
})

const settings = {
  languageCode: Schema.optionalKey(Schema.String),
  timeZone: Schema.optionalKey(Schema.String),
  emailOptOut: Schema.optionalKey(Schema.Boolean),
  smsOptOut: Schema.optionalKey(Schema.Boolean)
}
export const ContactUpdated = Schema.TaggedStruct("ContactUpdated", {
  ...settings,
  /** The whole profile after the change. */
  profile: Personal(Profile),
  /** AUT-9: what really changed, by the names that the API has for it, and what it was before. */
  changed: Schema.optionalKey(Schema.Array(Schema.String)),
  previous: Schema.optionalKey(Personal(Schema.Struct({ ...settings, ...Profile.fields }))),
  /** Of that, what is not personal, so that filters may ask for it: from which language to which. */
  before: Schema.optionalKey(Schema.Struct(settings)),
  judgedBy: JudgedBy,
  at: Schema.Int
})

/** CIM-1: a medium that identifies the contact was added after registration. */
const IdentifiersAdded = Schema.TaggedStruct("IdentifiersAdded", {
  identity: Personal(Identity),
  at: Schema.Int
})

/** Of money that an award gave, or took back: which one, and what the business calls it. */
const awardFields = { awardId: Schema.optionalKey(Schema.String), name: Schema.optionalKey(Schema.String) }

const CreditReason = Schema.Literals(["MANUAL_JOURNAL", "TRANSFER", "AWARD"])
export const FundsCredited = Schema.TaggedStruct("FundsCredited", {
  /** Names the entry and the lot that it opens. */
  lotId: Schema.String,
  pocket: Pocket,
  poolId: Schema.optionalKey(Schema.String),
  amount: Minor,
  currency: Schema.String,
  expiresAt: Schema.optionalKey(Schema.Int),
  reason: CreditReason,
  /** The other side of a transfer. */
  counterpartId: Schema.optionalKey(Schema.String),
  transferId: Schema.optionalKey(Schema.String),
  transferCode: Schema.optionalKey(Schema.String),
  ...awardFields,
  /** What an award is for. */
  purchaseId: Schema.optionalKey(Schema.String),
  /** INT-2: does it count as an interaction? */
  counts: Schema.Boolean,
  notes: Schema.optionalKey(Personal(Schema.String)),
  at: Schema.Int
})

const DebitReason = Schema.Literals(["MANUAL_JOURNAL", "TRANSFER", "WALLET_SHARING", "EXPIRY", "AWARD_REVERSAL"])
const FundsDebited = Schema.TaggedStruct("FundsDebited", {
  entryId: Schema.String,
  amount: Minor,
  currency: Schema.String,
  parts: Schema.Array(Part),
  reason: DebitReason,
  /** The other side of a transfer, the member who spends. */
  counterpartId: Schema.optionalKey(Schema.String),
  transferId: Schema.optionalKey(Schema.String),
  transferCode: Schema.optionalKey(Schema.String),
  /** SHR-7: carried by every entry of one draw. */
  drawId: Schema.optionalKey(Schema.String),
  purchaseId: Schema.optionalKey(Schema.String),
  ...awardFields,
  counts: Schema.Boolean,
  notes: Schema.optionalKey(Personal(Schema.String)),
  at: Schema.Int
})

/** WAL-6: a debit is undone; the money is back in the lots it came from, with their expiry. */
const FundsReturned = Schema.TaggedStruct("FundsReturned", {
  entryId: Schema.String,
  amount: Minor,
  currency: Schema.String,
  parts: Schema.Array(Part),
  reason: Schema.Literals(["TRANSFER", "WALLET_SHARING"]),
  transferId: Schema.optionalKey(Schema.String),
  drawId: Schema.optionalKey(Schema.String),
  purchaseId: Schema.optionalKey(Schema.String),
  counterpartId: Schema.optionalKey(Schema.String),
  /** INT-3: the instant of the interaction that no longer counts. */
  uncounts: Schema.optionalKey(Schema.Int),
  at: Schema.Int
})

/** What a draw brought from the owner's wallet: credited and spent in the same commit, net zero (SHR-7). */
export const SharedSpend = Schema.Struct({
  drawId: Schema.String,
  ownerId: Schema.String,
  amount: Minor,
  /** The owner's lots, so that a cancel gives back exactly those. */
  parts: Schema.Array(Part),
  /** The calendar month the draw was counted in, "2026-11". */
  month: Schema.String,
  /** The instant of the draw at the owner: the interaction that a cancel takes back there (INT-3). */
  drawnAt: Schema.Int
})
export type SharedSpend = typeof SharedSpend.Type

/** A purchase of this contact was posted: what her own wallet paid, and what a shared one did. */
export const PurchasePaid = Schema.TaggedStruct("PurchasePaid", {
  purchaseId: Schema.String,
  organisationId: Schema.String,
  currency: Schema.String,
  total: Minor,
  own: Schema.optionalKey(Schema.Struct({ entryId: Schema.String, amount: Minor, parts: Schema.Array(Part) })),
  shared: Schema.optionalKey(SharedSpend),
  counts: Schema.Boolean,
  /** When it happened, where that is not when it was posted. */
  date: Schema.optionalKey(Schema.Int),
  at: Schema.Int
})

/** PUR-6: the exact inverse of `PurchasePaid`. */
const PurchaseReversed = Schema.TaggedStruct("PurchaseReversed", {
  purchaseId: Schema.String,
  currency: Schema.String,
  own: Schema.optionalKey(Schema.Struct({ entryId: Schema.String, amount: Minor, parts: Schema.Array(Part) })),
  shared: Schema.optionalKey(SharedSpend),
  uncounts: Schema.optionalKey(Schema.Int),
  at: Schema.Int
})

const InteractionStateChanged = Schema.TaggedStruct("InteractionStateChanged", {
  from: InteractionState,
  to: InteractionState,
  at: Schema.Int
})

/** The contact's own view of a community she was invited to; the community decides, this follows (COM-1). */
export const MembershipChanged = Schema.TaggedStruct("MembershipChanged", {
  membership: Membership,
  /** What it was before, if it was anything. */
  from: Schema.optionalKey(Membership.fields.state),
  at: Schema.Int
})

export const TokenIssued = Schema.TaggedStruct("TokenIssued", { token: Personal(ContactToken), at: Schema.Int })
/** CIM-5: a purchase used it up, when it was judged: also one that waits for a draw, so that no other uses it meanwhile. */
const TokenUsed = Schema.TaggedStruct("TokenUsed", {
  /** A token's id, or `usedWalletCode`. */
  tokenId: Schema.String,
  purchaseId: Schema.String,
  at: Schema.Int
})

const WalletCodeRotated = Schema.TaggedStruct("WalletCodeRotated", {
  walletCode: Personal(Schema.String),
  expiresAt: Schema.Int,
  at: Schema.Int
})
const PoolActivationChanged = Schema.TaggedStruct("PoolActivationChanged", {
  poolId: Schema.String,
  active: Schema.Boolean,
  at: Schema.Int
})

/** WAL-10. */
const SpendBlockChanged = Schema.TaggedStruct("SpendBlockChanged", { blocked: Schema.Boolean, at: Schema.Int })

/** A timer of the contact stands: none is armed again while an earlier one of the same name is still to come. */
const TimerArmed = Schema.TaggedStruct("TimerArmed", {
  name: Schema.Literals(["interaction", "expiry"]),
  firesAt: Schema.Int,
  at: Schema.Int
})

const TagsChanged = Schema.TaggedStruct("TagsChanged", {
  /** All of them after the change. */
  tags: Schema.Array(Schema.String),
  /** All of them before it; absent in what was written before this was noted. */
  previous: Schema.optionalKey(Schema.Array(Schema.String)),
  cause: Schema.optionalKey(Cause),
  at: Schema.Int
})

/** CON-3: with the form that was agreed to, and its hash as evidence. */
export const ConsentForm = Schema.Struct({ version: Schema.String, hash: Schema.String })
const ConsentChanged = Schema.TaggedStruct("ConsentChanged", {
  from: ConsentState,
  to: ConsentState,
  by: ChangedBy,
  form: Schema.optionalKey(ConsentForm),
  at: Schema.Int
})

const OptOutChanged = Schema.TaggedStruct("OptOutChanged", {
  channel: Schema.Literals(["EMAIL", "SMS"]),
  optedOut: Schema.Boolean,
  by: ChangedBy,
  at: Schema.Int
})

/** What an activity is about; `cause` when an automation scheduled it. */
export const activityFields = {
  activityId: Schema.String,
  type: Schema.String,
  subject: Schema.optionalKey(Personal(Schema.String)),
  description: Schema.optionalKey(Personal(Schema.String)),
  dueAt: Schema.optionalKey(Schema.Int),
  assignee: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Cause)
}
const ActivityScheduled = Schema.TaggedStruct("ActivityScheduled", { ...activityFields, at: Schema.Int })
const ActivityChanged = Schema.TaggedStruct("ActivityChanged", {
  activityId: Schema.String,
  dueAt: Schema.optionalKey(Schema.Int),
  assignee: Schema.optionalKey(Schema.String),
  at: Schema.Int
})
const ActivityClosed = Schema.TaggedStruct("ActivityClosed", {
  activityId: Schema.String,
  outcome: Schema.Literals(["DONE", "CANCELLED"]),
  at: Schema.Int
})

const CommunicationRequested = Schema.TaggedStruct("CommunicationRequested", { ...communicationFields, at: Schema.Int })
/** From here on it may have been sent: it counts, and no later opt-out takes it back. */
const SendAuthorized = Schema.TaggedStruct("SendAuthorized", {
  communicationId: Schema.String,
  channel: Channel,
  /** Whether frequency caps count it. */
  counts: Schema.Boolean,
  at: Schema.Int
})
const CommunicationCompleted = Schema.TaggedStruct("CommunicationCompleted", {
  communicationId: Schema.String,
  channel: Channel,
  language: Schema.String,
  recipient: Personal(Schema.String),
  subject: Schema.optionalKey(Personal(Schema.String)),
  gateway: Schema.optionalKey(Gateway),
  at: Schema.Int
})
const CommunicationRejected = Schema.TaggedStruct("CommunicationRejected", {
  communicationId: Schema.String,
  channel: Channel,
  reason: RejectionReason,
  /** What its provider calls the reason. */
  code: Schema.optionalKey(Schema.String),
  at: Schema.Int
})
/** The recipient's doing: she opened it, put it away, followed a link. */
const CommunicationMarked = Schema.TaggedStruct("CommunicationMarked", {
  communicationId: Schema.String,
  mark: Schema.Literals(["VIEWED", "ARCHIVED", "UNARCHIVED", "CLICKED"]),
  /** Of a click: the number of the link in the message. */
  link: Schema.optionalKey(Schema.Int),
  at: Schema.Int
})

/** All of them after the change. */
const DevicesChanged = Schema.TaggedStruct("DevicesChanged", {
  devices: Personal(Schema.Array(Device)),
  at: Schema.Int
})

export const ContactEvent = Schema.Union([
  ContactRegistered,
  ContactUpdated,
  IdentifiersAdded,
  FundsCredited,
  FundsDebited,
  FundsReturned,
  PurchasePaid,
  PurchaseReversed,
  InteractionStateChanged,
  MembershipChanged,
  TokenIssued,
  TokenUsed,
  WalletCodeRotated,
  PoolActivationChanged,
  SpendBlockChanged,
  TimerArmed,
  TagsChanged,
  ConsentChanged,
  OptOutChanged,
  ActivityScheduled,
  ActivityChanged,
  ActivityClosed,
  CommunicationRequested,
  SendAuthorized,
  CommunicationCompleted,
  CommunicationRejected,
  CommunicationMarked,
  DevicesChanged
])
export type ContactEvent = typeof ContactEvent.Type
