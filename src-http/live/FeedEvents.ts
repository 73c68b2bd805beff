/**
 * The events of the live feed as they are sent: their names and their fields. They say what happened to whom by id; only a
 * contact's own topic says what changed of who she is, to herself and to her business. Safe to share with clients.
 */
import { ConsentState } from "#domain/contact/Consent.ts"
import { ChangedBy } from "#domain/contact/ContactEvent.ts"
import * as Schema from "effect/Schema"
import { Amount } from "../resource/Fields.ts"

const event = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  // RFC 3339, when it happened.
  Schema.Struct({ type: Schema.Literal(type), at: Schema.String, ...fields })

const text = Schema.optionalKey(Schema.String)
/** Of the whole wallet after the event, also where the event is sent again to whoever comes back. */
const balance = Amount
const links = {
  transfer_id: text,
  draw_id: text,
  purchase_id: text,
  counterpart_id: text,
  award_id: text,
  /** Of an award. */
  name: text
}
const Paid = Schema.Struct({ amount: Amount })
const Shared = Schema.Struct({ community_id: Schema.String, draw_id: Schema.String, amount: Amount })
const payment = {
  purchase_id: Schema.String,
  currency_code: Schema.String,
  /** From her own wallet, and from the one that is shared with her. */
  own: Schema.optionalKey(Paid),
  shared: Schema.optionalKey(Shared),
  balance
}
const person = { relationship_id: Schema.String, person_id: Schema.String }
const draw = {
  ...person,
  draw_id: Schema.String,
  amount: Amount,
  currency_code: Schema.String,
  /** The calendar month that it counts in, "2026-11". */
  month: Schema.String,
  /** Left of that month for this person, after it; absent without a limit. */
  remaining: Schema.optionalKey(Amount)
}

const values = Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
const change = { changed: Schema.optionalKey(Schema.Array(Schema.String)), previous: values, current: values }
const bought = { purchase_id: Schema.String, contact_id: Schema.String }
const membership = {
  contact_id: Schema.String,
  reason: Schema.Literals(["EVENT", "TIME", "SEGMENT", "DEFINITION", "REFRESH", "IMPORT", "REMOVAL"]),
  /** The type of the event, or the id of the segment, that brought it about. */
  because: text
}
const message = { communication_id: Schema.String, channel: Schema.String }

export const FeedEvent = Schema.Union([
  event("wallet.credited", {
    entry_id: Schema.String,
    amount: Amount,
    currency_code: Schema.String,
    pocket: Schema.Literals(["BUSINESS", "BUSINESS_COMMERCE"]),
    commerce_pool_id: text,
    expires_at: text,
    reason: Schema.String,
    ...links,
    balance
  }),
  event("wallet.debited", {
    entry_id: Schema.String,
    amount: Amount,
    currency_code: Schema.String,
    reason: Schema.String,
    ...links,
    balance
  }),
  event("wallet.returned", {
    entry_id: Schema.String,
    amount: Amount,
    currency_code: Schema.String,
    reason: Schema.String,
    ...links,
    balance
  }),
  event("purchase.paid", { ...payment, organisation_id: Schema.String, total: Amount }),
  event("purchase.reversed", payment),
  event("purchase.posted", {
    ...bought,
    /** These three are absent only where a purchase that waited for a draw was posted before they were kept for it. */
    organisation_id: text,
    total: Schema.optionalKey(Amount),
    currency_code: text
  }),
  event("purchase.refused", { ...bought, reason: Schema.String }),
  event("purchase.cancelled", bought),
  /** What of who she is has changed, what it was and what it is; where nothing is said, read her anew. */
  event("contact.updated", change),
  event("contact.interaction_state_changed", { from: Schema.String, to: Schema.String }),
  event("contact.membership_changed", {
    community_id: Schema.String,
    relationship_id: Schema.String,
    state: Schema.Literals(["PENDING", "ACCEPTED", "REJECTED", "ENDED"]),
    wallet_sharing: Schema.Boolean
  }),
  event("contact.consent_changed", { from: ConsentState, to: ConsentState, by: ChangedBy }),
  /** Which she has now, her own list says. */
  event("contact.devices_changed", {}),
  event("activity.scheduled", { activity_id: Schema.String, activity_type: Schema.String }),
  event("activity.changed", { activity_id: Schema.String }),
  event("activity.closed", { activity_id: Schema.String, outcome: Schema.Literals(["DONE", "CANCELLED"]) }),
  event("communication.requested", message),
  event("communication.completed", message),
  event("communication.rejected", { ...message, reason: Schema.String }),
  event("communication.marked", { communication_id: Schema.String, mark: Schema.String }),
  event("community.person_invited", { ...person, state: Schema.Literals(["PENDING", "ACCEPTED"]) }),
  event("community.person_accepted", person),
  event("community.person_rejected", person),
  event("community.invitation_expired", person),
  event("community.person_left", person),
  event("community.person_removed", person),
  event("community.person_updated", person),
  event("community.draw_counted", { ...draw, purchase_id: Schema.String }),
  event("community.draw_uncounted", draw),
  event("segment.joined", membership),
  event("segment.left", membership)
])
export type FeedEvent = typeof FeedEvent.Type
