/**
 * The activity feed of a contact as the back office reads it (FED-1): every business event as one entry, with what it came
 * to, what it is about by id, and what brought it about. Entries that belong together share those ids: a purchase, the
 * draw on the owner's wallet, the message that was sent because of it. Tokens and codes are never in it; what a person
 * wrote stands apart, under `text`.
 */
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { absurd } from "#domain/shared/Aggregate.ts"
import type { Recorded } from "#runtime/projection/History.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, epoch, present } from "./Fields.ts"

type Tag = ContactEvent["_tag"]

/** The entry that an event is told as; `undefined` where it is the runtime's own bookkeeping, or would let somebody pay. */
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
  WalletCodeRotated: undefined,
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
  DevicesChanged: undefined
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
  activity_id: text
}
export const FeedEntry = Schema.Struct({
  /** The event's place, of one meaning for ever. */
  id: Schema.String,
  type: Schema.Literals(feedTypes),
  /** Epoch seconds. */
  at: Schema.Int,
  /** What it came to: PENDING, COMPLETED, POSTED, CANCELLED, OPEN, DONE, … */
  state: text,
  /** What came before, where the state is the contact's own. */
  previous_state: text,
  reason: text,
  channel: text,
  name: text,
  amount: Schema.optionalKey(Amount),
  currency_code: text,
  organisation: Schema.optionalKey(Schema.Struct({ id: Schema.String, name: text })),
  due_at: Schema.optionalKey(Schema.Int),
  assignee: text,
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
  links: Schema.Struct(linkFields),
  /** The run of an automation or a plan that brought it about, and the automations that led there. */
  cause: Schema.optionalKey(Schema.Struct({ run_id: Schema.String, chain: Schema.Array(Schema.String) })),
  /** What people wrote. */
  text: Schema.optionalKey(Schema.Struct({ subject: text, description: text, notes: text, recipient: text }))
})
export type FeedEntry = typeof FeedEntry.Type

type Facts = Partial<Omit<FeedEntry, "id" | "type" | "at" | "cause">>
type Of<T extends Tag> = Extract<ContactEvent, { readonly _tag: T }>

const money = (event: Of<"FundsCredited" | "FundsDebited" | "FundsReturned">): Facts => ({
  reason: event.reason,
  amount: decimal(event.amount, event.currency),
  currency_code: event.currency,
  links: present({
    purchase_id: "purchaseId" in event ? event.purchaseId : undefined,
    draw_id: "drawId" in event ? event.drawId : undefined,
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

type Communication = Extract<ContactEvent, { readonly _tag: `Communication${string}` }>

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
      return { state: "REJECTED", channel: event.channel, reason: event.reason, links }
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

const factsOf = (event: Of<Told>, business: Business): Facts => {
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
    case "ContactRegistered":
    case "ContactUpdated":
    case "IdentifiersAdded":
      return {}
    default:
      return absurd(event)
  }
}

export const renderFeedEntry = ({ id, event }: Recorded, business: Business): FeedEntry => {
  const one = event as Of<Told>
  const cause =
    "cause" in one && one.cause !== undefined ? { run_id: one.cause.runId, chain: one.cause.chain } : undefined
  const { links = {}, ...facts } = factsOf(one, business)
  return { id, type: typeOf[one._tag], at: epoch(one.at), ...facts, links, ...(cause !== undefined && { cause }) }
}

/** Whether an entry names this id: as what it is about, as the run or an automation that brought it about, or as its own. */
export const isLinkedTo = (id: string, recorded: Recorded, business: Business): boolean => {
  const { id: own, links, cause } = renderFeedEntry(recorded, business)
  return own === id || Object.values(links).includes(id) || cause?.run_id === id || cause?.chain.includes(id) === true
}
