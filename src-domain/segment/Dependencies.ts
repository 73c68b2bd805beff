/** What conditions look at: whoever keeps memberships judges again only those that a change can touch. */
import { catalogue, locate } from "./Catalogue.ts"
import type { Condition, ConditionSets, Filter, Plain, Window } from "./Condition.ts"
import { isOfProfile, profileBegin, profileChange } from "./ProfileChanges.ts"
import { trackedFields } from "./Tracked.ts"

export interface Dependencies {
  /** Of the profile, as they are asked for. */
  readonly fields: ReadonlySet<string>
  readonly events: ReadonlySet<string>
  readonly segments: ReadonlySet<string>
  /** Whether it matters since when she is in one. */
  readonly tenure: boolean
  /** Whether the answer may change with no event at all. */
  readonly time: boolean
  /** Whether it may be another in another zone. */
  readonly calendar: boolean
}

/** A name day may be in another month next year. */
const isMoving = (field: string): boolean => locate(catalogue.fields, field)?.field.type === "NAME_DAY"

export const isTimedFilter = (filter: Filter): boolean =>
  filter.type === "RECENCY" ||
  (filter.type === "ANNIVERSARY" && (filter.operator !== "IN_MONTH" || isMoving(filter.field)))

const isTimed = (filters: ReadonlyArray<Filter> | undefined, window?: Window): boolean =>
  window?.last !== undefined || (filters ?? []).some(isTimedFilter)

/** What is asked of one event, or of one entry. */
export const filtersOf = (condition: Plain): ReadonlyArray<Filter> => [
  ...("where" in condition ? (condition.where ?? []) : []),
  ...("is" in condition ? condition.is : [])
]

export const plainOf = (condition: Condition): Plain => (condition.type === "NOT" ? condition.condition : condition)

const isTimedPlain = (condition: Plain): boolean => {
  switch (condition.type) {
    case "HAS_BEEN":
      return true
    case "ANY":
      return isTimed(filtersOf(condition))
    case "COUNT":
    case "SUM":
    case "LAST":
    case "FIRST":
      return isTimed(filtersOf(condition), condition.window)
    case "COMPARISON":
    case "EXISTENCE":
    case "TEXT":
    case "LIST":
    case "DATE":
    case "RECENCY":
    case "ANNIVERSARY":
      return isTimedFilter(condition)
    case "MEMBER":
      return condition.for !== undefined
  }
}

/** That say since when a field has been what it is. */
const eventsBehind = (field: string): ReadonlyArray<string> =>
  isOfProfile(field) ? [profileBegin, profileChange] : (trackedFields[field]?.changes ?? []).map(({ event }) => event)

export const dependsOn = (sets: ConditionSets): Dependencies => {
  const fields = new Set<string>()
  const events = new Set<string>()
  const segments = new Set<string>()
  let [tenure, time, calendar] = [false, false, false]
  for (const condition of sets.flatMap(({ conditions }) => conditions)) {
    const plain = plainOf(condition)
    if (plain.type === "MEMBER") segments.add(plain.segment)
    else if ("event" in plain) events.add(plain.event)
    else fields.add(plain.field)
    if (plain.type === "HAS_BEEN") for (const event of eventsBehind(plain.field)) events.add(event)
    tenure ||= plain.type === "MEMBER" && plain.for !== undefined
    time ||= isTimedPlain(plain)
    calendar ||= time || [plain, ...filtersOf(plain)].some(({ type }) => type === "DATE" || type === "ANNIVERSARY")
  }
  return { fields, events, segments, tenure, time, calendar }
}
