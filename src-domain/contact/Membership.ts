/** A community as its member sees it: who owns it, how far the invitation is, whether its wallet is shared. */
import * as Schema from "effect/Schema"

export const RelationState = Schema.Literals(["PENDING", "ACCEPTED", "REJECTED"])
export type RelationState = typeof RelationState.Type

export const Membership = Schema.Struct({
  ownerId: Schema.String,
  relationshipId: Schema.String,
  /** ENDED: left, removed or expired (COM-3, COM-4). */
  state: Schema.Literals(["PENDING", "ACCEPTED", "REJECTED", "ENDED"]),
  sharing: Schema.Boolean,
  /** Version of the community's stream: an older view never replaces a newer one. */
  revision: Schema.Int
})
export type Membership = typeof Membership.Type
