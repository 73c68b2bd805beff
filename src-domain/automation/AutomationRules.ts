/**
 * What is wrong with an automation that somebody wants to save: actions that its trigger does not allow, names of things
 * that do not exist, and loops that are certain (AUT-8). Each refusal names the place in what was sent.
 */
import type { Definitions } from "../definition/Definition.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import type { Refusal } from "../Refusal.ts"
import {
  type Action,
  type AutomationDefinition,
  isPrior,
  type NamedByAutomations,
  type PatchFields
} from "./Automation.ts"
import { catalogue } from "../segment/Catalogue.ts"
import type { ConditionSets, Plain } from "../segment/Condition.ts"
import { plainOf } from "../segment/Dependencies.ts"
import { isOfProfile } from "../segment/ProfileChanges.ts"
import { objectionTo } from "../segment/TypeCheck.ts"
import { loopsOf } from "./Loops.ts"
import { canBeAbout, priorToTriggers, segmentTriggers, type Trigger } from "./Trigger.ts"

const actionsMax = 20
/** Of subjects, reasons, assignees and kinds of activities. */
const textLengthMax = 500
const dueInMinutesMax = 5 * 366 * 24 * 60
const tagsMax = 50

interface Candidate {
  readonly id: string
  readonly name: string
  readonly body: AutomationDefinition
}

const invalid = (pointer: string, rule: string): Refusal => invalidDefinition("automations", pointer, rule)

const objectionToText = (pointer: string, text: string | undefined): Refusal | undefined => {
  if (text === undefined) return undefined
  if (text.trim() === "") return invalid(pointer, "It is not empty.")
  return text.length > textLengthMax ? invalid(pointer, `It has at most ${textLengthMax} characters.`) : undefined
}

const objectionToUrl = (pointer: string, text: string): Refusal | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:"
  if (!isWeb) return invalid(pointer, "A decision is asked for at an http or https URL.")
  if (url.username !== "" || url.password !== "") return invalid(pointer, "Its URL holds no user and no password.")
  return text.length > 2_000 ? invalid(pointer, "A URL has at most 2,000 characters.") : undefined
}

const objectionToName = (
  pointer: string,
  id: string,
  known: Definitions<unknown> | undefined,
  what: string
): Refusal | undefined =>
  known === undefined || Object.hasOwn(known, id) ? undefined : invalid(pointer, `There is no such ${what}.`)

/** Of what does its part only while it is switched on. */
const objectionToActiveName = (...given: Parameters<typeof objectionToName>): Refusal | undefined => {
  const [pointer, id, known, what] = given
  const isOff = known !== undefined && Object.hasOwn(known, id) && known[id]?.state !== "ACTIVE"
  return objectionToName(...given) ?? (isOff ? invalid(pointer, `The ${what} is switched off.`) : undefined)
}

type Communication = Extract<Action, { readonly _tag: "COMMUNICATION" }>

/** A message that could never go, or not as what it says that it is. */
const objectionToCommunication = (
  { templateId, channel, purpose, override }: Communication,
  trigger: Trigger,
  pointer: string,
  { templates }: NamedByAutomations
): Refusal | undefined => {
  const objection = objectionToActiveName(`${pointer}/template_id`, templateId, templates, "template")
  const template = templates?.[templateId]?.body
  if (objection !== undefined || template === undefined) return objection
  if (template.channel !== channel) {
    return invalid(`${pointer}/channel`, `The template is for ${template.channel}.`)
  }
  if (purpose !== undefined && purpose !== template.purpose) {
    return invalid(`${pointer}/purpose`, `A message goes as its template is, and that is ${template.purpose}.`)
  }
  if (override === true && template.purpose !== "CRITICAL") {
    return invalid(
      `${pointer}/override`,
      `Only what is CRITICAL passes opt-outs by it; the template is ${template.purpose}.`
    )
  }
  const { events } = template
  if (canBeAbout(trigger, events)) return undefined
  return invalid(
    `${pointer}/template_id`,
    `The template is about ${events.join(", ")}, and none of that is ${trigger}.`
  )
}

/** MKT-1: of a change an opt-out is no part, and who opts out at her registration is not opted in again. */
const objectionToPatch = (fields: PatchFields, trigger: Trigger, pointer: string): Refusal | undefined => {
  if (Object.keys(fields).length === 0) return invalid(pointer, "It changes nothing.")
  const { emailOptOut, smsOptOut } = fields
  const optOuts = [
    ["email_opt_out", emailOptOut],
    ["sms_opt_out", smsOptOut]
  ] as const
  for (const [name, optedOut] of optOuts) {
    if (optedOut === undefined) continue
    if (trigger === "PRIOR_TO_UPDATE") {
      return invalid(
        `${pointer}/${name}`,
        "An opt-out is said by the contact, a user or a link: no automation changes it."
      )
    }
    if (!optedOut) return invalid(`${pointer}/${name}`, "An automation opts nobody in.")
  }
  return undefined
}

const objectionToAction = (
  action: Action,
  trigger: Trigger,
  pointer: string,
  others: NamedByAutomations
): Refusal | undefined => {
  switch (action._tag) {
    case "COMMUNICATION":
      return objectionToCommunication(action, trigger, pointer, others)
    case "WEBHOOK":
      return objectionToActiveName(`${pointer}/endpoint_id`, action.endpointId, others.endpoints, "endpoint")
    case "ACTIVITY": {
      const { type, subject, assignee, dueInMinutes = 0 } = action
      if (dueInMinutes < 0 || dueInMinutes > dueInMinutesMax) {
        return invalid(`${pointer}/due_in_minutes`, `It is due in 0 to ${dueInMinutesMax} minutes.`)
      }
      return (
        objectionToText(`${pointer}/activity_type`, type) ??
        objectionToText(`${pointer}/subject`, subject) ??
        objectionToText(`${pointer}/assignee`, assignee)
      )
    }
    case "APPROVAL":
      return objectionToText(`${pointer}/assignee`, action.assignee)
    case "TAG": {
      const { add, remove } = action
      if (add.length + remove.length === 0) return invalid(pointer, "At least one tag is added or removed.")
      if (add.length > tagsMax || remove.length > tagsMax) return invalid(pointer, `At most ${tagsMax} tags at once.`)
      const wrong = [...add, ...remove].some((tag) => tag.trim() !== tag || tag === "" || tag.length > 50)
      if (wrong) return invalid(pointer, "A tag has 1 to 50 characters and no space at its ends.")
      return add.some((tag) => remove.includes(tag))
        ? invalid(pointer, "A tag is added or removed, not both.")
        : undefined
    }
    case "REJECT":
      return objectionToText(`${pointer}/reason`, action.reason)
    case "PATCH":
      return objectionToPatch(action.fields, trigger, `${pointer}/fields`)
    case "DECISION": {
      const { url, endpointId } = action
      if (url !== undefined && endpointId === undefined) return objectionToUrl(`${pointer}/url`, url)
      if (url !== undefined || endpointId === undefined) {
        return invalid(pointer, "A decision is asked for at an endpoint or at a URL, one of the two.")
      }
      return objectionToName(`${pointer}/endpoint_id`, endpointId, others.endpoints, "endpoint")
    }
    case "HOLD":
      return undefined
  }
}

const objectionToActions = ({ trigger, actions }: AutomationDefinition, others: NamedByAutomations) => {
  if (actions.length === 0) return invalid("/actions", "An automation does at least one thing.")
  if (actions.length > actionsMax) return invalid("/actions", `An automation does at most ${actionsMax} things.`)
  const isPriorTo = priorToTriggers.has(trigger)
  const firstAfter = actions.findIndex((action) => !isPrior(action))
  for (const [index, action] of actions.entries()) {
    const pointer = `/actions/${index}`
    if (isPrior(action) && !isPriorTo) {
      return invalid(pointer, `${action._tag} decides about a command: it needs a prior-to trigger.`)
    }
    if (action._tag === "APPROVAL" && isPriorTo) {
      return invalid(pointer, "Of a command that is to wait for approval, HOLD is said.")
    }
    if (isPrior(action) && firstAfter !== -1 && firstAfter < index) {
      return invalid(pointer, "What decides about the command comes before what is done once it has committed.")
    }
    const objection = objectionToAction(action, trigger, pointer, others)
    if (objection !== undefined) return objection
  }
  return undefined
}

const objectionToTrigger = (body: AutomationDefinition, { segments }: NamedByAutomations): Refusal | undefined => {
  const { trigger, segmentId } = body
  if (!segmentTriggers.has(trigger)) {
    return segmentId === undefined ? undefined : invalid("/segment_id", `${trigger} is not about a segment.`)
  }
  if (segmentId === undefined) return invalid("/segment_id", `${trigger} needs the segment that it is about.`)
  return objectionToName("/segment_id", segmentId, segments, "segment")
}

/** What a command proposes has been so for no time at all; her events know only of what it is to replace. */
const isSinceOfProfile = (condition: Plain): boolean => condition.type === "HAS_BEEN" && isOfProfile(condition.field)

/** The place of the first condition that is so. */
const firstOf = (filter: ConditionSets, is: (condition: Plain) => boolean): string | undefined => {
  for (const [set, { conditions }] of filter.entries()) {
    const index = conditions.findIndex((condition) => is(plainOf(condition)))
    if (index !== -1) return `/${set}/conditions/${index}`
  }
  return undefined
}

const objectionToFilter = (
  { filter, trigger }: AutomationDefinition,
  { segments }: NamedByAutomations
): Refusal | undefined => {
  if (filter === undefined) return undefined
  // A segment of everybody is of use; a filter that lets everybody pass is one that somebody forgot to fill in.
  const empty = filter.findIndex(({ conditions }) => conditions.length === 0)
  if (empty !== -1) {
    return invalid(
      `/filter/${empty}/conditions`,
      "Without a condition everybody passes: leave out the filter to say so."
    )
  }
  const isSegment = (id: string): boolean => segments === undefined || Object.hasOwn(segments, id)
  const objection = objectionTo(filter, catalogue, isSegment)
  if (objection !== undefined) return invalid(`/filter${objection.pointer}`, objection.rule)
  const untold = priorToTriggers.has(trigger) ? firstOf(filter, isSinceOfProfile) : undefined
  return untold === undefined
    ? undefined
    : invalid(`/filter${untold}`, "Since when she is who she is is not asked before a change of it.")
}

export const objectionToAutomation = (
  candidate: Candidate,
  all: Definitions<AutomationDefinition>,
  others: NamedByAutomations
): Refusal | undefined => {
  const { body } = candidate
  const objection =
    objectionToTrigger(body, others) ?? objectionToFilter(body, others) ?? objectionToActions(body, others)
  if (objection !== undefined) return objection
  const loop = loopsOf(candidate, all, others).find(({ isCertain }) => isCertain)
  return loop === undefined
    ? undefined
    : invalid("/actions", `It would set itself off for ever: ${loop.names.join(" → ")}. A filter can end that.`)
}
