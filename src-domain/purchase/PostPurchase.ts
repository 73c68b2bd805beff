/**
 * A purchase arrives from the till (PUR-1..4). Without a shared wallet it is judged and paid in this one decision; with
 * one it is opened and the owner is asked, and `CompletePurchase` has the last word.
 */
import * as Result from "effect/Result"
import { objectionToDealing } from "../contact/Consent.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Message, Turn } from "../shared/Decision.ts"
import type { Consent } from "./Consent.ts"
import { consentTo } from "./Consent.ts"
import type { Plan } from "./Payment.ts"
import { planPayment, requestedOf } from "./Payment.ts"
import type { States } from "./Posting.ts"
import { answerOf, posting } from "./Posting.ts"
import type { PostPurchase } from "./PurchaseCommand.ts"
import type { Receipt } from "./PurchaseState.ts"
import { spendingOf, writeReceipt } from "./Receipt.ts"

type Command = typeof PostPurchase.Type

/** PUR-2: what is known of the receipt; `undefined` if it is new, or was refused and is tried again. */
const judgeKnown = ({ contact, purchase }: States, command: Command): Judgement | undefined => {
  const { receipt, state } = purchase
  if (receipt === undefined) return undefined
  const { purchaseId: id, referenceNumber } = command
  const reused: Judgement = Result.fail({ _tag: "ReferenceReused", referenceNumber, id })
  if (receipt.contactId !== contact.id) return reused
  // Nothing was posted of it: the till may come again, and ask for less.
  if (state === "REFUSED") return undefined
  if (receipt.fingerprint !== command.fingerprint) return reused
  if (state === "OPEN") return Result.fail({ _tag: "PurchaseStillOpen", id })
  return Result.succeed({ events: [], answer: answerOf(contact, purchase) })
}

interface Assessment {
  readonly consent: Consent
  readonly receipt: Receipt
  readonly plan: Plan
}

/** All that can be said of a purchase on the buyer's side alone. */
export const assess = (contact: ContactState, command: Command, turn: Turn): Result.Result<Assessment, Refusal> => {
  if (contact.id === "") return Result.fail({ _tag: "ContactNotFound", id: command.contactId })
  const objection = objectionToDealing(contact, turn)
  if (objection !== undefined) return Result.fail(objection)
  const consent = consentTo(contact, command, turn)
  if (Result.isFailure(consent)) return Result.fail(consent.failure)
  const receipt = writeReceipt(contact, command, consent.success.spendRequest, turn)
  if (Result.isFailure(receipt)) return Result.fail(receipt.failure)
  return Result.map(planPayment(contact, receipt.success, consent.success.ownerId, turn), (plan) => ({
    consent: consent.success,
    receipt: receipt.success,
    plan
  }))
}

/** SHR-7: nothing is paid yet; the draw carries all that the owner's side needs to decide. */
const open = (
  { consent, receipt }: Assessment,
  plan: Extract<Plan, { _tag: "Shared" }>,
  command: Command,
  turn: Turn
): Judgement => {
  const { drawId, purchaseId } = command
  const draw: Message = {
    id: `${drawId}/draw`,
    to: plan.ownerId,
    command: {
      _tag: "DrawSharedFunds",
      drawId,
      purchaseId,
      memberId: receipt.contactId,
      requested: plan.draw,
      atLeast: plan.atLeast,
      currency: receipt.defaultCurrency,
      spending: spendingOf(receipt, turn.at)
    }
  }
  return Result.succeed({
    events: [
      ...consent.events,
      {
        _tag: "PurchaseOpened",
        receipt,
        commandId: turn.commandId,
        drawId,
        ownerId: plan.ownerId,
        requested: requestedOf(receipt),
        memberFirst: plan.memberFirst,
        at: turn.at
      }
    ],
    answer: undefined,
    releases: consent.releases,
    messages: [draw]
  })
}

export const postPurchase = (states: States, command: Command, turn: Turn): Judgement => {
  const known = judgeKnown(states, command)
  if (known !== undefined) return known
  const assessed = assess(states.contact, command, turn)
  if (Result.isFailure(assessed)) return Result.fail(assessed.failure)

  const { consent, receipt, plan } = assessed.success
  if (plan._tag === "Shared") return open(assessed.success, plan, command, turn)
  const { entryId } = command
  const posted = posting(states, { receipt, entryId, own: plan.parts, shared: undefined }, turn)
  return Result.succeed({ ...posted, events: [...consent.events, ...posted.events], releases: consent.releases })
}
