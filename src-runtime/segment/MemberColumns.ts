/**
 * What stands in the columns of a list of members. An amount is a decimal of the contact's currency, an instant is of
 * RFC 3339, a date is year-month-day, the entries of a list are joined; who has no value has an empty cell. In a file of text
 * what a spreadsheet would calculate is marked as text, whatever somebody has given as her name; a workbook has cells of text.
 */
import { rfc3339 } from "../projection/Rfc3339.ts"
import { type Column, columnOf, isUsual, type UsualField } from "#domain/segment/ExportFields.ts"
import { type Fact, factAt } from "#domain/segment/FactAccess.ts"
import type { FactObject } from "#domain/segment/FactForm.ts"
import { catalogue, type FieldType } from "#domain/segment/Catalogue.ts"
import type { ProfileDocument } from "#domain/segment/Facts.ts"
import type { CivilDate } from "#domain/shared/CivilDate.ts"
import { CurrencyCode, exponentOf } from "#domain/shared/Money.ts"
import * as Schema from "effect/Schema"
import type { Cell as SheetCell } from "write-excel-file/node"

const separator = "; "
/** A workbook knows no day before. */
const firstYear = 1900

/** The same value for a file of text and for a workbook. */
export interface Cell {
  readonly text: string
  readonly typed: SheetCell
}

/** A spreadsheet calculates what begins like this, some of them also in the wide forms, and behind spaces. */
export const calculated = /^(\s*[=+\-@＝＋－＠]|[\t\r])/

const plain = (text: string): Cell => ({ text, typed: text })
export const textCell = (text: string): Cell => ({ text: calculated.test(text) ? `'${text}` : text, typed: text })
/** Without the mark, for what stands behind something else. */
const unmarked = ({ text, typed }: Cell): string => (typeof typed === "string" ? typed : text)
const nothing = plain("")

const twoDigits = (number: number): string => String(number).padStart(2, "0")

const dateCell = ({ year, month, day }: CivilDate): Cell => {
  const text = `${String(year).padStart(4, "0")}-${twoDigits(month)}-${twoDigits(day)}`
  if (year < firstYear) return plain(text)
  return { text, typed: { value: new Date(Date.UTC(year, month - 1, day)), type: Date, format: "yyyy-mm-dd" } }
}

const isCurrency = Schema.is(CurrencyCode)

/** Exact, whatever the amount. */
const decimal = (minor: number, exponent: number): string => {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, "0")
  const whole = digits.slice(0, digits.length - exponent)
  return `${minor < 0 ? "-" : ""}${whole}${exponent === 0 ? "" : `.${digits.slice(-exponent)}`}`
}
const amountCell = (minor: number, currency: string): Cell => {
  if (!isCurrency(currency)) return nothing
  const exponent = exponentOf(currency)
  const text = decimal(minor, exponent)
  const format = exponent === 0 ? "0" : `0.${"0".repeat(exponent)}`
  return { text, typed: { value: Number(text), type: Number, format } }
}

export const instantCell = (at: number): Cell => plain(rfc3339(at))
export const booleanCell = (value: boolean): Cell => ({ text: String(value), typed: value })

const cellOf = (type: FieldType, fact: Fact, currency: string): Cell => {
  if (fact === undefined) return nothing
  switch (type) {
    case "TEXT":
    case "ENUM":
      return textCell(fact as string)
    case "NUMBER":
      return typeof fact === "number" ? { text: String(fact), typed: fact } : nothing
    case "AMOUNT":
      return amountCell(fact as number, currency)
    case "BOOLEAN":
      return booleanCell(fact as boolean)
    case "INSTANT":
      return instantCell(fact as number)
    case "DATE":
      return dateCell(fact as unknown as CivilDate)
    case "MONTH_DAY": {
      const { month, day } = fact as unknown as CivilDate
      return plain(`${twoDigits(month)}-${twoDigits(day)}`)
    }
    case "NAME_DAY": {
      const { feast } = fact as { readonly feast?: string }
      return feast === undefined ? cellOf("MONTH_DAY", fact, currency) : plain(feast)
    }
    case "LIST":
    case "ENTRIES":
      return textCell((fact as ReadonlyArray<string>).join(separator))
  }
}

const factsCell = ({ place, type, of }: Column, profile: ProfileDocument): Cell => {
  const { currency } = profile
  const money = typeof currency === "string" ? currency : ""
  const fact = factAt(profile, place)
  if (of === undefined || !Array.isArray(fact)) return cellOf(type, fact, money)
  return textCell(
    fact.map((entry) => unmarked(cellOf(of.type, (entry as FactObject)[of.name] ?? undefined, money))).join(separator)
  )
}

/** A member as her list shows her: what is usual is known without her profile. */
export interface Listed {
  readonly usual: Readonly<Record<UsualField, Cell>>
  readonly profile: ProfileDocument | undefined
}

/** How to fill a column. One that the catalogue no longer has stays empty. */
export const filler = (field: string, fields = catalogue.fields): ((member: Listed) => Cell) => {
  if (isUsual(field)) return ({ usual }) => usual[field]
  const column = columnOf(field, fields)
  return ({ profile }) => (column === undefined || profile === undefined ? nothing : factsCell(column, profile))
}
