/** The tables for people. Nothing is worked out here that is not in the results. */
import { type Batches, type LoadRow, type Results, type Round, type Spread, spreadOf } from "./Results.ts"

/** A load average above this share of the processors means that somebody else is at work too. */
const busyShare = 0.25
const significantDigits = 3

const number = (value: number): string =>
  value >= 1_000 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(significantDigits)))
const numbers = (spread: Spread | undefined): string => (spread === undefined ? "–" : number(spread.median))
const range = (spread: Spread | undefined): string =>
  spread === undefined ? "" : `${number(spread.min)} – ${number(spread.max)}`
/** Cells padded into a box; the first column to the left, the others to the right. */
const box = (title: string, heads: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => "─".repeat(width + 2)).join(middle) + right
  const cells = (row: ReadonlyArray<string>): string =>
    `│${widths
      .map((width, column) => {
        const cell = row[column] ?? ""
        return ` ${column === 0 ? cell.padEnd(width) : cell.padStart(width)} `
      })
      .join("│")}│`
  return [title, line("┌", "┬", "┐"), cells(heads), line("├", "┼", "┤"), ...rows.map(cells), line("└", "┴", "┘")].join(
    "\n"
  )
}

const batchMean = ({ commands, commits }: Batches): number =>
  commands /
  Math.max(
    1,
    commits.reduce((total, count) => total + count, 0)
  )

/** Seconds of CPU in the closed loop, and what that makes for each answer: the part that a busy machine spoils least. */
const cost = (rounds: ReadonlyArray<Round>, secondsOf: (round: Round) => number | undefined): string => {
  const costs = rounds.flatMap((round) => {
    const seconds = secondsOf(round)
    return seconds === undefined ? [] : [{ seconds, each: (seconds * 1e6) / Math.max(1, round.closed.answered) }]
  })
  const [seconds, each] = [spreadOf(costs.map((one) => one.seconds)), spreadOf(costs.map((one) => one.each))]
  return seconds === undefined || each === undefined ? "–" : `${number(seconds.median)} s · ${number(each.median)} µs`
}

const loadCells = ({ letter, name, rounds }: LoadRow): ReadonlyArray<string> => {
  const rate = spreadOf(rounds.map(({ closed }) => closed.ratePerSecond))
  return [
    `(${letter}) ${name}`,
    numbers(rate),
    range(rate),
    numbers(spreadOf(rounds.map(({ open }) => open.p50Ms))),
    numbers(spreadOf(rounds.map(({ open }) => open.p99Ms))),
    range(spreadOf(rounds.map(({ open }) => open.p99Ms))),
    numbers(spreadOf(rounds.flatMap(({ batches }) => (batches === undefined ? [] : [batchMean(batches)])))),
    cost(rounds, ({ nodeSeconds }) => nodeSeconds),
    cost(rounds, ({ postgresSeconds }) => postgresSeconds)
  ]
}

const heading = ({ machine, postgres, plan, startedAt, tookSeconds }: Results): string => {
  const disk = machine.dataInMemory
    ? "IN MEMORY, where a flush means nothing"
    : `a flush of 8 kB takes ${number(machine.flushMs)} ms`
  const busy = machine.loadAverage > machine.processors * busyShare
  return [
    `Koinon bench · ${startedAt} · ${tookSeconds} s${plan.quick ? " · quick, so rough" : ""}${plan.profile ? " · PROFILED, so slow" : ""}`,
    `${machine.processors} × ${machine.model} · ${machine.memoryGibibytes} GiB · ${machine.system} · Node ${machine.node}`,
    postgres["fsync"] === undefined
      ? "no database was measured"
      : `PostgreSQL ${postgres["server_version"]} · fsync ${postgres["fsync"]} (${postgres["wal_sync_method"]}) · ` +
        `synchronous_commit ${postgres["synchronous_commit"]} · data on disk: ${disk}`.replace(
          "data on disk: IN",
          "data IN"
        ),
    `load average before the start ${machine.loadAverage}` +
      (busy ? ": others are at work on this machine, so trust the ratios and not the rates" : "")
  ].join("\n")
}

const trials = ({ cold, memory, memberships, pushes, sockets }: Results): ReadonlyArray<ReadonlyArray<string>> => {
  const row = (name: string, unit: string, values: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<string>> => {
    const spread = spreadOf(values)
    return spread === undefined ? [] : [[name, number(spread.median), range(spread), unit]]
  }
  const pushed = `${number(pushes[0]?.subscribers ?? 0)} apps, ${number(pushes[0]?.debitsPerSecond ?? 0)} debits a second`
  const readers = `${number(cold[0]?.contacts ?? 0)} contacts read one by one`
  return [
    ...row(
      `(f) cold activation, p50, ${readers}`,
      "ms",
      cold.map(({ p50Ms }) => p50Ms)
    ),
    ...row(
      `(f) cold activation, p99, ${readers}`,
      "ms",
      cold.map(({ p99Ms }) => p99Ms)
    ),
    ...row(
      `(g) a resident contact, one of ${number(memory[0]?.contacts ?? 0)}`,
      "bytes",
      memory.map(({ bytes }) => bytes)
    ),
    ...row(
      `(k) a debit's turn to its push, p50, ${pushed}`,
      "ms",
      pushes.map(({ turnP50Ms }) => turnP50Ms)
    ),
    ...row(
      `(k) a debit's turn to its push, p99, ${pushed}`,
      "ms",
      pushes.map(({ turnP99Ms }) => turnP99Ms)
    ),
    ...row(
      "(k) from when it was due until it is answered and pushed, p99",
      "ms",
      pushes.map(({ p99Ms }) => p99Ms)
    ),
    ...row(
      "(m) events a second while 100 segments are live",
      "/s",
      memberships.map(({ eventsPerSecond }) => eventsPerSecond)
    ),
    ...row(
      "(m) processor of an event, segments and store included",
      "µs",
      memberships.map(({ cpuMicrosEach }) => cpuMicrosEach)
    ),
    ...row(
      "(m) commit to live membership, p50",
      "ms",
      memberships.map(({ p50Ms }) => p50Ms)
    ),
    ...row(
      "(m) commit to live membership, p99",
      "ms",
      memberships.map(({ p99Ms }) => p99Ms)
    ),
    ...row(
      "(m) commit to a follower of the segment, p50",
      "ms",
      memberships.map(({ toldP50Ms }) => toldP50Ms)
    ),
    ...row(
      "(m) commit to a follower of the segment, p99",
      "ms",
      memberships.map(({ toldP99Ms }) => toldP99Ms)
    ),
    ...row(
      `(n) an idle live socket, one of ${number(sockets[0]?.sockets ?? 0)}, resident`,
      "bytes",
      sockets.map(({ residentBytes }) => residentBytes)
    ),
    ...row(
      `(n) an idle live socket, one of ${number(sockets[0]?.sockets ?? 0)}, on the heap`,
      "bytes",
      sockets.map(({ heapBytes }) => heapBytes)
    )
  ]
}

const journals = ({ sizes }: Results): ReadonlyArray<ReadonlyArray<string>> =>
  sizes.map(({ contacts, writtenPerSecond, followedPerSecond, startMs }) => {
    const start = spreadOf(startMs)
    return [
      `${number(contacts)} contacts`,
      writtenPerSecond === undefined ? "–" : number(writtenPerSecond),
      followedPerSecond === undefined ? "–" : number(followedPerSecond),
      numbers(start),
      range(start)
    ]
  })

const segmentRows = ({ segments }: Results): ReadonlyArray<ReadonlyArray<string>> =>
  segments.map(({ contacts, eventsPerSecond, cpuMicrosEach, profilesMs, eventsMs, mebibytes }) => [
    `${number(contacts)} contacts`,
    numbers(spreadOf(eventsPerSecond)),
    `${numbers(spreadOf(cpuMicrosEach))} µs`,
    numbers(spreadOf(profilesMs)),
    numbers(spreadOf(eventsMs)),
    number(mebibytes)
  ])

export const report = (results: Results): string => {
  const { rows, bars, plan, segments, serverMebibytes, sizes, unavailable } = results
  const heads = [
    "",
    "rate /s",
    "min – max",
    "p50 ms",
    "p99 ms",
    "min – max",
    "batch",
    "node CPU, each",
    "postgres CPU, each"
  ]
  const others = trials(results)
  const judged = bars.map(({ name, wanted, unit, found, met }) => [
    name,
    `${wanted} ${unit}`,
    numbers(found),
    range(found),
    met === undefined ? "not measured" : met ? "met" : "NOT MET"
  ])
  return [
    heading(results),
    ...(rows.length === 0
      ? []
      : [
          box(
            `Rate in a closed loop of ${plan.closedMs / 1000} s, (h) and (j) of ${plan.shorter.closedMs / 1000} s; ` +
              `latency in an open loop at ${plan.openShare * 100} % of it; medians of ${plan.rounds} rounds, (h) and (j) of ${plan.shorter.rounds}`,
            heads,
            rows.map(loadCells)
          )
        ]),
    ...(others.length === 0 ? [] : [box("One at a time", ["", "median", "min – max", "unit"], others)]),
    ...(sizes.length === 0
      ? []
      : [
          box(
            "(i) Journals",
            ["", "written in bulk /s", "views follow /s", "start to ready, ms", "min – max"],
            journals(results)
          )
        ]),
    ...(segments.length === 0
      ? []
      : [
          box(
            "(l) Segments in the embedded store: followed from zero, then all members of one computed",
            ["", "events /s", "CPU, each", "of profiles, ms", "of events, ms", "MiB"],
            segmentRows(results)
          )
        ]),
    ...unavailable.map(({ letter, reason }) => `(${letter}) is not available: ${reason}.`),
    box("The bars, by the median of the rounds", ["", "wanted", "found", "min – max", ""], judged),
    ...(serverMebibytes === undefined ? [] : [`koinon serve held ${number(serverMebibytes)} MiB at the end.`]),
    "What is not measured, and how to read this: bench/README.md"
  ].join("\n\n")
}
