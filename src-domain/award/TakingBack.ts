/**
 * How awards are taken back (PUR-6, PUR-8): from the lot that the award opened, then from its pool, then from the open
 * pocket, in one decision and never below zero. What of it has expired is not owed: she lost that already. What she spent
 * is owed, whatever became of the lot. There is no account yet to post a rest to, so one that is missing refuses it all.
 */
import * as Result from "effect/Result"
import type { ContactEvent } from "../contact/ContactEvent.ts"
import type { ContactState } from "../contact/ContactState.ts"
import { expiredOf } from "../contact/ExpiredLots.ts"
import type { Refusal } from "../Refusal.ts"
import type { Turn } from "../shared/Decision.ts"
import { type Minor, sum } from "../shared/Money.ts"
import { debited, takeAward } from "../wallet/Wallet.ts"
import type { Award } from "./Award.ts"

/** Of an award, what has to be known to take it back. */
export type Owed = Pick<Award, "awardId" | "name" | "amount" | "poolId">

export interface TakenBack {
  /** In the order of the awards; nothing for one that has expired whole. */
  readonly events: ReadonlyArray<ContactEvent>
  /** What came back of each. */
  readonly amounts: ReadonlyArray<{ readonly awardId: string; readonly amount: Minor }>
}

/**
 * All of them or none. `contact` is as she is once what else the decision gives her has come back. The order of the awards
 * does not decide whether there is enough: each leaves as much as it can of what the others may take.
 */
export const takeBack = (
  contact: ContactState,
  awards: ReadonlyArray<Owed>,
  purchaseId: string | undefined,
  turn: Turn
): Result.Result<TakenBack, Refusal> => {
  let { lots } = contact
  let missing = 0n
  const events: Array<ContactEvent> = []
  const amounts: Array<TakenBack["amounts"][number]> = []
  for (const award of awards) {
    const { awardId, name } = award
    const owed = award.amount - expiredOf(contact, awardId, turn.at)
    const parts = takeAward(lots, { lotId: awardId, poolId: award.poolId }, owed, turn.at)
    const amount = sum(parts.map((part) => part.amount))
    missing += owed - amount
    amounts.push({ awardId, amount })
    if (amount === 0n) continue
    lots = debited(lots, parts)
    events.push({
      _tag: "FundsDebited",
      entryId: `${awardId}/reversal`,
      amount,
      currency: contact.currency,
      parts,
      reason: "AWARD_REVERSAL",
      ...(purchaseId !== undefined && { purchaseId }),
      awardId,
      name,
      counts: false,
      at: turn.at
    })
  }
  if (missing === 0n) return Result.succeed({ events, amounts })
  const available = sum(amounts.map(({ amount }) => amount))
  const awardIds = awards.map(({ awardId }) => awardId)
  return Result.fail({ _tag: "AwardSpent", awardIds, available, missing, currency: contact.currency })
}
