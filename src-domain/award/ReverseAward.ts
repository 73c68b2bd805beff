/**
 * One award is taken back by itself (PUR-8). Once: a second reversal changes nothing and answers the same, and so does one
 * of an award that a cancelled purchase took with it. That she may not spend does not keep it (WAL-10): it is the business
 * that takes.
 */
import * as Result from "effect/Result"
import { objectionToDealing } from "../contact/Consent.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { type AwardState, evolve } from "./Award.ts"
import type { ReverseAward } from "./AwardCommand.ts"
import type { States } from "./AwardDecider.ts"
import { takeBack } from "./TakingBack.ts"

/** As it is, whether it was taken back by itself or with its purchase. */
export const standing = (award: AwardState, purchase: States["purchase"]): AwardState => {
  if (award.state === "REVERSED" || purchase?.state !== "CANCELLED") return award
  const taken = purchase.awards?.find(({ awardId }) => awardId === award.award?.awardId)?.reversed ?? 0n
  return { ...award, state: "REVERSED", reversed: { amount: taken, at: purchase.cancelledAt ?? 0 } }
}

export const reverseAward = (states: States, command: typeof ReverseAward.Type, turn: Turn): Judgement => {
  const { contact, purchase } = states
  const { awardId, purchaseId } = command
  const known = standing(states.award, purchase)
  const { award } = known
  if (award === undefined || award.contactId !== contact.id || award.purchaseId !== purchaseId) {
    return Result.fail({ _tag: "AwardNotFound", id: awardId })
  }
  if (known.state === "REVERSED") return Result.succeed({ events: [], answer: { _tag: "AwardAnswer", award: known } })
  const objection = objectionToDealing(contact, turn)
  if (objection !== undefined) return Result.fail(objection)
  const taken = takeBack(contact, [award], purchaseId, turn)
  if (Result.isFailure(taken)) return Result.fail(taken.failure)

  const { events, amounts } = taken.success
  const amount = amounts[0]?.amount ?? 0n
  const { name, currency, poolId } = award
  const reversed = {
    _tag: "AwardReversed" as const,
    awardId,
    name,
    amount,
    currency,
    ...(poolId !== undefined && { poolId }),
    ...(purchaseId !== undefined && { purchaseId }),
    at: turn.at
  }
  return Result.succeed({
    events: [
      reversed,
      ...(purchaseId === undefined ? [] : [{ _tag: "PurchaseAwardReversed" as const, awardId, amount, at: turn.at }]),
      ...events
    ],
    answer: { _tag: "AwardAnswer", award: evolve(states.award, reversed) }
  })
}
