/**
 * Why a contact is in a segment, or is not: each condition with whether it holds, what it found and what it wants. What is
 * found may be personal: it is for those who may read the contact.
 */
import type { Condition, ConditionSets, Plain } from "./Condition.ts"
import { plainOf } from "./Dependencies.ts"
import { factAt, placeOf } from "./FactAccess.ts"
import type { FactValue } from "./FactForm.ts"
import type { ContactFacts } from "./Facts.ts"
import { compile } from "./Evaluate.ts"
import { conditionHolds, eventsOf, type MemberSince, momentOf, sinceWhen, sumOf } from "./Reference.ts"

export interface ConditionExplained {
  readonly holds: boolean
  /** As it was saved. */
  readonly expected: Condition
  /** A field's value, a count, a sum, the event, since when; absent where there is nothing. */
  readonly actual?: FactValue
  /** When this condition may change by time alone. */
  readonly until?: number
}

export interface SetExplained {
  readonly holds: boolean
  readonly conditions: ReadonlyArray<ConditionExplained>
}

type Moment = ReturnType<typeof momentOf>

const actualOf = (condition: Plain, moment: Moment): FactValue | undefined => {
  switch (condition.type) {
    case "MEMBER":
      return condition.for === undefined
        ? moment.memberSince(condition.segment) !== undefined
        : moment.memberSince(condition.segment)
    case "COUNT":
      return eventsOf(condition, moment).length
    case "SUM":
      return sumOf(eventsOf(condition, moment), condition.field)
    case "LAST":
      return eventsOf(condition, moment).at(-1)
    case "FIRST":
      return eventsOf(condition, moment)[0]
    case "HAS_BEEN":
      return sinceWhen(condition, moment)
    case "COMPARISON":
    case "EXISTENCE":
    case "TEXT":
    case "LIST":
    case "DATE":
    case "RECENCY":
    case "ANNIVERSARY":
    case "ANY":
      return factAt(moment.facts.profile, placeOf(condition.field))
  }
}

export const explain = (
  sets: ConditionSets,
  facts: ContactFacts,
  at: number,
  memberSince: MemberSince
): ReadonlyArray<SetExplained> => {
  const moment = momentOf(facts, at, memberSince)
  return sets.map(({ conditions }) => {
    const explained = conditions.map((expected): ConditionExplained => {
      const actual = actualOf(plainOf(expected), moment)
      const { until } = compile([{ conditions: [expected] }])(facts, at, memberSince)
      return {
        holds: conditionHolds(expected, moment),
        expected,
        ...(actual !== undefined && { actual }),
        ...(until !== undefined && { until })
      }
    })
    return { holds: explained.every(({ holds }) => holds), conditions: explained }
  })
}
