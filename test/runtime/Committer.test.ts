/**
 * The committer: how batches fill, in which order they become durable and are told of, and what it makes of an answer
 * that never came. A real journal in memory with faults in front of it.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore } from "./FaultyJournal.ts"
import { command, event, events, unit } from "./JournalRows.ts"
import { startLane } from "./Submitting.ts"
import type { Lane } from "./Submitting.ts"
import { gate, quiet, until } from "./Waiting.ts"

const names = (count: number, prefix = "u") => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const submitEach = (lane: Lane, labels: ReadonlyArray<string>, shard = 1): void => {
  for (const name of labels) lane.submit(name, name, unit({ shard, events: [event({ shard })] }))
}
const batchSizes = (lane: Lane) => lane.connection.sent.map((batch) => batch.units.length)
const offsets = (lane: Lane, shard = 1) => (lane.store.shards.get(shard) ?? []).map((row) => row.offset)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

describe("a batch", () => {
  it.effect("is all that was decided in one tick", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      submitEach(lane, names(40))
      yield* until(() => lane.told.length === 40)
      assert.deepStrictEqual(batchSizes(lane), [40])
    })
  )

  it.effect("fills while the one before it is in flight, so that a crowd shares a flush", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const held = yield* gate
      lane.connection.around = held.hold
      submitEach(lane, ["lone"])
      yield* until(() => held.arrived() === 1)
      for (const name of names(50)) {
        submitEach(lane, [name])
        yield* Effect.yieldNow
      }
      yield* quiet
      assert.deepStrictEqual(batchSizes(lane), [1], "one commit is in flight, never two")
      assert.deepStrictEqual(lane.told, [])
      assert.strictEqual(lane.committer.statistics().waiting, 51)
      yield* held.open
      yield* until(() => lane.told.length === 51)
      assert.deepStrictEqual(batchSizes(lane), [1, 50])
    })
  )

  it.effect("has a limit of units and one of bytes (P11)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      submitEach(lane, names(2_500))
      const mebibyte = "x".repeat(1024 * 1024)
      for (const name of names(20, "large")) lane.submit(name, name, unit({ events: [event({ body: mebibyte })] }))
      yield* until(() => lane.told.length === 2_520)
      assert.deepStrictEqual(batchSizes(lane).slice(0, 2), [1_024, 1_024])
      const bytes = lane.connection.sent.map((batch) =>
        batch.units.flatMap((one) => one.events).reduce((sum, row) => sum + row.body.length, 0)
      )
      assert.isAtMost(Math.max(...bytes), 9 * 1024 * 1024)
    })
  )

  it.effect("is told of after its commit, unit by unit in the order of decision, and then to the listeners", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const heard: Array<number> = []
      lane.committer.onCommitted((submissions) => {
        for (const one of submissions.flatMap(({ units }) => units)) heard.push(...one.events.map((row) => row.offset))
      })
      const labels = names(30)
      submitEach(lane, labels.slice(0, 10))
      yield* until(() => lane.connection.sent.length === 1)
      submitEach(lane, labels.slice(10))
      yield* until(() => lane.told.length === 30)
      assert.deepStrictEqual(
        lane.told,
        labels.map((name) => `${name} committed`)
      )
      assert.deepStrictEqual(heard, upTo(30))
      assert.deepStrictEqual(offsets(lane), upTo(30))
    })
  )
})

describe("offsets (decision 8)", () => {
  it.effect("are dense in each shard after every single commit, whatever goes wrong between them", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const taken = command()
      lane.submit("first", "first", unit({ command: taken }))
      yield* until(() => lane.told.length === 1)
      let isDense = true
      lane.connection.around = (commit, _batch, number) => {
        const checked = Effect.tap(commit, () =>
          Effect.sync(() => {
            for (const shard of [1, 2]) {
              const found = offsets(lane, shard)
              isDense &&= found.every((offset, index) => offset === index + 1)
            }
          })
        )
        return number % 4 === 0 ? lostBefore : number % 4 === 2 ? lostAfter(checked) : checked
      }
      for (let round = 0; round < 30; round++) {
        for (const [index, name] of names(8, `${round}/`).entries()) {
          const shard = 1 + ((round + index) % 2)
          const isRepeated = (round * 7 + index) % 11 === 0
          const group = `group ${index % 3}`
          lane.submit(
            name,
            isRepeated ? name : group,
            unit({
              shard,
              ...(isRepeated && { command: taken }),
              events: events(1 + (index % 3), { shard })
            })
          )
        }
        if (round % 3 === 0) yield* until(() => lane.committer.statistics().waiting === 0)
      }
      yield* until(() => lane.committer.statistics().waiting === 0)
      assert.isTrue(isDense)
      assert.isAbove(lane.committer.statistics().unknownOutcomes, 5)
      assert.isAbove(lane.committer.statistics().conflicts, 5)
    })
  )
})

describe("an unknown outcome (P2)", () => {
  it.effect("that was a commit is told as one, and the batch is not written again", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.connection.around = (commit, _batch, number) => (number === 1 ? lostAfter(commit) : commit)
      submitEach(lane, ["a", "b"])
      yield* until(() => lane.told.length === 2)
      assert.deepStrictEqual(lane.told, ["a committed", "b committed"])
      assert.deepStrictEqual(offsets(lane), [1, 2])
      assert.lengthOf(lane.connection.sent, 1)
      assert.strictEqual(lane.committer.statistics().unknownOutcomes, 1)
      submitEach(lane, ["c"])
      yield* until(() => lane.told.length === 3)
      assert.deepStrictEqual(offsets(lane), [1, 2, 3], "the lane goes on at its new epoch")
    })
  )

  it.effect("that was none is committed after all, once, under another batch id", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.connection.around = (commit, _batch, number) => (number <= 2 ? lostBefore : commit)
      submitEach(lane, ["a", "b"])
      yield* until(() => lane.told.length === 2)
      assert.deepStrictEqual(lane.told, ["a committed", "b committed"])
      assert.deepStrictEqual(offsets(lane), [1, 2])
      assert.strictEqual(new Set(lane.connection.sent.map((batch) => batch.id)).size, 3)
    })
  )

  it.effect("is final before anything is told: a commit still on its way cannot happen afterwards", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      let late: Effect.Effect<void> = Effect.void
      lane.connection.around = (commit, _batch, number) => {
        if (number > 1) return commit
        late = Effect.ignore(commit)
        return lostBefore
      }
      submitEach(lane, ["a"])
      yield* until(() => lane.told.length === 1)
      yield* late
      assert.deepStrictEqual(offsets(lane), [1])
      assert.strictEqual(lane.store.batches.size, 1)
    })
  )

  it.effect(
    "is waited for while the journal cannot be reached; nobody is told anything, and the stall is seen (P15)",
    () =>
      Effect.gen(function* () {
        const lane = yield* startLane
        yield* TestClock.setTime(5_000)
        lane.connection.around = (commit, _batch, number) => {
          if (number > 1) return commit
          lane.connection.isReachable = false
          return lostAfter(commit)
        }
        lane.connection.isReachable = true
        submitEach(lane, ["a"])
        yield* until(() => lane.committer.statistics().unknownOutcomes === 1)
        for (let second = 0; second < 20; second++) yield* TestClock.adjust("1 second")
        yield* quiet
        assert.deepStrictEqual(lane.told, [])
        assert.strictEqual(lane.committer.statistics().stalledSince, 5_000)
        lane.connection.isReachable = true
        yield* TestClock.adjust("1 second")
        yield* until(() => lane.told.length === 1)
        assert.deepStrictEqual(lane.told, ["a committed"])
        assert.isUndefined(lane.committer.statistics().stalledSince)
      })
  )
})

describe("a lane that lost its shards (P5)", () => {
  it.effect("writes nothing more and tells everyone who waits, now and later", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const held = yield* gate
      lane.connection.around = held.hold
      submitEach(lane, ["in flight"])
      yield* until(() => held.arrived() === 1)
      submitEach(lane, ["in the queue"])
      yield* JournalMemory.make(lane.store).takeOver(randomUUID(), [1])
      yield* held.open
      yield* until(() => lane.told.length === 2)
      submitEach(lane, ["later"])
      assert.deepStrictEqual(lane.told, ["in flight Fenced", "in the queue Fenced", "later Fenced"])
      assert.deepStrictEqual(offsets(lane), [])
      assert.strictEqual(lane.committer.statistics().shards, 1)
      assert.strictEqual(lane.committer.statistics().waiting, 0)
    })
  )

  it.effect("tells of what did happen, though the shard is another's by now", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.connection.around = (commit) =>
        Effect.andThen(
          lostAfter(Effect.tap(commit, () => JournalMemory.make(lane.store).takeOver(randomUUID(), [1]))),
          commit
        )
      submitEach(lane, ["a"])
      yield* until(() => lane.told.length === 1)
      assert.deepStrictEqual(lane.told, ["a committed"])
      submitEach(lane, ["later"])
      assert.deepStrictEqual(lane.told, ["a committed", "later Fenced"])
    })
  )

  it.effect("goes on with the shards that it still has, and finds out what became of them", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const rival = JournalMemory.make(lane.store).takeOver(randomUUID(), [2])
      lane.connection.around = (commit, _batch, number) =>
        number === 1 ? lostAfter(Effect.tap(commit, rival)) : commit
      submitEach(lane, ["a"])
      yield* until(() => lane.told.length === 1)
      lane.submit("elsewhere", "other", unit({ events: [event({ shard: 2 })], shard: 2 }))
      submitEach(lane, ["b"])
      yield* until(() => lane.told.length === 3)
      assert.deepStrictEqual(lane.told, ["a committed", "elsewhere Fenced", "b committed"])
      const { shards, shardsLost } = lane.committer.statistics()
      assert.deepStrictEqual([shards, shardsLost], [1, 1])
    })
  )
})
