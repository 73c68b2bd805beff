/**
 * When turns that share a commit cannot commit, all states that they were decided on are dropped together, with whatever
 * was decided on those; each command is judged again and ends once, and no money is made or lost (P2, P4).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { messageId } from "#runtime/actor/Naming.ts"
import { Conflicting } from "#runtime/journal/Journal.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore, poisonous } from "./FaultyJournal.ts"
import type { Commit } from "./FaultyJournal.ts"
import {
  balances,
  commitsFrom,
  drawMessage,
  household,
  messagesOf,
  openCommands,
  parkedMessages,
  readCommunity,
  readContact,
  sharedPurchase,
  turnsOf
} from "./Household.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import type { Asked, Runner } from "./Runners.ts"
import {
  businessId,
  changeEmail,
  commandId,
  contactId,
  credit,
  debit,
  purchase,
  purchaseId,
  register,
  transfer
} from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const endings = (asked: ReadonlyArray<Asked>) => asked.map(({ replies }) => ending(replies[0]))
const allAnswered = (asked: ReadonlyArray<Asked>, store: Store) =>
  until(() => asked.every(({ replies }) => replies.length === 1) && isAtRest(store))

const contents = (store: Store): Store => structuredClone(store)

/** Takes the whole household into memory. */
const wake = (runner: Runner) =>
  Effect.all([readCommunity(runner, 1), ...[1, 2, 3].map((number) => readContact(runner, number))])

/** What moved the owner's money, by the names of the entries. */
const entriesOfOwner = (store: Store) =>
  Effect.map(history(store, "contact", contactId(1)), (entries) =>
    entries.flatMap(({ event }) =>
      event._tag === "FundsDebited" || event._tag === "FundsReturned"
        ? [event.entryId]
        : event._tag === "FundsCredited"
          ? [event.lotId]
          : []
    )
  )

describe("a commit of several turns that conflicts", () => {
  it.effect("takes down all that was decided on it, at the sender and the receiver, and nobody else (P3, P4)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      // Known in the journal, and not in the memory of member 2: her turn takes it for new.
      yield* runner.actors.ask(purchase(3, 1, 100n, { drawId: "draw-0" }))
      const held = yield* gate
      const from = runner.connection.sent.length
      runner.connection.around = (commit, _batch, number) => (number === from + 1 ? held.hold(commit) : commit)
      const before = askNow(runner, debit(1, 50n, "before"))
      const fallen = askNow(runner, sharedPurchase)
      const uponReceiver = askNow(runner, debit(1, 700n, "needs what was not spent"))
      const uponBoth = askNow(runner, purchase(3, 3, 100n))
      const uponSender = askNow(runner, credit(2, 5n, "upon the sender"))
      yield* until(() => held.arrived() === 1)
      assert.lengthOf(runner.connection.sent.at(-1)?.units ?? [], 9, "all of them at first")
      const behind = askNow(runner, credit(3, 7n, "behind, upon what was upon it"))
      const neighbour = askNow(runner, register(4))
      yield* held.open
      const asked = [before, fallen, uponReceiver, uponBoth, uponSender, behind, neighbour]
      yield* allAnswered(asked, store)
      assert.deepStrictEqual(endings(asked), ["done", "ReferenceReused", "done", "done", "done", "done", "done"])
      assert.deepStrictEqual(yield* entriesOfOwner(store), [
        "opening",
        "draw-0/draw",
        "before",
        "needs what was not spent",
        "draw-3/draw"
      ])
      assert.deepStrictEqual(yield* balances(store), [50n, 5n, 7n])
      assert.strictEqual(openCommands(store), 0)
      const views = yield* Effect.forEach([1, 2, 3], (number) => readContact(runner, number))
      assert.deepStrictEqual(
        views.map(({ state }) => state.lots.reduce((sum, lot) => sum + lot.remaining, 0n)),
        [50n, 5n, 7n],
        "what is in memory is what is stored"
      )
    })
  )

  it.effect("is judged again, and then sends its messages on their own way: it ends once, in order (P2, P8)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const commits = commitsFrom(runner)
      const from = runner.connection.sent.length
      runner.connection.around = (commit, _batch, number) =>
        number === from + 1 ? Effect.fail(new Conflicting({ constraint: "any" })) : commit
      const asked = [
        askNow(runner, sharedPurchase),
        askNow(runner, debit(1, 600n, "too much after it, and not before it")),
        askNow(runner, transfer(1, 3, 200n, "gift"))
      ]
      yield* allAnswered(asked, store)
      const [, again] = commits()
      assert.isTrue(turnsOf(again)?.includes("PurchaseOpened"))
      assert.include(
        messagesOf(again).map(({ id }) => id),
        drawMessage
      )
      const total = (yield* balances(store)).reduce((sum, amount) => sum + amount, 0n)
      const [bought, spent, given] = endings(asked)
      assert.strictEqual(given, "done")
      assert.sameMembers([bought, spent], ["done", "InsufficientFunds"])
      assert.strictEqual(total, bought === "done" ? 500n : 400n)
      assert.strictEqual(openCommands(store), 0)
      assert.lengthOf(
        (yield* entriesOfOwner(store)).filter((entry) => entry === "gift/debit"),
        1
      )
    })
  )

  it.effect("is not tried as one again, though the receiver is in memory again: the fault is found where it is", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const receipt = messageId(businessId, "gift/receive")
      runner.connection.around = poisonous((unit) => unit.command?.id === receipt)
      const commits = commitsFrom(runner)
      const asked = [
        askNow(runner, credit(1, 5n, "before, so that the sender waits for it")),
        askNow(runner, transfer(1, 3, 200n, "gift")),
        askNow(runner, credit(3, 7n, "upon the receiver"))
      ]
      yield* until(() => parkedMessages(store).length === 1 && asked[2]?.replies.length === 1)
      assert.deepStrictEqual(parkedMessages(store), [receipt])
      assert.deepStrictEqual(endings(asked), ["done", "waiting", "done"])
      assert.deepStrictEqual(yield* balances(store), [805n, 0n, 7n])
      const units = commits().flatMap((batch) => batch.units)
      const atOnce = units.filter(({ command, done }) => command?.id === receipt && done === undefined)
      assert.lengthOf([...new Set(atOnce)], 1)
    })
  )

  it.effect("because its command is known gives the first outcome, and leaves no trace at the receiver (P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const first = yield* runner.actors.ask(sharedPurchase)
      yield* runner.crash
      const next = yield* start(store)
      yield* wake(next)
      const commits = commitsFrom(next)
      const again = askNow(next, sharedPurchase)
      // All that is left: there for the taking only if nothing is paid twice.
      const spent = askNow(next, debit(1, 500n, "the rest"))
      yield* allAnswered([again, spent], store)
      assert.deepStrictEqual(turnsOf(commits()[0])?.slice(0, 3), ["PurchaseOpened", "FundsDebited", "PurchasePosted"])
      const [reply] = again.replies
      assert.isTrue(reply?._tag === "Outcome" && reply.replayed && reply.outcome._tag === "Success")
      assert.deepStrictEqual((yield* next.actors.ask(sharedPurchase)).answer, first.answer)
      assert.deepStrictEqual(endings([spent]), ["done"])
      assert.deepStrictEqual(yield* balances(store), [0n, 0n, 0n])
    })
  )

  it.effect("because what its own sender was decided on conflicts is judged again as well (CIM-3, P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      yield* runner.actors.ask(changeEmail(3, "taken@example.com"))
      const asked = [
        askNow(runner, changeEmail(2, "taken@example.com")),
        askNow(runner, sharedPurchase),
        askNow(runner, debit(1, 500n, "after it"))
      ]
      yield* allAnswered(asked, store)
      assert.deepStrictEqual(endings(asked), ["AlreadyTaken", "done", "done"])
      assert.deepStrictEqual(yield* balances(store), [0n, 0n, 0n])
    })
  )
})

describe("a commit of several turns whose fate is not known", () => {
  const lose = (fault: (commit: Commit) => Commit) =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const from = runner.connection.sent.length
      runner.connection.around = (commit, _batch, number) => (number === from + 1 ? fault(commit) : commit)
      const asked = [askNow(runner, sharedPurchase), askNow(runner, debit(1, 500n, "the rest"))]
      yield* allAnswered(asked, store)
      assert.deepStrictEqual(endings(asked), ["done", "done"])
      assert.deepStrictEqual(yield* balances(store), [0n, 0n, 0n])
      assert.deepStrictEqual(yield* entriesOfOwner(store), ["opening", "draw-1/draw", "the rest"])
    })

  it.effect("happened once if it did (P1, P2)", () => lose(lostAfter))
  it.effect("is made once if it did not (P1, P2)", () => lose(() => lostBefore))

  it.effect("because the runner died is all or nothing, and a repetition finds which (P1, P2, P10)", () =>
    Effect.gen(function* () {
      for (const isThrough of [false, true]) {
        const { store, runner } = yield* household()
        const from = contents(store)
        let isOver = false
        runner.connection.around = (commit) =>
          Effect.tap(isThrough ? commit : Effect.void, () =>
            Effect.sync(() => {
              runner.connection.cut()
              isOver = true
            })
          )
        const asked = askNow(runner, sharedPurchase)
        yield* until(() => isOver)
        yield* runner.crash
        assert.lengthOf(asked.replies, 0)
        assert.strictEqual(openCommands(store), 0)
        if (isThrough) assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
        else assert.deepStrictEqual(contents(store), from)
        const next = yield* start(store)
        assert.strictEqual((yield* next.actors.ask(sharedPurchase)).replayed, isThrough)
        assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
      }
    })
  )

  it.effect("keeps a repetition waiting, as the command is not open anywhere but in flight (P2)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const held = yield* gate
      runner.connection.around = held.hold
      const first = askNow(runner, sharedPurchase)
      yield* until(() => held.arrived() === 1)
      const second = askNow(runner, sharedPurchase)
      assert.deepStrictEqual(endings([first, second]), ["waiting", "StillRunning"])
      yield* held.open
      yield* allAnswered([first], store)
      assert.isTrue((yield* runner.actors.ask(sharedPurchase)).replayed)
    })
  )
})

describe("a runner that loses its shards while turns of several actors commit (P5)", () => {
  it.effect("stores nothing of them, and says that the shard has moved to all who wait", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      const held = yield* gate
      runner.connection.around = held.hold
      const inFlight = askNow(runner, sharedPurchase)
      yield* until(() => held.arrived() === 1)
      const queued = askNow(runner, purchase(3, 2, 100n))
      const upon = askNow(runner, debit(1, 1n, "upon both"))
      const owner = yield* start(store)
      const from = contents(store)
      yield* held.open
      yield* until(() => [inFlight, queued, upon].every(({ replies }) => replies.length === 1))
      const late = askNow(runner, purchase(2, 3, 100n))
      yield* until(() => late.replies.length === 1)
      yield* quiet
      assert.deepStrictEqual(
        endings([inFlight, queued, upon, late]),
        Array.from({ length: 4 }, () => "ShardMoved")
      )
      assert.deepStrictEqual(contents(store), from)
      assert.strictEqual(runner.actors.statistics().committer.waiting, 0)
      assert.strictEqual(runner.actors.statistics().openCommands, 0)
      yield* owner.actors.ask(sharedPurchase)
      assert.deepStrictEqual(yield* balances(store), [500n, 0n, 0n])
    })
  )
})

describe("a crowd of purchases and transfers", () => {
  it.effect("ends every command once and keeps every cent, whatever conflicts and whatever is lost (P3, P4)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* household()
      for (const number of [2, 3]) yield* runner.actors.ask(credit(number, 500n, "opening"))
      runner.connection.around = (commit, _batch, number) => {
        if (number % 7 === 0) return Effect.fail(new Conflicting({ constraint: "any" }))
        return number % 5 === 0 ? lostBefore : number % 5 === 2 ? lostAfter(commit) : commit
      }
      const asked: Array<Asked> = []
      for (let index = 0; index < 90; index++) {
        const member = 2 + (index % 2)
        const ask =
          index % 3 === 0
            ? purchase(member, index, BigInt(5 + (index % 40)))
            : transfer(1 + (index % 3), 1 + ((index + 1) % 3), BigInt(1 + (index % 60)), `transfer ${index}`)
        asked.push(askNow(runner, { ...ask, id: commandId(index), fingerprint: "one" }))
        if (index % 4 === 0) yield* until(() => runner.actors.statistics().committer.waiting === 0)
      }
      yield* allAnswered(asked, store)
      const paid = asked.flatMap(({ replies: [reply] }, index) =>
        index % 3 === 0 && ending(reply) === "done" ? [BigInt(5 + (index % 40))] : []
      )
      assert.isNotEmpty(paid)
      const rest = (yield* balances(store)).reduce((sum, amount) => sum + amount, 0n)
      assert.strictEqual(rest + paid.reduce((sum, amount) => sum + amount, 0n), 2_000n)
      assert.strictEqual(openCommands(store), 0)
      for (const [index] of asked.entries()) {
        assert.isAtMost(store.streams.get(`4/${purchaseId(index)}`)?.length ?? 0, 3)
      }
    })
  )
})
