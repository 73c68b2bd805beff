/** Wallets in the back office: what is in them, what was booked, and money given or taken by hand. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Amount, CurrencyCode, Id, Line } from "../resource/Fields.ts"
import { listOf } from "../resource/Paging.ts"
import { Wallet } from "../resource/Wallet.ts"
import { WalletJournal } from "../resource/WalletEntry.ts"
import { journalQuery } from "../resource/WalletQuery.ts"

export const getWallet = declare({
  method: "GET",
  path: "/backoffice/v2/wallets/:id",
  tag: "Wallets",
  name: "getWallet",
  summary: "Read a wallet",
  description: "By its id, which is its contact's, or by its code.",
  access: "secret",
  status: 200,
  success: Wallet
})

export const listWalletJournals = declare({
  method: "GET",
  path: "/backoffice/v2/wallets/:id/journals",
  tag: "Wallets",
  name: "listWalletJournals",
  summary: "List the journals of a wallet",
  description: "Newest first, with exact totals; it holds whatever was committed before it was asked for.",
  access: "secret",
  query: journalQuery,
  status: 200,
  success: listOf(WalletJournal)
})

export const postWalletJournal = declare({
  method: "POST",
  path: "/backoffice/v2/wallets/:id/journals",
  tag: "Wallets",
  name: "postWalletJournal",
  summary: "Give or take money by hand",
  description:
    "Without a commerce pool it is about the business's open pocket, which never expires; with one the money is under the " +
    "pool's conditions and validity. A debit that the pocket does not cover is refused whole.",
  access: "secret",
  body: Schema.Struct({
    action: Schema.Literals(["CREDIT", "DEBIT"]),
    amount: Amount,
    /** Absent: the wallet's currency. */
    currency_code: Schema.optionalKey(CurrencyCode),
    commerce_pool_id: Schema.optionalKey(Id),
    notes: Schema.optionalKey(Line)
  }),
  status: 201,
  success: Schema.Struct({ id: Schema.String })
})
