/**
 * The owner's answer to a draw has come: the second commit of a shared purchase (SHR-6, SHR-7). It ends paid, or refused
 * with the money on its way back; and money that comes for a purchase that does not wait for it goes back as well.
 */
import * as Result from "effect/Result"
import type { SharedSpend } from "../contact/ContactEvent.ts"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Message, Turn } from "../shared/Decision.ts"
import { isCovered, payOwn, requestedOf, total } from "./Payment.ts"
import type { States } from "./Posting.ts"
import { posting } from "./Posting.ts"
import type { CompletePurchase } from "./PurchaseCommand.ts"

type Command = typeof CompletePurchase.Type

/** Of one id for each draw, so that the owner gets it back once, whoever asks for it and however often. */
export const giveBack = (shared: SharedSpend, purchaseId: string, memberId: string): Message => {
  const { drawId, amount, parts, month, drawnAt } = shared
  return {
    id: `${drawId}/return`,
    to: shared.ownerId,
    command: { _tag: "ReturnSharedFunds", drawId, purchaseId, memberId, amount, parts, month, drawnAt }
  }
}

/** Delivered a second time it changes nothing; for a purchase that is over without this draw, its money is not kept. */
const comeTooLate = ({ contact, purchase }: States, { shared, purchaseId, drawId }: Command): Judgement =>
  Result.succeed({
    events: [],
    answer: { _tag: "Done", id: drawId },
    messages:
      shared === undefined || purchase.shared?.drawId === drawId ? [] : [giveBack(shared, purchaseId, contact.id)]
  })

export const completePurchase = (states: States, command: Command, turn: Turn): Judgement => {
  const { contact, purchase } = states
  const { receipt, open } = purchase
  const { purchaseId, entryId, drawId, shared, offered, reason } = command
  if (receipt === undefined || open === undefined || open.drawId !== drawId) return comeTooLate(states, command)

  const drawn = shared?.amount ?? 0n
  const requested = requestedOf(receipt)
  const own = payOwn(contact, receipt, requested - drawn, shared?.parts ?? [], turn)
  const answer = { _tag: "Done", id: drawId } as const
  const { commandId } = open

  if (isCovered(receipt, total(own) + drawn)) {
    const posted = posting(states, { receipt, entryId, own, shared }, turn)
    return Result.succeed({ ...posted, answer, settles: [{ commandId, outcome: Result.succeed(posted.answer) }] })
  }
  const offer = shared?.amount ?? offered ?? 0n
  const refusal: Refusal = {
    _tag: "InsufficientFunds",
    requested,
    available: total(own) + offer,
    shared: offer,
    ...(reason !== undefined && { sharedReason: reason }),
    currency: receipt.defaultCurrency
  }
  return Result.succeed({
    events: [{ _tag: "PurchaseRefused", reason: refusal._tag, at: turn.at }],
    answer,
    messages: shared === undefined ? [] : [giveBack(shared, purchaseId, contact.id)],
    settles: [{ commandId, outcome: Result.fail(refusal) }]
  })
}
