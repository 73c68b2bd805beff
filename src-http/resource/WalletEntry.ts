/**
 * The entries of a wallet in their two published forms: journals (what was booked, and what is left of a credit) and
 * transactions (where an entry came from: a purchase, a transfer, a shared wallet, an expiry).
 */
import type { Business } from "#domain/organisation/Business.ts"
import type { Lot } from "#domain/wallet/Lot.ts"
import type { WalletEntry } from "#domain/wallet/WalletEntries.ts"
import * as Schema from "effect/Schema"
import { Amount, decimal, epoch, present } from "./Fields.ts"

const Named = Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String) })
const EntryType = Schema.Literals(["CREDIT", "DEBIT"])
const Pocket = Schema.Literals(["CRMCOM", "BUSINESS", "BUSINESS_COMMERCE"])

const entryFields = {
  id: Schema.String,
  amount: Amount,
  currency: Schema.String,
  type: EntryType,
  /** Epoch seconds. */
  posted_on: Schema.Int,
  pocket: Pocket,
  transaction_type: Schema.String,
  exchange_rate: Schema.Finite,
  total_default_currency: Amount,
  default_currency_code: Schema.String
}

export const WalletJournal = Schema.Struct({
  ...entryFields,
  commerce_pool: Schema.optionalKey(Named),
  expiration_date: Schema.optionalKey(Schema.Int),
  /** What of a credit is not spent yet. */
  unallocated_amount: Schema.optionalKey(Amount),
  description: Schema.optionalKey(Schema.String)
})
export type WalletJournal = typeof WalletJournal.Type

const Counterpart = Schema.Struct({
  id: Schema.String,
  name: Schema.optionalKey(Schema.String),
  code: Schema.optionalKey(Schema.String)
})

export const WalletTransaction = Schema.Struct({
  ...entryFields,
  reward_event: Schema.optionalKey(
    Schema.Struct({
      type: Schema.String,
      amount: Amount,
      date: Schema.Int,
      /** Of an award that can be spent until then. */
      expiry_date: Schema.optionalKey(Schema.Int),
      performed_by: Schema.optionalKey(Named),
      purchase_id: Schema.String
    })
  ),
  financial_event: Schema.optionalKey(
    Schema.Struct({
      id: Schema.String,
      type: Schema.String,
      /** The code of a transfer. */
      reference_number: Schema.optionalKey(Schema.String),
      notes: Schema.optionalKey(Schema.String),
      amount: Amount,
      date: Schema.Int
    })
  ),
  wallet_expiration: Schema.optionalKey(
    Schema.Struct({
      date: Schema.Int,
      commerce_pool: Schema.optionalKey(
        Schema.Struct({
          id: Schema.String,
          name: Schema.optionalKey(Schema.String),
          description: Schema.optionalKey(Schema.String)
        })
      )
    })
  ),
  transfer: Schema.optionalKey(
    Schema.Struct({
      contact: Counterpart,
      commerce_pool: Schema.optionalKey(Named),
      /** Without its code: that is for its holder to show. */
      wallet: Schema.Struct({ id: Schema.String })
    })
  )
})
export type WalletTransaction = typeof WalletTransaction.Type

const baseOf = (entry: WalletEntry) => {
  const amount = decimal(entry.amount, entry.currency)
  return {
    id: entry.id,
    amount,
    currency: entry.currency,
    type: entry.type,
    posted_on: epoch(entry.at),
    pocket: entry.pocket,
    transaction_type: entry.transactionType,
    // A wallet has one currency, and it is the default one.
    exchange_rate: 1,
    total_default_currency: amount,
    default_currency_code: entry.currency
  }
}

const poolOf = (business: Business, { poolId }: WalletEntry) =>
  poolId === undefined ? undefined : present({ id: poolId, name: business.pools[poolId]?.name })

/** `lots` are what is left in the wallet; absent, nothing is said about it. */
export const renderJournal = (
  business: Business,
  entry: WalletEntry,
  lots: ReadonlyArray<Lot> | undefined
): WalletJournal => {
  const left = lots?.find((lot) => lot.lotId === entry.lotId)?.remaining ?? 0n
  return present({
    ...baseOf(entry),
    commerce_pool: poolOf(business, entry),
    expiration_date: entry.expiresAt === undefined ? undefined : epoch(entry.expiresAt),
    unallocated_amount: lots !== undefined && entry.lotId !== undefined ? decimal(left, entry.currency) : undefined,
    description: entry.notes ?? entry.name
  })
}

/** How the other side of a transfer is called; absent when she cannot be read. */
export interface CounterpartNames {
  readonly name: string
  readonly code: string
}

const rewardEventOf = (business: Business, entry: WalletEntry) => {
  const { purchaseId, organisationId } = entry
  if (purchaseId === undefined) return undefined
  return present({
    type: entry.transactionType,
    amount: decimal(entry.amount, entry.currency),
    date: epoch(entry.at),
    expiry_date: entry.expiresAt === undefined ? undefined : epoch(entry.expiresAt),
    performed_by:
      organisationId === undefined
        ? undefined
        : present({ id: organisationId, name: business.organisations[organisationId]?.name }),
    purchase_id: purchaseId
  })
}

const financialEventOf = (entry: WalletEntry) =>
  entry.purchaseId !== undefined || entry.transactionType === "EXPIRY"
    ? undefined
    : present({
        id: entry.transferId ?? entry.id,
        type: entry.transactionType,
        reference_number: entry.transferCode,
        notes: entry.notes ?? entry.name,
        amount: decimal(entry.amount, entry.currency),
        date: epoch(entry.at)
      })

const expirationOf = (business: Business, entry: WalletEntry) => {
  if (entry.transactionType !== "EXPIRY") return undefined
  const pool = entry.poolId === undefined ? undefined : business.pools[entry.poolId]
  return present({
    date: epoch(entry.at),
    commerce_pool:
      pool === undefined ? undefined : present({ id: pool.id, name: pool.name, description: pool.description })
  })
}

const transferOf = (business: Business, entry: WalletEntry, names: CounterpartNames | undefined) =>
  entry.counterpartId === undefined
    ? undefined
    : present({
        contact: present({ id: entry.counterpartId, name: names?.name, code: names?.code }),
        commerce_pool: poolOf(business, entry),
        wallet: { id: entry.counterpartId }
      })

export const renderTransaction = (
  business: Business,
  entry: WalletEntry,
  names: (contactId: string) => CounterpartNames | undefined
): WalletTransaction =>
  present({
    ...baseOf(entry),
    reward_event: rewardEventOf(business, entry),
    financial_event: financialEventOf(entry),
    wallet_expiration: expirationOf(business, entry),
    transfer: transferOf(business, entry, entry.counterpartId === undefined ? undefined : names(entry.counterpartId))
  })
