/** The automations of a business as definitions: their aggregate and who judges what is asked of it. */
import { defineDefinitions } from "../definition/DefinitionKind.ts"
import { AutomationDefinition, type NamedByAutomations } from "./Automation.ts"
import { objectionToAutomation } from "./AutomationRules.ts"

/** Automations of one business, at most. */
const automationsMax = 500

export const {
  aggregate: automations,
  decider: automationsDecider,
  Event: AutomationEvent,
  Command: AutomationCommand
} = defineDefinitions<"automations", "Automation", AutomationDefinition, NamedByAutomations>({
  kind: "automations",
  code: 6,
  stateVersion: 3,
  name: "Automation",
  Body: AutomationDefinition,
  most: automationsMax,
  others: ["endpoints", "segments", "templates"],
  objection: objectionToAutomation,
  usedBy: () => undefined
})
