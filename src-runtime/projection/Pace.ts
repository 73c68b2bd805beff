/**
 * How much of a runner's time a view takes: how long it waits for more to read, rests after a pass, and pauses within a
 * long one. Under load views lag and commands are answered, unless somebody waits for the view.
 */
import * as Effect from "effect/Effect"
import { othersFirst } from "./Breath.ts"
import type { AnyProjection } from "./ProjectionSink.ts"
import type { Reading } from "./Reading.ts"

/** A projection that was woken waits this long for more to read, or as it says itself, unless a reader waits for it. */
export const gatherMs = 200
/** After a pass it rests for so many times as long, at most `restMaxMs` or as it says itself. */
const restFactor = 3
const restMaxMs = 1_000
/** Between two pieces of a batch, a few milliseconds each. */
const pieceRestMs = 3

/** After a pass that took so long. */
export const restAfter = (projection: AnyProjection, tookMs: number): number =>
  Math.min(projection.restMaxMs ?? restMaxMs, restFactor * tookMs)

/** Before the next pass: a crowd of commits shares one. */
export const waitBefore = ({ isBehind, isFilling, gatherMs, restMs }: Reading): number => {
  const moreMs = isBehind ? 0 : gatherMs()
  return isFilling ? moreMs : Math.max(moreMs, restMs)
}

/** Between two pieces of a pass. */
export const pauseIn = (reading: Reading): Effect.Effect<void> =>
  Effect.suspend(() =>
    reading.isFilling || reading.isBehind || reading.waiting.size > 0 ? othersFirst : Effect.sleep(pieceRestMs)
  )
