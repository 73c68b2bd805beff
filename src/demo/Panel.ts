/** The wallets and limits at a glance, with a bar for each month, and how far the story has come. Pure: rows of text. */
import { type PersonKey, personKeys } from "./Household.ts"
import { bare, money, same } from "./Money.ts"
import { padEnd, padStart, type Screen, type Tone } from "./Screen.ts"
import { nameOf } from "./Sentences.ts"
import type { Standing, Standings } from "./Story.ts"

type Paint = Pick<Screen, "paint" | "columns">

const monthCellsMax = 20
const monthCellsMin = 4
/** What a row takes beside the bar. */
const rowCells = 72
const progressCells = 36
const nameCells = 7
const amountCells = 8
const indent = " ".repeat(8)

const bar = (part: number, cells: number, full: string, empty: string): readonly [string, string] => {
  // Something is never shown as nothing, and only all of it as all.
  const filled = part <= 0 ? 0 : part >= 1 ? cells : Math.min(cells - 1, Math.max(1, Math.round(part * cells)))
  return [full.repeat(filled), empty.repeat(cells - filled)]
}

const monthOf = ({ paint, columns }: Paint, { month }: Standing, changed: boolean): string => {
  if (month === undefined) return ""
  const { used, limit } = month
  const part = limit === 0 ? 1 : used / limit
  const tone: Tone = part >= 1 ? "bad" : part >= 0.75 ? "warm" : "good"
  const cells = Math.max(monthCellsMin, Math.min(monthCellsMax, columns() - rowCells))
  const [full, empty] = bar(part, cells, "█", "░")
  const figures = `${padStart(bare(used), 5)} of ${money(limit)}`
  const reached = part >= 1 ? paint("bad", " reached") : ""
  return `month ${paint(tone, full)}${paint("dim", empty)} ${paint(changed ? "bold" : "plain", figures)}${reached}`
}

const rowOf = (screen: Paint, key: PersonKey, now: Standing, before: Standing): string => {
  const amount = (of: (standing: Standing) => number): string =>
    screen.paint(same(of(now), of(before)) ? "plain" : "bold", padStart(money(of(now)), amountCells))
  const changed =
    !same(now.month?.used ?? 0, before.month?.used ?? 0) || !same(now.month?.limit ?? 0, before.month?.limit ?? 0)
  const bread =
    now.bread === 0 && before.bread === 0 ? " ".repeat(amountCells + 6) : `bread ${amount(({ bread }) => bread)}`
  const row = `${padEnd(nameOf(key), nameCells)}${amount(({ open }) => open)}  ${bread}  ${monthOf(screen, now, changed)}`
  return `${indent}${row}`.trimEnd()
}

/** What changed since `before` stands out. */
export const standingRows = (screen: Paint, now: Standings, before: Standings): ReadonlyArray<string> =>
  personKeys.map((key) => rowOf(screen, key, now[key], before[key]))

export const panelRows = (screen: Paint, now: Standings, before: Standings): ReadonlyArray<string> => [
  "",
  screen.paint("dim", `${indent}${"─".repeat(Math.max(0, screen.columns() - 2 * indent.length))}`),
  ...standingRows(screen, now, before)
]

const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`

export const progressRow = ({ paint }: Paint, at: number, whole: number, steps: number, stepsInAll: number): string => {
  const [full, empty] = bar(Math.min(1, at / whole), progressCells, "━", "─")
  const position = `${clock(Math.min(at, whole))} of ${clock(whole)}, step ${steps} of ${stepsInAll}`
  return `${indent}${paint("live", full)}${paint("dim", empty)} ${position}`
}
