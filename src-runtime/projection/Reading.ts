/** How far one projection has read, what it reads next, and who waits for it. */
import type * as Latch from "effect/Latch"
import type * as Semaphore from "effect/Semaphore"
import type { OffsetRange } from "../journal/Journal.ts"
import type { Committed } from "./Projection.ts"
import type { Move } from "./ProjectionCursors.ts"
import type { AnyProjection, Sink } from "./ProjectionSink.ts"

/** What stands behind a name: where it is, and who waits for it. */
export interface Reading {
  readonly projection: AnyProjection
  /** Among the projections. */
  readonly place: number
  readonly sink: Sink
  /** Whether it is this runner that reads the shard. */
  readonly reads: (shard: number) => boolean
  readonly gatherMs: () => number
  /** What the last pass has cost, as a rest after it. */
  restMs: number
  readonly batchEventsMax: number
  /** By shard: the last event applied. */
  readonly offsets: Map<number, number>
  /** By shard: where the stored cursor is, and when they were stored last. Behind, nothing followed from what lies between. */
  readonly stored: Map<number, number>
  storedAt: number
  readonly wake: Latch.Latch
  /** Open while a reader waits. */
  readonly hurry: Latch.Latch
  /** Held by a pass and by a rebuild. */
  readonly turn: Semaphore.Semaphore
  readonly waiting: Set<() => void>
  state: "RUNNING" | "STOPPED"
  isFilling: boolean
  /** The last batch was full: there is no need to wait for more. */
  isBehind: boolean
  /** The next batch, if it was read while the last one was written. */
  ahead: { readonly ranges: ReadonlyArray<OffsetRange>; readonly events: ReadonlyArray<Committed> } | undefined
  reason: string | undefined
}

type Heads = ReadonlyMap<number, number>

/** Of the shards that are read here: where their actors are, and nowhere else, unless the view is this runner's own. */
export const shardsBehind = (
  reading: Reading,
  heads: Heads,
  offsets: Heads = reading.offsets
): ReadonlyArray<readonly [shard: number, head: number]> =>
  [...heads].filter(([shard, head]) => head > (offsets.get(shard) ?? 0) && reading.reads(shard))

/** The ranges to read now, or once others are done: all shards together, a batch at most. */
export const rangesOf = (
  reading: Reading,
  heads: Heads,
  done: ReadonlyArray<OffsetRange> = []
): ReadonlyArray<OffsetRange> => {
  const offsets = new Map(reading.offsets)
  for (const { shard, upTo } of done) offsets.set(shard, upTo)
  const shards = shardsBehind(reading, heads, offsets)
  const each = Math.max(1, Math.floor(reading.batchEventsMax / Math.max(1, shards.length)))
  return shards.map(([shard, head]) => {
    const after = offsets.get(shard) ?? 0
    return { shard, after, upTo: Math.min(head, after + each) }
  })
}

/** From the stored cursors to the ends of the ranges. */
export const movesTo = (
  { stored }: Reading,
  ends: ReadonlyArray<{ readonly shard: number; readonly upTo: number }>
): ReadonlyArray<Move> => ends.map(({ shard, upTo }) => ({ shard, before: stored.get(shard) ?? 0, after: upTo }))

/** Of the shards that are read here: those of which the stored cursor is behind, and how far it may be moved. */
export const unstored = (reading: Reading) =>
  [...reading.offsets].flatMap(([shard, upTo]) =>
    upTo > (reading.stored.get(shard) ?? 0) && reading.reads(shard) ? [{ shard, upTo }] : []
  )

/** What was read ahead, if it is these ranges. It is let go in any case: what is not wanted now is not wanted later. */
export const takeAhead = (
  reading: Reading,
  ranges: ReadonlyArray<OffsetRange>
): ReadonlyArray<Committed> | undefined => {
  const { ahead } = reading
  reading.ahead = undefined
  const isSame = ({ shard, after, upTo }: OffsetRange, index: number): boolean => {
    const read = ahead?.ranges[index]
    return read?.shard === shard && read.after === after && read.upTo === upTo
  }
  return ranges.length === ahead?.ranges.length && ranges.every(isSame) ? ahead.events : undefined
}
