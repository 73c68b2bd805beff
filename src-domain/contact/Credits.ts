/**
 * How money enters a wallet: the conditions on which any movement is taken up, the lot that a credit opens, and until
 * when it can be spent (WAL-1, WAL-2, WAL-5).
 */
import type { Refusal } from "../Refusal.ts"
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import type { Turn } from "../shared/Decision.ts"
import type { Minor } from "../shared/Money.ts"
import type { FundsCredited } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"

export interface Movement {
  readonly amount: Minor
  readonly currency: string
  readonly poolId?: string
}

/** What speaks against a movement before anybody looks at the balance. */
export const objectionTo = (movement: Movement, contact: ContactState, turn: Turn): Refusal | undefined => {
  if (movement.amount <= 0n) {
    return { _tag: "InvalidAmount", field: "amount", rule: "The amount has to be greater than zero." }
  }
  if (movement.currency !== contact.currency) {
    return { _tag: "CurrencyMismatch", given: movement.currency, expected: contact.currency }
  }
  if (movement.poolId !== undefined && turn.business.pools[movement.poolId] === undefined) {
    return { _tag: "PoolNotFound", id: movement.poolId }
  }
  return undefined
}

/** A credit expires at the end of its last day of validity, in the business's zone. */
const expiryOf = (poolId: string, turn: Turn): number | undefined => {
  const { pools, timeZone } = turn.business
  const days = pools[poolId]?.validityDays
  return days === undefined ? undefined : startOfDay(dayNumber(turn.at, timeZone) + days + 1, timeZone)
}

/** WAL-2: with a pool it is commerce money under the pool's conditions, without one it is open and never expires. */
export const creditOf = (
  movement: Movement,
  entry: Pick<
    typeof FundsCredited.Type,
    | "lotId"
    | "reason"
    | "counts"
    | "notes"
    | "transferId"
    | "transferCode"
    | "counterpartId"
    | "awardId"
    | "name"
    | "purchaseId"
  >,
  turn: Turn
): typeof FundsCredited.Type => {
  const { amount, currency, poolId } = movement
  const money = { _tag: "FundsCredited" as const, ...entry, amount, currency, at: turn.at }
  if (poolId === undefined) return { ...money, pocket: "BUSINESS" }
  const expiresAt = expiryOf(poolId, turn)
  return { ...money, pocket: "BUSINESS_COMMERCE", poolId, ...(expiresAt === undefined ? {} : { expiresAt }) }
}
