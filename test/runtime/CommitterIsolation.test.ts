/**
 * One bad unit in a batch: it fails with what stood on it, for its own reason, and nobody beside it is harmed. Every unit
 * is told its fate exactly once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { Conflicting } from "#runtime/journal/Journal.ts"
import { claimName } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { poisonous } from "./FaultyJournal.ts"
import { claim, command, event, unit } from "./JournalRows.ts"
import type { Lane } from "./Submitting.ts"
import { startLane } from "./Submitting.ts"
import { gate, until } from "./Waiting.ts"

const plain = () => unit({ events: [event()] })
/** Units of one stream, one event each, from a sequence number on. */
const stacked = (id: string, seq: number) => unit({ events: [event({ id, seq })] })
const allTold = (lane: Lane, count: number) => until(() => lane.told.length >= count && lane.told)
const seqsOf = (lane: Lane, id: string) => (lane.store.streams.get(`2/${id}`) ?? []).map((row) => row.seq)

/** Holds the lane with a first unit, so that what a test submits stands in one batch and behind it. */
const heldLane = Effect.gen(function* () {
  const lane = yield* startLane
  const held = yield* gate
  lane.connection.around = (commit, _batch, number) => (number === 1 ? held.hold(commit) : commit)
  lane.submit("first", "first", plain())
  yield* until(() => held.arrived() === 1)
  return { lane, release: held.open }
})

describe("a unit that conflicts", () => {
  it.effect("by its command id is told the first outcome, and its neighbours commit (P2)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const row = command()
      lane.submit("original", "a", unit({ command: row }))
      yield* allTold(lane, 1)
      lane.submit("left", "b", plain())
      lane.submit("repeated", "c", unit({ command: row, events: [event()] }))
      lane.submit("right", "d", plain())
      assert.sameMembers(
        [...(yield* allTold(lane, 4))],
        ["original committed", "left committed", "repeated Duplicate", "right committed"]
      )
      assert.lengthOf(lane.store.shards.get(1) ?? [], 2)
    })
  )

  it.effect("by its command id is told so whatever it stands on: many repetitions are answered in one round (P2)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const rows = Array.from({ length: 10 }, () => command())
      for (const row of rows) lane.submit("original", row.id, unit({ command: row }))
      yield* allTold(lane, 10)
      for (const [index, row] of rows.entries()) lane.submit(`again ${index}`, "group", unit({ command: row }))
      lane.submit("new", "group", unit({ command: command() }))
      assert.deepStrictEqual((yield* allTold(lane, 21)).slice(10), [
        ...rows.map((_, index) => `again ${index} Duplicate`),
        "new Undermined"
      ])
    })
  )

  it.effect("with another over a value in one batch loses to the earlier one, and their neighbours commit", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.submit("left", "a", plain())
      lane.submit("winner", "b", unit({ takes: [claim("eleni")], events: [event()] }))
      lane.submit("loser", "c", unit({ takes: [claim("eleni")], events: [event()] }))
      lane.submit("right", "d", plain())
      assert.deepStrictEqual([...(yield* allTold(lane, 4))].toSorted(), [
        "left committed",
        "loser ClaimTaken",
        "right committed",
        "winner committed"
      ])
    })
  )

  it.effect("takes a value from nobody when it fails itself: the next one in the batch gets it", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const row = command()
      lane.submit("original", "a", unit({ command: row }))
      yield* allTold(lane, 1)
      lane.submit("repeated", "b", unit({ command: row, takes: [claim("eleni")] }))
      lane.submit("next", "c", unit({ takes: [claim("eleni")] }))
      assert.deepStrictEqual([...(yield* allTold(lane, 3))].slice(1), ["repeated Duplicate", "next committed"])
    })
  )

  it.effect("with another over the birth of one stream loses to the earlier one (PUR-2)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const id = randomUUID()
      lane.submit("winner", "a", stacked(id, 1))
      lane.submit("loser", "b", stacked(id, 1))
      lane.submit("right", "c", plain())
      assert.sameMembers([...(yield* allTold(lane, 3))], ["winner committed", "loser Superseded", "right committed"])
    })
  )

  it.effect("because it was judged on an old state hears that, not that its own values are taken", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const [id, holder] = [randomUUID(), randomUUID()]
      const birth = () => unit({ takes: [claim("eleni", { holder })], events: [event({ id })] })
      lane.submit("born", "a", birth())
      yield* allTold(lane, 1)
      lane.submit("born again", "a", birth())
      assert.deepStrictEqual(yield* allTold(lane, 2), ["born committed", "born again Superseded"])
    })
  )

  it.effect("takes down what was decided on top of it, in its batch and behind it, and not what was before it", () =>
    Effect.gen(function* () {
      const { lane, release } = yield* heldLane
      const taken = claim("eleni")
      lane.store.claims.set(claimName(taken), taken.holder)
      const id = randomUUID()
      lane.submit("before", "group", stacked(id, 1))
      lane.submit("bad", "group", unit({ takes: [taken], events: [event({ id, seq: 2 })] }))
      lane.submit("upon it", "group", stacked(id, 3))
      lane.submit("neighbour", "other", plain())
      const second = yield* gate
      lane.connection.around = (commit, _batch, number) => (number === 2 ? second.hold(commit) : commit)
      yield* release
      yield* until(() => second.arrived() === 1)
      lane.submit("behind it", "group", stacked(id, 4))
      lane.submit("a later neighbour", "other", plain())
      yield* second.open
      const told = yield* allTold(lane, 7)
      assert.deepStrictEqual(
        told.filter((one) => !one.endsWith("committed")),
        ["bad ClaimTaken", "upon it Undermined", "behind it Undermined"]
      )
      assert.deepStrictEqual(seqsOf(lane, id), [1])
      assert.lengthOf(told, 7)
    })
  )
})

describe("a conflict that no row explains", () => {
  it.effect(
    "sends everyone back to be judged again, also those decided on top and still in the queue: no stream gets a hole",
    () =>
      Effect.gen(function* () {
        const { lane, release } = yield* heldLane
        const id = randomUUID()
        lane.submit("one", "group", stacked(id, 1))
        const second = yield* gate
        lane.connection.around = (commit, _batch, number) =>
          number === 2 ? second.hold(Effect.fail(new Conflicting({ constraint: "any" }))) : commit
        yield* release
        yield* until(() => second.arrived() === 1)
        lane.submit("two", "group", stacked(id, 2))
        lane.submit("neighbour", "other", plain())
        yield* second.open
        assert.deepStrictEqual(yield* allTold(lane, 4), [
          "first committed",
          "one Superseded",
          "two Undermined",
          "neighbour committed"
        ])
        assert.deepStrictEqual(seqsOf(lane, id), [])
      })
  )
})

describe("a poisonous unit", () => {
  it.effect("is found by halving, and only it is refused, among many groups", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const units = Array.from({ length: 42 }, plain)
      const bad = new Set([units[7], units[30]])
      lane.connection.around = poisonous((one) => bad.has(one))
      for (const [index, one] of units.entries()) lane.submit(`u${index}`, `g${index}`, one)
      const told = yield* allTold(lane, 42)
      assert.sameMembers(
        told.filter((one) => !one.endsWith("committed")),
        ["u7 Poisonous", "u30 Poisonous"]
      )
      assert.deepStrictEqual(
        (lane.store.shards.get(1) ?? []).map((row) => row.offset),
        Array.from({ length: 40 }, (_, index) => index + 1)
      )
    })
  )

  it.effect("spares the units of its own group that were decided before it, and takes down only those after it", () =>
    Effect.gen(function* () {
      const { lane, release } = yield* heldLane
      const id = randomUUID()
      const bad = stacked(id, 4)
      lane.connection.around = poisonous((one) => one === bad)
      for (const seq of [1, 2, 3]) lane.submit(`u${seq}`, "group", stacked(id, seq))
      lane.submit("bad", "group", bad)
      for (const seq of [5, 6]) lane.submit(`u${seq}`, "group", stacked(id, seq))
      yield* release
      assert.deepStrictEqual([...(yield* allTold(lane, 7))].toSorted(), [
        "bad Poisonous",
        "first committed",
        "u1 committed",
        "u2 committed",
        "u3 committed",
        "u5 Undermined",
        "u6 Undermined"
      ])
      assert.deepStrictEqual(seqsOf(lane, id), [1, 2, 3])
    })
  )

  it.effect("leaves nobody told twice when the shards are lost while it is looked for (P5)", () =>
    Effect.gen(function* () {
      const { lane, release } = yield* heldLane
      const bad = plain()
      let commits = 0
      lane.connection.around = (commit, batch) => {
        if (batch.units.includes(bad)) return poisonous((one) => one === bad)(commit, batch)
        commits += 1
        // The first half goes through, then another runner comes.
        return commits > 1
          ? commit
          : Effect.tap(commit, () => JournalMemory.make(lane.store).takeOver(randomUUID(), [1]))
      }
      for (const name of ["a", "b", "c"]) lane.submit(name, name, plain())
      lane.submit("bad", "bad", bad)
      lane.submit("d", "d", plain())
      lane.submit("e", "e", plain())
      yield* release
      const told = yield* allTold(lane, 7)
      assert.strictEqual(new Set(told.map((one) => one.split(" ")[0])).size, told.length)
      assert.strictEqual(lane.committer.statistics().waiting, 0)
    })
  )
})

describe("one value in one tick", () => {
  it.effect("that is released and then taken changes hands in two commits", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const [old, young] = [claim("eleni"), claim("eleni")]
      lane.store.claims.set(claimName(old), old.holder)
      lane.submit("release", "a", unit({ releases: [old] }))
      lane.submit("take", "b", unit({ takes: [young] }))
      assert.deepStrictEqual(yield* allTold(lane, 2), ["release committed", "take committed"])
      assert.strictEqual(lane.store.claims.get(claimName(young)), young.holder)
      assert.lengthOf(lane.connection.sent, 2)
    })
  )

  it.effect("that is taken and then released is nobody's in the end", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const value = claim("eleni")
      lane.submit("take", "a", unit({ takes: [value] }))
      lane.submit("release", "a", unit({ releases: [value] }))
      lane.submit("take again", "b", unit({ takes: [claim("eleni")] }))
      assert.deepStrictEqual(yield* allTold(lane, 3), ["take committed", "release committed", "take again committed"])
    })
  )
})
