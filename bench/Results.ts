/** What a run found, as it is written to `results/latest.json` and shown in the tables. */
import type { Observation } from "./Loop.ts"
import type { Machine } from "./Machine.ts"
import type { Letter, Plan } from "./Plan.ts"

/** Whom the debits of (h) are drawn from: the same thousand, or all. */
export type GrowthDraw = "set" | "all"
type GrowthKey = `h.${"commands" | "http"}.${GrowthDraw}.${number}`
type RunnersKey = `j.${number}`

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
  | GrowthKey
  | RunnersKey

export const growthKey = (way: "commands" | "http", draw: GrowthDraw, contacts: number): GrowthKey =>
  `h.${way}.${draw}.${contacts}`
export const runnersKey = (runners: number): RunnersKey => `j.${runners}`

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
export interface PushRound {
  readonly subscribers: number
  readonly debitsPerSecond: number
  /** From the debit's turn until its app is told. */
  readonly turnP50Ms: number
  readonly turnP99Ms: number
  /** From when it was due until it is answered and told. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
export interface MemoryRound {
  readonly contacts: number
  readonly bytes: number
}
/** What each socket adds to the server. */
export interface SocketRound {
  readonly sockets: number
  readonly residentBytes: number
  readonly heapBytes: number
}

/** A journal of (h) and (i). */
export interface JournalSize {
  readonly contacts: number
  /** In bulk; absent where there were too few to tell. */
  readonly writtenPerSecond?: number | undefined
  /** By views that had read none of it. */
  readonly followedPerSecond?: number | undefined
  /** From spawn to ready, of each start. */
  readonly startMs: ReadonlyArray<number>
}

/** (m): from a commit until the membership that it changes is durable, and until a follower of the segment is told. */
export interface MembershipRound {
  readonly eventsPerSecond: number
  readonly observed: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly toldP50Ms: number
  readonly toldP99Ms: number
  readonly cpuMicrosEach: number
}

/** A journal of (l) in the embedded segment store. */
export interface SegmentSize {
  readonly contacts: number
  /** Into an empty store, of each round. */
  readonly eventsPerSecond: ReadonlyArray<number>
  readonly cpuMicrosEach: ReadonlyArray<number>
  /** To compute all members: of what contacts are, and of what happened to them. */
  readonly profilesMs: ReadonlyArray<number>
  readonly eventsMs: ReadonlyArray<number>
  /** Of the process, store and all. */
  readonly mebibytes: number
}

/** A question that this version or this machine cannot answer. */
export interface Unavailable {
  readonly letter: Letter
  readonly reason: string
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
  readonly pushes: ReadonlyArray<PushRound>
  readonly sockets: ReadonlyArray<SocketRound>
  readonly sizes: ReadonlyArray<JournalSize>
  readonly segments: ReadonlyArray<SegmentSize>
  readonly memberships: ReadonlyArray<MembershipRound>
  readonly unavailable: ReadonlyArray<Unavailable>
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
