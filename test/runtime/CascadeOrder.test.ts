/**
 * What is judged at once does not overtake: neither an older message between the same two actors, nor a command that came
 * before. And everybody hears of all of it before anybody is answered.
 */
import { assert, describe, it } from "@effect/vitest"
import { relationWith } from "#domain/community/Community.ts"
import { JournalUnavailable } from "#runtime/journal/Journal.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { household, readCommunity, readContact } from "./Household.ts"
import { type Asked, askNow, ending, isAtRest, start } from "./Runners.ts"
import { businessId, contactId, credit, debit, openBusiness, purchase, register, share } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const remove = {
  business: businessId,
  key: contactId(1),
  command: { _tag: "RemovePerson", relationshipId: "1-2" }
} as const

/** An owner who is in memory, and a contact who is not. */
const apart = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const first = yield* start(store)
  for (const each of [openBusiness(), register(1), register(2)]) yield* first.actors.ask(each)
  yield* first.crash
  const runner = yield* start(store)
  yield* Effect.all([readContact(runner, 1), readCommunity(runner, 1)])
  return { store, runner }
})

describe("a message that is judged at once", () => {
  it.effect("does not overtake an older one that is on its way to the same actor (COM-3)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* apart
      const held = yield* gate
      runner.connection.around = held.hold
      const shared = askNow(runner, share(1, 2))
      yield* until(() => held.arrived() === 1)
      yield* readContact(runner, 2)
      const removed = askNow(runner, remove)
      yield* held.open
      yield* until(() => [shared, removed].every(({ replies }) => replies.length === 1) && isAtRest(store))
      assert.deepStrictEqual(
        [shared, removed].map(({ replies }) => ending(replies[0])),
        ["done", "done"]
      )
      assert.isUndefined(relationWith((yield* readCommunity(runner, 1)).state, contactId(2)))
      assert.deepStrictEqual((yield* readContact(runner, 2)).state.memberships, [])
    })
  )

  it.effect("does not overtake an older one that could not be delivered for a while (COM-3)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* apart
      runner.connection.aroundLoad = () =>
        Effect.fail(new JournalUnavailable({ operation: "load", cause: "of the test" }))
      yield* runner.actors.ask(share(1, 2))
      yield* quiet
      runner.connection.aroundLoad = (load) => load
      yield* readContact(runner, 2)
      yield* runner.actors.ask(remove)
      yield* quiet
      yield* TestClock.adjust("2 seconds")
      yield* until(() => isAtRest(store, 2_000))
      assert.deepStrictEqual((yield* readContact(runner, 2)).state.memberships, [])
    })
  )

  it.live("does not overtake a command that came before it and waits for room in the lane (P5)", () =>
    Effect.gen(function* () {
      const { runner } = yield* household()
      for (let number = 10; number < 42; number++) yield* runner.actors.ask(register(number))
      const held = yield* gate
      runner.connection.around = held.hold
      const bought: Array<Asked> = []
      for (let number = 10; number < 42; number++) {
        for (let index = 0; index < 256; index++) {
          runner.actors.askWith(credit(number, 1n, `${index}`), () => {
            if (bought.length === 0) bought.push(askNow(runner, purchase(2, 1, 500n)))
          })
        }
      }
      yield* until(() => held.arrived() === 1)
      const first = askNow(runner, debit(1, 1_000n, "all of it"))
      yield* held.open
      yield* until(() => first.replies.length === 1 && bought[0]?.replies.length === 1)
      assert.deepStrictEqual([ending(first.replies[0]), ending(bought[0]?.replies[0])], ["done", "InsufficientFunds"])
    })
  )

  it.effect("is heard of by everybody before the caller is answered", () =>
    Effect.gen(function* () {
      const { runner } = yield* household()
      yield* runner.actors.ask(register(4))
      const heard: Array<string> = []
      runner.actors.onCommitted((turn) => heard.push(turn.events[0]?.event._tag ?? "nothing"))
      runner.actors.askWith(share(1, 4), (reply) => heard.push(ending(reply)))
      yield* until(() => heard.length === 3)
      assert.deepStrictEqual(heard, ["PersonInvited", "MembershipChanged", "done"])
    })
  )
})
