/**
 * Which automations a happening calls for: those of its trigger that were switched on at its instant, in the version that
 * they had then (AUT-6). Those that judged the command before are called for by what they said of it then (AUT-4). One in whose
 * own chain it happened is not run again, nor is a chain made longer than it may be (AUT-8).
 */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { isPrior } from "#domain/automation/Automation.ts"
import { filterFor } from "#domain/automation/EventFilter.ts"
import { isMeant, type Verdict } from "#domain/automation/Judges.ts"
import { priorToTriggers, type Trigger } from "#domain/automation/Trigger.ts"
import type { Definitions } from "#domain/definition/Definition.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import type { Json } from "effect/Schema"
import { nameUuid } from "../actor/Naming.ts"

/** Automations in one chain, at most. */
export const chainLengthMax = 5

/** Something that may set automations off. */
export interface Happening {
  readonly business: string
  readonly contact: string
  readonly triggers: ReadonlyArray<Trigger>
  /** Of the SEGMENT triggers. */
  readonly segmentId?: string | undefined
  /** One of a kind, for ever. */
  readonly eventId: string
  readonly eventType: string
  readonly at: number
  readonly values: { readonly [name: string]: Json }
  readonly cause: Cause | undefined
  /** Of what a command made: by whom it was judged before. */
  readonly judgedBy?: ReadonlyArray<Verdict> | undefined
}

/** An automation that a happening calls for, if its filter holds. */
export interface Candidate {
  readonly happening: Happening
  readonly runId: string
  readonly automationId: string
  readonly name: string
  readonly trigger: Trigger
  readonly version: number
  /** As it is asked of this event; nothing is, if that was judged before. */
  readonly filter: AutomationDefinition["filter"]
  /** What is done about it now that it stands. */
  readonly actions: AutomationDefinition["actions"]
  /** Why it is not run although it is called for. */
  readonly skipped: "LOOP" | "CHAIN_TOO_LONG" | undefined
}

const skipping = (cause: Cause | undefined, automationId: string): Candidate["skipped"] => {
  if (cause === undefined) return undefined
  if (cause.chain.includes(automationId)) return "LOOP"
  return cause.chain.length >= chainLengthMax ? "CHAIN_TOO_LONG" : undefined
}

const byPriority = (left: Candidate & Ranked, right: Candidate & Ranked): number =>
  left.priority - right.priority || (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)
interface Ranked {
  readonly priority: number
}

/** `automations` are those that the business had at the instant of the happening. */
export const candidatesOf = (
  happening: Happening,
  automations: Definitions<AutomationDefinition>
): ReadonlyArray<Candidate> => {
  const found: Array<Candidate & Ranked> = []
  for (const { id: automationId, name, version, state, body } of Object.values(automations)) {
    const { trigger, segmentId, filter, priority = 0 } = body
    if (state !== "ACTIVE" || !happening.triggers.includes(trigger)) continue
    if (segmentId !== undefined && segmentId !== happening.segmentId) continue
    const actions = body.actions.filter((action) => !isPrior(action))
    if (actions.length === 0) continue
    const judged = priorToTriggers.has(trigger) ? isMeant(happening.judgedBy, automationId) : undefined
    const isAsked = filter !== undefined && judged === undefined
    const asked = isAsked ? filterFor(filter, trigger, happening.eventType) : undefined
    if (judged === false || asked?.length === 0) continue
    found.push({
      happening,
      runId: nameUuid("automation-run", automationId, String(version), happening.eventId),
      automationId,
      name,
      trigger,
      version,
      filter: asked,
      actions,
      skipped: skipping(happening.cause, automationId),
      priority
    })
  }
  return found.toSorted(byPriority)
}
