/** What changes in a segment is put down to what brought it about: to one purchase, to one run, or to nothing (SEG-4, AUT-8). */
import { assert, describe, it } from "@effect/vitest"
import type { Event } from "#domain/Event.ts"
import { aggregateOf } from "#runtime/journal/Kinds.ts"
import { stretchesOf } from "#runtime/segment/Stretches.ts"

const at = 1_790_000_000_000
const paid = (purchaseId: string): Event => ({
  _tag: "PurchasePaid",
  purchaseId,
  organisationId: "ledra",
  currency: "EUR",
  total: 5n,
  counts: true,
  at
})
const used = (purchaseId: string): Event => ({ _tag: "TokenUsed", tokenId: "t", purchaseId, at })
const engaged: Event = { _tag: "InteractionStateChanged", from: "NEVER_ENGAGED", to: "ENGAGED", at }
const tagged = (runId?: string): Event => ({
  _tag: "TagsChanged",
  tags: [],
  ...(runId !== undefined && { cause: { runId, chain: ["automation"] } }),
  at
})

/** As they stand in her stream: which are together, by whose run, and which one of them leads. */
const of = (events: ReadonlyArray<Event>) => {
  const committed = events.map((event, index) => {
    const { code } = aggregateOf(event)
    const place = { business: "b", key: "anna", aggregate: code, id: "anna", seq: index }
    const row = { ...place, shard: 1, offset: index, type: event._tag, version: 1, body: "", checksum: 0, at }
    return { event, row }
  })
  return stretchesOf({ business: "b", contact: "anna", committed }).map(({ committed: together, cause, event }) => [
    together.map(({ row }) => row.seq),
    cause?.runId,
    event === undefined ? undefined : Number(event.split("/")[2])
  ])
}

describe("the stretches of what happened to a contact", () => {
  it("begin and end with a purchase, and what came along with it is part of it", () => {
    assert.deepStrictEqual(of([tagged(), used("p"), paid("p"), engaged, paid("q"), tagged()]), [
      [[0], undefined, 0],
      [[1, 2, 3], undefined, 2],
      [[4], undefined, 4],
      [[5], undefined, 5]
    ])
  })

  it("are put down to no event where several may have done it, and to the one where it is alone", () => {
    assert.deepStrictEqual(of([tagged(), tagged(), engaged]), [[[0, 1, 2], undefined, undefined]])
    assert.deepStrictEqual(of([engaged]), [[[0], undefined, 0]])
    assert.deepStrictEqual(of([tagged(), engaged]), [[[0, 1], undefined, 0]])
  })

  it("AUT-8: tell the runs of automations apart, however many purchases there are beside them", () => {
    const many = Array.from({ length: 40 }, (_, index) => paid(`p${index}`))
    const found = of([...many, tagged("first"), tagged("first"), tagged("second")])
    assert.lengthOf(found, 16)
    assert.deepStrictEqual(found[12], [[12], undefined, 12])
    assert.deepStrictEqual(found[13]?.slice(1), [undefined, undefined])
    assert.deepStrictEqual(found.slice(14), [
      [[40, 41], "first", undefined],
      [[42], "second", 42]
    ])
  })
})
