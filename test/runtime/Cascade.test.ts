/**
 * A message to an actor that is in memory takes its turn in the commit of the turn that sent it (architecture decisions 5
 * and 6): what is one commit then, who hears of it and when, what goes through the inbox all the same, and the bound.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { relationWith } from "#domain/community/Community.ts"
import { messageId } from "#runtime/actor/Naming.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import {
  balances,
  commitsFrom,
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
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import {
  businessId,
  cancel,
  commandId,
  contactId,
  inviteByApp,
  purchase,
  purchaseId,
  register,
  transfer
} from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const draws = (store: Store) =>
  Effect.map(
    history(store, "community", contactId(1)),
    (entries) => entries.filter(({ event }) => event._tag === "DrawCounted").length
  )

describe("a message to an actor in memory", () => {
  it.effect("is done in the commit that sends it: a purchase paid by a shared wallet is one commit (SHR-7, P10)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const commits = commitsFrom(runner)
      const { answer } = yield* runner.actors.ask(sharedPurchase)
      assert.isTrue(answer._tag === "PurchaseAnswer" && answer.purchase.state === "POSTED")
      assert.isTrue(isAtRest(store))
      yield* quiet

      const [only, ...more] = commits()
      assert.lengthOf(more, 0)
      assert.deepStrictEqual(turnsOf(only), ["PurchaseOpened", "FundsDebited", "PurchasePosted"])
      assert.deepStrictEqual(messagesOf(only), [], "no message ever stood in the inbox")
      assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
      assert.strictEqual(relationWith((yield* readCommunity(runner, 1)).state, contactId(2))?.used.amount, 500n)
      assert.strictEqual(runner.actors.statistics().openCommands, 0)
    })
  )

  it.effect("leaves the command with its outcome in its row from the start, for whoever repeats it (P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const commits = commitsFrom(runner)
      const { answer } = yield* runner.actors.ask(sharedPurchase)
      const units = commits().flatMap((batch) => batch.units)
      assert.include(units[0]?.command?.outcome, "PurchaseAnswer")
      assert.isEmpty(units.flatMap(({ settles }) => settles))
      assert.strictEqual(openCommands(store), 0)

      yield* runner.crash
      const next = yield* start(store)
      const again = yield* next.actors.ask(sharedPurchase)
      assert.deepStrictEqual([again.replayed, again.answer], [true, answer])
      assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
    })
  )

  it.effect("ends in that commit also what is refused, and what comes back (SHR-9, PUR-6, WAL-8)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      yield* readContact(runner, 9)
      yield* runner.actors.ask(sharedPurchase)
      const commits = commitsFrom(runner)
      const uncovered = { ...purchase(2, 2, 501n), id: commandId(2) }
      const toNobody = { ...transfer(1, 9, 300n, "to nobody"), id: commandId(3) }
      assert.strictEqual((yield* Effect.flip(runner.actors.ask(uncovered)))._tag, "InsufficientFunds")
      assert.strictEqual((yield* Effect.flip(runner.actors.ask(toNobody)))._tag, "TransferRefused")
      yield* runner.actors.ask(cancel(2, 1))
      assert.deepStrictEqual(commits().map(turnsOf), [
        ["PurchaseOpened", "nothing", "PurchaseRefused"],
        ["FundsDebited", "nothing", "FundsReturned"],
        ["PurchaseCancelled", "FundsReturned"]
      ])
      assert.include(outcomeOf(store, commandId(2)), "InsufficientFunds")
      assert.include(outcomeOf(store, commandId(3)), "TransferRefused")
      assert.deepStrictEqual(yield* balances(store), [1_000n, 0n, 0n])
    })
  )

  it.effect("is heard of after the commit, in the order of the turns, and the caller is answered after them", () =>
    Effect.gen(function* () {
      const { runner } = yield* household()
      const held = yield* gate
      runner.connection.around = held.hold
      const heard: Array<string> = []
      runner.actors.onCommitted((turn) => heard.push(turn.events[0]?.event._tag ?? "nothing"))
      runner.actors.askWith(sharedPurchase, (reply) => heard.push(ending(reply)))
      yield* until(() => held.arrived() === 1)
      yield* quiet
      assert.deepStrictEqual(heard, [])
      yield* held.open
      yield* until(() => heard.length === 4)
      assert.deepStrictEqual(heard, ["PurchaseOpened", "FundsDebited", "PurchasePosted", "done"])
    })
  )

  it.effect(
    "lets the actor go on before that commit: the next turns are judged on it, and commit with or after it",
    () =>
      Effect.gen(function* () {
        const { store, runner } = yield* household()
        const commits = commitsFrom(runner)
        const asked = [2, 3, 2, 3].map((member, index) => askNow(runner, purchase(member, index, 300n)))
        yield* until(() => asked.every(({ replies }) => replies.length === 1))
        assert.deepStrictEqual(
          asked.map(({ replies }) => ending(replies[0])),
          ["done", "done", "done", "InsufficientFunds"]
        )
        assert.deepStrictEqual(
          commits().map(({ units }) => units.length),
          [12]
        )
        assert.deepStrictEqual(yield* balances(store), [100n, 0n, 0n])
      })
  )

  it.effect("is done once, also when it is delivered later, or sent again: its id is kept (P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const commits = commitsFrom(runner)
      yield* runner.actors.ask(sharedPurchase)
      yield* runner.actors.ask(cancel(2, 1))
      const names = ["draw-1/draw", "draw-1/complete", "draw-1/return"]
      for (const name of names) assert.include(outcomeOf(store, messageId(businessId, name)), "Done", name)
      assert.lengthOf(commits(), 2)
      assert.strictEqual(yield* draws(store), 1)

      const drawAgain = { _tag: "DrawSharedFunds", drawId: "draw-1", purchaseId: purchaseId(1), currency: "EUR" }
      const spending = { at: 0, organisationId: "", lines: [], total: 500n }
      leaveMessage(store, "draw-1/draw", 1, {
        ...drawAgain,
        memberId: contactId(2),
        requested: 500n,
        atLeast: 500n,
        spending
      })
      yield* sweep
      yield* until(() => isAtRest(store, 1_000))
      assert.strictEqual(yield* draws(store), 1)

      yield* Effect.all([readContact(runner, 1), readCommunity(runner, 1), readContact(runner, 2)])
      // Money of that draw for a purchase that never was: it is sent back once more, under the id of the first time.
      const part = { lotId: "opening", pocket: "BUSINESS", creditedAt: 0, amount: 500n }
      const shared = {
        drawId: "draw-1",
        ownerId: contactId(1),
        amount: 500n,
        parts: [part],
        month: "1970-01",
        drawnAt: 0
      }
      const stray = { _tag: "CompletePurchase", purchaseId: purchaseId(99), drawId: "draw-1", entryId: "stray", shared }
      const id = leaveMessage(store, "stray", 2, stray)
      yield* sweep
      yield* until(() => outcomeOf(store, id) !== undefined && isAtRest(store, 2_000))
      assert.deepStrictEqual(parkedMessages(store), [])
      assert.isTrue(
        commits().some(({ units }) => units[0]?.command?.id === id && units.length === 2),
        "it was tried in one commit at first"
      )
      assert.deepStrictEqual(yield* balances(store), [1_000n, 0n, 0n])
    })
  )
})

describe("the turns that share a commit", () => {
  /** Whether the second and the third turn of the purchase each come in a later commit than the one before. */
  const commitsWith = Effect.fnUntraced(function* (cascadeTurnsMax: number) {
    const { store, runner } = yield* household({ cascadeTurnsMax })
    const commits = commitsFrom(runner)
    yield* runner.actors.ask(sharedPurchase)
    yield* until(() => isAtRest(store))
    assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
    const types = commits().map(turnsOf)
    const [opened = -1, debited = -1, posted = -1] = ["PurchaseOpened", "FundsDebited", "PurchasePosted"].map((type) =>
      types.findIndex((each) => each?.includes(type))
    )
    assert.strictEqual(opened, 0)
    return [debited - opened, posted - debited].map((commits) => commits > 0)
  })

  it.effect("are as many as CascadeTurnsMax says, and those beyond it follow through the inbox", () =>
    Effect.gen(function* () {
      const isAnother = yield* Effect.forEach([1, 2, 3], commitsWith)
      assert.deepStrictEqual(isAnother, [
        [true, true],
        [false, true],
        [false, false]
      ])
    })
  )

  it.effect("are 16 unless it says otherwise, however many messages one of them sends", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const numbers = Array.from({ length: 20 }, (_, index) => 101 + index)
      for (const number of numbers) yield* runner.actors.ask(register(number))
      for (const number of numbers) yield* runner.actors.ask(inviteByApp(1, number))
      yield* runner.crash
      const expiry = 30 * 24 * 60 * 60 * 1_000
      yield* TestClock.setTime(expiry - 1_000)
      const next = yield* start(store)
      yield* readCommunity(next, 1)
      for (const number of [1, ...numbers]) yield* readContact(next, number)
      const commits = commitsFrom(next)
      yield* TestClock.adjust("1 second")
      yield* until(() => isAtRest(store, expiry) && commits().length > 1)
      const [first] = commits()
      const told = first?.units.filter(({ events }) => events[0]?.type === "MembershipChanged")
      assert.lengthOf(turnsOf(first)?.filter((type) => type === "InvitationExpired") ?? [], 1)
      assert.lengthOf(told ?? [], 15)
      assert.lengthOf(first?.units[0]?.inbox ?? [], 5)
      for (const number of numbers) {
        const { state } = yield* readContact(next, number)
        assert.isEmpty(state.memberships)
      }
    })
  )
})
