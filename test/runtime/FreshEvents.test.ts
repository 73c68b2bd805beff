/** What a projection applies without reading it back: only what was heard without a gap, and never more than is kept. */
import { assert, describe, it } from "@effect/vitest"
import type { Event } from "#domain/Event.ts"
import type { CommittedTurn } from "#runtime/actor/Turn.ts"
import { FreshEvents } from "#runtime/projection/FreshEvents.ts"
import { event } from "./JournalRows.ts"

const turn = (
  shard: number,
  offsets: ReadonlyArray<number>,
  tag: Event["_tag"] = "FundsCredited",
  body = "{}"
): CommittedTurn => ({
  business: "b",
  key: "k",
  shard,
  events: offsets.map((offset) => ({ event: { _tag: tag } as Event, row: { ...event(), shard, offset, body } })),
  inbox: [],
  settles: [],
  snapshots: [],
  dataKey: undefined,
  takes: [],
  releases: []
})
/** Three readers. */
const readers: ReadonlyArray<ReadonlyArray<Event["_tag"]>> = [
  ["FundsCredited"],
  ["FundsReturned"],
  ["FundsCredited", "FundsReturned"]
]
const [credits, returns, both] = [0, 1, 2]
const heardOf = (...turns: ReadonlyArray<CommittedTurn>) => {
  const fresh = new FreshEvents(readers)
  for (const each of turns) fresh.hear(each)
  return fresh
}
const offsetsIn = (fresh: FreshEvents, shard: number, after: number, upTo: number, reader = credits) =>
  fresh.within({ shard, after, upTo }, reader)?.map(({ row }) => row.offset)

describe("fresh events", () => {
  it("are those of the wanted types within a range, in order, once each offset of it was heard", () => {
    const fresh = heardOf(turn(1, [5, 6]), turn(1, [7], "FundsDebited"), turn(1, [8]))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 4, 8), [5, 6, 8])
    assert.deepStrictEqual(offsetsIn(fresh, 1, 5, 7), [6])
  })

  it("say nothing about what was committed before the first or after the last that was heard", () => {
    const fresh = heardOf(turn(1, [5, 6]))
    assert.isUndefined(offsetsIn(fresh, 1, 3, 6))
    assert.isUndefined(offsetsIn(fresh, 1, 4, 7))
    assert.isUndefined(offsetsIn(fresh, 2, 0, 1))
  })

  it("of a shard that another runner wrote to in between are vouched for only from there on", () => {
    const fresh = heardOf(turn(1, [5, 6]), turn(1, [9, 10]))
    assert.isUndefined(offsetsIn(fresh, 1, 4, 10))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 8, 10), [9, 10])
  })

  it("are given to each who asks, by what it wants, and as often as it asks", () => {
    const fresh = heardOf(turn(1, [1, 2]), turn(1, [3], "FundsReturned"))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 0, 3), [1, 2])
    assert.deepStrictEqual(offsetsIn(fresh, 1, 0, 3, returns), [3])
    assert.deepStrictEqual(offsetsIn(fresh, 1, 1, 3, both), [2, 3])
    assert.deepStrictEqual(offsetsIn(fresh, 1, 0, 3), [1, 2])
  })

  it("are let go of, the older half of them, when there are too many, and the younger are still vouched for", () => {
    const fresh = heardOf()
    for (let offset = 1; offset <= 32_769; offset++) fresh.hear(turn(1, [offset]))
    assert.isUndefined(offsetsIn(fresh, 1, 16_384, 32_769))
    assert.strictEqual(offsetsIn(fresh, 1, 16_385, 32_769)?.length, 16_384)
    fresh.hear(turn(1, [32_770]))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 32_768, 32_770), [32_769, 32_770])
  })

  it("are let go of when they are too large, however few they are", () => {
    const megabyte = "x".repeat(1024 * 1024)
    const fresh = heardOf()
    for (let offset = 1; offset <= 33; offset++) fresh.hear(turn(1, [offset], "FundsCredited", megabyte))
    assert.isUndefined(offsetsIn(fresh, 1, 16, 33))
    assert.strictEqual(offsetsIn(fresh, 1, 17, 33)?.length, 16)
  })
})
