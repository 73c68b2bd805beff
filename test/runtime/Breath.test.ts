/** Long work on the past lets everybody else have a turn, and no more than two such questions are worked on at once. */
import { assert, describe, it } from "@effect/vitest"
import { makeBreath } from "#runtime/projection/Breath.ts"
import { PastLooks } from "#runtime/segment/PastLooks.ts"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

describe("work on what has happened", () => {
  it.live("pauses every few milliseconds, and not at each step", () =>
    Effect.gen(function* () {
      let turns = 0
      let steps = 0
      let pending = setImmediate(function again() {
        turns += 1
        pending = setImmediate(again)
      })
      const breath = makeBreath()
      const endsAt = performance.now() + 100
      while (performance.now() < endsAt) {
        steps += 1
        yield* breath
      }
      clearImmediate(pending)
      assert.isAtLeast(turns, 3)
      assert.isAbove(steps, turns * 10)
    })
  )

  it.effect("is done for two at a time", () =>
    Effect.gen(function* () {
      const looks = yield* PastLooks
      const end = yield* Latch.make(false)
      let [now, most, done] = [0, 0, 0]
      const look = Effect.gen(function* () {
        most = Math.max(most, ++now)
        yield* end.await
        now -= 1
        done += 1
      })
      yield* Effect.all(
        [...Array.from({ length: 5 }, () => looks.withPermit(look)), Effect.andThen(Effect.yieldNow, end.open)],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual([most, done], [2, 5])
    })
  )
})
