/**
 * Which tags there are: every fact of a contact under its path in capitals (`#FIRST_NAME#`, `#WALLET.BALANCE#`,
 * `#CUSTOM_FIELDS.SHOE_SIZE#`), those of the events that a template is about (`#EVENT.AMOUNT#`), and what the message itself
 * brings: links and the day. They follow from the facts that segments know, so a new fact is a tag without more code.
 */
import type { FactField, FactForm, FactObject, FactValue } from "../segment/FactForm.ts"
import { type EventForm, eventForms } from "../segment/EventForms.ts"
import { profileFields } from "../segment/Facts.ts"
import { nextKept, yearlyOf } from "../segment/Yearly.ts"
import { dayOf } from "../shared/CivilDate.ts"
import { DateValue, MoneyValue, NumberValue, type Reader, type Scope, type TagKind } from "./TagValue.ts"

export interface TagCatalogue {
  /** By path. */
  readonly contact: ReadonlyMap<string, TagKind>
  /** By the event's type. */
  readonly events: ReadonlyMap<string, ReadonlyMap<string, TagKind>>
}

/** Links that are made for the one message. */
export const linkNames = ["OPT_OUT", "OPT_IN", "VIEW", "CONSENT_ACCEPT", "CONSENT_WITHDRAW"] as const
export type LinkName = (typeof linkNames)[number]
export type LinkAddresses = Readonly<Partial<Record<LinkName, string>>>

const capitals = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_")

const kinds: Readonly<Record<Exclude<FactForm["kind"], "STRUCT">, TagKind>> = {
  TEXT: "TEXT",
  ENUM: "TEXT",
  NUMBER: "NUMBER",
  AMOUNT: "MONEY",
  BOOLEAN: "BOOLEAN",
  INSTANT: "INSTANT",
  DATE: "DATE",
  MONTH_DAY: "DATE",
  NAME_DAY: "DATE",
  LIST: "LIST",
  RECORD: "RECORD"
}

const pathsOf = (fields: ReadonlyArray<FactField>, prefix: string): ReadonlyArray<readonly [string, TagKind]> =>
  fields.flatMap(({ name, form }) => {
    const path = `${prefix}${capitals(name)}`
    return form.kind === "STRUCT" ? pathsOf(form.fields, `${path}.`) : [[path, kinds[form.kind]] as const]
  })

export const tagCatalogueOf = (
  fields: ReadonlyArray<FactField>,
  events: ReadonlyMap<string, EventForm>
): TagCatalogue => ({
  contact: new Map(pathsOf(fields, "")),
  events: new Map([...events].map(([type, form]) => [type, new Map(pathsOf(form.fields, "EVENT."))]))
})
export const tagCatalogue = tagCatalogueOf(profileFields, eventForms)

const ofTheMessage: ReadonlyArray<readonly [string, TagKind]> = [
  ["BUSINESS.NAME", "TEXT"],
  ["TODAY", "DATE"],
  ...linkNames.map((name) => [`LINK.${name}`, "TEXT"] as const)
]

/** What a template about these types of events may name; of several events, what any of them has. */
export const tagsFor = (
  { contact, events }: TagCatalogue,
  types: ReadonlyArray<string>
): ReadonlyMap<string, TagKind> =>
  new Map([...contact, ...types.flatMap((type) => [...(events.get(type) ?? [])]), ...ofTheMessage])

type Writable = Record<string, unknown>
/** Nothing is inherited, so nothing but what is put in can be read. */
const bare = (): Writable => Object.create(null) as Writable

interface Telling extends Reader {
  /** The local day, days since 1970-01-01. */
  readonly today: number
}

const dateOf = ({ year, month, day }: FactObject, reader: Reader): DateValue => {
  // A leap year, so that 29 February is a day of it.
  const known = typeof year === "number" ? year : 2000
  const date = dayOf({ year: known, month: Number(month), day: Number(day) })
  return typeof year === "number" ? DateValue.day(date, reader) : DateValue.anniversary(date, reader)
}

/** Of a feast that moves, the day on which it is kept next. */
const nameDayOf = (fact: FactObject, reader: Telling): DateValue => {
  const feast = "feast" in fact ? yearlyOf(fact, reader.timeZone) : undefined
  return feast === undefined ? dateOf(fact, reader) : DateValue.anniversary(nextKept(feast, reader.today), reader)
}

const valueOf = (form: FactForm, fact: FactValue | undefined, reader: Telling): unknown => {
  if (form.kind === "STRUCT") return scopeOf(form.fields, (fact ?? {}) as FactObject, reader)
  if (form.kind === "LIST") {
    return ((fact ?? []) as ReadonlyArray<FactValue>).map((each) => valueOf(form.of, each, reader))
  }
  if (form.kind === "RECORD") {
    const scope = bare()
    for (const [key, each] of Object.entries((fact ?? {}) as FactObject)) {
      scope[capitals(key)] = valueOf(form.of, each, reader)
    }
    return scope
  }
  if (fact === undefined || fact === null || fact === "") return undefined
  switch (form.kind) {
    case "AMOUNT":
      return new MoneyValue(BigInt(fact as number), reader.currency, reader.locale)
    case "NUMBER":
      return new NumberValue(fact as number, reader.locale)
    case "INSTANT":
      return DateValue.instant(fact as number, reader)
    case "DATE":
    case "MONTH_DAY":
      return dateOf(fact as FactObject, reader)
    case "NAME_DAY":
      return nameDayOf(fact as FactObject, reader)
    case "TEXT":
    case "ENUM":
    case "BOOLEAN":
      return fact
  }
}

export const scopeOf = (fields: ReadonlyArray<FactField>, facts: FactObject, reader: Telling): Writable => {
  const scope = bare()
  for (const { name, form } of fields) {
    const value = valueOf(form, facts[name], reader)
    if (value !== undefined) scope[capitals(name)] = value
  }
  return scope
}

/** Fields of events that are no tags of their own are read as what they are. */
const eventScope = (types: ReadonlyArray<string>, values: FactObject, reader: Telling): Scope => {
  const { currency } = values
  const inCurrency = typeof currency === "string" ? { ...reader, currency } : reader
  const type = typeof values["type"] === "string" ? values["type"] : undefined
  const fields = types
    .filter((each) => type === undefined || each === type)
    .flatMap((each) => eventForms.get(each)?.fields ?? [])
  return scopeOf(fields, values, inCurrency)
}

export interface Told {
  /** The facts of the contact (`profileDocument`). */
  readonly profile: FactObject
  /** The facts of the event (`eventDocuments`), where the message is about one. */
  readonly event: FactObject | undefined
  readonly events: ReadonlyArray<string>
  readonly businessName: string
  /** The local day, days since 1970-01-01. */
  readonly today: number
  readonly links: LinkAddresses
}

/** Everything that a template may say to this reader. */
export const scopeFor = (told: Told, reader: Reader): Writable => {
  const { profile, event, events, businessName, today, links } = told
  const link = bare()
  for (const name of linkNames) if (links[name] !== undefined) link[name] = links[name]
  const business = bare()
  business["NAME"] = businessName
  const telling = { ...reader, today }
  const scope = scopeOf(profileFields, profile, telling)
  scope["EVENT"] = eventScope(events, event ?? {}, telling)
  scope["LINK"] = link
  scope["BUSINESS"] = business
  scope["TODAY"] = DateValue.day(today, reader)
  return scope
}

/** The scope with values in the places of tags that have none. */
export const withDefaults = (scope: Writable, values: Readonly<Record<string, string>>): Scope => {
  for (const [tag, value] of Object.entries(values)) {
    const names = tag.split(".")
    const last = names.pop() ?? ""
    const inner = names.reduce<Writable | undefined>((outer, name) => outer?.[name] as Writable | undefined, scope)
    if (inner !== undefined && inner[last] === undefined) inner[last] = value
  }
  return scope
}
