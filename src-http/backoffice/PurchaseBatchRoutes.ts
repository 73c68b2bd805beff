/** The batch: each line is a purchase like any other. */
import * as Effect from "effect/Effect"
import { serveBatch } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { postPurchaseBatch } from "./PurchaseBatchApi.ts"
import { post, purchaseOf } from "./PurchasePosting.ts"

export const purchaseBatchRoutes = [
  serveBatch(
    postPurchaseBatch,
    Effect.fnUntraced(function* (call) {
      const { idempotency_key: key, ...body } = call.body
      if (key === undefined && body.reference_number === undefined) {
        const rule =
          "A line needs a reference_number or an idempotency_key: without one it could not be sent again safely."
        return yield* Effect.fail(invalidField("/reference_number", rule))
      }
      const { answer, replayed } = yield* post(call, body)
      return { body: purchaseOf(call.principal.business, answer), replayed }
    })
  )
]
