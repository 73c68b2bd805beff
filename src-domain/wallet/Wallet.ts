/**
 * The arithmetic of a wallet: what is in it, what of it can pay, which lots a debit takes, and how lots change by it
 * (WAL-1..6, WAL-9). Lots stand oldest first and only while money is left in them. A fold that would make a lot negative
 * throws: the journal then says something that cannot have been decided, and nothing may be built on it.
 */
import type { Minor } from "../shared/Money.ts"
import { min, sum } from "../shared/Money.ts"
import { allocate } from "./Allocation.ts"
import type { SpendRules } from "./Eligibility.ts"
import { eligible, isUnexpired } from "./Eligibility.ts"
import type { Lot, Part, Pocket } from "./Lot.ts"
import type { Spending } from "./Spending.ts"

export type { SpendRules } from "./Eligibility.ts"

/** Sorts what never expires behind everything that does. */
const never = Number.MAX_SAFE_INTEGER

/** Σ remaining (WAL-1) of the whole wallet, of one pocket, or of one pool. */
export const balance = (lots: ReadonlyArray<Lot>, pocket?: Pocket, poolId?: string): Minor => {
  let total = 0n
  for (const lot of lots) {
    if (pocket !== undefined && lot.pocket !== pocket) continue
    if (poolId !== undefined && lot.poolId !== poolId) continue
    total += lot.remaining
  }
  return total
}

const partOf = ({ remaining: _, ...lot }: Lot, amount: Minor): Part => ({ ...lot, amount })

/** From the first lots to the last, as far as `amount` goes. */
const takeInTurn = (lots: ReadonlyArray<Lot>, amount: Minor): ReadonlyArray<Part> => {
  const parts: Array<Part> = []
  let rest = amount
  for (const lot of lots) {
    if (rest <= 0n) break
    const taken = min(lot.remaining, rest)
    parts.push(partOf(lot, taken))
    rest -= taken
  }
  return parts
}

/** The open pocket only, oldest first: journals and transfers. */
export const takeOpen = (lots: ReadonlyArray<Lot>, amount: Minor): ReadonlyArray<Part> =>
  takeInTurn(
    lots.filter((lot) => lot.pocket === "BUSINESS"),
    amount
  )

/** One pool only, whatever its conditions: a journal of the back office. Earliest expiry first, then oldest. */
export const takePool = (lots: ReadonlyArray<Lot>, poolId: string, amount: Minor, at: number): ReadonlyArray<Part> =>
  takeInTurn(
    lots
      .filter((lot) => lot.poolId === poolId && isUnexpired(lot, at))
      .toSorted((left, right) => (left.expiresAt ?? never) - (right.expiresAt ?? never)),
    amount
  )

/** PUR-8: what an award is taken back from: the lot that it opened, the rest of its pool, then the open pocket. */
export const takeAward = (
  lots: ReadonlyArray<Lot>,
  { lotId, poolId }: { readonly lotId: string; readonly poolId: string | undefined },
  amount: Minor,
  at: number
): ReadonlyArray<Part> => {
  const own = takeInTurn(
    lots.filter((lot) => lot.lotId === lotId && isUnexpired(lot, at)),
    amount
  )
  const others = lots.filter((lot) => lot.lotId !== lotId)
  const rest = amount - sum(own.map((part) => part.amount))
  const ofPool = poolId === undefined ? [] : takePool(others, poolId, rest, at)
  return [...own, ...ofPool, ...takeOpen(others, rest - sum(ofPool.map((part) => part.amount)))]
}

/** What a spend of `amount` takes: commerce lots in the order of WAL-4, then the open pocket. It may fall short. */
export const take = (
  lots: ReadonlyArray<Lot>,
  spending: Spending,
  amount: Minor,
  rules: SpendRules
): ReadonlyArray<Part> => {
  const wanted = min(amount, spending.total)
  const commerce = eligible(lots, spending, rules)
  const parts =
    commerce.length === 0
      ? []
      : allocate(commerce, spending, wanted).map((share) => partOf(share.eligible.lot, share.amount))
  if (!rules.openPocket) return parts
  return [...parts, ...takeOpen(lots, wanted - sum(parts.map((part) => part.amount)))]
}

/** The most that these lots can pay of the basket (WAL-3, WAL-4). */
export const spendable = (lots: ReadonlyArray<Lot>, spending: Spending, rules: SpendRules): Minor =>
  sum(take(lots, spending, spending.total, rules).map((part) => part.amount))

/** After a debit: what it took is gone, and lots without money leave. */
export const debited = (lots: ReadonlyArray<Lot>, parts: ReadonlyArray<Part>): ReadonlyArray<Lot> => {
  const taken = new Map<string, Minor>()
  for (const part of parts) taken.set(part.lotId, (taken.get(part.lotId) ?? 0n) + part.amount)
  const left: Array<Lot> = []
  for (const lot of lots) {
    const remaining = lot.remaining - (taken.get(lot.lotId) ?? 0n)
    if (remaining < 0n) throw new Error(`lot ${lot.lotId} is overdrawn by ${-remaining}`)
    taken.delete(lot.lotId)
    if (remaining > 0n) left.push(remaining === lot.remaining ? lot : { ...lot, remaining })
  }
  for (const [lotId, amount] of taken) if (amount > 0n) throw new Error(`lot ${lotId} is overdrawn by ${amount}`)
  return left
}

const isBefore = (left: Lot, right: Lot): boolean =>
  left.creditedAt === right.creditedAt ? left.lotId < right.lotId : left.creditedAt < right.creditedAt

/** After a credit. A lot has one place, by age and then by name, so that one that comes back stands where it stood. */
export const credited = (lots: ReadonlyArray<Lot>, lot: Lot): ReadonlyArray<Lot> =>
  lots.toSpliced(lots.findLastIndex((other) => isBefore(other, lot)) + 1, 0, lot)

/** WAL-6: a debit given back, to the lots it came from; those that were emptied come back as they were. */
export const returned = (lots: ReadonlyArray<Lot>, parts: ReadonlyArray<Part>): ReadonlyArray<Lot> => {
  let result = lots
  for (const { amount, ...lot } of parts) {
    const index = result.findIndex((other) => other.lotId === lot.lotId)
    const found = result[index]
    result =
      found === undefined
        ? credited(result, { ...lot, remaining: amount })
        : result.with(index, { ...found, remaining: found.remaining + amount })
  }
  return result
}

/** What expiry takes (WAL-5): all that is left in lots that can no longer be spent. */
export const expired = (lots: ReadonlyArray<Lot>, at: number): ReadonlyArray<Part> =>
  lots.filter((lot) => !isUnexpired(lot, at)).map((lot) => partOf(lot, lot.remaining))

/** The next instant at which something expires. */
export const nextExpiry = (lots: ReadonlyArray<Lot>): number | undefined => {
  let next: number | undefined
  for (const { expiresAt } of lots) {
    if (expiresAt !== undefined && (next === undefined || expiresAt < next)) next = expiresAt
  }
  return next
}
