/** Awards in the back office: no rules here, only what the request means and how the answer looks. */
import type { Answer } from "#domain/Answer.ts"
import type { Worth } from "#domain/award/AwardCommand.ts"
import { standing } from "#domain/award/ReverseAward.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Effect from "effect/Effect"
import { answer, serveCommand } from "../door/Asking.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { type Fault, invalidField, notFound } from "../door/Fault.ts"
import { andThen } from "../door/Settled.ts"
import { basisPointsOf, renderAward } from "../resource/Award.ts"
import { isId, minor, present } from "../resource/Fields.ts"
import * as Api from "./AwardsApi.ts"
import { findContact } from "./ContactReference.ts"

const rendered = (given: Answer) => {
  if (given._tag !== "AwardAnswer") throw new Error(`a command for an award was answered ${given._tag}`)
  return renderAward(given.award)
}

/** What it is worth. Settled. */
const worthOf = (
  { amount, percent, purchase_id: purchaseId }: Api.AwardBody,
  currency: string
): Effect.Effect<Worth, Fault> => {
  if ((amount === undefined) === (percent === undefined)) {
    return Effect.fail(invalidField("/amount", "An amount or a percent is needed, one of the two."))
  }
  if (amount !== undefined) {
    return andThen(minor("/amount", amount, currency), (minorUnits) =>
      Effect.succeed({ _tag: "Amount" as const, amount: minorUnits })
    )
  }
  if (purchaseId === undefined) {
    return Effect.fail(invalidField("/purchase_id", "A percent is a part of a purchase: name that."))
  }
  const basisPoints = basisPointsOf(percent ?? 0)
  return basisPoints === undefined
    ? Effect.fail(invalidField("/percent", "A percent has at most two decimals."))
    : Effect.succeed({ _tag: "Share" as const, basisPoints })
}

/** The award of the contact in the path, with its purchase as it stands, or 404. */
const awardOf = Effect.fnUntraced(function* ({
  principal,
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const actors = yield* Actors
  const { state: contact } = yield* findContact(principal, params["id"] ?? "")
  const id = (params["award_id"] ?? "").toLowerCase()
  if (!isId(id)) return yield* Effect.fail(notFound("award", id))
  const business = principal.business.id
  const { key, state } = yield* actors.lookUp(business, "award", id)
  if (key !== contact.id || state.award === undefined) return yield* Effect.fail(notFound("award", id))
  const { purchaseId } = state.award
  if (purchaseId === undefined) return { id, contactId: key, purchaseId, state }
  const purchase = yield* actors.read(business, key, "purchase", purchaseId)
  return { id, contactId: key, purchaseId, state: standing(state, purchase.state) }
})

export const awardRoutes = [
  serveCommand(Api.giveAward, ({ body, params, principal, commandId }) => {
    const reference = params["id"] ?? ""
    const currency = body.currency_code ?? principal.business.currency
    const awardId = nameUuid("award", commandId)
    const askAt = (key: string) =>
      andThen(worthOf(body, currency), (worth) => {
        const poolId = body.commerce_pool_id?.toLowerCase()
        const purchaseId = body.purchase_id?.toLowerCase()
        const { name } = body
        const command = present({ _tag: "GiveAward" as const, awardId, name, worth, currency, poolId, purchaseId })
        return Effect.succeed({ key, command, body: rendered })
      })
    // An id needs no look: a turn of nobody's refuses.
    if (isId(reference)) return askAt(reference.toLowerCase())
    return Effect.flatMap(findContact(principal, reference), ({ state }) => askAt(state.id))
  }),
  serve(
    Api.getAward,
    Effect.fnUntraced(function* (call) {
      const { state } = yield* awardOf(call)
      return { body: renderAward(state) }
    })
  ),
  serve(
    Api.actOnAward,
    Effect.fnUntraced(function* (call) {
      const { id: awardId, contactId, purchaseId } = yield* awardOf(call)
      const command = present({ _tag: "ReverseAward" as const, awardId, purchaseId })
      const { answer: told, replayed, seq } = yield* answer(call, contactId, command)
      return { body: rendered(told), replayed, seq }
    })
  )
]
