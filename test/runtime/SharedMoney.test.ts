/** Money under a crowd: a wallet and a month are never overspent at any prefix of the journal (P3), and none is lost (P4). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { relationWith } from "#domain/community/Community.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore } from "./FaultyJournal.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import type { Asked } from "./Runners.ts"
import { contactId, credit, debit, openBusiness, purchase, register, share, transfer } from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

const bakery = Effect.fnUntraced(function* (contacts: number) {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  for (let number = 1; number <= contacts; number++) yield* runner.actors.ask(register(number))
  return { store, runner }
})

type Store = JournalMemory.Store

/** The balance after each event of a wallet. */
const balances = (store: Store, number: number) =>
  Effect.map(history(store, "contact", contactId(number)), (entries) =>
    entries.map(({ state }) => state.lots.reduce((sum, lot) => sum + lot.remaining, 0n))
  )

/** What a member has used of her month after each event of the owner's community. */
const used = (store: Store, owner: number, member: number) =>
  Effect.map(history(store, "community", contactId(owner)), (entries) =>
    entries.map(({ state }) => relationWith(state, contactId(member))?.used.amount ?? 0n)
  )

const allEnded = (asked: ReadonlyArray<Asked>) => until(() => asked.every(({ replies }) => replies.length === 1))
const ended = (asked: ReadonlyArray<Asked>, word: string) =>
  asked.filter(({ replies }) => ending(replies[0]) === word).length

const isNever = (amounts: ReadonlyArray<bigint>, beyond: (amount: bigint) => boolean): void => {
  assert.isAbove(amounts.length, 0)
  assert.deepStrictEqual(amounts.filter(beyond), [])
}

describe("one wallet", () => {
  it.effect("with money for one of 64 racers pays one of them, and is below zero at no prefix (P3)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery(1)
      yield* runner.actors.ask(credit(1, 100n, "opening"))
      const racers = Array.from({ length: 64 }, (_, index) => askNow(runner, purchase(1, index, 100n)))
      yield* allEnded(racers)
      assert.deepStrictEqual([ended(racers, "done"), ended(racers, "InsufficientFunds")], [1, 63])
      isNever(yield* balances(store, 1), (amount) => amount < 0n)
    })
  )

  it.effect("is not overspent either while the connection breaks again and again, before and after commits (P3)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery(1)
      yield* runner.actors.ask(credit(1, 1_000n, "opening"))
      runner.connection.around = (commit, _batch, number) =>
        number % 3 === 0 ? lostBefore : number % 3 === 1 ? lostAfter(commit) : commit
      const racers: Array<Asked> = []
      for (let index = 0; index < 64; index++) {
        racers.push(askNow(runner, debit(1, 70n, `debit ${index}`)))
        if (index % 4 === 0) yield* until(() => runner.actors.statistics().committer.waiting === 0)
      }
      yield* allEnded(racers)
      assert.deepStrictEqual([ended(racers, "done"), ended(racers, "InsufficientFunds")], [14, 50])
      const found = yield* balances(store, 1)
      isNever(found, (amount) => amount < 0n)
      assert.strictEqual(found.at(-1), 20n)
    })
  )
})

describe("one shared wallet", () => {
  it.effect(
    "pays no member more than her month, and all of them together no more than it has, however they race (SHR-8)",
    () =>
      Effect.gen(function* () {
        const { store, runner } = yield* bakery(3)
        yield* runner.actors.ask(credit(1, 1_000n, "opening"))
        yield* runner.actors.ask(share(1, 2, 500n))
        yield* runner.actors.ask(share(1, 3, 700n))
        yield* until(() => isAtRest(store))
        const racers = Array.from({ length: 40 }, (_, index) => askNow(runner, purchase(2 + (index % 2), index, 90n)))
        yield* allEnded(racers)
        // 5 × 90 within 500; 1,000 − 450 leaves room for 6 × 90 of the other's 7.
        const paid = ended(racers, "done")
        const wallet = yield* balances(store, 1)
        isNever(wallet, (amount) => amount < 0n)
        isNever(yield* used(store, 1, 2), (amount) => amount > 500n)
        isNever(yield* used(store, 1, 3), (amount) => amount > 700n)
        assert.strictEqual((yield* used(store, 1, 2)).at(-1), 450n)
        assert.strictEqual(wallet.at(-1), 1_000n - 90n * BigInt(paid))
        assert.isAtLeast(paid, 11)
        assert.strictEqual(paid + ended(racers, "InsufficientFunds"), 40)
      })
  )

  it.effect("has one last unit for two members who race for it: one gets it, the other is refused whole (SHR-8)", () =>
    Effect.gen(function* () {
      const { store, runner } = yield* bakery(3)
      yield* runner.actors.ask(credit(1, 100n, "opening"))
      yield* runner.actors.ask(share(1, 2))
      yield* runner.actors.ask(share(1, 3))
      yield* until(() => isAtRest(store))
      const racers = [askNow(runner, purchase(2, 1, 100n)), askNow(runner, purchase(3, 2, 100n))]
      yield* allEnded(racers)
      assert.deepStrictEqual([ended(racers, "done"), ended(racers, "InsufficientFunds")], [1, 1])
      assert.deepStrictEqual((yield* balances(store, 1)).at(-1), 0n)
    })
  )
})

describe("a circle of transfers", () => {
  it.effect("neither makes nor loses money, at rest and with broken connections (P4, WAL-8)", () =>
    Effect.gen(function* () {
      const contacts = 5
      const { store, runner } = yield* bakery(contacts)
      for (let number = 1; number <= contacts; number++) yield* runner.actors.ask(credit(number, 100n, "opening"))
      runner.connection.around = (commit, _batch, number) => (number % 5 === 0 ? lostAfter(commit) : commit)
      const racers: Array<Asked> = []
      for (let index = 0; index < 100; index++) {
        const origin = 1 + (index % contacts)
        const destination = 1 + ((index * 5 + 2) % (contacts + 1))
        racers.push(askNow(runner, transfer(origin, destination, BigInt(10 + (index % 50)), `transfer ${index}`)))
      }
      yield* allEnded(racers)
      yield* until(() => isAtRest(store))
      const found = yield* Effect.forEach([1, 2, 3, 4, 5], (number) => balances(store, number))
      for (const wallet of found) isNever(wallet, (amount) => amount < 0n)
      const total = found.reduce((sum, wallet) => sum + (wallet.at(-1) ?? 0n), 0n)
      assert.strictEqual(total, 500n)
      assert.isAbove(ended(racers, "done"), 0)
      assert.isAbove(ended(racers, "TransferRefused"), 0, "some go to a contact who is not there")
    })
  )
})
