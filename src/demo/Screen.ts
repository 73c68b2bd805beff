/**
 * The terminal: a story that scrolls, and below it, where the terminal can, a panel that is drawn anew in place. Without a
 * terminal the panel is printed line by line when it changes. Colour only where it is wanted (NO_COLOR); lines are broken
 * at the width there is, and what does not fit into the panel is cut.
 */
import * as Effect from "effect/Effect"
import { stripVTControlCharacters } from "node:util"

const columnsDefault = 100
const columnsMin = 40
const columnsMax = 120
/** Where the story's text begins; what stands before it is its mark. */
const indent = 8

export type Tone = "plain" | "bold" | "dim" | "good" | "bad" | "live" | "warm"
const codes: Readonly<Record<Tone, string>> = {
  plain: "0",
  bold: "1",
  dim: "2",
  good: "32",
  bad: "31",
  live: "36",
  warm: "33"
}

export interface Line {
  readonly mark?: string
  readonly markTone?: Tone
  readonly text: string
  readonly tone?: Tone
}

export interface Screen {
  readonly isInteractive: boolean
  /** The width to keep to, now. */
  readonly columns: () => number
  readonly paint: (tone: Tone, text: string) => string
  readonly say: (...lines: ReadonlyArray<Line>) => Effect.Effect<void>
  /** Painted rows, as they are. */
  readonly print: (rows: ReadonlyArray<string>) => Effect.Effect<void>
  /** What stands below the story from now on. */
  readonly show: (rows: ReadonlyArray<string>) => Effect.Effect<void>
}

const graphemes = new Intl.Segmenter("el", { granularity: "grapheme" })
/** The terminal cells that a text takes. Greek and Latin letters take one each. */
const widthOf = (text: string): number => [...graphemes.segment(stripVTControlCharacters(text))].length
export const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)))
export const padStart = (text: string, width: number): string => " ".repeat(Math.max(0, width - widthOf(text))) + text

const wrap = (text: string, width: number): ReadonlyArray<string> => {
  const rows: Array<string> = []
  let row = ""
  for (const word of text.split(" ")) {
    if (row !== "" && widthOf(row) + 1 + widthOf(word) > width) {
      rows.push(row)
      row = word
    } else row = row === "" ? word : `${row} ${word}`
  }
  return [...rows, row]
}

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly hasColors?: () => boolean
  readonly write: (text: string) => unknown
}

const hideCursor = "\u001b[?25l"
const showCursor = "\u001b[?25h"
/** A row that is too long must not become two: the panel is erased by counting rows. */
const withoutWrapping = (rows: string): string => `\u001b[?7l${rows}\u001b[?7h`

const make = (output: Output, environment: NodeJS.ProcessEnv): Screen => {
  const isInteractive = output.isTTY === true && environment["TERM"] !== "dumb"
  const isColoured = isInteractive && output.hasColors?.() === true
  const columns = (): number => Math.min(columnsMax, Math.max(columnsMin, output.columns ?? columnsDefault))
  const paint = (tone: Tone, text: string): string =>
    !isColoured || tone === "plain" || text === "" ? text : `\u001b[${codes[tone]}m${text}\u001b[0m`

  let panel: ReadonlyArray<string> = []
  const erase = (): string => (panel.length === 0 ? "" : `\u001b[${panel.length}A\r\u001b[J`)
  const drawn = (): string => (panel.length === 0 ? "" : withoutWrapping(panel.map((row) => `${row}\n`).join("")))
  const print = (rows: ReadonlyArray<string>) =>
    Effect.sync(() => {
      const text = rows.map((row) => `${row}\n`).join("")
      output.write(isInteractive ? `${erase()}${text}${drawn()}` : text)
    })

  const rowsOf = ({ mark = "", markTone = "plain", text, tone = "plain" }: Line): ReadonlyArray<string> =>
    wrap(text, columns() - indent).map((row, index) => {
      const before = index === 0 ? `${paint(markTone, padStart(mark, indent - 1))} ` : " ".repeat(indent)
      return `${before}${paint(tone, row)}`.trimEnd()
    })

  return {
    isInteractive,
    columns,
    paint,
    print,
    say: (...lines) => print(lines.flatMap(rowsOf)),
    show: (rows) =>
      Effect.sync(() => {
        if (!isInteractive) return
        const before = erase()
        panel = rows
        output.write(`${before}${drawn()}`)
      })
  }
}

/** The screen of this process; the cursor is there again when the scope ends. */
export const open = Effect.acquireRelease(
  Effect.sync(() => {
    const screen = make(process.stdout, process.env)
    if (screen.isInteractive) process.stdout.write(hideCursor)
    return screen
  }),
  (screen) =>
    Effect.sync(() => {
      if (screen.isInteractive) process.stdout.write(showCursor)
    })
)
