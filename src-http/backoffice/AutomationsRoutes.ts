/** Automations of the back office: definitions at the business's own key. */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { objectionToAutomation } from "#domain/automation/AutomationRules.ts"
import { type Loop, loopsOf } from "#domain/automation/Loops.ts"
import type { Definition, Version } from "#domain/definition/Definition.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import { ownSecretId } from "#runtime/automation/DecisionCall.ts"
import type { DryRun } from "#runtime/automation/DryRun.ts"
import type { Firing } from "#runtime/automation/DryRunTally.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { faultOf, invalidField } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { viewFault } from "../door/Views.ts"
import { type AutomationBody, definitionOf, shownDefinition } from "../resource/Automation.ts"
import { epoch } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import * as Api from "./AutomationsApi.ts"

const shownVersion = (
  { business: { currency } }: Principal,
  { version, savedAt, body }: Version<AutomationDefinition>
) => ({ version, saved_on: epoch(savedAt), ...shownDefinition(body, currency) })
const shown = (principal: Principal, definition: Definition<AutomationDefinition>) => {
  const { id, name, state } = definition
  return { id, name, state, ...shownVersion(principal, definition) }
}

const warning = ({ ids, names }: Loop) => ({ type: "POSSIBLE_LOOP" as const, automation_ids: ids, names })

const warningsOf = Effect.fnUntraced(function* (
  principal: Principal,
  candidate: { readonly id: string; readonly name: string; readonly body: AutomationDefinition }
) {
  const all = yield* definedBy(principal.business, "automations")
  const segments = yield* definedBy(principal.business, "segments")
  return loopsOf(candidate, all, { segments }).map(warning)
})

/** The secret of an automation that asks at an address of its own. */
const decisionSecretOf = Effect.fnUntraced(function* (
  { business }: Principal,
  { id, body }: { readonly id: string; readonly body: AutomationDefinition }
) {
  const webhooks = yield* Webhooks
  const asks = body.actions.some((action) => action._tag === "DECISION" && action.url !== undefined)
  return asks ? { decision_secret: webhooks.secretOf(business.id, ownSecretId(id)) } : {}
})

const byName = (left: { readonly name: string }, right: { readonly name: string }): number =>
  left.name.localeCompare(right.name)

/** Whom it asks to decide may be called, as far as the address tells; where that leads is judged at each call. */
const callable = Effect.fnUntraced(function* ({ actions }: AutomationBody, within = "") {
  const webhooks = yield* Webhooks
  for (const [index, action] of actions.entries()) {
    if (action.type !== "DECISION" || action.url === undefined) continue
    const objection = webhooks.objectionTo(action.url)
    if (objection !== undefined) return yield* Effect.fail(invalidField(`${within}/actions/${index}/url`, objection))
  }
})

const definitionRoutes = [
  serve(
    Api.createAutomation,
    Effect.fnUntraced(function* (call) {
      const { name, ...asked } = call.body
      yield* callable(asked)
      const body = yield* definitionOf("", asked, call.principal.business.currency)
      const candidate = { id: nameUuid("automation", call.commandId), name, body }
      const command = { _tag: "SaveAutomation" as const, ...candidate }
      const { answer: given, replayed, seq } = yield* answer(call, call.principal.business.id, command)
      const warnings = yield* warningsOf(call.principal, candidate)
      const secret = yield* decisionSecretOf(call.principal, candidate)
      return { body: { id: idOf(given), ...secret, warnings }, replayed, seq }
    })
  ),
  serve(
    Api.listAutomations,
    Effect.fnUntraced(function* ({ principal, query }) {
      const all = Object.values(yield* definedBy(principal.business, "automations"))
      const found = all.filter(({ state }) => query.state === undefined || state === query.state).toSorted(byName)
      const page = pageOf(query.order === "DESC" ? found.toReversed() : found, query)
      return { body: { ...page, content: page.content.map((each) => shown(principal, each)) } }
    })
  ),
  serve(
    Api.getAutomation,
    Effect.fnUntraced(function* ({ principal, params }) {
      const found = yield* findDefined(principal, "automations", params["id"])
      const secret = yield* decisionSecretOf(principal, found)
      return { body: { ...shown(principal, found), ...secret, warnings: yield* warningsOf(principal, found) } }
    })
  ),
  serve(
    Api.updateAutomation,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "automations", call.params["id"])
      const { name, ...asked } = call.body
      yield* callable(asked)
      const candidate = { id, name, body: yield* definitionOf("", asked, call.principal.business.currency) }
      const { expectedSeq } = call
      const command = { _tag: "SaveAutomation" as const, ...candidate }
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command, { expectedSeq })
      const secret = yield* decisionSecretOf(call.principal, candidate)
      return { body: { id, ...secret, warnings: yield* warningsOf(call.principal, candidate) }, replayed, seq }
    })
  ),
  serve(
    Api.actOnAutomation,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "automations", call.params["id"])
      const state = call.body.action === "ACTIVATE" ? ("ACTIVE" as const) : ("INACTIVE" as const)
      const command = { _tag: "ChangeAutomationState" as const, id, state }
      const { replayed, seq } = yield* answer(call, call.principal.business.id, command)
      return { body: { id }, replayed, seq }
    })
  ),
  serve(
    Api.deleteAutomation,
    Effect.fnUntraced(function* (call) {
      const { id } = yield* findDefined(call.principal, "automations", call.params["id"])
      const { replayed } = yield* answer(call, call.principal.business.id, { _tag: "DeleteAutomation", id })
      return { body: undefined, replayed }
    })
  ),
  serve(
    Api.listAutomationVersions,
    Effect.fnUntraced(function* ({ principal, params }) {
      const found = yield* findDefined(principal, "automations", params["id"])
      return { body: { content: [found, ...found.earlier].map((each) => shownVersion(principal, each)) } }
    })
  )
]

const firing = ({ contact, event, at }: Firing) => ({ contact: { id: contact }, event, happened_on: epoch(at) })
const group = ({ count, sample }: { readonly count: number; readonly sample: ReadonlyArray<Firing> }) => ({
  count,
  sample: sample.map(firing)
})
const tally = ({ considered, fired, actions, days, sample }: DryRun["results"][number]) => ({
  considered,
  fired,
  actions,
  days,
  sample: sample.map(firing)
})

/** As it would be judged at its save. */
const checked = Effect.fnUntraced(function* (principal: Principal, pointer: string, body: AutomationBody) {
  yield* callable(body, pointer)
  const segments = yield* definedBy(principal.business, "segments")
  const templates = yield* definedBy(principal.business, "templates")
  const endpoints = yield* definedBy(principal.business, "endpoints")
  const definition = yield* definitionOf(pointer, body, principal.business.currency)
  const objection = objectionToAutomation(
    { id: "", name: "", body: definition },
    {},
    { segments, templates, endpoints }
  )
  if (objection?._tag === "InvalidDefinition") {
    return yield* Effect.fail(invalidField(`${pointer}${objection.pointer}`, objection.rule))
  }
  return objection === undefined ? definition : yield* Effect.fail(faultOf(objection))
})

const dryRunRoute = serve(
  Api.dryRunAutomation,
  Effect.fnUntraced(function* ({ principal, body }) {
    const { automation, compared_with: other, from, until } = body
    const now = yield* Clock.currentTimeMillis
    const end = Math.min(until === undefined ? now : until * 1000, now)
    if (from * 1000 > end) return yield* Effect.fail(invalidField("/from", "It lies before the end."))
    const first = yield* checked(principal, "/automation", automation)
    const second = other === undefined ? [] : [yield* checked(principal, "/compared_with", other)]
    const automations = yield* Automations
    const segments = yield* definedBy(principal.business, "segments")
    const question = { business: principal.business, definitions: [first, ...second], segments }
    const asked = automations.dryRun({ ...question, from: from * 1000, until: end })
    const { results, isComplete, assumedLive, difference } = yield* Effect.mapError(asked, viewFault)
    const [result, compared] = results.map(tally)
    if (result === undefined) throw new Error("a dry run said nothing of what it was asked")
    return {
      body: {
        result,
        complete: isComplete,
        assumed_live: assumedLive,
        ...(compared !== undefined && { compared }),
        ...(difference !== undefined && {
          difference: {
            only_first: group(difference.onlyFirst),
            only_second: group(difference.onlySecond),
            both: group(difference.both)
          }
        })
      }
    }
  })
)

export const automationRoutes = [...definitionRoutes, dryRunRoute]
