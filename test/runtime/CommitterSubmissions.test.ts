/**
 * Several units in one submission, decided on several groups: they commit together or not at all, and what falls with
 * them is what was decided on any of those groups afterwards, through as many hands as it went, and nothing else.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { Conflicting } from "#runtime/journal/Journal.ts"
import { claimName, type Unit } from "#runtime/journal/Unit.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostAfter, lostBefore, poisonous } from "./FaultyJournal.ts"
import { claim, command, event, unit } from "./JournalRows.ts"
import type { Lane } from "./Submitting.ts"
import { startLane } from "./Submitting.ts"
import { gate, until } from "./Waiting.ts"

const plain = (shard = 1) => unit({ shard, events: [event({ shard })] })
const plains = (count: number) => Array.from({ length: count }, () => plain())
/** Units of one stream, one event each, from a sequence number on. */
const stacked = (id: string, seq: number) => unit({ events: [event({ id, seq })] })
const allTold = (lane: Lane, count: number) => until(() => lane.told.length >= count && lane.told)
const isStored = (lane: Lane, one: Unit) => one.events.some(({ id }) => lane.store.streams.has(`2/${id}`))
const storedOf = (lane: Lane, units: ReadonlyArray<Unit>) => units.map((one) => isStored(lane, one))
const batchSizes = (lane: Lane) => lane.connection.sent.map((batch) => batch.units.length)
const offsets = (lane: Lane, shard = 1) => (lane.store.shards.get(shard) ?? []).map((row) => row.offset)
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

/** A unit that can never commit, for a value is somebody else's. */
const barred = (lane: Lane) => {
  const taken = claim(randomUUID().slice(0, 30))
  lane.store.claims.set(claimName(taken), taken.holder)
  return unit({ takes: [taken], events: [event()] })
}

/** Holds the lane with a first unit, so that what a test submits stands in one batch; and the one after that, too. */
const heldLane = Effect.gen(function* () {
  const lane = yield* startLane
  const [first, second] = [yield* gate, yield* gate]
  lane.connection.around = (commit, _batch, number) =>
    number === 1 ? first.hold(commit) : number === 2 ? second.hold(commit) : commit
  lane.submit("first", "first", plain())
  yield* until(() => first.arrived() === 1)
  const next = Effect.andThen(
    first.open,
    until(() => second.arrived() === 1)
  )
  return { lane, next, release: second.open }
})

describe("the units of a submission", () => {
  it.effect("commit together, are told of once, and get offsets in their order, on every shard", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.submit("before", "a", plain(1))
      lane.submitTogether("together", ["a", "b", "a"], [plain(1), plain(2), plain(1)])
      lane.submit("after", "b", plain(2))
      assert.deepStrictEqual(yield* allTold(lane, 3), ["before committed", "together committed", "after committed"])
      assert.deepStrictEqual(batchSizes(lane), [5])
      assert.deepStrictEqual([offsets(lane, 1), offsets(lane, 2)], [upTo(3), upTo(2)])
      assert.strictEqual(lane.committer.committedOffset(1), 3)
      assert.deepInclude(lane.committer.statistics(), { units: 5, waiting: 0 })
    })
  )

  it.effect("are never parted by the limit of a batch, also where it falls between them (P11)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      for (const [index, one] of plains(1_022).entries()) lane.submit(`u${index}`, `g${index}`, one)
      lane.submitTogether("together", ["a", "b"], plains(5))
      lane.submitTogether("behind", ["b", "c"], plains(3))
      assert.strictEqual(lane.committer.waiting(), 1_030)
      yield* allTold(lane, 1_024)
      assert.deepStrictEqual(batchSizes(lane), [1_027, 3])
    })
  )

  it.effect("wait together for a value that an earlier unit of the batch releases", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const [old, young] = [claim("eleni"), claim("eleni")]
      lane.store.claims.set(claimName(old), old.holder)
      lane.submit("release", "a", unit({ releases: [old] }))
      lane.submitTogether("take", ["b", "c"], [plain(), unit({ takes: [young] })])
      assert.deepStrictEqual(yield* allTold(lane, 2), ["release committed", "take committed"])
      assert.deepStrictEqual(batchSizes(lane), [1, 2])
      assert.strictEqual(lane.store.claims.get(claimName(young)), young.holder)
    })
  )

  it.effect("are one when the answer to their commit is lost, before or after it (P2)", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      lane.connection.around = (commit, _batch, number) =>
        number === 1 ? lostBefore : number === 2 ? lostAfter(commit) : commit
      const units = plains(3)
      lane.submitTogether("together", ["a", "b", "a"], units)
      assert.deepStrictEqual(yield* allTold(lane, 1), ["together committed"])
      assert.deepStrictEqual(offsets(lane), upTo(3))
      assert.strictEqual(lane.committer.waiting(), 0)
    })
  )

  it.effect("are told once that the shards have moved, and none of them is stored (P5)", () =>
    Effect.gen(function* () {
      const { lane, next, release } = yield* heldLane
      lane.submitTogether("in flight", ["a", "b"], plains(2))
      yield* next
      lane.submitTogether("queued", ["b", "c"], plains(3))
      yield* JournalMemory.make(lane.store).takeOver(randomUUID(), [1])
      yield* release
      yield* allTold(lane, 3)
      lane.submitTogether("late", ["c", "d"], plains(2))
      assert.deepStrictEqual(lane.told.slice(1), ["in flight Fenced", "queued Fenced", "late Fenced"])
      assert.deepStrictEqual(offsets(lane), [1])
      assert.strictEqual(lane.committer.waiting(), 0)
    })
  )
})

describe("a submission of which one unit conflicts", () => {
  const falls = Effect.fnUntraced(function* (failure: string, bad: (lane: Lane) => Effect.Effect<Unit>) {
    const lane = yield* startLane
    const one = yield* bad(lane)
    const beside = plains(2)
    const from = lane.told.length
    lane.submit("left", "l", plain())
    lane.submitTogether("bad", ["a", "b", "a"], [beside[0] as Unit, one, beside[1] as Unit])
    lane.submit("right", "r", plain())
    const told = [...(yield* allTold(lane, from + 3))].slice(from)
    assert.deepStrictEqual(told.toSorted(), [`bad ${failure}`, "left committed", "right committed"])
    assert.strictEqual(lane.faults.get("bad"), one)
    assert.deepStrictEqual(storedOf(lane, beside), [false, false])
    assert.strictEqual(lane.committer.waiting(), 0)
  })

  it.effect("falls as a whole, and hears which one: a value that is taken", () =>
    falls("ClaimTaken", (lane) => Effect.sync(() => barred(lane)))
  )

  it.effect("falls as a whole, and hears which one: a command that is known (P2)", () =>
    falls("Duplicate", (lane) =>
      Effect.gen(function* () {
        const row = command()
        lane.submit("original", "o", unit({ command: row }))
        yield* allTold(lane, 1)
        return unit({ command: row, events: [event()] })
      })
    )
  )

  it.effect("falls as a whole, and hears which one: a stream that is longer", () =>
    falls("Superseded", (lane) =>
      Effect.gen(function* () {
        const id = randomUUID()
        lane.submit("original", "o", stacked(id, 1))
        yield* allTold(lane, 1)
        return stacked(id, 1)
      })
    )
  )

  it.effect("loses nothing to itself: what it wanted is free for the next one of the batch", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const [id, row] = [randomUUID(), command()]
      const wanted = () => unit({ command: row, takes: [claim("eleni")], events: [event({ id })] })
      lane.submitTogether("bad", ["a", "b"], [wanted(), barred(lane)])
      lane.submitTogether("next", ["c", "d"], [plain(), wanted()])
      assert.deepStrictEqual(yield* allTold(lane, 2), ["bad ClaimTaken", "next committed"])
      assert.isTrue(lane.store.commands.has(row.id))
    })
  )

  it.effect("loses as a whole to an earlier one of the batch, over a stream, a value or an id", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const [id, row] = [randomUUID(), command()]
      const winner = unit({ command: row, takes: [claim("eleni")], events: [event({ id })] })
      const beside = plains(3)
      const besides = (index: number, rival: Unit) => [beside[index] as Unit, rival]
      lane.submitTogether("winner", ["a", "b"], [plain(), winner])
      lane.submitTogether("by stream", ["c", "d"], besides(0, stacked(id, 1)))
      lane.submitTogether("by value", ["e", "f"], besides(1, unit({ takes: [claim("eleni")] })))
      lane.submitTogether("by id", ["g", "h"], besides(2, unit({ command: row })))
      lane.submit("right", "i", plain())
      assert.sameMembers(
        [...(yield* allTold(lane, 5))],
        ["winner committed", "by stream Superseded", "by value ClaimTaken", "by id Superseded", "right committed"]
      )
      assert.deepStrictEqual(storedOf(lane, beside), [false, false, false])
    })
  )

  it.effect(
    "takes down all that stands on any of its groups, through many hands, and nothing before or beside it",
    () =>
      Effect.gen(function* () {
        const { lane, next, release } = yield* heldLane
        lane.submit("before, on a", "a", plain())
        lane.submitTogether("before, on b and c", ["b", "c"], plains(2))
        lane.submit("on e, too early", "e", plain())
        lane.submitTogether("bad", ["a", "b"], [plain(), barred(lane)])
        lane.submit("on a", "a", plain())
        lane.submitTogether("on b and d", ["b", "d"], plains(2))
        lane.submitTogether("on d and e", ["d", "e"], plains(2))
        lane.submit("on e", "e", plain())
        lane.submit("on c", "c", plain())
        yield* next
        lane.submitTogether("queued, on e and f", ["e", "f"], plains(2))
        lane.submit("queued, on f", "f", plain())
        lane.submitTogether("queued, on c and g", ["c", "g"], plains(2))
        yield* release
        const told = yield* allTold(lane, 13)
        assert.deepStrictEqual(
          told.filter((one) => !one.endsWith("committed")),
          [
            "bad ClaimTaken",
            "on a Undermined",
            "on b and d Undermined",
            "on d and e Undermined",
            "on e Undermined",
            "queued, on e and f Undermined",
            "queued, on f Undermined"
          ]
        )
        assert.deepStrictEqual(
          told.filter((one) => one.endsWith("committed")),
          ["first", "before, on a", "before, on b and c", "on e, too early", "on c", "queued, on c and g"].map(
            (name) => `${name} committed`
          )
        )
        assert.lengthOf(told, 13)
        assert.deepStrictEqual(offsets(lane), upTo(8))
      })
  )

  it.effect("that no row explains sends everyone of its batch back, and all who were stacked on any of them", () =>
    Effect.gen(function* () {
      const { lane, next, release } = yield* heldLane
      const held = lane.connection.around
      lane.connection.around = (commit, batch, number) =>
        held(number === 2 ? Effect.fail(new Conflicting({ constraint: "any" })) : commit, batch, number)
      lane.submitTogether("one", ["a", "b"], plains(2))
      lane.submit("two", "c", plain())
      yield* next
      lane.submitTogether("upon it", ["b", "d"], plains(2))
      lane.submit("upon that", "d", plain())
      lane.submit("neighbour", "e", plain())
      yield* release
      assert.deepStrictEqual((yield* allTold(lane, 6)).slice(1), [
        "one Superseded",
        "two Superseded",
        "upon it Undermined",
        "upon that Undermined",
        "neighbour committed"
      ])
    })
  )
})

describe("a submission of which one unit is poisonous", () => {
  it.effect("is found by halving, whole and alone: its neighbours commit, in order, and none of it is stored", () =>
    Effect.gen(function* () {
      const lane = yield* startLane
      const bad = plain()
      lane.connection.around = poisonous((one) => one === bad)
      const beside = plains(2)
      const names = upTo(12).map((number) => `u${number}`)
      for (const name of names) {
        if (name === "u8") lane.submitTogether(name, ["x", "y", "x"], [beside[0] as Unit, bad, beside[1] as Unit])
        else if (name === "u3" || name === "u11") lane.submitTogether(name, [name, `${name}'`], plains(2))
        else lane.submit(name, name, plain())
      }
      const told = yield* allTold(lane, 12)
      assert.deepStrictEqual(
        told.filter((one) => one.endsWith("committed")),
        names.filter((name) => name !== "u8").map((name) => `${name} committed`)
      )
      assert.include(told, "u8 Poisonous")
      assert.isFalse(lane.faults.has("u8"), "the store does not say which one")
      assert.deepStrictEqual(storedOf(lane, [...beside, bad]), [false, false, false])
      assert.deepStrictEqual(offsets(lane), upTo(13))
      assert.strictEqual(lane.committer.waiting(), 0)
    })
  )

  it.effect("takes down what stands on any of its groups, in either half and in the queue, and spares the rest", () =>
    Effect.gen(function* () {
      const { lane, next, release } = yield* heldLane
      const held = lane.connection.around
      const bad = plain()
      lane.connection.around = (commit, batch, number) =>
        held(poisonous((one) => one === bad)(commit, batch), batch, number)
      lane.submitTogether("before", ["a", "b"], plains(2))
      lane.submitTogether("bad", ["b", "c"], [plain(), bad])
      lane.submit("on a", "a", plain())
      lane.submitTogether("on c and d", ["c", "d"], plains(2))
      lane.submit("beside", "e", plain())
      lane.submit("on d", "d", plain())
      yield* next
      lane.submitTogether("queued, on d and f", ["d", "f"], plains(2))
      lane.submit("queued, on f", "f", plain())
      lane.submit("queued, beside", "e", plain())
      yield* release
      assert.deepStrictEqual([...(yield* allTold(lane, 10))].toSorted(), [
        "bad Poisonous",
        "before committed",
        "beside committed",
        "first committed",
        "on a committed",
        "on c and d Undermined",
        "on d Undermined",
        "queued, beside committed",
        "queued, on d and f Undermined",
        "queued, on f Undermined"
      ])
      assert.deepStrictEqual(offsets(lane), upTo(6))
    })
  )

  it.effect("takes down what is queued behind it also when it is alone in its batch", () =>
    Effect.gen(function* () {
      const { lane, next, release } = yield* heldLane
      const held = lane.connection.around
      const bad = plain()
      lane.connection.around = (commit, batch, number) =>
        held(poisonous((one) => one === bad)(commit, batch), batch, number)
      lane.submitTogether("bad", ["a", "b"], [plain(), bad])
      yield* next
      lane.submit("on b", "b", plain())
      lane.submit("beside", "c", plain())
      yield* release
      assert.deepStrictEqual(
        [...(yield* allTold(lane, 4))],
        ["first committed", "bad Poisonous", "on b Undermined", "beside committed"]
      )
    })
  )
})
