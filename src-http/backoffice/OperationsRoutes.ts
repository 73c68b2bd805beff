/** Operations: read from the journal, where a command and its outcome stand. */
import { Actors } from "#runtime/actor/Actors.ts"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { notFound } from "../door/Fault.ts"
import { isId } from "../resource/Fields.ts"
import { renderOperation } from "../resource/Operation.ts"
import { getOperation } from "./OperationsApi.ts"

export const operationRoutes = [
  serve(
    getOperation,
    Effect.fnUntraced(function* ({ principal: { business, contactId }, params }) {
      const given = params["id"] ?? ""
      const unknown = Effect.fail(notFound("operation", given))
      if (!isId(given)) return yield* unknown
      const id = given.toLowerCase()
      const actors = yield* Actors
      const known = yield* actors.outcome(business.id, id)
      if (known === undefined || (contactId !== undefined && contactId !== known.key)) return yield* unknown
      const { reply, heldAs } = known
      if (reply._tag === "Failed" && reply.refusal._tag !== "StillRunning") return yield* Effect.fail(reply.refusal)
      return { body: renderOperation(business, id, reply, heldAs) }
    })
  )
]
