/** A page of a wallet's journals or transactions, read from the contact's own stream: never behind what was committed. */
import type { ContactState } from "#domain/contact/ContactState.ts"
import { displayName } from "#domain/contact/Profile.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { History } from "#runtime/projection/History.ts"
import * as Effect from "effect/Effect"
import { answerOf, requestOf, viewFault } from "../door/Views.ts"
import { isOn } from "./Paging.ts"
import { type CounterpartNames, renderJournal, renderTransaction } from "./WalletEntry.ts"
import { journalFilters, type JournalQuery, transactionFilters, type TransactionQuery } from "./WalletQuery.ts"

/** Names of counterparts read at once for one page. */
const namesAtOnceMax = 16

export const journalsOf = Effect.fnUntraced(function* (business: Business, contact: ContactState, query: JournalQuery) {
  const history = yield* History
  const page = yield* history
    .walletEntries(business.id, contact.id, journalFilters(query), requestOf(query))
    .pipe(Effect.mapError(viewFault))
  const lots = isOn(query.include_unallocated_credit) ? contact.lots : undefined
  return answerOf(page, query, (entry) => renderJournal(business, entry, lots))
})

export const transactionsOf = Effect.fnUntraced(function* (
  business: Business,
  contactId: string,
  query: TransactionQuery
) {
  const history = yield* History
  const actors = yield* Actors
  const page = yield* history
    .walletEntries(business.id, contactId, transactionFilters(query), requestOf(query))
    .pipe(Effect.mapError(viewFault))
  const counterparts = new Set(page.rows.flatMap(({ counterpartId }) => counterpartId ?? []))
  const names = new Map<string, CounterpartNames>()
  yield* Effect.forEach(
    counterparts,
    (id) =>
      Effect.map(actors.read(business.id, id, "contact"), ({ state }) => {
        if (state.id !== "") names.set(id, { name: displayName(state.profile), code: state.identity.code })
      }),
    { concurrency: namesAtOnceMax, discard: true }
  )
  return answerOf(page, query, (entry) => renderTransaction(business, entry, (id) => names.get(id)))
})
