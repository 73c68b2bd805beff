/**
 * The output gate (architecture decision 3): turns go on while a commit is in flight, and nothing of them is seen outside
 * before it. And what becomes of turns that were decided on a commit that failed.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Conflicting } from "#runtime/journal/Journal.ts"
import type { Unit } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import type { Asked, Runner, RunnerOptions } from "./Runners.ts"
import {
  businessId,
  changeEmail,
  contactId,
  createPool,
  credit,
  debit,
  email,
  openBusiness,
  purchase,
  purchaseId,
  register,
  share,
  transfer
} from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

/** A bakery with contacts 1 to 3; the first has 10.00 in her wallet. */
const bakeryWith = Effect.fnUntraced(function* (options?: RunnerOptions) {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store, options)
  const { ask } = runner.actors
  yield* ask(openBusiness())
  for (const number of [1, 2, 3]) yield* ask(register(number))
  yield* ask(credit(1, 1_000n, "opening"))
  return { store, runner }
})
const bakery = bakeryWith()

const balance = (runner: Runner, number: number) =>
  Effect.map(runner.actors.read(businessId, contactId(number), "contact"), ({ state }) =>
    state.lots.reduce((sum, lot) => sum + lot.remaining, 0n)
  )

/** All that is stored, as it is now. */
const copyOf = (store: JournalMemory.Store): JournalMemory.Store => structuredClone(store)

/** Of all that a commit makes durable. */
const firstEvent = (units: ReadonlyArray<Unit> | undefined) => units?.flatMap(({ events }) => events)[0]?.type

const endings = (asked: ReadonlyArray<Asked>) => asked.map(({ replies }) => ending(replies[0]))

describe("before the commit", () => {
  it.effect("nobody is answered, no reader sees the new state, and no listener hears of it", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const pushes: Array<string> = []
      runner.actors.onCommitted((turn) => pushes.push(...turn.events.map(({ event }) => event._tag)))
      const held = yield* gate
      runner.connection.around = held.hold

      const asked = askNow(runner, debit(1, 400n, "coffee"))
      const seen: Array<bigint> = []
      const reading = yield* Effect.forkChild(
        Effect.tap(balance(runner, 1), (amount) => Effect.sync(() => seen.push(amount)))
      )
      yield* until(() => held.arrived() === 1)
      yield* quiet
      assert.deepStrictEqual([asked.replies.length, seen.length, pushes.length], [0, 0, 0])

      yield* held.open
      yield* until(() => reading.pollUnsafe() !== undefined)
      assert.deepStrictEqual(seen, [600n])
      assert.deepStrictEqual(endings([asked]), ["done"])
      assert.deepStrictEqual(pushes, ["FundsDebited"])
    })
  )

  it.effect("what a turn sets off is no more seen than the turn: a transfer is both its legs or nothing (WAL-8)", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      const pushes: Array<string> = []
      runner.actors.onCommitted((turn) => pushes.push(...turn.events.map(({ event }) => event._tag)))
      const held = yield* gate
      runner.connection.around = held.hold
      const from = runner.connection.sent.length
      const stored = copyOf(store)
      const asked = askNow(runner, transfer(1, 2, 300n, "gift"))
      const seen: Array<bigint> = []
      const reading = yield* Effect.forEach([1, 2], (number) =>
        Effect.forkChild(Effect.tap(balance(runner, number), (amount) => Effect.sync(() => seen.push(amount))))
      )
      yield* until(() => held.arrived() === 1)
      yield* quiet
      assert.lengthOf(runner.connection.sent.at(-1)?.units ?? [], 3, "the debit, the credit and the last word")
      assert.deepStrictEqual([asked.replies.length, seen, pushes], [0, [], []])
      assert.deepStrictEqual(copyOf(store), stored)

      yield* held.open
      yield* until(() => asked.replies.length === 1 && reading.every((fiber) => fiber.pollUnsafe()))
      assert.deepStrictEqual(endings([asked]), ["done"])
      assert.sameMembers(seen, [700n, 300n])
      assert.includeMembers(pushes, ["FundsDebited", "FundsCredited"])
      assert.strictEqual(runner.connection.sent.length, from + 1)
      assert.isTrue(isAtRest(store))
    })
  )

  it.effect("no message leaves: the other side of a transfer hears of it only when the debit is durable (WAL-8)", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakeryWith({ cascadeTurnsMax: 1 })
      const held = yield* gate
      runner.connection.around = held.hold
      const from = runner.connection.sent.length
      const asked = askNow(runner, transfer(1, 2, 300n, "gift"))
      yield* until(() => held.arrived() === 1)
      yield* quiet
      assert.strictEqual(store.inbox.size, 0)
      assert.lengthOf(runner.connection.sent.at(-1)?.units ?? [], 1)
      assert.lengthOf(asked.replies, 0)
      yield* held.open
      yield* until(() => asked.replies.length === 1)
      assert.deepStrictEqual(yield* Effect.all([balance(runner, 1), balance(runner, 2)]), [700n, 300n])
      const [debited, credited] = runner.connection.sent.slice(from).map(({ units }) => units)
      assert.deepStrictEqual([debited, credited].map(firstEvent), ["FundsDebited", "FundsCredited"])
    })
  )

  it.effect("later turns of the same wallet are judged on what was decided, in one commit and then the next", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const held = yield* gate
      runner.connection.around = held.hold
      const first = askNow(runner, debit(1, 600n, "first"))
      yield* until(() => held.arrived() === 1)
      const second = askNow(runner, debit(1, 400n, "second"))
      const third = askNow(runner, debit(1, 1n, "third"))
      yield* quiet
      yield* held.open
      yield* until(() => third.replies.length === 1)
      assert.deepStrictEqual(endings([first, second, third]), ["done", "done", "InsufficientFunds"])
    })
  )

  it.effect("is over for reference data when its command is answered: the next one finds it in effect", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      for (const id of ["a", "b", "c"]) {
        yield* runner.actors.ask(createPool({ id }))
        yield* runner.actors.ask(credit(1, 1n, `in ${id}`, id))
      }
    })
  )

  it.effect("a reader who comes under an uninterrupted load is answered all the same", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      let isOver = false
      let number = 0
      const keepBusy = (): void => {
        if (!isOver) runner.actors.askWith(credit(1, 1n, `load ${number++}`), keepBusy)
      }
      // Two at a time, one decided before the other is durable: there is always something in flight.
      keepBusy()
      yield* until(() => runner.connection.sent.length > 6)
      keepBusy()
      const reading = yield* Effect.forkChild(balance(runner, 1))
      yield* until(() => reading.pollUnsafe() !== undefined)
      isOver = true
    })
  )

  it.effect("a contact who is being registered can be read and spent from at once: both wait for her", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const held = yield* gate
      runner.connection.around = held.hold
      const registered = askNow(runner, register(9))
      const reading = yield* Effect.forkChild(runner.actors.read(businessId, contactId(9), "contact"))
      const refused = askNow(runner, debit(9, 1n, "too much"))
      const again = askNow(runner, { ...register(9), id: "a0000000-0000-4000-8000-000000000099" })
      yield* quiet
      yield* held.open
      yield* until(() => reading.pollUnsafe() && again.replies.length === 1)
      assert.deepStrictEqual(endings([registered, refused, again]), [
        "done",
        "InsufficientFunds",
        "ContactAlreadyRegistered"
      ])
      const view = yield* runner.actors.read(businessId, contactId(9), "contact")
      assert.strictEqual(view.state.id, contactId(9))
    })
  )
})

describe("after a failed commit", () => {
  /** Another runner over the same store would have taken the value; here it is simply there. */
  const takeValue = (runner: Runner, value: string) => runner.actors.ask(changeEmail(3, value))

  it.effect("what stood on it is judged again, in order, on what is true", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      yield* takeValue(runner, "taken@example.com")
      const before = askNow(runner, debit(1, 100n, "before"))
      const bad = askNow(runner, changeEmail(1, "taken@example.com"))
      const after = [1, 2, 3].map((entry) => askNow(runner, debit(1, 300n, `after ${entry}`)))
      const neighbour = askNow(runner, credit(2, 5n, "neighbour"))
      yield* until(() => after[2]?.replies.length === 1 && neighbour.replies.length === 1)
      assert.deepStrictEqual(endings([before, bad, ...after, neighbour]), [
        "done",
        "AlreadyTaken",
        "done",
        "done",
        "done",
        "done"
      ])
      const entries = (yield* history(store, "contact", contactId(1))).flatMap(({ event }) =>
        event._tag === "FundsDebited" ? [event.entryId] : []
      )
      assert.deepStrictEqual(entries, ["before", "after 1", "after 2", "after 3"])
      assert.strictEqual(yield* balance(runner, 1), 0n)
    })
  )

  it.effect("the order stays when what was to commit after all fails as well, and more has come meanwhile", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      yield* takeValue(runner, "taken@example.com")
      const from = runner.connection.sent.length
      const held = yield* gate
      runner.connection.around = (commit, _batch, number) =>
        number === from + 2 ? held.hold(Effect.fail(new Conflicting({ constraint: "any" }))) : commit
      askNow(runner, credit(1, 1n, "first"))
      askNow(runner, changeEmail(1, "taken@example.com"))
      askNow(runner, credit(1, 1n, "second"))
      yield* until(() => held.arrived() === 1)
      const last = askNow(runner, credit(1, 1n, "third"))
      yield* held.open
      yield* until(() => last.replies.length === 1)
      const lots = (yield* history(store, "contact", contactId(1))).flatMap(({ event }) =>
        event._tag === "FundsCredited" ? [event.lotId] : []
      )
      assert.deepStrictEqual(lots, ["opening", "first", "second", "third"])
    })
  )

  it.effect("a reader who came after it sees what is true, not what was hoped for", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      yield* takeValue(runner, "taken@example.com")
      const bad = askNow(runner, changeEmail(1, "taken@example.com"))
      const { state } = yield* runner.actors.read(businessId, contactId(1), "contact")
      assert.strictEqual(state.profile.email, email(1))
      yield* until(() => bad.replies.length === 1)
      assert.deepStrictEqual(endings([bad]), ["AlreadyTaken"])
    })
  )

  it.effect("what stood on one that failed is not given up for it, however many of them fail one after the other", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const addresses = Array.from({ length: 12 }, (_, index) => `taken${index}@example.com`)
      for (const [index, address] of addresses.entries()) {
        yield* runner.actors.ask(register(100 + index))
        yield* runner.actors.ask(changeEmail(100 + index, address))
      }
      const bad = addresses.map((address) => askNow(runner, changeEmail(1, address)))
      const good = askNow(runner, debit(1, 1_000n, "all of it"))
      yield* until(() => good.replies.length === 1)
      assert.deepStrictEqual(new Set(endings(bad)), new Set(["AlreadyTaken"]))
      assert.deepStrictEqual(endings([good]), ["done"])
    })
  )

  it.effect("the actor waits for what of it still commits: no reader sees it gone, no turn is judged without it", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      yield* takeValue(runner, "taken@example.com")
      const held = yield* gate
      let failures = 0
      runner.connection.around = (commit) =>
        failures > 0 ? held.hold(commit) : Effect.tapError(commit, () => Effect.sync(() => void failures++))
      const more = askNow(runner, credit(1, 500n, "more"))
      const bad = askNow(runner, changeEmail(1, "taken@example.com"))
      const stacked = askNow(runner, credit(1, 1n, "stacked"))
      yield* until(() => held.arrived() === 1)
      // The credit is on its way once more, alone; all that is judged from here on has to wait for it.
      const reading = yield* Effect.forkChild(balance(runner, 1))
      const spent = askNow(runner, debit(1, 1_200n, "almost all"))
      yield* quiet
      assert.deepStrictEqual(
        endings([more, bad, stacked, spent]),
        Array.from({ length: 4 }, () => "waiting")
      )
      yield* held.open
      yield* until(() => reading.pollUnsafe() && spent.replies.length === 1)
      assert.strictEqual(yield* Fiber.join(reading), 301n)
      assert.deepStrictEqual(endings([more, bad, stacked, spent]), ["done", "AlreadyTaken", "done", "done"])
      const lots = (yield* history(store, "contact", contactId(1))).flatMap(({ event }) =>
        event._tag === "FundsCredited" ? [event.lotId] : event._tag === "FundsDebited" ? [event.entryId] : []
      )
      assert.deepStrictEqual(lots, ["opening", "more", "stacked", "almost all"])
    })
  )

  it.effect(
    "two claims of one e-mail in one batch: one wins, the other is refused, a neighbour is unharmed (UNQ-3, decision 9)",
    () =>
      Effect.gen(function* () {
        const { runner, store } = yield* bakery
        const racers = [1, 2, 3].map((number) => askNow(runner, changeEmail(number, "wanted@example.com")))
        const neighbour = askNow(runner, register(7))
        yield* until(() => [...racers, neighbour].every(({ replies }) => replies.length === 1))
        assert.deepStrictEqual(endings(racers), ["done", "AlreadyTaken", "AlreadyTaken"])
        assert.deepStrictEqual(endings([neighbour]), ["done"])
        const claims = { kind: "email", scope: "business" } as const
        const [winner, freed, kept] = yield* runner.actors.holders(
          businessId,
          ["wanted@example.com", email(1), email(2)].map((value) => ({ ...claims, value }))
        )
        assert.deepStrictEqual([winner, freed, kept], [contactId(1), undefined, contactId(2)])
        assert.strictEqual([...store.claims.keys()].filter((name) => name.includes("/email/")).length, 4)
      })
  )

  it.effect("an address that a contact took and gave up in one tick is free for others (CIM-3)", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const changes = ["one@example.com", "two@example.com", email(1)].map((value) =>
        askNow(runner, changeEmail(1, value))
      )
      const next = askNow(runner, changeEmail(2, "one@example.com"))
      yield* until(() => next.replies.length === 1)
      assert.deepStrictEqual(endings([...changes, next]), ["done", "done", "done", "done"])
    })
  )
})

describe("a birth that was assumed (PUR-2)", () => {
  it.effect("of one purchase by two contacts happens once; the other hears that the receipt is known", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      yield* runner.actors.ask(credit(2, 1_000n, "opening"))
      const racers = [askNow(runner, purchase(1, 5, 100n)), askNow(runner, purchase(2, 5, 100n))]
      yield* until(() => racers.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(endings(racers), ["done", "ReferenceReused"])
      assert.lengthOf(store.streams.get(`4/${purchaseId(5)}`) ?? [], 1)
      assert.deepStrictEqual(yield* Effect.all([balance(runner, 1), balance(runner, 2)]), [900n, 1_000n])
    })
  )

  it.effect("of a purchase that was refused before a restart: it is tried again and paid", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery
      // Refused by the owner's side, so that the refusal stands in the journal.
      yield* runner.actors.ask(share(3, 2))
      yield* until(() => isAtRest(store))
      const refused = yield* Effect.flip(runner.actors.ask(purchase(2, 6, 500n)))
      assert.strictEqual(refused._tag, "InsufficientFunds")
      yield* runner.crash
      const next = yield* start(store)
      yield* next.actors.ask(credit(3, 500n, "more"))
      const { answer } = yield* next.actors.ask(purchase(2, 6, 500n, { drawId: "draw-6b" }))
      assert.isTrue(answer._tag === "PurchaseAnswer" && answer.purchase.state === "POSTED")
      assert.strictEqual(yield* balance(next, 3), 0n)
    })
  )

  it.effect(
    "of a contact who is there already, seen by a fresh runner: she is registered, her own values are not 'taken'",
    () =>
      Effect.gen(function* () {
        const { runner, store } = yield* bakery
        yield* runner.crash
        const next = yield* start(store)
        const refused = yield* Effect.flip(next.actors.ask(register(1)))
        assert.strictEqual(refused._tag, "ContactAlreadyRegistered")
      })
  )
})
