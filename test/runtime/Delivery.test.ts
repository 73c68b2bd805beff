/** Delivery of accepted work, messages and timers: what cannot be done is set aside for an operator, and the rest goes on. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import type { InboxRow } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { poisonous } from "./FaultyJournal.ts"
import { history, isAtRest, start } from "./Runners.ts"
import { businessId, commandId, contactId, credit, openBusiness, register } from "./SampleCommands.ts"
import { quiet, until } from "./Waiting.ts"

const bakery = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  yield* runner.actors.ask(register(1))
  yield* runner.actors.ask(register(2))
  return { store, runner }
})

const credits = (store: JournalMemory.Store, number: number) =>
  Effect.map(history(store, "contact", contactId(number)), (entries) =>
    entries.flatMap(({ event }) => (event._tag === "FundsCredited" ? [event.lotId] : []))
  )
const parked = (store: JournalMemory.Store) => [...store.inbox.values()].filter((row) => row.failure !== undefined)

/** A message as a damaged store or an older version might hold it. */
const message = (command: unknown, number = 1): InboxRow => ({
  id: randomUUID(),
  business: businessId,
  key: contactId(number),
  shard: 1,
  command: typeof command === "string" ? command : JSON.stringify(command),
  deliverAt: 0,
  at: 0
})

describe("a message", () => {
  it.effect("that cannot be read is parked, and those after it are done", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.crash
      const bad = [message("{ torn"), message({ _tag: "MintMoney" }), message({ _tag: "PostJournal", amount: "x" })]
      const good = message({ _tag: "PostJournal", entryId: "good", action: "CREDIT", amount: "5", currency: "EUR" })
      for (const row of [...bad, good]) store.inbox.set(row.id, row)
      yield* start(store)
      yield* until(() => isAtRest(store))
      assert.sameMembers(
        parked(store).map((row) => row.id),
        bad.map((row) => row.id)
      )
      assert.deepStrictEqual(yield* credits(store, 1), ["good"])
    })
  )

  it.effect("whose turn throws is parked once, and neither its neighbours nor its own key wait for it", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.crash
      // The instant lies beyond what any calendar knows.
      const bad = message({
        _tag: "CompleteTransfer",
        transferId: "t",
        destinationId: contactId(2),
        amount: "1",
        parts: [],
        settles: randomUUID(),
        sentAt: 9e15,
        refusedBecause: "ContactNotFound"
      })
      const after = message({ _tag: "PostJournal", entryId: "after", action: "CREDIT", amount: "5", currency: "EUR" })
      for (const row of [bad, after]) store.inbox.set(row.id, row)
      const next = yield* start(store)
      yield* until(() => isAtRest(store))
      assert.deepStrictEqual(
        parked(store).map((row) => row.id),
        [bad.id]
      )
      yield* next.actors.accept(credit(1, 1n, "same key"))
      yield* next.actors.accept(credit(2, 1n, "other key"))
      yield* TestClock.adjust("10 seconds")
      yield* until(() => isAtRest(store, 10_000))
      assert.deepStrictEqual(
        [yield* credits(store, 1), yield* credits(store, 2)],
        [["after", "same key"], ["other key"]]
      )
      assert.isFalse(store.commands.has(bad.id), "nothing of it took effect")
    })
  )

  it.effect("whose unit the store will never take is parked; the others of its batch and its key are done", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      runner.connection.around = poisonous((unit) => unit.done === commandId(3))
      for (const number of [1, 2, 3, 4, 5]) {
        yield* Effect.forkChild(runner.actors.accept({ ...credit(1, 1n, `${number}`), id: commandId(number) }), {
          startImmediately: true
        })
        yield* Effect.forkChild(runner.actors.accept(credit(2, 1n, `${number}`)), { startImmediately: true })
      }
      yield* until(() => isAtRest(store) && parked(store).length === 1 && store.commands.size === 12)
      assert.deepStrictEqual(
        parked(store).map((row) => row.id),
        [commandId(3)]
      )
      yield* until(() => runner.actors.statistics().committer.waiting === 0)
      assert.deepStrictEqual(yield* credits(store, 1), ["1", "2", "4", "5"])
      assert.deepStrictEqual(yield* credits(store, 2), ["1", "2", "3", "4", "5"])
      yield* TestClock.adjust("10 seconds")
      yield* quiet
      assert.lengthOf(yield* credits(store, 1), 4, "it is not tried again on its own")
    })
  )

  it.effect("accepted twice under one id has one effect (P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      const ask = { ...credit(1, 1n, "once"), id: commandId(1) }
      yield* Effect.all([runner.actors.accept(ask), runner.actors.accept(ask)], { concurrency: "unbounded" })
      yield* until(() => isAtRest(store))
      yield* runner.actors.accept(ask)
      yield* until(() => isAtRest(store))
      assert.deepStrictEqual(yield* credits(store, 1), ["once"])
    })
  )

  it.effect("accepted while the journal is away waits for it, and is not told to be safe before it is", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      runner.connection.isReachable = false
      const accepting = yield* Effect.forkChild(runner.actors.accept(credit(1, 1n, "patient")), {
        startImmediately: true
      })
      yield* quiet
      assert.isUndefined(accepting.pollUnsafe())
      runner.connection.isReachable = true
      yield* TestClock.adjust("2 seconds")
      yield* until(() => accepting.pollUnsafe())
      yield* until(() => isAtRest(store, 2_000))
      assert.deepStrictEqual(yield* credits(store, 1), ["patient"])
    })
  )

  it.effect("that holds personal data is refused, not thrown, when it cannot be sealed (decision 10)", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const refused = yield* Effect.flip(runner.actors.accept(register(3)))
      assert.strictEqual(refused._tag, "TurnFailed")
    })
  )
})
