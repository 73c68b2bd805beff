/**
 * Why a command was refused. Values, not exceptions: stored with the command like an answer, so that a retry is refused
 * for the same reason. Fields hold what a person needs to act on it: the value, the limit, when it changes; never
 * personal data. Statuses and texts are the door's business.
 */
import * as Schema from "effect/Schema"
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

/** Refusals that only say "not yet": they are answered, and not kept, so that the same command may be tried again. */
const transient: ReadonlySet<Refusal["_tag"]> = new Set(["PurchaseStillOpen"])

export const isTransient = (refusal: Refusal): boolean => transient.has(refusal._tag)
