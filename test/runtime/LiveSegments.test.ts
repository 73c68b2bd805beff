/**
 * SEG-3..5: live segments follow every commit, a definition is replaced at once, and what the sinks are told of is each join
 * and each leave, once.
 */
import { assert, layer } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open } from "./ReadSide.ts"
import { businessId, contactId, credit, otherBusinessId, register } from "./SampleCommands.ts"
import { computed, definition, membersOf, save, segmentId, segmentSide, tag, witnessed } from "./MembershipSide.ts"

const tagged = (value: string): Condition => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [value] })
const richer = (value: number): Condition => ({
  type: "COMPARISON",
  field: "wallet.balance",
  operator: "GREATER_OR_EQUAL",
  value
})
const memberOf = (name: string): Condition => ({ type: "MEMBER", segment: segmentId(name) })

layer(segmentSide, { excludeTestServices: true })("a live segment", (it) => {
  it.effect("SEG-3: is right at the next read after each commit", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      yield* open
      for (let number = 1; number <= 5; number++) yield* ask(register(number))
      yield* ask(tag(1, ["vip"]))
      yield* save("vip", definition([[tagged("vip")]]))
      yield* computed("vip")
      assert.deepStrictEqual(yield* membersOf("vip"), [1])
      for (let round = 0; round < 10; round++) {
        yield* ask(tag(2, ["vip"]))
        assert.isTrue(yield* segments.isMember(businessId, segmentId("vip"), contactId(2)))
        yield* ask(tag(2, [], ["vip"]))
        assert.isFalse(yield* segments.isMember(businessId, segmentId("vip"), contactId(2)))
      }
      const told = yield* witnessed("vip")
      assert.lengthOf(told, 21)
      assert.lengthOf(new Set(told.map(({ id }) => id)), 21)
      assert.deepInclude(told[0], { contact: 1, kind: "JOINED", reason: "DEFINITION" })
    })
  )

  it.effect("SEG-4: an edited definition replaces its members at once, and says once who came and went", () =>
    Effect.gen(function* () {
      yield* ask(tag(3, ["gold"]))
      yield* ask(tag(4, ["gold", "silver"]))
      yield* ask(tag(5, ["silver"]))
      yield* save("metal", definition([[tagged("gold")]]))
      yield* computed("metal", 1)
      assert.deepStrictEqual(yield* membersOf("metal"), [3, 4])
      yield* save("metal", definition([[tagged("silver")]]))
      yield* computed("metal", 2)
      assert.deepStrictEqual(yield* membersOf("metal"), [4, 5])
      const told = (yield* witnessed("metal")).map(({ contact, kind }) => `${contact} ${kind}`)
      assert.sameMembers(told, ["3 JOINED", "4 JOINED", "3 LEFT", "5 JOINED"])
    })
  )

  it.effect("SEG-5: what changes in a segment goes on to those that name it in one step", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      yield* save("rich", definition([[richer(1000)]]))
      yield* save("rich and gold", definition([[memberOf("rich"), tagged("gold")]]))
      yield* save("not so rich", definition([[{ type: "NOT", condition: memberOf("rich") as never }, tagged("gold")]]))
      for (const name of ["rich", "rich and gold", "not so rich"]) yield* computed(name)
      assert.deepStrictEqual(yield* membersOf("not so rich"), [3, 4])
      yield* ask(credit(3, 1500n, "seg-1"))
      const names = (yield* segments.segmentsOf(businessId, contactId(3))).map((each) => each.segmentId)
      assert.include(names, segmentId("rich"))
      assert.include(names, segmentId("rich and gold"))
      assert.notInclude(names, segmentId("not so rich"))
      const [told] = yield* witnessed("rich and gold")
      assert.deepInclude(told, { contact: 3, kind: "JOINED", reason: "SEGMENT" })
    })
  )

  it.effect("AUT-8: what a contact does herself is put down to no automation that acts on her in the same moment", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      const sql = yield* SqlClient
      yield* save("own doing", definition([[tagged("own")]]))
      yield* computed("own doing")
      const numbers = Array.from({ length: 40 }, (_, index) => 100 + index)
      for (const number of numbers) yield* ask(register(number))
      for (const number of numbers) yield* segments.isMember(businessId, segmentId("own doing"), contactId(number))
      const scheduled = (number: number) =>
        ask({
          business: businessId,
          key: contactId(number),
          command: {
            _tag: "ScheduleActivity",
            activityId: segmentId(`call ${number}`),
            type: "CALL",
            cause: { runId: segmentId("run"), chain: [segmentId("automation")] }
          }
        })
      const both = (number: number) =>
        Effect.all([ask(tag(number, ["own"])), scheduled(number)], { concurrency: 2, discard: true })
      yield* Effect.forEach(numbers, both, { concurrency: 40, discard: true })
      for (const number of numbers) {
        assert.isTrue(yield* segments.isMember(businessId, segmentId("own doing"), contactId(number)))
      }
      const changes = yield* sql<{ because: string; cause: string | null }>`
        SELECT because, cause FROM segment_change WHERE segment = ${segmentId("own doing")}::uuid`
      assert.lengthOf(changes, 40)
      for (const change of changes) assert.deepStrictEqual({ ...change }, { because: "TagsChanged", cause: null })
    })
  )

  it.effect("another business sees nothing of it", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      assert.isFalse(yield* segments.isMember(otherBusinessId, segmentId("vip"), contactId(1)))
      assert.deepStrictEqual(yield* segments.segmentsOf(otherBusinessId, contactId(1)), [])
      assert.deepStrictEqual(yield* membersOf("vip", otherBusinessId), [])
    })
  )
})
