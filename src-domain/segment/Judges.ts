/** Every kind of condition as a function: see `FilterJudges.ts`. */
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import type { Anniversary, AnyEntry, Condition, Plain, TextCondition } from "./Condition.ts"
import { eventJudge, hasBeenJudge } from "./EventJudges.ts"
import { factAt, placeOf } from "./FactAccess.ts"
import type { FactObject } from "./FactForm.ts"
import { allOf, type Judge, lasting, type ValueJudge, valueJudge } from "./FilterJudges.ts"
import { anniversary, type MonthDay } from "./Periods.ts"
import { fold } from "./TextFold.ts"
import { matcherOf } from "./TextPattern.ts"

const text = ({ operator, value }: TextCondition): ((text: string) => boolean) => {
  const wanted = fold(value)
  switch (operator) {
    case "IS":
      return (text) => text === wanted
    case "CONTAINS":
      return (text) => text.includes(wanted)
    case "STARTS_WITH":
      return (text) => text.startsWith(wanted)
    case "ENDS_WITH":
      return (text) => text.endsWith(wanted)
    case "MATCHES":
      return matcherOf(value)
  }
}

/** Of the field `path` of the profile. */
const profileJudge = (path: string, judge: ValueJudge, above: ReadonlyArray<string> = []): Judge => {
  const place = [...above, ...placeOf(path)]
  const [name = ""] = place
  return place.length === 1
    ? (asked) => judge(asked.facts.profile[name] ?? undefined, asked)
    : (asked) => judge(factAt(asked.facts.profile, place), asked)
}

const textJudge = (condition: TextCondition): Judge => {
  const test = text(condition)
  const judge = lasting((value) => typeof value === "string" && test(value))
  return profileJudge(condition.field, judge, condition.operator === "MATCHES" ? [] : ["folded"])
}

const anyJudge = ({ field, where }: AnyEntry): Judge => {
  const entryJudge = allOf(where)
  return profileJudge(field, (value, asked) => {
    const { next } = asked
    let until = Infinity
    for (const entry of Array.isArray(value) ? value : []) {
      if (entryJudge(entry as FactObject, asked)) return true
      until = Math.min(until, next.until)
    }
    next.until = until
    return false
  })
}

const anniversaryJudge = (condition: Anniversary): Judge =>
  profileJudge(condition.field, (value, { at, timeZone, next }) => {
    next.until = Infinity
    if (typeof value !== "object" || !("month" in value)) return false
    const { holds, until } = anniversary(condition, value as unknown as MonthDay, dayNumber(at, timeZone))
    if (until !== undefined) next.until = startOfDay(until, timeZone)
    return holds
  })

const plainJudge = (condition: Plain): Judge => {
  switch (condition.type) {
    case "COMPARISON":
    case "EXISTENCE":
    case "LIST":
    case "DATE":
    case "RECENCY":
      return profileJudge(condition.field, valueJudge(condition))
    case "TEXT":
      return textJudge(condition)
    case "ANY":
      return anyJudge(condition)
    case "ANNIVERSARY":
      return anniversaryJudge(condition)
    case "MEMBER":
      return ({ isMember, next }) => {
        next.until = Infinity
        return isMember(condition.segment)
      }
    case "COUNT":
    case "SUM":
    case "LAST":
    case "FIRST":
      return eventJudge(condition)
    case "HAS_BEEN":
      return hasBeenJudge(condition)
  }
}

export const judgeOf = (condition: Condition): Judge => {
  if (condition.type !== "NOT") return plainJudge(condition)
  const judge = plainJudge(condition.condition)
  return (asked) => !judge(asked)
}
