/** What a run measures and for how long. */
import { parseArgs } from "node:util"

export const letters = ["a", "b", "s", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"] as const
export type Letter = (typeof letters)[number]

export interface Timing {
  readonly rounds: number
  /** Before the first round, until every compiler has seen its code: `koinon serve` under load keeps them busy for ten seconds. */
  readonly firstWarmUpMs: number
  readonly warmUpMs: number
  readonly closedMs: number
  readonly openMs: number
  /** Of the rate found in the closed loop: what the open loop offers. */
  readonly openShare: number
}

export interface Plan extends Timing {
  readonly quick: boolean
  /** All questions, at their full length: what may be quoted. */
  readonly whole: boolean
  readonly only: ReadonlyArray<Letter>
  readonly json: boolean
  readonly profile: boolean
  /** The open loops of (k) and (m): one stall of the machine must not be a hundredth of what is seen. */
  readonly tailMs: number
  readonly httpConnections: number
  /** Each size of pool that (b) and (s) are tried with. */
  readonly poolTrialMs: number
  readonly coldContacts: number
  readonly residentContacts: number
  /** Sockets of (n). */
  readonly idleSockets: number
  /** Contacts in the journals of (h) and (i), ascending. */
  readonly growth: ReadonlyArray<number>
  /** Contacts in the journals of (l), ascending. */
  readonly segmented: ReadonlyArray<number>
  /** Of (h) and (j), which have many measures and no bar on a latency; (i) has as many starts as this has rounds. */
  readonly shorter: Timing
  /** Runners of (j), at most. */
  readonly runners: number
}

export const usage = `npm run bench -- [options]

  --quick        two minutes, for a first look: the numbers are rough
  --all          the whole table, with journals of up to a million contacts; takes half an hour
  --growth N     (h), (i) and (l) on journals of ten times as many contacts each, up to N
  --only a,c     only these questions: ${letters.join(", ")} (see bench/README.md)
  --json         print what is written to bench/results/latest.json instead of tables
  --profile      write CPU profiles of the measured processes to .koinon/profiles; slower, so never quote the numbers
  --help         this text
`

const growthStart = 1_000
const growthFactor = 10
const growthMin = 1_000
const growthMax = 10_000_000
/** Where nothing else was asked for. */
const growthUsual = 10_000
const growthWhole = 1_000_000

/** Of (l), and how far it goes without being asked. */
const segmentedStart = 10_000
const segmentedUsual = 100_000

const shared = { rounds: 3, openShare: 0.7, httpConnections: 64, runners: 3 }
const thorough = {
  firstWarmUpMs: 10_000,
  warmUpMs: 500,
  closedMs: 2_500,
  openMs: 2_500,
  tailMs: 10_000,
  poolTrialMs: 700,
  coldContacts: 2_000,
  residentContacts: 20_000,
  idleSockets: 10_000
}
/** Of (h), (i) and (j), in a whole table, in the usual run and in a quick one. */
const wholeShorter = { rounds: 3, openShare: 0.7, firstWarmUpMs: 1_000, warmUpMs: 300, closedMs: 2_000, openMs: 1_000 }
const usualShorter = { ...wholeShorter, rounds: 2, firstWarmUpMs: 700, closedMs: 1_200, openMs: 500 }
const briefShorter = { ...wholeShorter, rounds: 2, firstWarmUpMs: 500, warmUpMs: 150, closedMs: 300, openMs: 200 }
const brief = {
  firstWarmUpMs: 1_000,
  warmUpMs: 150,
  closedMs: 300,
  openMs: 300,
  tailMs: 300,
  poolTrialMs: 150,
  coldContacts: 400,
  residentContacts: 2_000,
  idleSockets: 2_000
}

const isLetter = (text: string): text is Letter => (letters as ReadonlyArray<string>).includes(text)

/** 1,000, then ten times as many each, and what was asked for itself. */
const growthOf = (most: number): ReadonlyArray<number> => {
  const sizes: Array<number> = []
  for (let size = growthStart; size < most; size *= growthFactor) sizes.push(size)
  return [...sizes, most]
}

/** Throws a sentence for the reader when the arguments make no sense; `undefined` when only help was asked for. */
export const planOf = (words: ReadonlyArray<string>): Plan | undefined => {
  const flag = { type: "boolean", default: false } as const
  const text = { type: "string" } as const
  const { values } = parseArgs({
    args: [...words],
    options: { quick: flag, all: flag, json: flag, profile: flag, help: flag, only: text, growth: text }
  })
  if (values.help) return undefined
  const only = values.only === undefined ? letters : values.only.split(",").map((one) => one.trim().toLowerCase())
  const unknown = only.find((one) => !isLetter(one))
  if (unknown !== undefined)
    throw new Error(`--only: there is no question "${unknown}"; they are ${letters.join(", ")}`)
  const most = values.growth === undefined ? (values.all ? growthWhole : growthUsual) : Number(values.growth)
  if (!Number.isInteger(most) || most < growthMin || most > growthMax)
    throw new Error(`--growth: a number of contacts from ${growthMin} to ${growthMax} is needed`)
  return {
    quick: values.quick,
    whole: values.all && !values.quick && !values.profile && values.only === undefined && most >= growthWhole,
    only: only.filter(isLetter),
    json: values.json,
    profile: values.profile,
    growth: growthOf(most),
    segmented: values.quick
      ? [segmentedStart]
      : growthOf(Math.max(most, segmentedUsual)).filter((size) => size >= segmentedStart),
    ...shared,
    ...(values.quick ? brief : thorough),
    shorter: values.quick ? briefShorter : values.all ? wholeShorter : usualShorter
  }
}
