/**
 * A printout as PDF, in a font that is part of it and has Greek. Nothing of it depends on when it is made, so that the same
 * printout is the same file. The library is loaded with the first one. Making one takes the thread a tenth of a second, two
 * tenths with the hundred lines that a purchase has at most: others have their turn after each row, they are made one after
 * the other, and few wait.
 */
import type { Printout } from "#domain/communication/Printout.ts"
import { othersFirst } from "#runtime/projection/Breath.ts"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { createRequire } from "node:module"
import { type Fault, fault } from "../door/Fault.ts"

/** Those that wait for their turn, or have it; more are sent away. */
const pendingMax = 8
const busy = fault(503, "KOINON.BUSY", "Busy", "Other printouts are being made; try again.", { retryAfterSeconds: 2 })

const require = createRequire(import.meta.url)
const regular = require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")
const bold = require.resolve("dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf")
/** Whenever it is made. */
const madeAt = new Date(0)
const margin = 50
/** Points wide; amounts end under each other. */
const ofAmounts = { width: 120, align: { x: "right", y: "top" } } as const
const noBorder = { border: [0, 0, 0.5, 0] as [number, number, number, number], borderColor: "#e4e4e0" }

/** A row is at most a few milliseconds; what comes after the last, the fonts, is some tens. */
const made = Effect.fnUntraced(function* (printout: Printout) {
  const { language, title, business, facts, lines, sums, remark } = printout
  const { default: PdfDocument } = yield* Effect.promise(() => import("pdfkit"))
  const info = { Title: title, Author: business, CreationDate: madeAt }
  const document = new PdfDocument({ size: "A4", margin, lang: language, info })
  const parts: Array<Uint8Array> = []
  document.on("data", (part: Uint8Array) => void parts.push(part))
  const ended = new Promise<void>((resolve, reject) => {
    document.on("end", () => resolve())
    document.on("error", reject)
  })
  const table = Effect.fnUntraced(function* (
    rows: ReadonlyArray<ReadonlyArray<string>>,
    columns: Array<number | "*" | typeof ofAmounts>
  ) {
    if (rows.length === 0) return
    const growing = document.table({ columnStyles: columns, rowStyles: noBorder })
    for (const row of rows) {
      growing.row([...row])
      yield* othersFirst
    }
    growing.end()
    document.moveDown()
  })
  // By their paths: one that is registered under a name is read again for each cell of a table.
  document.font(bold).fontSize(16).text(title).font(regular).fontSize(10).text(business).moveDown()
  yield* table(facts, [170, "*"])
  if (lines !== undefined && lines.rows.length > 0) {
    yield* table([lines.headings, ...lines.rows], ["*", 80, ofAmounts])
  }
  yield* table(sums, ["*", ofAmounts])
  document.fontSize(8).text(remark)
  document.end()
  yield* Effect.promise(() => ended)
  return Buffer.concat(parts)
})

const turn = Semaphore.makeUnsafe(1)
let pending = 0

export const printoutPdf = (printout: Printout): Effect.Effect<Uint8Array, Fault> =>
  Effect.suspend(() => {
    if (pending >= pendingMax) return Effect.fail(busy)
    pending += 1
    return Effect.ensuring(
      turn.withPermit(made(printout)),
      Effect.sync(() => {
        pending -= 1
      })
    )
  })
