/** A failure as a person reads it: what does not hold, how to see it again, and the shortest story that was found. */
import { oracles } from "./Model.ts"
import { planOf } from "./Plan.ts"
import { shrink } from "./Shrink.ts"
import { type Result, simulate } from "./World.ts"

export interface Failure {
  readonly seed: number
  readonly text: string
}

/** `undefined` when everything holds. Shrinking is bounded, and still takes as long as some hundred seeds. */
export const failureOf = (seed: number, result: Result, isLiveness = false): Failure | undefined => {
  const { violation } = result
  if (violation === undefined) return undefined
  const { plan, result: short, tries } = shrink(planOf(seed, isLiveness), violation.oracle)
  const text = [
    `seed ${seed}: ${violation.oracle} does not hold (${oracles[violation.oracle]})`,
    `  ${violation.what}`,
    `again: npm run simulate -- --seed ${seed}${isLiveness ? " --liveness" : ""}`,
    `the story with ${plan.operations.length} requests and ${plan.faults.length} faults, after ${tries} tries:`,
    ...(short.violation === undefined ? result.story : short.story)
  ].join("\n")
  return { seed, text }
}

export const run = (seed: number, isLiveness = false): Result => simulate(planOf(seed, isLiveness))
