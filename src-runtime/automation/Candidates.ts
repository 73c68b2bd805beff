/**
 * Which automations a happening calls for: those of its trigger that were in force at its instant, in the version that they
 * had then (AUT-6). One in whose own chain it happened is not run again, nor is a chain made longer than it may be (AUT-8).
 */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { isPrior } from "#domain/automation/Automation.ts"
import type { Trigger } from "#domain/automation/Trigger.ts"
import { type Definition, type Definitions, versionAt } from "#domain/definition/Definition.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import type { Json } from "effect/Schema"
import { nameUuid } from "../actor/Naming.ts"

/** Automations in one chain, at most. */
const chainLengthMax = 5

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
}

/** An automation that a happening calls for, if its filter holds. */
export interface Candidate {
  readonly happening: Happening
  readonly runId: string
  readonly automationId: string
  readonly name: string
  readonly trigger: Trigger
  readonly version: number
  readonly filter: AutomationDefinition["filter"]
  /** What is done about it now that it stands. */
  readonly actions: AutomationDefinition["actions"]
  /** Why it is not run although it is called for. */
  readonly skipped: "LOOP" | "CHAIN_TOO_LONG" | undefined
}

/** Whoever switches it off stops what has not happened yet, and whoever switches it on begins with what comes. */
const wasActive = ({ state, stateSince }: Definition<AutomationDefinition>, at: number): boolean =>
  stateSince <= at ? state === "ACTIVE" : state === "INACTIVE"

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

export const candidatesOf = (
  happening: Happening,
  automations: Definitions<AutomationDefinition>
): ReadonlyArray<Candidate> => {
  const found: Array<Candidate & Ranked> = []
  for (const definition of Object.values(automations)) {
    if (!wasActive(definition, happening.at)) continue
    const known = versionAt(definition, happening.at)
    if (known === undefined || !happening.triggers.includes(known.body.trigger)) continue
    const { trigger, segmentId, filter, priority = 0 } = known.body
    if (segmentId !== undefined && segmentId !== happening.segmentId) continue
    const actions = known.body.actions.filter((action) => !isPrior(action))
    if (actions.length === 0) continue
    const { id: automationId, name } = definition
    found.push({
      happening,
      runId: nameUuid("automation-run", automationId, String(known.version), happening.eventId),
      automationId,
      name,
      trigger,
      version: known.version,
      filter,
      actions,
      skipped: skipping(happening.cause, automationId),
      priority
    })
  }
  return found.toSorted(byPriority)
}
