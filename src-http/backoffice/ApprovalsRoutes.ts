/** Approvals: found in the view, decided at the key of the contact they are about. */
import { proposal } from "#domain/automation/Proposal.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { HeldCommands, heldCommands, type ListedHeld } from "#runtime/automation/HeldCommands.ts"
import { type Rejection, Rejections } from "#runtime/automation/Rejections.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer } from "../door/Asking.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { attemptOf, codesOf } from "../resource/Codes.ts"
import { renderContact } from "../resource/Contact.ts"
import { epoch, isId, present } from "../resource/Fields.ts"
import * as Api from "./ApprovalsApi.ts"

/** How often codes that were made up are made up again, because somebody has them by now. */
const attemptsMax = 8
const generatedKinds: ReadonlySet<string> = new Set(["code", "referral_code", "wallet_code"])

const rendered = (held: ListedHeld): Api.Approval =>
  present({
    id: held.id,
    state: held.state,
    trigger: held.trigger,
    contact_id: held.contactId,
    automations: held.heldBy.map(({ automationId, version }) => ({ id: automationId, version })),
    operation: { id: held.commandId },
    held_on: epoch(held.heldAt),
    expires_on: epoch(held.expiresAt),
    decided_on: held.decidedAt === undefined ? undefined : epoch(held.decidedAt)
  })

const renderedRejection = ({ id, at, trigger, verdict, automationId, version, contactId }: Rejection) =>
  present({ id, at: epoch(at), trigger, verdict, automation: { id: automationId, version }, contact_id: contactId })

const approvalNamed = Effect.fnUntraced(function* ({
  principal: { business },
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = (params["id"] ?? "").toLowerCase()
  const unknown: Refusal = { _tag: "HeldNotFound", id }
  if (!isId(id)) return yield* Effect.fail(unknown)
  yield* caughtUp(heldCommands.name)
  const view = yield* HeldCommands
  const found = yield* Effect.mapError(view.find(business.id, id), viewFault)
  return found ?? (yield* Effect.fail(unknown))
})

export const approvalRoutes = [
  serve(
    Api.listApprovals,
    Effect.fnUntraced(function* ({ principal, query }) {
      yield* caughtUp(heldCommands.name)
      const view = yield* HeldCommands
      const states = query.state === undefined ? undefined : [query.state]
      const asked = { ...requestOf(query), business: principal.business.id, states }
      return { body: answerOf(yield* Effect.mapError(view.list(asked), viewFault), query, rendered) }
    })
  ),
  serve(
    Api.getApproval,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const listed = yield* approvalNamed(call)
      const actors = yield* Actors
      const { contactId: key } = listed
      const { state: held, seq } = yield* actors.read(business.id, key, "held", listed.id)
      const { state: contact } = yield* actors.read(business.id, key, "contact")
      const at = yield* Clock.currentTimeMillis
      const proposed = held.command && proposal(contact, held.command, { at, key, business })
      return { body: { ...rendered(listed), ...(proposed !== undefined && { contact: renderContact(proposed) }) }, seq }
    })
  ),
  serve(
    Api.approve,
    Effect.fnUntraced(function* (call) {
      const { id: heldId, contactId } = yield* approvalNamed(call)
      const attempt = (count: number): ReturnType<typeof answer> => {
        const anew = count === 0 ? {} : { codes: codesOf(attemptOf(call.commandId, count)) }
        const step = count === 0 ? {} : { step: `codes/${count}` }
        return Effect.catchTag(
          answer(call, contactId, { _tag: "ApproveHeld", heldId, ...anew }, step),
          "AlreadyTaken",
          (taken) =>
            generatedKinds.has(taken.kind) && count + 1 < attemptsMax ? attempt(count + 1) : Effect.fail(taken)
        )
      }
      const { replayed } = yield* attempt(0)
      return { body: { id: heldId }, replayed }
    })
  ),
  serve(
    Api.reject,
    Effect.fnUntraced(function* (call) {
      const { id: heldId, contactId } = yield* approvalNamed(call)
      const { replayed } = yield* answer(call, contactId, { _tag: "RejectHeld", heldId })
      return { body: { id: heldId }, replayed }
    })
  ),
  serve(
    Api.listAutomationRejections,
    Effect.fnUntraced(function* ({ principal, query }) {
      const rejections = yield* Rejections
      const found = yield* Effect.mapError(rejections.list(principal.business.id, requestOf(query)), viewFault)
      return { body: answerOf(found, query, renderedRejection) }
    })
  )
]
