/**
 * How engaged a contact is, as a pure function of the dates on which something counted (INT-1..6).
 *
 *     age in whole days:  0 … 60 Engaged · 61 … 120 Dormant · 121 … Resting · nothing ever: Never Engaged
 */
import * as Schema from "effect/Schema"

export const InteractionState = Schema.Literals(["NEVER_ENGAGED", "ENGAGED", "DORMANT", "RESTING"])
export type InteractionState = typeof InteractionState.Type

/** The ages, in days since the last interaction, at which a contact turns Dormant and Resting (INT-4). */
const dormantAtDays = 61
const restingAtDays = 121

/** Counting transactions by date: exact for the last 121 days, a count and the last date for all before (INT-3). */
export const InteractionLog = Schema.Struct({
  /** Days since 1970-01-01 in the business's zone, ascending. */
  days: Schema.Array(Schema.Int),
  /** How many on each of `days`. */
  counts: Schema.Array(Schema.Int),
  olderCount: Schema.Int,
  olderLastDay: Schema.Int
})
export type InteractionLog = typeof InteractionLog.Type

export const emptyLog: InteractionLog = { days: [], counts: [], olderCount: 0, olderLastDay: 0 }

/** Days so old that whatever is left of them means Resting are kept as one count. */
const compacted = (log: InteractionLog): InteractionLog => {
  const last = log.days.at(-1) ?? log.olderLastDay
  const first = log.days.findIndex((day) => day > last - restingAtDays)
  if (first <= 0) return log
  return {
    days: log.days.slice(first),
    counts: log.counts.slice(first),
    olderCount: log.counts.slice(0, first).reduce((total, count) => total + count, log.olderCount),
    olderLastDay: log.days[first - 1] ?? log.olderLastDay
  }
}

/** The log after one more transaction counted. */
export const counted = (log: InteractionLog, day: number): InteractionLog => {
  const { days, counts } = log
  const index = days.findLastIndex((known) => known <= day)
  if (days[index] === day) return { ...log, counts: counts.with(index, (counts[index] ?? 0) + 1) }
  return compacted({ ...log, days: days.toSpliced(index + 1, 0, day), counts: counts.toSpliced(index + 1, 0, 1) })
}

/** The log after a transaction of that day stopped counting (INT-3). */
export const uncounted = (log: InteractionLog, day: number): InteractionLog => {
  const index = log.days.indexOf(day)
  if (index === -1) return { ...log, olderCount: Math.max(0, log.olderCount - 1) }
  const count = log.counts[index] ?? 0
  if (count > 1) return { ...log, counts: log.counts.with(index, count - 1) }
  return { ...log, days: log.days.toSpliced(index, 1), counts: log.counts.toSpliced(index, 1) }
}

/** The latest date that counts; nothing of the future does (INT-3). */
export const lastDay = (log: InteractionLog, today: number): number | undefined =>
  log.days.findLast((day) => day <= today) ?? (log.olderCount > 0 ? log.olderLastDay : undefined)

/** INT-4: the state on a date. */
export const stateOn = (log: InteractionLog, today: number): InteractionState => {
  const last = lastDay(log, today)
  if (last === undefined) return "NEVER_ENGAGED"
  const age = today - last
  return age < dormantAtDays ? "ENGAGED" : age < restingAtDays ? "DORMANT" : "RESTING"
}

/** The date of the next change if nothing happens until then; none once Resting, or before anything ever counted. */
export const nextChange = (log: InteractionLog, today: number): number | undefined => {
  const last = lastDay(log, today)
  if (last === undefined) return undefined
  return [last + dormantAtDays, last + restingAtDays].find((day) => day > today)
}
