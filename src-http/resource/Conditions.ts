/**
 * Conditions as they stand at the doors: amounts are decimals in the business's currency and instants epoch seconds, like
 * everything else there; the algebra has minor units and epoch milliseconds. Which number is which the catalogue says.
 * What the catalogue does not know passes as it is: the type check names it.
 */
import { catalogue, type CatalogueField, type FieldType, locate } from "#domain/segment/Catalogue.ts"
import type { Condition, ConditionSets, Filter, Plain, Scalar, Window } from "#domain/segment/Condition.ts"
import type { ConditionExplained, SetExplained } from "#domain/segment/Explain.ts"
import type { FactValue } from "#domain/segment/FactForm.ts"
import { toDecimal } from "#domain/shared/Money.ts"
import * as Effect from "effect/Effect"
import { type Fault, type FieldFault, invalid } from "../door/Fault.ts"
import { Amounts, epoch, secondsMax } from "./Fields.ts"

type Fields = ReadonlyArray<CatalogueField>

/** What becomes of the numbers on their way; the pointer names the place of an amount. */
interface Way {
  readonly amount: (value: number, pointer: string) => number
  readonly instant: (value: number, pointer: string) => number
}

const typeOf = (fields: Fields, path: string): FieldType | undefined => locate(fields, path)?.field.type

const number = (way: Way, type: FieldType | undefined, value: number, pointer: string): number => {
  if (type === "AMOUNT") return way.amount(value, pointer)
  return type === "INSTANT" ? way.instant(value, pointer) : value
}

const scalar = (way: Way, type: FieldType | undefined, value: Scalar, pointer: string): Scalar =>
  typeof value === "number" ? number(way, type, value, pointer) : value

const filter = <F extends Filter | Plain>(way: Way, fields: Fields, condition: F, pointer: string): F => {
  switch (condition.type) {
    case "COMPARISON": {
      const { value } = condition
      const type = typeOf(fields, condition.field)
      const at = `${pointer}/value`
      return {
        ...condition,
        value:
          typeof value === "object"
            ? value.map((each, index) => scalar(way, type, each, `${at}/${index}`))
            : scalar(way, type, value, at)
      }
    }
    case "DATE":
      return { ...condition, at: way.instant(condition.at, `${pointer}/at`) }
    default:
      return condition
  }
}

const filters = (way: Way, fields: Fields, all: ReadonlyArray<Filter>, pointer: string): ReadonlyArray<Filter> =>
  all.map((each, index) => filter(way, fields, each, `${pointer}/${index}`))

const window = ({ instant }: Way, { last, from, until }: Window, pointer: string): Window => ({
  ...(last !== undefined && { last }),
  ...(from !== undefined && { from: instant(from, `${pointer}/from`) }),
  ...(until !== undefined && { until: instant(until, `${pointer}/until`) })
})

const ofEvents = (way: Way, condition: Extract<Plain, { readonly event: string }>, pointer: string): Plain => {
  const fields = catalogue.events.get(condition.event)?.fields ?? []
  const common = {
    ...(condition.where !== undefined && { where: filters(way, fields, condition.where, `${pointer}/where`) }),
    ...(condition.window !== undefined && { window: window(way, condition.window, `${pointer}/window`) })
  }
  switch (condition.type) {
    case "COUNT":
      return { ...condition, ...common }
    case "SUM": {
      const type = typeOf(fields, condition.field)
      return { ...condition, ...common, value: number(way, type, condition.value, `${pointer}/value`) }
    }
    case "LAST":
    case "FIRST":
      return { ...condition, ...common, is: filters(way, fields, condition.is, `${pointer}/is`) }
  }
}

const plain = (way: Way, condition: Plain, pointer: string): Plain => {
  if ("event" in condition) return ofEvents(way, condition, pointer)
  switch (condition.type) {
    case "ANY": {
      const fields = locate(catalogue.fields, condition.field)?.field.fields ?? []
      return { ...condition, where: filters(way, fields, condition.where, `${pointer}/where`) }
    }
    case "HAS_BEEN": {
      const { field, value } = condition
      const at = `${pointer}/value`
      return value === undefined
        ? condition
        : { ...condition, value: scalar(way, typeOf(catalogue.fields, field), value, at) }
    }
    default:
      return filter(way, catalogue.fields, condition, pointer)
  }
}

const oneWay = (way: Way, condition: Condition, pointer: string): Condition =>
  condition.type === "NOT"
    ? { type: "NOT", condition: plain(way, condition.condition, `${pointer}/condition`) }
    : plain(way, condition, pointer)

const all = (way: Way, sets: ConditionSets, pointer: string): ConditionSets =>
  sets.map(({ conditions }, set) => ({
    conditions: conditions.map((each, index) => oneWay(way, each, `${pointer}/${set}/conditions/${index}`))
  }))

/** What a caller means; a number that cannot be an amount of the currency, or an instant, is named by its place. */
export const readConditions = (
  pointer: string,
  sets: ConditionSets,
  currency: string
): Effect.Effect<ConditionSets, Fault> => {
  const amounts = new Amounts(currency)
  const amount = (value: number, place: string): number => Number(amounts.read(place, value) ?? 0n)
  const notInstants: Array<FieldFault> = []
  const instant = (seconds: number, place: string): number => {
    if (Math.abs(seconds) > secondsMax) {
      const rule = `${seconds} is not an instant: seconds since 1970 (before it, negative), at most ${secondsMax}.`
      notInstants.push({ pointer: place, rule })
    }
    return seconds * 1_000
  }
  const meant = all({ amount, instant }, sets, pointer)
  if (notInstants.length > 0) return Effect.fail(invalid(notInstants))
  return amounts.fault === undefined ? Effect.succeed(meant) : Effect.fail(amounts.fault)
}

const shownAmount =
  (currency: string) =>
  (value: number): number =>
    toDecimal(BigInt(Math.round(value)), currency)

export const shownConditions = (sets: ConditionSets, currency: string): ConditionSets =>
  all({ amount: shownAmount(currency), instant: epoch }, sets, "")

/** What a condition finds: of which type it is, if it is one number. */
const foundType = (condition: Plain): FieldType | undefined => {
  switch (condition.type) {
    case "HAS_BEEN":
    case "MEMBER":
      return "INSTANT"
    case "SUM":
      return typeOf(catalogue.events.get(condition.event)?.fields ?? [], condition.field)
    case "COUNT":
    case "LAST":
    case "FIRST":
      return undefined
    default:
      return typeOf(catalogue.fields, condition.field)
  }
}

const shownObject = (way: Way, fields: Fields, value: FactValue, prefix: string): FactValue => {
  if (Array.isArray(value)) return value.map((each: FactValue) => shownObject(way, fields, each, prefix))
  if (typeof value === "number") return number(way, typeOf(fields, prefix), value, "")
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      name,
      shownObject(way, fields, each, prefix === "" ? name : `${prefix}.${name}`)
    ])
  )
}

const shownActual = (way: Way, condition: Plain, actual: FactValue): FactValue => {
  if (typeof actual === "number") return number(way, foundType(condition), actual, "")
  if (condition.type === "LAST" || condition.type === "FIRST") {
    return shownObject(way, catalogue.events.get(condition.event)?.fields ?? [], actual, "")
  }
  const fields = "field" in condition ? locate(catalogue.fields, condition.field)?.field.fields : undefined
  return fields === undefined ? actual : shownObject(way, fields, actual, "")
}

/** Why a contact is in or not, in the numbers of the door. */
export const shownExplanation = (sets: ReadonlyArray<SetExplained>, currency: string): ReadonlyArray<SetExplained> => {
  const way: Way = { amount: shownAmount(currency), instant: epoch }
  const shown = ({ holds, expected, actual, until }: ConditionExplained): ConditionExplained => ({
    holds,
    expected: oneWay(way, expected, ""),
    ...(actual !== undefined && {
      actual: shownActual(way, expected.type === "NOT" ? expected.condition : expected, actual)
    }),
    ...(until !== undefined && { until: epoch(until) })
  })
  return sets.map(({ holds, conditions }) => ({ holds, conditions: conditions.map(shown) }))
}
