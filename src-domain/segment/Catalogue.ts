/**
 * What conditions, templates and exports may ask for: the fields of a contact and the events of its life, derived from the
 * forms of the facts and so from the domain's schemas. A field that is added there is here without more code.
 */
import { eventForms, type EventForm } from "./EventForms.ts"
import { profileFields } from "./Facts.ts"
import { type FactField, type FactForm, factKey } from "./FactForm.ts"

export type FieldType =
  | "TEXT"
  | "NUMBER"
  /** Minor units of the currency that stands beside it. */
  | "AMOUNT"
  | "BOOLEAN"
  /** Epoch milliseconds. */
  | "INSTANT"
  /** Year, month and day. */
  | "DATE"
  /** Month and day. */
  | "MONTH_DAY"
  /** Month and day, or the name of a feast that moves with Easter. */
  | "NAME_DAY"
  | "ENUM"
  /** Of texts. */
  | "LIST"
  /** A list of objects, each with `fields`. */
  | "ENTRIES"

export interface CatalogueField {
  /** "wallet.balance"; of a keyed field all but the key that ends it. */
  readonly path: string
  readonly type: FieldType
  /** What an ENUM, or a LIST of them, may be. */
  readonly values?: ReadonlyArray<string>
  readonly fields?: ReadonlyArray<CatalogueField>
  /** It is asked for as `path` with a key behind it: "custom_fields.shoe size". */
  readonly keyed?: true
}

export interface CatalogueEvent {
  readonly type: string
  readonly fields: ReadonlyArray<CatalogueField>
}

export interface Catalogue {
  readonly fields: ReadonlyArray<CatalogueField>
  readonly events: ReadonlyMap<string, CatalogueEvent>
}

const entriesOf = (path: string, form: FactForm): ReadonlyArray<CatalogueField> => {
  switch (form.kind) {
    case "STRUCT":
      return form.fields.flatMap((field) => entriesOf(`${path}.${field.name}`, field.form))
    case "RECORD":
      return entriesOf(path, form.of).map((entry) => ({ ...entry, keyed: true }))
    case "ENUM":
      return [{ path, type: "ENUM", values: form.values }]
    case "LIST": {
      const { of } = form
      if (of.kind === "TEXT") return [{ path, type: "LIST" }]
      if (of.kind === "ENUM") return [{ path, type: "LIST", values: of.values }]
      return of.kind === "STRUCT" ? [{ path, type: "ENTRIES", fields: fieldEntries(of.fields) }] : []
    }
    case "TEXT":
    case "NUMBER":
    case "AMOUNT":
    case "BOOLEAN":
    case "INSTANT":
    case "DATE":
    case "MONTH_DAY":
    case "NAME_DAY":
      return [{ path, type: form.kind }]
  }
}

const fieldEntries = (fields: ReadonlyArray<FactField>): ReadonlyArray<CatalogueField> =>
  fields.flatMap(({ name, form }) => entriesOf(name, form))

export const catalogueOf = (fields: ReadonlyArray<FactField>, events: Iterable<EventForm>): Catalogue => {
  const at = { path: "at", type: "INSTANT" } as const
  return {
    fields: fieldEntries(fields),
    events: new Map(
      Array.from(events, ({ type, fields }) => [type, { type, fields: [at, ...fieldEntries(fields)] }] as const)
    )
  }
}

export const catalogue: Catalogue = catalogueOf(profileFields, eventForms.values())

/** A field that was asked for: what it is, and its place in a document. */
export interface Located {
  readonly field: CatalogueField
  readonly place: ReadonlyArray<string>
}

export const locate = (fields: ReadonlyArray<CatalogueField>, path: string): Located | undefined => {
  for (const field of fields) {
    if (field.keyed === true) {
      const key = path.startsWith(`${field.path}.`) ? path.slice(field.path.length + 1) : ""
      if (key !== "") return { field, place: [...field.path.split("."), factKey(key)] }
    } else if (field.path === path) return { field, place: path.split(".") }
  }
  return undefined
}
