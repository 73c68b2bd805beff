/**
 * An award is given (PUR-5): its money enters the wallet of the contact under the conditions of any credit (WAL-1, WAL-2),
 * and her purchase, where it is for one, remembers it. It is no interaction of hers (INT-2).
 */
import * as Result from "effect/Result"
import { objectionToDealing } from "../contact/Consent.ts"
import { creditOf, objectionTo } from "../contact/Credits.ts"
import { armExpiry } from "../contact/Engagement.ts"
import { purchaseAwardsMax, type PurchaseState, type Receipt } from "../purchase/PurchaseState.ts"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { divideHalfEven, type Minor, sum } from "../shared/Money.ts"
import type { Part } from "../wallet/Lot.ts"
import { type Award, evolve } from "./Award.ts"
import type { GiveAward } from "./AwardCommand.ts"
import type { States } from "./AwardDecider.ts"

type Command = typeof GiveAward.Type

/** Hundredths of a percent in the whole, and in the most that a share may be: ten times what was paid. */
const wholeBasisPoints = 10_000n
const shareBasisPointsMax = 100_000

const commerceIn = (parts: ReadonlyArray<Part>): Minor =>
  sum(parts.filter(({ pocket }) => pocket === "BUSINESS_COMMERCE").map(({ amount }) => amount))

/** PUR-5: what she paid otherwise than with commerce money, whoever's it was; in the wallet's currency. */
const baseOf = ({ totalDefaultCurrency }: Receipt, { own, shared }: PurchaseState): Minor =>
  totalDefaultCurrency - commerceIn(own?.parts ?? []) - commerceIn(shared?.parts ?? [])

/** Of a purchase that money may be given for; `undefined` without one. */
const receiptFor = (
  { contact, purchase }: States,
  purchaseId: string | undefined
): Result.Result<Receipt | undefined, Refusal> => {
  if (purchaseId === undefined) return Result.succeed(undefined)
  const { receipt, state } = purchase ?? { state: "ABSENT" }
  if (receipt === undefined || receipt.contactId !== contact.id || state === "REFUSED") {
    return Result.fail({ _tag: "PurchaseNotFound", id: purchaseId })
  }
  return Result.succeed(receipt)
}

const worthOf = (
  { purchase }: States,
  { worth }: Command,
  receipt: Receipt | undefined
): Result.Result<Pick<Award, "amount" | "basisPoints" | "base">, Refusal> => {
  if (worth._tag === "Amount") return Result.succeed({ amount: worth.amount })
  const { basisPoints } = worth
  if (receipt === undefined || purchase === undefined) {
    return Result.fail({ _tag: "InvalidAmount", field: "percent", rule: "It is a part of a purchase: name that." })
  }
  if (basisPoints <= 0 || basisPoints > shareBasisPointsMax) {
    return Result.fail({ _tag: "InvalidAmount", field: "percent", rule: "It is above 0 and at most 1000." })
  }
  const base = baseOf(receipt, purchase)
  const amount = divideHalfEven(base * BigInt(basisPoints), wholeBasisPoints)
  if (amount > 0n) return Result.succeed({ amount, basisPoints, base })
  return Result.fail({ _tag: "NothingToAward", id: receipt.purchaseId, base, currency: receipt.defaultCurrency })
}

/** The same award again. */
const isSame = (known: Award, asked: Award): boolean =>
  known.contactId === asked.contactId &&
  known.name === asked.name &&
  known.amount === asked.amount &&
  known.basisPoints === asked.basisPoints &&
  known.currency === asked.currency &&
  known.poolId === asked.poolId &&
  known.purchaseId === asked.purchaseId

const objectionToPurchase = ({ purchase }: States, receipt: Receipt | undefined): Refusal | undefined => {
  if (purchase === undefined || receipt === undefined) return undefined
  const { purchaseId: id } = receipt
  if (purchase.state === "CANCELLED") return { _tag: "PurchaseIsCancelled", id }
  const limit = purchaseAwardsMax
  return (purchase.awards ?? []).length < limit ? undefined : { _tag: "TooManyAwards", id, limit }
}

const give = (states: States, award: Award, turn: Turn): Judgement => {
  const { contact } = states
  const { awardId, name, amount, poolId, purchaseId } = award
  const pool = poolId !== undefined && { poolId }
  const entry = { lotId: awardId, reason: "AWARD", counts: false, awardId, name } as const
  const credited = creditOf(award, { ...entry, ...(purchaseId !== undefined && { purchaseId }) }, turn)
  const expiry = armExpiry(contact, credited.expiresAt, turn)
  const given = { _tag: "AwardGiven" as const, award, at: turn.at }
  return Result.succeed({
    events: [
      given,
      ...(purchaseId === undefined
        ? []
        : [{ _tag: "PurchaseAwarded" as const, award: { awardId, name, amount, ...pool }, at: turn.at }]),
      credited,
      ...expiry.events
    ],
    timers: expiry.timers,
    answer: { _tag: "AwardAnswer", award: evolve(states.award, given) }
  })
}

export const giveAward = (states: States, command: Command, turn: Turn): Judgement => {
  const { contact } = states
  const { awardId, name, currency, poolId, purchaseId } = command
  if (contact.id === "") return Result.fail({ _tag: "ContactNotFound", id: turn.key })
  if (states.purchase?.state === "OPEN") return Result.fail({ _tag: "PurchaseStillOpen", id: purchaseId ?? "" })
  const receipt = receiptFor(states, purchaseId)
  if (Result.isFailure(receipt)) return Result.fail(receipt.failure)
  const worth = worthOf(states, command, receipt.success)
  if (Result.isFailure(worth)) return Result.fail(worth.failure)

  const { amount, ...share } = worth.success
  const award: Award = {
    awardId,
    contactId: contact.id,
    name,
    amount,
    currency,
    ...(poolId !== undefined && { poolId }),
    ...(purchaseId !== undefined && { purchaseId }),
    ...share
  }
  const known = states.award.award
  if (known !== undefined) {
    return isSame(known, award)
      ? Result.succeed({ events: [], answer: { _tag: "AwardAnswer", award: states.award } })
      : Result.fail({ _tag: "AlreadyExists", kind: "award", id: awardId })
  }
  const objection =
    objectionToDealing(contact, turn) ??
    objectionToPurchase(states, receipt.success) ??
    objectionTo(award, contact, turn)
  return objection === undefined ? give(states, award, turn) : Result.fail(objection)
}
