/** Every kind of condition as a function: see `FilterJudges.ts`. */
import type { AnyEntry, Condition, Member, Plain, TextCondition } from "./Condition.ts"
import { eventJudge, hasBeenJudge } from "./EventJudges.ts"
import { factAt, placeOf } from "./FactAccess.ts"
import type { FactObject } from "./FactForm.ts"
import { allOf, type Judge, lasting, textTest, type ValueJudge, valueJudge } from "./FilterJudges.ts"
import { later } from "./Periods.ts"

/** Of the field `path` of the profile. */
const profileJudge = (path: string, judge: ValueJudge, above: ReadonlyArray<string> = []): Judge => {
  const place = [...above, ...placeOf(path)]
  const [name = ""] = place
  return place.length === 1
    ? (asked) => judge(asked.facts.profile[name] ?? undefined, asked)
    : (asked) => judge(factAt(asked.facts.profile, place), asked)
}

/** Of what was folded when it was written. */
const textJudge = (condition: TextCondition): Judge => {
  const test = textTest(condition)
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

const memberJudge = ({ segment, for: lasting }: Member): Judge => {
  return ({ at, timeZone, memberSince, next }) => {
    next.until = Infinity
    const since = memberSince(segment)
    if (since === undefined || lasting === undefined) return since !== undefined
    const full = later(since, lasting.span, timeZone)
    if (at < full) next.until = full
    return at < full === (lasting.operator === "LESS_THAN")
  }
}

const plainJudge = (condition: Plain): Judge => {
  switch (condition.type) {
    case "COMPARISON":
    case "EXISTENCE":
    case "LIST":
    case "DATE":
    case "RECENCY":
    case "ANNIVERSARY":
      return profileJudge(condition.field, valueJudge(condition))
    case "TEXT":
      return textJudge(condition)
    case "ANY":
      return anyJudge(condition)
    case "MEMBER":
      return memberJudge(condition)
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
