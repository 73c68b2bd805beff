/**
 * What is being paid for: the facts that decide which commerce lots may pay (WAL-3). Made by the purchase, sent along
 * with a draw on somebody else's wallet.
 */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"

export const BasketLine = Schema.Struct({
  sku: Schema.String,
  /** In the wallet's currency. */
  amount: Minor
})
export type BasketLine = typeof BasketLine.Type

export const Spending = Schema.Struct({
  organisationId: Schema.String,
  /** The instant of the purchase, epoch milliseconds. */
  at: Schema.Int,
  /** In the wallet's currency; the lines sum to it when there are any. */
  total: Minor,
  lines: Schema.Array(BasketLine)
})
export type Spending = typeof Spending.Type
