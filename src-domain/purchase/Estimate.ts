/**
 * PUR-10: what a purchase would come to, by the same functions that post it. It changes nothing and blocks nothing: by
 * the time of the purchase the money may be gone.
 */
import * as Result from "effect/Result"
import { offer } from "../community/Draw.ts"
import type { States as OwnerStates } from "../community/People.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Refusal } from "../Refusal.ts"
import type { Turn } from "../shared/Decision.ts"
import type { Minor } from "../shared/Money.ts"
import { isCovered, payOwn, requestedOf, total } from "./Payment.ts"
import { assess } from "./PostPurchase.ts"
import type { PostPurchase } from "./PurchaseCommand.ts"
import type { Receipt } from "./PurchaseState.ts"
import { spendingOf } from "./Receipt.ts"

interface Estimate {
  readonly receipt: Receipt
  readonly requested: Minor
  readonly own: Minor
  /** From whose shared wallet, how much, and why not more. */
  readonly shared?: { readonly ownerId: string; readonly amount: Minor; readonly reason: string | undefined }
}

/** `owner` looks up the states at an owner's key, as they are at the moment; without them she is taken to share nothing. */
export const estimate = (
  contact: ContactState,
  owner: (ownerId: string) => OwnerStates | undefined,
  command: typeof PostPurchase.Type,
  turn: Turn
): Result.Result<Estimate, Refusal> => {
  const assessed = assess(contact, command, turn)
  if (Result.isFailure(assessed)) return Result.fail(assessed.failure)
  const { receipt, plan } = assessed.success
  const requested = requestedOf(receipt)
  if (plan._tag === "Own") return Result.succeed({ receipt, requested, own: total(plan.parts) })

  const { ownerId, draw, atLeast } = plan
  const { defaultCurrency: currency } = receipt
  const asked = { memberId: contact.id, requested: draw, currency, spending: spendingOf(receipt, turn.at) }
  const states = owner(ownerId)
  const offered = states && offer(states.contact, states.community, asked, turn)
  const amount = offered?.amount ?? 0n
  const parts = amount < atLeast ? [] : (offered?.parts ?? [])
  const own = total(payOwn(contact, receipt, requested - total(parts), parts, turn))
  const reason = offered === undefined ? "not_shared" : offered.shortfall
  if (isCovered(receipt, own + total(parts))) {
    return Result.succeed({ receipt, requested, own, shared: { ownerId, amount: total(parts), reason } })
  }
  return Result.fail({
    _tag: "InsufficientFunds",
    requested,
    available: own + amount,
    shared: amount,
    ...(reason !== undefined && { sharedReason: reason }),
    currency
  })
}
