/** The promises that matter most, once more over a real database: one effect, one writer, nothing lost by a restart. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Ask } from "#runtime/actor/Actors.ts"
import { eventually } from "../support/Eventually.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { connectTo, lostAfter, lostBefore } from "./FaultyJournal.ts"
import { connectPostgres } from "./JournalStores.ts"
import { askNow, ending, startThrough } from "./Runners.ts"
import type { Runner, RunnerOptions } from "./Runners.ts"
import {
  businessId,
  changeEmail,
  commandId,
  contactId,
  credit,
  debit,
  openBusiness,
  purchase,
  register,
  share
} from "./SampleCommands.ts"

const bakeryWith = Effect.fnUntraced(function* (options?: RunnerOptions) {
  const database = yield* TestDatabase.create
  const start = Effect.flatMap(connectPostgres(database), ({ journal }) => startThrough(connectTo(journal), options))
  const runner = yield* start
  yield* runner.actors.ask(openBusiness())
  for (const number of [1, 2, 3]) yield* runner.actors.ask(register(number))
  yield* runner.actors.ask(credit(1, 1_000n, "opening"))
  return { start, runner }
})
const bakery = bakeryWith()

const contact = (runner: Runner, number: number) =>
  Effect.map(runner.actors.read(businessId, contactId(number), "contact"), ({ state }) => state)
const balance = (runner: Runner, number: number) =>
  Effect.map(contact(runner, number), ({ lots }) => lots.reduce((sum, lot) => sum + lot.remaining, 0n))

const together = (runner: Runner, asks: ReadonlyArray<Ask>) =>
  Effect.forEach(
    asks,
    (ask) => Effect.match(runner.actors.ask(ask), { onFailure: (refusal) => refusal._tag, onSuccess: () => "done" }),
    { concurrency: "unbounded" }
  )

/** Nothing is due that is not done; timers stand for later. */
const atRest = ({ connection }: Runner) =>
  eventually(
    "it is at rest",
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.map(connection.journal.backlog(now), ({ due }) => due === 0)
    )
  )

const withId = (ask: Ask, number: number): Ask => ({ ...ask, id: commandId(number), fingerprint: "one" })

describe("over PostgreSQL", () => {
  it.live("one id has one effect and one outcome: at once, after lost answers, and after a restart (P2, P7)", () =>
    Effect.gen(function* () {
      const { start, runner } = yield* bakery
      runner.connection.around = (commit, _batch, number) =>
        number % 3 === 0 ? lostAfter(commit) : number % 3 === 1 ? lostBefore : commit
      const asks = Array.from({ length: 30 }, (_, index) => withId(debit(1, 90n, `debit ${index % 15}`), index % 15))
      yield* together(runner, asks)
      const first = yield* together(runner, asks.slice(0, 15))
      assert.lengthOf(
        first.filter((word) => word === "done"),
        11
      )
      yield* runner.crash
      const next = yield* start
      assert.deepStrictEqual(yield* together(next, asks.slice(0, 15)), first)
      const other = yield* Effect.flip(next.actors.ask({ ...withId(debit(1, 1n, "other"), 3), fingerprint: "two" }))
      assert.strictEqual(other._tag, "CommandIdReused")
      assert.strictEqual(yield* balance(next, 1), 10n)
    })
  )

  it.live(
    "the older of two runners cannot commit any more and says so; the younger goes on from the last event (P5)",
    () =>
      Effect.gen(function* () {
        const { start, runner } = yield* bakery
        const younger = yield* start
        yield* younger.actors.ask(debit(1, 300n, "of the younger"))
        const asks = [debit(1, 1_000n, "of the older"), credit(2, 1n, "of the older"), register(9)]
        assert.deepStrictEqual(yield* together(runner, asks), ["ShardMoved", "ShardMoved", "ShardMoved"])
        assert.strictEqual((yield* Effect.flip(runner.actors.accept(credit(1, 1n, "accepted"))))._tag, "ShardMoved")
        yield* younger.actors.ask(debit(1, 700n, "the rest"))
        assert.deepStrictEqual([yield* balance(younger, 1), yield* balance(younger, 2)], [0n, 0n])
      })
  )

  it.live(
    "of all who claim one address in one batch one wins; it changes hands, and is free when given up (decision 9)",
    () =>
      Effect.gen(function* () {
        const { runner } = yield* bakery
        const race = yield* together(runner, [
          ...[1, 2, 3].map((number) => changeEmail(number, "wanted@example.com")),
          credit(2, 1n, "neighbour")
        ])
        assert.deepStrictEqual(race, ["done", "AlreadyTaken", "AlreadyTaken", "done"])
        const moves = yield* together(runner, [
          changeEmail(1, "fleeting@example.com"),
          changeEmail(1, "settled@example.com"),
          changeEmail(2, "fleeting@example.com"),
          changeEmail(3, "wanted@example.com")
        ])
        assert.deepStrictEqual(moves, ["done", "done", "done", "done"])
      })
  )

  it.live("a turn judged beside one that failed sees what committed before it, however slow that commit is", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      yield* runner.actors.ask(changeEmail(3, "taken@example.com"))
      for (let round = 0; round < 10; round++) {
        const words = yield* together(runner, [
          credit(2, 100n, `credit ${round}`),
          changeEmail(2, "taken@example.com"),
          debit(2, 100n, `debit ${round}`)
        ])
        assert.deepStrictEqual(words, ["done", "AlreadyTaken", "done"])
        assert.strictEqual(yield* balance(runner, 2), 0n)
      }
    })
  )

  it.live("a shared purchase and accepted work go on after a restart, wherever the runner died (P8, P10)", () =>
    Effect.gen(function* () {
      // Each message in a commit of its own, so that there is something to go on with.
      const { start, runner } = yield* bakeryWith({ cascadeTurnsMax: 1 })
      yield* runner.actors.ask(share(1, 2))
      let last = runner
      for (let commits = 1; commits <= 3; commits++) {
        let through = 0
        const doomed = last
        // What is counted begins with this round: the accepted work is durable with its first commit.
        yield* atRest(doomed)
        doomed.connection.around = (commit) =>
          Effect.tap(commit, () => Effect.sync(() => ++through === commits && doomed.connection.cut()))
        const ask = withId(purchase(2, commits, 100n), commits)
        askNow(doomed, ask)
        yield* Effect.forkChild(doomed.actors.accept(credit(3, 1n, `accepted ${commits}`)), { startImmediately: true })
        yield* eventually(
          `commit ${commits} is through`,
          Effect.sync(() => through >= commits)
        )
        yield* doomed.crash
        last = yield* start
        const retried = yield* eventually(
          "the purchase is over",
          Effect.catchTag(last.actors.ask(ask), ["StillRunning", "PurchaseStillOpen"], () => Effect.undefined)
        )
        assert.strictEqual(retried.answer._tag, "PurchaseAnswer")
      }
      yield* atRest(last)
      assert.strictEqual(yield* balance(last, 1), 700n)
      assert.deepStrictEqual(
        (yield* contact(last, 3)).lots.map((lot) => lot.lotId),
        ["accepted 1", "accepted 2", "accepted 3"]
      )
    })
  )

  it.live("a shared purchase whose actors are in memory is one commit, and keeps its one outcome (P2, SHR-7)", () =>
    Effect.gen(function* () {
      const { start, runner } = yield* bakery
      yield* runner.actors.ask(share(1, 2))
      yield* Effect.all([contact(runner, 2), runner.actors.read(businessId, contactId(1), "community")])
      const from = runner.connection.sent.length
      const ask = withId(purchase(2, 1, 400n), 1)
      const { answer } = yield* runner.actors.ask(ask)
      assert.deepStrictEqual(
        runner.connection.sent.slice(from).map(({ units }) => units.length),
        [3]
      )
      yield* runner.crash
      const next = yield* start
      yield* Effect.all([contact(next, 1), contact(next, 2), next.actors.read(businessId, contactId(1), "community")])
      // Judged on the doubled debit there is too little for the second one.
      const again = next.actors.ask(ask)
      const spent = next.actors.ask(debit(1, 600n, "the rest"))
      const [repeated] = yield* Effect.all([again, spent], { concurrency: "unbounded" })
      assert.deepStrictEqual([repeated.replayed, repeated.answer], [true, answer])
      assert.strictEqual(yield* balance(next, 1), 0n)
    })
  )

  it.live("an id that is no UUID harms nobody but its own command (P11)", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery
      const asks = [
        credit(1, 1n, "left"),
        { ...credit(2, 1n, "bad"), id: "no uuid at all" },
        { ...register(4), key: "nobody" },
        credit(3, 1n, "right")
      ]
      const words = yield* together(runner, asks)
      assert.deepStrictEqual([words[0], words[1], words[3]], ["done", "TurnFailed", "done"])
      assert.include(["TurnFailed", "ActorUnavailable"], words[2])
      assert.strictEqual(ending(askNow(runner, credit(1, 1n, "and on")).replies[0]), "waiting")
      yield* runner.actors.ask(credit(2, 1n, "and on"))
    })
  )
})
