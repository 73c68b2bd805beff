/** The batch: each line is a purchase like any other. */
import type { Actors } from "#runtime/actor/Actors.ts"
import type { Identification } from "#runtime/actor/Identification.ts"
import * as Effect from "effect/Effect"
import { answerTo } from "../door/Asking.ts"
import { serveBatch } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import { postPurchaseBatch } from "./PurchaseBatchApi.ts"
import { question } from "./PurchasePosting.ts"

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
      const services = yield* Effect.context<Actors | Identification>()
      return yield* answerTo(call, yield* question(call, body, services))
    })
  )
]
