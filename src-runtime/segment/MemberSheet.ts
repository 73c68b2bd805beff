/**
 * The members of a segment as a file for people: CSV, in steps however many they are, or a workbook, which is whole in memory
 * before it goes and is refused for a list that is longer than it may be. What stands in a column is said by
 * `MemberColumns.ts`; profiles are asked for piece by piece, and only for columns that need them.
 */
import { type ExportFields, isUsual, usualFields } from "#domain/segment/ExportFields.ts"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Csv from "effect/encoding/Csv"
import writeExcelFile from "write-excel-file/node"
import type { Store } from "./LateStore.ts"
import { booleanCell, filler, instantCell, type Listed, textCell } from "./MemberColumns.ts"

/** Members read at a time. */
const membersAtOnce = 1_000
/** Members of a workbook: the library makes it from all of its cells at once. */
export const workbookRowsMax = 50_000
/** Cells of a workbook: with more columns than usual it holds fewer members. */
const workbookCellsMax = workbookRowsMax * usualFields.length

/** The list is longer than a workbook may be; as CSV it can be had. */
export class WorkbookTooLong extends Schema.TaggedError<WorkbookTooLong>()("WorkbookTooLong", {
  rowsMax: Schema.Int
}) {}

export const workbookRowsMaxOf = (fields: ExportFields = usualFields): number =>
  Math.floor(workbookCellsMax / Math.max(usualFields.length, fields.length))

/** Which members, and what of each. */
export interface Sheet {
  readonly business: string
  readonly segment: string
  /** Absent: what is usual. */
  readonly fields?: ExportFields | undefined
}

interface MemberRow {
  readonly contact: string
  readonly code: string | null
  readonly display_name: string | null
  readonly email: string | null
  readonly phone_e164: string | null
  readonly since: bigint
  readonly by_import: boolean
}

const readMembers =
  "SELECT m.contact, d.code, d.display_name, d.email, d.phone_e164, m.since, m.by_import FROM segment_member m " +
  "LEFT JOIN contact_directory d ON d.business = m.business AND d.contact = m.contact " +
  "WHERE m.business = $1::uuid AND m.segment = $2::uuid AND m.contact > $3::uuid ORDER BY m.contact LIMIT $4::integer"

const beforeAll = "00000000-0000-0000-0000-000000000000"

const usualOf = (row: MemberRow): Listed["usual"] => ({
  id: textCell(row.contact),
  code: textCell(row.code ?? ""),
  name: textCell(row.display_name ?? ""),
  email: textCell(row.email ?? ""),
  phone: textCell(row.phone_e164 ?? ""),
  since: instantCell(Number(row.since)),
  imported: booleanCell(row.by_import)
})

const noEvents: ReadonlySet<string> = new Set()

export const make = (sql: SqlClient, store: Pick<Store, "facts">) => {
  const pageOf = Effect.fnUntraced(function* ({ business, segment, fields = usualFields }: Sheet, after: string) {
    const rows = yield* sql.unsafe<MemberRow>(readMembers, [business, segment, after, membersAtOnce])
    const contacts = fields.every(isUsual) ? [] : rows.map(({ contact }) => contact)
    const facts = yield* store.facts(business, contacts, noEvents)
    const fillers = fields.map((field) => filler(field))
    const cells = rows.map((row) => {
      const member: Listed = { usual: usualOf(row), profile: facts.get(row.contact)?.profile }
      return fillers.map((fill) => fill(member))
    })
    const last = rows.at(-1)
    const next = rows.length < membersAtOnce || last === undefined ? Option.none<string>() : Option.some(last.contact)
    return [cells, next] as const
  })
  const rowsOf = (sheet: Sheet) => Stream.paginate(beforeAll, (after) => pageOf(sheet, after))

  return {
    csv: (sheet: Sheet) =>
      Stream.concat(
        Stream.succeed([...(sheet.fields ?? usualFields)]),
        Stream.map(rowsOf(sheet), (cells) => cells.map(({ text }) => text))
      ).pipe(Stream.pipeThroughChannel(Csv.encodeString())),
    /** All of them, or none. */
    workbook: Effect.fnUntraced(function* (sheet: Sheet) {
      const { fields = usualFields } = sheet
      const rowsMax = workbookRowsMaxOf(fields)
      const tooLong = new WorkbookTooLong({ rowsMax })
      if (!(yield* fitsWorkbook(sql, sheet))) return yield* tooLong
      const rows = yield* Stream.runCollect(Stream.take(rowsOf(sheet), rowsMax + 1))
      if (rows.length > rowsMax) return yield* tooLong
      const cells = [[...fields], ...rows.map((row) => row.map(({ typed }) => typed))]
      return yield* Effect.promise(() => writeExcelFile(cells, { sheet: "Members" }).toBuffer())
    })
  }
}

const readIsLonger =
  "SELECT 1 FROM segment_member WHERE business = $1::uuid AND segment = $2::uuid OFFSET $3::integer LIMIT 1"

/** Whether the list as it is now is not too long for a workbook. */
export const fitsWorkbook = (sql: SqlClient, { business, segment, fields }: Sheet) =>
  Effect.map(
    sql.unsafe(readIsLonger, [business, segment, workbookRowsMaxOf(fields)]),
    (further) => further.length === 0
  )
