/**
 * The feeds of actors and how domain events become theirs. Who may see what is decided here, event by event: a contact's feed
 * is hers; in a community everybody sees who belongs to it, and only the owner and the person concerned see invitations,
 * terms and what was drawn.
 */
import { rfc3339 } from "#runtime/projection/Rfc3339.ts"
import { relationWith } from "#domain/community/Community.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { remaining } from "#domain/community/Draw.ts"
import type { ContactEvent, SharedSpend } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { PurchaseEvent } from "#domain/purchase/PurchaseEvent.ts"
import { absurd } from "#domain/shared/Aggregate.ts"
import { toDecimal } from "#domain/shared/Money.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import { walletEntries, walletEventTags } from "#domain/wallet/WalletEntries.ts"
import { aggregateOfCode } from "#runtime/journal/Kinds.ts"
import type { Broadcast } from "#runtime/live/BusinessHub.ts"
import { defineFeed, type Feed, type Frame, type Moment } from "#runtime/live/Feed.ts"
import { positionText } from "#runtime/live/Position.ts"
import type { Committed } from "#runtime/projection/Projection.ts"
import { publicChange } from "#runtime/webhook/PublicFacts.ts"
import { present } from "../resource/Fields.ts"
import type { FeedEvent } from "./FeedEvents.ts"
import { type FeedName, purchaseTopic } from "./Protocol.ts"

const frameOf = ({ row }: Committed, topic: string, event: FeedEvent, rest: Omit<Frame, "text"> = {}): Frame => ({
  text: JSON.stringify({ type: "event", topic, position: positionText(row), event }),
  ...rest
})

type Money = Extract<
  ContactEvent,
  { readonly _tag: "FundsCredited" | "FundsDebited" | "FundsReturned" | "PurchasePaid" | "PurchaseReversed" }
>

const linksOf = (event: Extract<Money, { readonly reason: string }>) => ({
  transfer_id: event.transferId,
  draw_id: "drawId" in event ? event.drawId : undefined,
  purchase_id: "purchaseId" in event ? event.purchaseId : undefined,
  counterpart_id: event.counterpartId,
  award_id: "awardId" in event ? event.awardId : undefined,
  name: "name" in event ? event.name : undefined
})

const paymentOf = (event: Extract<Money, { readonly purchaseId: string; readonly own?: unknown }>, left: number) => {
  const amount = (minor: bigint): number => toDecimal(minor, event.currency)
  const shared = (spend: SharedSpend) => ({
    community_id: spend.ownerId,
    draw_id: spend.drawId,
    amount: amount(spend.amount)
  })
  return present({
    purchase_id: event.purchaseId,
    currency_code: event.currency,
    own: event.own === undefined ? undefined : { amount: amount(event.own.amount) },
    shared: event.shared === undefined ? undefined : shared(event.shared),
    balance: left
  })
}

const moneyEvent = (event: Money, { state, movedSince }: Moment<ContactState>): FeedEvent => {
  const at = rfc3339(event.at)
  const amount = (minor: bigint): number => toDecimal(minor, event.currency)
  const left = amount(balance(state.lots) - movedSince)
  switch (event._tag) {
    case "FundsCredited":
      return present({
        type: "wallet.credited" as const,
        at,
        entry_id: event.lotId,
        amount: amount(event.amount),
        currency_code: event.currency,
        pocket: event.pocket,
        commerce_pool_id: event.poolId,
        expires_at: event.expiresAt === undefined ? undefined : rfc3339(event.expiresAt),
        reason: event.reason,
        ...linksOf(event),
        balance: left
      })
    case "FundsDebited":
    case "FundsReturned":
      return present({
        type: event._tag === "FundsDebited" ? ("wallet.debited" as const) : ("wallet.returned" as const),
        at,
        entry_id: event.entryId,
        amount: amount(event.amount),
        currency_code: event.currency,
        reason: event.reason,
        ...linksOf(event),
        balance: left
      })
    case "PurchasePaid":
      return {
        type: "purchase.paid",
        at,
        ...paymentOf(event, left),
        organisation_id: event.organisationId,
        total: amount(event.total)
      }
    case "PurchaseReversed":
      return { type: "purchase.reversed", at, ...paymentOf(event, left) }
    default:
      return absurd(event)
  }
}

type OfActivity = Extract<ContactEvent, { readonly _tag: `Activity${string}` }>

const activityEvent = (event: OfActivity): FeedEvent => {
  const about = { at: rfc3339(event.at), activity_id: event.activityId }
  switch (event._tag) {
    case "ActivityScheduled":
      return { type: "activity.scheduled", ...about, activity_type: event.type }
    case "ActivityChanged":
      return { type: "activity.changed", ...about }
    case "ActivityClosed":
      return { type: "activity.closed", ...about, outcome: event.outcome }
    default:
      return absurd(event)
  }
}

type OfCommunication = Extract<ContactEvent, { readonly _tag: `Communication${string}` }>

const communicationEvent = (event: OfCommunication): FeedEvent => {
  const about = { at: rfc3339(event.at), communication_id: event.communicationId }
  switch (event._tag) {
    case "CommunicationRequested":
      return { type: "communication.requested", ...about, channel: event.channel }
    case "CommunicationCompleted":
      return { type: "communication.completed", ...about, channel: event.channel }
    case "CommunicationRejected":
      return { type: "communication.rejected", ...about, channel: event.channel, reason: event.reason }
    case "CommunicationMarked":
      return { type: "communication.marked", ...about, mark: event.mark }
    default:
      return absurd(event)
  }
}

/** Everything of a contact but what would let somebody act as her: tokens and codes are never told. */
const contactEvent = (event: ContactEvent, moment: Moment<ContactState>): FeedEvent | undefined => {
  switch (event._tag) {
    case "FundsCredited":
    case "FundsDebited":
    case "FundsReturned":
    case "PurchasePaid":
    case "PurchaseReversed":
      return moneyEvent(event, moment)
    case "ContactUpdated":
    case "OptOutChanged":
      return { type: "contact.updated", at: rfc3339(event.at), ...publicChange(event) }
    // Tags and blocks are the business's own: her app, which hears the same, is not shown them.
    case "SpendBlockChanged":
    case "TagsChanged":
    case "IdentifiersAdded":
    case "WalletCodeRotated":
    case "PoolActivationChanged":
      return { type: "contact.updated", at: rfc3339(event.at) }
    case "ConsentChanged":
      return {
        type: "contact.consent_changed",
        at: rfc3339(event.at),
        from: event.from,
        to: event.to,
        by: event.by
      }
    case "DevicesChanged":
      return { type: "contact.devices_changed", at: rfc3339(event.at) }
    case "ActivityScheduled":
    case "ActivityChanged":
    case "ActivityClosed":
      return activityEvent(event)
    case "CommunicationRequested":
    case "CommunicationCompleted":
    case "CommunicationRejected":
    case "CommunicationMarked":
      return communicationEvent(event)
    case "InteractionStateChanged":
      return { type: "contact.interaction_state_changed", at: rfc3339(event.at), from: event.from, to: event.to }
    case "MembershipChanged":
      return {
        type: "contact.membership_changed",
        at: rfc3339(event.at),
        community_id: event.membership.ownerId,
        relationship_id: event.membership.relationshipId,
        state: event.membership.state,
        wallet_sharing: event.membership.sharing
      }
    case "ContactRegistered":
    case "TokenIssued":
    case "TokenUsed":
    case "TimerArmed":
    case "SendAuthorized":
      return undefined
    default:
      return absurd(event)
  }
}

const purchaseEvent = (event: PurchaseEvent, { id, key }: Committed["row"]): FeedEvent | undefined => {
  const about = { at: rfc3339(event.at), purchase_id: id, contact_id: key }
  switch (event._tag) {
    // What it was awarded is told as the credit that it is.
    case "PurchaseOpened":
    case "PurchaseAwarded":
    case "PurchaseAwardReversed":
      return undefined
    case "PurchasePosted": {
      const { receipt, summary = receipt && { ...receipt, total: receipt.amounts.total } } = event
      if (summary === undefined) return { type: "purchase.posted", ...about }
      const { organisationId: organisation_id, total, currency: currency_code } = summary
      return {
        type: "purchase.posted",
        ...about,
        organisation_id,
        total: toDecimal(total, currency_code),
        currency_code
      }
    }
    case "PurchaseRefused":
      return { type: "purchase.refused", ...about, reason: event.reason }
    case "PurchaseCancelled":
      return { type: "purchase.cancelled", ...about }
    default:
      return absurd(event)
  }
}

/** Every purchase of the business, for those who hold its secret key. */
export const purchases: Broadcast = {
  name: purchaseTopic,
  types: new Set<PurchaseEvent["_tag"]>(["PurchasePosted", "PurchaseRefused", "PurchaseCancelled"]),
  encode: ({ event, row }, _, position) => {
    const told = purchaseEvent(event as PurchaseEvent, row)
    return told === undefined
      ? undefined
      : JSON.stringify({ type: "event", topic: purchaseTopic, position, event: told })
  }
}

type Drawn = Extract<CommunityEvent, { readonly _tag: "DrawCounted" | "DrawUncounted" }>

const drawOf = (event: Drawn, { state, business }: Moment<CommunityState>) => {
  const relation = event.left === undefined ? relationWith(state, event.memberId) : undefined
  // Of an event that does not say it: as it is now.
  const left = event.left ?? (relation && remaining(relation, event.month))
  return present({
    at: rfc3339(event.at),
    relationship_id: event.relationshipId,
    person_id: event.memberId,
    draw_id: event.drawId,
    amount: toDecimal(event.amount, business.currency),
    currency_code: business.currency,
    month: event.month,
    remaining: left === undefined ? undefined : toDecimal(left, business.currency)
  })
}

const communityFrame = (
  committed: Committed,
  event: CommunityEvent,
  topic: string,
  moment: Moment<CommunityState>
): Frame => {
  const { memberId } = event
  const person = { at: rfc3339(event.at), relationship_id: event.relationshipId, person_id: memberId }
  const between = { audience: [memberId] }
  switch (event._tag) {
    case "PersonInvited":
      return frameOf(
        committed,
        topic,
        { type: "community.person_invited", ...person, state: event.state },
        event.state === "PENDING" ? between : {}
      )
    case "InvitationAccepted":
      return frameOf(committed, topic, { type: "community.person_accepted", ...person })
    case "InvitationRejected":
      return frameOf(committed, topic, { type: "community.person_rejected", ...person }, between)
    case "InvitationExpired":
      return frameOf(committed, topic, { type: "community.invitation_expired", ...person }, between)
    case "PersonLeft":
      return frameOf(committed, topic, { type: "community.person_left", ...person }, { changesAccess: true })
    case "PersonRemoved":
      return frameOf(committed, topic, { type: "community.person_removed", ...person }, { changesAccess: true })
    case "PersonUpdated":
      return frameOf(committed, topic, { type: "community.person_updated", ...person }, between)
    case "DrawCounted":
      return frameOf(
        committed,
        topic,
        { type: "community.draw_counted", ...drawOf(event, moment), purchase_id: event.purchaseId },
        between
      )
    case "DrawUncounted":
      return frameOf(committed, topic, { type: "community.draw_uncounted", ...drawOf(event, moment) }, between)
    default:
      return absurd(event)
  }
}

const moneyTags: ReadonlySet<string> = new Set(walletEventTags)
const isMoney = (event: Committed["event"]): event is Money => moneyTags.has(event._tag)

/** What an event adds to the balance of its wallet (WAL-1). */
const moves = (event: Committed["event"]): bigint =>
  isMoney(event)
    ? walletEntries(event).reduce((sum, { type, amount }) => (type === "CREDIT" ? sum + amount : sum - amount), 0n)
    : 0n

/** Of what has an actor; a segment's is in `SegmentFeed.ts`. */
export const feeds: Readonly<Record<Exclude<FeedName, "segment">, Feed>> = {
  contact: defineFeed({
    name: "contact",
    follows: "contact",
    carries: ["contact", "purchase"],
    moves,
    encode: (committed, topic, moment) => {
      const { event, row } = committed
      const told =
        aggregateOfCode(row.aggregate).kind === "purchase"
          ? purchaseEvent(event as PurchaseEvent, row)
          : contactEvent(event as ContactEvent, moment)
      return told === undefined ? undefined : frameOf(committed, topic, told)
    }
  }),
  wallet: defineFeed({
    name: "wallet",
    follows: "contact",
    carries: ["contact"],
    moves,
    encode: (committed, topic, moment) =>
      isMoney(committed.event) ? frameOf(committed, topic, moneyEvent(committed.event, moment)) : undefined
  }),
  community: defineFeed({
    name: "community",
    follows: "community",
    carries: ["community"],
    encode: (committed, topic, moment) => communityFrame(committed, committed.event as CommunityEvent, topic, moment)
  })
}
