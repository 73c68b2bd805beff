/**
 * How tests wait for what crosses processes, disks and databases: for a value to be reached, by the real clock, and never
 * for a time. The bound is for a machine that does much else; whoever reaches it hears what did not come about.
 */
import * as Effect from "effect/Effect"

/** A test may take longer by the limit of `vitest.config.ts`. */
const waitMaxMs = 60_000
const lookIntervalMs = 10

const interval = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, lookIntervalMs))

/** What the look finds first that is not `undefined` or false. */
export const eventually = <A, E, R>(what: string, look: Effect.Effect<A | undefined | false, E, R>) =>
  Effect.gen(function* () {
    const until = performance.now() + waitMaxMs
    while (performance.now() < until) {
      const found = yield* look
      if (found !== undefined && found !== false) return found
      yield* Effect.promise(interval)
    }
    return yield* Effect.die(new Error(`it did not come about: ${what}`))
  })
