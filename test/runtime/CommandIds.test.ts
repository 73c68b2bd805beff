/** One command id has one effect and one outcome, for ever (P2), and belongs to what was asked first (P7). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Ask } from "#runtime/actor/Actors.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore } from "./FaultyJournal.ts"
import { askNow, ending, history, start } from "./Runners.ts"
import type { Runner, RunnerOptions } from "./Runners.ts"
import {
  businessId,
  commandId,
  contactId,
  credit,
  debit,
  openBusiness,
  otherBusinessId,
  register,
  transfer
} from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const withId = (ask: Ask, number: number, fingerprint = "one"): Ask => ({ ...ask, id: commandId(number), fingerprint })

const bakeryWith = Effect.fnUntraced(function* (options?: RunnerOptions) {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store, options)
  yield* runner.actors.ask(openBusiness())
  yield* runner.actors.ask(register(1))
  yield* runner.actors.ask(register(2))
  return { store, runner }
})
const bakery = bakeryWith()

const balance = (runner: Runner, number = 1) =>
  Effect.map(runner.actors.read(businessId, contactId(number), "contact"), ({ state }) =>
    state.lots.reduce((sum, lot) => sum + lot.remaining, 0n)
  )

describe("the same id again (P2)", () => {
  it.effect("at the same moment has one effect; whoever comes second is told to come back, and finds the answer", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const ask = withId(credit(1, 100n, "once"), 1)
      const racers = Array.from({ length: 20 }, () => askNow(runner, ask))
      yield* until(() => racers.every(({ replies }) => replies.length === 1))
      const endings = racers.map(({ replies }) => ending(replies[0]))
      assert.deepStrictEqual(endings, ["done", ...Array.from({ length: 19 }, () => "StillRunning")])
      const again = yield* runner.actors.ask(ask)
      assert.deepStrictEqual([again.replayed, again.answer], [true, { _tag: "Done", id: "once" }])
      assert.strictEqual(yield* balance(runner), 100n)
      assert.lengthOf(yield* history(store, "contact", contactId(1)), 2)
    })
  )

  it.effect("after a restart has the same outcome: an answer, a refusal, and one that holds personal data", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const asks = [withId(credit(1, 100n, "once"), 1), withId(debit(1, 500n, "too much"), 2), withId(register(3), 3)]
      const outcomes = (from: Runner) =>
        Effect.forEach(asks, (ask) =>
          Effect.match(from.actors.ask(ask), {
            onFailure: (refusal) => ({ refusal, replayed: undefined }),
            onSuccess: ({ answer, replayed }) => ({ answer, replayed })
          })
        )
      const first = yield* outcomes(runner)
      assert.deepStrictEqual(
        first.map((one) => one.replayed),
        [false, undefined, false]
      )
      yield* runner.crash
      const next = yield* start(store)
      // Now there is money: judged anew, the debit would go through.
      yield* next.actors.ask(credit(1, 1_000n, "more"))
      const second = yield* outcomes(next)
      assert.deepStrictEqual(
        second,
        first.map((one) => (one.replayed === undefined ? one : { ...one, replayed: true }))
      )
      assert.strictEqual(yield* balance(next), 1_100n)
    })
  )

  it.effect("from every caller of a wallet at once, after a restart, is answered to all of them", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const asks = Array.from({ length: 200 }, (_, index) => withId(credit(1, 1n, `${index}`), index))
      yield* Effect.forEach(asks, runner.actors.ask, { concurrency: "unbounded" })
      yield* runner.crash
      const next = yield* start(store)
      const again = asks.map((ask) => askNow(next, ask))
      yield* until(() => again.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(new Set(again.map(({ replies }) => ending(replies[0]))), new Set(["done"]))
      assert.isBelow(next.connection.sent.length, 10)
      assert.strictEqual(yield* balance(next), 200n)
    })
  )

  it.effect("while its first answer is lost on the way has one effect, whether or not the commit happened", () =>
    Effect.gen(function* () {
      for (const lose of [lostAfter, () => lostBefore]) {
        const { runner } = yield* bakery
        const from = runner.connection.sent.length
        runner.connection.around = (commit, _batch, number) => (number === from + 1 ? lose(commit) : commit)
        const ask = withId(credit(1, 100n, "once"), 1)
        const racers = [askNow(runner, ask), askNow(runner, ask)]
        yield* until(() => racers.every(({ replies }) => replies.length === 1))
        assert.isTrue((yield* runner.actors.ask(ask)).replayed)
        assert.strictEqual(yield* balance(runner), 100n)
      }
    })
  )

  it.effect(
    "while a later turn has still to settle it is told to wait, also after a restart, and then gets the outcome",
    () =>
      Effect.gen(function* () {
        // Each message in a commit of its own, so that there is a time at which the command is open.
        const { runner, store } = yield* bakeryWith({ cascadeTurnsMax: 1 })
        yield* runner.actors.ask(credit(1, 100n, "opening"))
        const held = yield* gate
        const from = runner.connection.sent.length
        runner.connection.around = (commit, _batch, number) => (number > from + 1 ? held.hold(commit) : commit)
        const ask = withId(transfer(1, 2, 40n, "gift"), 1)
        const asked = askNow(runner, ask)
        yield* until(() => held.arrived() === 1)
        assert.strictEqual((yield* Effect.flip(runner.actors.ask(ask)))._tag, "StillRunning")
        yield* runner.crash
        assert.lengthOf(asked.replies, 0)
        const next = yield* start(store, { cascadeTurnsMax: 1 })
        const outcome = () => store.commands.get(commandId(1))?.outcome ?? undefined
        assert.isUndefined(outcome())
        const early = askNow(next, ask)
        yield* until(() => early.replies.length === 1 && outcome())
        assert.include(["StillRunning", "done"], ending(early.replies[0]))
        const { answer, replayed } = yield* next.actors.ask(ask)
        assert.deepStrictEqual([answer, replayed], [{ _tag: "Done", id: "gift" }, true])
        assert.deepStrictEqual(yield* Effect.all([balance(next, 1), balance(next, 2)]), [60n, 40n])
      })
  )

  it.effect("with a condition that its own first effect has made false still gets its first outcome", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const ask = { ...withId(credit(1, 100n, "once"), 1), expectedSeq: 1 }
      const first = yield* runner.actors.ask(ask)
      yield* runner.crash
      const next = yield* start(store)
      const again = yield* next.actors.ask(ask)
      assert.deepStrictEqual([again.answer, again.replayed], [first.answer, true])
    })
  )

  it.effect("is judged beside nobody when its actors leave memory while it is looked up, and come back (P6)", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const [lookedUp, commits] = [yield* gate, yield* gate]
      runner.connection.aroundLookUp = (lookUp) => Effect.andThen(lookedUp.pass, lookUp)
      const again = askNow(runner, { ...withId(debit(1, 50n, "from what was put in since"), 1), repeated: true })
      yield* TestClock.adjust("6 minutes")
      assert.strictEqual(runner.actors.statistics().residentGroups, 0)
      runner.connection.around = commits.hold
      const put = askNow(runner, credit(1, 100n, "since"))
      yield* until(() => commits.arrived() === 1)
      yield* lookedUp.open
      yield* quiet
      yield* commits.open
      yield* until(() => put.replies.length === 1 && again.replies.length === 1)
      assert.deepStrictEqual([ending(put.replies[0]), ending(again.replies[0])], ["done", "done"])
      assert.strictEqual(yield* balance(runner), 50n)
    })
  )

  it.effect("whose answer can no longer be opened is refused, not left waiting (P14, P17)", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const ask = withId(register(3), 3)
      yield* runner.actors.ask(ask)
      yield* runner.crash
      store.dataKeys.delete(contactId(3))
      const next = yield* start(store)
      const again = askNow(next, ask)
      yield* until(() => again.replies.length === 1)
      assert.strictEqual(ending(again.replies[0]), "ActorUnavailable")
    })
  )

  it.effect("from another business learns nothing of the first (decision 12)", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      yield* runner.actors.ask(openBusiness(otherBusinessId))
      yield* runner.actors.ask(withId(credit(1, 100n, "secret"), 1))
      const stranger = withId({ ...register(8, otherBusinessId) }, 1)
      assert.strictEqual((yield* Effect.flip(runner.actors.ask(stranger)))._tag, "CommandIdReused")
      yield* runner.crash
      const next = yield* start(store)
      assert.strictEqual((yield* Effect.flip(next.actors.ask(stranger)))._tag, "CommandIdReused")
    })
  )
})

describe("the same id for something else (P7)", () => {
  const Step = Schema.Struct({
    id: Schema.Literals([1, 2, 3]),
    fingerprint: Schema.Literals(["one", "two"]),
    amount: Schema.Literals([1n, 10n, 700n]),
    isDebit: Schema.Boolean,
    restart: Schema.Boolean
  })

  it.effect.prop(
    "is refused whatever came between, and leaves the state as it is",
    [Schema.Array(Step)],
    ([steps]) =>
      Effect.gen(function* () {
        const { runner: first, store } = yield* bakery
        let runner = first
        const known = new Map<number, { readonly fingerprint: string; readonly ending: string }>()
        for (const [index, { id, fingerprint, amount, isDebit, restart }] of steps.entries()) {
          if (restart) {
            yield* runner.crash
            runner = yield* start(store)
          }
          const before = yield* balance(runner)
          const ask = withId((isDebit ? debit : credit)(1, amount, `entry ${index}`), id, fingerprint)
          const asked = askNow(runner, ask)
          yield* until(() => asked.replies.length === 1)
          const found = ending(asked.replies[0])
          const after = yield* balance(runner)
          const earlier = known.get(id)
          if (earlier === undefined) known.set(id, { fingerprint, ending: found })
          else {
            assert.strictEqual(found, earlier.fingerprint === fingerprint ? earlier.ending : "CommandIdReused")
            assert.strictEqual(after, before)
          }
        }
      }),
    { arbitrary: { runs: 25 } }
  )
})
