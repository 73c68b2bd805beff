/**
 * Templates and plans as a business defines them. No template is taken away from under those that send it, nor made what they
 * cannot send; but it may be switched off at once, and then what they ask for is rejected with that as its reason.
 */
import { automationUsing, sends, type WithAutomations } from "../automation/AutomationUse.ts"
import { canBeAbout } from "../automation/Trigger.ts"
import type { Definitions } from "../definition/Definition.ts"
import { defineDefinitions } from "../definition/DefinitionKind.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import type { Refusal } from "../Refusal.ts"
import type { SegmentDefinition } from "../segment/Segment.ts"
import { objectionToPlan, Plan } from "./Plan.ts"
import { objectionToTemplate, Template, type Variant } from "./Template.ts"
import { tagCatalogue } from "./TemplateTags.ts"

const templatesMax = 300
const plansMax = 300
/** Characters of one template, and of all of a business: they are one state in memory. */
const templateLengthMax = 200_000
const allTemplatesLengthMax = 4_000_000

const lengthOf = ({ variants }: Template): number =>
  Object.values(variants).reduce(
    (total, { subject = "", html = "", text, title = "" }: Variant) =>
      total + subject.length + html.length + text.length + title.length,
    0
  )

interface Users extends WithAutomations {
  readonly plans: Definitions<Plan>
}

const planSending = (plans: Definitions<Plan>, template: string): string | undefined => {
  const found = Object.values(plans).find(({ body }) => body.templateId === template)
  return found && `the plan ${found.name}`
}

/** What it becomes that those that send it cannot send; what it was before stays allowed. */
const objectionOfUsers = (
  id: string,
  { channel, purpose, events }: Template,
  before: Template,
  { automations, plans }: Users
): Refusal | undefined => {
  const invalid = (pointer: string, rule: string): Refusal => invalidDefinition("templates", pointer, rule)
  const automation = automationUsing(automations, "templates", id)
  if (automation !== undefined && channel !== before.channel) {
    return invalid("/channel", `It is sent by ${automation} as ${before.channel}.`)
  }
  const unlike = Object.values(automations).find(
    ({ body }) => sends(body, id) && canBeAbout(body.trigger, before.events) && !canBeAbout(body.trigger, events)
  )
  if (unlike !== undefined)
    return invalid(
      "/events",
      `It is sent by the automation ${unlike.name}, and none of that is ${unlike.body.trigger}.`
    )
  const plan = planSending(plans, id)
  if (plan === undefined) return undefined
  if (purpose === "MANDATORY" && before.purpose !== "MANDATORY") {
    return invalid("/purpose", `It is sent by ${plan}, and nothing that a plan sends is MANDATORY.`)
  }
  return events.length > 0 && before.events.length === 0
    ? invalid("/events", `It is sent by ${plan}, which is about no event.`)
    : undefined
}

export const {
  aggregate: templates,
  decider: templateDecider,
  Event: TemplateEvent,
  Command: TemplateCommand
} = defineDefinitions<"templates", "Template", Template, Users>({
  kind: "templates",
  code: 8,
  stateVersion: 1,
  name: "Template",
  Body: Template,
  most: templatesMax,
  others: ["automations", "plans"],
  objection: ({ id, body }, all, users) => {
    const length = lengthOf(body)
    if (length > templateLengthMax) {
      return invalidDefinition("templates", "/variants", `A template has at most ${templateLengthMax} characters.`)
    }
    const others = Object.values(all).filter((other) => other.id !== id)
    if (others.reduce((total, other) => total + lengthOf(other.body), length) > allTemplatesLengthMax) {
      return invalidDefinition(
        "templates",
        "/variants",
        `All templates together have at most ${allTemplatesLengthMax} characters.`
      )
    }
    const before = all[id]?.body
    return (
      objectionToTemplate(body, tagCatalogue) ??
      (before === undefined ? undefined : objectionOfUsers(id, body, before, users))
    )
  },
  usedBy: (id, _, { automations, plans }) => planSending(plans, id) ?? automationUsing(automations, "templates", id),
  canBeOffInUse: true
})
export type TemplateEvent = typeof TemplateEvent.Type

interface Needed {
  readonly templates: Definitions<Template>
  readonly segments: Definitions<SegmentDefinition>
}

export const {
  aggregate: plans,
  decider: planDecider,
  Event: PlanEvent,
  Command: PlanCommand
} = defineDefinitions<"plans", "Plan", Plan, Needed>({
  kind: "plans",
  code: 9,
  stateVersion: 1,
  name: "Plan",
  Body: Plan,
  most: plansMax,
  others: ["templates", "segments"],
  objection: ({ id, body }, all, known, { at }) => objectionToPlan(body, all[id]?.body, known, at),
  usedBy: () => undefined
})
export type PlanEvent = typeof PlanEvent.Type
