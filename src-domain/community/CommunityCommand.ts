/** What can be asked of a community, and of the wallet its owner shares. All of them go to the owner's key. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import { Part } from "../wallet/Lot.ts"
import { Spending } from "../wallet/Spending.ts"
import { Terms } from "./CommunityState.ts"

export const InvitePerson = Schema.TaggedStruct("InvitePerson", {
  relationshipId: Schema.String,
  memberId: Schema.String,
  /** A contact's type never changes (IDN-1), so it may be read before the turn. */
  memberType: Schema.Literals(["PERSON", "COMPANY"]),
  joinsAtOnce: Schema.Boolean,
  terms: Terms
})
const RespondToInvitation = Schema.TaggedStruct("RespondToInvitation", {
  relationshipId: Schema.String,
  memberId: Schema.String,
  action: Schema.Literals(["ACCEPT", "REJECT"])
})
const LeaveCommunity = Schema.TaggedStruct("LeaveCommunity", { memberId: Schema.String })
const RemovePerson = Schema.TaggedStruct("RemovePerson", { relationshipId: Schema.String })
const UpdatePerson = Schema.TaggedStruct("UpdatePerson", { relationshipId: Schema.String, terms: Terms })
const ExpireInvitations = Schema.TaggedStruct("ExpireInvitations", {})

/** A member's purchase asks for the owner's money (SHR-6). Answered by `CompletePurchase`, also when nothing is given. */
export const DrawSharedFunds = Schema.TaggedStruct("DrawSharedFunds", {
  drawId: Schema.String,
  purchaseId: Schema.String,
  memberId: Schema.String,
  requested: Minor,
  /** Below this the purchase could not be covered (restrict_fully_covered): then nothing is taken. */
  atLeast: Minor,
  currency: Schema.String,
  spending: Spending
})
/** The purchase was refused or cancelled: the money goes back to the lots it came from (SHR-9, WAL-6). */
const ReturnSharedFunds = Schema.TaggedStruct("ReturnSharedFunds", {
  drawId: Schema.String,
  purchaseId: Schema.String,
  memberId: Schema.String,
  amount: Minor,
  parts: Schema.Array(Part),
  month: Schema.String,
  drawnAt: Schema.Int
})

export const CommunityCommand = Schema.Union([
  InvitePerson,
  RespondToInvitation,
  LeaveCommunity,
  RemovePerson,
  UpdatePerson,
  ExpireInvitations,
  DrawSharedFunds,
  ReturnSharedFunds
])
export type CommunityCommand = typeof CommunityCommand.Type
