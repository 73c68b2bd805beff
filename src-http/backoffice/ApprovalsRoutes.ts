/** Approvals: found in the view, decided at the key of the contact they are about. */
import { proposal } from "#domain/automation/Proposal.ts"
import type { Refusal } from "#domain/Refusal.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Approvals, type ListedApproval } from "#runtime/automation/Approvals.ts"
import { Automations, type Verdict } from "#runtime/automation/Automations.ts"
import { automationsName } from "#runtime/automation/Dispatcher.ts"
import { heldCommands } from "#runtime/automation/HeldCommands.ts"
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

const rendered = (held: ListedApproval): Api.Approval =>
  present({
    id: held.id,
    type: held.type,
    state: held.state,
    trigger: held.trigger,
    contact_id: held.contactId,
    automations: held.automations.map(({ automationId, version }) => ({ id: automationId, version })),
    assignee: held.assignee,
    operation: held.commandId === undefined ? undefined : { id: held.commandId },
    held_on: epoch(held.heldAt),
    expires_on: epoch(held.expiresAt),
    decided_on: held.decidedAt === undefined ? undefined : epoch(held.decidedAt)
  })

const renderedRejection = ({ automationId, version, contactId, at, ...rest }: Rejection) =>
  present({ ...rest, at: epoch(at), automation: { id: automationId, version }, contact_id: contactId })

/** A run that nobody has set off yet waits for nobody; one that was set off may be on its way to its approval. */
const allCaughtUp = Effect.andThen(caughtUp(heldCommands.name), caughtUp(automationsName))

const approvalNamed = Effect.fnUntraced(function* ({
  principal: { business },
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = (params["id"] ?? "").toLowerCase()
  const unknown: Refusal = { _tag: "HeldNotFound", id }
  if (!isId(id)) return yield* Effect.fail(unknown)
  yield* allCaughtUp
  const view = yield* Approvals
  const found = yield* Effect.mapError(view.find(business.id, id), viewFault)
  return found ?? (yield* Effect.fail(unknown))
})

/** Said again it is the same; whoever else decided first is told by the state. */
const decideRun = Effect.fnUntraced(function* (
  { principal: { business }, commandId }: Pick<Call<unknown, unknown>, "principal" | "commandId">,
  { id, state }: ListedApproval,
  wanted: "APPROVED" | "REJECTED"
) {
  const automations = yield* Automations
  const asked =
    wanted === "APPROVED" ? automations.approve(business.id, id, commandId) : automations.reject(business.id, id)
  const verdict: Verdict = yield* Effect.mapError(asked, viewFault)
  if (verdict === "DONE") return { body: { id } }
  const approvals = yield* Approvals
  const now = yield* Effect.mapError(approvals.find(business.id, id), viewFault)
  const standing = now?.state ?? state
  // Its time is over, and whoever ends it has not come by yet.
  const told = standing === "PENDING" ? "LAPSED" : standing
  if (told === wanted) return { body: { id } }
  return yield* Effect.fail<Refusal>({ _tag: "HeldNotPending", id, state: told })
})

export const approvalRoutes = [
  serve(
    Api.listApprovals,
    Effect.fnUntraced(function* ({ principal, query }) {
      yield* allCaughtUp
      const view = yield* Approvals
      const { state, type, assignee } = query
      const asked = { ...requestOf(query), business: principal.business.id, state, type, assignee }
      return { body: answerOf(yield* Effect.mapError(view.list(asked), viewFault), query, rendered) }
    })
  ),
  serve(
    Api.getApproval,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const listed = yield* approvalNamed(call)
      if (listed.type === "RUN") return { body: rendered(listed) }
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
      const listed = yield* approvalNamed(call)
      if (listed.type === "RUN") return yield* decideRun(call, listed, "APPROVED")
      const { id: heldId, contactId } = listed
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
      const listed = yield* approvalNamed(call)
      if (listed.type === "RUN") return yield* decideRun(call, listed, "REJECTED")
      const { id: heldId, contactId } = listed
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
