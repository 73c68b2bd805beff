/** Plans of the back office: definitions at the business's own key, runs as the runtime keeps them. */
import { isLocal, nextOccurrence } from "#domain/communication/Occurrence.ts"
import type { Plan, PlanSchedule } from "#domain/communication/Plan.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { MessageLinks } from "#runtime/communication/MessageLinks.ts"
import { type PlanNotRun, PlanRunner } from "#runtime/communication/PlanRunner.ts"
import type { PlanRun } from "#runtime/communication/PlanRuns.ts"
import { Plans } from "#runtime/communication/Plans.ts"
import { PublicAddress } from "#runtime/communication/PublicAddress.ts"
import type { ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { type Fault, fault, notFound } from "../door/Fault.ts"
import { answerOf, requestOf, viewFault } from "../door/Views.ts"
import { epoch, isId, present } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import * as Api from "./PlansApi.ts"

const scheduleOf = (given: Api.PlanBody["schedule"]): PlanSchedule => {
  if (given.type === "ONCE") return { type: "ONCE", at: given.at * 1_000 }
  if (!("time_zone" in given)) return given
  const { time_zone: timeZone, ...rest } = given
  return { ...rest, timeZone }
}

const renderedSchedule = (schedule: PlanSchedule): Api.PlanBody["schedule"] => {
  if (schedule.type === "ONCE") return { type: "ONCE", at: epoch(schedule.at) }
  if (isLocal(schedule)) return schedule
  const { timeZone, ...rest } = schedule
  return { ...rest, time_zone: timeZone }
}

const bodyOf = (given: Api.PlanBody): Plan => ({
  templateId: given.template_id.toLowerCase(),
  segmentIds: given.segment_ids.map((id) => id.toLowerCase()),
  schedule: scheduleOf(given.schedule),
  window: present({
    from: given.window?.from === undefined ? undefined : given.window.from * 1_000,
    until: given.window?.until === undefined ? undefined : given.window.until * 1_000
  }),
  override: given.override ?? false,
  priority: given.priority ?? 0
})

const epochOptional = (at: number | null | undefined): number | undefined =>
  at === undefined || at === null ? undefined : epoch(at)

const nextRunOf = ({ state, body }: Definition<Plan>, timeZone: string, now: number): number | undefined => {
  if (state !== "ACTIVE") return undefined
  const { from = 0, until = Number.POSITIVE_INFINITY } = body.window
  const next = nextOccurrence(body.schedule, timeZone, Math.max(now, from - 1))
  return next === undefined || next >= until ? undefined : next
}

const rendered = (plan: Definition<Plan>, timeZone: string, now: number): Api.Plan => {
  const { id, name, state, version, savedAt, body } = plan
  return present({
    id,
    name,
    state,
    version,
    saved_on: epoch(savedAt),
    template_id: body.templateId,
    segment_ids: body.segmentIds,
    schedule: renderedSchedule(body.schedule),
    window: present({ from: epochOptional(body.window.from), until: epochOptional(body.window.until) }),
    override: body.override,
    priority: body.priority,
    next_run_on: epochOptional(nextRunOf(plan, timeZone, now))
  })
}

const renderedRun = (run: PlanRun): Api.Run =>
  present({
    id: run.id,
    key: run.key,
    state: run.state,
    version: run.version,
    channel: run.channel,
    purpose: run.purpose,
    due_on: epoch(run.dueAt),
    started_on: epochOptional(run.startedAt),
    ended_on: epochOptional(run.endedAt),
    recipients: run.recipients,
    requested: run.requested,
    refused: run.refused
  })

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name.localeCompare(right.name)

const definitionRoutes = [
  serve(
    Api.createPlan,
    Effect.fnUntraced(function* (call) {
      const id = nameUuid("plan", call.commandId)
      const command = { _tag: "SavePlan" as const, id, name: call.body.name, body: bodyOf(call.body) }
      const { answer: given, replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id: idOf(given) }, replayed, seq }
    })
  ),
  serve(
    Api.listPlans,
    Effect.fnUntraced(function* ({ principal, query }) {
      const all = Object.values(yield* definedBy(principal.business, "plans"))
      const found = all.filter(({ state }) => query.state === undefined || state === query.state).toSorted(byName)
      const page = pageOf(query.order === "DESC" ? found.toReversed() : found, query)
      const clock = yield* Clock.Clock
      const now = clock.currentTimeMillisUnsafe()
      const { timeZone } = principal.business
      return { body: { ...page, content: page.content.map((plan) => rendered(plan, timeZone, now)) } }
    })
  ),
  serve(
    Api.getPlan,
    Effect.fnUntraced(function* ({ principal, params }) {
      const clock = yield* Clock.Clock
      const plan = yield* findDefined(principal, "plans", params["id"])
      return { body: rendered(plan, principal.business.timeZone, clock.currentTimeMillisUnsafe()) }
    })
  ),
  serve(
    Api.updatePlan,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "plans", call.params["id"])
      const command = { _tag: "SavePlan" as const, id, name: call.body.name, body: bodyOf(call.body) }
      const { expectedSeq } = call
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command, { expectedSeq })
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.actOnPlan,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "plans", call.params["id"])
      const state = call.body.action === "ACTIVATE" ? ("ACTIVE" as const) : ("INACTIVE" as const)
      const command = { _tag: "ChangePlanState" as const, id, state }
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.deletePlan,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "plans", call.params["id"])
      const { replayed } = yield* answer(call, call.principal.business.id, { _tag: "DeletePlan", id })
      return { body: undefined, replayed }
    })
  )
]

const notRun = (refusal: PlanNotRun | ViewUnavailable): Fault =>
  refusal._tag === "PlanNotRun" ? fault(409, "KOINON.PLAN_NOT_RUN", "Not run", refusal.why) : viewFault(refusal)

const runRoutes = [
  serve(
    Api.sendPlanNow,
    Effect.fnUntraced(function* ({ principal, params, commandId }) {
      const plan = yield* findDefined(principal, "plans", params["id"])
      const template = yield* findDefined(principal, "templates", plan.body.templateId)
      const runner = yield* PlanRunner
      const run = yield* Effect.mapError(runner.sendNow(principal.business.id, plan, template, commandId), notRun)
      return { body: { run_id: run } }
    })
  ),
  serve(
    Api.dryRunPlan,
    Effect.fnUntraced(function* ({ principal, params }) {
      const plan = yield* findDefined(principal, "plans", params["id"])
      const template = yield* findDefined(principal, "templates", plan.body.templateId)
      const plans = yield* Plans
      const out = { address: yield* (yield* PublicAddress).url, links: yield* MessageLinks }
      const found = yield* Effect.catchTags(plans.dryRun(principal.business, plan.body, template, out), {
        ProjectionBehind: (behind) => Effect.fail(viewFault(behind)),
        ViewUnavailable: (unavailable) => Effect.fail(viewFault(unavailable))
      })
      return { body: { ...found, rejected: present(found.rejected) as Record<string, number> } }
    })
  ),
  serve(
    Api.listPlanRuns,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { id } = yield* findDefined(principal, "plans", params["id"])
      const plans = yield* Plans
      const found = yield* Effect.mapError(plans.runs(principal.business.id, id, requestOf(query)), viewFault)
      return { body: answerOf(found, query, renderedRun) }
    })
  ),
  serve(
    Api.makeUpPlanRun,
    Effect.fnUntraced(function* ({ principal, params }) {
      const plan = yield* findDefined(principal, "plans", params["id"])
      const given = params["run_id"] ?? ""
      const runner = yield* PlanRunner
      const found = isId(given)
        ? yield* Effect.mapError(runner.makeUp(principal.business.id, plan, given.toLowerCase()), notRun)
        : undefined
      if (found === undefined) return yield* Effect.fail(notFound("run", given))
      return { body: { run_id: found } }
    })
  ),
  serve(
    Api.getPlanRun,
    Effect.fnUntraced(function* ({ principal, params }) {
      const { id } = yield* findDefined(principal, "plans", params["id"])
      const given = params["run_id"] ?? ""
      const plans = yield* Plans
      const found = isId(given)
        ? yield* Effect.mapError(plans.run(principal.business.id, id, given.toLowerCase()), viewFault)
        : undefined
      if (found === undefined) return yield* Effect.fail(notFound("run", given))
      return { body: { ...renderedRun(found.run), messages: found.sends } }
    })
  )
]

export const planRoutes = [...definitionRoutes, ...runRoutes]
