/** Conditions by chance, about what the contacts of `SegmentContacts.ts` are like. */
import { catalogue, type CatalogueField } from "#domain/segment/Catalogue.ts"
import type { Condition, ConditionSets, Filter, Plain, Scalar, Window } from "#domain/segment/Condition.ts"
import { factAt, placeOf } from "#domain/segment/FactAccess.ts"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import { isSingle, profilePaths } from "#domain/segment/ProfileChanges.ts"
import { trackedFields } from "#domain/segment/Tracked.ts"
import { type Chance, day, names, near, owners, pools, span, tags, zones } from "./SegmentContacts.ts"

export const segmentIds = ["regulars", "staff"]

type Known = ReadonlyArray<ContactFacts>

/** Of the contacts, else by the field's type. */
const someValue = (chance: Chance, field: CatalogueField, found: ReadonlyArray<unknown>): Scalar => {
  const there = found.filter((value) => ["string", "number", "boolean"].includes(typeof value))
  if (there.length > 0 && chance.is(0.8)) return chance.one(there) as Scalar
  if (field.values !== undefined) return chance.one(field.values)
  if (field.type === "BOOLEAN") return chance.is(0.5)
  if (field.type === "TEXT" || field.type === "LIST") return chance.one([...names, ...tags, ""])
  return chance.one([0, 100, 1_000, -1])
}

const fitting = <A>(chance: Chance, made: ReadonlyArray<() => A>): A => chance.one(made)()

type Finder = (path: string) => ReadonlyArray<unknown>

const filter = (chance: Chance, field: CatalogueField, path: string, find: Finder, at: number): Filter => {
  const value = () => someValue(chance, field, find(path).flat())
  const numbers = ["NUMBER", "AMOUNT", "INSTANT"].includes(field.type)
  const plain = numbers || ["TEXT", "ENUM", "BOOLEAN"].includes(field.type)
  const existence = (): Filter => ({ type: "EXISTENCE", field: path, exists: chance.is(0.5) })
  const one = (): Filter => ({
    type: "COMPARISON",
    field: path,
    operator: chance.one(
      numbers ? ["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL"] : ["EQUAL", "NOT_EQUAL"]
    ),
    value: value()
  })
  const several = (): Filter => ({
    type: "COMPARISON",
    field: path,
    operator: chance.one(["IN", "NOT_IN"]),
    value: [value(), value()]
  })
  const list = (): Filter => ({
    type: "LIST",
    field: path,
    operator: chance.one(["HAS_ANY", "HAS_ALL", "HAS_NONE"]),
    values: [String(value()), String(value())].slice(chance.below(2))
  })
  const date = (): Filter => ({
    type: "DATE",
    field: path,
    operator: chance.one(["BEFORE", "AFTER"]),
    at: near(chance, at, chance.one(zones))
  })
  const recency = (): Filter => ({
    type: "RECENCY",
    field: path,
    operator: chance.one(["IN_LAST", "LONGER_AGO", "IN_NEXT"]),
    span: span(chance)
  })
  const there = find(path)
    .flat()
    .filter((value) => typeof value === "string")
  const text = (): Filter => {
    const whole = chance.is(0.8) && there.length > 0 ? chance.one(there) : chance.one(names)
    const letters = Array.from(whole)
    const from = chance.below(letters.length)
    const part = letters.slice(from, from + 1 + chance.below(4)).join("") || "α"
    const operator = chance.one(["IS", "CONTAINS", "STARTS_WITH", "ENDS_WITH"] as const)
    return {
      type: "TEXT",
      field: path,
      operator,
      value: chance.one([part, part.toUpperCase(), whole === "" ? "x" : whole])
    }
  }
  const matches = (): Filter => ({
    type: "TEXT",
    field: path,
    operator: "MATCHES",
    value: chance.one(["^Μ", "ς?$", "(?i)MARIA", String.raw`\s`, "[aα]$", String.raw`\pL+@`, "^[^$]*$", "(?:a|b)+"])
  })
  const anniversary = (): Filter => ({
    type: "ANNIVERSARY",
    field: path,
    ...chance.one([
      { operator: "TODAY" as const },
      { operator: "IN_NEXT_DAYS" as const, value: chance.one([0, 1, 7, 60, 366]) },
      { operator: "IN_MONTH" as const, value: 1 + chance.below(12) },
      { operator: "THIS_MONTH" as const }
    ])
  })
  const dated = ["INSTANT", "DATE", "MONTH_DAY", "NAME_DAY"].includes(field.type)
  return fitting(chance, [
    existence,
    ...(field.type === "TEXT" ? [text, text, text, matches] : []),
    ...(dated ? [anniversary, anniversary, anniversary] : []),
    ...(plain ? [one, one, several] : []),
    ...(field.type === "LIST" ? [list, list] : []),
    ...(field.type === "INSTANT" || field.type === "DATE" ? [date, recency, recency, recency, recency] : [])
  ])
}

const keys: Readonly<Record<string, ReadonlyArray<string>>> = {
  custom_numbers: ["shoe size", "children", "nothing"],
  custom_dates: ["wedding", "shoe size"],
  custom_fields: ["shoe size", "a.$b", "constructor", "0", "nothing"],
  "wallet.balance_by_pocket": ["BUSINESS"],
  "wallet.balance_by_pool": pools
}

const filters = (chance: Chance, fields: ReadonlyArray<CatalogueField>, find: Finder, at: number) =>
  Array.from({ length: chance.below(3) }, () => {
    const field = chance.one(fields)
    return filter(chance, field, field.path, find, at)
  })

const window = (chance: Chance, at: number): Window => {
  const from = near(chance, at, "UTC") - 400 * day
  return {
    ...(chance.is(0.6) && { last: span(chance) }),
    ...(chance.is(0.2) && { from }),
    ...(chance.is(0.2) && { until: Math.max(from + 1, near(chance, at, "UTC")) })
  }
}

const ofEvents = (chance: Chance, known: Known, at: number): Plain => {
  const type = chance.one([
    "PurchasePaid",
    "PurchasePaid",
    "FundsCredited",
    "TagsChanged",
    "ContactUpdated",
    "ConsentChanged"
  ])
  const fields = catalogue.events.get(type)?.fields ?? []
  const find: Finder = (path) =>
    known.flatMap(({ events }) => events.filter((event) => event.type === type).map((event) => event[path]))
  const where = filters(chance, fields, find, at)
  const about = { event: type, ...(chance.is(0.6) && { where }), ...(chance.is(0.7) && { window: window(chance, at) }) }
  const operator = chance.one(["EQUAL", "NOT_EQUAL", "GREATER", "GREATER_OR_EQUAL", "LESS", "LESS_OR_EQUAL"] as const)
  const number = fields.find((field) => field.type === "AMOUNT")?.path
  return fitting<Plain>(chance, [
    () => ({ type: "COUNT", ...about, operator, value: chance.below(4) }),
    () => ({ type: "LAST", ...about, is: filters(chance, fields, find, at) }),
    () => ({ type: "FIRST", ...about, is: filters(chance, fields, find, at) }),
    ...(number === undefined
      ? []
      : [() => ({ type: "SUM" as const, ...about, field: number, operator, value: chance.one([0, 100, 600, 1_500]) })])
  ])
}

/** Of who she is: often a field that the contacts have. */
const hasBeenHerself = (chance: Chance, known: Known): Plain => {
  const path = chance.is(0.7)
    ? chance.one(["email", "first_name", "demographics.gender", "demographics.date_of_birth"])
    : chance.one(profilePaths)
  const field = catalogue.fields.find((each) => each.path === path)
  const found = known.map(({ profile }) => factAt(profile, placeOf(path))).flat()
  const isValue = field !== undefined && isSingle(path) && chance.is(0.4)
  return {
    type: "HAS_BEEN",
    field: path,
    ...(isValue ? { value: someValue(chance, field, found) } : { state: chance.one(["THERE", "UNCHANGED"] as const) }),
    span: span(chance)
  }
}

/** Of every field of which it can be asked, whichever that are. */
const hasBeen = (chance: Chance, known: Known): Plain => {
  if (chance.is(0.4)) return hasBeenHerself(chance, known)
  const field = chance.one(catalogue.fields.filter(({ path }) => Object.hasOwn(trackedFields, path)))
  const { path } = field
  const found = known.map(({ profile }) => factAt(profile, placeOf(path))).flat()
  const value = path === "communities" ? chance.one(owners) : someValue(chance, field, found)
  return { type: "HAS_BEEN", field: path, value, span: span(chance) }
}

const ofField = (chance: Chance, known: Known, at: number): Plain => {
  const field = chance.one(catalogue.fields)
  const path = field.keyed === true ? `${field.path}.${chance.one(keys[field.path] ?? ["x"])}` : field.path
  const find: Finder = (wanted) => known.map(({ profile }) => factAt(profile, placeOf(wanted)))
  const entries = (): Plain => ({
    type: "ANY",
    field: path,
    where: filters(
      chance,
      field.fields ?? [],
      (name) =>
        find(path)
          .flat()
          .map((entry) => (entry as never)?.[name]),
      at
    )
  })
  if (field.type === "ENTRIES" && chance.is(0.8)) return entries()
  return filter(chance, field, path, find, at)
}

const member = (chance: Chance): Plain => ({
  type: "MEMBER",
  segment: chance.one(segmentIds),
  ...(chance.is(0.7) && { for: { operator: chance.one(["AT_LEAST", "LESS_THAN"] as const), span: span(chance) } })
})

const condition = (chance: Chance, known: Known, at: number): Condition => {
  const plain = fitting<Plain>(chance, [
    () => ofField(chance, known, at),
    () => ofField(chance, known, at),
    () => ofEvents(chance, known, at),
    () => hasBeen(chance, known),
    () => (chance.is(0.5) ? member(chance) : ofEvents(chance, known, at))
  ])
  return chance.is(0.2) ? { type: "NOT", condition: plain } : plain
}

/** Conditions about what these contacts are like. */
export const conditionSets = (chance: Chance, known: Known, at: number): ConditionSets =>
  Array.from({ length: 1 + chance.below(3) }, () => ({
    conditions: Array.from({ length: chance.one([0, 1, 1, 1, 2, 2, 3]) || (chance.is(0.9) ? 1 : 0) }, () =>
      condition(chance, known, at)
    )
  }))

/** Who is in the segments that conditions ask for, and since when. */
export const memberships = (chance: Chance, contacts: Known, at: number) => {
  const members = new Map(
    segmentIds.map((segment) => [
      segment,
      new Map(
        contacts.flatMap(({ profile }) =>
          chance.is(0.5) ? [[profile._id, Math.min(at, near(chance, at, chance.one(zones)))] as const] : []
        )
      )
    ])
  )
  const membersOf = (segment: string): ReadonlyMap<string, number> => members.get(segment) ?? new Map()
  return {
    membersOf,
    sinceOf:
      ({ profile }: ContactFacts) =>
      (segment: string) =>
        membersOf(segment).get(profile._id)
  }
}
