/**
 * Retries of the outbox by a clock that the test moves: backoff with full jitter and a bound, deadlines, times that a
 * receiver names, and tasks whose time has not come (AUT-11: retried for 24 hours and more).
 */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"
import { ceilingMs, delayMs } from "#runtime/outbox/Backoff.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import type { Outcome } from "#runtime/outbox/Task.ts"
import { done, enqueue, isIn, numberOf, outboxSide, task, taskId, view, working } from "./OutboxWorld.ts"
import { businessId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

describe("the wait after a failure", () => {
  it("doubles with each one up to its bound, and chance takes anything below", () => {
    const backoff = { firstMs: 1_000, mostMs: 60_000 }
    assert.deepStrictEqual(
      [1, 2, 3, 6, 7, 1_000].map((failures) => ceilingMs(failures, backoff)),
      [1_000, 2_000, 4_000, 32_000, 60_000, 60_000]
    )
    assert.deepStrictEqual(
      [0, 0.5, 0.999].map((chance) => delayMs(3, backoff, chance)),
      [0, 2_000, 3_996]
    )
  })
})

const retry: Outcome = { _tag: "Retry", reason: "503" }
const hourMs = 60 * 60_000

layer(outboxSide)("by a clock that stands still", (it) => {
  it.effect("what is committed is told of: it is done although the table is not looked at again", () =>
    Effect.gen(function* () {
      const attempted = yield* working(() => Effect.succeed(done))
      const numbers = [50, 51, 52, 53, 54]
      for (const number of numbers) {
        yield* enqueue(task(number, 1))
        yield* eventually(`task ${number} is done`, isIn(number, "DONE"))
      }
      assert.deepStrictEqual(attempted, numbers)
    }).pipe(Effect.scoped)
  )

  it.effect("a failure is tried again within its bound and not before, and what waits behind it keeps its place", () =>
    Effect.gen(function* () {
      let isDown = true
      const attempted = yield* working((task) => Effect.succeed(isDown && numberOf(task) === 1 ? retry : done), {
        backoff: { firstMs: 1_000, mostMs: 4_000 }
      })
      yield* enqueue(task(1, 1), task(2, 1), task(3, 2))
      yield* eventually("another lane goes on", isIn(3, "DONE"))
      for (const failures of [1, 2, 3]) {
        const found = yield* eventually(
          `failure ${failures}`,
          Effect.map(view(1), (found) => found?.failures === failures && found)
        )
        const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        assert.isAtMost(found.dueAt - at, ceilingMs(failures, { firstMs: 1_000, mostMs: 4_000 }))
        // Before the clock goes on: what is attempted after that is not to fail once more.
        if (failures === 3) isDown = false
        yield* TestClock.adjust(found.dueAt - at)
      }
      yield* eventually("both are done", isIn(2, "DONE"))
      const order = attempted.filter((number) => number !== 3)
      assert.strictEqual(order.at(-1), 2)
      assert.lengthOf(
        order.filter((number) => number === 2),
        1
      )
    }).pipe(Effect.scoped, Random.withSeed("jitter"))
  )

  it.effect("it is not tried before the receiver said, and dies after so long a time of failing, not before", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const attempted = yield* working(
        () =>
          Effect.map(
            Effect.clockWith((clock) => clock.currentTimeMillis),
            (now): Outcome => ({ ...retry, notBefore: now + hourMs })
          ),
        { giveUpAfterMs: 24 * hourMs, backoff: { firstMs: 1, mostMs: 1 } }
      )
      yield* enqueue(task(10, 1), task(11, 1, { dueAt: at + 30 * hourMs }))
      for (let hour = 0; hour < 24; hour++) {
        const found = yield* eventually(
          `failure ${hour + 1}`,
          Effect.map(view(10), (found) => found?.failures === hour + 1 && found)
        )
        assert.strictEqual(found.state, "WAITING")
        assert.isAtLeast(found.dueAt, at + (hour + 1) * hourMs)
        yield* TestClock.adjust(hourMs)
      }
      yield* eventually("it is dead", isIn(10, "DEAD"))
      assert.deepStrictEqual(attempted, Array(25).fill(10))
      assert.lengthOf(yield* outbox.attempts(businessId, taskId(10)), 25)
      // What came after it was due later, and is attempted then.
      assert.deepInclude(yield* view(11), { attempts: 0, state: "WAITING" })
      yield* outbox.cancel(businessId, taskId(11))
    }).pipe(Effect.scoped)
  )

  it.effect("Later is no failure and leaves no log; its lane waits with it, to the instant", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const attempted = yield* working((task) => {
        const body = task.body as { readonly number: number; readonly waited?: boolean }
        return Effect.succeed(
          body.number === 20 && body.waited !== true
            ? { _tag: "Later", at: at + hourMs, body: { number: 20, waited: true } }
            : done
        )
      })
      yield* enqueue(task(20, 1), task(21, 1))
      yield* eventually(
        "it waits",
        Effect.map(view(20), (found) => found?.dueAt === at + hourMs)
      )
      yield* TestClock.adjust(hourMs - 1)
      yield* enqueue(task(22, 2))
      yield* eventually("another is done", isIn(22, "DONE"))
      assert.deepStrictEqual(attempted, [20, 22])
      yield* TestClock.adjust(1)
      yield* eventually("both are done", isIn(21, "DONE"))
      assert.deepStrictEqual(attempted, [20, 22, 20, 21])
      assert.deepInclude(yield* view(20), { failures: 0, attempts: 1 })
      assert.lengthOf(yield* outbox.attempts(businessId, taskId(20)), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("what is enqueued for later is done at its instant", () =>
    Effect.gen(function* () {
      const at = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      const attempted = yield* working(() => Effect.succeed(done))
      yield* enqueue(task(30, 1, { dueAt: at + 5_000 }), task(31, 2))
      yield* eventually("what is due is done", isIn(31, "DONE"))
      yield* TestClock.adjust(4_999)
      assert.deepStrictEqual(attempted, [31])
      yield* TestClock.adjust(1)
      yield* eventually("it is done", isIn(30, "DONE"))
    }).pipe(Effect.scoped)
  )
})
