import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import type { Definitions } from "#domain/definition/Definition.ts"
import { invalidDefinition } from "#domain/definition/DefinitionRules.ts"
import type { Condition } from "#domain/segment/Condition.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import {
  nextRefresh,
  type RefreshMode,
  segmentDecider,
  type SegmentDefinition,
  type SegmentEvent,
  segments
} from "#domain/segment/Segment.ts"
import { bakery, noon, turnAt } from "../../support/Given.ts"

type Command = Parameters<typeof segmentDecider.decide>[1]

const member = (segment: string): Condition => ({ type: "MEMBER", segment })
const body = (...conditions: ReadonlyArray<Condition>): SegmentDefinition => ({
  sets: [{ conditions: [] }, { conditions }],
  refresh: { mode: "LIVE" }
})
const save = (id: string, definition: SegmentDefinition): Command => ({
  _tag: "SaveSegment",
  id,
  name: `All of ${id}`,
  body: definition
})
const judge = (all: Definitions<SegmentDefinition>, command: Command) =>
  segmentDecider.decide({ segments: all, automations: {}, plans: {} }, command, turnAt(noon, { key: bakery.id }))
const after = (all: Definitions<SegmentDefinition>, command: Command): Definitions<SegmentDefinition> =>
  (Result.getOrThrow(judge(all, command)).events as ReadonlyArray<SegmentEvent>).reduce(segments.evolve, all)
const refusal = (all: Definitions<SegmentDefinition>, command: Command) => {
  const judgement = judge(all, command)
  return Result.isFailure(judgement) ? judgement.failure : undefined
}
const invalid = (pointer: string, rule: string) => invalidDefinition("segments", pointer, rule)

/** a ← b ← c. */
const chain = ([["a"], ["b", "a"], ["c", "b"]] as const).reduce<Definitions<SegmentDefinition>>(
  (all, [id, of]) => after(all, save(id, of === undefined ? body() : body(member(of)))),
  {}
)

describe("the segments of a business", () => {
  it("SEG-5: may be made of others, not of themselves over however many", () => {
    const itself = invalid("/sets/1/conditions/1", "A segment is not made of itself.")
    const email: Condition = { type: "EXISTENCE", field: "email", exists: true }
    assert.deepStrictEqual(refusal(chain, save("a", body(email, member("c")))), itself)
    assert.deepStrictEqual(
      refusal(chain, save("a", body(email, { type: "NOT", condition: member("b") } as Condition))),
      itself
    )
    assert.deepStrictEqual(refusal(chain, save("new", body(email, member("new")))), itself)
    assert.isUndefined(refusal(chain, save("d", body(member("c"), member("a")))))
    assert.deepStrictEqual(
      refusal(chain, save("d", body(member("x")))),
      invalid("/sets/1/conditions/0/segment", "There is no segment x.")
    )
  })

  it("stay while others are made of them", () => {
    const inUse = { _tag: "DefinitionInUse", kind: "segments", id: "a", by: "the segment All of b" } as const
    assert.deepStrictEqual(refusal(chain, { _tag: "DeleteSegment", id: "a" }), inUse)
    assert.deepStrictEqual(refusal(chain, { _tag: "ChangeSegmentState", id: "a", state: "INACTIVE" }), inUse)
    assert.isUndefined(refusal(chain, { _tag: "DeleteSegment", id: "c" }))
  })

  it("SEG-2: are refreshed by a schedule that comes round, in a zone that there is", () => {
    const refresh = (mode: RefreshMode, cron?: string, timeZone?: string) => {
      const judged = refusal(chain, {
        ...save("d", {
          ...body(),
          refresh: { mode, ...(cron !== undefined && { cron }), ...(timeZone !== undefined && { timeZone }) }
        })
      })
      return judged?._tag === "InvalidDefinition" ? judged.pointer : judged
    }
    assert.deepStrictEqual(
      [
        refresh("SCHEDULED", "0 6 * * 1", "Europe/Nicosia"),
        refresh("SCHEDULED"),
        refresh("SCHEDULED", "every morning"),
        refresh("SCHEDULED", "* * * * * *"),
        refresh("SCHEDULED", "0 0 30 2 *"),
        refresh("SCHEDULED", "0 6 * * *", "Europe/Atlantis"),
        refresh("LIVE", "0 6 * * *")
      ],
      [undefined, "/refresh", "/refresh/cron", "/refresh/cron", "/refresh/cron", "/refresh/time_zone", "/refresh/cron"]
    )
    const summer = Date.parse("2026-06-30T12:00:00Z")
    assert.strictEqual(nextRefresh("0 6 * * *", "Europe/Nicosia", summer), Date.parse("2026-07-01T03:00:00Z"))
  })

  /** As many as are named, the first after the instant, each after the one before. */
  const comings = (cron: string, timeZone: string, after: string, count: number): ReadonlyArray<string> => {
    const found: Array<number> = []
    for (let at = Date.parse(after); found.length < count; at = found.at(-1) ?? at) {
      found.push(nextRefresh(cron, timeZone, at) ?? Number.NaN)
    }
    return found.map((at) => new Date(at).toISOString().slice(0, 16))
  }

  it("SEG-2: come round once a day at their hour of the zone where the clock goes back and where it goes on", () => {
    // In Nicosia the hour from 3 comes twice on 25 October and not at all on 28 March.
    const back = (cron: string) => comings(cron, "Europe/Nicosia", "2026-10-24T12:00:00Z", 2)
    assert.deepStrictEqual(back("0 6 * * *"), ["2026-10-25T04:00", "2026-10-26T04:00"])
    assert.deepStrictEqual(back("30 3 * * *"), ["2026-10-25T00:30", "2026-10-26T01:30"])
    assert.deepStrictEqual(back("0 0 * * *"), ["2026-10-24T21:00", "2026-10-25T22:00"])
    const on = (cron: string) => comings(cron, "Europe/Nicosia", "2027-03-27T12:00:00Z", 2)
    assert.deepStrictEqual(on("0 6 * * *"), ["2027-03-28T03:00", "2027-03-29T03:00"])
    // What there is none of comes as much later as the clock was put on.
    assert.deepStrictEqual(on("30 3 * * *"), ["2027-03-28T01:30", "2027-03-29T00:30"])
    assert.deepStrictEqual(on("0 0 * * *"), ["2027-03-27T22:00", "2027-03-28T21:00"])
    // In Santiago it is midnight that is skipped.
    assert.deepStrictEqual(comings("0 0 * * *", "America/Santiago", "2026-09-05T12:00:00Z", 2), [
      "2026-09-06T04:00",
      "2026-09-07T03:00"
    ])
  })

  it("SEG-2: come round every hour and half hour through both changes of the clock, leaving none out", () => {
    const changes = ["2026-10-24T20:00:00Z", "2027-03-27T20:00:00Z"]
    const lengths = (cron: string, timeZone: string, after: string, count: number) => {
      const instants = comings(cron, timeZone, after, count).map((text) => Date.parse(`${text}Z`))
      return new Set(instants.slice(1).map((at, index) => (at - (instants[index] ?? 0)) / 60_000))
    }
    for (const after of changes) {
      assert.deepStrictEqual([...lengths("15 * * * *", "Europe/Nicosia", after, 12)], [60])
      assert.deepStrictEqual([...lengths("*/30 * * * *", "Europe/Nicosia", after, 24)], [30])
    }
    // By half an hour.
    for (const after of ["2026-04-04T10:00:00Z", "2026-10-03T10:00:00Z"]) {
      assert.deepStrictEqual([...lengths("*/30 * * * *", "Australia/Lord_Howe", after, 24)], [30])
    }
  })

  it("name what they look at, so that nobody else is judged again", () => {
    const { fields, events, segments, time } = dependsOn([
      {
        conditions: [
          { type: "COMPARISON", field: "wallet.balance", operator: "GREATER", value: 1 },
          { type: "NOT", condition: { type: "MEMBER", segment: "a" } },
          { type: "COUNT", event: "PurchasePaid", operator: "EQUAL", value: 1, window: { from: 5 } }
        ]
      }
    ])
    assert.deepStrictEqual(
      [[...fields], [...events], [...segments], time],
      [["wallet.balance"], ["PurchasePaid"], ["a"], false]
    )
    const timed = dependsOn([
      { conditions: [{ type: "HAS_BEEN", field: "consent", value: "ACCEPTED", span: { amount: 1, unit: "DAYS" } }] }
    ])
    assert.deepStrictEqual([[...timed.events], timed.time], [["ContactRegistered", "ConsentChanged"], true])
  })
})
