/**
 * What an export of members may be made of: the columns that every list has, and whatever the catalogue has of a contact,
 * so that a field that is added there can be exported without more code. An export that names none has the usual columns.
 */
import * as Schema from "effect/Schema"
import { type Catalogue, catalogue, type FieldType, locate } from "./Catalogue.ts"
import type { Objection } from "./TypeCheck.ts"

const fieldsMax = 30
/** Of all of them together: they stand in the link, and an address has at most 8 KiB, nine for each character. */
const lettersMax = 800

/** Of a membership and of the directory. */
export const usualFields = ["id", "code", "name", "email", "phone", "since", "imported"] as const
export type UsualField = (typeof usualFields)[number]
const usual: ReadonlySet<string> = new Set(usualFields)
export const isUsual = (field: string): field is UsualField => usual.has(field)

export const ExportFields = Schema.Array(Schema.NonEmptyString).check(
  Schema.isMinLength(1),
  Schema.isMaxLength(fieldsMax)
)
export type ExportFields = typeof ExportFields.Type

/** Where the value of a column stands in a profile, and what it is. */
export interface Column {
  readonly place: ReadonlyArray<string>
  readonly type: FieldType
  /** Of a list of objects: the field that is taken of each. */
  readonly of?: { readonly name: string; readonly type: FieldType }
}

const columnOfEntries = (all: Catalogue["fields"], path: string): Column | undefined => {
  for (const { path: outer, type, fields = [] } of all) {
    if (type !== "ENTRIES" || !path.startsWith(`${outer}.`)) continue
    const inner = fields.find((field) => field.path === path.slice(outer.length + 1))
    if (inner !== undefined) return { place: outer.split("."), type, of: { name: inner.path, type: inner.type } }
  }
  return undefined
}

/** "wallet.balance", "custom_fields.shoe size", "communities.owner"; `undefined` for what is no column. */
export const columnOf = (path: string, fields = catalogue.fields): Column | undefined => {
  const located = locate(fields, path)
  if (located === undefined) return columnOfEntries(fields, path)
  const { field, place } = located
  return field.type === "ENTRIES" ? undefined : { place, type: field.type }
}

const ruleAgainst = (path: string): string | undefined => {
  if (isUsual(path) || columnOf(path) !== undefined) return undefined
  const entries = locate(catalogue.fields, path)?.field.fields
  return entries === undefined
    ? `A contact has no field ${path}.`
    : `${path} is a list of entries: name ${entries.map((entry) => `${path}.${entry.path}`).join(" or ")}.`
}

/** The first thing that is wrong; the place is counted from the list on: "/2". */
export const objectionToFields = (fields: ExportFields): Objection | undefined => {
  if (fields.join("").length > lettersMax) {
    return { pointer: "", rule: `The names of the fields have at most ${lettersMax} characters together.` }
  }
  for (const [index, field] of fields.entries()) {
    const rule = ruleAgainst(field) ?? (fields.indexOf(field) < index ? `${field} is named twice.` : undefined)
    if (rule !== undefined) return { pointer: `/${index}`, rule }
  }
  return undefined
}
