/** Conditions on what happened, as expressions of MQL over `$events`: those of one contact, oldest first. */
import { catalogue, type CatalogueField } from "#domain/segment/Catalogue.ts"
import type { Count, EndmostEvent, Filter, HasBeen, Scalar, Sum, Window } from "#domain/segment/Condition.ts"
import { filtersOf } from "#domain/segment/Dependencies.ts"
import { placeOf } from "#domain/segment/FactAccess.ts"
import { instantsOf } from "#domain/segment/Periods.ts"
import { isOfProfile, notedAs, profileBegin, profileChange } from "#domain/segment/ProfileChanges.ts"
import { type Change, type Tracked, trackedFields } from "#domain/segment/Tracked.ts"
import {
  both,
  either,
  type Field,
  filterMql,
  inIntervals,
  literal,
  measured,
  type Mql,
  type OrderOf
} from "./MqlFilter.ts"

export interface Now {
  readonly at: number
  readonly timeZone: string
  readonly orderOf: OrderOf
}

/** A field of what stands at `place`: of an event, of an entry of a list. */
const fieldIn = (fields: ReadonlyArray<CatalogueField>, place: string, path: string): Field => ({
  place: `${place}.${path}`,
  folded: `${place}.folded.${path}`,
  type: fields.find((field) => field.path === path)?.type
})

export const filtersMql = (
  fields: ReadonlyArray<CatalogueField>,
  place: string,
  filters: ReadonlyArray<Filter> | undefined,
  { at, timeZone, orderOf }: Now
): ReadonlyArray<Mql> =>
  (filters ?? []).map((filter) => filterMql(fieldIn(fields, place, filter.field), filter, at, timeZone, orderOf))

const insideMql = ({ last, from, until }: Window, { at, timeZone }: Now): ReadonlyArray<Mql> => [
  ...(last === undefined ? [] : [inIntervals("$$event.at", instantsOf("IN_LAST", last, at, timeZone))]),
  ...(from === undefined ? [] : [{ $gte: ["$$event.at", from] }]),
  ...(until === undefined ? [] : [{ $lt: ["$$event.at", until] }])
]

const fieldsOf = (event: string): ReadonlyArray<CatalogueField> => catalogue.events.get(event)?.fields ?? []

const eventsMql = ({ event, where, window = {} }: Count | Sum | EndmostEvent, now: Now): Mql => ({
  $filter: {
    input: "$events",
    as: "event",
    cond: both([
      { $eq: ["$$event.type", literal(event)] },
      ...insideMql(window, now),
      ...filtersMql(fieldsOf(event), "$$event", where, now)
    ])
  }
})

const sumMql = (events: Mql, field: string): Mql => ({
  $reduce: { input: events, initialValue: 0, in: { $add: ["$$value", { $ifNull: [`$$this.${field}`, 0] }] } }
})

const changeMql = (change: Change, { subject, present, list }: Tracked, wanted: Scalar) => {
  const { event, only, property, value } = change
  const applies = both([
    { $eq: ["$$this.type", literal(event)] },
    ...(only === undefined ? [] : [{ $eq: [`$$this.${only.property}`, literal(only.value)] }]),
    ...(subject === undefined ? [] : [{ $eq: [`$$this.${subject}`, literal(wanted)] }]),
    ...(property === undefined ? [] : [{ $ne: [{ $ifNull: [`$$this.${property}`, null] }, null] }])
  ])
  const became = property === undefined ? literal(value) : `$$this.${property}`
  const is = list === true ? { $in: [literal(wanted), became] } : { $eq: [became, literal(present ?? wanted)] }
  return { applies, is }
}

/** Of a `$switch`: written as a name, the second part would be taken for a promise's. */
const branch = (...parts: readonly [when: Mql, outcome: unknown]): Mql =>
  Object.fromEntries(["case", "then"].map((name, index) => [name, parts[index]]))

/** In place of an instant: it is not so. A number like any other, for engines differ in what they do with none. */
const notSo = -1

/** Of who she is: it is so in her profile, and the last event that may have changed it is old enough. */
const profileMql = ({ field, value, state, span }: HasBeen, { at, timeZone }: Now): Mql => {
  const noted = `$$this.${notedAs(state)}`
  // Of the first updates it is not known what they changed.
  const isNamed = { $in: [literal(field), { $ifNull: [noted, [literal(field)]] }] }
  const isChange = either([
    { $eq: ["$$this.type", literal(profileBegin)] },
    both([{ $eq: ["$$this.type", literal(profileChange)] }, isNamed])
  ])
  const since = {
    $reduce: {
      input: "$events",
      initialValue: notSo,
      in: { $switch: { branches: [branch(isChange, "$$this.at")], default: "$$value" } }
    }
  }
  const now = { $ifNull: [`$${placeOf(field).join(".")}`, null] }
  const isLongEnough = inIntervals("$$since", instantsOf("LONGER_AGO", span, at, timeZone))
  return both([
    { $ne: [now, null] },
    ...(value === undefined ? [] : [{ $eq: [now, literal(value)] }]),
    { $let: { vars: { since }, in: both([{ $ne: ["$$since", notSo] }, isLongEnough]) } }
  ])
}

const hasBeenMql = (condition: HasBeen, now: Now): Mql => {
  const { field, value = "", span } = condition
  if (isOfProfile(field)) return profileMql(condition, now)
  const { at, timeZone } = now
  const tracked = trackedFields[field] ?? { changes: [] }
  const changes = tracked.changes.map((change) => changeMql(change, tracked, value))
  const since = {
    $reduce: {
      input: "$events",
      initialValue: notSo,
      in: {
        $switch: {
          branches: [
            branch(either(changes.map(({ applies, is }) => both([applies, is]))), {
              $switch: { branches: [branch({ $eq: ["$$value", notSo] }, "$$this.at")], default: "$$value" }
            }),
            branch(either(changes.map(({ applies }) => applies)), notSo)
          ],
          default: "$$value"
        }
      }
    }
  }
  const isLongEnough = inIntervals("$$since", instantsOf("LONGER_AGO", span, at, timeZone))
  return { $let: { vars: { since }, in: both([{ $ne: ["$$since", notSo] }, isLongEnough]) } }
}

export const eventConditionMql = (condition: OfEvents, now: Now): Mql => {
  switch (condition.type) {
    case "COUNT":
      return measured({ $size: eventsMql(condition, now) }, condition.operator, condition.value)
    case "SUM":
      return measured(sumMql(eventsMql(condition, now), condition.field), condition.operator, condition.value)
    case "LAST":
    case "FIRST": {
      const place = condition.type === "LAST" ? -1 : 0
      const found = { $ifNull: [{ $arrayElemAt: [eventsMql(condition, now), place] }, null] }
      const passes = filtersMql(fieldsOf(condition.event), "$$found", condition.is, now)
      return { $let: { vars: { found }, in: both([{ $ne: ["$$found", null] }, ...passes]) } }
    }
    case "HAS_BEEN":
      return hasBeenMql(condition, now)
  }
}

/** A condition that needs to know what happened. */
export type OfEvents = Count | Sum | EndmostEvent | HasBeen

/** The fields of events, beside type and time, that a condition reads. */
export const readsOf = (condition: OfEvents): ReadonlyArray<string> => {
  if (condition.type === "HAS_BEEN" && isOfProfile(condition.field)) return [notedAs(condition.state)]
  if (condition.type === "HAS_BEEN") {
    const { changes = [], subject } = trackedFields[condition.field] ?? {}
    return [
      ...(subject === undefined ? [] : [subject]),
      ...changes.flatMap(({ property, only }) => [property, only?.property]).filter((name) => name !== undefined)
    ]
  }
  return [
    ...filtersOf(condition).flatMap(({ type, field }) => (type === "TEXT" ? [field, `folded.${field}`] : [field])),
    ...(condition.type === "SUM" ? [condition.field] : [])
  ]
}
