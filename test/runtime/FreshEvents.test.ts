/** What a projection applies without reading it back: only what was heard without a gap, and never more than is kept. */
import { assert, describe, it } from "@effect/vitest"
import type { Event } from "#domain/Event.ts"
import type { CommittedTurn } from "#runtime/actor/Turn.ts"
import { FreshEvents } from "#runtime/projection/FreshEvents.ts"
import { event } from "./JournalRows.ts"

const turn = (shard: number, offsets: ReadonlyArray<number>, tag: Event["_tag"] = "FundsCredited"): CommittedTurn => ({
  business: "b",
  key: "k",
  shard,
  events: offsets.map((offset) => ({ event: { _tag: tag } as Event, row: { ...event(), shard, offset } })),
  inbox: [],
  settles: [],
  snapshots: [],
  dataKey: undefined,
  takes: [],
  releases: []
})
const heardOf = (...turns: ReadonlyArray<CommittedTurn>) => {
  const fresh = new FreshEvents(new Set<Event["_tag"]>(["FundsCredited"]))
  for (const each of turns) fresh.hear(each)
  return fresh
}
const offsetsIn = (fresh: FreshEvents, shard: number, after: number, upTo: number) =>
  fresh.within([{ shard, after, upTo }])?.map(({ row }) => row.offset)

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

  it("are wanted or not, which is told to whoever hears them", () => {
    const fresh = heardOf()
    assert.isTrue(fresh.hear(turn(1, [1])))
    assert.isFalse(fresh.hear(turn(1, [2], "FundsDebited")))
    assert.isFalse(fresh.hear(turn(1, [])))
  })

  it("leave once they were applied, and later ones stay", () => {
    const fresh = heardOf(turn(1, [1, 2, 3]))
    fresh.forget([{ shard: 1, after: 0, upTo: 2 }])
    assert.isUndefined(offsetsIn(fresh, 1, 0, 3))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 2, 3), [3])
  })

  it("are let go of when nobody applies them for long, and vouched for again from then on", () => {
    const fresh = heardOf()
    for (let offset = 1; offset <= 4_001; offset++) fresh.hear(turn(1, [offset]))
    assert.isUndefined(offsetsIn(fresh, 1, 0, 4_001))
    fresh.hear(turn(1, [4_002]))
    assert.deepStrictEqual(offsetsIn(fresh, 1, 4_001, 4_002), [4_002])
  })
})
