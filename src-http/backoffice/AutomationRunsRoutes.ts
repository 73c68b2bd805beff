/** Runs of automations: what became of each, and what people say to them. */
import { Automations, type Run, type Verdict } from "#runtime/automation/Automations.ts"
import { automationsName } from "#runtime/automation/Dispatcher.ts"
import type { ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import * as Effect from "effect/Effect"
import { findDefined } from "../door/Defined.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { fault, notFound } from "../door/Fault.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { epoch, isId, present } from "../resource/Fields.ts"
import * as Api from "./AutomationsApi.ts"

const shown = (run: Run): Api.Run =>
  present({
    id: run.id,
    automation: { id: run.automation, version: run.version },
    contact: { id: run.contact },
    trigger: run.trigger,
    event_id: run.eventId,
    state: run.state,
    reason: run.reason,
    actions_done: run.nextAction,
    actions: run.actions,
    approval:
      run.state !== "WAITING" || run.approval === undefined
        ? undefined
        : present({
            assignee: run.approval.assignee,
            held_on: epoch(run.approval.heldAt),
            expires_on: epoch(run.approval.expiresAt)
          }),
    chain: run.chain,
    happened_on: epoch(run.eventAt),
    created_on: epoch(run.createdAt),
    changed_on: epoch(run.changedAt),
    ended_on: run.endedAt === undefined ? undefined : epoch(run.endedAt)
  })

type ById = Pick<Call<unknown, unknown>, "params" | "principal" | "commandId">

const unknownRun = ({ params }: ById) => Effect.fail(notFound("automation run", params["id"] ?? ""))

const deciding = (
  decide: (
    automations: Automations["Service"],
    business: string,
    id: string,
    askedAs: string
  ) => Effect.Effect<Verdict, ViewUnavailable>,
  rule: string
) =>
  Effect.fnUntraced(function* (call: ById) {
    const id = (call.params["id"] ?? "").toLowerCase()
    if (!isId(id)) return yield* unknownRun(call)
    const automations = yield* Automations
    const verdict = yield* Effect.mapError(
      decide(automations, call.principal.business.id, id, call.commandId),
      viewFault
    )
    if (verdict === "NOT_FOUND") return yield* unknownRun(call)
    if (verdict === "NOT_SO_NOW") {
      return yield* Effect.fail(fault(409, "KOINON.AUTOMATION_RUN_STATE", "Not in that state", rule))
    }
    return { body: { id } }
  })

export const automationRunRoutes = [
  serve(
    Api.listAutomationRuns,
    Effect.fnUntraced(function* (call) {
      const { principal, query, params } = call
      const automation = (params["id"] ?? "").toLowerCase()
      const automations = yield* Automations
      yield* caughtUp(automationsName)
      const asked = { ...requestOf(query), business: principal.business.id, state: query.state }
      const found = isId(automation)
        ? yield* Effect.mapError(
            automations.runs({ ...asked, automation, contact: query.contact_id?.toLowerCase() }),
            viewFault
          )
        : undefined
      // One that was deleted has runs still; one that never was has none.
      if (found === undefined || found.rows.length === 0) yield* findDefined(principal, "automations", params["id"])
      return { body: answerOf(found ?? { rows: [], hasMore: false }, query, shown) }
    })
  ),
  serve(
    Api.listRuns,
    Effect.fnUntraced(function* ({ principal, query }) {
      const automations = yield* Automations
      yield* caughtUp(automationsName)
      const found = automations.runs({
        ...requestOf(query),
        business: principal.business.id,
        state: query.state,
        automation: query.automation_id?.toLowerCase(),
        contact: query.contact_id?.toLowerCase()
      })
      return { body: answerOf(yield* Effect.mapError(found, viewFault), query, shown) }
    })
  ),
  serve(
    Api.getAutomationRun,
    Effect.fnUntraced(function* (call) {
      const id = (call.params["id"] ?? "").toLowerCase()
      if (!isId(id)) return yield* unknownRun(call)
      const automations = yield* Automations
      const run = yield* Effect.mapError(automations.run(call.principal.business.id, id), viewFault)
      if (run === undefined) return yield* unknownRun(call)
      const attempts = yield* Effect.mapError(automations.attempts(call.principal.business.id, run), viewFault)
      return {
        body: {
          ...shown(run),
          attempts: attempts.map(({ number, outcome, reason, startedAt, endedAt }) =>
            present({ number, outcome, reason, started_on: epoch(startedAt), ended_on: epoch(endedAt) })
          )
        }
      }
    })
  ),
  serve(
    Api.resumeAutomationRun,
    deciding((automations, business, id) => automations.resume(business, id), "Only a run that has failed goes on.")
  ),
  serve(
    Api.replayAutomationRun,
    deciding(
      (automations, business, id) => automations.replay(business, id),
      "Only a run that has completed or failed is gone through again, for 30 days."
    )
  ),
  serve(
    Api.approveAutomationRun,
    deciding(
      (automations, business, id, askedAs) => automations.approve(business, id, askedAs),
      "It does not wait for an approval."
    )
  ),
  serve(
    Api.rejectAutomationRun,
    deciding((automations, business, id) => automations.reject(business, id), "It does not wait for an approval.")
  )
]
