/**
 * What can set off an automation, and which facts of the journal that is. Each fact is of one contact, in whose order the
 * automation runs. Prior-to triggers belong to the command instead (AUT-2); what they do once it has committed (AUT-4)
 * follows from the fact that it made.
 */
import * as Schema from "effect/Schema"
import type { CommunityEvent } from "../community/CommunityEvent.ts"
import type { ContactEvent } from "../contact/ContactEvent.ts"

type Event = ContactEvent | CommunityEvent
type Tag = Event["_tag"]
type Of<T extends Tag> = Extract<Event, { readonly _tag: T }>

/** One kind of fact that sets it off, unless `when` says that this one does not. */
interface Fact {
  readonly tag: Tag
  readonly when?: (event: Event) => boolean
}

const fact = <T extends Tag>(tag: T, when?: (event: Of<T>) => boolean): Fact & { readonly tag: T } => ({
  tag,
  ...(when !== undefined && { when: (event: Event) => event._tag === tag && when(event as Of<T>) })
})

/** By trigger: any one of the facts sets it off. Segments have none: joins and leaves are not events of the journal. */
const factsBy = {
  PRIOR_TO_CREATION: [fact("ContactRegistered")],
  PRIOR_TO_UPDATE: [fact("ContactUpdated")],
  CONTACT_REGISTERED: [fact("ContactRegistered")],
  CONTACT_UPDATED: [fact("ContactUpdated"), fact("IdentifiersAdded"), fact("OptOutChanged")],
  /** Acts for the owner: somebody is in her community now. */
  COMMUNITY_EXPANDED: [fact("PersonInvited", ({ state }) => state === "ACCEPTED"), fact("InvitationAccepted")],
  /** These two act for whoever was invited, not where the back office added her without asking. */
  INVITATION_ACCEPTED: [
    fact("MembershipChanged", ({ membership, from }) => membership.state === "ACCEPTED" && from === "PENDING")
  ],
  INVITATION_REJECTED: [fact("MembershipChanged", ({ membership }) => membership.state === "REJECTED")],
  PURCHASE_POSTED: [fact("PurchasePaid")],
  PURCHASE_CANCELLED: [fact("PurchaseReversed")],
  WALLET_CREDITED: [fact("FundsCredited"), fact("FundsReturned")],
  WALLET_DEBITED: [fact("FundsDebited")],
  INTERACTION_STATE_CHANGED: [fact("InteractionStateChanged")],
  CONSENT_CHANGED: [fact("ConsentChanged")],
  TAGS_CHANGED: [fact("TagsChanged")],
  ACTIVITY_SCHEDULED: [fact("ActivityScheduled")],
  ACTIVITY_CLOSED: [fact("ActivityClosed")],
  COMMUNICATION_COMPLETED: [fact("CommunicationCompleted")],
  COMMUNICATION_REJECTED: [fact("CommunicationRejected")],
  SEGMENT_JOINED: [],
  SEGMENT_LEFT: [],
  /** It is a credit as well: WALLET_CREDITED is set off, too. */
  AWARD_GIVEN: [fact("FundsCredited", ({ reason }) => reason === "AWARD")]
} as const satisfies Readonly<Record<string, ReadonlyArray<Fact>>>

export const Trigger = Schema.Literals(Object.keys(factsBy) as ReadonlyArray<keyof typeof factsBy>)
export type Trigger = typeof Trigger.Type

const facts: Readonly<Record<Trigger, ReadonlyArray<Fact>>> = factsBy

export const segmentTriggers: ReadonlySet<Trigger> = new Set<Trigger>(["SEGMENT_JOINED", "SEGMENT_LEFT"])
export const priorToTriggers: ReadonlySet<Trigger> = new Set<Trigger>(["PRIOR_TO_CREATION", "PRIOR_TO_UPDATE"])

/** The kinds of facts that set something off. */
export type TriggeringTag = (typeof factsBy)[Trigger][number]["tag"]

/** What sets a trigger off; `isConditional`: not every such fact does. */
export const factsOf = (
  trigger: Trigger
): ReadonlyArray<{ readonly tag: TriggeringTag; readonly isConditional: boolean }> =>
  facts[trigger].map(({ tag, when }) => ({ tag: tag as TriggeringTag, isConditional: when !== undefined }))

/** Every kind of fact that can set something off. */
export const triggeringTags: ReadonlyArray<Tag> = [
  ...new Set(Object.values(facts).flatMap((each) => each.map(({ tag }) => tag)))
]

/** Whether what is about these kinds of facts can be said of something that set this off; about none, of anything. */
export const canBeAbout = (trigger: Trigger, tags: ReadonlyArray<string>): boolean =>
  tags.length === 0 || facts[trigger].some(({ tag }) => tags.includes(tag))

const triggersByTag: ReadonlyMap<Tag, ReadonlyArray<readonly [Trigger, Fact]>> = Map.groupBy(
  Trigger.literals.flatMap((trigger) => facts[trigger].map((each) => [trigger, each] as const)),
  ([, { tag }]) => tag
)

/** What a fact sets off; nothing if it is of another kind. */
export const triggersOf = (event: { readonly _tag: string }): ReadonlyArray<Trigger> =>
  (triggersByTag.get(event._tag as Tag) ?? [])
    .filter(([, { when }]) => when === undefined || when(event as Event))
    .map(([trigger]) => trigger)
