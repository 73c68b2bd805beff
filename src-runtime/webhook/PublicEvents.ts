/**
 * Committed events as integrators are told of them: ids, amounts and states. Of a change of a contact itself also what it was
 * and is (AUT-9), which is personal: what is made of it is sealed wherever it is kept. All else of who she is is read from
 * the API by those who may. Amounts are decimals, instants RFC 3339, as on the live feed.
 */
import { rfc3339 } from "../projection/Rfc3339.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { ContactEvent, SharedSpend } from "#domain/contact/ContactEvent.ts"
import type { Event } from "#domain/Event.ts"
import type { EndpointEvent } from "#domain/webhook/Endpoint.ts"
import type { PurchaseEvent } from "#domain/purchase/PurchaseEvent.ts"
import { toDecimal } from "#domain/shared/Money.ts"
import type { EventType } from "#domain/webhook/EventType.ts"
import type { Json } from "effect/Schema"
import { aggregateOfCode } from "../journal/Kinds.ts"
import type { Committed } from "../projection/Projection.ts"
import { publicChange } from "./PublicFacts.ts"

export interface PublicEvent {
  readonly type: EventType
  readonly data: { readonly [field: string]: Json }
}

type Fields = { readonly [field: string]: Json | undefined }

const told = (type: EventType, fields: Fields = {}): PublicEvent => ({
  type,
  data: Object.fromEntries(Object.entries(fields).filter((field): field is [string, Json] => field[1] !== undefined))
})

const instantOptional = (at: number | undefined): string | undefined => (at === undefined ? undefined : rfc3339(at))

type Of<Tag extends Event["_tag"]> = Extract<Event, { readonly _tag: Tag }>
type Moved = Of<"FundsCredited" | "FundsDebited" | "FundsReturned">

const moved = (type: EventType, entryId: string, event: Moved): PublicEvent =>
  told(type, {
    entry_id: entryId,
    amount: toDecimal(event.amount, event.currency),
    currency_code: event.currency,
    reason: event.reason,
    transfer_id: event.transferId,
    counterpart_id: event.counterpartId,
    draw_id: "drawId" in event ? event.drawId : undefined,
    purchase_id: "purchaseId" in event ? event.purchaseId : undefined,
    award_id: "awardId" in event ? event.awardId : undefined,
    name: "name" in event ? event.name : undefined,
    ...("pocket" in event && {
      pocket: event.pocket,
      commerce_pool_id: event.poolId,
      expires_at: instantOptional(event.expiresAt)
    })
  })

const paid = ({ purchaseId, currency, own, shared }: Of<"PurchasePaid" | "PurchaseReversed">): Fields => {
  const amount = (minor: bigint): number => toDecimal(minor, currency)
  const sharedOf = (spend: SharedSpend) => ({
    community_id: spend.ownerId,
    draw_id: spend.drawId,
    amount: amount(spend.amount)
  })
  return {
    purchase_id: purchaseId,
    currency_code: currency,
    own: own === undefined ? undefined : { amount: amount(own.amount) },
    shared: shared === undefined ? undefined : sharedOf(shared)
  }
}

type Happening = Of<`Activity${string}` & Event["_tag"]> | Of<`Communication${string}` & Event["_tag"]>

const happened = (event: Happening): PublicEvent => {
  switch (event._tag) {
    case "ActivityScheduled":
      return told("activity.scheduled", {
        activity_id: event.activityId,
        activity_type: event.type,
        due_at: instantOptional(event.dueAt)
      })
    case "ActivityChanged":
      return told("activity.changed", { activity_id: event.activityId, due_at: instantOptional(event.dueAt) })
    case "ActivityClosed":
      return told("activity.closed", { activity_id: event.activityId, outcome: event.outcome })
    case "CommunicationRequested":
      return told("communication.requested", { communication_id: event.communicationId, channel: event.channel })
    case "CommunicationCompleted":
      return told("communication.completed", { communication_id: event.communicationId, channel: event.channel })
    case "CommunicationRejected": {
      const { communicationId: communication_id, channel, reason, code } = event
      return told("communication.rejected", {
        communication_id,
        channel,
        reason,
        ...(code !== undefined && { reason_code: code })
      })
    }
    case "CommunicationMarked":
      return told("communication.marked", { communication_id: event.communicationId, mark: event.mark })
  }
}

/** Everything of a contact but what would let somebody act as her, and what only the system itself needs. */
const ofContact = (event: ContactEvent): PublicEvent | undefined => {
  switch (event._tag) {
    case "ContactRegistered":
      return told("contact.registered", { contact_type: event.type, currency_code: event.currency })
    case "ContactUpdated":
    case "IdentifiersAdded":
    case "WalletCodeRotated":
    case "PoolActivationChanged":
    case "SpendBlockChanged":
    case "TagsChanged":
    case "OptOutChanged":
      return told("contact.updated", { ...publicChange(event) })
    case "ConsentChanged":
      return told("contact.consent_changed", { from: event.from, to: event.to, by: event.by })
    case "InteractionStateChanged":
      return told("contact.interaction_state_changed", { from: event.from, to: event.to })
    case "MembershipChanged": {
      const {
        ownerId: community_id,
        relationshipId: relationship_id,
        state,
        sharing: wallet_sharing
      } = event.membership
      return told("contact.membership_changed", { community_id, relationship_id, state, wallet_sharing })
    }
    case "DevicesChanged":
      return told("contact.devices_changed")
    case "FundsCredited":
      return moved("wallet.credited", event.lotId, event)
    case "FundsDebited":
      return moved("wallet.debited", event.entryId, event)
    case "FundsReturned":
      return moved("wallet.returned", event.entryId, event)
    case "PurchasePaid": {
      const total = toDecimal(event.total, event.currency)
      return told("purchase.paid", { ...paid(event), organisation_id: event.organisationId, total })
    }
    case "PurchaseReversed":
      return told("purchase.reversed", paid(event))
    case "ActivityScheduled":
    case "ActivityChanged":
    case "ActivityClosed":
    case "CommunicationRequested":
    case "CommunicationCompleted":
    case "CommunicationRejected":
    case "CommunicationMarked":
      return happened(event)
    case "TokenIssued":
    case "TokenUsed":
    case "TimerArmed":
    case "SendAuthorized":
      return undefined
  }
}

const ofPurchase = (event: PurchaseEvent, purchase_id: string): PublicEvent | undefined => {
  switch (event._tag) {
    // What it was awarded is told as the credit that it is.
    case "PurchaseOpened":
    case "PurchaseAwarded":
    case "PurchaseAwardReversed":
      return undefined
    case "PurchasePosted":
      return told("purchase.posted", { purchase_id })
    case "PurchaseRefused":
      return told("purchase.refused", { purchase_id, reason: event.reason })
    case "PurchaseCancelled":
      return told("purchase.cancelled", { purchase_id })
  }
}

const ofCommunity = (event: CommunityEvent, currency: string): PublicEvent => {
  const person = { relationship_id: event.relationshipId, person_id: event.memberId }
  const draw = ({ drawId, amount, month }: Of<"DrawCounted" | "DrawUncounted">): Fields => ({
    ...person,
    draw_id: drawId,
    amount: toDecimal(amount, currency),
    currency_code: currency,
    month
  })
  switch (event._tag) {
    case "PersonInvited":
      return told("community.person_invited", { ...person, state: event.state })
    case "InvitationAccepted":
      return told("community.person_accepted", person)
    case "InvitationRejected":
      return told("community.person_rejected", person)
    case "InvitationExpired":
      return told("community.invitation_expired", person)
    case "PersonLeft":
      return told("community.person_left", person)
    case "PersonRemoved":
      return told("community.person_removed", person)
    case "PersonUpdated":
      return told("community.person_updated", person)
    case "DrawCounted":
      return told("community.draw_counted", { ...draw(event), purchase_id: event.purchaseId })
    case "DrawUncounted":
      return told("community.draw_uncounted", draw(event))
  }
}

/** One that Koinon itself switched off, to the other endpoints of its business; what somebody asked for she knows. */
const ofEndpoint = (event: EndpointEvent): PublicEvent | undefined =>
  event._tag === "EndpointStateChanged" && event.reason !== undefined
    ? told("webhook.disabled", { webhook_id: event.id, reason: event.reason })
    : undefined

/** What is told of a committed event; `undefined`: nothing. The currency is that of its business. */
export const publicEvent = ({ event, row }: Committed, currency: string): PublicEvent | undefined => {
  switch (aggregateOfCode(row.aggregate).kind) {
    case "contact":
      return ofContact(event as ContactEvent)
    case "purchase":
      return ofPurchase(event as PurchaseEvent, row.id)
    case "community":
      return ofCommunity(event as CommunityEvent, currency)
    case "endpoints":
      return ofEndpoint(event as EndpointEvent)
    default:
      return undefined
  }
}

/** The events of which anything is told. */
export const toldTypes: ReadonlyArray<Event["_tag"]> = [
  "ContactRegistered",
  "ContactUpdated",
  "IdentifiersAdded",
  "WalletCodeRotated",
  "PoolActivationChanged",
  "SpendBlockChanged",
  "TagsChanged",
  "OptOutChanged",
  "ConsentChanged",
  "InteractionStateChanged",
  "MembershipChanged",
  "DevicesChanged",
  "FundsCredited",
  "FundsDebited",
  "FundsReturned",
  "PurchasePaid",
  "PurchaseReversed",
  "ActivityScheduled",
  "ActivityChanged",
  "ActivityClosed",
  "CommunicationRequested",
  "CommunicationCompleted",
  "CommunicationRejected",
  "CommunicationMarked",
  "PurchasePosted",
  "PurchaseRefused",
  "PurchaseCancelled",
  "PersonInvited",
  "InvitationAccepted",
  "InvitationRejected",
  "InvitationExpired",
  "PersonLeft",
  "PersonRemoved",
  "PersonUpdated",
  "DrawCounted",
  "DrawUncounted",
  "EndpointStateChanged"
]
