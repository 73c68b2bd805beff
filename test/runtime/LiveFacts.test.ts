/**
 * SEG-3: what is known of contacts while something happens to them, when it is forgotten in the middle: nobody who is asked
 * for is missing, and nothing is said of a difference that was not seen.
 */
import { assert, layer } from "@effect/vitest"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import * as LiveFacts from "#runtime/segment/LiveFacts.ts"
import { SegmentStore } from "#runtime/segment/SegmentStore.ts"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open } from "./ReadSide.ts"
import { businessId, contactId, credit, register } from "./SampleCommands.ts"
import { segmentSide } from "./MembershipSide.ts"

const touched = (number: number): LiveFacts.Touched => ({
  business: businessId,
  contact: contactId(number),
  committed: []
})

layer(segmentSide, { excludeTestServices: true })("what is known of contacts", (it) => {
  it.effect("SEG-3: a contact who is forgotten while another one is read is read again", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      const store = yield* SegmentStore
      yield* open
      for (let number = 1; number <= 3; number++) yield* ask(register(number))
      let meanwhile: Effect.Effect<unknown, unknown> = Effect.void
      const facts: LiveFacts.LiveFacts = LiveFacts.make(actors, {
        ...store,
        caughtUp: (upTo) =>
          Effect.tap(store.caughtUp(upTo), () => {
            const once = meanwhile
            meanwhile = Effect.void
            return Effect.orDie(once)
          })
      })
      yield* facts.touch([touched(1)])

      // As when a shard moves, or a computation is not taken over.
      meanwhile = Effect.sync(facts.forgetAll)
      const known = yield* facts.touch([touched(1), touched(2)])
      assert.deepStrictEqual(
        known.map(({ facts: found }) => found?.profile["_id"]),
        [contactId(1), contactId(2)]
      )
      assert.strictEqual(facts.contacts(), 2)

      // What somebody else has read meanwhile may know what is about to be told.
      meanwhile = Effect.suspend(() => {
        facts.forgetAll()
        return facts.touch([touched(1)])
      })
      const [first] = yield* facts.touch([touched(1), touched(3)])
      assert.isDefined(first?.facts)
      assert.isUndefined(first?.before)

      const [warm] = yield* facts.touch([touched(1)])
      assert.strictEqual(warm?.before?._id, contactId(1))
    })
  )

  it.effect("SEG-4: nobody is known by what she is now beside what had happened to her before", () =>
    Effect.gen(function* () {
      const actors = yield* Actors
      const store = yield* SegmentStore
      const sql = yield* SqlClient
      yield* ask(register(4))
      for (let nth = 1; nth <= 3; nth++) yield* ask(credit(4, 100n, `paid in ${nth}`))
      // As a store that is being filled has it: what it was waited for, and nothing more.
      const read = new Map<number, number>()
      const facts = LiveFacts.make(actors, {
        ...store,
        caughtUp: (upTo = []) =>
          Effect.tap(store.caughtUp(upTo), () =>
            Effect.sync(() => upTo.forEach(({ shard, offset }) => read.set(shard, offset)))
          ),
        facts: (business, contacts, types) =>
          Effect.map(store.facts(business, contacts, types), (found) => {
            const isRead = (contact: string, place: number): boolean => place <= (read.get(shardOf(contact)) ?? 0)
            return new Map(
              Array.from(found, ([contact, { events, ...known }]) => [
                contact,
                { ...known, events: events.filter(({ sequence }) => isRead(contact, sequence)) }
              ])
            )
          })
      })
      // Read from zero: her registration comes in a pass of its own.
      const rows = yield* sql<{ shard_offset: bigint }>`
        SELECT shard_offset FROM event WHERE id = ${contactId(4)}::uuid AND seq = 1`
      const row = {
        business: businessId,
        key: contactId(4),
        id: contactId(4),
        aggregate: contactAggregate.code,
        seq: 1,
        shard: shardOf(contactId(4)),
        offset: Number(rows[0]?.shard_offset)
      } as EventRow
      const event = { _tag: "TagsChanged", added: [], removed: [], at: 0 } as never
      const [known] = yield* facts.touch([{ ...touched(4), committed: [{ row, event }] }])
      const credits = known?.facts?.events.filter(({ type }) => type === "FundsCredited")
      assert.deepNestedInclude(known?.facts?.profile, { "wallet.balance": 300 })
      assert.lengthOf(credits ?? [], 3)
    })
  )
})
