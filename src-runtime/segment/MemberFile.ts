/**
 * A list of people as a file: a header row that says what stands in which column, and one contact a row, named by her id,
 * code, e-mail or phone. The first of these columns that a row fills is what she is looked up by.
 */
import { e164Of } from "#domain/contact/PhoneNumber.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Csv from "effect/encoding/Csv"
import { rowsOf, WorkbookRefused } from "./BoundedWorkbook.ts"
import type { Reference, ReferenceKind } from "./Imports.ts"
import { calculated } from "./MemberColumns.ts"

/** Contacts of one file. */
const referencesMax = 100_000
const recordBytesMax = 64 * 1024

export const mediaTypes = {
  csv: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
} as const

/** As people call the columns, without case, digits, spaces and marks. */
const names: Readonly<Record<string, ReferenceKind>> = {
  id: "id",
  contactid: "id",
  code: "code",
  contactcode: "code",
  email: "email",
  emailaddress: "email",
  phone: "phone",
  phonenumber: "phone",
  mobile: "phone"
}
const nameOf = (header: string): string => header.toLowerCase().replaceAll(/[^\p{L}]/gu, "")

/** A row of the file, counted from 1 with its header; without a reference if it has none. */
export interface ReadRow {
  readonly row: number
  /** What names a contact in it; of several, the first is meant and the others have to agree. */
  readonly references: ReadonlyArray<Reference>
}

/** The comma first; what Excel writes where the comma is the decimal sign; what is copied out of a sheet. */
const delimiters = [",", ";", "\t"] as const
/** How a file for Excel says it itself, in a line before the header. */
const hint = /^sep=(.)\r?\n/i

/** The one by which the first line names a column; others may stand within the name of one. */
const delimiterOf = (head: string): string =>
  delimiters.find((delimiter) => head.split(delimiter).some((cell) => names[nameOf(cell)] !== undefined)) ?? ","

const refused = (rule: string) => new WorkbookRefused({ rule })

/** The rows, and how many lines stand before the header. */
interface Sheet {
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly before: number
}

const csvSheet = Effect.fnUntraced(function* (bytes: Uint8Array): Effect.fn.Return<Sheet, WorkbookRefused> {
  const whole = yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => refused('It is not UTF-8. A spreadsheet writes it as "CSV UTF-8".')
  })
  const [hintLine = "", hinted] = hint.exec(whole) ?? []
  const text = whole.slice(hintLine.length)
  const [head = ""] = text.slice(0, recordBytesMax).split(/[\r\n]/, 1)
  const rows = yield* Stream.make(text).pipe(
    Stream.pipeThroughChannel(
      Csv.decodeString({
        delimiter: hinted ?? delimiterOf(head),
        maxRecordSize: recordBytesMax,
        ignoreEmptyLines: false
      })
    ),
    Stream.take(referencesMax + 2),
    Stream.runCollect,
    Effect.mapError(({ message, line }) => refused(`Line ${line}: ${message}`))
  )
  return { rows, before: hintLine === "" ? 0 : 1 }
})

/** A mark before a cell keeps a spreadsheet from calculating it, also in what was exported here. */
const withoutMark = (cell: string): string => {
  const rest = cell.slice(1)
  return cell.startsWith("'") && calculated.test(rest) ? rest.trim() : cell
}

/** `home` is the country of a phone number that names none. */
const referencesOf = (
  cells: ReadonlyArray<string>,
  columns: ReadonlyArray<ReferenceKind | undefined>,
  home: string
): ReadonlyArray<Reference> =>
  (["id", "code", "email", "phone"] as const).flatMap((kind): ReadonlyArray<Reference> => {
    const text = cells
      .filter((_, index) => columns[index] === kind)
      .map((cell) => withoutMark(cell.trim()))
      .find((cell) => cell !== "")
    if (text === undefined) return []
    if (kind !== "phone") return [{ kind, value: text }]
    return [{ kind, value: Result.getOrElse(e164Of({ number: text }, "phone", home), () => text) }]
  })

export const read = Effect.fnUntraced(function* (bytes: Uint8Array, mediaType: string, home: string) {
  const { rows, before } = yield* mediaType === mediaTypes.xlsx
    ? Effect.map(rowsOf(bytes), (rows): Sheet => ({ rows, before: 0 }))
    : csvSheet(bytes)
  const [header, ...rest] = rows
  const columns = (header ?? []).map((cell) => names[nameOf(cell)])
  if (!columns.some((kind) => kind !== undefined)) {
    return yield* refused("The first row names the columns: id, code, email or phone, at least one of them.")
  }
  if (rest.length > referencesMax) return yield* refused(`A file names at most ${referencesMax} contacts.`)
  return rest.flatMap((cells, index): ReadonlyArray<ReadRow> =>
    cells.every((cell) => cell.trim() === "")
      ? []
      : [{ row: index + before + 2, references: referencesOf(cells, columns, home) }]
  )
})
