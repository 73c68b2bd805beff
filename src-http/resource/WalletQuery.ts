/** The filters that lists of wallet entries take, as the published description names them, and what they mean. */
import type { TransactionType } from "#domain/wallet/WalletEntries.ts"
import type { WalletEntryFilters } from "#runtime/projection/History.ts"
import * as Schema from "effect/Schema"
import { Id } from "./Fields.ts"
import { cursorQuery, Flag, isOn, pagingQuery } from "./Paging.ts"
import { periodOf, periodQuery } from "./Period.ts"

/**
 * What is posted never changes, and has neither a name nor a schedule: whichever order is named, it is the one in which
 * things were posted.
 */
export const sort = Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "SCHEDULED_DATE", "NAME"]))
/** An upper-case word; one that no entry has finds none. */
const TypeName = Schema.String.check(
  Schema.isPattern(/^[A-Z][A-Z0-9_ ]{0,63}$/, { message: "A type in upper case is needed." })
)

const entryQuery = {
  ...pagingQuery,
  ...cursorQuery,
  ...periodQuery("posted_on"),
  sort,
  type: Schema.optionalKey(Schema.Literals(["CREDIT", "DEBIT"])),
  is_wallet_fee: Schema.optionalKey(Flag)
}

export const journalQuery = Schema.Struct({
  ...entryQuery,
  commerce_pool_id: Schema.optionalKey(Id),
  include_unallocated_credit: Schema.optionalKey(Flag),
  is_commerce: Schema.optionalKey(Flag),
  is_open: Schema.optionalKey(Flag),
  transaction_type: Schema.optionalKey(TypeName)
})
export type JournalQuery = typeof journalQuery.Type

export const transactionQuery = Schema.Struct({
  ...entryQuery,
  community_member_id: Schema.optionalKey(Id),
  pocket: Schema.optionalKey(Schema.Literals(["CRMCOM", "BUSINESS", "BUSINESS_COMMERCE"]))
})
export type TransactionQuery = typeof transactionQuery.Type

/** There are no fees yet, so what is about fees alone finds nothing. */
const findsNothing: WalletEntryFilters = { transactionTypes: [] }

export const journalFilters = (query: JournalQuery): WalletEntryFilters => {
  const { type, transaction_type: transactionType } = query
  const commerce = isOn(query.is_commerce)
  const open = isOn(query.is_open)
  // Each flag asks for one kind of entry; without any all are asked for.
  if (isOn(query.is_wallet_fee) && !commerce && !open) return findsNothing
  return {
    ...periodOf(query, "posted_on"),
    type,
    transactionTypes: transactionType === undefined ? undefined : [transactionType as TransactionType],
    pocket: commerce === open ? undefined : commerce ? "BUSINESS_COMMERCE" : "BUSINESS",
    poolId: query.commerce_pool_id?.toLowerCase()
  }
}

export const transactionFilters = (query: TransactionQuery): WalletEntryFilters => {
  const { type, pocket } = query
  // The network's own pocket holds nothing here.
  if (isOn(query.is_wallet_fee) || pocket === "CRMCOM") return findsNothing
  return {
    ...periodOf(query, "posted_on"),
    type,
    pocket,
    counterpartId: query.community_member_id?.toLowerCase()
  }
}
