/** What automations need of other definitions: nothing that one of them needs is deleted. */
import type { Definitions } from "../definition/Definition.ts"
import { dependsOn } from "../segment/Dependencies.ts"
import type { AutomationDefinition, NamedByAutomations } from "./Automation.ts"

/** For the rules of a kind that automations name. */
export interface WithAutomations {
  readonly automations: Definitions<AutomationDefinition>
}

/** Whether it sends the template. */
export const sends = ({ actions }: AutomationDefinition, template: string): boolean =>
  actions.some((action) => action._tag === "COMMUNICATION" && action.templateId === template)

const needs = (kind: keyof NamedByAutomations, id: string, body: AutomationDefinition): boolean => {
  const { segmentId, filter = [], actions } = body
  if (kind === "segments") return segmentId === id || dependsOn(filter).segments.has(id)
  if (kind === "templates") return sends(body, id)
  return actions.some((action) => "endpointId" in action && action.endpointId === id)
}

/** The automation that needs it, for people. */
export const automationUsing = (
  automations: Definitions<AutomationDefinition>,
  kind: keyof NamedByAutomations,
  id: string
): string | undefined => {
  const found = Object.values(automations).find(({ body }) => needs(kind, id, body))
  return found && `the automation ${found.name}`
}
