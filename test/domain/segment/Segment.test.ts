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
