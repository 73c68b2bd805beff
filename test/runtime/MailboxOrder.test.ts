/** Commands and messages of one key are judged in the order in which they came, whatever their commits and loads come to. */
import { assert, describe, it } from "@effect/vitest"
import { Conflicting, JournalUnavailable } from "#runtime/journal/Journal.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { readContact } from "./Household.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import { commandId, contactId, credit, openBusiness, register, transfer } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

/** More than a command is judged again after failed commits. */
const failuresMax = 8

/** Contacts 1, who has 10.00, 2 and 3; none of them is in memory, and what they send goes through the inbox. */
const neighbours = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const first = yield* start(store)
  for (const each of [openBusiness(), register(1), register(2), register(3)]) yield* first.actors.ask(each)
  yield* first.actors.ask({ ...credit(1, 1_000n, "known"), id: commandId(1), fingerprint: "known" })
  yield* first.crash
  const runner = yield* start(store, { cascadeTurnsMax: 1 })
  return { store, runner }
})

/** In the order of the journal. */
const credits = (store: JournalMemory.Store, number: number) =>
  Effect.map(history(store, "contact", contactId(number)), (events) =>
    events.flatMap(({ event }) => (event._tag === "FundsCredited" ? [event.amount] : []))
  )

describe("the order of a mailbox", () => {
  it.effect("holds for one that was judged on what a failed commit would have made, and waited to be told (P6)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* neighbours
      const { seq } = yield* readContact(runner, 1)
      // In one batch: the second is a repetition, which takes down the third; the fourth counts on the first and the third.
      const asked = [
        credit(1, 1n, "first"),
        { ...credit(1, 1_000n, "known"), id: commandId(1), fingerprint: "known" },
        credit(1, 2n, "second"),
        { ...credit(1, 3n, "third"), expectedSeq: seq + 2 }
      ].map((each) => askNow(runner, each))
      yield* until(() => asked.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(
        asked.map(({ replies }) => ending(replies[0])),
        ["done", "done", "done", "done"]
      )
      assert.deepStrictEqual(yield* credits(store, 1), [1_000n, 1n, 2n, 3n])
    })
  )

  it.effect("holds for a message whose commits fail again and again (P8)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* neighbours
      let failures = 0
      runner.connection.around = (commit, { units }) => {
        if (!units.some(({ key, done }) => key === contactId(2) && done !== undefined)) return commit
        if (failures === failuresMax) return commit
        failures += 1
        // The second is sent when the first has failed some times.
        if (failures === 3) askNow(runner, transfer(1, 2, 20n, "second"))
        return Effect.fail(new Conflicting({ constraint: "of the test" }))
      }
      askNow(runner, transfer(1, 2, 10n, "first"))
      yield* until(() => failures === failuresMax)
      yield* quiet
      yield* TestClock.adjust("2 seconds")
      yield* until(() => isAtRest(store, 2_000))
      assert.deepStrictEqual(yield* credits(store, 2), [10n, 20n])
    })
  )

  it.effect("holds for a message that cannot be delivered while the inbox is being read (P8)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* neighbours
      const loading = yield* gate
      const reading = yield* gate
      let loads = 0
      yield* readContact(runner, 1)
      runner.connection.aroundLoad = (load) => {
        loads += 1
        const failed = Effect.fail(new JournalUnavailable({ operation: "load", cause: "of the test" }))
        // The first is of contact 2, the second of contact 3.
        return loads === 1 ? Effect.andThen(loading.pass, failed) : loads === 2 ? failed : load
      }
      askNow(runner, transfer(1, 2, 10n, "first"))
      yield* until(() => loads === 1)
      // What is not delivered makes the inbox be read, and what comes meanwhile wait for that: here till all three are in it.
      let reads = 0
      runner.connection.aroundDue = (due) =>
        Effect.tap(due, ({ rows }) => {
          if (rows.length < 3) return Effect.void
          reads += 1
          return reading.pass
        })
      askNow(runner, transfer(1, 3, 5n, "other"))
      yield* until(() => loads === 2)
      askNow(runner, transfer(1, 2, 20n, "second"))
      yield* quiet
      yield* TestClock.adjust("1 second")
      yield* until(() => reads > 0)
      yield* loading.open
      yield* quiet
      yield* reading.open
      yield* quiet
      yield* TestClock.adjust("2 seconds")
      yield* until(() => isAtRest(store, 10_000))
      assert.deepStrictEqual(yield* credits(store, 2), [10n, 20n])
    })
  )
})
