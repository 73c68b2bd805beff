/**
 * Sets of conditions as one aggregation pipeline on `profiles`, for a MongoDB server of version 6 or later and for the
 * embedded segment store alike: it yields `{ _id }` of every contact who is in at the instant, and means exactly what
 * `Reference.ts` says. Only the stages and operators listed here are used. The zones of the contacts have to be known: all
 * that is of the calendar is reckoned here.
 */
import { catalogue, type FieldType, locate } from "#domain/segment/Catalogue.ts"
import type {
  Anniversary,
  AnyEntry,
  Comparison,
  Condition,
  ConditionSet,
  ConditionSets,
  Filter,
  ListCondition,
  Member,
  Plain,
  TextCondition
} from "#domain/segment/Condition.ts"
import { dependsOn, filtersOf, plainOf } from "#domain/segment/Dependencies.ts"
import { placeOf } from "#domain/segment/FactAccess.ts"
import { later } from "#domain/segment/Periods.ts"
import { fold } from "#domain/segment/TextFold.ts"
import { civilOf } from "#domain/shared/CivilDate.ts"
import { eventConditionMql, filtersMql, type Now, type OfEvents, readsOf } from "./MqlEvents.ts"
import { both, type Field, filterMql, intervalsOf, type Mql, patternOf } from "./MqlFilter.ts"

type Query = Mql

/** Of no contact. */
const never: Query = { _id: { $in: [] } }
const any = (queries: ReadonlyArray<Query>): Query => {
  const [only] = queries
  if (only === undefined) return never
  return queries.length === 1 ? only : { $or: queries }
}
const all = (queries: ReadonlyArray<Query>): Query => {
  const [only] = queries
  if (only === undefined) return {}
  return queries.length === 1 ? only : { $and: queries }
}

const operators = {
  EQUAL: "$eq",
  NOT_EQUAL: "$ne",
  GREATER: "$gt",
  GREATER_OR_EQUAL: "$gte",
  LESS: "$lt",
  LESS_OR_EQUAL: "$lte",
  IN: "$in",
  NOT_IN: "$nin"
} as const satisfies Record<Comparison["operator"], string>
const listOperators = {
  HAS_ANY: "$in",
  HAS_ALL: "$all",
  HAS_NONE: "$nin"
} as const satisfies Record<ListCondition["operator"], string>

const textQuery = (path: string, condition: TextCondition): Query => {
  const { operator, value } = condition
  if (operator === "IS") return { [`folded.${path}`]: { $eq: fold(value) } }
  return { [operator === "MATCHES" ? path : `folded.${path}`]: { $regex: patternOf(condition) } }
}

const fieldOf = (path: string, type: FieldType | undefined): Field => ({
  place: `$${path}`,
  folded: `$folded.${path}`,
  type
})

const anniversaryQuery = (path: string, condition: Anniversary, { at, timeZone, orderOf }: Now): Query => {
  const { operator, value = 0 } = condition
  const type = locate(catalogue.fields, condition.field)?.field.type
  if ((type === "DATE" || type === "MONTH_DAY") && operator === "IN_MONTH") return { [`${path}.month`]: { $eq: value } }
  return { $expr: filterMql(fieldOf(path, type), condition, at, timeZone, orderOf) }
}

const anyQuery = (path: string, { where, field }: AnyEntry, now: Now): Query => {
  const fields = locate(catalogue.fields, field)?.field.fields ?? []
  const cond = both(filtersMql(fields, "$$entry", where, now))
  // The same entries, with their texts folded; only where more than their case goes.
  const asText = where.some(({ type }) => type === "TEXT") ? [`$folded.${path}`] : []
  const input = { $ifNull: [...asText, `$${path}`, []] }
  return { $expr: { $gt: [{ $size: { $filter: { input, as: "entry", cond } } }, 0] } }
}

type OfProfile = Extract<Plain, { readonly type: "COMPARISON" | "EXISTENCE" | "LIST" | "DATE" | "RECENCY" }>

const profileQuery = (path: string, condition: OfProfile, { at, timeZone, orderOf }: Now): Query => {
  const type = locate(catalogue.fields, condition.field)?.field.type
  switch (condition.type) {
    case "COMPARISON":
      return { [path]: { [operators[condition.operator]]: condition.value } }
    case "EXISTENCE":
      if (type === "LIST" || type === "ENTRIES") return { [`${path}.0`]: { $exists: condition.exists } }
      return { [path]: { [condition.exists ? "$ne" : "$eq"]: null } }
    case "LIST":
      return { [path]: { [listOperators[condition.operator]]: condition.values } }
    case "DATE":
    case "RECENCY": {
      if (type === "DATE") {
        return { $expr: filterMql(fieldOf(path, type), condition, at, timeZone, orderOf) }
      }
      return any(
        intervalsOf(condition, at, timeZone).map(({ from, to }) => ({
          [path]: { ...(from !== -Infinity && { $gte: from }), ...(to === Infinity ? { $gte: from } : { $lt: to }) }
        }))
      )
    }
  }
}

/** The members of another segment at the same instant, each with since when she has been one. */
export type MembersOf = (segmentId: string) => ReadonlyMap<string, number>

export interface MqlOptions {
  readonly business: string
  readonly at: number
  /** Of the business's contacts. The first is taken for a contact with a zone that is not among them. */
  readonly zones: readonly [string, ...ReadonlyArray<string>]
  readonly members: MembersOf
}

const eventTypes: ReadonlySet<string> = new Set<OfEvents["type"]>(["COUNT", "SUM", "LAST", "FIRST", "HAS_BEEN"])
const isOfEvents = (condition: Plain): condition is OfEvents => eventTypes.has(condition.type)

const memberQuery = ({ segment, for: lasting }: Member, members: MembersOf, { at, timeZone }: Now): Query => {
  const all = [...members(segment)]
  const those =
    lasting === undefined
      ? all
      : all.filter(([, since]) => later(since, lasting.span, timeZone) <= at === (lasting.operator === "AT_LEAST"))
  return { _id: { $in: those.map(([contact]) => contact) } }
}

const plainQuery = (condition: Plain, members: MembersOf, now: Now): Query => {
  switch (condition.type) {
    case "MEMBER":
      return memberQuery(condition, members, now)
    case "COUNT":
    case "SUM":
    case "LAST":
    case "FIRST":
    case "HAS_BEEN":
      return { $expr: eventConditionMql(condition, now) }
    case "COMPARISON":
    case "EXISTENCE":
    case "LIST":
    case "DATE":
    case "RECENCY":
      return profileQuery(placeOf(condition.field).join("."), condition, now)
    case "TEXT":
      return textQuery(placeOf(condition.field).join("."), condition)
    case "ANNIVERSARY":
      return anniversaryQuery(placeOf(condition.field).join("."), condition, now)
    case "ANY":
      return anyQuery(placeOf(condition.field).join("."), condition, now)
  }
}

const orderOf = (day: number): number => {
  if (!Number.isFinite(day)) return day
  const { year, month, day: dayOfMonth } = civilOf(day)
  return year * 10_000 + month * 100 + dayOfMonth
}

const isOfCalendar = ({ for: lasting }: Member): boolean =>
  lasting?.span.unit === "MONTHS" || lasting?.span.unit === "YEARS"

/** The same for every zone is said once; otherwise each contact is asked by her own. */
const zonedQuery = (condition: Plain, { at, zones, members }: MqlOptions): Query => {
  const [timeZone, ...others] = zones
  const usual = plainQuery(condition, members, { at, timeZone, orderOf })
  if (condition.type === "MEMBER" && !isOfCalendar(condition)) return usual
  const said = JSON.stringify(usual)
  const unusual = others.flatMap((zone) => {
    const query = plainQuery(condition, members, { at, timeZone: zone, orderOf })
    return JSON.stringify(query) === said ? [] : [{ zone, query }]
  })
  if (unusual.length === 0) return usual
  return any([
    ...unusual.map(({ zone, query }) => all([{ time_zone: { $eq: zone } }, query])),
    all([{ time_zone: { $nin: unusual.map(({ zone }) => zone) } }, usual])
  ])
}

const query = (condition: Condition, options: MqlOptions): Query =>
  condition.type === "NOT" ? { $nor: [zonedQuery(condition.condition, options)] } : zonedQuery(condition, options)

/** What can be said of the profiles alone, before anybody's events are fetched. */
const beforeEvents = (sets: ConditionSets, options: MqlOptions): Query => {
  const ofProfiles = sets.map(({ conditions }) => conditions.filter((condition) => !isOfEvents(plainOf(condition))))
  if (ofProfiles.some((conditions) => conditions.length === 0)) return {}
  return any(ofProfiles.map((conditions) => all(conditions.map((condition) => query(condition, options)))))
}

/** Of one set, what is left to ask when its profiles have been asked. */
const onEvents = ({ conditions }: ConditionSet): ConditionSet => ({
  conditions: conditions.filter((condition) => isOfEvents(plainOf(condition)))
})

const eventsStage = (sets: ConditionSets, { business, at }: MqlOptions): Mql => {
  const conditions = sets.flatMap(({ conditions }) => conditions).map(plainOf)
  const fields = conditions.filter(isOfEvents).flatMap(readsOf)
  return {
    $lookup: {
      from: "events",
      localField: "_id",
      foreignField: "contact",
      as: "events",
      pipeline: [
        { $match: { business: { $eq: business }, type: { $in: [...dependsOn(sets).events] }, at: { $lte: at } } },
        { $sort: { sequence: 1 } },
        { $project: { _id: 0, type: 1, at: 1, ...Object.fromEntries(fields.map((field) => [field, 1])) } }
      ]
    }
  }
}

/** What a filter on a date comes to in a pipeline, for each zone; and a list of members, which may differ in each. */
const bytesOf = (condition: Plain | Filter, members: MembersOf): number => {
  const { type } = condition
  if (type === "MEMBER" && isOfCalendar(condition)) return 200 + memberBytes * members(condition.segment).size
  if (type === "ANNIVERSARY") return 16_000
  return type === "RECENCY" || type === "HAS_BEEN" ? 1_000 : 200
}
/** A uuid in a list. */
const memberBytes = 48

/** About how large a pipeline is: a server takes none beyond 16 MiB. */
export const pipelineBytes = (sets: ConditionSets, zones: number, members: MembersOf): number => {
  const plain = sets.flatMap(({ conditions }) => conditions).map(plainOf)
  const dated = plain.reduce(
    (sum, condition) =>
      sum + [condition, ...filtersOf(condition)].reduce((bytes, each) => bytes + bytesOf(each, members), 1_000),
    0
  )
  return dated * zones + 4 * JSON.stringify(sets).length
}

export const pipelineOf = (sets: ConditionSets, options: MqlOptions): ReadonlyArray<Mql> => {
  const isBusiness = { business: { $eq: options.business } }
  const inAny = (sets: ConditionSets): Query =>
    any(sets.map(({ conditions }) => all(conditions.map((condition) => query(condition, options)))))
  const onlyId = { $project: { _id: 1 } }
  if (dependsOn(sets).events.size === 0) return [{ $match: all([isBusiness, inAny(sets)]) }, onlyId]
  return [
    { $match: all([isBusiness, beforeEvents(sets, options)]) },
    eventsStage(sets, options),
    { $match: sets.length === 1 ? inAny(sets.map(onEvents)) : inAny(sets) },
    onlyId
  ]
}
