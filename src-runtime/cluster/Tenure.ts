/**
 * How long this runner holds a shard: the cluster's locks say who should, and with each lock the shard's epoch is taken, so
 * that whoever had it can no longer write. A lock is given up after the actors are at rest. Locks alone would not do: one
 * that expired while its owner slept is no fence, the epoch is.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type * as ShardId from "effect/cluster/ShardId"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Placed } from "../actor/Actors.ts"
import { allShards } from "../actor/Placement.ts"

/** The cluster counts its shards from 1. */
const numberOf = ({ id }: ShardId.ShardId): number => id - 1

export const layer = (placed: Placed): Layer.Layer<RunnerStorage.RunnerStorage, SqlError, SqlClient | ShardingConfig> =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, (locks) =>
      RunnerStorage.RunnerStorage.of({
        ...locks,
        acquire: (address, shards) =>
          Effect.flatMap(locks.acquire(address, shards), (acquired) =>
            placed.take(acquired.map(numberOf)).pipe(
              Effect.as(acquired),
              Effect.catch((cause) =>
                Effect.andThen(
                  Effect.forEach(acquired, (shard) => locks.release(address, shard), { discard: true }),
                  Effect.fail(new PersistenceError({ cause }))
                )
              )
            )
          ),
        release: (address, shard) =>
          Effect.andThen(placed.release(new Set([numberOf(shard)])), locks.release(address, shard)),
        releaseAll: (address) => Effect.andThen(placed.release(new Set(allShards)), locks.releaseAll(address))
      })
    )
  ).pipe(Layer.provide(SqlRunnerStorage.layer))
