/**
 * `npm run overload`: asks a Koinon for five times as much as it can do, and checks what is promised of that (P11). Options
 * after `--`: `--minutes 1 --factor 5 --connections 1000 --contacts 200`. A line every ten seconds goes to stderr, the table
 * of bounds to stdout. Exit 0: every bound held; 1: one did not; 2: it could not be tried.
 */
import { parseArgs } from "node:util"
import { type Progress, type Report, run } from "./Run.ts"

const measureMs = 10_000
const measureConnections = 64
const reportEveryMs = 10_000
/** Bytes: its heap, and what is on its way. */
const memoryMax = 1.5 * 1024 ** 3
const slowerMax = 2
const exitOnSignal = 130

const positive = (name: string, text: string): number => {
  const number = Number(text)
  if (!(number > 0)) throw new Error(`--${name} takes a number above 0`)
  return number
}

const whole = (number: number): string => Math.round(number).toLocaleString("en")
const columns = ["second", "offered", "unsent", "writes", "reads", "lists", "429", "503", "p99 ms", "MiB"]
const row = (cells: ReadonlyArray<string>): string => cells.map((cell) => cell.padStart(9)).join(" ")
const line = ({ seconds, tally, memory }: Progress): string =>
  row([
    whole(seconds),
    whole(tally.offered),
    whole(tally.unsent),
    whole(tally.accepted.write),
    whole(tally.accepted.read),
    whole(tally.accepted.list),
    whole(tally.limited),
    whole(tally.shed),
    whole(tally.p99Ms),
    whole(memory / 1024 / 1024)
  ])

const table = ({ bounds, capacity, normal }: Report): string =>
  [
    "",
    `capacity ${whole(capacity)} requests/s on ${measureConnections} connections, writes p50 ${normal.p50Ms.toFixed(1)} ms, p99 ${normal.p99Ms.toFixed(1)} ms`,
    "",
    ...bounds.map(({ name, holds, found }) => `${holds ? "held  " : "BROKEN"}  ${name}: ${found}`),
    ""
  ].join("\n")

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "1" },
      factor: { type: "string", default: "5" },
      connections: { type: "string", default: "1000" },
      contacts: { type: "string", default: "200" }
    }
  })
  // What runs is killed, and its data swept away, as this process exits.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(exitOnSignal))
  process.stderr.write(`${row(columns)}\n`)
  const report = await run(
    {
      contacts: positive("contacts", values.contacts),
      connections: positive("connections", values.connections),
      factor: positive("factor", values.factor),
      overloadMs: positive("minutes", values.minutes) * 60_000,
      measureMs,
      measureConnections,
      reportEveryMs,
      memoryMax,
      slowerMax
    },
    (progress) => process.stderr.write(`${line(progress)}\n`)
  )
  process.stdout.write(table(report))
  return report.bounds.every(({ holds }) => holds) ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (cause) {
  process.stderr.write(`overload: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 2
}
