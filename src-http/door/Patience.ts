/**
 * Callers who wait for the answer to a write, in the order in which their patience ends: all wait equally long, so that is
 * the order in which they came, and one look at the head of the line now and then serves them all. A timer for each would
 * cost more than all else that is done for a small write.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** How often it is looked whether somebody has waited long enough: an end of patience is this much late, at most. */
const lookIntervalMs = 50

interface Place {
  /** Epoch milliseconds. */
  readonly until: number
  giveUp: (() => void) | undefined
  before: Place | undefined
  after: Place | undefined
}

export interface Patience {
  /**
   * Lines up behind those who came before, whose patience ends no later. What it returns is called on the answer, and
   * tells whether anybody still waits for it.
   */
  readonly wait: (until: number, giveUp: () => void) => () => boolean
}

/**
 * A line from which anybody may leave. Whoever leaves lets go of all others and of the request: a place that the collector
 * holds to be old would otherwise keep all that came after it, and a `Set` keeps its outgrown tables in just that way.
 */
class Line {
  #first: Place | undefined
  #last: Place | undefined

  get first(): Place | undefined {
    return this.#first
  }

  join(until: number, giveUp: () => void): Place {
    const place: Place = { until, giveUp, before: this.#last, after: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.after = place
    this.#last = place
    return place
  }

  /** What it would have done at the end of its patience, if it had not left before. */
  leave(place: Place): (() => void) | undefined {
    const { giveUp, before, after } = place
    if (giveUp === undefined) return undefined
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    place.giveUp = place.before = place.after = undefined
    return giveUp
  }
}

/** The line, for as long as the scope lasts. */
export const make: Effect.Effect<Patience, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const line = new Line()
  const look = Effect.sync(() => {
    const now = clock.currentTimeMillisUnsafe()
    for (let first = line.first; first !== undefined && first.until <= now; first = line.first) line.leave(first)?.()
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, lookIntervalMs)))
  return {
    wait: (until, giveUp) => {
      const place = line.join(until, giveUp)
      return () => line.leave(place) !== undefined
    }
  }
})
