/** Templates and plans as a business defines them: neither is taken away from under the other. */
import { automationUsing, type WithAutomations } from "../automation/AutomationUse.ts"
import type { Definitions } from "../definition/Definition.ts"
import { defineDefinitions } from "../definition/DefinitionKind.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
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

const planThat = (plans: Definitions<Plan>, needs: (plan: Plan) => boolean): string | undefined => {
  const found = Object.values(plans).find(({ body }) => needs(body))
  return found && `the plan ${found.name}`
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
  objection: ({ id, body }, all) => {
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
    return objectionToTemplate(body, tagCatalogue)
  },
  usedBy: (id, _, { automations, plans }) =>
    planThat(plans, ({ templateId }) => templateId === id) ?? automationUsing(automations, "templates", id)
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
