/**
 * The community of one owner: who was invited, who is in, what each may take from the owner's wallet this month.
 * Its id and placement key are the owner's contact id, so that a draw and the wallet it is on move in one turn.
 */
import * as Schema from "effect/Schema"
import { RelationState } from "../contact/Membership.ts"
import { Minor } from "../shared/Money.ts"

export const Permission = Schema.Literals([
  "CONTACT_MANAGEMENT",
  "SERVICE_REQUESTS_MANAGEMENT",
  "ORDERS_MANAGEMENT",
  "FULL_ACCESS"
])

/** SHR-1: what a member may take from the owner's wallet. */
export const WalletSharing = Schema.Struct({
  isEnabled: Schema.Boolean,
  method: Schema.Literals(["AUTO", "MANUAL"]),
  /** Per calendar month; absent means unlimited (SHR-2). */
  maxAmount: Schema.optionalKey(Minor),
  /** Listed: only the owner's lots in those pools. Empty: only the open pocket (SHR-3). */
  poolIds: Schema.Array(Schema.String)
})
export type WalletSharing = typeof WalletSharing.Type

export const Terms = Schema.Struct({
  relationId: Schema.optionalKey(Schema.String),
  group: Schema.optionalKey(Schema.String),
  isAdmin: Schema.Boolean,
  permissions: Schema.Array(Permission),
  walletSharing: WalletSharing
})
export type Terms = typeof Terms.Type

export const Relation = Schema.Struct({
  relationshipId: Schema.String,
  memberId: Schema.String,
  state: RelationState,
  terms: Terms,
  invitedAt: Schema.Int,
  /** A pending invitation lapses then (COM-4). */
  expiresAt: Schema.optionalKey(Schema.Int),
  /** Draws less reversals of the month named, "2026-11" (SHR-2). */
  used: Schema.Struct({ month: Schema.String, amount: Minor })
})
export type Relation = typeof Relation.Type

/** What a person who is gone has used of her month. */
export const FormerUse = Schema.Struct({
  relationshipId: Schema.String,
  memberId: Schema.String,
  used: Relation.fields.used
})
export type FormerUse = typeof FormerUse.Type

export const CommunityState = Schema.Struct({
  /** Grows with every event; members use it to order what they hear. */
  revision: Schema.Int,
  /** One for each person (COM-2). A list: with a thousand people a record costs fifty times as much to change. */
  relations: Schema.Array(Relation),
  /** Kept for the month: coming back does not give it again (SHR-8). */
  formerUse: Schema.Array(FormerUse)
})
export type CommunityState = typeof CommunityState.Type

export const initial: CommunityState = { revision: 0, relations: [], formerUse: [] }
