/**
 * Why a command was refused. Values, not exceptions: stored with the command like an answer, so that a retry is refused
 * for the same reason. Fields hold what a person needs to act on it: the value, the limit, when it changes; never
 * personal data. Statuses and texts are the door's business.
 */
import * as Schema from "effect/Schema"
import { Minor } from "./shared/Money.ts"

const id = { id: Schema.String }

export const ContactNotFound = Schema.TaggedStruct("ContactNotFound", id)
export const ContactAlreadyRegistered = Schema.TaggedStruct("ContactAlreadyRegistered", id)
/** IDN-1: `field` names what can never change. */
export const ImmutableField = Schema.TaggedStruct("ImmutableField", { field: Schema.String })
/** A required or contradictory field of a contact; `rule` is a sentence. */
export const InvalidContact = Schema.TaggedStruct("InvalidContact", { field: Schema.String, rule: Schema.String })
/** UNQ-3, CIM-1, IDN-3: another contact holds this kind of value. */
export const AlreadyTaken = Schema.TaggedStruct("AlreadyTaken", { kind: Schema.String })

export const InvalidAmount = Schema.TaggedStruct("InvalidAmount", { field: Schema.String, rule: Schema.String })
export const CurrencyMismatch = Schema.TaggedStruct("CurrencyMismatch", {
  given: Schema.String,
  expected: Schema.String
})
export const UnknownCurrencyRate = Schema.TaggedStruct("UnknownCurrencyRate", { currency: Schema.String })
export const InsufficientFunds = Schema.TaggedStruct("InsufficientFunds", {
  requested: Minor,
  available: Minor,
  /** Of `available`, what the shared wallet would have given, and why not more (SHR-6). */
  shared: Schema.optionalKey(Minor),
  sharedReason: Schema.optionalKey(Schema.String),
  currency: Schema.String
})
export const SpendBlocked = Schema.TaggedStruct("SpendBlocked", id)
export const PoolNotFound = Schema.TaggedStruct("PoolNotFound", id)
export const PoolNotActivatable = Schema.TaggedStruct("PoolNotActivatable", id)
export const TransferToSelf = Schema.TaggedStruct("TransferToSelf", id)
export const TransferRefused = Schema.TaggedStruct("TransferRefused", { id: Schema.String, reason: Schema.String })

export const TokenNotUsable = Schema.TaggedStruct("TokenNotUsable", { reason: Schema.String })
export const TooManyTokens = Schema.TaggedStruct("TooManyTokens", { limit: Schema.Int })

export const MemberNotPerson = Schema.TaggedStruct("MemberNotPerson", id)
export const OwnerInvitedSelf = Schema.TaggedStruct("OwnerInvitedSelf", id)
export const AlreadyInCommunity = Schema.TaggedStruct("AlreadyInCommunity", {
  relationshipId: Schema.String,
  state: Schema.String
})
export const RelationNotFound = Schema.TaggedStruct("RelationNotFound", id)
/** The invitation was answered, withdrawn or has lapsed. */
export const InvitationNotPending = Schema.TaggedStruct("InvitationNotPending", {
  id: Schema.String,
  state: Schema.String
})
export const TooManyPeople = Schema.TaggedStruct("TooManyPeople", { limit: Schema.Int })
/** SHR-4: several shared wallets and none named, or one that is not shared with this member. */
export const SharingNotChosen = Schema.TaggedStruct("SharingNotChosen", { ownerIds: Schema.Array(Schema.String) })
export const NotSharedWith = Schema.TaggedStruct("NotSharedWith", { ownerId: Schema.String })
/** What is not built yet is refused, never ignored. */
export const NotSupported = Schema.TaggedStruct("NotSupported", { feature: Schema.String })

export const OrganisationNotFound = Schema.TaggedStruct("OrganisationNotFound", id)
export const InvalidOrganisation = Schema.TaggedStruct("InvalidOrganisation", {
  field: Schema.String,
  rule: Schema.String
})
export const AlreadyExists = Schema.TaggedStruct("AlreadyExists", { kind: Schema.String, id: Schema.String })

/** PUR-1: the amounts contradict each other. */
export const ContradictingAmounts = Schema.TaggedStruct("ContradictingAmounts", {
  field: Schema.String,
  rule: Schema.String
})
/** PUR-2: the receipt was posted before with other contents. */
export const ReferenceReused = Schema.TaggedStruct("ReferenceReused", {
  referenceNumber: Schema.String,
  id: Schema.String
})
export const PurchaseNotFound = Schema.TaggedStruct("PurchaseNotFound", id)
export const PurchaseStillOpen = Schema.TaggedStruct("PurchaseStillOpen", id)

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
  PurchaseStillOpen
])
export type Refusal = typeof Refusal.Type
