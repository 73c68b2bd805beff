/**
 * Lots: every credit of a wallet stays traceable to its last cent (WAL-1). A wallet keeps the lots that still have money
 * in them; a debit names, part by part, the lots that it took from, so that it can be given back exactly (WAL-6).
 */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"

/** `BUSINESS` is the open pocket, without conditions; `BUSINESS_COMMERCE` always carries a pool (WAL-2). */
export const Pocket = Schema.Literals(["BUSINESS", "BUSINESS_COMMERCE"])
export type Pocket = typeof Pocket.Type

const fields = {
  lotId: Schema.String,
  pocket: Pocket,
  poolId: Schema.optionalKey(Schema.String),
  creditedAt: Schema.Int,
  /** The first instant at which it can no longer be spent, epoch milliseconds. */
  expiresAt: Schema.optionalKey(Schema.Int)
}

/** A credit with money left in it. */
export const Lot = Schema.Struct({ ...fields, remaining: Minor })
export type Lot = typeof Lot.Type

/** What a debit took from one lot: carries all that is needed to restore the lot after it was emptied. */
export const Part = Schema.Struct({ ...fields, amount: Minor })
export type Part = typeof Part.Type
