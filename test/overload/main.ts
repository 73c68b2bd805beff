/** `npm run overload`: asks a Koinon for five times as much as it can do, and checks what is promised of that (P11). */
import { type Bound, type Progress, type Report, run } from "./Run.ts"
import * as Subscribers from "./Subscribers.ts"
import { runProgram } from "../support/Program.ts"

const measureMs = 10_000
const measureConnections = 64
const reportEveryMs = 10_000
/** Bytes: its heap, and what is on its way. */
const memoryMax = 1.5 * 1024 ** 3
const slowerMax = 2
const recoveryMaxMs = 30_000
const exitOnSignal = 130
const live = {
  debitsPerSecond: 200,
  debitMs: 20_000,
  idleMs: 10_000,
  socketBytesMax: 20 * 1024,
  socketHeapMax: 20 * 1024,
  pushMaxMs: 20,
  backMaxMs: 60_000,
  putOffShareMax: 0.01
}

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

const verdicts = (bounds: ReadonlyArray<Bound>): ReadonlyArray<string> =>
  bounds.map(({ name, holds, found }) => `${holds ? "held  " : "BROKEN"}  ${name}: ${found}`)

const table = ({ bounds, capacity, normal }: Report): string =>
  [
    "",
    `capacity ${whole(capacity)} requests/s on ${measureConnections} connections, writes p50 ${normal.p50Ms.toFixed(1)} ms, p99 ${normal.p99Ms.toFixed(1)} ms`,
    "",
    ...verdicts(bounds),
    ""
  ].join("\n")

const usage = `npm run overload -- [options]

Asks a Koinon for more than it can do, and checks what is promised of that.

  --minutes 1          for how long
  --factor 5           how many times its capacity, which is measured first
  --connections 1000   how many ask
  --contacts 200       of how many contacts
  --subscribers 10000  so many live apps instead: what each costs, how soon they are told, and a storm of all of them
                       coming back
  --help               this text

A line every ten seconds, or for each step, goes to stderr, the table of bounds to stdout.
Exit 0: every bound held; 1: one did not; 2: it could not be tried.
`

await runProgram({
  name: "overload",
  usage,
  options: {
    minutes: { type: "string", default: "1" },
    factor: { type: "string", default: "5" },
    connections: { type: "string", default: "1000" },
    contacts: { type: "string", default: "200" },
    subscribers: { type: "string" }
  },
  run: async (values) => {
    // What runs is killed, and its data swept away, as this process exits.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(exitOnSignal))
    if (values.subscribers !== undefined) {
      const subscribers = positive("subscribers", values.subscribers)
      const { bounds } = await Subscribers.run({ ...live, subscribers }, (text) => process.stderr.write(`${text}\n`))
      process.stdout.write(["", ...verdicts(bounds), ""].join("\n"))
      return bounds.every(({ holds }) => holds) ? 0 : 1
    }
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
        slowerMax,
        recoveryMaxMs
      },
      (progress) => process.stderr.write(`${line(progress)}\n`)
    )
    process.stdout.write(table(report))
    return report.bounds.every(({ holds }) => holds) ? 0 : 1
  }
})
