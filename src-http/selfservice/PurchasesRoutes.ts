/** Purchases as the contact who made them sees them; anybody else's are not found. */
import { displayName } from "#domain/contact/Profile.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { PurchaseState } from "#domain/purchase/PurchaseState.ts"
import { sum } from "#domain/shared/Money.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { History } from "#runtime/projection/History.ts"
import * as Effect from "effect/Effect"
import { find } from "../backoffice/PurchasePosting.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { notFound } from "../door/Fault.ts"
import { answerOf, requestOf, viewFault } from "../door/Views.ts"
import { decimal, isId, present } from "../resource/Fields.ts"
import { isOn } from "../resource/Paging.ts"
import { periodOf } from "../resource/Period.ts"
import { type Purchase, renderPurchase, standingAwards } from "../resource/Purchase.ts"
import { ownContact } from "./OwnContact.ts"
import { getOwnPurchase, listContactPurchases, listPurchaseRewards } from "./PurchasesApi.ts"

/** Purchases read at once for one page. */
const purchasesAtOnceMax = 8

const ownPurchase = Effect.fnUntraced(function* ({
  principal,
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = params["id"] ?? ""
  if (!isId(id)) return yield* Effect.fail(notFound("purchase", id))
  const purchase = yield* find(principal.business, id.toLowerCase())
  return purchase.key === principal.contactId ? purchase : yield* Effect.fail(notFound("purchase", id))
})

const rendererFor = Effect.fnUntraced(function* (business: Business, contactId: string) {
  const actors = yield* Actors
  const { state } = yield* actors.read(business.id, contactId, "contact")
  const buyer = { name: displayName(state.profile), code: state.identity.code }
  return (purchase: PurchaseState): Purchase =>
    renderPurchase(purchase, { buyer, organisation: (id) => business.organisations[id]?.name })
})

/** Money of one pool is one row, whoever's wallet it came from. */
const spendRowsOf = (business: Business, { receipt, own, shared }: PurchaseState) => {
  const currency = receipt?.defaultCurrency ?? business.currency
  const parts = [...(shared?.parts ?? []), ...(own?.parts ?? [])]
  return [...Map.groupBy(parts, (part) => part.poolId)].map(([poolId, ofPool]) =>
    present({
      type: "SPEND" as const,
      amount: decimal(sum(ofPool.map((part) => part.amount)), currency),
      currency_code: currency,
      commerce_pool: poolId === undefined ? undefined : present({ id: poolId, name: business.pools[poolId]?.name })
    })
  )
}

/** One row an award, in the order in which they were given; one that was taken back is none. */
const awardRowsOf = (business: Business, purchase: PurchaseState) => {
  const currency = purchase.receipt?.defaultCurrency ?? business.currency
  return standingAwards(purchase).map(({ name, amount, poolId }) =>
    present({
      type: "AWARD" as const,
      name,
      amount: decimal(amount, currency),
      currency_code: currency,
      commerce_pool: poolId === undefined ? undefined : present({ id: poolId, name: business.pools[poolId]?.name })
    })
  )
}

export const ownPurchaseRoutes = [
  serve(
    listContactPurchases,
    Effect.fnUntraced(function* (call) {
      const { query, principal } = call
      const { business } = principal
      const contactId = yield* ownContact(call)
      const history = yield* History
      // Nothing can be returned ad hoc yet, so no purchase was.
      const filters = isOn(query.is_ad_hoc_returned) ? { organisationIds: [] } : { dated: periodOf(query, "date") }
      const page = yield* history
        .purchases(business.id, contactId, filters, requestOf(query))
        .pipe(Effect.mapError(viewFault))
      const render = yield* rendererFor(business, contactId)
      const rows = yield* Effect.forEach(page.rows, ({ purchaseId }) => find(business, purchaseId), {
        concurrency: purchasesAtOnceMax
      })
      return { body: answerOf({ ...page, rows }, query, ({ state }) => render(state)) }
    })
  ),
  serve(
    getOwnPurchase,
    Effect.fnUntraced(function* (call) {
      const { state, seq, key } = yield* ownPurchase(call)
      const render = yield* rendererFor(call.principal.business, key)
      return { body: render(state), seq }
    })
  ),
  serve(
    listPurchaseRewards,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const { state } = yield* ownPurchase(call)
      const { type } = call.query
      const rows = [...awardRowsOf(business, state), ...spendRowsOf(business, state)]
      return { body: { content: rows.filter((row) => type === undefined || row.type === type) } }
    })
  )
]
