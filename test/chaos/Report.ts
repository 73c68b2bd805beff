/** How a run is told: a line a round while it goes on, the table of promises at its end. Only words, nothing is judged. */
import { elsewhere, type Finding, promises, type PromiseName, rules } from "./Promises.ts"
import type { Report, RoundReport } from "./Run.ts"
import { quantile } from "./Takeover.ts"

/** Findings printed; the report file holds all of them. */
const findingsShownMax = 20

const count = (number: number): string => number.toLocaleString("en")

const seconds = (ms: number | undefined): string => (ms === undefined ? "-" : `${(ms / 1000).toFixed(1)} s`)

export const roundLine = (round: RoundReport, rounds: number): string =>
  [
    `round ${String(round.round).padStart(String(rounds).length)}/${rounds}`,
    round.faults.join(", then ").padEnd(32),
    `${count(round.operations)} operations`.padStart(17),
    `${count(round.unknown)} unanswered`.padStart(15),
    `back after ${seconds(round.recoveryMs)}`,
    ...(round.takeoversMs.length === 0
      ? []
      : [`takeover p50 ${seconds(quantile(round.takeoversMs, 0.5))} max ${seconds(round.takeoversMs.at(-1))}`]),
    `${round.seconds.toFixed(1)} s`.padStart(7),
    round.findings === 0 ? "ok" : `${round.findings} FINDINGS`
  ].join("  ")

export const findingLine = ({ promise, round, what }: Finding): string => `${promise}, round ${round}: ${what}`

/** A line for each kind of fault: how often, and how long those went without service whose shards it moved. */
const faultLines = (rounds: ReadonlyArray<RoundReport>): ReadonlyArray<string> => {
  const kinds = new Map<string, { times: number; back: Array<number>; takeovers: Array<number> }>()
  for (const { faults, recoveryMs, takeoversMs } of rounds) {
    for (const [index, fault] of faults.entries()) {
      const kind = kinds.get(fault) ?? { times: 0, back: [], takeovers: [] }
      kinds.set(fault, kind)
      kind.times += 1
      if (index > 0) continue
      kind.back.push(recoveryMs)
      kind.takeovers.push(...takeoversMs)
    }
  }
  return [...kinds]
    .toSorted(([left], [right]) => left.localeCompare(right))
    .map(([fault, { times, back, takeovers }]) => {
      const sorted = takeovers.toSorted((left, right) => left - right)
      const [p50, p99, max] = [quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.at(-1)].map(seconds)
      const moved =
        sorted.length === 0 ? "" : `, first success on ${sorted.length} moved keys p50 ${p50} p99 ${p99} max ${max}`
      return `${fault.padEnd(30)} ${String(times).padStart(4)} times, all back after at most ${seconds(back.toSorted((left, right) => left - right).at(-1))}${moved}`
    })
}

export const table = (report: Report): string => {
  const { findings, settings, rounds } = report
  const touched = (name: PromiseName): boolean =>
    findings.checked.has(name) || findings.found.some(({ promise }) => promise === name)
  const names = [
    ...(Object.keys(promises) as ReadonlyArray<PromiseName>),
    ...(Object.keys(rules) as ReadonlyArray<PromiseName>).filter(touched)
  ]
  const rows = names.map((name) => {
    const found = findings.found.filter(({ promise }) => promise === name).length
    const checked = count(findings.checked.get(name) ?? 0).padStart(10)
    const verdict = found > 0 ? "BROKEN" : findings.checked.has(name) ? "held  " : "untried"
    return `${name.padEnd(6)} ${checked} checked  ${verdict}  ${{ ...promises, ...rules }[name]}`
  })
  const kept = report.dataDirectory === undefined ? [] : [`The data was kept in ${report.dataDirectory}`]
  return [
    "",
    `${rounds.length} rounds, ${count(report.operations)} operations, ${count(report.unknown)} of them unanswered at first,` +
      ` ${count(report.events)} events, seed ${settings.seed}`,
    Object.entries(report.fates)
      .map(([kind, { done, refused }]) => `${kind}: ${count(done)} done, ${count(refused)} refused`)
      .join(" · "),
    ...(report.memoryBytesMax === 0 ? [] : [`a runner's memory: at most ${report.memoryBytesMax >> 20} MiB`]),
    ...(report.outwards ?? []),
    "",
    ...faultLines(rounds),
    ...report.skipped.map(({ fault, reason }) => `NOT TRIED: ${fault}, because ${reason}`),
    "",
    ...rows,
    ...Object.entries(elsewhere).map(([name, where]) => `${name.padEnd(6)} ${where}`),
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
