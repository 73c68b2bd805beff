/**
 * What cannot be judged in the commit of the turn that sent it stands in the inbox with that commit and is delivered after
 * it, as if nothing ever were judged at once; and it ends the same (architecture decisions 5 and 6).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { messageId } from "#runtime/actor/Naming.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import { poisonous } from "./FaultyJournal.ts"
import {
  balances,
  coldHousehold,
  commitsFrom,
  drawMessage,
  household,
  leaveMessage,
  messagesOf,
  openCommands,
  outcomeOf,
  parkedMessages,
  readCommunity,
  readContact,
  sharedPurchase,
  sweep,
  turnsOf
} from "./Household.ts"
import { askNow, ending, isAtRest, start } from "./Runners.ts"
import { businessId, cancel, commandId, contactId, credit } from "./SampleCommands.ts"
import { gate, until } from "./Waiting.ts"

describe("a message goes through the inbox, and all ends the same,", () => {
  /** The purchase is paid with the draw delivered after the commit that sent it. */
  const isPaidByMessage = Effect.fnUntraced(function* (
    { store, runner }: Effect.Success<ReturnType<typeof household>>,
    between: Effect.Effect<unknown> = Effect.void
  ) {
    const commits = commitsFrom(runner)
    const asked = askNow(runner, sharedPurchase)
    yield* between
    yield* until(() => asked.replies.length === 1 && isAtRest(store))
    assert.strictEqual(ending(asked.replies[0]), "done")
    const opened = commits().find((batch) => turnsOf(batch)?.includes("PurchaseOpened"))
    assert.isFalse(turnsOf(opened)?.includes("FundsDebited"))
    assert.deepStrictEqual(
      messagesOf(opened).map(({ id }) => id),
      [drawMessage]
    )
    assert.isTrue(commits().some(({ units }) => units.some(({ done }) => done === drawMessage)))
    assert.include(outcomeOf(store, commandId(1)), "PurchaseAnswer")
    assert.strictEqual(openCommands(store), 0)
    const [owner = 0n] = yield* balances(store)
    return owner
  })

  it.effect("when its receiver is not in memory (SHR-7, P8)", () =>
    Effect.gen(function* () {
      const warm = yield* household()
      yield* warm.runner.actors.ask(sharedPurchase)
      const cold = yield* coldHousehold
      assert.strictEqual(yield* isPaidByMessage(cold), 500n)
      const streams = (store: Store) =>
        Object.fromEntries([...store.streams].map(([name, rows]) => [name, rows.map(({ type }) => type)]))
      assert.deepStrictEqual(streams(cold.store), streams(warm.store))
      assert.sameMembers([...cold.store.commands.keys()].slice(-3), [...warm.store.commands.keys()].slice(-3))
    })
  )

  it.effect("when its receiver is loading for a command that came before: nobody overtakes it (P8)", () =>
    Effect.gen(function* () {
      const warm = yield* household()
      const held = yield* gate
      warm.runner.connection.aroundLoad = (load) => Effect.andThen(held.pass, load)
      const heard: Array<string> = []
      warm.runner.actors.onCommitted((turn) => heard.push(turn.events[0]?.event._tag ?? "nothing"))
      // Her wallet is there, a purchase that she never made is looked for.
      const first = askNow(warm.runner, cancel(1, 7))
      const between = Effect.andThen(
        until(() => warm.store.inbox.has(drawMessage)),
        held.open
      )
      assert.strictEqual(yield* isPaidByMessage(warm, between), 500n)
      assert.strictEqual(ending(first.replies[0]), "PurchaseNotFound")
      assert.deepStrictEqual(heard, ["PurchaseOpened", "nothing", "FundsDebited", "PurchasePosted"])
    })
  )

  it.effect("when its receiver has as many commands as its mailbox holds (P11)", () =>
    Effect.gen(function* () {
      const warm = yield* household()
      const held = yield* gate
      warm.runner.connection.around = held.hold
      const crowd = Array.from({ length: 256 }, (_, index) => askNow(warm.runner, credit(1, 1n, `${index}`)))
      assert.strictEqual(yield* isPaidByMessage(warm, held.open), 756n)
      assert.deepStrictEqual(new Set(crowd.map(({ replies }) => ending(replies[0]))), new Set(["done"]))
    })
  )

  it.effect("when its turn throws: it is parked for an operator, nothing of it is done, and others go on", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      yield* runner.crash
      // The owner's last turn stands at an instant that lies beyond what any calendar knows, and time never goes back.
      const rows = store.streams.get(`2/${contactId(1)}`) ?? []
      rows.splice(-1, 1, ...rows.slice(-1).map((row) => ({ ...row, at: 9e15 })))
      const next = yield* start(store)
      yield* Effect.all([readContact(next, 1), readCommunity(next, 1)])
      const commits = commitsFrom(next)
      const asked = askNow(next, sharedPurchase)
      yield* until(() => parkedMessages(store).length === 1)
      assert.deepStrictEqual(parkedMessages(store), [drawMessage])
      assert.deepStrictEqual(commits().map(turnsOf), [["PurchaseOpened"]])
      assert.lengthOf(asked.replies, 0)
      assert.strictEqual(openCommands(store), 1)
      assert.isFalse(store.commands.has(drawMessage))
      assert.deepStrictEqual(yield* balances(store), [1_000n, 0n, 0n])
      yield* next.actors.ask(credit(2, 5n, "the same buyer"))
      yield* next.actors.ask(credit(3, 5n, "somebody else"))
    })
  )

  it.effect("when its turn is refused: the refusal is its outcome, and it is not tried again", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      yield* readContact(runner, 9)
      const commits = commitsFrom(runner)
      // From somebody who is not there, so that the confirmation finds nobody.
      const received = {
        _tag: "ReceiveTransfer",
        transferId: "stray",
        originId: contactId(9),
        destinationId: contactId(2)
      }
      leaveMessage(store, "stray", 2, {
        ...received,
        amount: 5n,
        currency: "EUR",
        parts: [],
        settles: commandId(9),
        sentAt: 0
      })
      yield* sweep
      const confirmed = messageId(businessId, "stray/complete")
      yield* until(() => isAtRest(store, 1_000) && outcomeOf(store, confirmed))
      assert.include(outcomeOf(store, confirmed), "ContactNotFound")
      const [first] = commits()
      assert.deepStrictEqual(turnsOf(first), ["FundsCredited"])
      assert.deepStrictEqual(parkedMessages(store), [])
    })
  )

  it.effect("when the store will never take what it does: it is parked, its sender and its neighbours commit", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      runner.connection.around = poisonous((unit) => unit.command?.id === drawMessage)
      const asked = [
        askNow(runner, credit(2, 5n, "before")),
        askNow(runner, sharedPurchase),
        askNow(runner, credit(1, 7n, "of the owner")),
        askNow(runner, credit(3, 9n, "neighbour"))
      ]
      yield* until(() => parkedMessages(store).length === 1 && asked[3]?.replies.length === 1)
      assert.deepStrictEqual(parkedMessages(store), [drawMessage])
      assert.deepStrictEqual(
        asked.map(({ replies }) => ending(replies[0])),
        ["done", "waiting", "done", "done"]
      )
      assert.deepStrictEqual(yield* balances(store), [1_007n, 5n, 9n])
      assert.strictEqual(openCommands(store), 1)
    })
  )
})
