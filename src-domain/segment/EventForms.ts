/**
 * What happened to a contact as it can be asked for: the forms of the events that stand at her key, read off their schemas.
 * They are flat, and hold nothing personal.
 */
import type * as SchemaAST from "effect/SchemaAST"
import { AwardEvent } from "../award/Award.ts"
import { CommunityEvent } from "../community/CommunityEvent.ts"
import { ContactEvent, type ContactUpdated } from "../contact/ContactEvent.ts"
import { HeldEvent } from "../held/HeldEvent.ts"
import { PurchaseEvent } from "../purchase/PurchaseEvent.ts"
import { personalFields } from "../shared/Personal.ts"
import { fieldsOf, snakeCase, type FactField } from "./FactForm.ts"
import { namesOfChange, profileChange } from "./ProfileChanges.ts"

/** The domain's own doing, and what opens a wallet; what a purchase was awarded is asked for as the award that it is. */
const withheldEvents: ReadonlySet<string> = new Set([
  "TokenIssued",
  "TokenUsed",
  "WalletCodeRotated",
  "TimerArmed",
  "PurchaseAwarded",
  "PurchaseAwardReversed"
])
const withheldEventFields: ReadonlySet<string> = new Set([
  "_tag",
  "at",
  "fingerprint",
  "command_id",
  "payment_medium_identifier",
  "uncounts",
  "awards",
  "form",
  "generated",
  "business_time_zone",
  "revision",
  "judged_by"
])
/** Structs of which the fields stand at the top. */
const hoistedStructs: ReadonlySet<string> = new Set(["receipt", "membership", "award"])

export interface EventForm {
  readonly type: string
  /** Flat: plain values and lists of texts. */
  readonly fields: ReadonlyArray<FactField>
}

type Read = (source: unknown) => unknown

const under = (outer: Read, inner: Read): Read => {
  return (source) => {
    const value = outer(source)
    return value === undefined ? undefined : inner(value)
  }
}
const each = (outer: Read, inner: Read): Read => {
  return (source) => {
    const values = outer(source) as ReadonlyArray<unknown> | undefined
    return values?.map(inner).filter((value) => value !== undefined)
  }
}

/** A struct within becomes fields named for both; a list of structs becomes a list of each of its texts. */
export const flat = (prefix: string, { name, form, read }: FactField): ReadonlyArray<FactField> => {
  const full = `${prefix}${name}`
  switch (form.kind) {
    case "STRUCT": {
      const inside = hoistedStructs.has(name) ? prefix : `${full}_`
      return form.fields
        .filter((field) => !withheldEventFields.has(field.name))
        .flatMap((field) => flat(inside, { ...field, read: under(read, field.read) }))
    }
    case "LIST": {
      const { of } = form
      if (of.kind === "TEXT" || of.kind === "ENUM") return [{ name: full, form, read }]
      if (of.kind !== "STRUCT") return []
      return of.fields.flatMap((field) =>
        field.form.kind === "TEXT" || field.form.kind === "ENUM"
          ? [{ name: `${full}_${field.name}`, form: { kind: "LIST", of: field.form }, read: each(read, field.read) }]
          : []
      )
    }
    case "RECORD":
    case "DATE":
    case "MONTH_DAY":
    case "NAME_DAY":
      return []
    case "TEXT":
    case "ENUM":
    case "NUMBER":
    case "AMOUNT":
    case "BOOLEAN":
    case "INSTANT":
      return [{ name: full, form, read }]
  }
}

const tagOf = (ast: SchemaAST.Objects): string | undefined => {
  const tag = ast.propertySignatures.find(({ name }) => name === "_tag")?.type
  return tag?._tag === "Literal" ? String(tag.literal) : undefined
}

/** What a field is called in an event: `type` is named for what it is the type of. */
export const propertyIn = (event: string, name: string): string =>
  name === "type" ? `${/^[A-Z][a-z]*/.exec(event)?.[0].toLowerCase() ?? "event"}_type` : name

/** What is noted of a change of who she is. */
const namesOfProfile = (["changed", "added"] as const).map((name): FactField => ({
  name,
  form: { kind: "LIST", of: { kind: "TEXT" } },
  read: (event) => namesOfChange(event as typeof ContactUpdated.Type)[name]
}))
const withNames = (fields: ReadonlyArray<FactField>): ReadonlyArray<FactField> => [
  ...fields.filter(({ name }) => name !== "changed"),
  ...namesOfProfile
]

/** The forms of the events of a union of tagged structs. */
export const eventFormsOf = (ast: SchemaAST.AST): ReadonlyArray<EventForm> => {
  if (ast._tag === "Union") return ast.types.flatMap(eventFormsOf)
  const type = ast._tag === "Objects" ? tagOf(ast) : undefined
  if (ast._tag !== "Objects" || type === undefined || withheldEvents.has(type)) return []
  const hidden = new Set([...personalFields(ast).map(snakeCase), ...withheldEventFields])
  const fields = fieldsOf(ast)
    .filter(({ name }) => !hidden.has(name))
    .flatMap((field) => flat("", field))
    .map((field) => ({ ...field, name: propertyIn(type, field.name) }))
  return [{ type, fields: type === profileChange ? withNames(fields) : fields }]
}

const eventUnions = [ContactEvent, CommunityEvent, PurchaseEvent, AwardEvent, HeldEvent]
/** The events that stand at a contact's key and can be asked for. */
export const eventForms: ReadonlyMap<string, EventForm> = new Map(
  eventUnions.flatMap(({ ast }) => eventFormsOf(ast)).map((form) => [form.type, form])
)
