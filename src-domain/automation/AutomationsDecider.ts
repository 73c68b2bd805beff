/**
 * Judges what is asked of a business's automations, and says in the same turn which prior-to automations have to judge from
 * now on: the business's own state holds them, so every turn of the business knows (AUT-2).
 */
import * as Result from "effect/Result"
import type { Definitions } from "../definition/Definition.ts"
import type { Event } from "../Event.ts"
import type { Business } from "../organisation/Business.ts"
import { defineDecider } from "../shared/Aggregate.ts"
import type { Turn } from "../shared/Decision.ts"
import type { AutomationDefinition } from "./Automation.ts"
import { automations, automationsDecider as ofDefinitions } from "./Automations.ts"
import { areSameJudges, noPriorAutomations } from "./Judges.ts"
import { priorAutomationsOf } from "./PriorTo.ts"

type OwnEvent = Parameters<typeof automations.evolve>[1]
type OwnCommand = Parameters<typeof ofDefinitions.decide>[1]

const announcement = (
  before: Definitions<AutomationDefinition>,
  events: ReadonlyArray<Event>,
  { priorAutomations = noPriorAutomations }: Business,
  { at }: Turn
): ReadonlyArray<Event> => {
  const { creation, update } = priorAutomationsOf(
    (events as ReadonlyArray<OwnEvent>).reduce(automations.evolve, before)
  )
  const { creation: known, update: knownUpdate } = priorAutomations
  return areSameJudges(creation, known) && areSameJudges(update, knownUpdate)
    ? []
    : [{ _tag: "PriorAutomationsChanged", creation, update, at }]
}

export const automationsDecider = defineDecider<Record<string, unknown>, OwnCommand>({
  commands: ofDefinitions.commands,
  needs: (command, key) => ({ ...ofDefinitions.needs(command, key), business: key }),
  decide: (states, command, turn) =>
    Result.map(ofDefinitions.decide(states, command, turn), (decision) => {
      const before = states["automations"] as Definitions<AutomationDefinition>
      const told = announcement(before, decision.events, states["business"] as Business, turn)
      return { ...decision, events: [...decision.events, ...told] }
    })
})
