/**
 * The facts of an event as a caller gives them, so that a template can speak of it: under the names that the catalogue has,
 * amounts decimals and instants epoch seconds, like everything else at the doors. The domain has minor units and epoch
 * milliseconds. What no template could say, or what is not what its name stands for, is named by its place.
 */
import type { FactForm, FactObject, FactValue } from "#domain/segment/FactForm.ts"
import { eventForms } from "#domain/segment/EventForms.ts"
import * as Effect from "effect/Effect"
import { type Fault, type FieldFault, invalid } from "../door/Fault.ts"
import { Amounts, secondsMax } from "./Fields.ts"

/** For the OpenAPI description of what takes them. */
export const eventValuesRules =
  "They stand under the names of the event's fields, as listTemplateTags has them behind EVENT. in capitals " +
  '(`{"amount":12.5}` for #EVENT.AMOUNT#): amounts as decimals of the `currency` that is given with them, else of the ' +
  "business's; instants as epoch seconds; lists as arrays of texts. Of a template for several events, `type` says which one. " +
  "A name that no event of the template has and a value of another type are refused."

/** What was read, or what is wanted in its place. */
type Reading = { readonly value: FactValue } | { readonly wanted: string }

const isText = (value: unknown): value is string => typeof value === "string"

const readAmount = (value: unknown, currency: string): Reading => {
  if (typeof value !== "number") return { wanted: `An amount is needed, a decimal number of ${currency}.` }
  const amounts = new Amounts(currency)
  const amount = amounts.read("", value)
  return amount === undefined
    ? { wanted: amounts.fault?.faults?.[0]?.rule ?? "An amount is needed." }
    : { value: Number(amount) }
}

const readInstant = (value: unknown): Reading =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= secondsMax
    ? { value: value * 1_000 }
    : { wanted: `An instant is needed: whole epoch seconds from 0 to ${secondsMax}.` }

const read = (form: FactForm, value: unknown, currency: string): Reading => {
  switch (form.kind) {
    case "AMOUNT":
      return readAmount(value, currency)
    case "INSTANT":
      return readInstant(value)
    case "NUMBER":
      return typeof value === "number" && Number.isFinite(value) ? { value } : { wanted: "A number is needed." }
    case "BOOLEAN":
      return typeof value === "boolean" ? { value } : { wanted: "true or false is needed." }
    case "TEXT":
      return isText(value) ? { value } : { wanted: "A text is needed." }
    case "ENUM":
      return isText(value) && form.values.includes(value)
        ? { value }
        : { wanted: `One of these is needed: ${form.values.join(", ")}.` }
    case "LIST":
      return Array.isArray(value) && value.every(isText) ? { value } : { wanted: "An array of texts is needed." }
    // No event has them.
    case "DATE":
    case "MONTH_DAY":
    case "NAME_DAY":
    case "RECORD":
    case "STRUCT":
      return { wanted: "Nothing can stand here." }
  }
}

/** By the forms that events have it in: they differ in their enumerations. */
const readAny = (forms: ReadonlyArray<FactForm>, value: unknown, currency: string): Reading => {
  const readings = forms.map((form) => read(form, value, currency))
  return readings.find((reading) => "value" in reading) ?? readings[0] ?? { wanted: "Nothing can stand here." }
}

interface Asked {
  /** Where they stand in the body. */
  readonly pointer: string
  /** Types of events that the template speaks of. */
  readonly events: ReadonlyArray<string>
  /** Of the contact, in which amounts are that say no other. */
  readonly currency: string
}

const fieldsOf = (types: ReadonlyArray<string>): ReadonlyMap<string, ReadonlyArray<FactForm>> => {
  const fields = types.flatMap((type) => eventForms.get(type)?.fields ?? [])
  return new Map(
    Array.from(
      Map.groupBy(fields, ({ name }) => name),
      ([name, same]) => [name, same.map(({ form }) => form)]
    )
  )
}

const typeFault = (type: unknown, { pointer, events }: Asked): FieldFault | undefined =>
  type === undefined || (isText(type) && events.includes(type))
    ? undefined
    : {
        pointer: `${pointer}/type`,
        rule: `One of the template's events is needed: ${events.join(", ") || "it has none"}.`
      }

const unknownName = (types: ReadonlyArray<string>, names: Iterable<string>): string =>
  types.length === 0
    ? "The template speaks of no event, so nothing can be said of one."
    : `${types.join(", ")} has no field of this name. There are: ${[...names].join(", ")}.`

const escaped = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1")

/** As the domain has them, or every place that is wrong. */
export const readEventValues = (
  given: Readonly<Record<string, unknown>> | undefined,
  asked: Asked
): Effect.Effect<FactObject | undefined, Fault> => {
  if (given === undefined) return Effect.succeed(undefined)
  const { pointer, events } = asked
  const { type, ...values } = given
  const wrongType = typeFault(type, asked)
  if (wrongType !== undefined) return Effect.fail(invalid([wrongType]))
  const types = isText(type) ? [type] : events
  const fields = fieldsOf(types)
  const own = values["currency"]
  const currency = isText(own) && /^[A-Z]{3}$/.test(own) ? own : asked.currency
  const faults: Array<FieldFault> = []
  const facts: { [name: string]: FactValue } = isText(type) ? { type } : {}
  for (const [name, value] of Object.entries(values)) {
    const forms = fields.get(name)
    const reading: Reading =
      forms === undefined ? { wanted: unknownName(types, fields.keys()) } : readAny(forms, value, currency)
    if ("value" in reading) facts[name] = reading.value
    else faults.push({ pointer: `${pointer}/${escaped(name)}`, rule: reading.wanted })
  }
  if ("currency" in facts && facts["currency"] !== currency) {
    faults.push({ pointer: `${pointer}/currency`, rule: "An ISO 4217 currency code is needed." })
  }
  return faults.length === 0 ? Effect.succeed(facts) : Effect.fail(invalid(faults))
}
