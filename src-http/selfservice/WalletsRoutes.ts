/** Wallets as their holders see them: no rules here, only what the request means and how the answer looks. */
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { randomBytes, randomUUID } from "node:crypto"
import { ask, idOf } from "../door/Asking.ts"
import { type Call, type HandlerError, serve } from "../door/Endpoint.ts"
import { fault, notFound } from "../door/Fault.ts"
import { digitsOf } from "../resource/Codes.ts"
import { renderCommerceBalances } from "../resource/CommerceBalance.ts"
import { epoch, isId } from "../resource/Fields.ts"
import { isOn } from "../resource/Paging.ts"
import { renderWallet } from "../resource/Wallet.ts"
import { journalsOf, transactionsOf } from "../resource/WalletLists.ts"
import { ownContact } from "./OwnContact.ts"
import {
  actOnCommercePool,
  getOwnWallet,
  getWalletCode,
  listCommerceBalances,
  listOwnWalletJournals,
  listWalletTransactions
} from "./WalletsApi.ts"

/** How long a rotating code can be shown at a till. */
const walletCodeValidMs = 5 * 60_000
/** How often a code is made again: another request was faster, or somebody has those digits. */
const rotationsMax = 5

const ownWallet = Effect.fnUntraced(function* (call: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = yield* ownContact(call)
  const actors = yield* Actors
  const wallet = yield* actors.read(call.principal.business.id, id, "contact")
  return wallet.state.id === "" ? yield* Effect.fail(notFound("wallet", id)) : wallet
})

/** Two requests at once get the same code: only one of them may rotate it, and the other reads it. */
const dynamicCode = Effect.fnUntraced(function* (
  business: Business,
  contactId: string
): Effect.fn.Return<NonNullable<ContactState["dynamicCode"]>, HandlerError, Actors> {
  const actors = yield* Actors
  for (let rotation = 0; rotation < rotationsMax; rotation++) {
    const { state, seq } = yield* actors.read(business.id, contactId, "contact")
    const now = yield* Clock.currentTimeMillis
    if (state.dynamicCode !== undefined && now < state.dynamicCode.expiresAt) return state.dynamicCode
    const code = { value: digitsOf(randomBytes(8)), expiresAt: now + walletCodeValidMs }
    const rotated = yield* actors
      .ask({
        business: business.id,
        key: contactId,
        command: { _tag: "RotateWalletCode", walletCode: code.value, expiresAt: code.expiresAt },
        id: randomUUID(),
        fingerprint: "",
        expectedSeq: seq
      })
      .pipe(
        Effect.as(true),
        Effect.catchTags({
          PreconditionFailed: () => Effect.succeed(false),
          AlreadyTaken: () => Effect.succeed(false)
        })
      )
    if (rotated) return code
  }
  const detail = "The code changes too fast to be read; try again."
  return yield* Effect.fail(fault(503, "KOINON.UNAVAILABLE", "Unavailable", detail, { retryAfterSeconds: 1 }))
})

export const ownWalletRoutes = [
  serve(
    getOwnWallet,
    Effect.fnUntraced(function* (call) {
      const { state, seq } = yield* ownWallet(call)
      return { body: renderWallet(call.principal.business, state, yield* Clock.currentTimeMillis), seq }
    })
  ),
  serve(
    getWalletCode,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const { state } = yield* ownWallet(call)
      if (business.settings.walletCodeMode === "STATIC") return { body: { code: state.identity.walletCode } }
      const { value, expiresAt } = yield* dynamicCode(business, state.id)
      return { body: { code: value, expiration_date: epoch(expiresAt) } }
    })
  ),
  serve(
    listCommerceBalances,
    Effect.fnUntraced(function* (call) {
      const { principal, query } = call
      const { state } = yield* ownWallet(call)
      const now = yield* Clock.currentTimeMillis
      const filters = {
        poolId: query.commerce_pool_id?.toLowerCase(),
        // By default, and when it is false, all pools are shown.
        isActive: isOn(query.is_active) ? true : undefined,
        includeExpiration: isOn(query.include_expiration)
      }
      const content = renderCommerceBalances(principal.business, state, filters, now)
      return { body: { content, paging: { page: 1, size: content.length, has_more: false } } }
    })
  ),
  serve(
    listOwnWalletJournals,
    Effect.fnUntraced(function* (call) {
      const { state } = yield* ownWallet(call)
      return { body: yield* journalsOf(call.principal.business, state, call.query) }
    })
  ),
  serve(
    listWalletTransactions,
    Effect.fnUntraced(function* (call) {
      const { state } = yield* ownWallet(call)
      return { body: yield* transactionsOf(call.principal.business, state.id, call.query) }
    })
  ),
  serve(
    actOnCommercePool,
    Effect.fnUntraced(function* (call) {
      const { principal, body } = call
      const poolId = call.params["id"] ?? ""
      if (!isId(poolId)) return yield* Effect.fail(notFound("commerce pool", poolId))
      const active = body.action === "ACTIVATE"
      const command = { _tag: "ChangePoolActivation", poolId: poolId.toLowerCase(), active } as const
      const { expectedSeq } = call
      const { answer, replayed, seq } = yield* ask(call, principal.contactId ?? "", command, { expectedSeq })
      return { body: { id: idOf(answer) }, replayed, seq }
    })
  )
]
