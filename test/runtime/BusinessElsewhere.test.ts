/** PUR-3: no turn is judged on a business of which its runner has not heard yet, as if it had no venue, rate or setting. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { start } from "./Runners.ts"
import { businessId, contactId, credit, openBusiness, purchase, register } from "./SampleCommands.ts"

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
