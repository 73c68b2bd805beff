/** Automations of the back office: definitions at the business's own key. */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { type Loop, loopsOf } from "#domain/automation/Loops.ts"
import type { Definition, Version } from "#domain/definition/Definition.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { ownSecretId } from "#runtime/automation/DecisionCall.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import * as Effect from "effect/Effect"
import { answer, idOf } from "../door/Asking.ts"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { invalidField } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
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
export const callable = Effect.fnUntraced(function* ({ actions }: AutomationBody, within = "") {
  const webhooks = yield* Webhooks
  for (const [index, action] of actions.entries()) {
    if (action.type !== "DECISION" || action.url === undefined) continue
    const objection = webhooks.objectionTo(action.url)
    if (objection !== undefined) return yield* Effect.fail(invalidField(`${within}/actions/${index}/url`, objection))
  }
})

export const automationRoutes = [
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
