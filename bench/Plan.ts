/** What a run measures and for how long. */
import { parseArgs } from "node:util"

export const letters = ["a", "b", "s", "c", "d", "e", "f", "g", "h", "i", "j"] as const
export type Letter = (typeof letters)[number]

export interface Plan {
  readonly quick: boolean
  readonly only: ReadonlyArray<Letter>
  readonly json: boolean
  readonly profile: boolean
  readonly rounds: number
  /** Before the first round, so that every compiler has seen its code. */
  readonly firstWarmUpMs: number
  readonly warmUpMs: number
  readonly closedMs: number
  readonly openMs: number
  /** Of the rate found in the closed loop: what the open loop offers. */
  readonly openShare: number
  readonly httpConnections: number
  /** Each size of pool that (b) is tried with. */
  readonly poolTrialMs: number
  readonly coldContacts: number
  readonly residentContacts: number
}

export const usage = `npm run bench -- [options]

  --quick        three quarters of a minute, for a first look: the numbers are rough
  --only a,c     only these questions: ${letters.join(", ")} (see bench/README.md)
  --json         print what is written to bench/results/latest.json instead of tables
  --profile      write CPU profiles of the measured processes to .koinon/profiles; slower, so never quote the numbers
  --help         this text
`

const shared = { rounds: 3, openShare: 0.7, httpConnections: 64 }
const thorough = {
  firstWarmUpMs: 2_000,
  warmUpMs: 500,
  closedMs: 2_500,
  openMs: 2_500,
  poolTrialMs: 700,
  coldContacts: 2_000,
  residentContacts: 20_000
}
const brief = {
  firstWarmUpMs: 1_000,
  warmUpMs: 150,
  closedMs: 300,
  openMs: 300,
  poolTrialMs: 150,
  coldContacts: 400,
  residentContacts: 2_000
}

const isLetter = (text: string): text is Letter => (letters as ReadonlyArray<string>).includes(text)

/** Throws a sentence for the reader when the arguments make no sense; `undefined` when only help was asked for. */
export const planOf = (words: ReadonlyArray<string>): Plan | undefined => {
  const flag = { type: "boolean", default: false } as const
  const { values } = parseArgs({
    args: [...words],
    options: { quick: flag, json: flag, profile: flag, help: flag, only: { type: "string" } }
  })
  if (values.help) return undefined
  const only = values.only === undefined ? letters : values.only.split(",").map((text) => text.trim().toLowerCase())
  const unknown = only.find((text) => !isLetter(text))
  if (unknown !== undefined)
    throw new Error(`--only: there is no question "${unknown}"; they are ${letters.join(", ")}`)
  return {
    quick: values.quick,
    only: only.filter(isLetter),
    json: values.json,
    profile: values.profile,
    ...shared,
    ...(values.quick ? brief : thorough)
  }
}
