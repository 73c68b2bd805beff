/**
 * The contact as an aggregate: how each fact changes who it is, what is in its wallet, how engaged it is and where it
 * belongs. Nothing is judged here: what the journal says has happened.
 *
 *     Absent --ContactRegistered--> Registered
 */
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import { activitiesAfter } from "./Activity.ts"
import { communicate } from "./Sending.ts"
import { dayNumber } from "../shared/CalendarDate.ts"
import type { Part } from "../wallet/Lot.ts"
import { credited, debited, returned } from "../wallet/Wallet.ts"
import type { ContactRegistered, FundsCredited, MembershipChanged, PurchasePaid, TokenIssued } from "./ContactEvent.ts"
import { ContactEvent } from "./ContactEvent.ts"
import { ContactState, initial } from "./ContactState.ts"
import { usedWalletCode } from "./ContactToken.ts"
import { afterExpiry } from "./ExpiredLots.ts"
import { counted, uncounted } from "./Interaction.ts"

const register = (state: ContactState, event: typeof ContactRegistered.Type): ContactState => {
  const { _tag, contactId, at, businessTimeZone = event.timeZone, optOutBy: _, judgedBy: _judges, ...rest } = event
  return { ...state, ...rest, businessTimeZone, id: contactId, registeredAt: at }
}

const withInteraction = (state: ContactState, event: { readonly counts: boolean; readonly at: number }): ContactState =>
  event.counts
    ? { ...state, interactions: counted(state.interactions, dayNumber(event.at, state.businessTimeZone)) }
    : state

const withoutInteraction = (state: ContactState, countedAt: number | undefined): ContactState =>
  countedAt === undefined
    ? state
    : { ...state, interactions: uncounted(state.interactions, dayNumber(countedAt, state.businessTimeZone)) }

const credit = (state: ContactState, event: typeof FundsCredited.Type): ContactState => {
  const { lotId, pocket, amount, at } = event
  const lot = {
    lotId,
    pocket,
    remaining: amount,
    creditedAt: at,
    ...(event.poolId === undefined ? {} : { poolId: event.poolId }),
    ...(event.expiresAt === undefined ? {} : { expiresAt: event.expiresAt })
  }
  return withInteraction({ ...state, lots: credited(state.lots, lot) }, event)
}

const debit = (state: ContactState, parts: ReadonlyArray<Part> | undefined): ContactState =>
  parts === undefined || parts.length === 0 ? state : { ...state, lots: debited(state.lots, parts) }

const expire = (state: ContactState, parts: ReadonlyArray<Part>): ContactState => ({
  ...debit(state, parts),
  expiredLots: afterExpiry(state.expiredLots, parts)
})

const giveBack = (state: ContactState, parts: ReadonlyArray<Part> | undefined): ContactState =>
  parts === undefined || parts.length === 0 ? state : { ...state, lots: returned(state.lots, parts) }

const withoutDynamicCode = ({ dynamicCode: _, ...state }: ContactState): ContactState => state

/** CIM-5, IDN-2: a token and a dynamic code are each good for one purchase. */
const useUp = (state: ContactState, tokenId: string): ContactState =>
  tokenId === usedWalletCode
    ? withoutDynamicCode(state)
    : { ...state, tokens: state.tokens.filter((token) => token.id !== tokenId) }

const pay = (state: ContactState, event: typeof PurchasePaid.Type): ContactState =>
  withInteraction(debit(state, event.own?.parts), event)

const issueToken = (state: ContactState, { token, at }: typeof TokenIssued.Type): ContactState => ({
  ...state,
  tokens: [...state.tokens.filter((other) => at < other.expiresAt), token]
})

const changeMembership = (state: ContactState, { membership }: typeof MembershipChanged.Type): ContactState => {
  const others = state.memberships.filter((other) => other.ownerId !== membership.ownerId)
  const over = membership.state === "ENDED" || membership.state === "REJECTED"
  return { ...state, memberships: over ? others : [...others, membership] }
}

const changePool = (state: ContactState, poolId: string, active: boolean): ContactState => {
  const others = state.activePoolIds.filter((other) => other !== poolId)
  return { ...state, activePoolIds: active ? [...others, poolId] : others }
}

const evolve = (state: ContactState, event: ContactEvent): ContactState => {
  switch (event._tag) {
    case "ContactRegistered":
      return register(state, event)
    case "ContactUpdated": {
      const { _tag, at, changed: _, previous, before, judgedBy, ...changes } = event
      return { ...state, ...changes }
    }
    case "IdentifiersAdded":
      return { ...state, identity: event.identity }
    case "FundsCredited":
      return credit(state, event)
    case "FundsDebited":
      return event.reason === "EXPIRY" ? expire(state, event.parts) : withInteraction(debit(state, event.parts), event)
    case "FundsReturned":
      return withoutInteraction(giveBack(state, event.parts), event.uncounts)
    case "PurchasePaid":
      return pay(state, event)
    case "PurchaseReversed":
      return withoutInteraction(giveBack(state, event.own?.parts), event.uncounts)
    case "InteractionStateChanged":
      return { ...state, interactionState: event.to }
    case "MembershipChanged":
      return changeMembership(state, event)
    case "TokenIssued":
      return issueToken(state, event)
    case "TokenUsed":
      return useUp(state, event.tokenId)
    case "WalletCodeRotated":
      return { ...state, dynamicCode: { value: event.walletCode, expiresAt: event.expiresAt } }
    case "PoolActivationChanged":
      return changePool(state, event.poolId, event.active)
    case "SpendBlockChanged":
      return { ...state, spendBlocked: event.blocked }
    case "TimerArmed":
      return { ...state, timers: { ...state.timers, [event.name]: event.firesAt } }
    case "TagsChanged":
      return { ...state, tags: event.tags }
    case "ConsentChanged":
      return { ...state, consent: event.to }
    case "OptOutChanged":
      return event.channel === "EMAIL"
        ? { ...state, emailOptOut: event.optedOut }
        : { ...state, smsOptOut: event.optedOut }
    case "ActivityScheduled":
    case "ActivityChanged":
    case "ActivityClosed":
      return { ...state, openActivities: activitiesAfter(state.openActivities, event) }
    case "DevicesChanged":
      return { ...state, devices: event.devices }
    case "CommunicationRequested":
    case "SendAuthorized":
    case "CommunicationCompleted":
    case "CommunicationRejected":
    case "CommunicationMarked":
      return communicate(state, event)
    default:
      return absurd(event)
  }
}

export const contact = defineAggregate({
  kind: "contact",
  code: 2,
  State: ContactState,
  stateVersion: 5,
  initial,
  Event: ContactEvent,
  evolve
})
