/**
 * What the simulation has found, told on its own. One that is not mended yet is written with `it.effect.fails`: it turns red
 * when the fault is gone, and then loses its `fails`, as the simulation loses what it does to look away.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { aggregateOfKind } from "#runtime/journal/Kinds.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { streamName } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, history, isAtRest, start } from "../runtime/Runners.ts"
import {
  businessId,
  commandId,
  contactId,
  credit,
  noon,
  openBusiness,
  purchase,
  register,
  share,
  transfer
} from "../runtime/SampleCommands.ts"
import { gate, until } from "../runtime/Waiting.ts"
import { sealer } from "./Runners.ts"

const hourMs = 3_600_000
/** Half an hour before December, in Nicosia. */
const lateNovember = Date.UTC(2026, 10, 30, 21, 30)

/** Contact 1 has 50.00 and shares 5.00 of them a month with contact 2. */
const household = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  for (const each of [openBusiness(), register(1), register(2), credit(1, 5_000n, "opening"), share(1, 2, 500n)]) {
    yield* runner.actors.ask(each)
  }
  yield* until(() => isAtRest(store, noon * 2))
  return { store, runner }
})

/** As a group leaves them behind when it leaves memory. */
const saveSnapshots = Effect.fnUntraced(function* (store: JournalMemory.Store, number: number) {
  const id = contactId(number)
  const wrapped = store.dataKeys.get(id)
  const key = wrapped && sealer.unwrap(businessId, id, wrapped.wrapped)
  for (const kind of ["contact", "community"] as const) {
    const last = (yield* history(store, kind, id)).at(-1)
    if (last === undefined) continue
    const row = new Codec(sealer).snapshot(businessId, aggregateOfKind(kind), id, last.row.seq, last.state, key)
    store.snapshots.set(streamName(row), row)
  }
})

describe("clocks", () => {
  it.effect("P16: a month's limit holds when a clock goes back over its end and the wallet wakes from a snapshot", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(lateNovember)
      const { store, runner } = yield* household
      yield* runner.actors.ask(purchase(2, 1, 500n))
      // A clock that runs an hour ahead: it is December, and a new month has its own limit.
      yield* TestClock.setTime(lateNovember + hourMs)
      yield* runner.actors.ask(purchase(2, 2, 500n))
      yield* saveSnapshots(store, 1)
      yield* saveSnapshots(store, 2)
      yield* runner.crash
      yield* TestClock.setTime(lateNovember + 1_000)
      const next = yield* start(store)
      const asked = askNow(next, purchase(2, 3, 500n))
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "InsufficientFunds")
    })
  )

  it.effect(
    "P8: a message of a runner whose clock ran ahead is done by the next one without waiting for that hour",
    () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(noon)
        const { store, runner } = yield* household
        yield* TestClock.setTime(noon + hourMs)
        runner.connection.around = (commit) => Effect.tap(commit, () => Effect.sync(runner.connection.cut))
        askNow(runner, { ...transfer(1, 2, 100n, "gift"), id: commandId(1), fingerprint: "gift" })
        yield* until(() => store.commands.has(commandId(1)))
        yield* runner.crash
        yield* TestClock.setTime(noon)
        yield* start(store)
        for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")
        // The review of her interaction, weeks from now, is no message.
        assert.isTrue(isAtRest(store, noon + hourMs), "the message is done")
      })
  )
})

describe("an id", () => {
  it.effect("P7: that has an outcome keeps it also while something else is tried under it", () =>
    Effect.gen(function* () {
      const { runner } = yield* household
      const rightful = { ...credit(1, 100n, "rightful"), id: commandId(1), fingerprint: "rightful" }
      yield* runner.actors.ask(rightful)
      const held = yield* gate
      runner.connection.aroundLoad = (load) => Effect.andThen(held.pass, load)
      const other = askNow(runner, { ...credit(1, 900n, "other"), id: commandId(1), fingerprint: "other" })
      const again = askNow(runner, rightful)
      yield* held.open
      yield* until(() => other.replies.length === 1 && again.replies.length === 1)
      assert.strictEqual(ending(other.replies[0]), "CommandIdReused")
      assert.include(["done", "StillRunning"], ending(again.replies[0]))
    })
  )

  it.effect("P2: is not refused for what its own command has changed, by a runner that has lost its shards", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household
      const ask = { ...credit(1, 100n, "once"), id: commandId(1), fingerprint: "once" }
      const { seq } = yield* runner.actors.read(businessId, contactId(1), "contact")
      yield* runner.crash
      const older = yield* start(store)
      const held = yield* gate
      older.connection.aroundLoad = (load) => Effect.andThen(held.pass, load)
      const asked = askNow(older, { ...ask, expectedSeq: seq })
      const younger = yield* start(store)
      yield* younger.actors.ask({ ...ask, expectedSeq: seq })
      yield* held.open
      yield* until(() => asked.replies.length === 1)
      assert.include(["ShardMoved", "done"], ending(asked.replies[0]))
    })
  )
})
