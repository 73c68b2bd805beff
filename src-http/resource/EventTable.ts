/**
 * What sets off each trigger of an automation and each type of webhook, as the API's description says it: of triggers what
 * the domain has as their facts, of types a sentence each. A fact that is told outside is named as it is told there.
 */
import { factsOf, segmentTriggers, Trigger, type TriggeringTag } from "#domain/automation/Trigger.ts"
import type { EventType } from "#domain/webhook/EventType.ts"

/** What happened, of every type. */
const causes: Readonly<Record<EventType, string>> = {
  "contact.registered": "a contact is new",
  "contact.updated":
    "something of who she is has changed: profile, identifiers, tags, opt-outs, code of the wallet, blocks, pools",
  "contact.consent_changed": "she accepted, rejected or withdrew: `from` and `to` say it",
  "contact.interaction_state_changed": "she became active, lapsing or the like, by what she spends or does not",
  "contact.membership_changed": "told of the person: she was invited to a community, is in it, refused, or is out",
  "contact.devices_changed": "a device of hers that takes pushes was added, was given other particulars, or is gone",
  "wallet.credited": "a credit journal, a transfer that came in, or an award; never a purchase",
  "wallet.debited":
    "a debit journal, a transfer that went out, money that expired, an award that was taken back, or a draw on the wallet by somebody it is shared with; " +
    "a purchase that this wallet's own contact pays is `purchase.paid`",
  "wallet.returned":
    "a debit given back: a transfer that failed, or the draw of a purchase that was refused or cancelled",
  "purchase.paid":
    "a purchase is posted, with what of it was paid from her own wallet and from a shared one, if anything",
  "purchase.reversed": "a purchase that was posted is cancelled: what was paid for it is given back",
  "purchase.posted": "the receipt is complete; just before the `purchase.paid` of the same purchase",
  "purchase.refused": "a purchase that waited for a draw on a shared wallet came to nothing",
  "purchase.cancelled": "a receipt is cancelled; beside the `purchase.reversed` of the same purchase",
  "activity.scheduled": "an activity is to be done",
  "activity.changed": "when it is due, who does it, or what it says is another",
  "activity.closed": "it is done or cancelled",
  "communication.requested": "a message to her is to be sent",
  "communication.completed": "it was taken by its provider",
  "communication.rejected": "it was not sent, or not delivered",
  "communication.marked": "she opened it, put it away, or followed a link",
  "community.person_invited": "told of the owner: somebody is invited, or added at once",
  "community.person_accepted": "told of the owner: who was invited is in the community",
  "community.person_rejected": "told of the owner: who was invited refused",
  "community.invitation_expired": "told of the owner: nobody answered in time",
  "community.person_left": "told of the owner: somebody left",
  "community.person_removed": "told of the owner: somebody was removed",
  "community.person_updated": "told of the owner: the terms of somebody have changed",
  "community.draw_counted": "told of the owner: a draw on her wallet counts in somebody's month",
  "community.draw_uncounted": "told of the owner: that draw was given back",
  "segment.joined": "she is in a segment now; after the event that caused it, if one did",
  "segment.left": "she is in it no longer",
  "automation.run": "a WEBHOOK action of an automation",
  "webhook.disabled": "another endpoint of the business was switched off by itself"
}

/** How the facts of triggers are told outside. */
export const typeOfFact: Readonly<Record<TriggeringTag, EventType>> = {
  ContactRegistered: "contact.registered",
  ContactUpdated: "contact.updated",
  IdentifiersAdded: "contact.updated",
  OptOutChanged: "contact.updated",
  TagsChanged: "contact.updated",
  ConsentChanged: "contact.consent_changed",
  InteractionStateChanged: "contact.interaction_state_changed",
  MembershipChanged: "contact.membership_changed",
  PersonInvited: "community.person_invited",
  InvitationAccepted: "community.person_accepted",
  PurchasePaid: "purchase.paid",
  PurchaseReversed: "purchase.reversed",
  FundsCredited: "wallet.credited",
  FundsReturned: "wallet.returned",
  FundsDebited: "wallet.debited",
  ActivityScheduled: "activity.scheduled",
  ActivityClosed: "activity.closed",
  CommunicationCompleted: "communication.completed",
  CommunicationRejected: "communication.rejected"
}

const table = (heads: readonly [string, string], rows: ReadonlyArray<readonly [string, string]>): string =>
  [heads, ["---", "---"] as const, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

export const eventTypeTable = table(
  ["type", "what happened"],
  Object.entries(causes).map(([type, cause]) => [`\`${type}\``, cause])
)

const setOffBy = (trigger: Trigger): string => {
  if (segmentTriggers.has(trigger)) return trigger === "SEGMENT_JOINED" ? "`segment.joined`" : "`segment.left`"
  return factsOf(trigger)
    .map(({ tag, isConditional }) => `${isConditional ? "some " : ""}\`${tag}\` (\`${typeOfFact[tag]}\`)`)
    .join(", ")
}

/** By trigger: the facts of the journal, and as what webhooks tell of each. */
export const triggerTable = table(
  ["trigger", "set off by"],
  Trigger.literals.map((trigger) => [`\`${trigger}\``, setOffBy(trigger)])
)
