/**
 * A repeated command is judged like any other until the journal says that it is known. What was decided behind it in the
 * meantime stood on a state that never was, and so did what could not be decided there: neither may count (P1, P8).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, start } from "./Runners.ts"
import { commandId, credit, openBusiness, purchase, register } from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

describe("a command behind a repeated one", () => {
  it.effect("that throws on the doubled state is judged again on what is true, not given up (P1, P2)", () =>
    Effect.gen(function* () {
      const store = JournalMemory.emptyStore()
      const first = yield* start(store)
      const once = { ...credit(1, 100n, "once"), id: commandId(1), fingerprint: "one" }
      for (const ask of [openBusiness(), register(1), once]) yield* first.actors.ask(ask)
      yield* first.crash

      const runner = yield* start(store)
      runner.connection.aroundLoad = (load) =>
        Effect.andThen(
          Effect.promise(() => new Promise(setImmediate)),
          load
        )
      // 150 are there only if the same lot is credited twice.
      const asked = [askNow(runner, once), askNow(runner, purchase(1, 1, 150n)), askNow(runner, purchase(1, 2, 60n))]
      yield* until(() => asked.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(
        asked.map(({ replies }) => ending(replies[0])),
        ["done", "InsufficientFunds", "done"]
      )
    })
  )
})
