/** AUT-6: what was defined on another runner counts from its commit on, also before the other has told of it. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Actors from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { open, writeSide } from "./ReadSide.ts"
import { businessId } from "./SampleCommands.ts"

/** The runner beside the one that has the business: it asks that one, and hears nothing of its commits. */
const beside = Effect.fnUntraced(function* (actors: Actors.Actors["Service"]) {
  const shards = new Set(allShards.filter((shard) => shard !== shardOf(businessId)))
  const deaf: Actors.Actors["Service"] = {
    ...actors,
    holds: (shard) => shards.has(shard),
    hearsOthers: () => true,
    onNotice: () => () => undefined,
    onCommitted: () => () => undefined
  }
  const built = yield* Layer.build(
    Layer.fresh(Definitions.layer).pipe(Layer.provide(Layer.succeed(Actors.Actors, deaf)))
  )
  return Context.get(built, Definitions.Definitions)
})

const save = Effect.fnUntraced(function* (name: string) {
  const actors = yield* Actors.Actors
  const id = nameUuid("endpoint of a test", name)
  const body = { url: "https://hooks.example/x", events: "*" as const, secretId: id }
  yield* actors.ask({ business: businessId, key: businessId, command: { _tag: "SaveEndpoint", id, name, body } })
  return id
})

layer(writeSide, { excludeTestServices: true })("definitions", (it) => {
  it.effect("of a business that another runner has are in force as soon as they are committed", () =>
    Effect.gen(function* () {
      yield* open
      const definitions = yield* beside(yield* Actors.Actors)
      const inForce = Effect.map(definitions.inForce([businessId], "endpoints"), (all) =>
        Object.keys(all.get(businessId) ?? {})
      )
      assert.deepStrictEqual(yield* inForce, [])
      const first = yield* save("first")
      // Nobody has told it: what is remembered is old, and what is in force is not.
      assert.deepStrictEqual(Object.keys(yield* definitions.of(businessId, "endpoints")), [])
      assert.deepStrictEqual(yield* inForce, [first])
      const second = yield* save("second")
      assert.sameMembers([...(yield* inForce)], [first, second])
    }).pipe(Effect.scoped)
  )
})
