/**
 * What webhooks tell of, by the names under which integrators know it. A name never changes its meaning; the live feed uses
 * the same names for the same things.
 */
import * as Schema from "effect/Schema"

export const EventType = Schema.Literals([
  "contact.registered",
  "contact.updated",
  "contact.consent_changed",
  "contact.interaction_state_changed",
  "contact.membership_changed",
  "contact.devices_changed",
  "wallet.credited",
  "wallet.debited",
  "wallet.returned",
  "purchase.paid",
  "purchase.reversed",
  "purchase.posted",
  "purchase.refused",
  "purchase.cancelled",
  "activity.scheduled",
  "activity.changed",
  "activity.closed",
  "communication.requested",
  "communication.completed",
  "communication.rejected",
  "communication.marked",
  "community.person_invited",
  "community.person_accepted",
  "community.person_rejected",
  "community.invitation_expired",
  "community.person_left",
  "community.person_removed",
  "community.person_updated",
  "community.draw_counted",
  "community.draw_uncounted",
  "segment.joined",
  "segment.left",
  "automation.run",
  "webhook.disabled"
])
export type EventType = typeof EventType.Type

/** Sent when somebody asks for it, to see whether an endpoint answers. */
export const testEventType = "endpoint.test"
