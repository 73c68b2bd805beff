/**
 * The filter of an automation as it is asked of one event. LAST of a kind of event that can set it off, with neither `where`
 * nor `window`, is about the event that did: it does not hold because of an older one of that kind when another kind has
 * set it off (AUT-9). With `where` or `window`, and of every other kind, it is about what has happened to her.
 */
import type { Condition, ConditionSet, ConditionSets } from "../segment/Condition.ts"
import { plainOf } from "../segment/Dependencies.ts"
import { canBeAbout, type Trigger } from "./Trigger.ts"

/** Those that it passes if some set of what is left of it holds; with no set left, none. */
export const filterFor = (filter: ConditionSets, trigger: Trigger, eventType: string): ConditionSets => {
  const isOfAnother = (condition: Condition): boolean => {
    const plain = plainOf(condition)
    if (plain.type !== "LAST") return false
    const { where = [], window = {} } = plain
    const isOfHistory = where.length > 0 || Object.keys(window).length > 0
    return !isOfHistory && plain.event !== eventType && canBeAbout(trigger, [plain.event])
  }
  const asked = ({ conditions }: ConditionSet): ReadonlyArray<ConditionSet> => {
    const others = conditions.filter(isOfAnother)
    if (others.some(({ type }) => type !== "NOT")) return []
    return [{ conditions: conditions.filter((condition) => !others.includes(condition)) }]
  }
  const isUntouched = filter.every(({ conditions }) => !conditions.some(isOfAnother))
  return isUntouched ? filter : filter.flatMap(asked)
}
