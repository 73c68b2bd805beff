/**
 * A draw of a member on the owner's wallet, as the owner's side decides it (SHR-2, SHR-3, SHR-6..9, SHR-11). The debit,
 * the member's month and the message that carries the money leave together in one commit, or not at all; whatever is
 * decided, the member's purchase hears of it. Nothing here is refused: a refusal would leave that purchase waiting.
 */
import * as Result from "effect/Result"
import type { ContactState } from "../contact/ContactState.ts"
import { objectionToDealing } from "../contact/Consent.ts"
import { disengage, engage } from "../contact/Engagement.ts"
import { settleReturned } from "../contact/Expiry.ts"
import type { Event } from "../Event.ts"
import { monthKey } from "../shared/CalendarDate.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { Minor } from "../shared/Money.ts"
import { min, sum } from "../shared/Money.ts"
import type { Part } from "../wallet/Lot.ts"
import { take } from "../wallet/Wallet.ts"
import { formerUseOf, lessUsed, relationWith } from "./Community.ts"
import type { CommunityCommand, DrawSharedFunds } from "./CommunityCommand.ts"
import type { CommunityState, Relation } from "./CommunityState.ts"
import type { States } from "./People.ts"

/** Why a draw brings less than was asked for: stable words, for machines and for the door's sentences. */
type Shortfall = "not_shared" | "no_consent" | "spend_blocked" | "other_currency" | "limit_reached" | "no_funds"

interface Offer {
  readonly amount: Minor
  readonly parts: ReadonlyArray<Part>
  /** Absent when all that was asked for is there. */
  readonly shortfall: Shortfall | undefined
}

const nothing = (shortfall: Shortfall): Offer => ({ amount: 0n, parts: [], shortfall })

/** SHR-2, SHR-11: what is left of the month for this member, never below zero; absent means without limit. */
export const remaining = (relation: Relation, month: string): Minor | undefined => {
  const max = relation.terms.walletSharing.maxAmount
  if (max === undefined) return undefined
  const used = relation.used.month === month ? relation.used.amount : 0n
  return used < max ? max - used : 0n
}

/** SHR-6: what the owner's wallet gives for a purchase, here and now. Changes nothing. */
export const offer = (
  owner: ContactState,
  community: CommunityState,
  draw: Pick<typeof DrawSharedFunds.Type, "memberId" | "requested" | "currency" | "spending">,
  turn: Turn
): Offer => {
  const relation = relationWith(community, draw.memberId)
  if (owner.id === "" || relation?.state !== "ACCEPTED" || !relation.terms.walletSharing.isEnabled) {
    return nothing("not_shared")
  }
  // CON-5: nothing leaves her wallet, and what has left it comes back.
  if (objectionToDealing(owner, turn) !== undefined) return nothing("no_consent")
  if (owner.spendBlocked) return nothing("spend_blocked")
  if (owner.currency !== draw.currency) return nothing("other_currency")

  const left = remaining(relation, monthKey(turn.at, turn.business.timeZone))
  const allowed = left === undefined ? draw.requested : min(draw.requested, left)
  const { poolIds } = relation.terms.walletSharing
  const parts = take(owner.lots, draw.spending, allowed, {
    business: turn.business,
    activePoolIds: owner.activePoolIds,
    // SHR-3: either the pools named, or the open pocket; never both.
    pools: poolIds,
    openPocket: poolIds.length === 0
  })
  const amount = sum(parts.map((part) => part.amount))
  if (amount >= draw.requested) return { amount, parts, shortfall: undefined }
  return { amount, parts, shortfall: amount < allowed ? "no_funds" : "limit_reached" }
}

/** SHR-7: the first of the two commits of a shared purchase. */
export const drawSharedFunds = (states: States, command: typeof DrawSharedFunds.Type, turn: Turn): Judgement => {
  const { contact, community } = states
  const { drawId, purchaseId, memberId } = command
  const { amount, parts, shortfall } = offer(contact, community, command, turn)
  const reason = shortfall !== undefined && { reason: shortfall }
  const complete = { _tag: "CompletePurchase", purchaseId, drawId, entryId: `${drawId}/spend`, ...reason } as const
  const message = { id: `${drawId}/complete`, to: memberId }
  const answer = { _tag: "Done", id: drawId } as const
  const relation = relationWith(community, memberId)

  if (relation === undefined || amount === 0n || amount < command.atLeast) {
    return Result.succeed({
      events: [],
      answer,
      messages: [{ ...message, command: { ...complete, offered: amount } }]
    })
  }

  const month = monthKey(turn.at, turn.business.timeZone)
  const debit: Event = {
    _tag: "FundsDebited",
    entryId: `${drawId}/draw`,
    amount,
    currency: contact.currency,
    parts,
    reason: "WALLET_SHARING",
    counterpartId: memberId,
    drawId,
    purchaseId,
    counts: true,
    at: turn.at
  }
  const { relationshipId } = relation
  const before = remaining(relation, month)
  const left = before === undefined ? null : before - amount
  const count: Event = {
    _tag: "DrawCounted",
    relationshipId,
    memberId,
    drawId,
    purchaseId,
    amount,
    month,
    left,
    at: turn.at
  }
  const shared = { drawId, ownerId: contact.id, amount, parts, month, drawnAt: turn.at }
  const engaged = engage(contact, turn.at, turn)
  return Result.succeed({
    events: [debit, count, ...engaged.events],
    answer,
    messages: [{ ...message, command: { ...complete, shared } }],
    timers: engaged.timers
  })
}

/** SHR-9, WAL-6: the purchase did not come about, or was cancelled; the money goes back to the lots it came from. */
export const returnSharedFunds = (
  { contact, community }: States,
  command: Extract<CommunityCommand, { readonly _tag: "ReturnSharedFunds" }>,
  turn: Turn
): Judgement => {
  const { drawId, purchaseId, memberId, amount, parts, month, drawnAt } = command
  const giveBack: Event = {
    _tag: "FundsReturned",
    entryId: `${drawId}/return`,
    amount,
    currency: contact.currency,
    parts,
    reason: "WALLET_SHARING",
    drawId,
    purchaseId,
    counterpartId: memberId,
    uncounts: drawnAt,
    at: turn.at
  }
  // A person who is gone since may have been drawn for in a month that is long over: then there is nothing to count.
  const relation = relationWith(community, memberId)
  const relationshipId = (relation ?? formerUseOf(community, memberId))?.relationshipId
  const bookedInMonth = monthKey(turn.at, turn.business.timeZone)
  const booked = { amount, month, bookedInMonth }
  const left = relation && remaining({ ...relation, used: lessUsed(relation.used, booked) }, month)
  const uncount: ReadonlyArray<Event> =
    relationshipId === undefined
      ? []
      : [{ _tag: "DrawUncounted", relationshipId, memberId, drawId, ...booked, left: left ?? null, at: turn.at }]
  const expiry = settleReturned(contact, parts, turn)
  const interaction = disengage(contact, drawnAt, turn)
  return Result.succeed({
    events: [giveBack, ...uncount, ...expiry.events, ...interaction.events],
    answer: { _tag: "Done", id: drawId },
    timers: [...expiry.timers, ...interaction.timers]
  })
}
