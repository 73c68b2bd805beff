/**
 * Pauses in long work, so that whoever is asked beside it is answered: timers, sockets and other fibers have their turn.
 */
import * as Effect from "effect/Effect"

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
