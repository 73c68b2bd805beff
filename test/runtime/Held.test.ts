/**
 * Held commands on runners that die: whoever sent one is told to come back as soon as it is durable, it takes effect once
 * however often it is approved and whenever a runner dies, and it lapses by itself after seven days (AUT-5, P2, P8).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { heldForMs } from "#domain/held/HeldDecider.ts"
import type { Ask } from "#runtime/actor/Actors.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore } from "./FaultyJournal.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import { businessId, commandId, contactId, noon, openBusiness, register } from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

type Store = JournalMemory.Store

const heldId = "80000000-0000-4000-8000-000000000001"
const key = contactId(1)
const judgedBy = [{ automationId: "screening", version: 1 }]

const screening: Ask = {
  business: businessId,
  key: businessId,
  command: {
    _tag: "SaveAutomation",
    id: "screening",
    name: "Screening",
    body: { trigger: "PRIOR_TO_CREATION", actions: [{ _tag: "HOLD" }] }
  }
}
const registration = register(1).command
if (registration._tag !== "RegisterContact") throw new Error("a registration is one")
const hold: Ask = {
  business: businessId,
  key,
  id: commandId(1),
  fingerprint: "one",
  command: {
    _tag: "HoldCommand",
    heldId,
    command: { ...registration, judgedBy },
    generated: ["walletCode"],
    heldBy: judgedBy
  }
}
const approve = (number: number): Ask => ({
  business: businessId,
  key,
  id: commandId(number),
  fingerprint: "approve",
  command: { _tag: "ApproveHeld", heldId }
})

const opened = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  yield* TestClock.setTime(noon)
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  yield* runner.actors.ask(screening)
  return { store, runner }
})
const outcomeOf = (store: Store): string | null | undefined => store.commands.get(commandId(1))?.outcome
const tagsOf = (store: Store) =>
  Effect.map(history(store, "contact", key), (entries) => entries.map(({ event }) => event._tag))

describe("a held command", () => {
  it.effect("AUT-5: tells whoever sent it to come back, once it is durable, and keeps what it says sealed", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* opened
      const asked = askNow(runner, hold)
      const again = askNow(runner, hold)
      assert.strictEqual(ending(again.replies[0]), "StillRunning")
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "StillRunning")
      assert.isNull(outcomeOf(store))
      assert.strictEqual(runner.actors.statistics().openCommands, 0)
      const text = JSON.stringify([...store.streams.values()].flat())
      assert.notInclude(text, registration.identity.walletCode)
      assert.include(text, "CommandHeld")
      const [first] = yield* history(store, "held", heldId, key)
      assert.deepStrictEqual(first?.state.command, { ...registration, judgedBy })
    })
  )

  it.effect("AUT-5, P2: takes effect once, however many approve it at once and again", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* opened
      yield* Effect.ignore(runner.actors.ask(hold))
      const approvals = Array.from({ length: 40 }, (_, number) => askNow(runner, approve(10 + (number % 20))))
      yield* until(() => approvals.every(({ replies }) => replies.length === 1))
      const ends = approvals.map(({ replies }) => ending(replies[0]))
      // Of the twenty that were sent twice the second is told that the first is under way.
      assert.strictEqual(ends.filter((end) => end === "done").length, 20)
      assert.deepStrictEqual(yield* tagsOf(store), ["ContactRegistered"])
      const found = askNow(runner, hold)
      yield* until(() => found.replies.length === 1)
      assert.strictEqual(ending(found.replies[0]), "done")
    })
  )

  for (const [name, fault] of [
    ["before the commit of the approval", lostBefore],
    ["after the commit of the approval, before anybody is told", undefined]
  ] as const) {
    it.effect(`AUT-5, P2: takes effect once where a runner dies ${name}`, () =>
      Effect.gen(function* () {
        const { store, runner } = yield* opened
        yield* Effect.ignore(runner.actors.ask(hold))
        runner.connection.around = (commit) => {
          const through = fault ?? lostAfter(commit)
          return Effect.onExit(through, () => Effect.sync(() => runner.connection.cut()))
        }
        askNow(runner, approve(2))
        yield* until(() => runner.connection.sent.length > 0 && (fault !== undefined || outcomeOf(store) !== null))
        yield* runner.crash
        const next = yield* start(store)
        const repeated = askNow(next, approve(2))
        yield* until(() => repeated.replies.length === 1)
        assert.strictEqual(ending(repeated.replies[0]), "done")
        const another = askNow(next, approve(3))
        yield* until(() => another.replies.length === 1)
        assert.strictEqual(ending(another.replies[0]), "done")
        assert.deepStrictEqual(yield* tagsOf(store), ["ContactRegistered"])
        assert.include(outcomeOf(store), "ContactRegisteredAnswer")
      })
    )
  }

  it.effect("AUT-3, UNQ-3: reserves nothing, so its approval is refused while somebody else holds a value of it", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* opened
      yield* Effect.ignore(runner.actors.ask(hold))
      const other = contactId(2)
      const { identity } = registration
      const twin = { ...registration, contactId: other, identity: { ...identity, code: "C-2" }, judgedBy }
      const taken = askNow(runner, { business: businessId, key: other, command: twin })
      yield* until(() => taken.replies.length === 1)
      assert.strictEqual(ending(taken.replies[0]), "done")
      const refused = askNow(runner, approve(2))
      yield* until(() => refused.replies.length === 1)
      assert.strictEqual(ending(refused.replies[0]), "AlreadyTaken")
      assert.isNull(outcomeOf(store))
      assert.deepStrictEqual(yield* tagsOf(store), [])
    })
  )

  it.effect("AUT-5: lapses after seven days, by a timer that survives its runner, and its request is refused", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* opened
      yield* Effect.ignore(runner.actors.ask(hold))
      yield* runner.crash
      yield* TestClock.setTime(noon + heldForMs - 1_000)
      const early = yield* start(store)
      yield* until(() => isAtRest(store, noon + heldForMs - 1_000))
      assert.isNull(outcomeOf(store))
      yield* early.crash
      yield* TestClock.setTime(noon + heldForMs)
      const late = yield* start(store)
      yield* until(() => outcomeOf(store) !== null)
      assert.include(outcomeOf(store), "LAPSED")
      const refused = askNow(late, approve(2))
      yield* until(() => refused.replies.length === 1)
      assert.strictEqual(ending(refused.replies[0]), "HeldNotPending")
      assert.deepStrictEqual(yield* tagsOf(store), [])
    })
  )
})
