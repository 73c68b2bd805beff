/**
 * The first sheet of a workbook that strangers may have made: unpacked within bounds before anything looks into it, so
 * that neither a file that inflates without end nor a cell at the far end of an empty sheet costs more than a large list.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Zip from "effect/encoding/Zip"
import { readSheet } from "read-excel-file/node"

/** Bytes of all parts of the workbook together, once they are inflated: twice the longest list that goes out of here. */
const inflatedBytesMax = 64 * 1024 * 1024
const partsMax = 1_000
const sheetRowsMax = 200_000
/** Cells beyond it make a sheet unreadable here. */
const columnsMax = 100

export class WorkbookRefused extends Schema.TaggedError<WorkbookRefused>()("WorkbookRefused", {
  rule: Schema.String
}) {}

const refused = (rule: string) => new WorkbookRefused({ rule })
const broken = refused("It is no workbook that can be read.")

/** What is looked for in a workbook; pictures and the like are passed over. */
const isText = (path: string): boolean => /\.(xml|rels)$/i.test(path)

/** Each of these is looked for from where the one before it has ended, so a part is gone through once. */
const opening = /<(?:\w+:)?(?:c|row)(?=\s)/gi
const attribute = /\s+([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y
const ending = /\s*\/?>/y
const reference = /^([A-Z]*)(\d+)$/

const columnNumber = (letters: string): number => {
  let number = 0
  for (const letter of letters) number = number * 26 + letter.charCodeAt(0) - 64
  return number
}

const objectionToReference = (value: string): WorkbookRefused | undefined => {
  const [, letters = "", row] = reference.exec(value) ?? []
  if (row === undefined) return broken
  if (Number(row) > sheetRowsMax) return refused(`A sheet has at most ${sheetRowsMax} rows.`)
  return columnNumber(letters) > columnsMax ? refused(`A sheet has at most ${columnsMax} columns.`) : undefined
}

/** Of any part: the workbook says itself which of them are its sheets. */
const objectionTo = (part: string): WorkbookRefused | undefined => {
  opening.lastIndex = 0
  while (opening.test(part)) {
    let at = opening.lastIndex
    attribute.lastIndex = at
    for (let found = attribute.exec(part); found !== null; found = attribute.exec(part)) {
      at = attribute.lastIndex
      const [, name = "", double, single] = found
      const objection = name === "r" || name.endsWith(":r") ? objectionToReference(double ?? single ?? "") : undefined
      if (objection !== undefined) return objection
    }
    // Whoever reads it may make of it what was not seen here.
    ending.lastIndex = at
    if (!ending.test(part)) return broken
    opening.lastIndex = ending.lastIndex
  }
  return undefined
}

/** Inflates the parts one after the other, and packs them again as they are. */
const unpacked = Effect.fnUntraced(function* (bytes: Uint8Array) {
  const parts: Array<Zip.ContentEntry> = []
  let size = 0
  let count = 0
  const utf8 = new TextDecoder()
  yield* Stream.fromIterable([bytes]).pipe(
    Stream.pipeThroughChannel(Zip.decode()),
    Stream.runForEach(
      Effect.fnUntraced(function* ({ header, body }) {
        count += 1
        if (count > partsMax) return yield* refused(`A workbook has at most ${partsMax} parts.`)
        const chunks: Array<Uint8Array> = []
        yield* Stream.runForEach(body, (chunk) => {
          size += chunk.length
          if (size > inflatedBytesMax) return Effect.fail(refused("It is too large once it is unpacked."))
          if (isText(header.path)) chunks.push(chunk)
          return Effect.void
        })
        if (header.type !== "File" || !isText(header.path)) return
        const content = Buffer.concat(chunks)
        const objection = objectionTo(utf8.decode(content))
        if (objection !== undefined) return yield* objection
        parts.push(Zip.file(header.path, content, { method: "Store" }))
      })
    ),
    Effect.mapError((error) => (error instanceof WorkbookRefused ? error : broken))
  )
  const packed = yield* Stream.fromIterable(parts).pipe(
    Stream.pipeThroughChannel(Zip.encode()),
    Stream.runCollect,
    Effect.mapError(() => broken)
  )
  return Buffer.concat(packed)
})

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  return value instanceof Date ? value.toISOString() : ""
}

/** Rows of cells as text, the header row among them. */
export const rowsOf = Effect.fnUntraced(function* (
  bytes: Uint8Array
): Effect.fn.Return<ReadonlyArray<ReadonlyArray<string>>, WorkbookRefused> {
  const workbook = yield* unpacked(bytes)
  // As the digits stand: a phone number is none to calculate with.
  const rows = yield* Effect.tryPromise({
    try: () => readSheet(workbook, { parseNumber: (digits: string) => digits }),
    catch: () => broken
  })
  return rows.map((row) => row.map(textOf))
})
