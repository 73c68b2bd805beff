/** Wallets in the back office: no rules here, only what the request means and how the answer looks. */
import { Actors } from "#runtime/actor/Actors.ts"
import { Identification, medium } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serveCommand } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { notFound } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { andThen } from "../door/Settled.ts"
import { isId, minor, present } from "../resource/Fields.ts"
import { renderWallet } from "../resource/Wallet.ts"
import { journalsOf } from "../resource/WalletLists.ts"
import { findContact } from "./ContactReference.ts"
import { getWallet, listWalletJournals, postWalletJournal } from "./WalletsApi.ts"

const walletCodePattern = /^\d{16}$/

/** The contact whose wallet it is: by wallet code, or by what names the contact. Codes are one of a kind in the network. */
const findWallet = Effect.fnUntraced(function* (principal: Principal, reference: string) {
  if (!walletCodePattern.test(reference)) return yield* findContact(principal, reference)
  const identification = yield* Identification
  const actors = yield* Actors
  const { business } = principal
  const unknown = Effect.fail(notFound("wallet", reference))
  const holder = yield* identification
    .identify(business.id, [medium("wallet_code", reference)])
    .pipe(Effect.catchTag("NotIdentified", () => unknown))
  const contact = yield* actors.read(business.id, holder, "contact")
  return contact.state.id === "" ? yield* unknown : contact
})

export const walletRoutes = [
  serve(
    getWallet,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { state, seq } = yield* findWallet(principal, params["id"] ?? "")
      return { body: renderWallet(principal.business, state, yield* Clock.currentTimeMillis), seq }
    })
  ),
  serve(
    listWalletJournals,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { state } = yield* findWallet(principal, params["id"] ?? "")
      return { body: yield* journalsOf(principal.business, state, query) }
    })
  ),
  serveCommand(postWalletJournal, ({ body, params, principal, commandId }) => {
    const reference = params["id"] ?? ""
    const currency = body.currency_code ?? principal.business.currency
    const entryId = nameUuid("journal", commandId)
    const askAt = (key: string) =>
      andThen(minor("/amount", body.amount, currency), (amount) => {
        const poolId = body.commerce_pool_id?.toLowerCase()
        const { action, notes } = body
        const command = present({ _tag: "PostJournal" as const, entryId, action, amount, currency, poolId, notes })
        return Effect.succeed({ key, command, body: () => ({ id: entryId }) })
      })
    // An id needs no look: a turn of nobody's refuses, and a read would wait for commits under way.
    if (isId(reference)) return askAt(reference.toLowerCase())
    return Effect.flatMap(findWallet(principal, reference), ({ state }) => askAt(state.id))
  })
]
