/** One writer to an actor (P5): the runner that lost its shards stores nothing more, and says so to everyone who asks it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter } from "./FaultyJournal.ts"
import { askNow, ending, start } from "./Runners.ts"
import type { RunnerOptions } from "./Runners.ts"
import { businessId, commandId, contactId, credit, openBusiness, register, transfer } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const twoRunnersWith = Effect.fnUntraced(function* (options?: RunnerOptions) {
  const store = JournalMemory.emptyStore()
  const older = yield* start(store, options)
  yield* older.actors.ask(openBusiness())
  yield* older.actors.ask(register(1))
  yield* older.actors.ask(register(2))
  yield* older.actors.ask(credit(1, 100n, "opening"))
  return { store, older, younger: Effect.suspend(() => start(store, options)) }
})
const twoRunners = twoRunnersWith()

const lots = (store: JournalMemory.Store) =>
  (store.streams.get(`2/${contactId(1)}`) ?? []).flatMap((row) => /"lotId":"([^"]+)"/.exec(row.body)?.[1] ?? [])

describe("after a takeover (P5)", () => {
  it.effect(
    "nothing of the older runner commits, in flight, queued or new, and its callers hear that the shard has moved",
    () =>
      Effect.gen(function* () {
        const { store, older, younger } = yield* twoRunners
        const held = yield* gate
        older.connection.around = held.hold
        const inFlight = askNow(older, credit(1, 1n, "in flight"))
        yield* until(() => held.arrived() === 1)
        const queued = askNow(older, credit(1, 2n, "queued"))
        const owner = yield* younger
        yield* owner.actors.ask(credit(1, 3n, "of the younger"))
        yield* held.open
        yield* until(() => queued.replies.length === 1)
        const late = yield* Effect.flip(older.actors.ask(credit(2, 4n, "late")))
        assert.deepStrictEqual(
          [ending(inFlight.replies[0]), ending(queued.replies[0]), late._tag],
          ["ShardMoved", "ShardMoved", "ShardMoved"]
        )
        assert.deepStrictEqual(lots(store), ["opening", "of the younger"])
        yield* owner.actors.ask(credit(1, 5n, "and on"))
        assert.deepStrictEqual(lots(store), ["opening", "of the younger", "and on"])
      })
  )

  it.effect("accepted work is not lost: the older runner refuses it before it says yes", () =>
    Effect.gen(function* () {
      const { store, older, younger } = yield* twoRunners
      yield* younger
      const refused = yield* Effect.flip(older.actors.accept(credit(1, 1n, "accepted")))
      assert.strictEqual(refused._tag, "ShardMoved")
      assert.strictEqual(store.inbox.size, 0)
    })
  )

  it.effect("who waits at the older runner for a command that the younger settles is told to ask there (WAL-8)", () =>
    Effect.gen(function* () {
      // Each message in a commit of its own, so that the older one has answered nobody when it loses the shards.
      const { older, younger } = yield* twoRunnersWith({ cascadeTurnsMax: 1 })
      const held = yield* gate
      const from = older.connection.sent.length
      older.connection.around = (commit, _batch, number) => (number === from + 2 ? held.hold(commit) : commit)
      const ask = { ...transfer(1, 2, 40n, "gift"), id: commandId(1) }
      const asked = askNow(older, ask)
      yield* until(() => held.arrived() === 1)
      const owner = yield* younger
      yield* held.open
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "ShardMoved")
      const retried = Effect.retry(owner.actors.ask(ask), {
        while: (error) => error._tag === "StillRunning",
        times: 1_000
      })
      assert.deepStrictEqual((yield* retried).answer, { _tag: "Done", id: "gift" })
    })
  )

  it.effect("who waits at an older runner that has nothing to commit is told so within two seconds (P8)", () =>
    Effect.gen(function* () {
      const store = JournalMemory.emptyStore()
      const there = shardOf(contactId(2))
      const older = yield* start(store, { shards: allShards.filter((shard) => shard !== there) })
      const receiving = yield* start(store, { shards: [there] })
      yield* older.actors.ask(openBusiness())
      yield* older.actors.ask(register(1))
      yield* receiving.actors.ask(register(2))
      yield* older.actors.ask(credit(1, 100n, "opening"))
      yield* receiving.crash
      const ask = { ...transfer(1, 2, 40n, "gift"), id: commandId(1) }
      const asked = askNow(older, ask)
      yield* until(() => older.actors.statistics().openCommands === 1)
      yield* quiet
      const sent = older.connection.sent.length
      const owner = yield* start(store)
      yield* until(() => store.commands.get(commandId(1))?.outcome != null)
      assert.strictEqual(older.connection.sent.length, sent, "it has nothing to commit")
      assert.isTrue(older.actors.holds(shardOf(contactId(1))), "nobody has told it")
      assert.isEmpty(asked.replies)

      yield* TestClock.adjust(2_000)
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "ShardMoved")
      assert.isFalse(older.actors.holds(shardOf(contactId(1))))
      assert.deepStrictEqual((yield* owner.actors.ask(ask)).answer, { _tag: "Done", id: "gift" })
    })
  )

  it.effect("what was durable before is answered by the older runner, and found by its id at the younger (P2)", () =>
    Effect.gen(function* () {
      const { store, older, younger } = yield* twoRunners
      const taken = JournalMemory.make(store).takeOver(randomUUID(), allShards)
      older.connection.around = (commit) => lostAfter(Effect.tap(commit, taken))
      const ask = { ...credit(1, 1n, "once"), id: commandId(1), fingerprint: "one" }
      const asked = askNow(older, ask)
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "done")
      const owner = yield* younger
      assert.isTrue((yield* owner.actors.ask(ask)).replayed)
      assert.deepStrictEqual(lots(store), ["opening", "once"])
    })
  )

  it.effect("the older runner serves no reads of what it remembers, once it knows", () =>
    Effect.gen(function* () {
      const { older, younger } = yield* twoRunners
      yield* older.actors.read(businessId, contactId(1), "contact")
      const owner = yield* younger
      yield* owner.actors.ask(credit(1, 900n, "more"))
      yield* Effect.flip(older.actors.ask(credit(2, 1n, "finds out")))
      const refused = yield* Effect.flip(older.actors.read(businessId, contactId(1), "contact"))
      assert.strictEqual(refused._tag, "ShardMoved")
    })
  )
})

describe("a runner that stops in good order (P12)", () => {
  it.effect("makes durable and answers what it has decided", () =>
    Effect.gen(function* () {
      const { store, older } = yield* twoRunners
      const held = yield* gate
      older.connection.around = held.hold
      const asked = [askNow(older, credit(1, 1n, "one"))]
      yield* until(() => held.arrived() === 1)
      asked.push(askNow(older, credit(1, 1n, "two")))
      const stopping = yield* Effect.forkChild(older.stop, { startImmediately: true })
      yield* held.open
      yield* until(() => stopping.pollUnsafe() !== undefined)
      assert.deepStrictEqual(
        asked.map(({ replies }) => ending(replies[0])),
        ["done", "done"]
      )
      assert.deepStrictEqual(lots(store), ["opening", "one", "two"])
    })
  )
})
