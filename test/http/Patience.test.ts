/** Callers who wait for an answer: how long, and what becomes of those who were answered in time. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Patience from "#http/door/Patience.ts"

const started = Effect.gen(function* () {
  const patience = yield* Patience.make
  const given: Array<string> = []
  const now = yield* Clock.currentTimeMillis
  const wait = (name: string, milliseconds: number) =>
    patience.wait(now + milliseconds, () => void given.push(`${name} gave up`))
  return { given, wait }
})

describe("patience", () => {
  it.effect("ends after its time, in the order in which they came", () =>
    Effect.gen(function* () {
      const { given, wait } = yield* started
      wait("Eleni", 5_000)
      wait("Nikos", 5_001)
      yield* TestClock.adjust(4_900)
      assert.deepStrictEqual(given, [])
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(given, ["Eleni gave up", "Nikos gave up"])
    })
  )

  it.effect("of who was answered no longer ends, and who gave up is not answered any more", () =>
    Effect.gen(function* () {
      const { given, wait } = yield* started
      const answers = ["first", "middle", "last", "late"].map((name) => wait(name, 5_000))
      for (const answered of answers.slice(0, 3).toReversed()) assert.isTrue(answered())
      yield* TestClock.adjust(6_000)
      assert.deepStrictEqual(given, ["late gave up"])
      for (const answered of answers) assert.isFalse(answered())
    })
  )
})
