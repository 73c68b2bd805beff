/** An award as the back office reads it: what was given, under which conditions, and what of it came back. */
import type { AwardState } from "#domain/award/Award.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, epoch, present } from "./Fields.ts"

export const Award = Schema.Struct({
  /** Also of its entry in the wallet. */
  id: Schema.String,
  state: Schema.Literals(["GIVEN", "REVERSED"]),
  contact: Schema.Struct({ id: Schema.String }),
  name: Schema.String,
  amount: Amount,
  currency_code: Schema.String,
  /** Of one that was given as a share of a purchase: how much of what, in the wallet's currency. */
  percent: Schema.optionalKey(Schema.Finite),
  base_amount: Schema.optionalKey(Amount),
  /** Absent for money of the open pocket. */
  commerce_pool_id: Schema.optionalKey(Schema.String),
  purchase_id: Schema.optionalKey(Schema.String),
  /** Epoch seconds. */
  given_on: Schema.Int,
  /** What came back, by itself or with its purchase; less than was given where the rest had expired. */
  reversed_amount: Schema.optionalKey(Amount),
  reversed_on: Schema.optionalKey(Schema.Int)
})
export type Award = typeof Award.Type

/** Basis points of a decimal percent; `undefined` if it has more than two decimals. */
export const basisPointsOf = (percent: number): number | undefined => {
  const points = Math.round(percent * 100)
  return points / 100 === percent ? points : undefined
}

export const renderAward = ({ state, award, givenAt, reversed }: AwardState): Award => {
  if (award === undefined || state === "ABSENT") throw new Error("an award that was never given is not told of")
  const money = (minor: bigint): number => decimal(minor, award.currency)
  return present({
    id: award.awardId,
    state,
    contact: { id: award.contactId },
    name: award.name,
    amount: money(award.amount),
    currency_code: award.currency,
    percent: award.basisPoints === undefined ? undefined : award.basisPoints / 100,
    base_amount: award.base === undefined ? undefined : money(award.base),
    commerce_pool_id: award.poolId,
    purchase_id: award.purchaseId,
    given_on: epoch(givenAt),
    reversed_amount: reversed === undefined ? undefined : money(reversed.amount),
    reversed_on: reversed === undefined ? undefined : epoch(reversed.at)
  })
}
