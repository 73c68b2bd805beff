/** How a run is told: a line a round while it goes on, the table of promises at its end. Only words, nothing is judged. */
import { type Finding, promises, type PromiseName } from "./Promises.ts"
import type { Report, RoundReport } from "./Run.ts"

/** Findings printed; the report file holds all of them. */
const findingsShownMax = 20

const count = (number: number): string => number.toLocaleString("en")

export const roundLine = (round: RoundReport, rounds: number): string =>
  [
    `round ${String(round.round).padStart(String(rounds).length)}/${rounds}`,
    `kill ${round.faults.join(", then ")}`.padEnd(32),
    `${count(round.operations)} operations`.padStart(17),
    `${count(round.unknown)} unanswered`.padStart(15),
    `back after ${(round.recoveryMs / 1000).toFixed(1)} s`,
    `${round.seconds.toFixed(1)} s`.padStart(7),
    round.findings === 0 ? "ok" : `${round.findings} FINDINGS`
  ].join("  ")

export const findingLine = ({ promise, round, what }: Finding): string => `${promise}, round ${round}: ${what}`

export const table = (report: Report): string => {
  const { findings, settings, rounds } = report
  const names = Object.keys(promises) as ReadonlyArray<PromiseName>
  const rows = names.map((name) => {
    const found = findings.found.filter(({ promise }) => promise === name).length
    const checked = count(findings.checked.get(name) ?? 0).padStart(10)
    return `${name.padEnd(4)} ${checked} checked  ${found === 0 ? "held  " : "BROKEN"}  ${promises[name]}`
  })
  const kept = report.dataDirectory === undefined ? [] : [`The data was kept in ${report.dataDirectory}`]
  return [
    "",
    `${rounds.length} rounds, ${count(report.operations)} operations, ${count(report.unknown)} of them unanswered at first,` +
      ` ${count(report.events)} events, seed ${settings.seed}`,
    Object.entries(report.fates)
      .map(([kind, { done, refused }]) => `${kind}: ${count(done)} done, ${count(refused)} refused`)
      .join(" · "),
    "",
    ...rows,
    ...(findings.found.length === 0
      ? []
      : ["", ...findings.found.slice(0, findingsShownMax).map(findingLine), ...kept]),
    ""
  ].join("\n")
}

export const json = (report: Report): string =>
  JSON.stringify(
    { ...report, findings: { checked: Object.fromEntries(report.findings.checked), found: report.findings.found } },
    undefined,
    2
  )
