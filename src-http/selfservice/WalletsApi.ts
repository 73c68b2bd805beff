/** Wallets as their holders see them, wire-compatible with the published description. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { CommerceBalance } from "../resource/CommerceBalance.ts"
import { Id } from "../resource/Fields.ts"
import { Flag, listOf } from "../resource/Paging.ts"
import { Wallet } from "../resource/Wallet.ts"
import { WalletJournal, WalletTransaction } from "../resource/WalletEntry.ts"
import { journalQuery, transactionQuery } from "../resource/WalletQuery.ts"

const tag = "Contact Wallet"

export const getOwnWallet = declare({
  method: "GET",
  path: "/self-service/v2/wallets/:id",
  tag,
  name: "getOwnWallet",
  summary: "Read a wallet",
  access: "contact-or-secret",
  status: 200,
  success: Wallet
})

export const getWalletCode = declare({
  method: "GET",
  path: "/self-service/v2/wallets/:id/code",
  tag,
  name: "getWalletCode",
  summary: "Read the wallet's code, to show at the till",
  description:
    "The wallet's 16 digits, which stay; or, where the business has chosen codes that rotate, one that is good for one " +
    "purchase within five minutes, made when none is live.",
  access: "contact",
  status: 200,
  success: Schema.Struct({
    code: Schema.String,
    /** Of a code that rotates, epoch seconds. */
    expiration_date: Schema.optionalKey(Schema.Int)
  })
})

export const listCommerceBalances = declare({
  method: "GET",
  path: "/self-service/v2/wallets/:id/commerce_balances",
  tag,
  name: "listCommerceBalances",
  summary: "List a wallet's money by commerce pool, largest amount first",
  access: "contact",
  query: Schema.Struct({
    commerce_pool_id: Schema.optionalKey(Id),
    include_expiration: Schema.optionalKey(Flag),
    is_active: Schema.optionalKey(Flag)
  }),
  status: 200,
  success: listOf(CommerceBalance)
})

export const listOwnWalletJournals = declare({
  method: "GET",
  path: "/self-service/v2/wallets/:id/journals",
  tag,
  name: "listOwnWalletJournals",
  summary: "List a wallet's journals",
  access: "contact",
  query: journalQuery,
  status: 200,
  success: listOf(WalletJournal)
})

export const listWalletTransactions = declare({
  method: "GET",
  path: "/self-service/v2/wallets/:id/transactions",
  tag,
  name: "listWalletTransactions",
  summary: "List a wallet's transactions with where they came from",
  description: "`community_member_id` finds what one member took from the wallet that is shared with her.",
  access: "contact",
  query: transactionQuery,
  status: 200,
  success: listOf(WalletTransaction)
})

export const actOnCommercePool = declare({
  method: "PUT",
  path: "/self-service/v2/commerce_pools/:id/actions",
  tag: "Commerce Pools",
  name: "actOnCommercePool",
  summary: "Activate or deactivate a commerce pool",
  access: "contact",
  body: Schema.Struct({ action: Schema.Literals(["ACTIVATE", "DEACTIVATE"]) }),
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})
