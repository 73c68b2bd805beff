/**
 * PUR-6: once, and the exact inverse of the payment; own money comes back here, shared money at its owner (SHR-9). What was
 * awarded for it is taken back in the same decision (PUR-8), after her own money has come back; if she has spent more of
 * the awards than she still has, nothing is cancelled.
 */
import * as Result from "effect/Result"
import { objectionToDealing } from "../contact/Consent.ts"
import { disengage, nothing } from "../contact/Engagement.ts"
import { settleReturned } from "../contact/Expiry.ts"
import { takeBack } from "../award/TakingBack.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { Part } from "../wallet/Lot.ts"
import { returned } from "../wallet/Wallet.ts"
import { giveBack } from "./CompletePurchase.ts"
import type { States } from "./Posting.ts"
import { answerOf } from "./Posting.ts"
import { evolve } from "./Purchase.ts"
import type { CancelPurchase } from "./PurchaseCommand.ts"
import type { PurchaseEvent } from "./PurchaseEvent.ts"
import type { PurchaseState } from "./PurchaseState.ts"

/** What was paid, under the entry that gives it back. */
const inverse = ({ own, shared, postedAt }: PurchaseState, entryId: string) => ({
  ...(own !== undefined && { own: { ...own, entryId } }),
  ...(shared !== undefined && { shared }),
  ...((own !== undefined || shared !== undefined) && { uncounts: postedAt })
})

const withReturned = (contact: ContactState, parts: ReadonlyArray<Part>): ContactState => ({
  ...contact,
  lots: returned(contact.lots, parts)
})

export const cancelPurchase = (states: States, command: typeof CancelPurchase.Type, turn: Turn): Judgement => {
  const { contact, purchase } = states
  const { purchaseId, entryId } = command
  const { receipt, own, shared } = purchase
  if (purchase.state === "OPEN") return Result.fail({ _tag: "PurchaseStillOpen", id: purchaseId })
  if (receipt === undefined || receipt.contactId !== contact.id || purchase.state === "REFUSED") {
    return Result.fail({ _tag: "PurchaseNotFound", id: purchaseId })
  }
  if (purchase.state === "CANCELLED") return Result.succeed({ events: [], answer: answerOf(contact, purchase) })
  const objection = objectionToDealing(contact, turn)
  if (objection !== undefined) return Result.fail(objection)

  const back = inverse(purchase, entryId)
  const standing = (purchase.awards ?? []).filter(({ reversed }) => reversed === undefined)
  const awards = takeBack(withReturned(contact, own?.parts ?? []), standing, purchaseId, turn)
  if (Result.isFailure(awards)) return Result.fail(awards.failure)
  const cancelled: PurchaseEvent = {
    _tag: "PurchaseCancelled",
    ...(standing.length > 0 && { awards: awards.success.amounts }),
    at: turn.at
  }
  const expiry = settleReturned(contact, own?.parts ?? [], turn)
  const interaction = back.uncounts === undefined ? nothing : disengage(contact, back.uncounts, turn)
  return Result.succeed({
    events: [
      cancelled,
      { _tag: "PurchaseReversed", purchaseId, currency: receipt.defaultCurrency, ...back, at: turn.at },
      ...expiry.events,
      ...awards.success.events,
      ...interaction.events
    ],
    answer: answerOf(contact, evolve(purchase, cancelled)),
    messages: shared === undefined ? [] : [giveBack(shared, purchaseId, contact.id)],
    timers: [...expiry.timers, ...interaction.timers]
  })
}
