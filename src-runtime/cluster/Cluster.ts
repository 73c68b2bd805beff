/**
 * Several runners on one journal. Effect Cluster decides where a shard lives (locks in the database, dead runners found by
 * their heartbeat) and carries questions between runners; the actors, their fence and their inbox are ours and move with
 * the shards. Nothing of what is asked is stored by the cluster.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import type { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { Sharding } from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Actors from "../actor/Actors.ts"
import { shardCount } from "../actor/Placement.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import type { Sealer } from "../privacy/Sealer.ts"
import * as Gateway from "./Gateway.ts"
import * as Here from "./Here.ts"
import * as Routing from "./Routing.ts"
import * as Tenure from "./Tenure.ts"

/** Where other runners reach this one. */
export interface Settings {
  readonly host: string
  readonly port: number
}

type Config = Partial<ShardingConfig.ShardingConfig["Service"]>

/** How runners find and reach each other, over the locks that it is given; the platform's part. */
export type Transport<E> = (config: Config) => Layer.Layer<Sharding, E, RunnerStorage | MessageStorage.MessageStorage>

/** A lock that was not refreshed for so long is given to another runner: how soon a dead one is replaced. */
const lockExpirationMs = 6_000
const lockRefreshMs = 2_000
/** Without a word of the locks for so long, this runner stops serving: before anybody else may begin. */
const silenceMaxMs = 5_000
/** How often a runner looks who else is there. */
const assignmentsMs = 1_000
const healthCheckMs = 2_000
/** The entry of a shard costs little to keep. */
const entryIdleMs = 60 * 60_000
/** Questions under way get this long to end when their shard leaves. */
const handOverMs = 1_000

const configOf = ({ host, port }: Settings): Config => ({
  runnerAddress: Option.some(RunnerAddress.make(host, port)),
  shardsPerGroup: shardCount,
  shardLockExpiration: lockExpirationMs,
  shardLockRefreshInterval: lockRefreshMs,
  refreshAssignmentsInterval: assignmentsMs,
  runnerHealthCheckInterval: healthCheckMs,
  entityTerminationTimeout: handOverMs,
  entityMaxIdleTime: entryIdleMs,
  simulateRemoteSerialization: false
})

/** One actors service over all runners. */
export const layer = <E>(
  settings: Settings,
  transport: Transport<E>
): Layer.Layer<Actors.Actors, JournalUnavailable | SqlError | E, Journal | Sealer | SqlClient> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { actors, placed } = yield* Actors.make([])
      yield* Effect.forkScoped(placed.hearOthers)
      const config = configOf(settings)
      const sharding = transport(config).pipe(
        Layer.provide(Layer.provide(Tenure.layer(actors, placed, silenceMaxMs), ShardingConfig.layer(config))),
        Layer.provide(MessageStorage.layerNoop)
      )
      const here = yield* Here.make(actors, placed)
      const gateway = Layer.provideMerge(Gateway.layer(here), Gateway.layerClient).pipe(Layer.provide(sharding))
      return Layer.effect(Actors.Actors, Routing.make(actors, placed, here)).pipe(Layer.provide(gateway))
    })
  )
