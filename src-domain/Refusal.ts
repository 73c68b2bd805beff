/**
 * Why a command was refused. Values, not exceptions: stored with the command like an answer, so that a retry is refused
 * for the same reason. Fields hold what a person needs to act on it: the value, the limit, when it changes; never
 * personal data. Statuses and texts are the door's business.
 */
import * as Schema from "effect/Schema"
import { Undecided } from "./automation/Undecided.ts"
import { Minor } from "./shared/Money.ts"

const id = { id: Schema.String }

const ContactNotFound = Schema.TaggedStruct("ContactNotFound", id)
const ContactAlreadyRegistered = Schema.TaggedStruct("ContactAlreadyRegistered", id)
/** IDN-1: `field` names what can never change. */
const ImmutableField = Schema.TaggedStruct("ImmutableField", { field: Schema.String })
/** A required or contradictory field of a contact; `rule` is a sentence. */
export const InvalidContact = Schema.TaggedStruct("InvalidContact", { field: Schema.String, rule: Schema.String })
/** UNQ-3, CIM-1, IDN-3: another contact holds this kind of value. */
const AlreadyTaken = Schema.TaggedStruct("AlreadyTaken", { kind: Schema.String })

const InvalidAmount = Schema.TaggedStruct("InvalidAmount", { field: Schema.String, rule: Schema.String })
const CurrencyMismatch = Schema.TaggedStruct("CurrencyMismatch", {
  given: Schema.String,
  expected: Schema.String
})
const UnknownCurrencyRate = Schema.TaggedStruct("UnknownCurrencyRate", { currency: Schema.String })
const InsufficientFunds = Schema.TaggedStruct("InsufficientFunds", {
  requested: Minor,
  available: Minor,
  /** Of `available`, what the shared wallet would have given, and why not more (SHR-6). */
  shared: Schema.optionalKey(Minor),
  sharedReason: Schema.optionalKey(Schema.String),
  currency: Schema.String
})
const SpendBlocked = Schema.TaggedStruct("SpendBlocked", id)
const PoolNotFound = Schema.TaggedStruct("PoolNotFound", id)
const PoolNotActivatable = Schema.TaggedStruct("PoolNotActivatable", id)
const TransferToSelf = Schema.TaggedStruct("TransferToSelf", id)
const TransferRefused = Schema.TaggedStruct("TransferRefused", { id: Schema.String, reason: Schema.String })

const TokenNotUsable = Schema.TaggedStruct("TokenNotUsable", { reason: Schema.String })
const TooManyTokens = Schema.TaggedStruct("TooManyTokens", { limit: Schema.Int })

const MemberNotPerson = Schema.TaggedStruct("MemberNotPerson", id)
const OwnerInvitedSelf = Schema.TaggedStruct("OwnerInvitedSelf", id)
const AlreadyInCommunity = Schema.TaggedStruct("AlreadyInCommunity", {
  relationshipId: Schema.String,
  state: Schema.String
})
const RelationNotFound = Schema.TaggedStruct("RelationNotFound", id)
/** The invitation was answered, withdrawn or has lapsed. */
const InvitationNotPending = Schema.TaggedStruct("InvitationNotPending", {
  id: Schema.String,
  state: Schema.String
})
const TooManyPeople = Schema.TaggedStruct("TooManyPeople", { limit: Schema.Int })
/** SHR-4: several shared wallets and none named, or one that is not shared with this member. */
const SharingNotChosen = Schema.TaggedStruct("SharingNotChosen", { ownerIds: Schema.Array(Schema.String) })
const NotSharedWith = Schema.TaggedStruct("NotSharedWith", { ownerId: Schema.String })
/** What is not built yet is refused, never ignored. */
export const NotSupported = Schema.TaggedStruct("NotSupported", { feature: Schema.String })

const OrganisationNotFound = Schema.TaggedStruct("OrganisationNotFound", id)
const InvalidOrganisation = Schema.TaggedStruct("InvalidOrganisation", {
  field: Schema.String,
  rule: Schema.String
})
const AlreadyExists = Schema.TaggedStruct("AlreadyExists", { kind: Schema.String, id: Schema.String })

/** PUR-1: the amounts contradict each other. */
const ContradictingAmounts = Schema.TaggedStruct("ContradictingAmounts", {
  field: Schema.String,
  rule: Schema.String
})
/** PUR-2: the receipt was posted before with other contents. */
const ReferenceReused = Schema.TaggedStruct("ReferenceReused", {
  referenceNumber: Schema.String,
  id: Schema.String
})
const PurchaseNotFound = Schema.TaggedStruct("PurchaseNotFound", id)
const PurchaseStillOpen = Schema.TaggedStruct("PurchaseStillOpen", id)

const PurchaseIsCancelled = Schema.TaggedStruct("PurchaseIsCancelled", id)

const AwardNotFound = Schema.TaggedStruct("AwardNotFound", id)
const TooManyAwards = Schema.TaggedStruct("TooManyAwards", { ...id, limit: Schema.Int })
/** PUR-5: the share of `base`, which is what of the purchase no commerce money paid, comes to nothing. */
const NothingToAward = Schema.TaggedStruct("NothingToAward", { ...id, base: Minor, currency: Schema.String })
/** PUR-8: what was awarded has been spent, and neither its pool nor the open pocket has enough to take it back. */
const AwardSpent = Schema.TaggedStruct("AwardSpent", {
  awardIds: Schema.Array(Schema.String),
  available: Minor,
  missing: Minor,
  currency: Schema.String
})

const definition = { kind: Schema.String, ...id }
const DefinitionNotFound = Schema.TaggedStruct("DefinitionNotFound", definition)
/** `pointer` names the place in what was sent, RFC 6901; `rule` is a sentence. */
const InvalidDefinition = Schema.TaggedStruct("InvalidDefinition", {
  kind: Schema.String,
  pointer: Schema.String,
  rule: Schema.String
})
const TooManyDefinitions = Schema.TaggedStruct("TooManyDefinitions", { kind: Schema.String, limit: Schema.Int })
/** `by` names what needs it. */
const DefinitionInUse = Schema.TaggedStruct("DefinitionInUse", { ...definition, by: Schema.String })

/** CON-1. */
const ConsentNotChangeable = Schema.TaggedStruct("ConsentNotChangeable", { from: Schema.String, to: Schema.String })
/** CON-5: the contact does not agree to be dealt with. */
const NoConsent = Schema.TaggedStruct("NoConsent", id)
const TooManyActivities = Schema.TaggedStruct("TooManyActivities", { limit: Schema.Int })
const ActivityNotOpen = Schema.TaggedStruct("ActivityNotOpen", id)
const TooManyCommunications = Schema.TaggedStruct("TooManyCommunications", { limit: Schema.Int })
const CommunicationNotPending = Schema.TaggedStruct("CommunicationNotPending", id)

/** AUT-2: an automation of the business, or whom it asks, does not want that. */
const RejectedByAutomation = Schema.TaggedStruct("RejectedByAutomation", {
  automationId: Schema.String,
  automation: Schema.String,
  reason: Schema.String
})
/** AUT-3: whoever has to decide outside did not, and without that the automation lets nothing through. */
const NotDecided = Schema.TaggedStruct("NotDecided", {
  automationId: Schema.String,
  automation: Schema.String,
  ...Undecided.fields
})
/** It was judged by other automations than those that have to judge now: it is judged anew. */
const AutomationsChanged = Schema.TaggedStruct("AutomationsChanged", {})
const HeldNotFound = Schema.TaggedStruct("HeldNotFound", id)
const HeldNotPending = Schema.TaggedStruct("HeldNotPending", { ...id, state: Schema.String })
/** AUT-5: of the command that was held. */
const NotApproved = Schema.TaggedStruct("NotApproved", { ...id, state: Schema.Literals(["REJECTED", "LAPSED"]) })

export const Refusal = Schema.Union([
  ContactNotFound,
  ContactAlreadyRegistered,
  ImmutableField,
  InvalidContact,
  AlreadyTaken,
  InvalidAmount,
  CurrencyMismatch,
  UnknownCurrencyRate,
  InsufficientFunds,
  SpendBlocked,
  PoolNotFound,
  PoolNotActivatable,
  TransferToSelf,
  TransferRefused,
  TokenNotUsable,
  TooManyTokens,
  MemberNotPerson,
  OwnerInvitedSelf,
  AlreadyInCommunity,
  RelationNotFound,
  InvitationNotPending,
  TooManyPeople,
  SharingNotChosen,
  NotSharedWith,
  NotSupported,
  OrganisationNotFound,
  InvalidOrganisation,
  AlreadyExists,
  ContradictingAmounts,
  ReferenceReused,
  PurchaseNotFound,
  PurchaseStillOpen,
  PurchaseIsCancelled,
  AwardNotFound,
  TooManyAwards,
  NothingToAward,
  AwardSpent,
  DefinitionNotFound,
  InvalidDefinition,
  TooManyDefinitions,
  DefinitionInUse,
  ConsentNotChangeable,
  NoConsent,
  TooManyActivities,
  ActivityNotOpen,
  TooManyCommunications,
  CommunicationNotPending,
  RejectedByAutomation,
  NotDecided,
  AutomationsChanged,
  HeldNotFound,
  HeldNotPending,
  NotApproved
])
export type Refusal = typeof Refusal.Type

/** Refusals that only say "not yet": they are answered, and not kept, so that the same command may be tried again. */
const transient: ReadonlySet<Refusal["_tag"]> = new Set(["PurchaseStillOpen", "AutomationsChanged"])

export const isTransient = (refusal: Refusal): boolean => transient.has(refusal._tag)
