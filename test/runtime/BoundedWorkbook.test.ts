/**
 * SEG-6: a workbook of strangers is read within bounds: what lies far out, or is none, is refused before anything is made
 * of it, wherever the workbook says that its sheet is.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Zip from "effect/encoding/Zip"
import writeExcelFile from "write-excel-file/node"
import { rowsOf } from "#runtime/segment/BoundedWorkbook.ts"

const sheetPath = "xl/worksheets/sheet1.xml"

/** A workbook as it is made by others, with another sheet in it. */
const withSheet = Effect.fnUntraced(function* (change: (sheet: string) => string, path = sheetPath) {
  const book = yield* Effect.promise(() => writeExcelFile([["email"], ["eleni@example.com"]]).toBuffer())
  const parts: Array<Zip.ContentEntry> = []
  yield* Stream.fromIterable([new Uint8Array(book)]).pipe(
    Stream.pipeThroughChannel(Zip.decode()),
    Stream.runForEach(
      Effect.fnUntraced(function* ({ header, body }) {
        const text = Buffer.concat([...(yield* Stream.runCollect(body))]).toString("utf8")
        if (header.type !== "File") return
        const isSheet = header.path === sheetPath
        const moved = text.replaceAll("worksheets/sheet1.xml", path.slice("xl/".length))
        const content = isSheet ? change(text) : moved
        parts.push(Zip.file(isSheet ? path : header.path, Buffer.from(content), { method: "Deflate" }))
      })
    )
  )
  const packed = yield* Stream.runCollect(Stream.pipeThroughChannel(Stream.fromIterable(parts), Zip.encode()))
  return Buffer.concat([...packed])
})

const asItIs = (sheet: string): string => sheet

describe("a workbook", () => {
  it.effect("is read, wherever its sheet is", () =>
    Effect.gen(function* () {
      for (const path of [sheetPath, "xl/elsewhere/list.xml"]) {
        assert.deepStrictEqual(yield* rowsOf(yield* withSheet(asItIs, path)), [["email"], ["eleni@example.com"]])
      }
    })
  )

  it.effect("SEG-6: with beginnings of cells without end is refused", () =>
    Effect.gen(function* () {
      for (const beginning of ["<c ", "<c r", '<c r="A1" ', "<row x='", "<c                ", "<a:c r ="]) {
        const many = beginning.repeat(Math.ceil(1_000_000 / beginning.length))
        const refused = yield* Effect.flip(rowsOf(yield* withSheet(() => many)))
        assert.match(refused.rule, /no workbook/, beginning)
      }
    })
  )

  it.effect("SEG-6: with a cell far out is refused, however that is written", () =>
    Effect.gen(function* () {
      const far = [
        ["<row r='1048576'>", /rows/],
        ['<row spans="1:1" r="200001">', /rows/],
        [`<row x="${" ".repeat(5_000)}" r="200001">`, /rows/],
        ['<row x=">" r="200001">', /rows/],
        ['<row x="<" r="200001">', /rows/],
        ['<row x:r="200001">', /rows/],
        ['<row r="&#50;00001">', /no workbook/]
      ] as const
      for (const [row, rule] of far) {
        for (const path of [sheetPath, "xl/elsewhere/list.xml"]) {
          const book = yield* withSheet((sheet) => sheet.replace('<row r="2">', row), path)
          assert.match((yield* Effect.flip(rowsOf(book))).rule, rule, row)
        }
      }
      const wide = yield* withSheet((sheet) => sheet.replace('r="A2"', 'r="CW2"'))
      assert.match((yield* Effect.flip(rowsOf(wide))).rule, /columns/)
    })
  )
})
