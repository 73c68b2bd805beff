/**
 * Whether conditions make sense: every field and event is in the catalogue, every operator and value fits its type, every
 * segment is known, every regular expression may be kept. The first fault is named by its place (RFC 6901).
 */
import { type Catalogue, type CatalogueField, type FieldType, locate } from "./Catalogue.ts"
import type {
  Anniversary,
  Comparison,
  Condition,
  ConditionSets,
  Filter,
  HasBeen,
  Plain,
  Scalar,
  Span,
  TextCondition,
  Unit,
  Window
} from "./Condition.ts"
import { isOfProfile, isSingle, profilePaths } from "./ProfileChanges.ts"
import { fold } from "./TextFold.ts"
import { objectionToPattern } from "./TextPattern.ts"
import { trackedFields } from "./Tracked.ts"

export interface Objection {
  /** From the sets on: "/0/conditions/1/field". */
  readonly pointer: string
  readonly rule: string
}

type Verdict = Objection | undefined

const at = (pointer: string, rule: string): Objection => ({ pointer, rule })

/** A century of each. */
const amountMax: Readonly<Record<Unit, number>> = {
  MINUTES: 52_600_000,
  HOURS: 876_000,
  DAYS: 36_525,
  MONTHS: 1_200,
  YEARS: 100
}

const objectionToSpan = ({ amount, unit }: Span, pointer: string): Verdict =>
  amount > amountMax[unit] ? at(`${pointer}/amount`, `A span has at most ${amountMax[unit]} ${unit}.`) : undefined

const ordered: ReadonlySet<FieldType> = new Set(["NUMBER", "AMOUNT", "INSTANT"])

const objectionToScalar = (field: CatalogueField, value: Scalar, pointer: string): Verdict => {
  const { type, values } = field
  if (ordered.has(type)) {
    if (typeof value !== "number") return at(pointer, `${field.path} is a number.`)
    return type === "NUMBER" || Number.isSafeInteger(value) ? undefined : at(pointer, `${field.path} is an integer.`)
  }
  if (type === "BOOLEAN") return typeof value === "boolean" ? undefined : at(pointer, `${field.path} is true or false.`)
  if (typeof value !== "string") return at(pointer, `${field.path} is a text.`)
  return values === undefined || values.includes(value) ? undefined : at(pointer, `It is one of ${values.join(", ")}.`)
}

const objectionToEach = (field: CatalogueField, values: ReadonlyArray<Scalar>, pointer: string): Verdict => {
  for (const [index, value] of values.entries()) {
    const objection = objectionToScalar(field, value, `${pointer}/${index}`)
    if (objection !== undefined) return objection
  }
  return undefined
}

const plainTypes: ReadonlySet<FieldType> = new Set(["TEXT", "ENUM", "NUMBER", "AMOUNT", "INSTANT", "BOOLEAN"])

const objectionToComparison = (field: CatalogueField, condition: Comparison, pointer: string): Verdict => {
  const { operator, value } = condition
  if (!plainTypes.has(field.type)) return at(`${pointer}/field`, `${field.path} is not a single value to compare.`)
  if (operator === "IN" || operator === "NOT_IN") {
    return Array.isArray(value)
      ? objectionToEach(field, value, `${pointer}/value`)
      : at(`${pointer}/value`, `${operator} needs a list of values.`)
  }
  if (typeof value === "object") return at(`${pointer}/value`, `${operator} needs one value.`)
  if (operator !== "EQUAL" && operator !== "NOT_EQUAL" && !ordered.has(field.type)) {
    const other = field.path === "custom_fields" ? " As numbers they are custom_numbers, as dates custom_dates." : ""
    return at(`${pointer}/operator`, `${field.path} has no order.${other}`)
  }
  return objectionToScalar(field, value, `${pointer}/value`)
}

const needs = (field: CatalogueField, types: ReadonlyArray<FieldType>, pointer: string, what: string): Verdict =>
  types.includes(field.type) ? undefined : at(`${pointer}/field`, `${field.path} is no ${what}.`)

const objectionToFolded = (value: string): string | undefined =>
  fold(value) === "" ? "Nothing is left of the text without its accents." : undefined

/** Years that a calendar writes with four digits: no other day is reckoned with. */
const instants = { from: -62_135_596_800_000, until: 253_402_300_800_000 }

const objectionToInstant = (instant: number | undefined, pointer: string): Verdict =>
  instant === undefined || (instant >= instants.from && instant < instants.until)
    ? undefined
    : at(pointer, "An instant is of the years 1 to 9999.")

const objectionToText = (field: CatalogueField, { operator, value }: TextCondition, pointer: string): Verdict => {
  const rule = operator === "MATCHES" ? objectionToPattern(value) : objectionToFolded(value)
  return needs(field, ["TEXT"], pointer, "text") ?? (rule === undefined ? undefined : at(`${pointer}/value`, rule))
}

const objectionToAnniversary = (field: CatalogueField, { operator, value }: Anniversary, pointer: string): Verdict => {
  const wrongField = needs(field, ["DATE", "MONTH_DAY", "NAME_DAY", "INSTANT"], pointer, "date")
  if (wrongField !== undefined) return wrongField
  switch (operator) {
    case "TODAY":
    case "THIS_MONTH":
      return value === undefined ? undefined : at(`${pointer}/value`, `${operator} needs no value.`)
    case "IN_NEXT_DAYS":
      return value === undefined ? at(pointer, "IN_NEXT_DAYS needs a value, the days.") : undefined
    case "IN_MONTH":
      return value !== undefined && value >= 1 && value <= 12
        ? undefined
        : at(value === undefined ? pointer : `${pointer}/value`, "IN_MONTH needs a month from 1 to 12.")
  }
}

const objectionToFilter = (fields: ReadonlyArray<CatalogueField>, filter: Filter, pointer: string): Verdict => {
  const field = locate(fields, filter.field)?.field
  if (field === undefined) return at(`${pointer}/field`, `There is no field ${filter.field} here.`)
  switch (filter.type) {
    case "COMPARISON":
      return objectionToComparison(field, filter, pointer)
    case "EXISTENCE":
      return undefined
    case "TEXT":
      return objectionToText(field, filter, pointer)
    case "ANNIVERSARY":
      return objectionToAnniversary(field, filter, pointer)
    case "LIST":
      return (
        needs(field, ["LIST"], pointer, "list of texts") ?? objectionToEach(field, filter.values, `${pointer}/values`)
      )
    case "DATE":
      return needs(field, ["INSTANT", "DATE"], pointer, "date") ?? objectionToInstant(filter.at, `${pointer}/at`)
    case "RECENCY":
      return needs(field, ["INSTANT", "DATE"], pointer, "date") ?? objectionToSpan(filter.span, `${pointer}/span`)
  }
}

const objectionToFilters = (
  fields: ReadonlyArray<CatalogueField>,
  filters: ReadonlyArray<Filter>,
  pointer: string
): Verdict => {
  for (const [index, filter] of filters.entries()) {
    const objection = objectionToFilter(fields, filter, `${pointer}/${index}`)
    if (objection !== undefined) return objection
  }
  return undefined
}

const objectionToWindow = (window: Window | undefined, pointer: string): Verdict => {
  if (window?.last !== undefined) {
    const objection = objectionToSpan(window.last, `${pointer}/last`)
    if (objection !== undefined) return objection
  }
  const objection =
    objectionToInstant(window?.from, `${pointer}/from`) ?? objectionToInstant(window?.until, `${pointer}/until`)
  if (objection !== undefined) return objection
  return window?.from !== undefined && window.until !== undefined && window.from >= window.until
    ? at(`${pointer}/until`, "A window ends after it begins.")
    : undefined
}

type EventCondition = Extract<Plain, { readonly event: string }>

const objectionToEvents = (catalogue: Catalogue, condition: EventCondition, pointer: string): Verdict => {
  const event = catalogue.events.get(condition.event)
  if (event === undefined) return at(`${pointer}/event`, `There is no event ${condition.event}.`)
  const objection =
    objectionToFilters(event.fields, condition.where ?? [], `${pointer}/where`) ??
    objectionToWindow(condition.window, `${pointer}/window`)
  if (objection !== undefined) return objection
  switch (condition.type) {
    case "COUNT":
      return undefined
    case "SUM": {
      const field = locate(event.fields, condition.field)?.field
      return field?.type === "NUMBER" || field?.type === "AMOUNT"
        ? undefined
        : at(`${pointer}/field`, `${condition.event} has no number ${condition.field}.`)
    }
    case "LAST":
    case "FIRST":
      return objectionToFilters(event.fields, condition.is, `${pointer}/is`)
  }
}

/** Of who she is: by a value, or by what has become of it. */
const objectionToProfile = (field: CatalogueField, { value, state, span }: HasBeen, pointer: string): Verdict => {
  if ((value === undefined) === (state === undefined)) {
    return at(pointer, "It has been a value, or it has been THERE or UNCHANGED: one of them is needed.")
  }
  if (value !== undefined && !isSingle(field.path)) {
    return at(`${pointer}/value`, `${field.path} is no single value. That it has been THERE or UNCHANGED can be asked.`)
  }
  const objection = value === undefined ? undefined : objectionToScalar(field, value, `${pointer}/value`)
  return objection ?? objectionToSpan(span, `${pointer}/span`)
}

const objectionToHasBeen = (field: CatalogueField, condition: HasBeen, pointer: string): Verdict => {
  if (isOfProfile(field.path)) return objectionToProfile(field, condition, pointer)
  const { value, state, span } = condition
  const tracked = Object.hasOwn(trackedFields, field.path) ? trackedFields[field.path] : undefined
  if (tracked === undefined) {
    const known = [...Object.keys(trackedFields), ...profilePaths]
    return at(`${pointer}/field`, `Since when is known of ${known.join(", ")} only.`)
  }
  if (state !== undefined) return at(`${pointer}/state`, `${field.path} is asked for by a value.`)
  if (value === undefined) return at(pointer, "HAS_BEEN needs a value.")
  return objectionToScalar(field, value, `${pointer}/value`) ?? objectionToSpan(span, `${pointer}/span`)
}

const objectionToPlain = (
  condition: Plain,
  catalogue: Catalogue,
  isSegment: (id: string) => boolean,
  pointer: string
): Verdict => {
  if (condition.type === "MEMBER") {
    const { segment, for: lasting } = condition
    if (!isSegment(segment)) return at(`${pointer}/segment`, `There is no segment ${segment}.`)
    return lasting && objectionToSpan(lasting.span, `${pointer}/for/span`)
  }
  if ("event" in condition) return objectionToEvents(catalogue, condition, pointer)
  const field = locate(catalogue.fields, condition.field)?.field
  if (field === undefined) return at(`${pointer}/field`, `A contact has no field ${condition.field}.`)
  switch (condition.type) {
    case "ANY":
      return (
        needs(field, ["ENTRIES"], pointer, "list of entries") ??
        objectionToFilters(field.fields ?? [], condition.where, `${pointer}/where`)
      )
    case "HAS_BEEN":
      return objectionToHasBeen(field, condition, pointer)
    case "COMPARISON":
    case "EXISTENCE":
    case "TEXT":
    case "LIST":
    case "DATE":
    case "RECENCY":
    case "ANNIVERSARY":
      return objectionToFilter(catalogue.fields, condition, pointer)
  }
}

/** The first thing that makes no sense; `isSegment` tells the segments that may be asked for. */
export const objectionTo = (
  sets: ConditionSets,
  catalogue: Catalogue,
  isSegment: (id: string) => boolean
): Objection | undefined => {
  const check = (condition: Condition, pointer: string): Verdict =>
    condition.type === "NOT"
      ? objectionToPlain(condition.condition, catalogue, isSegment, `${pointer}/condition`)
      : objectionToPlain(condition, catalogue, isSegment, pointer)
  for (const [set, { conditions }] of sets.entries()) {
    for (const [index, condition] of conditions.entries()) {
      const objection = check(condition, `/${set}/conditions/${index}`)
      if (objection !== undefined) return objection
    }
  }
  return undefined
}
