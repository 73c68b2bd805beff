/**
 * How the tests of the runtime wait: for a value to be reached, within a bound.
 * Never for a time to pass.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Commit } from "./FaultyJournal.ts"

/** For a machine that does much else; most are reached within a few turns of the event loop. */
const waitMaxMs = 60_000
const quietTurns = 25

const loopTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** The first value that is there. */
export const until = <A>(look: () => A | undefined | false): Effect.Effect<A> =>
  Effect.promise(async () => {
    for (const until = performance.now() + waitMaxMs; performance.now() < until;) {
      const value = look()
      if (value !== undefined && value !== false) return value
      await loopTurn()
    }
    throw new Error(`it did not come about: ${look.toString()}`)
  })

/** Long enough for anything that could happen without outside help to have happened. */
export const quiet: Effect.Effect<void> = Effect.promise(async () => {
  for (let turn = 0; turn < quietTurns; turn++) await loopTurn()
})

export interface Gate {
  /** Put around a commit: it waits here before the store hears of it. */
  readonly hold: (commit: Commit) => Commit
  /** Waits for it to open. */
  readonly pass: Effect.Effect<void>
  /** How many are waiting, or have waited. */
  readonly arrived: () => number
  readonly open: Effect.Effect<void>
}

/** A gate that starts shut. */
export const gate: Effect.Effect<Gate> = Effect.map(Latch.make(false), (latch) => {
  let arrivals = 0
  return {
    hold: (commit) =>
      Effect.suspend(() => {
        arrivals += 1
        return Effect.andThen(latch.await, commit)
      }),
    pass: latch.await,
    arrived: () => arrivals,
    open: Effect.asVoid(latch.open)
  }
})
