/** Transfers: no rules here, only what the request means. */
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { hash } from "node:crypto"
import { answer } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { forbidden, invalidField } from "../door/Fault.ts"
import { digitsOf } from "../resource/Codes.ts"
import { minor, present } from "../resource/Fields.ts"
import { postTransfer } from "./TransfersApi.ts"

const notSupported = (feature: string) => Effect.fail({ _tag: "NotSupported" as const, feature })

type Body = NonNullable<typeof postTransfer.body>["Type"]

/** What is documented, and needs what is not built. */
const objectionTo = Effect.fnUntraced(function* (body: Body, timeZone: string) {
  const { origin, destination, cash_pocket: cashPocket, transfer_date: date } = body
  if (origin.account_id !== undefined) return yield* notSupported("A transfer from an account (origin.account_id)")
  if (destination.account_id !== undefined)
    return yield* notSupported("A transfer to an account (destination.account_id)")
  if (cashPocket === true) return yield* notSupported("A transfer between cash pockets (cash_pocket)")
  const now = yield* Clock.currentTimeMillis
  if (date !== undefined && dayNumber(date * 1000, timeZone) !== dayNumber(now, timeZone)) {
    return yield* notSupported("A transfer of another day than today (transfer_date)")
  }
  return undefined
})

export const transferRoutes = [
  serve(
    postTransfer,
    Effect.fnUntraced(function* (call) {
      const { body, commandId } = call
      const { business, contactId } = call.principal
      yield* objectionTo(body, business.timeZone)
      const originId = body.origin.wallet_id?.toLowerCase()
      const destinationId = body.destination.wallet_id?.toLowerCase()
      if (originId === undefined) return yield* Effect.fail(invalidField("/origin/wallet_id", "It is needed."))
      if (destinationId === undefined)
        return yield* Effect.fail(invalidField("/destination/wallet_id", "It is needed."))
      if (contactId !== undefined && originId !== contactId) {
        return yield* Effect.fail(
          forbidden("The token is of another contact; each may only transfer from her own wallet.")
        )
      }
      const transferId = body.id?.toLowerCase() ?? nameUuid("transfer", commandId)
      const transfer = present({
        _tag: "SendTransfer" as const,
        transferId,
        code: body.code ?? digitsOf(hash("sha256", `transfer code\n${commandId}`, "buffer")),
        destinationId,
        amount: yield* minor("/amount", body.amount, business.currency),
        currency: business.currency,
        poolId: body.commerce_pool_id?.toLowerCase(),
        notes: body.notes
      })
      const { replayed } = yield* answer(call, originId, transfer, { expectedSeq: call.expectedSeq })
      return { body: { id: transferId }, replayed }
    })
  )
]
