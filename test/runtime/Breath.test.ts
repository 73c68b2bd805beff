/** Long work on the past lets everybody else have a turn, and no more than two such questions are worked on at once. */
import { assert, describe, it } from "@effect/vitest"
import { makeBreath } from "#runtime/projection/Breath.ts"
import { PastLooks } from "#runtime/segment/PastLooks.ts"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { MaxOpsBeforeYield } from "effect/Scheduler"

const turnsOfWork = 20
const fewMs = 50
const workMaxMs = 60_000

describe("work on what has happened", () => {
  it.live("pauses every few milliseconds, and not at each step", () =>
    Effect.gen(function* () {
      // Without the pauses of any fiber that has taken so many steps.
      const startedAt = performance.now()
      const turnsAt: Array<number> = [startedAt]
      let steps = 0
      let pending = setImmediate(function again() {
        turnsAt.push(performance.now())
        pending = setImmediate(again)
      })
      const breath = makeBreath()
      while (turnsAt.length <= turnsOfWork && performance.now() - startedAt < workMaxMs) {
        steps += 1
        yield* breath
      }
      clearImmediate(pending)
      assert.isAbove(turnsAt.length, turnsOfWork)
      // The machine may do something else in any of them, and not in all.
      const stretches = turnsAt.slice(1).map((at, index) => at - (turnsAt[index] ?? 0))
      assert.isBelow(Math.min(...stretches), fewMs)
      assert.isAbove(steps, turnsOfWork * 10)
    }).pipe(Effect.provideService(MaxOpsBeforeYield, Number.POSITIVE_INFINITY))
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
