/** Renders the verdicts for people: a line of progress each, the table, every difference by name, and the sum. */
import type { NamedDifference, Verdict } from "./Drive.ts"

export interface Summary {
  /** Operations in the published description. */
  readonly total: number
  readonly served: number
  readonly conformant: number
  /** Of the committed file; absent when only some operations were asked about. */
  readonly floor: number | undefined
  readonly operations: ReadonlyArray<Verdict>
  /** Served by the running server, documented, and without a step in the scenario. */
  readonly withoutStep: ReadonlyArray<string>
}

const operationWidth = 58

export const progress = (done: number, of: number, verdict: Verdict): string => {
  const count = verdict.differences.length
  const differences = count === 0 ? "" : `, ${count} difference${count === 1 ? "" : "s"}`
  const place = `[${String(done).padStart(String(of).length)}/${of}]`
  return `${place} ${verdict.operation}: ${verdict.result}${differences} (${verdict.questions} questions, ${verdict.elapsedMs} ms)\n`
}

const row = (verdict: Verdict): string => {
  const fields = `${verdict.fields.shown}/${verdict.fields.documented}`
  const questions = String(verdict.questions).padStart(9)
  return `${verdict.operation.padEnd(operationWidth)} ${verdict.result.padEnd(10)} ${questions} ${fields.padStart(12)}`
}

const difference = ({ when, pointer, expected, got, times }: NamedDifference): string => {
  const again = times === 1 ? "" : ` (${times} times, first here)`
  return `  ${when}${again}\n    at ${pointer === "" ? "the answer" : pointer}: expected ${expected}, got ${got}`
}

const named = (verdict: Verdict): string => [verdict.operation, ...verdict.differences.map(difference)].join("\n")

const verdictOnFloor = ({ conformant, floor }: Summary): string => {
  if (floor === undefined) return "Not all were asked about: the floor is left alone."
  if (conformant < floor)
    return `Below the floor of ${floor} in test/conformance/floor.json: what was conformant must stay so.`
  if (conformant > floor) return `Above the floor of ${floor}: commit ${conformant} to test/conformance/floor.json.`
  return `At the floor of ${floor}.`
}

export const render = (summary: Summary): string => {
  const heading = `${"operation".padEnd(operationWidth)} ${"result".padEnd(10)} questions fields shown`
  const differing = summary.operations.filter((verdict) => verdict.differences.length > 0)
  const { conformant, total, served } = summary
  return [
    [heading, ...summary.operations.map(row)].join("\n"),
    ...differing.map(named),
    ...summary.withoutStep.map((key) => `${key}\n  served, and test/conformance/Scenario.ts has no step for it`),
    `${conformant} of ${total} operations conformant, ${served} served. ${verdictOnFloor(summary)}\n`
  ].join("\n\n")
}
