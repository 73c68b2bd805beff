/**
 * Whoever is answered may ask the same key again at once, in the very tick of the answer, as a door does that reads a
 * wallet and then posts to it. Nobody else who waits there may be lost by that (P8).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, start } from "./Runners.ts"
import { businessId, cancel, contactId, credit, openBusiness, purchase, register } from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

describe("a mailbox whose reader asks again in the tick of her answer", () => {
  it.effect("keeps everybody who waits behind her, also when what they need has still to be loaded (P8)", () =>
    Effect.gen(function* () {
      const store = JournalMemory.emptyStore()
      const first = yield* start(store)
      for (const ask of [openBusiness(), register(1), credit(1, 1_000n, "opening"), purchase(1, 1, 100n)]) {
        yield* first.actors.ask(ask)
      }
      yield* first.crash
      const runner = yield* start(store)
      runner.connection.aroundLoad = (load) =>
        Effect.andThen(
          Effect.promise(() => new Promise(setImmediate)),
          load
        )
      const { actors } = runner
      const readThenCredit = actors
        .read(businessId, contactId(1), "contact")
        .pipe(Effect.andThen(actors.ask(credit(1, 50n, "after the reading"))))
      const reader = yield* Effect.forkChild(readThenCredit, { startImmediately: true })
      const behind = [askNow(runner, cancel(1, 1)), askNow(runner, credit(1, 70n, "last"))]
      yield* until(() => behind.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(
        behind.map(({ replies }) => ending(replies[0])),
        ["done", "done"]
      )
      yield* Fiber.join(reader)
    })
  )
})
