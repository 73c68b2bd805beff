/** Facts about a community, as they stand in the owner's journal. */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import { Terms } from "./CommunityState.ts"

const relation = { relationshipId: Schema.String, memberId: Schema.String, at: Schema.Int }

/** A person was invited by the app (PENDING), or added by the back office (ACCEPTED at once) (COM-1). */
export const PersonInvited = Schema.TaggedStruct("PersonInvited", {
  ...relation,
  ownerId: Schema.String,
  terms: Terms,
  state: Schema.Literals(["PENDING", "ACCEPTED"]),
  expiresAt: Schema.optionalKey(Schema.Int)
})
const InvitationAccepted = Schema.TaggedStruct("InvitationAccepted", relation)
const InvitationRejected = Schema.TaggedStruct("InvitationRejected", relation)
const InvitationExpired = Schema.TaggedStruct("InvitationExpired", relation)
const PersonLeft = Schema.TaggedStruct("PersonLeft", relation)
const PersonRemoved = Schema.TaggedStruct("PersonRemoved", relation)
const PersonUpdated = Schema.TaggedStruct("PersonUpdated", { ...relation, terms: Terms })

/** SHR-2: what is left of the month after it; `null` if that has no limit, or she is gone. The first events did not say. */
const left = Schema.optionalKey(Schema.NullOr(Minor))

/** SHR-7: a member's draw was counted against her month, in the commit that debited the owner's wallet. */
export const DrawCounted = Schema.TaggedStruct("DrawCounted", {
  ...relation,
  drawId: Schema.String,
  purchaseId: Schema.String,
  amount: Minor,
  /** Calendar month in the business's zone, "2026-11": stored, never computed again. */
  month: Schema.String,
  left
})
/** SHR-2: a reversal gives the month its room back when it is booked in the same month. */
export const DrawUncounted = Schema.TaggedStruct("DrawUncounted", {
  ...relation,
  drawId: Schema.String,
  amount: Minor,
  month: Schema.String,
  bookedInMonth: Schema.String,
  left
})

export const CommunityEvent = Schema.Union([
  PersonInvited,
  InvitationAccepted,
  InvitationRejected,
  InvitationExpired,
  PersonLeft,
  PersonRemoved,
  PersonUpdated,
  DrawCounted,
  DrawUncounted
])
export type CommunityEvent = typeof CommunityEvent.Type
