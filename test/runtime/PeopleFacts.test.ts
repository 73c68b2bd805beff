/** SEG-1, SHR-1: what an owner has given her community is known of her, as it happened and rebuilt, live and in the past. */
import { assert, layer } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { HistoricalFacts } from "#runtime/segment/HistoricalFacts.ts"
import { segmentStoreName } from "#runtime/segment/SegmentGeneration.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import { SegmentStore } from "#runtime/segment/SegmentStore.ts"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId, credit, inviteByApp, purchase, share } from "./SampleCommands.ts"
import * as MembershipSide from "./MembershipSide.ts"
import { filled, segmentSide, storedDocuments } from "./SegmentSide.ts"
import { eventually } from "../support/Eventually.ts"

const owner = { business: businessId, key: contactId(1) }
const terms = (maxAmount: bigint) => ({
  isAdmin: true,
  permissions: [],
  group: "Family",
  walletSharing: { isEnabled: true, method: "AUTO" as const, maxAmount, poolIds: [] }
})
const update = (member: number, maxAmount: bigint) =>
  ask({
    ...owner,
    command: { _tag: "UpdatePerson", relationshipId: `1-${member}`, terms: terms(maxAmount) }
  })
const remove = (member: number) => ask({ ...owner, command: { _tag: "RemovePerson", relationshipId: `1-${member}` } })

const register = Effect.gen(function* () {
  yield* open
  for (const number of [1, 2, 3, 4]) yield* ask(person(number))
})

layer(segmentSide, { excludeTestServices: true })("the people of an owner", (it) => {
  it.effect(
    "SHR-1, P9: stand in her profile with the terms in force, the same when it is rebuilt and in the past",
    () =>
      Effect.gen(function* () {
        const [projector, store, history] = [yield* Projector, yield* SegmentStore, yield* HistoricalFacts]
        yield* register
        yield* ask(credit(1, 10_000n, "credit-1"))
        yield* ask(share(1, 2, 5_000n))
        yield* ask(inviteByApp(1, 3))
        yield* ask(share(1, 4))
        yield* update(2, 4_000n)
        yield* remove(4)
        yield* ask(purchase(2, 1, 300n))
        const factsOf = (number: number) =>
          Effect.map(
            Effect.andThen(store.caughtUp(), store.facts(businessId, [contactId(number)])),
            (found): ContactFacts => {
              const { profile, events } = found.get(contactId(number)) ?? {}
              assert.isDefined(profile)
              return { profile, events: events ?? [] }
            }
          )
        const drawn = eventually(
          "the purchase has drawn on the owner",
          Effect.map(factsOf(1), ({ events }) => events.some(({ type }) => type === "DrawCounted"))
        )
        yield* drawn
        const { profile } = yield* factsOf(1)
        assert.deepStrictEqual(profile["people_count"], { pending: 1, accepted: 1, rejected: 0 })
        const people = profile["people"] as ReadonlyArray<Record<string, unknown>>
        assert.deepStrictEqual(
          people.map(({ member_id, state }) => [member_id, state]),
          [
            [contactId(2), "ACCEPTED"],
            [contactId(3), "PENDING"]
          ]
        )
        assert.deepInclude(people[0], { is_admin: true, group: "Family", wallet_sharing_max_amount: 4_000 })
        assert.notProperty(people[0], "used")
        assert.deepStrictEqual((yield* factsOf(2)).profile["people"], [])

        yield* filled
        const live = yield* storedDocuments
        yield* projector.rebuild(segmentStoreName)
        yield* filled
        assert.deepStrictEqual(yield* storedDocuments, live)

        const histories = yield* Stream.runCollect(history.streamOf(businessId))
        const known = histories.find(({ contact }) => contact === contactId(1))
        assert.deepStrictEqual(known?.facts, yield* factsOf(1))
        const limits = Array.from(known?.steps() ?? [], ({ after }) => {
          const [first] = (after?.profile["people"] ?? []) as ReadonlyArray<Record<string, unknown>>
          return first?.["wallet_sharing_max_amount"]
        })
        assert.deepStrictEqual([...new Set(limits)], [undefined, 5_000, 4_000])
      })
  )
})

const sharesMuch: Condition = {
  type: "ANY",
  field: "people",
  where: [
    { type: "COMPARISON", field: "state", operator: "EQUAL", value: "ACCEPTED" },
    { type: "COMPARISON", field: "wallet_sharing_max_amount", operator: "GREATER_OR_EQUAL", value: 5_000 }
  ]
}
const alone: Condition = { type: "COMPARISON", field: "people_count.accepted", operator: "EQUAL", value: 0 }

layer(MembershipSide.segmentSide, { excludeTestServices: true })("a live segment of owners", (it) => {
  it.effect("SEG-3: is right at the next read after each change of who is in and on what terms", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      const { computed, definition, membersOf, save, segmentId } = MembershipSide
      const isIn = (name: string) => segments.isMember(businessId, segmentId(name), contactId(1))
      const both = Effect.zip(isIn("generous"), isIn("alone"))
      yield* register
      // One is in before anybody is live, so that what is known of her has to be read.
      yield* ask(share(1, 2, 5_000n))
      yield* save("generous", definition([[sharesMuch]]))
      yield* save("alone", definition([[alone]]))
      yield* computed("generous")
      yield* computed("alone")
      assert.deepStrictEqual([yield* membersOf("generous"), yield* membersOf("alone")], [[1], [2, 3, 4]])
      yield* update(2, 4_999n)
      assert.deepStrictEqual(yield* both, [false, false])
      yield* ask(share(1, 3, 6_000n))
      assert.deepStrictEqual(yield* both, [true, false])
      yield* remove(3)
      assert.deepStrictEqual(yield* both, [false, false])
      yield* remove(2)
      assert.deepStrictEqual(yield* both, [false, true])
    })
  )
})
