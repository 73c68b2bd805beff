/**
 * Which prior-to automations have judged a command (AUT-2). The judgement is made before the turn, for it may ask somebody
 * outside; it travels with the command, and the turn takes it only if those are still the ones that have to judge.
 */
import * as Schema from "effect/Schema"

export const Judge = Schema.Struct({ automationId: Schema.String, version: Schema.Int })
export type Judge = typeof Judge.Type

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
