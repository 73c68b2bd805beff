/** Purchases of the back office: no rules here, only what the request means and how the answer looks. */
import { displayName } from "#domain/contact/Profile.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import type { Identification } from "#runtime/actor/Identification.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { answer, serveCommand } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { notFound } from "../door/Fault.ts"
import { isId } from "../resource/Fields.ts"
import { renderPurchase } from "../resource/Purchase.ts"
import { find, purchaseOf, question } from "./PurchasePosting.ts"
import { cancelPurchase, getPurchase, postPurchase } from "./PurchasesApi.ts"

export const purchaseRoutes = [
  serveCommand(postPurchase, (call, services: Context.Context<Actors | Identification>) =>
    question(call, call.body, services)
  ),
  serve(
    getPurchase,
    Effect.fnUntraced(function* ({ principal: { business }, params }) {
      const id = params["id"] ?? ""
      if (!isId(id)) return yield* Effect.fail(notFound("purchase", id))
      const actors = yield* Actors
      const purchase = yield* find(business, id)
      const buyer = yield* actors.read(business.id, purchase.key, "contact")
      return {
        body: renderPurchase(purchase.state, {
          buyer: { name: displayName(buyer.state.profile), code: buyer.state.identity.code },
          organisation: (organisationId) => business.organisations[organisationId]?.name
        }),
        seq: purchase.seq
      }
    })
  ),
  serve(
    cancelPurchase,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const id = call.params["id"] ?? ""
      if (!isId(id)) return yield* Effect.fail(notFound("purchase", id))
      const purchase = yield* find(business, id)
      const cancel = { _tag: "CancelPurchase" as const, purchaseId: id, entryId: nameUuid("cancel", id) }
      const cancelled = yield* answer(call, purchase.key, cancel)
      return { body: purchaseOf(business, cancelled.answer), replayed: cancelled.replayed }
    })
  )
]
