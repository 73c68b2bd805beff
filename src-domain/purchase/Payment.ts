/**
 * Who pays how much of a purchase: the member's own wallet, the one that an owner shares with her, or both (PUR-4, SHR-4,
 * SHR-5, SHR-6). Plans and amounts only; what becomes durable, and in which commit, is the deciders' business.
 */
import * as Result from "effect/Result"
import type { ContactState } from "../contact/ContactState.ts"
import type { Business } from "../organisation/Business.ts"
import type { Refusal } from "../Refusal.ts"
import type { Turn } from "../shared/Decision.ts"
import type { Minor } from "../shared/Money.ts"
import { min, sum } from "../shared/Money.ts"
import type { BasketLine, Spending } from "../wallet/Spending.ts"
import type { Part } from "../wallet/Lot.ts"
import { take } from "../wallet/Wallet.ts"
import type { Receipt } from "./PurchaseState.ts"
import { spendingOf } from "./Receipt.ts"

export const total = (parts: ReadonlyArray<Part>): Minor => sum(parts.map((part) => part.amount))

/** PUR-4: what is asked for in all, in the wallet's currency; without a request nothing is. */
export const requestedOf = ({ spendRequest, totalDefaultCurrency }: Receipt): Minor =>
  spendRequest === undefined ? 0n : min(spendRequest.amount ?? totalDefaultCurrency, totalDefaultCurrency)

/**
 * The basket after a shared wallet has paid for certain products of it: those are not to be paid twice. What it paid by
 * money without product conditions may be thought of on any line, so it closes none.
 */
const unpaidBy = (spending: Spending, parts: ReadonlyArray<Part>, business: Business): Spending => {
  const conditioned = parts.flatMap(({ poolId, amount }) => {
    const skus = poolId === undefined ? [] : (business.pools[poolId]?.skus ?? [])
    return skus.length === 0 ? [] : [{ skus, amount }]
  })
  if (conditioned.length === 0) return spending
  let lines: ReadonlyArray<BasketLine> = spending.lines
  for (const part of conditioned.toSorted((left, right) => left.skus.length - right.skus.length)) {
    let rest = part.amount
    lines = lines.map((line) => {
      const paid = part.skus.includes(line.sku) && line.amount > 0n ? min(line.amount, rest) : 0n
      rest -= paid
      return paid === 0n ? line : { ...line, amount: line.amount - paid }
    })
  }
  return { ...spending, total: spending.total - sum(conditioned.map((part) => part.amount)), lines }
}

/** What the contact's own wallet pays of `wanted`, beside what a shared one has paid already. */
export const payOwn = (
  contact: ContactState,
  receipt: Receipt,
  wanted: Minor,
  shared: ReadonlyArray<Part>,
  turn: Turn
): ReadonlyArray<Part> =>
  wanted <= 0n || contact.spendBlocked
    ? []
    : take(contact.lots, unpaidBy(spendingOf(receipt, turn.at), shared, turn.business), wanted, {
        business: turn.business,
        activePoolIds: contact.activePoolIds,
        pools: "any",
        openPocket: true
      })

/** SHR-4: the shared wallet to ask: the one named, or the only one there is. */
const chooseOwner = (contact: ContactState, named: string | undefined) => {
  const ownerIds = contact.memberships
    .filter((membership) => membership.state === "ACCEPTED" && membership.sharing)
    .map((membership) => membership.ownerId)
  if (named === undefined) return { ownerIds, ownerId: ownerIds.length === 1 ? ownerIds[0] : undefined }
  return { ownerIds, ownerId: ownerIds.find((ownerId) => ownerId === named) }
}

export type Plan =
  /** The own wallet pays, and what it pays will do. */
  | { readonly _tag: "Own"; readonly parts: ReadonlyArray<Part> }
  /** SHR-7: the owner is asked for `draw`, of which less than `atLeast` is of no use; the own wallet pays afterwards. */
  | {
      readonly _tag: "Shared"
      readonly ownerId: string
      readonly draw: Minor
      readonly atLeast: Minor
      readonly memberFirst: boolean
    }

/** Whether `paid` will do for what was asked. */
export const isCovered = (receipt: Receipt, paid: Minor): boolean =>
  receipt.spendRequest?.restrictFullyCovered !== true || paid >= requestedOf(receipt)

export const planPayment = (
  contact: ContactState,
  receipt: Receipt,
  named: string | undefined,
  turn: Turn
): Result.Result<Plan, Refusal> => {
  const requested = requestedOf(receipt)
  if (requested < 0n) {
    return Result.fail({ _tag: "InvalidAmount", field: "spend_request.amount", rule: "It is not below zero." })
  }
  if (requested === 0n) return Result.succeed({ _tag: "Own", parts: [] })
  if (contact.spendBlocked) return Result.fail({ _tag: "SpendBlocked", id: contact.id })

  const { ownerIds, ownerId } = chooseOwner(contact, named)
  if (named !== undefined && ownerId === undefined) return Result.fail({ _tag: "NotSharedWith", ownerId: named })

  const parts = payOwn(contact, receipt, requested, [], turn)
  const own = total(parts)
  const memberFirst = turn.business.settings.sharingOrder === "MEMBER_FIRST"
  const draw = memberFirst ? requested - own : requested
  if (ownerId !== undefined && draw > 0n) {
    const atLeast = isCovered(receipt, own) ? 0n : requested - own
    return Result.succeed({ _tag: "Shared", ownerId, draw, atLeast, memberFirst })
  }
  if (isCovered(receipt, own)) return Result.succeed({ _tag: "Own", parts })
  return ownerIds.length > 1
    ? Result.fail({ _tag: "SharingNotChosen", ownerIds })
    : Result.fail({ _tag: "InsufficientFunds", requested, available: own, currency: receipt.defaultCurrency })
}
