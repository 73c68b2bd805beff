/**
 * Which prior-to automations have judged a command (AUT-2). The judgement is made before the turn, for it may ask somebody
 * outside; it travels with the command, and the turn takes it only if those are still the ones that have to judge.
 *
 * Whom an automation is for is judged once for a command: on the contact as the command, with what was patched so far, would
 * make her, and on what had happened to her, and the segments that she was in, before it. The fact that the command makes says
 * what came of it, so that what decides and what is done once it has committed (AUT-4) never disagree, whatever the automation
 * itself has patched or the command has set off.
 */
import * as Schema from "effect/Schema"

export const Judge = Schema.Struct({ automationId: Schema.String, version: Schema.Int })
export type Judge = typeof Judge.Type

/** With whether its filter held. Of what was judged before that was noted it is not known. */
export const Verdict = Schema.Struct({ ...Judge.fields, holds: Schema.optionalKey(Schema.Boolean) })
export type Verdict = typeof Verdict.Type

/**
 * Whether what came of a command is for the automation; one that has not judged it, because it was saved or switched on
 * while the command waited for an approval, does nothing about it. `undefined` where it was not noted.
 */
export const isMeant = (judgedBy: ReadonlyArray<Verdict> | undefined, automationId: string): boolean | undefined => {
  const found = judgedBy?.find((each) => each.automationId === automationId)
  return judgedBy === undefined || found !== undefined ? found?.holds : false
}

/** Those that are active, each list in the order in which they judge. */
export const PriorAutomations = Schema.Struct({ creation: Schema.Array(Judge), update: Schema.Array(Judge) })
export type PriorAutomations = typeof PriorAutomations.Type

export const noPriorAutomations: PriorAutomations = { creation: [], update: [] }

export const areSameJudges = (left: ReadonlyArray<Judge>, right: ReadonlyArray<Judge>): boolean =>
  left.length === right.length &&
  left.every(({ automationId, version }, index) => {
    const other = right[index]
    return other?.automationId === automationId && other.version === version
  })
