/**
 * Makes a failing plan small: it leaves out requests and faults, and what is odd about those that stay, for as long as the
 * same oracle still objects. The effort is bounded, so the result is short, not shortest.
 */
import type { Oracle } from "./Model.ts"
import type { Plan } from "./Plan.ts"
import { type Result, simulate } from "./World.ts"

/** Plans tried, at most. */
const triesMax = 300

export interface Shrunk {
  readonly plan: Plan
  readonly result: Result
  readonly tries: number
}

/** A list without each of its parts, the biggest parts first. */
function* without<A>(list: ReadonlyArray<A>, size: number): Iterable<ReadonlyArray<A>> {
  for (let from = 0; from < list.length; from += size) yield list.toSpliced(from, size)
}

function* smaller(plan: Plan, size: number): Iterable<Plan> {
  for (const faults of without(plan.faults, size)) yield { ...plan, faults }
  for (const operations of without(plan.operations, size)) yield { ...plan, operations }
  if (size > 1) return
  if (plan.hasView) yield { ...plan, hasView: false }
  for (const [index, operation] of plan.operations.entries()) {
    const { againAfterMs, alteredAfterMs, isAccepted, isConditional, isStale } = operation
    const simple = {
      ...operation,
      againAfterMs: undefined,
      alteredAfterMs: undefined,
      isAccepted: false,
      isConditional: false,
      isStale: false
    }
    if (againAfterMs === undefined && alteredAfterMs === undefined && !isAccepted && !isConditional && !isStale)
      continue
    yield { ...plan, operations: plan.operations.with(index, simple) }
  }
}

export const shrink = (plan: Plan, oracle: Oracle): Shrunk => {
  let best: { readonly plan: Plan; readonly result: Result } = { plan, result: simulate(plan) }
  let tries = 1
  const improve = (size: number): boolean => {
    for (const tried of smaller(best.plan, size)) {
      if (tries >= triesMax) return false
      tries += 1
      const result = simulate(tried)
      if (result.violation?.oracle !== oracle) continue
      best = { plan: tried, result }
      return true
    }
    return false
  }
  for (let size = Math.max(plan.operations.length, plan.faults.length) >> 1; size > 0; size >>= 1) {
    while (improve(size));
  }
  return { ...best, tries }
}
