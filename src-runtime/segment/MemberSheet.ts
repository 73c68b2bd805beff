/**
 * The members of a segment as a file for people: CSV, in steps however many they are, or a workbook, which is whole in memory
 * before it goes and is refused for a list that is longer than it may be. A cell that a spreadsheet would calculate is marked
 * as text, whatever somebody has given as her name.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Csv from "effect/encoding/Csv"
import writeExcelFile from "write-excel-file/node"

/** Members read at a time. */
const membersAtOnce = 1_000
/** Members of a workbook: the library makes it from all of its cells at once. */
export const workbookRowsMax = 50_000

/** The list is longer than a workbook may be; as CSV it can be had. */
export class WorkbookTooLong extends Schema.TaggedError<WorkbookTooLong>()("WorkbookTooLong", {
  rowsMax: Schema.Int
}) {}

const columns = ["id", "code", "name", "email", "phone", "since", "imported"] as const
type Row = Readonly<Record<(typeof columns)[number], string>>

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

/** A spreadsheet calculates what begins like this. */
const calculated = /^[=+\-@\t\r]/
const harmless = (text: string): string => (calculated.test(text) ? `'${text}` : text)

const rowOf = (row: MemberRow): Row => ({
  id: row.contact,
  code: harmless(row.code ?? ""),
  name: harmless(row.display_name ?? ""),
  email: harmless(row.email ?? ""),
  phone: harmless(row.phone_e164 ?? ""),
  since: new Date(Number(row.since)).toISOString(),
  imported: String(row.by_import)
})

const rowsOf = (sql: SqlClient, business: string, segment: string) =>
  Stream.paginate(beforeAll, (after) =>
    Effect.map(sql.unsafe<MemberRow>(readMembers, [business, segment, after, membersAtOnce]), (rows) => {
      const last = rows.at(-1)
      return [
        rows.map(rowOf),
        rows.length < membersAtOnce || last === undefined ? Option.none<string>() : Option.some(last.contact)
      ] as const
    })
  )

export const csvOf = (sql: SqlClient, business: string, segment: string) =>
  rowsOf(sql, business, segment).pipe(Stream.pipeThroughChannel(Csv.encodeString({ columns, headers: true })))

const readIsLonger =
  "SELECT 1 FROM segment_member WHERE business = $1::uuid AND segment = $2::uuid OFFSET $3::integer LIMIT 1"

/** Whether the list as it is now is not too long for a workbook. */
export const fitsWorkbook = (sql: SqlClient, business: string, segment: string) =>
  Effect.map(sql.unsafe(readIsLonger, [business, segment, workbookRowsMax]), (further) => further.length === 0)

/** All of them, or none. */
export const workbookOf = Effect.fnUntraced(function* (sql: SqlClient, business: string, segment: string) {
  const tooLong = new WorkbookTooLong({ rowsMax: workbookRowsMax })
  if (!(yield* fitsWorkbook(sql, business, segment))) return yield* tooLong
  const rows = yield* Stream.runCollect(Stream.take(rowsOf(sql, business, segment), workbookRowsMax + 1))
  if (rows.length > workbookRowsMax) return yield* tooLong
  const cells = [[...columns], ...rows.map((row) => columns.map((column) => row[column]))]
  return yield* Effect.promise(() => writeExcelFile(cells, { sheet: "Members" }).toBuffer())
})
