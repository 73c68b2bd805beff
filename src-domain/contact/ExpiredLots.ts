/**
 * What a contact lost by expiry, lot by lot, for as long as somebody may ask: an award that is taken back does not ask for
 * what has expired of it (PUR-8). Of a lot that is gone nothing else tells whether it was spent or ran out.
 */
import * as Schema from "effect/Schema"
import { Minor } from "../shared/Money.ts"
import type { Lot, Part } from "../wallet/Lot.ts"
import { isUnexpired } from "../wallet/Eligibility.ts"

export const ExpiredLot = Schema.Struct({ lotId: Schema.String, amount: Minor })
export type ExpiredLot = typeof ExpiredLot.Type

/** Lots remembered, the latest to expire; what expired of one before them counts as spent. */
export const expiredLotsMax = 100

/** Money that comes back to an expired lot expires as well: it adds up. */
export const afterExpiry = (
  known: ReadonlyArray<ExpiredLot>,
  parts: ReadonlyArray<Part>
): ReadonlyArray<ExpiredLot> => {
  let lots = known
  for (const { lotId, amount } of parts) {
    const before = lots.find((lot) => lot.lotId === lotId)?.amount ?? 0n
    lots = [...lots.filter((lot) => lot.lotId !== lotId), { lotId, amount: before + amount }]
  }
  return lots.slice(-expiredLotsMax)
}

/** What has expired of a lot up to an instant, whether that is posted already or not. */
export const expiredOf = (
  contact: { readonly lots: ReadonlyArray<Lot>; readonly expiredLots: ReadonlyArray<ExpiredLot> },
  lotId: string,
  at: number
): Minor => {
  const posted = contact.expiredLots.find((lot) => lot.lotId === lotId)?.amount ?? 0n
  const due = contact.lots.find((lot) => lot.lotId === lotId && !isUnexpired(lot, at))?.remaining ?? 0n
  return posted + due
}
