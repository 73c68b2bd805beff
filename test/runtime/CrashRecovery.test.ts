/**
 * A runner that dies after each single commit, and one that takes over: what spans several actors ends done or undone
 * (P10), what was accepted is done in order (P8), and a repetition of the first command finds how it ended (P2).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { relationWith } from "#domain/community/Community.ts"
import type { Ask } from "#runtime/actor/Actors.ts"
import { JournalUnavailable } from "#runtime/journal/Journal.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import type { Runner, RunnerOptions } from "./Runners.ts"
import {
  businessId,
  cancel,
  commandId,
  contactId,
  credit,
  debit,
  openBusiness,
  purchase,
  purchaseId,
  register,
  share,
  transfer
} from "./SampleCommands.ts"
import { quiet, until } from "./Waiting.ts"

type Store = JournalMemory.Store

const copy = (store: Store): Store => structuredClone(store)

/** The owner shares her 10.00 with contact 2, who has 1.00 of her own; contact 9 is not registered. */
const household = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  const { ask } = runner.actors
  yield* ask(openBusiness())
  yield* ask(register(1))
  yield* ask(register(2))
  yield* ask(credit(1, 1_000n, "opening"))
  yield* ask(credit(2, 100n, "opening"))
  yield* ask(share(1, 2, 900n))
  yield* until(() => isAtRest(store))
  yield* runner.crash
  return store
})

const balance = (store: Store, number: number) =>
  Effect.map(history(store, "contact", contactId(number)), (entries) =>
    (entries.at(-1)?.state.lots ?? []).reduce((sum, lot) => sum + lot.remaining, 0n)
  )

/** All that became of it, without ids and instants that differ from run to run. */
const picture = Effect.fnUntraced(function* (store: Store, id: string) {
  const tags = (rows: ReadonlyArray<EventRow> | undefined) => (rows ?? []).map((row) => row.type)
  const community = (yield* history(store, "community", contactId(1))).at(-1)?.state
  return {
    purchase: tags(store.streams.get(`4/${id}`)),
    owner: yield* balance(store, 1),
    member: yield* balance(store, 2),
    used: community && relationWith(community, contactId(2))?.used.amount,
    outcome: store.commands.get(commandId(1))?.outcome?.replaceAll(/"sealed":"[^"]*"/g, "") ?? null,
    open: [...store.commands.values()].filter((row) => row.outcome === null).length
  }
})

/** How the messages of a command come to be done. */
interface Way {
  readonly name: string
  readonly options?: RunnerOptions
  /** What the runner has in memory when the command comes. */
  readonly prepare: (runner: Runner) => Effect.Effect<unknown, unknown>
}

const eachItsOwn: Way = {
  name: "each message in a commit of its own",
  options: { cascadeTurnsMax: 1 },
  prepare: () => Effect.void
}
const allInOne: Way = {
  name: "all messages in one commit",
  prepare: ({ actors }) =>
    Effect.all([
      ...[1, 2, 9].map((number) => actors.read(businessId, contactId(number), "contact")),
      actors.read(businessId, contactId(1), "community")
    ])
}

/** Runs a command over a store; the runner dies once `commits` commits are through. Returns whether it got so far. */
const dieAfter = Effect.fnUntraced(function* (store: Store, way: Way, ask: Ask, commits: number) {
  const runner = yield* start(store, way.options)
  yield* way.prepare(runner)
  let through = 0
  runner.connection.around = (commit) =>
    Effect.tap(commit, () =>
      Effect.sync(() => {
        through += 1
        if (through === commits) runner.connection.cut()
      })
    )
  const asked = askNow(runner, { ...ask, id: commandId(1), fingerprint: "one" })
  const isOver = () =>
    asked.replies.length === 1 && isAtRest(store) && runner.actors.statistics().committer.waiting === 0
  yield* until(() => through === commits || isOver())
  yield* runner.crash
  return through === commits
})

/** Takes over, lets everything come to rest, and repeats the first command as its caller would. */
const recover = Effect.fnUntraced(function* (store: Store, way: Way, ask: Ask) {
  const runner = yield* start(store, way.options)
  yield* until(() => isAtRest(store) && [...store.commands.values()].every((row) => row.outcome !== null))
  const again = askNow(runner, { ...ask, id: commandId(1), fingerprint: "one" })
  yield* until(() => again.replies.length === 1 && isAtRest(store))
  yield* runner.crash
  return ending(again.replies[0])
})

interface Story {
  readonly name: string
  readonly ask: Ask
  readonly ends: string
  readonly owner: bigint
  readonly member: bigint
  /** With each message in a commit of its own, at least. */
  readonly commits: number
  readonly before?: ReadonlyArray<Ask>
}

const stories: ReadonlyArray<Story> = [
  {
    name: "a purchase that the shared wallet pays ends paid (P10, SHR-7)",
    ask: purchase(2, 1, 500n),
    ends: "done",
    owner: 500n,
    member: 100n,
    commits: 3
  },
  {
    name: "a purchase beyond the member's month is topped up by her own wallet (P10, SHR-6)",
    ask: purchase(2, 1, 1_000n),
    ends: "done",
    owner: 100n,
    member: 0n,
    commits: 3
  },
  {
    name: "a purchase that cannot be covered ends refused, with every cent where it was (P10, SHR-9)",
    ask: purchase(2, 1, 1_001n),
    ends: "InsufficientFunds",
    owner: 1_000n,
    member: 100n,
    commits: 3
  },
  {
    name: "a cancelled purchase gives the owner hers back (P10, SHR-9, PUR-6)",
    before: [purchase(2, 1, 500n)],
    ask: cancel(2, 1),
    ends: "done",
    owner: 1_000n,
    member: 100n,
    commits: 2
  },
  {
    name: "a transfer arrives (P10, WAL-8)",
    ask: transfer(1, 2, 300n, "gift"),
    ends: "done",
    owner: 700n,
    member: 400n,
    commits: 3
  },
  {
    name: "a transfer to nobody comes back (P10, WAL-8)",
    ask: transfer(1, 9, 300n, "gift"),
    ends: "TransferRefused",
    owner: 1_000n,
    member: 100n,
    commits: 3
  }
]

for (const way of [eachItsOwn, allInOne]) {
  describe(`with ${way.name}, whatever commit its runner dies after,`, () => {
    for (const story of stories) {
      it.effect(story.name, () =>
        Effect.gen(function* () {
          const origin = yield* household
          for (const ask of story.before ?? []) {
            const runner = yield* start(origin, way.options)
            yield* runner.actors.ask(ask)
            yield* until(() => isAtRest(origin))
            yield* runner.crash
          }
          const undisturbed = copy(origin)
          assert.isFalse(yield* dieAfter(undisturbed, eachItsOwn, story.ask, Number.POSITIVE_INFINITY))
          // Whichever way, and whoever dies, it ends as it does undisturbed by the longest way.
          const expected = yield* picture(undisturbed, purchaseId(1))
          assert.deepStrictEqual([expected.owner, expected.member, expected.open], [story.owner, story.member, 0])

          let commits = 1
          for (; ; commits++) {
            const store = copy(origin)
            const hasDied = yield* dieAfter(store, way, story.ask, commits)
            if (!hasDied) assert.deepStrictEqual(yield* picture(store, purchaseId(1)), expected)
            if (!hasDied) break
            assert.strictEqual(yield* recover(store, way, story.ask), story.ends, `after commit ${commits}`)
            assert.deepStrictEqual(yield* picture(store, purchaseId(1)), expected, `after commit ${commits}`)
          }
          if (way === allInOne) assert.strictEqual(commits - 1, 1)
          else assert.isAtLeast(commits - 1, story.commits)
        })
      )
    }

    it.effect("and whatever commit the next one dies after, a shared purchase ends paid (P10)", () =>
      Effect.gen(function* () {
        const origin = yield* household
        const ask = purchase(2, 1, 500n)
        const ends: Array<string> = []
        for (let first = 1; first <= 3; first++) {
          for (let second = 1; second <= 3; second++) {
            const store = copy(origin)
            yield* dieAfter(store, way, ask, first)
            yield* dieAfter(store, way, ask, second)
            ends.push(yield* recover(store, way, ask))
            const { owner, member, open } = yield* picture(store, purchaseId(1))
            assert.deepStrictEqual([owner, member, open], [500n, 100n, 0], `after ${first} and ${second}`)
          }
        }
        assert.deepStrictEqual(new Set(ends), new Set(["done"]))
      })
    )
  })
}

describe("accepted work (P8)", () => {
  const entries = (store: Store) =>
    Effect.map(history(store, "contact", contactId(1)), (found) =>
      found.flatMap(({ event }) => (event._tag === "FundsCredited" ? [event.lotId] : []))
    )

  it.effect("is done once and in order by whoever takes over, whatever commit its runner died after", () =>
    Effect.gen(function* () {
      const origin = yield* household
      const names = Array.from({ length: 12 }, (_, index) => `accepted ${index}`)
      for (let commits = 1; ; commits++) {
        const store = copy(origin)
        const runner = yield* start(store)
        let through = 0
        runner.connection.around = (commit) =>
          Effect.tap(commit, () => Effect.sync(() => ++through === commits && runner.connection.cut()))
        const accepted: Array<string> = []
        yield* Effect.forkChild(
          Effect.forEach(names, (name) =>
            Effect.tap(runner.actors.accept(credit(1, 1n, name)), () => Effect.sync(() => accepted.push(name)))
          )
        )
        yield* until(() => through === commits || (accepted.length === names.length && isAtRest(store)))
        yield* runner.crash
        const next = yield* start(store)
        yield* until(() => isAtRest(store))
        yield* next.crash
        const found = (yield* entries(store)).slice(1)
        assert.deepStrictEqual(found, names.slice(0, found.length))
        assert.isAtLeast(found.length, accepted.length)
        if (through < commits) break
      }
    })
  )

  it.effect("comes before new work after a takeover (decision 5)", () =>
    Effect.gen(function* () {
      const store = yield* household
      const runner = yield* start(store)
      runner.connection.around = (commit) => Effect.tap(commit, () => Effect.sync(runner.connection.cut))
      askNow(runner, credit(2, 1n, "elsewhere"))
      yield* Effect.forkChild(runner.actors.accept(credit(1, 1n, "accepted")), { startImmediately: true })
      yield* until(() => !isAtRest(store))
      const next = yield* start(store)
      const spent = askNow(next, debit(1, 1_001n, "needs what was accepted"))
      yield* until(() => spent.replies.length === 1)
      assert.strictEqual(ending(spent.replies[0]), "done")
    })
  )

  it.effect("stays in order when its actor cannot be loaded for a while", () =>
    Effect.gen(function* () {
      const store = yield* household
      const runner = yield* start(store)
      runner.connection.aroundLoad = () =>
        Effect.fail(new JournalUnavailable({ operation: "load", cause: "of the test" }))
      yield* runner.actors.accept(credit(1, 1n, "first"))
      yield* runner.actors.accept(credit(1, 1n, "second"))
      yield* quiet
      runner.connection.aroundLoad = (load) => load
      yield* runner.actors.accept(credit(1, 1n, "third"))
      yield* quiet
      yield* TestClock.adjust("2 seconds")
      yield* until(() => isAtRest(store, 2_000))
      assert.deepStrictEqual((yield* entries(store)).slice(1), ["first", "second", "third"])
    })
  )

  it.effect("goes on in order when there is more of it than is fetched at a time", () =>
    Effect.gen(function* () {
      const store = yield* household
      const runner = yield* start(store)
      runner.connection.around = (commit) => Effect.tap(commit, () => Effect.sync(runner.connection.cut))
      const names = Array.from({ length: 2_500 }, (_, index) => `accepted ${index}`)
      for (const name of names) {
        yield* Effect.forkChild(runner.actors.accept(credit(1, 1n, name)), { startImmediately: true })
      }
      yield* until(() => !isAtRest(store))
      const accepted = store.inbox.size
      const next = yield* start(store)
      yield* until(() => isAtRest(store))
      yield* next.crash
      assert.deepStrictEqual((yield* entries(store)).slice(1), names.slice(0, accepted))
    })
  )
})
