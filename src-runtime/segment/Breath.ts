/**
 * Pauses in long work on what has happened, so that whoever is asked beside it is answered: timers, sockets and other
 * fibers have their turn. And its bound: no more than two such questions at a time on a runner.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** Looks into the past that a runner takes at a time: each opens all that has happened to a business. */
const looksAtOnceMax = 2
/** Work without a pause. */
const stretchMs = 5

/** Back after everything that was ready, the network included. */
export const othersFirst: Effect.Effect<void> = Effect.callback<void>((resume) => {
  const pause = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(pause))
})

/** Called after each little step: pauses where the last pause is too long ago. */
export const makeBreath = (): Effect.Effect<void> => {
  let since = performance.now()
  const pause = Effect.andThen(
    othersFirst,
    Effect.sync(() => void (since = performance.now()))
  )
  return Effect.suspend(() => (performance.now() - since < stretchMs ? Effect.void : pause))
}

/** One for all of a runner. */
export const PastLooks = Context.Reference<Semaphore.Semaphore>("koinon/runtime/PastLooks", {
  defaultValue: () => Semaphore.makeUnsafe(looksAtOnceMax)
})
