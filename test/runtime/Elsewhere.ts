/** Definitions as the runner beside the one that has the business knows them: it asks that one, and hears nothing of its commits. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { businessId } from "./SampleCommands.ts"

const deaf = (actors: Actors["Service"]): Actors["Service"] => {
  const shards = new Set(allShards.filter((shard) => shard !== shardOf(businessId)))
  return {
    ...actors,
    holds: (shard) => shards.has(shard),
    hearsOthers: () => true,
    onNotice: () => () => undefined,
    onCommitted: () => () => undefined
  }
}

export const definitionsElsewhere = Layer.fresh(Definitions.layer).pipe(
  Layer.provide(Layer.effect(Actors, Effect.map(Actors, deaf)))
)
