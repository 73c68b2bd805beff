/** P9: of two who follow the journal into the segment store, the slower one takes back nothing that the other has written. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import { segmentStoreName } from "#runtime/segment/SegmentGeneration.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId, share } from "./SampleCommands.ts"
import { withFollower, withoutProjector } from "./SegmentSide.ts"

layer(withoutProjector, { excludeTestServices: true })("two followers of one segment store", (it) => {
  it.effect("who writes late takes back nothing, of an owner's people either", () =>
    Effect.gen(function* () {
      const [gate, arrived, written] = [yield* Latch.make(true), yield* Latch.make(false), yield* Latch.make(false)]
      let late = 0
      const limit = Effect.gen(function* () {
        const { profiles } = (yield* SegmentDatabase).collections()
        const profile = yield* Effect.promise(() => profiles.findOne({ _id: contactId(4_001) }))
        const people = (profile?.["people"] ?? []) as ReadonlyArray<Record<string, unknown>>
        return people[0]?.["wallet_sharing_max_amount"]
      })
      yield* withFollower((prompt) =>
        withFollower(
          (slow) =>
            Effect.gen(function* () {
              yield* open
              yield* ask(person(4_001))
              yield* ask(person(4_002))
              yield* slow.waitFor(segmentStoreName)
              yield* gate.close
              yield* ask(share(4_001, 4_002, 5_000n))
              yield* arrived.await
              const walletSharing = { isEnabled: true, method: "AUTO", maxAmount: 100n, poolIds: [] } as const
              const terms = { isAdmin: false, permissions: [], walletSharing }
              const command = { _tag: "UpdatePerson", relationshipId: "4001-4002", terms } as const
              yield* ask({ business: businessId, key: contactId(4_001), command })
              yield* prompt.waitFor(segmentStoreName)
              assert.strictEqual(yield* limit, 100)
              yield* gate.open
              yield* written.await
              assert.strictEqual(yield* limit, 100)
            }),
          ({ use }) => ({
            use: (operation, question) =>
              Effect.gen(function* () {
                if (operation !== "write" || gate.isOpen()) return yield* use(operation, question)
                late += 1
                // Her events, and her profile.
                if (late === 2) yield* arrived.open
                yield* gate.await
                const answer = yield* use(operation, question)
                late -= 1
                if (late === 0) yield* written.open
                return answer
              })
          })
        )
      )
    })
  )
})
