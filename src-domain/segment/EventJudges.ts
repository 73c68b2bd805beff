/** Conditions on what happened, as functions: see `FilterJudges.ts`. */
import type { Count, EndmostEvent, HasBeen, Sum, Window } from "./Condition.ts"
import { factAt, placeOf } from "./FactAccess.ts"
import type { FactObject } from "./FactForm.ts"
import type { EventDocument } from "./Facts.ts"
import { allOf, type Asked, type Judge, measure } from "./FilterJudges.ts"
import { later } from "./Periods.ts"
import { isOfProfile, notedAs, profileBegin, profileChange } from "./ProfileChanges.ts"
import { type Change, trackedFields } from "./Tracked.ts"

/** Whether an event counts now, and in `next` until when. */
type Counts = (event: EventDocument, asked: Asked) => boolean

/** Within the window: one piece of time for each event. */
const inside = (window: Window | undefined): Counts => {
  const { last, from = -Infinity, until = Infinity } = window ?? {}
  return ({ at: happened }, { at, timeZone, next }) => {
    next.until = Infinity
    if (happened < from || happened >= until) return false
    if (at < happened) {
      next.until = happened
      return false
    }
    if (last === undefined) return true
    const leaves = later(happened, last, timeZone)
    if (leaves <= at) return false
    next.until = leaves
    return true
  }
}

const counting = ({ where, window }: Pick<Count, "where" | "window">): Counts => {
  const isInside = inside(window)
  if (where === undefined || where.length === 0) return isInside
  const passes = allOf(where)
  return (event, asked) => {
    const { next } = asked
    if (!isInside(event, asked)) return false
    const until = next.until
    if (!passes(event, asked)) return false
    next.until = Math.min(until, next.until)
    return true
  }
}

const tally = (condition: Count | Sum): Judge => {
  const { event: type } = condition
  const counts = counting(condition)
  const isMeasured = measure(condition.operator, condition.value)
  const field = condition.type === "SUM" ? condition.field : undefined
  return (asked) => {
    const { next } = asked
    let until = Infinity
    let total = 0
    for (const event of asked.facts.events) {
      if (event.type !== type) continue
      if (counts(event, asked)) {
        const value = field === undefined ? 1 : event[field]
        if (typeof value === "number") total += value
      }
      until = Math.min(until, next.until)
    }
    next.until = until
    return isMeasured(total)
  }
}

const endmost = (condition: EndmostEvent): Judge => {
  const { event: type } = condition
  const counts = counting(condition)
  const passes = allOf(condition.is)
  const step = condition.type === "LAST" ? -1 : 1
  return (asked) => {
    const { next, facts } = asked
    const { events } = facts
    let until = Infinity
    for (let index = step === 1 ? 0 : events.length - 1; index >= 0 && index < events.length; index += step) {
      const event = events[index]
      if (event?.type !== type) continue
      const isCounted = counts(event, asked)
      until = Math.min(until, next.until)
      if (!isCounted) continue
      const holds = passes(event, asked)
      next.until = Math.min(until, next.until)
      return holds
    }
    next.until = until
    return false
  }
}

export const eventJudge = (condition: Count | Sum | EndmostEvent): Judge =>
  condition.type === "COUNT" || condition.type === "SUM" ? tally(condition) : endmost(condition)

/** What an event says of the field: it became the wanted value, another, or nothing. */
const becomes = ({ only, property, value }: Change, { field, value: wanted }: HasBeen) => {
  const { subject, present = wanted } = trackedFields[field] ?? {}
  return (event: FactObject): boolean | undefined => {
    if (only !== undefined && event[only.property] !== only.value) return undefined
    if (subject !== undefined && event[subject] !== wanted) return undefined
    const became = property === undefined ? value : event[property]
    if (became === undefined || became === null) return undefined
    return Array.isArray(became) ? became.includes(wanted) : became === present
  }
}

/** Of who she is: it is so in her profile, and for how long, her events know. */
const profileJudge = ({ field, value, state, span }: HasBeen): Judge => {
  const [place, noted] = [placeOf(field), notedAs(state)]
  const isChange = (event: EventDocument): boolean => {
    if (event.type !== profileChange) return event.type === profileBegin
    const names = event[noted]
    return !Array.isArray(names) || names.includes(field)
  }
  return ({ facts, at, timeZone, next }) => {
    next.until = Infinity
    const now = factAt(facts.profile, place)
    if (now === undefined || (value !== undefined && now !== value)) return false
    let since: number | undefined
    let until = Infinity
    for (const event of facts.events) {
      if (!isChange(event)) continue
      if (event.at > at) until = Math.min(until, event.at)
      else since = event.at
    }
    const from = since === undefined ? Infinity : later(since, span, timeZone)
    next.until = from <= at ? until : Math.min(until, from)
    return from <= at
  }
}

export const hasBeenJudge = (condition: HasBeen): Judge => {
  if (isOfProfile(condition.field)) return profileJudge(condition)
  const changes = trackedFields[condition.field]?.changes ?? []
  const byType = new Map(changes.map((change) => [change.event, becomes(change, condition)]))
  const { span } = condition
  return ({ facts, at, timeZone, next }) => {
    let since: number | undefined
    let until = Infinity
    for (const event of facts.events) {
      const became = byType.get(event.type)?.(event)
      if (became === undefined) continue
      if (event.at > at) until = Math.min(until, event.at)
      else if (!became) since = undefined
      else since ??= event.at
    }
    const from = since === undefined ? Infinity : later(since, span, timeZone)
    next.until = from <= at ? until : Math.min(until, from)
    return from <= at
  }
}
