/** Asks what automations, written out or saved, would have done with what has happened. */
import { objectionToAutomation } from "#domain/automation/AutomationRules.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import type { Asked, DryRun } from "#runtime/automation/DryRun.ts"
import type { Difference } from "#runtime/automation/DryRunDifference.ts"
import type { Doing, Firing } from "#runtime/automation/DryRunTally.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { definedBy, findDefined } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { faultOf, invalidField } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { viewFault } from "../door/Views.ts"
import { type AutomationBody, definitionOf, shownAction } from "../resource/Automation.ts"
import { epoch, present } from "../resource/Fields.ts"
import { dryRunAutomation } from "./AutomationDryRunApi.ts"
import { callable } from "./AutomationsRoutes.ts"

const doing = ({ index, action }: Doing) => ({ index, action: shownAction(action) })

const firing = ({ contact, event, at }: Firing) => ({ contact: { id: contact }, event, happened_on: epoch(at) })

const tally = ({ considered, fired, actions, doings, days, sample }: DryRun["results"][number]) => {
  const done = doings.map(doing)
  return {
    considered,
    fired,
    actions,
    days,
    sample: sample.map((each) => ({ ...firing(each), actions: done }))
  }
}

const group = ({ count, sample, changes }: Difference["both"]) => {
  const { onlyFirst, onlySecond, both } = changes
  const shown = {
    only_first: onlyFirst.map(doing),
    only_second: onlySecond.map(doing),
    both: both.map((each) => ({ ...doing(each), compared_index: each.secondIndex }))
  }
  return { count, sample: sample.map((each) => ({ ...firing(each), ...shown })) }
}

const shownDifference = ({ onlyFirst, onlySecond, both, actions }: Difference) => ({
  only_first: group(onlyFirst),
  only_second: group(onlySecond),
  both: group(both),
  actions: actions.map((each) =>
    present({
      action: shownAction(each.action),
      index: each.firstIndex,
      compared_index: each.secondIndex,
      only_first: each.onlyFirst,
      only_second: each.onlySecond,
      both: each.both
    })
  )
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

interface Named {
  readonly id: string
  readonly version?: number
}

/** What it said in that version, whatever it names has become since. */
const saved = Effect.fnUntraced(function* (principal: Principal, pointer: string, { id, version }: Named) {
  const found = yield* findDefined(principal, "automations", id)
  const wanted = version ?? found.version
  const automations = yield* Automations
  const asked = automations.version(principal.business.id, found, wanted)
  const definition = yield* Effect.mapError(asked, viewFault)
  if (definition === undefined) {
    const rule = `The automation has the versions 1 to ${found.version}.`
    return yield* Effect.fail(invalidField(`${pointer}/version`, rule))
  }
  return { ...definition, saved: { automationId: found.id, version: wanted } }
})

/** The one that is meant, written out or named; none if neither. */
const askedFor = Effect.fnUntraced(function* (
  principal: Principal,
  field: "automation" | "compared_with",
  body: { readonly written: AutomationBody | undefined; readonly named: Named | undefined }
) {
  const { written, named } = body
  const pointer = `/${field}_version`
  if (written !== undefined && named !== undefined) {
    return yield* Effect.fail(invalidField(pointer, `It is written out in /${field}, or named here, not both.`))
  }
  const found: ReadonlyArray<Asked> = [
    ...(written === undefined ? [] : [yield* checked(principal, `/${field}`, written)]),
    ...(named === undefined ? [] : [yield* saved(principal, pointer, named)])
  ]
  return found
})

export const automationDryRunRoute = serve(
  dryRunAutomation,
  Effect.fnUntraced(function* ({ principal, body }) {
    const { from, until } = body
    const now = yield* Clock.currentTimeMillis
    const end = Math.min(until === undefined ? now : until * 1000, now)
    if (from * 1000 > end) return yield* Effect.fail(invalidField("/from", "It lies before the end."))
    const first = { written: body.automation, named: body.automation_version }
    const asked = yield* askedFor(principal, "automation", first)
    if (asked.length === 0) {
      const rule = "It is written out here, or one that is saved is named in /automation_version."
      return yield* Effect.fail(invalidField("/automation", rule))
    }
    const second = { written: body.compared_with, named: body.compared_with_version }
    const definitions = [...asked, ...(yield* askedFor(principal, "compared_with", second))]
    const automations = yield* Automations
    const segments = yield* definedBy(principal.business, "segments")
    const question = { business: principal.business, definitions, segments, from: from * 1000, until: end }
    const { results, isComplete, assumedLive, difference } = yield* Effect.mapError(
      automations.dryRun(question),
      viewFault
    )
    const [result, compared] = results.map(tally)
    if (result === undefined) throw new Error("a dry run said nothing of what it was asked")
    return {
      body: {
        result,
        complete: isComplete,
        assumed_live: assumedLive,
        ...(compared !== undefined && { compared }),
        ...(difference !== undefined && { difference: shownDifference(difference) })
      }
    }
  })
)
