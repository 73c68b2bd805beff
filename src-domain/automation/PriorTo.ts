/**
 * Prior-to automations as rules: which ones judge, in which order, what a patch does to a command, and whether a command
 * was judged by those who have to, on what is true at its turn (AUT-2).
 */
import * as Equal from "effect/Equal"
import type { JudgedOn, RegisterContact, UpdateContact } from "../contact/ContactCommand.ts"
import type { ContactState } from "../contact/ContactState.ts"
import type { Definition, Definitions } from "../definition/Definition.ts"
import type { AutomationDefinition, PatchFields } from "./Automation.ts"
import type { Business } from "../organisation/Business.ts"
import { areSameJudges, type Judge, type PriorAutomations, type Verdict } from "./Judges.ts"

/** What they judge. */
export type Judged = typeof RegisterContact.Type | typeof UpdateContact.Type
export type PriorTrigger = "PRIOR_TO_CREATION" | "PRIOR_TO_UPDATE"
export type PriorAutomation = Definition<AutomationDefinition>

export const triggerOf = ({ _tag }: Judged): PriorTrigger =>
  _tag === "RegisterContact" ? "PRIOR_TO_CREATION" : "PRIOR_TO_UPDATE"

const inOrder = (left: PriorAutomation, right: PriorAutomation): number =>
  (left.body.priority ?? 0) - (right.body.priority ?? 0) || (left.name < right.name ? -1 : 1)

/** By priority, then by name: no two of a business have the same. */
export const judgesOf = (
  automations: Definitions<AutomationDefinition>,
  trigger: PriorTrigger
): ReadonlyArray<PriorAutomation> =>
  Object.values(automations)
    .filter(({ state, body }) => state === "ACTIVE" && body.trigger === trigger)
    .toSorted(inOrder)

export const judgeOf = ({ id, version }: PriorAutomation): Judge => ({ automationId: id, version })

export const priorAutomationsOf = (automations: Definitions<AutomationDefinition>): PriorAutomations => ({
  creation: judgesOf(automations, "PRIOR_TO_CREATION").map(judgeOf),
  update: judgesOf(automations, "PRIOR_TO_UPDATE").map(judgeOf)
})

/** The command with what each of its judges said of it, for whom its filter held. */
export const withVerdicts = (command: Judged, meant: ReadonlySet<string>): Judged => ({
  ...command,
  judgedBy: (command.judgedBy ?? []).map((judge) => ({ ...judge, holds: meant.has(judge.automationId) }))
})

/** Those of a business that have to have judged a command. */
export const requiredJudges = (known: PriorAutomations | undefined, { _tag }: Judged): ReadonlyArray<Judge> =>
  (_tag === "RegisterContact" ? known?.creation : known?.update) ?? []

/** What a change that is judged can change: as long as that stands, so does the judgement. */
const judgedOn = ({ languageCode, timeZone, emailOptOut, smsOptOut, profile }: ContactState): typeof JudgedOn.Type => ({
  languageCode,
  timeZone,
  emailOptOut,
  smsOptOut,
  profile
})

/** The command with the mark that these have judged it, on the contact as she is. */
export const judged = (contact: ContactState, command: Judged, judgedBy: ReadonlyArray<Verdict>): Judged =>
  command._tag === "RegisterContact" || judgedBy.length === 0
    ? { ...command, judgedBy }
    : { ...command, judgedBy, judgedOn: judgedOn(contact) }

/**
 * By exactly those that have to judge it now, on the contact as she is now: two changes that are each judged on what was
 * before them could together make what neither would have been let through to make.
 */
export const isJudged = (contact: ContactState, command: Judged, { priorAutomations }: Business): boolean => {
  const required = requiredJudges(priorAutomations, command)
  if (!areSameJudges(command.judgedBy ?? [], required)) return false
  return (
    required.length === 0 || command._tag === "RegisterContact" || Equal.equals(command.judgedOn, judgedOn(contact))
  )
}

type CustomFields = NonNullable<PatchFields["customFields"]>

const withFields = (given: CustomFields | undefined, patch: CustomFields): CustomFields => [
  ...new Map([...(given ?? []), ...patch].map((field) => [field.key, field])).values()
]

/**
 * MKT-1: opt-outs are no part of a change, so nobody patches them there. Who is registered is opted out by a patch, in the
 * name of the business's users, and never opted in.
 */
const optOutsPatched = (command: Judged, { emailOptOut, smsOptOut }: PatchFields) => {
  if (command._tag === "UpdateContact" || (emailOptOut !== true && smsOptOut !== true)) return {}
  return {
    ...(emailOptOut === true && { emailOptOut }),
    ...(smsOptOut === true && { smsOptOut }),
    optOutBy: command.optOutBy ?? ("USER" as const)
  }
}

/** The command as if its sender had said that as well, or something else instead. */
export const patched = <Command extends Judged>(command: Command, fields: PatchFields): Command => {
  const { languageCode, emailOptOut: _, smsOptOut: _sms, customFields, ...names } = fields
  const { profile } = command
  return {
    ...command,
    ...(languageCode !== undefined && { languageCode }),
    ...optOutsPatched(command, fields),
    profile: {
      ...profile,
      ...names,
      ...(customFields !== undefined && { customFields: withFields(profile.customFields, customFields) })
    }
  }
}
