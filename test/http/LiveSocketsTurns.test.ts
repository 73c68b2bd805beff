/** What many sockets of the live door cost one of them: they are looked after in slices, and in between others have their turn. */
import { assert, describe, it } from "@effect/vitest"
import { LiveLimits } from "#http/live/LiveLimits.ts"
import * as LiveSockets from "#http/live/LiveSockets.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { eventually } from "../support/Eventually.ts"

const slice = 64
const slices = 4
/** Longer than anybody works without asking whether others wait. */
const beatMs = 6

const limits: LiveLimits = {
  socketsMax: 1_000,
  authenticateWithinMs: 1_000,
  heartbeatIntervalMs: 1_000,
  silenceMaxMs: 1_000,
  closeGraceMs: 1_000
}

describe("the sockets of the live door", () => {
  it.live("beat in slices, so that what comes in meanwhile is heard between two of them", () =>
    Effect.gen(function* () {
      const sockets = Context.get(yield* Layer.build(LiveSockets.layer(limits.socketsMax)), LiveSockets.LiveSockets)
      const happened: Array<"beat" | "heard"> = []
      for (let number = 0; number < slice * slices; number++) {
        sockets.enter({
          look: () => {
            happened.push("beat")
            if (number % slice !== 0) return
            // One comes in while a slice beats, and beating takes its time.
            setImmediate(() => void happened.push("heard"))
            for (const until = performance.now() + beatMs; performance.now() < until;);
          },
          stop: () => undefined,
          destroy: () => undefined
        })
      }
      yield* eventually(
        "all have beaten",
        Effect.sync(() => happened.length >= (slice + 1) * slices)
      )
      const heard = happened.flatMap((each, index) => (each === "heard" ? [index] : [])).slice(0, slices)
      // After its slice, and before the next one begins.
      assert.deepStrictEqual(
        heard,
        Array.from({ length: slices }, (_, number) => (number + 1) * (slice + 1) - 1)
      )
    }).pipe(Effect.scoped, Effect.provideService(LiveLimits, limits))
  )
})
