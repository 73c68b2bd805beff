/**
 * Effects that are settled already. `Effect.succeed` and `Effect.fail` are exits, which can be read without a fiber; what
 * most requests need is in memory, so most of them pass the door in plain calls. Whatever has to wait runs as ever.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/** `Effect.flatMap` that goes on at once where the first effect is settled. */
export const andThen = <A, E, R, B, E2, R2>(
  effect: Effect.Effect<A, E, R>,
  next: (value: A) => Effect.Effect<B, E2, R2>
): Effect.Effect<B, E | E2, R | R2> => {
  if (!Exit.isExit(effect)) return Effect.flatMap(effect, next)
  return Exit.isSuccess(effect) ? next(effect.value as A) : (effect as Exit.Exit<never, E>)
}

/** Tells how an effect ends: at once where it is settled, from a fiber of its own otherwise. */
export const settle = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  runFork: (effect: Effect.Effect<A, E, R>) => {
    readonly addObserver: (observer: (exit: Exit.Exit<A, E>) => void) => void
  },
  done: (exit: Exit.Exit<A, E>) => void
): void => {
  if (Exit.isExit(effect)) done(effect as Exit.Exit<A, E>)
  else runFork(effect).addObserver(done)
}
