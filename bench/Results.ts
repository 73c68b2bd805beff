/** What a run found, as it is written to `results/latest.json` and shown in the tables. */
import type { Observation } from "./Loop.ts"
import type { Machine } from "./Machine.ts"
import type { Letter, Plan } from "./Plan.ts"

export type LoadKey =
  | "a"
  | "b.spread"
  | "b.hot"
  | "s.spread"
  | "s.hot"
  | "c.spread"
  | "c.hot"
  | "d.spread"
  | "d.hot"
  | "e"

/** One measure in one round. */
export interface Round {
  /** The rate: as fast as answers come. */
  readonly closed: Observation
  /** The latencies: at a fixed rate below that. */
  readonly open: Observation
  readonly offeredPerSecond: number
  /** During the closed loop; absent where the system does not tell. */
  readonly nodeSeconds?: number | undefined
  readonly postgresSeconds?: number | undefined
  /** Of the closed loop. */
  readonly batches?: Batches
}

export interface Batches {
  /** Commands made durable. */
  readonly commands: number
  /** Commits by the power of two of the commands in them: index 3 counts those of 8 to 15. */
  readonly commits: ReadonlyArray<number>
}

export interface LoadRow {
  readonly key: LoadKey
  readonly letter: Letter
  readonly name: string
  readonly rounds: ReadonlyArray<Round>
}

export interface ColdRound {
  readonly contacts: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
export interface MemoryRound {
  readonly contacts: number
  readonly bytes: number
}

export interface Bar {
  readonly name: string
  readonly wanted: string
  /** Absent when what it needs was not measured. */
  readonly found?: Spread
  readonly met?: boolean
  readonly unit: string
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export interface Results {
  readonly startedAt: string
  readonly tookSeconds: number
  readonly plan: Plan
  readonly machine: Machine
  /** Of the database that was measured. */
  readonly postgres: Readonly<Record<string, string>>
  readonly rows: ReadonlyArray<LoadRow>
  readonly cold: ReadonlyArray<ColdRound>
  readonly memory: ReadonlyArray<MemoryRound>
  /** Of `koinon serve` at the end of the run, MiB. */
  readonly serverMebibytes?: number | undefined
  readonly bars: ReadonlyArray<Bar>
}

export const spreadOf = (values: ReadonlyArray<number>): Spread | undefined => {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((left, right) => left - right)
  const at = (index: number): number => sorted[index] ?? 0
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2
  return { median, min: at(0), max: at(sorted.length - 1) }
}
