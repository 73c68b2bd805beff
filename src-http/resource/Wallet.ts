/**
 * A wallet as both doors answer it. Its id is its contact's id. Money that can no longer be spent is not shown, even in
 * the moment before its expiry is posted.
 */
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { isUnexpired } from "#domain/wallet/Eligibility.ts"
import type { Lot } from "#domain/wallet/Lot.ts"
import { balance } from "#domain/wallet/Wallet.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal } from "./Fields.ts"

const Named = Schema.Struct({ id: Schema.String, name: Schema.String })

export const Wallet = Schema.Struct({
  id: Schema.String,
  /** 16 digits. Of a business with rotating codes it is the one that stays, which pays for nothing. */
  code: Schema.String,
  balances: Schema.Array(
    Schema.Struct({
      type: Schema.Literals(["BUSINESS", "CRM"]),
      currency_code: Schema.String,
      total: Amount,
      open: Amount,
      commerce: Amount,
      organisation: Named
    })
  ),
  total_balance: Amount,
  total_open: Amount,
  total_commerce: Amount,
  activated_commerce_pools: Schema.Int
})
export type Wallet = typeof Wallet.Type

/** What can be spent at an instant. */
export const liveLots = (contact: ContactState, at: number): ReadonlyArray<Lot> =>
  contact.lots.filter((lot) => isUnexpired(lot, at))

export const renderWallet = (business: Business, contact: ContactState, at: number): Wallet => {
  const lots = liveLots(contact, at)
  const { currency } = contact
  const total = decimal(balance(lots), currency)
  const open = decimal(balance(lots, "BUSINESS"), currency)
  const commerce = decimal(balance(lots, "BUSINESS_COMMERCE"), currency)
  const organisation = { id: business.id, name: business.name }
  return {
    id: contact.id,
    code: contact.identity.walletCode,
    balances: [{ type: "BUSINESS", currency_code: currency, total, open, commerce, organisation }],
    total_balance: total,
    total_open: open,
    total_commerce: commerce,
    activated_commerce_pools: contact.activePoolIds.filter((id) => business.pools[id] !== undefined).length
  }
}
