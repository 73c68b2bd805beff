/** The hub of a whole business while shards are on their way to its runner: each event once, whoever told of it. */
import { assert, describe, it } from "@effect/vitest"
import { Actors } from "#runtime/actor/Actors.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import * as BusinessHub from "#runtime/live/BusinessHub.ts"
import * as Heads from "#runtime/live/Heads.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { connect } from "./FaultyJournal.ts"
import * as Runners from "./Runners.ts"
import { businessId, contactId, credit, openBusiness, register } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const sealer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))

const lots: BusinessHub.Broadcast = {
  name: "lots",
  types: new Set(["FundsCredited"]),
  encode: ({ event }) => (event._tag === "FundsCredited" ? event.lotId : undefined)
}

describe("the hub of a business", () => {
  it.effect("tells each event once to whom follows while the shard comes to her runner", () =>
    Effect.gen(function* () {
      const connection = connect(JournalMemory.emptyStore())
      const shard = shardOf(contactId(1))
      const { actors, placed } = yield* Runners.startThrough(connection)
      yield* actors.ask(openBusiness())
      yield* actors.ask(register(1))
      yield* placed.release(new Set([shard]))
      assert.deepStrictEqual(
        allShards.filter((each) => !actors.holds(each)),
        [shard]
      )

      const asked = yield* gate
      const { heads } = connection.journal
      let looks = 0
      const journal = Layer.succeed(Journal, {
        ...connection.journal,
        heads: (shards) => {
          looks += 1
          return Effect.andThen(asked.pass, heads(shards))
        }
      })
      const known = Layer.mergeAll(Layer.succeed(Actors, actors), journal, sealer, Heads.alone)
      const hub = Context.get(yield* Layer.build(BusinessHub.layer.pipe(Layer.provide(known))), BusinessHub.BusinessHub)
      const told: Array<string> = []
      const following = yield* Effect.forkChild(
        hub.follow({
          business: businessId,
          broadcast: lots,
          after: undefined,
          roomy: Effect.void,
          receiver: {
            started: () => undefined,
            deliver: (text) => void told.push(text),
            reload: (_, reason) => void told.push(`RELOAD ${reason}`)
          }
        }),
        { startImmediately: true }
      )
      // It waits for the end of the shard, which comes meanwhile.
      yield* until(() => looks > 0)
      yield* placed.take([shard])
      yield* asked.open
      yield* Fiber.join(following)

      for (const lot of ["lot-1", "lot-2"]) {
        yield* actors.ask(credit(1, 1n, lot))
        yield* TestClock.adjust(2_000)
        yield* quiet
      }
      assert.deepStrictEqual(told, ["lot-1", "lot-2"])
    })
  )

  it.effect(
    "tells once each who comes back what her runner made durable as it let go of the shard, and what came after",
    () =>
      Effect.gen(function* () {
        const store = JournalMemory.emptyStore()
        const connection = connect(store)
        const shard = shardOf(contactId(1))
        const runner = yield* Runners.startThrough(connection)
        yield* runner.actors.ask(openBusiness())
        yield* runner.actors.ask(register(1))
        const known = Layer.mergeAll(
          Layer.succeed(Actors, runner.actors),
          Layer.succeed(Journal, connection.journal),
          sealer,
          Heads.alone
        )
        const hub = Context.get(
          yield* Layer.build(BusinessHub.layer.pipe(Layer.provide(known))),
          BusinessHub.BusinessHub
        )

        const beforeCommit = yield* gate
        connection.around = (commit) => Effect.andThen(beforeCommit.pass, commit)
        const sent = connection.sent.length
        const asked = Runners.askNow(runner, credit(1, 1n, "lot-1"))
        yield* until(() => connection.sent.length > sent)
        const released = yield* Effect.forkChild(runner.placed.release(new Set([shard])), { startImmediately: true })
        assert.isFalse(runner.actors.holds(shard))
        yield* beforeCommit.open
        yield* Fiber.join(released)
        yield* until(() => asked.replies.length === 1)
        const other = yield* Runners.start(store, { shards: [shard] })
        yield* other.actors.ask(credit(1, 1n, "lot-2"))

        const told: Array<string> = []
        yield* hub.follow({
          business: businessId,
          broadcast: lots,
          after: allShards.map(() => 0),
          roomy: Effect.void,
          receiver: {
            started: () => undefined,
            deliver: (text) => void told.push(text),
            reload: (_, reason) => void told.push(`RELOAD ${reason}`)
          }
        })
        yield* other.actors.ask(credit(1, 1n, "lot-3"))
        yield* TestClock.adjust(2_000)
        yield* until(() => told.includes("lot-3"))
        assert.deepStrictEqual(told, ["lot-1", "lot-2", "lot-3"])
      })
  )
})
