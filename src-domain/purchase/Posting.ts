/** A purchase that is paid for: what is written down of it, in one commit, and what is answered. */
import type { ContactState } from "../contact/ContactState.ts"
import { engage, nothing } from "../contact/Engagement.ts"
import type { SharedSpend } from "../contact/ContactEvent.ts"
import { displayName } from "../contact/Profile.ts"
import type { Answer } from "../Answer.ts"
import type { Event } from "../Event.ts"
import type { Timer, Turn } from "../shared/Decision.ts"
import type { Part } from "../wallet/Lot.ts"
import { total } from "./Payment.ts"
import { evolve } from "./Purchase.ts"
import type { PurchaseEvent } from "./PurchaseEvent.ts"
import type { PurchaseState, Receipt } from "./PurchaseState.ts"

export interface States {
  readonly contact: ContactState
  readonly purchase: PurchaseState
}

export const answerOf = (contact: ContactState, purchase: PurchaseState): Answer => ({
  _tag: "PurchaseAnswer",
  purchase,
  buyer: { name: displayName(contact.profile), code: contact.identity.code }
})

interface Payment {
  readonly receipt: Receipt
  readonly entryId: string
  readonly own: ReadonlyArray<Part>
  readonly shared: SharedSpend | undefined
}

interface Posting {
  readonly events: ReadonlyArray<Event>
  readonly timers: ReadonlyArray<Timer>
  readonly answer: Answer
}

/** SHR-7: what the owner's wallet gave comes in and goes out in the same event, so the member's balance is her own. */
export const posting = ({ contact, purchase }: States, payment: Payment, turn: Turn): Posting => {
  const { receipt, entryId, shared } = payment
  const { purchaseId, organisationId } = receipt
  const own = payment.own.length > 0 && { own: { entryId, amount: total(payment.own), parts: payment.own } }
  const paid = { ...own, ...(shared !== undefined && { shared }) }
  const counts = "own" in paid || "shared" in paid
  const posted: PurchaseEvent = {
    _tag: "PurchasePosted",
    ...(purchase.state === "OPEN"
      ? { summary: { organisationId, total: receipt.amounts.total, currency: receipt.currency } }
      : { receipt }),
    ...paid,
    at: turn.at
  }
  // INT-2: it is the spending that counts, not the receipt.
  const engaged = counts ? engage(contact, turn.at, turn) : nothing
  return {
    events: [
      posted,
      {
        _tag: "PurchasePaid",
        purchaseId,
        organisationId,
        currency: receipt.defaultCurrency,
        total: receipt.totalDefaultCurrency,
        ...paid,
        counts,
        ...(receipt.date !== turn.at && { date: receipt.date }),
        at: turn.at
      },
      ...engaged.events
    ],
    timers: engaged.timers,
    answer: answerOf(contact, evolve(purchase, posted))
  }
}
