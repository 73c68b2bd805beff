/**
 * How a reader waits until a view holds what it wants to see: the view makes haste meanwhile, here or on the runner that
 * feeds it, and the reader is told as soon as it is there, or that it is not in time. Nothing is read here but cursors.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Position } from "./ProjectionCursors.ts"
import { type Reading, shardsBehind } from "./Reading.ts"
import type { ReadersElsewhere } from "./ReadersElsewhere.ts"
import { ProjectionBehind, type ViewUnavailable } from "./ViewRefusal.ts"

/** How often a reader looks how far other runners have read. */
const elsewhereIntervalMs = 25
/** How long a reader waits for a view to catch up. */
export const ReaderWaitMaxMs = Context.Reference<number>("koinon/runtime/ReaderWaitMaxMs", {
  defaultValue: () => 1_000
})

interface Options {
  /** The last offset of each shard that is known to be committed. */
  readonly heads: ReadonlyMap<number, number>
  readonly readers: (typeof ReadersElsewhere)["Service"]
  /** Reads how far other runners have got. */
  readonly reloadElsewhere: (reading: Reading) => Effect.Effect<void, ViewUnavailable>
}

export const make = ({ heads, readers, reloadElsewhere }: Options) => {
  const behind = (reading: Reading) =>
    new ProjectionBehind({
      projection: reading.projection.name,
      lagEvents: shardsBehind(reading, heads).reduce(
        (lag, [shard, head]) => lag + head - (reading.offsets.get(shard) ?? 0),
        0
      ),
      ...(reading.reason !== undefined && { reason: reading.reason })
    })

  /** Until whoever waits has gone; asked again each time, for the others may have had more to do than one pass. */
  const lookElsewhere = (reading: Reading) =>
    Effect.suspend(() => {
      readers.askFor(reading.projection.name)
      return Effect.delay(reloadElsewhere(reading), elsewhereIntervalMs)
    }).pipe(Effect.forever)

  const arrivalOf = (reading: Reading, isThere: () => boolean) =>
    Effect.callback<void, ProjectionBehind>((resume) => {
      const leave = (): void => {
        reading.waiting.delete(look)
        if (reading.waiting.size === 0) reading.hurry.closeUnsafe()
      }
      const look = (): void => {
        if (!isThere() && reading.state !== "STOPPED") return
        leave()
        resume(isThere() ? Effect.void : Effect.fail(behind(reading)))
      }
      reading.waiting.add(look)
      reading.hurry.openUnsafe()
      look()
      return Effect.sync(leave)
    })

  /** Returns once the view is there, at most after `ReaderWaitMaxMs` of the reader; at once when it stands still. */
  return (
    reading: Reading,
    targets: ReadonlyArray<Position>
  ): Effect.Effect<void, ProjectionBehind | ViewUnavailable> => {
    const isBehind = ({ shard, offset }: Position): boolean => offset > (reading.offsets.get(shard) ?? 0)
    // What other runners read moves cursors that only the database knows.
    const elsewhere = targets.some((target) => !reading.reads(target.shard) && isBehind(target))
    const looking = elsewhere ? lookElsewhere(reading) : Effect.never
    const arrival = Effect.raceFirst(
      arrivalOf(reading, () => !targets.some(isBehind)),
      looking
    )
    return Effect.flatMap(ReaderWaitMaxMs, (duration) =>
      Effect.timeoutOrElse(arrival, { duration, orElse: () => Effect.fail(behind(reading)) })
    )
  }
}
