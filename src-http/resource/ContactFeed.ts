/**
 * The activity feed of a contact as the back office reads it (FED-1): every business event as one entry, with what it came
 * to, what it is about by id, and what brought it about. Entries that belong together share those ids: a purchase, the
 * draw on the owner's wallet, the message that was sent because of it. No token and no code is ever in it, of a new code only
 * that there is one; what a person wrote stands apart, under `text`.
 */
import type { Definitions } from "#domain/definition/Definition.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { absurd } from "#domain/shared/Aggregate.ts"
import type { FeedEvent, Recorded } from "#runtime/projection/ActivityFeed.ts"
import { publicChange } from "#runtime/webhook/PublicFacts.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, epoch, present } from "./Fields.ts"

type Tag = FeedEvent["_tag"]

/**
 * The entry that an event is told as; `undefined` where it is the runtime's own bookkeeping, would let somebody pay, or says
 * of a purchase, a draw or an award what an entry of the wallet's says already.
 */
const typeOf = {
  ContactRegistered: "contact.registered",
  ContactUpdated: "contact.updated",
  IdentifiersAdded: "contact.identifiers_added",
  FundsCredited: "wallet.credited",
  FundsDebited: "wallet.debited",
  FundsReturned: "wallet.returned",
  PurchasePaid: "purchase.paid",
  PurchaseReversed: "purchase.reversed",
  InteractionStateChanged: "contact.interaction_state_changed",
  MembershipChanged: "contact.membership_changed",
  TokenIssued: undefined,
  TokenUsed: undefined,
  WalletCodeRotated: "wallet.code_rotated",
  PoolActivationChanged: "wallet.pool_activation_changed",
  SpendBlockChanged: "wallet.spend_block_changed",
  TimerArmed: undefined,
  TagsChanged: "contact.tags_changed",
  ConsentChanged: "contact.consent_changed",
  OptOutChanged: "contact.opt_out_changed",
  ActivityScheduled: "activity.scheduled",
  ActivityChanged: "activity.changed",
  ActivityClosed: "activity.closed",
  CommunicationRequested: "communication.requested",
  SendAuthorized: undefined,
  CommunicationCompleted: "communication.completed",
  CommunicationRejected: "communication.rejected",
  CommunicationMarked: "communication.marked",
  DevicesChanged: "contact.devices_changed",
  PersonInvited: "community.person_invited",
  InvitationAccepted: "community.person_accepted",
  InvitationRejected: "community.person_rejected",
  InvitationExpired: "community.invitation_expired",
  PersonLeft: "community.person_left",
  PersonRemoved: "community.person_removed",
  PersonUpdated: "community.person_updated",
  DrawCounted: undefined,
  DrawUncounted: undefined,
  PurchaseOpened: undefined,
  PurchasePosted: undefined,
  PurchaseCancelled: undefined,
  PurchaseAwarded: undefined,
  PurchaseAwardReversed: undefined,
  PurchaseRefused: "purchase.refused",
  CommandHeld: "request.held",
  HeldApproved: "request.approved",
  HeldRejected: "request.rejected",
  HeldLapsed: "request.lapsed",
  SegmentJoined: "segment.joined",
  SegmentLeft: "segment.left"
} as const satisfies Record<Tag, string | undefined>

type Told = { [T in Tag]: (typeof typeOf)[T] extends string ? T : never }[Tag]
export type FeedType = (typeof typeOf)[Told]

const told = (Object.keys(typeOf) as ReadonlyArray<Tag>).filter((tag): tag is Told => typeOf[tag] !== undefined)
export const feedTypes: ReadonlyArray<FeedType> = told.map((tag) => typeOf[tag])
/** The events that are told as one of these; all of them, if none is named. */
export const tagsOf = (types: ReadonlySet<FeedType> | undefined): ReadonlyArray<Tag> =>
  types === undefined ? told : told.filter((tag) => types.has(typeOf[tag]))

const text = Schema.optionalKey(Schema.String)
const linkFields = {
  purchase_id: text,
  draw_id: text,
  award_id: text,
  transfer_id: text,
  /** The owner of the community. */
  community_id: text,
  relationship_id: text,
  /** The other side of a transfer, the owner who shared, the member who drew. */
  counterpart_id: text,
  commerce_pool_id: text,
  communication_id: text,
  template_id: text,
  plan_id: text,
  activity_id: text,
  segment_id: text,
  /** Of a join or leave: the entry of this feed that brought it about. */
  event_id: text,
  /** The change that waits, or waited, for approval. */
  approval_id: text
}
const values = Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
const CauseOfEntry = Schema.Struct({
  /** The run of an automation or a plan that brought it about. */
  run_id: Schema.String,
  /** The automations that led there. */
  chain: Schema.Array(Schema.String),
  /** The entry of this feed that set off the run. */
  event_id: text,
  /** The purchase that it began with. */
  purchase_id: text
})
export const FeedEntry = Schema.Struct({
  /** The event's place, or the join or leave of a segment: of one meaning for ever. */
  id: Schema.String,
  type: Schema.Literals(feedTypes),
  /** Epoch seconds. */
  at: Schema.Int,
  /** What it came to: PENDING, COMPLETED, POSTED, CANCELLED, OPEN, DONE, … */
  state: text,
  /** It tells of what has not happened yet: a change that was to be approved first. */
  draft: Schema.optionalKey(Schema.Literal(true)),
  /** What came before, where the state is the contact's own. */
  previous_state: text,
  reason: text,
  /** Of a message: what its provider calls the reason. */
  reason_code: text,
  channel: text,
  name: text,
  amount: Schema.optionalKey(Amount),
  currency_code: text,
  organisation: Schema.optionalKey(Schema.Struct({ id: Schema.String, name: text })),
  due_at: Schema.optionalKey(Schema.Int),
  assignee: text,
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Of an update: the fields that really changed, what they were and what they are. */
  changed: Schema.optionalKey(Schema.Array(Schema.String)),
  previous: values,
  current: values,
  links: Schema.Struct(linkFields),
  cause: Schema.optionalKey(CauseOfEntry),
  /** What people wrote. */
  text: Schema.optionalKey(Schema.Struct({ subject: text, description: text, notes: text, recipient: text }))
})
export type FeedEntry = typeof FeedEntry.Type

type Facts = Partial<Omit<FeedEntry, "id" | "type" | "at" | "cause">>
type Of<T extends Tag> = Extract<FeedEvent, { readonly _tag: T }>

const money = (event: Of<"FundsCredited" | "FundsDebited" | "FundsReturned">): Facts => ({
  reason: event.reason,
  ...("name" in event && event.name !== undefined && { name: event.name }),
  amount: decimal(event.amount, event.currency),
  currency_code: event.currency,
  links: present({
    purchase_id: "purchaseId" in event ? event.purchaseId : undefined,
    draw_id: "drawId" in event ? event.drawId : undefined,
    award_id: "awardId" in event ? event.awardId : undefined,
    transfer_id: event.transferId,
    counterpart_id: event.counterpartId,
    commerce_pool_id: "poolId" in event ? event.poolId : undefined
  }),
  ...("notes" in event && event.notes !== undefined && { text: { notes: event.notes } })
})

const purchase = (event: Of<"PurchasePaid" | "PurchaseReversed">, business: Business): Facts => {
  const { own, shared, purchaseId, currency } = event
  const [state, total] =
    event._tag === "PurchasePaid"
      ? ["POSTED", event.total]
      : ["CANCELLED", (own?.amount ?? 0n) + (shared?.amount ?? 0n)]
  const organisation = event._tag === "PurchasePaid" ? { organisation: named(business, event.organisationId) } : {}
  const { drawId: draw_id, ownerId } = shared ?? {}
  return {
    state,
    amount: decimal(total, currency),
    currency_code: currency,
    ...organisation,
    links: present({ purchase_id: purchaseId, draw_id, counterpart_id: ownerId, community_id: ownerId })
  }
}

const named = (business: Business, id: string) => present({ id, name: business.organisations[id]?.name })

const activity = (event: Of<"ActivityScheduled" | "ActivityChanged" | "ActivityClosed">): Facts => {
  const links = { activity_id: event.activityId }
  if (event._tag === "ActivityClosed") return { state: event.outcome, links }
  const due = event.dueAt === undefined ? undefined : epoch(event.dueAt)
  const { assignee } = event
  if (event._tag === "ActivityChanged") return present({ state: "OPEN", due_at: due, assignee, links })
  const { type: name, subject, description } = event
  const written = subject === undefined && description === undefined ? undefined : present({ subject, description })
  return present({ state: "OPEN", name, due_at: due, assignee, links, text: written })
}

type Communication = Extract<FeedEvent, { readonly _tag: `Communication${string}` }>

const communication = (event: Communication): Facts => {
  const links = { communication_id: event.communicationId }
  switch (event._tag) {
    case "CommunicationRequested": {
      const { name, channel, templateId: template_id, planId: plan_id } = event
      return { state: "PENDING", name, channel, links: present({ ...links, template_id, plan_id }) }
    }
    case "CommunicationCompleted": {
      const { channel, recipient, subject } = event
      return { state: "COMPLETED", channel, links, text: present({ recipient, subject }) }
    }
    case "CommunicationRejected":
      return present({
        state: "REJECTED",
        channel: event.channel,
        reason: event.reason,
        reason_code: event.code,
        links
      })
    case "CommunicationMarked":
      return { state: event.mark, links }
    default:
      return absurd(event)
  }
}

const membership = ({ membership: { ownerId, relationshipId, state } }: Of<"MembershipChanged">): Facts => ({
  state,
  links: { community_id: ownerId, relationship_id: relationshipId }
})

const personStates = {
  InvitationAccepted: "ACCEPTED",
  InvitationRejected: "REJECTED",
  InvitationExpired: "EXPIRED",
  PersonLeft: "LEFT",
  PersonRemoved: "REMOVED",
  PersonUpdated: undefined
} as const

/** In the owner's own community: the other side is the person. */
const person = (event: Of<"PersonInvited" | keyof typeof personStates>): Facts =>
  present({
    state: event._tag === "PersonInvited" ? event.state : personStates[event._tag],
    links: { relationship_id: event.relationshipId, counterpart_id: event.memberId }
  })

const held = (event: Of<"CommandHeld" | "HeldApproved" | "HeldRejected" | "HeldLapsed">, subject: string): Facts => {
  const links = { approval_id: subject }
  switch (event._tag) {
    case "CommandHeld":
      return { state: "PENDING", draft: true, name: event.trigger, links }
    case "HeldApproved":
      return { state: "APPROVED", links }
    case "HeldRejected":
      return { state: "REJECTED", links }
    case "HeldLapsed":
      return { state: "LAPSED", links }
    default:
      return absurd(event)
  }
}

type Segments = Definitions<SegmentDefinition>

const isTold = (type: string): boolean => type in typeOf && typeOf[type as Tag] !== undefined

const segment = (event: Of<"SegmentJoined" | "SegmentLeft">, origin: Recorded["origin"], segments: Segments): Facts =>
  present({
    state: event._tag === "SegmentJoined" ? "JOINED" : "LEFT",
    reason: event.reason,
    name: segments[event.segmentId]?.name,
    links: present({
      segment_id: event.segmentId,
      event_id: origin !== undefined && isTold(origin.type) ? origin.eventId : undefined,
      purchase_id: origin?.purchaseId
    })
  })

const factsOf = (event: Of<Told>, { subject, origin }: Recorded, business: Business, segments: Segments): Facts => {
  switch (event._tag) {
    case "FundsCredited":
    case "FundsDebited":
    case "FundsReturned":
      return money(event)
    case "PurchasePaid":
    case "PurchaseReversed":
      return purchase(event, business)
    case "ActivityScheduled":
    case "ActivityChanged":
    case "ActivityClosed":
      return activity(event)
    case "CommunicationRequested":
    case "CommunicationCompleted":
    case "CommunicationRejected":
    case "CommunicationMarked":
      return communication(event)
    case "MembershipChanged":
      return membership(event)
    case "PersonInvited":
    case "InvitationAccepted":
    case "InvitationRejected":
    case "InvitationExpired":
    case "PersonLeft":
    case "PersonRemoved":
    case "PersonUpdated":
      return person(event)
    case "PurchaseRefused":
      return { state: "REFUSED", reason: event.reason, links: { purchase_id: subject } }
    case "CommandHeld":
    case "HeldApproved":
    case "HeldRejected":
    case "HeldLapsed":
      return held(event, subject)
    case "SegmentJoined":
    case "SegmentLeft":
      return segment(event, origin, segments)
    case "InteractionStateChanged":
      return { state: event.to, previous_state: event.from }
    case "ConsentChanged":
      return { state: event.to, previous_state: event.from, reason: event.by }
    case "OptOutChanged":
      return { state: event.optedOut ? "OPTED_OUT" : "OPTED_IN", channel: event.channel, reason: event.by }
    case "SpendBlockChanged":
      return { state: event.blocked ? "BLOCKED" : "UNBLOCKED" }
    case "PoolActivationChanged":
      return { state: event.active ? "ACTIVE" : "INACTIVE", links: { commerce_pool_id: event.poolId } }
    case "TagsChanged":
      return { tags: event.tags }
    case "ContactUpdated":
      return { ...publicChange(event) }
    case "ContactRegistered":
    case "IdentifiersAdded":
    case "DevicesChanged":
    case "WalletCodeRotated":
      return {}
    default:
      return absurd(event)
  }
}

export const renderFeedEntry = (recorded: Recorded, business: Business, segments: Segments): FeedEntry => {
  const { id, event, cause: link } = recorded
  const one = event as Of<Told>
  const { links = {}, ...facts } = factsOf(one, recorded, business, segments)
  const { runId: run_id, chain } = ("cause" in one && one.cause) || { runId: undefined, chain: [] }
  const cause =
    run_id === undefined
      ? undefined
      : present({ run_id, chain, event_id: link?.eventId, purchase_id: link?.purchaseId })
  return { id, type: typeOf[one._tag], at: epoch(one.at), ...facts, links, ...(cause !== undefined && { cause }) }
}

/** Whether an entry names this id: as its own, as what it is about, or as anything that brought it about. */
export const isLinkedTo = (id: string, recorded: Recorded, business: Business): boolean => {
  const { id: own, links, cause } = renderFeedEntry(recorded, business, {})
  const { chain = [], ...causes } = cause ?? {}
  return [own, ...Object.values(links), ...Object.values(causes), ...chain].includes(id)
}
