/** What conditions look at: whoever keeps memberships judges again only those that a change can touch. */
import type { Condition, ConditionSets, Filter, Plain, Window } from "./Condition.ts"
import { trackedFields } from "./Tracked.ts"

export interface Dependencies {
  /** Of the profile, as they are asked for. */
  readonly fields: ReadonlySet<string>
  readonly events: ReadonlySet<string>
  readonly segments: ReadonlySet<string>
  /** Whether the answer may change with no event at all. */
  readonly time: boolean
}

const isTimed = (filters: ReadonlyArray<Filter> | undefined, window?: Window): boolean =>
  window?.last !== undefined || (filters ?? []).some(({ type }) => type === "RECENCY")

export const plainOf = (condition: Condition): Plain => (condition.type === "NOT" ? condition.condition : condition)

const isTimedPlain = (condition: Plain): boolean => {
  switch (condition.type) {
    case "RECENCY":
    case "HAS_BEEN":
      return true
    case "ANNIVERSARY":
      return condition.operator !== "IN_MONTH"
    case "ANY":
      return isTimed(condition.where)
    case "COUNT":
    case "SUM":
      return isTimed(condition.where, condition.window)
    case "LAST":
    case "FIRST":
      return isTimed([...(condition.where ?? []), ...condition.is], condition.window)
    case "COMPARISON":
    case "EXISTENCE":
    case "TEXT":
    case "LIST":
    case "DATE":
    case "MEMBER":
      return false
  }
}

export const dependsOn = (sets: ConditionSets): Dependencies => {
  const fields = new Set<string>()
  const events = new Set<string>()
  const segments = new Set<string>()
  let time = false
  for (const condition of sets.flatMap(({ conditions }) => conditions)) {
    const plain = plainOf(condition)
    if (plain.type === "MEMBER") segments.add(plain.segment)
    else if ("event" in plain) events.add(plain.event)
    else fields.add(plain.field)
    if (plain.type === "HAS_BEEN") for (const { event } of trackedFields[plain.field]?.changes ?? []) events.add(event)
    time ||= isTimedPlain(plain)
  }
  return { fields, events, segments, time }
}
