/** PUR-3: no turn is judged on a business of which its runner has not heard yet, as if it had no venue, rate or setting. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import type { Notice } from "#runtime/journal/Notice.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { start } from "./Runners.ts"
import { businessId, contactId, createPool, credit, openBusiness, purchase, register } from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

const there = shardOf(contactId(1))

it.effect("a business that was opened at another runner a moment ago is known to the first turn of its contacts", () =>
  Effect.gen(function* () {
    const store = JournalMemory.emptyStore()
    const contacts = yield* start(store, { shards: [there] })
    const businesses = yield* start(store, { shards: allShards.filter((shard) => shard !== there) })
    yield* businesses.actors.ask(openBusiness())
    assert.isUndefined(contacts.actors.business(businessId), "it has not been told")

    yield* contacts.actors.ask(register(1))
    yield* contacts.actors.ask(credit(1, 500n, "put in"))
    yield* contacts.actors.ask(purchase(1, 1, 500n))
    assert.strictEqual(contacts.actors.business(businessId)?.currency, "EUR")
  })
)

it.effect("whoever takes up what was written of it elsewhere learns it first, and only once", () =>
  Effect.gen(function* () {
    const store = JournalMemory.emptyStore()
    const reader = yield* start(store, { shards: [there] })
    const businesses = yield* start(store, { shards: allShards.filter((shard) => shard !== there) })
    yield* businesses.actors.ask(openBusiness())
    yield* reader.actors.learn([businessId, businessId])
    assert.strictEqual(reader.actors.business(businessId)?.name, "Zygos Bakeries")
    reader.connection.cut()
    yield* reader.actors.learn([businessId])
  })
)

it.effect("a business whose shard comes back is known with all that was done to it elsewhere, told of or not", () =>
  Effect.gen(function* () {
    const store = JournalMemory.emptyStore()
    const shard = shardOf(businessId)
    const here = yield* start(store)
    yield* here.actors.ask(openBusiness())
    yield* here.placed.release(new Set([shard]))
    const elsewhere = yield* start(store, { shards: [shard] })
    yield* elsewhere.actors.ask(createPool({ id: "breakfast" }))
    yield* elsewhere.placed.release(new Set([shard]))

    const told: Array<Notice | undefined> = []
    here.actors.onNotice((notice) => void told.push(notice))
    yield* here.placed.take([shard])
    assert.deepStrictEqual(told, [{ business: businessId }])
    const pools = () => Object.keys(here.actors.business(businessId)?.pools ?? {})
    assert.deepStrictEqual(pools(), ["breakfast"])
    yield* here.actors.ask(createPool({ id: "lunch" }))
    assert.deepStrictEqual(pools(), ["breakfast", "lunch"])
  })
)

it.effect(
  "what is done to a business elsewhere is known to whom it was told before it knew that the shard had gone",
  () =>
    Effect.gen(function* () {
      const store = JournalMemory.emptyStore()
      const shard = shardOf(businessId)
      const here = yield* start(store)
      yield* Effect.forkScoped(here.placed.hearOthers)
      yield* here.actors.ask(openBusiness())
      const told: Array<Notice | undefined> = []
      here.actors.onNotice((notice) => void told.push(notice))
      const elsewhere = yield* start(store, { shards: [shard] })
      yield* elsewhere.actors.ask(createPool({ id: "breakfast" }))
      yield* until(() => told.some((notice) => notice !== undefined && "business" in notice))
      assert.isTrue(here.actors.holds(shard), "it does not know yet that it has lost the shard")
      assert.hasAllKeys(here.actors.business(businessId)?.pools, ["breakfast"])
    })
)
