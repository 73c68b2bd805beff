/**
 * How long this runner holds a shard: the cluster's locks say who should, and with each lock the shard's epoch is taken, so
 * that whoever had it can no longer write. A lock is given up after the actors are at rest. Locks alone would not do: one
 * that expired while its owner slept is no fence, the epoch is.
 *
 * The two never part for long: a lock whose epoch was lost is not kept, so that the cluster places the shard anew, and who
 * has not heard from the locks for nearly as long as they last stops serving what others may hold by now.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { PersistenceError } from "effect/cluster/ClusterError"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import type * as ShardId from "effect/cluster/ShardId"
import type { ShardingConfig } from "effect/cluster/ShardingConfig"
import * as SqlRunnerStorage from "effect/cluster/SqlRunnerStorage"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Actors, Placed } from "../actor/Actors.ts"
import { allShards } from "../actor/Placement.ts"

/** How often it is looked how old the last word of the locks is. */
const lookIntervalMs = 250

/** The cluster counts its shards from 1. */
const numberOf = ({ id }: ShardId.ShardId): number => id - 1

const make = Effect.fnUntraced(function* (actors: Actors["Service"], placed: Placed, silenceMaxMs: number) {
  const locks = yield* RunnerStorage.RunnerStorage
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  let heardAt = now()

  const held = (): ReadonlySet<number> => new Set(allShards.filter(actors.holds))
  /** Also once after a sleep, before whoever asks is answered for long. */
  const watch = Effect.suspend(() => {
    const shards = held()
    if (shards.size === 0 || now() - heardAt <= silenceMaxMs) return Effect.void
    return Effect.andThen(
      Effect.logWarning(
        `the locks were not heard of for ${now() - heardAt} ms: ${shards.size} shards are not served here`
      ),
      Effect.forkScoped(placed.release(shards), { startImmediately: true })
    )
  })
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(watch, Effect.sleep(lookIntervalMs))))

  return RunnerStorage.RunnerStorage.of({
    ...locks,
    acquire: (address, shards) =>
      Effect.flatMap(locks.acquire(address, shards), (acquired) => {
        heardAt = now()
        const numbers = acquired.map(numberOf)
        return placed.take(numbers).pipe(
          Effect.mapError((cause) => new PersistenceError({ cause })),
          // The library gives up on what takes too long: a lock that nobody knows of would be kept for ever.
          Effect.onExit((exit) =>
            Exit.isSuccess(exit)
              ? Effect.void
              : Effect.ignore(
                  Effect.andThen(
                    placed.release(new Set(numbers)),
                    Effect.forEach(acquired, (shard) => locks.release(address, shard), { discard: true })
                  )
                )
          ),
          Effect.as(acquired)
        )
      }),
    refresh: (address, shards) =>
      Effect.map(locks.refresh(address, shards), (kept) => {
        heardAt = now()
        return kept.filter((shard) => actors.holds(numberOf(shard)))
      }),
    release: (address, shard) =>
      Effect.andThen(placed.release(new Set([numberOf(shard)])), locks.release(address, shard)),
    releaseAll: (address) => Effect.andThen(placed.release(new Set(allShards)), locks.releaseAll(address))
  })
})

/** `silenceMaxMs` is less than the locks last without being refreshed. */
export const layer = (
  actors: Actors["Service"],
  placed: Placed,
  silenceMaxMs: number
): Layer.Layer<RunnerStorage.RunnerStorage, SqlError, SqlClient | ShardingConfig> =>
  Layer.effect(RunnerStorage.RunnerStorage, make(actors, placed, silenceMaxMs)).pipe(
    Layer.provide(SqlRunnerStorage.layer)
  )
