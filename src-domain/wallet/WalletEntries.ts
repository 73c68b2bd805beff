/**
 * What a person reads of a wallet: its entries, as a pure function of the contact's events. An event that moves money in
 * several pockets or pools gives one entry for each, so that by pocket and pool Σ credits − Σ debits is the balance
 * (WAL-1). What a shared wallet paid comes in and goes out again (SHR-7); a reversal gives the exact inverse (WAL-6).
 */
import type { ContactEvent, SharedSpend } from "../contact/ContactEvent.ts"
import { absurd } from "../shared/Aggregate.ts"
import type { Minor } from "../shared/Money.ts"
import type { Part, Pocket } from "./Lot.ts"

export type TransactionType =
  | "MANUAL_JOURNAL"
  | "TRANSFER"
  | "WALLET_SHARING"
  | "SPEND"
  | "EXPIRY"
  | "AWARD"
  | "AWARD_REVERSAL"
  | "TRANSFER_REVERSAL"
  | "WALLET_SHARING_REVERSAL"
  | "SPEND_REVERSAL"

export interface WalletEntry {
  /** Of one meaning for ever: made of the ids that the event carries. */
  readonly id: string
  readonly type: "CREDIT" | "DEBIT"
  readonly transactionType: TransactionType
  readonly amount: Minor
  readonly currency: string
  readonly pocket: Pocket
  readonly poolId?: string
  readonly at: number
  /** The lot that a credit opened, and until when it can be spent; what is left of it stands in the contact's state. */
  readonly lotId?: string
  readonly expiresAt?: number
  readonly purchaseId?: string
  readonly organisationId?: string
  readonly transferId?: string
  readonly transferCode?: string
  readonly drawId?: string
  readonly awardId?: string
  /** What the business calls the award. */
  readonly name?: string
  /** The other side of a transfer, the owner who shared, the member who drew. */
  readonly counterpartId?: string
  readonly notes?: string
}

/** The events that move money: no other has entries. */
export const walletEventTags = [
  "FundsCredited",
  "FundsDebited",
  "FundsReturned",
  "PurchasePaid",
  "PurchaseReversed"
] as const satisfies ReadonlyArray<ContactEvent["_tag"]>

type Facts = Omit<WalletEntry, "id" | "amount" | "pocket" | "poolId">
type Source = Pick<Part, "pocket" | "poolId" | "amount">

/** One entry a pocket and pool, in the order in which the parts name them. */
const entriesOf = (id: string, parts: ReadonlyArray<Part>, facts: Facts): ReadonlyArray<WalletEntry> => {
  const sources = new Map<string, Source>()
  for (const { pocket, poolId, amount } of parts) {
    const name = poolId ?? pocket
    const total = (sources.get(name)?.amount ?? 0n) + amount
    sources.set(name, { pocket, ...(poolId !== undefined && { poolId }), amount: total })
  }
  // The id of an entry that stands alone is the id that whoever posted it was told.
  return [...sources].map(([name, source]) => ({ id: sources.size === 1 ? id : `${id}/${name}`, ...facts, ...source }))
}

/** What of an event's fields every entry of it repeats. */
const linksOf = (event: {
  readonly currency: string
  readonly at: number
  readonly purchaseId?: string
  readonly organisationId?: string
  readonly transferId?: string
  readonly transferCode?: string
  readonly drawId?: string
  readonly awardId?: string
  readonly name?: string
  readonly counterpartId?: string
  readonly notes?: string
}) => {
  const { currency, at, purchaseId, organisationId, transferId, transferCode, drawId, counterpartId, notes } = event
  const { awardId, name } = event
  return {
    currency,
    at,
    ...(purchaseId !== undefined && { purchaseId }),
    ...(organisationId !== undefined && { organisationId }),
    ...(transferId !== undefined && { transferId }),
    ...(transferCode !== undefined && { transferCode }),
    ...(drawId !== undefined && { drawId }),
    ...(awardId !== undefined && { awardId }),
    ...(name !== undefined && { name }),
    ...(counterpartId !== undefined && { counterpartId }),
    ...(notes !== undefined && { notes })
  }
}

type Event<Tag extends ContactEvent["_tag"]> = Extract<ContactEvent, { readonly _tag: Tag }>

const credit = (event: Event<"FundsCredited">): ReadonlyArray<WalletEntry> => {
  const { lotId, pocket, poolId, amount, expiresAt, reason } = event
  const lot = { lotId, ...(expiresAt !== undefined && { expiresAt }) }
  const source = { pocket, ...(poolId !== undefined && { poolId }), amount }
  return [{ id: lotId, type: "CREDIT", transactionType: reason, ...linksOf(event), ...lot, ...source }]
}

/** The money of a draw, in and out: net zero in every pocket (SHR-7). The ids differ from those at the owner's. */
const sharedSpend = (shared: SharedSpend, links: ReturnType<typeof linksOf>): ReadonlyArray<WalletEntry> => {
  const { drawId, ownerId, parts } = shared
  const facts = { ...links, drawId, counterpartId: ownerId }
  return [
    ...entriesOf(`${drawId}/shared`, parts, { type: "CREDIT", transactionType: "WALLET_SHARING", ...facts }),
    ...entriesOf(`${drawId}/shared/spend`, parts, { type: "DEBIT", transactionType: "SPEND", ...facts })
  ]
}

const payment = (event: Event<"PurchasePaid">): ReadonlyArray<WalletEntry> => {
  const { own, shared } = event
  const links = linksOf(event)
  return [
    ...(shared === undefined ? [] : sharedSpend(shared, links)),
    ...(own === undefined
      ? []
      : entriesOf(own.entryId, own.parts, { type: "DEBIT", transactionType: "SPEND", ...links }))
  ]
}

const inverse = (entry: WalletEntry): WalletEntry => ({
  ...entry,
  id: `${entry.id}/reversal`,
  type: entry.type === "CREDIT" ? "DEBIT" : "CREDIT",
  transactionType: entry.transactionType === "SPEND" ? "SPEND_REVERSAL" : "WALLET_SHARING_REVERSAL"
})

/** PUR-6: last in, first out, so that no line of the statement shows money that was not there. */
const reversal = (event: Event<"PurchaseReversed">): ReadonlyArray<WalletEntry> => {
  const { own, shared } = event
  const links = linksOf(event)
  const facts = { type: "CREDIT", transactionType: "SPEND_REVERSAL", ...links } as const
  return [
    ...(own === undefined ? [] : entriesOf(own.entryId, own.parts, facts)),
    ...(shared === undefined ? [] : sharedSpend(shared, links).toReversed().map(inverse))
  ]
}

/** In the order in which they happened; none for an event that moves no money. */
export const walletEntries = (event: ContactEvent): ReadonlyArray<WalletEntry> => {
  switch (event._tag) {
    case "FundsCredited":
      return credit(event)
    case "FundsDebited":
      return entriesOf(event.entryId, event.parts, { type: "DEBIT", transactionType: event.reason, ...linksOf(event) })
    case "FundsReturned":
      return entriesOf(event.entryId, event.parts, {
        type: "CREDIT",
        transactionType: `${event.reason}_REVERSAL`,
        ...linksOf(event)
      })
    case "PurchasePaid":
      return payment(event)
    case "PurchaseReversed":
      return reversal(event)
    case "ContactRegistered":
    case "ContactUpdated":
    case "IdentifiersAdded":
    case "InteractionStateChanged":
    case "MembershipChanged":
    case "TokenIssued":
    case "TokenUsed":
    case "WalletCodeRotated":
    case "PoolActivationChanged":
    case "SpendBlockChanged":
    case "TimerArmed":
    case "TagsChanged":
    case "ConsentChanged":
    case "OptOutChanged":
    case "ActivityScheduled":
    case "ActivityChanged":
    case "ActivityClosed":
    case "CommunicationRequested":
    case "SendAuthorized":
    case "CommunicationCompleted":
    case "CommunicationRejected":
    case "CommunicationMarked":
    case "DevicesChanged":
      return []
    default:
      return absurd(event)
  }
}
