/** Timers: at their instant, exactly once, across restarts, and however late (INT-5, WAL-5, COM-4). Under a test clock. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { relationWith } from "#domain/community/Community.ts"
import { dayNumber, startOfDay } from "#domain/shared/CalendarDate.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { history, isAtRest, start } from "./Runners.ts"
import type { Runner } from "./Runners.ts"
import {
  businessId,
  contactId,
  createPool,
  credit,
  inviteByApp,
  noon,
  openBusiness,
  purchase,
  register
} from "./SampleCommands.ts"
import { quiet, until } from "./Waiting.ts"

const zone = "Europe/Nicosia"
const secondMs = 1_000
const dayMs = 24 * 60 * 60 * secondMs
/** The beginning of the local day so many days after the test begins. */
const midnight = (days: number): number => startOfDay(dayNumber(noon, zone) + days, zone)

const bakery = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  yield* TestClock.setTime(noon)
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  yield* runner.actors.ask(createPool({ id: "today", validityDays: 0 }))
  yield* runner.actors.ask(createPool({ id: "month", validityDays: 30 }))
  yield* runner.actors.ask(register(1))
  return { store, runner }
})

/** The runner is gone until shortly before an instant: a clock that ticked through the weeks would take as long. */
const sleepUntil = Effect.fnUntraced(function* (store: JournalMemory.Store, runner: Runner, at: number) {
  yield* runner.crash
  yield* TestClock.setTime(at)
  return yield* start(store)
})

const atRest = (store: JournalMemory.Store) =>
  Effect.flatMap(
    TestClock.testClockWith((clock) => clock.currentTimeMillis),
    (now) => until(() => isAtRest(store, now))
  )
const contact = (runner: Runner) =>
  Effect.map(runner.actors.read(businessId, contactId(1), "contact"), ({ state }) => state)

describe("the expiry of money (WAL-5)", () => {
  it.effect("comes at the end of its last day, not before, while the runner runs", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(credit(1, 300n, "today", "today"))
      const late = yield* sleepUntil(store, runner, midnight(1) - 3 * secondMs)
      yield* quiet
      assert.lengthOf((yield* contact(late)).lots, 1)
      yield* TestClock.adjust("2999 millis")
      yield* quiet
      assert.lengthOf((yield* contact(late)).lots, 1)
      yield* TestClock.adjust("1 millis")
      yield* atRest(store)
      assert.deepStrictEqual((yield* contact(late)).lots, [])
      const last = (yield* history(store, "contact", contactId(1))).at(-1)
      assert.deepStrictEqual([last?.event._tag, last?.row.at], ["FundsDebited", midnight(1)])
    })
  )

  it.effect("that fell into a time without a runner happens at the next start, once, and arms the next one", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(credit(1, 300n, "today", "today"))
      yield* runner.actors.ask(credit(1, 500n, "month", "month"))
      let later = yield* sleepUntil(store, runner, noon + 9 * dayMs)
      yield* atRest(store)
      assert.deepStrictEqual(
        (yield* contact(later)).lots.map((lot) => lot.lotId),
        ["month"]
      )
      assert.deepStrictEqual(
        [...store.inbox.values()].map((row) => row.deliverAt),
        [midnight(31)]
      )
      later = yield* sleepUntil(store, later, noon + 90 * dayMs)
      yield* atRest(store)
      assert.deepStrictEqual((yield* contact(later)).lots, [])
      const debits = (yield* history(store, "contact", contactId(1))).filter(
        ({ event }) => event._tag === "FundsDebited"
      )
      assert.lengthOf(debits, 2)
      assert.strictEqual(store.inbox.size, 0)
    })
  )

  it.effect("happens once when the runner dies right after its commit, and when it dies right before (P2)", () =>
    Effect.gen(function* () {
      for (const survives of [true, false]) {
        const { store, runner } = yield* bakery
        yield* runner.actors.ask(credit(1, 300n, "today", "today"))
        const doomed = yield* sleepUntil(store, runner, midnight(1) - secondMs)
        doomed.connection.around = (commit) =>
          Effect.andThen(
            survives ? commit : Effect.void,
            Effect.andThen(Effect.sync(doomed.connection.cut), Effect.never)
          )
        yield* TestClock.adjust("1 second")
        yield* until(() => doomed.connection.sent.length === 1)
        const next = yield* sleepUntil(store, doomed, midnight(1) + secondMs)
        yield* atRest(store)
        assert.deepStrictEqual((yield* contact(next)).lots, [])
        const debits = (yield* history(store, "contact", contactId(1))).filter(
          ({ event }) => event._tag === "FundsDebited"
        )
        assert.lengthOf(debits, 1)
      }
    })
  )
})

describe("the interaction state (INT-5)", () => {
  const spend = Effect.gen(function* () {
    const { store, runner } = yield* bakery
    yield* runner.actors.ask(credit(1, 300n, "opening"))
    yield* runner.actors.ask(purchase(1, 1, 100n))
    assert.strictEqual((yield* contact(runner)).interactionState, "ENGAGED")
    return { store, runner }
  })

  it.effect("turns at midnight of the 61st and the 121st day, each by a timer that survives restarts", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* spend
      let later = yield* sleepUntil(store, runner, midnight(61) - secondMs)
      yield* quiet
      assert.strictEqual((yield* contact(later)).interactionState, "ENGAGED")
      yield* TestClock.adjust("1 second")
      yield* atRest(store)
      assert.strictEqual((yield* contact(later)).interactionState, "DORMANT")
      later = yield* sleepUntil(store, later, midnight(121) - secondMs)
      yield* TestClock.adjust("1 second")
      yield* atRest(store)
      assert.strictEqual((yield* contact(later)).interactionState, "RESTING")
    })
  )

  it.effect("that nobody was there to turn is turned late, with the history it should have had", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* spend
      const later = yield* sleepUntil(store, runner, noon + 200 * dayMs)
      yield* atRest(store)
      assert.strictEqual((yield* contact(later)).interactionState, "RESTING")
      const changes = (yield* history(store, "contact", contactId(1))).flatMap(({ event }) =>
        event._tag === "InteractionStateChanged" ? [[event.to, event.at]] : []
      )
      assert.deepStrictEqual(changes.slice(1), [
        ["DORMANT", midnight(61)],
        ["RESTING", midnight(121)]
      ])
    })
  )
})

describe("an invitation (COM-4)", () => {
  it.effect("lapses by its timer, and the person invited hears of it", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(register(2))
      yield* runner.actors.ask(inviteByApp(2, 1))
      yield* until(() => isAtRest(store, noon))
      assert.strictEqual((yield* contact(runner)).memberships[0]?.state, "PENDING")
      const later = yield* sleepUntil(store, runner, noon + 30 * dayMs - secondMs)
      yield* quiet
      assert.lengthOf((yield* contact(later)).memberships, 1)
      yield* TestClock.adjust("1 second")
      yield* atRest(store)
      assert.lengthOf((yield* contact(later)).memberships, 0)
      const { state } = yield* later.actors.read(businessId, contactId(2), "community")
      assert.isUndefined(relationWith(state, contactId(1)))
    })
  )
})

describe("a clock that goes back (P16)", () => {
  it.effect("takes no turn back with it: what one key decides is never dated before what it decided last", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery
      yield* runner.actors.ask(credit(1, 1n, "now"))
      yield* TestClock.setTime(noon - 3_600 * secondMs)
      yield* runner.actors.ask(credit(1, 1n, "an hour back"))
      const next = yield* sleepUntil(store, runner, noon - 3_600 * secondMs)
      yield* next.actors.ask(credit(1, 1n, "after a restart"))
      const instants = (yield* history(store, "contact", contactId(1))).map(({ row }) => row.at)
      assert.deepStrictEqual(
        instants,
        instants.toSorted((left, right) => left - right)
      )
    })
  )
})
