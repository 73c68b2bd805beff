/**
 * (s) What Effect Cluster offers for the same job: an entity for each wallet, whose debit is a persisted RPC within a
 * transaction (`ClusterSchema.Persisted`, `ClusterSchema.WithTransaction`), and in it the function of (b). A process of
 * its own on the database of (b) and (c). Whatever speeds it up is chosen, also where it promises less: no fence between
 * runners (`runnerStorage: "memory"`), no coding of what stays in the process, no tracing, no passivation.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Cause from "effect/Cause"
import * as ClusterSchema from "effect/cluster/ClusterSchema"
import * as Entity from "effect/cluster/Entity"
import * as SingleRunner from "effect/cluster/SingleRunner"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { drive, type Load, type Observation, type Send } from "./Loop.ts"
import { answerParent } from "./Peer.ts"
import { debitStatement, type Spread, takenStatement } from "./RowLocks.ts"
import { wallets } from "./World.ts"

/**
 * Each handler holds a connection for as long as its transaction lasts. More processors than it has here would be needed
 * to keep more of them busy, and the server's hundred have to do for the pool of (b) as well.
 */
const connections = 20
/** Commands under way at once; the best of them is used. */
const inFlightSizes = [32, 64, 256]

const Debit = Rpc.make("Debit", {
  payload: { entryId: Schema.String },
  success: Schema.String,
  primaryKey: ({ entryId }) => entryId
})
  .annotate(ClusterSchema.Persisted, true)
  .annotate(ClusterSchema.WithTransaction, true)
const Wallet = Entity.make("Wallet", [Debit])

const handlers = Wallet.toLayer(
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const { entityId } = yield* Entity.CurrentAddress
    const wallet = Number(entityId)
    return Wallet.of({
      Debit: ({ payload }) =>
        sql.unsafe(debitStatement, [wallet, payload.entryId, 1n]).pipe(Effect.as(payload.entryId), Effect.orDie)
    })
  }),
  { maxIdleTime: "1 day" }
)

const runtime = (url: string) => {
  const sql = PgClient.layer({
    url: Redacted.make(url),
    maxConnections: connections,
    applicationName: "koinon bench, stock entities"
  })
  const cluster = SingleRunner.layer({
    runnerStorage: "memory",
    shardingConfig: { simulateRemoteSerialization: false, maxResidentEntities: "unbounded" }
  })
  return handlers.pipe(Layer.provideMerge(cluster), Layer.provideMerge(sql), Layer.provide(NodeCrypto.layerDigest))
}

const makeAnswers = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const walletOf = yield* Wallet.client
  const context = yield* Effect.context()
  const runCallback = Effect.runCallbackWith(context)
  const run = Effect.runPromiseWith(context)
  const taken = Effect.map(sql.unsafe<{ readonly taken: string }>(takenStatement), ([row]) => Number(row?.taken))

  const debit = (spread: Spread, inFlight: number, load: Load): Promise<Observation> => {
    const send: Send = (_slot, done) => {
      const wallet = spread === "hot" ? 0 : Math.floor(Math.random() * wallets)
      runCallback(walletOf(String(wallet)).Debit({ entryId: randomUUID() }), {
        onExit: (exit) => done(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : undefined)
      })
    }
    return drive(inFlight, load, send)
  }

  return {
    /** The number of commands under way that is faster here. */
    inFlightFor: async ({ spread, durationMs }: Load & { readonly spread: Spread }) => {
      const found: Array<{ readonly inFlight: number; readonly ratePerSecond: number }> = []
      for (const inFlight of inFlightSizes) {
        await debit(spread, inFlight, { durationMs })
        found.push({ inFlight, ...(await debit(spread, inFlight, { durationMs })) })
      }
      return found.toSorted((left, right) => right.ratePerSecond - left.ratePerSecond)[0]?.inFlight ?? 0
    },
    debitEntities: async ({
      spread,
      inFlight,
      ...load
    }: Load & { readonly spread: Spread; readonly inFlight: number }) => {
      const before = await run(taken)
      const observation = await debit(spread, inFlight, load)
      const moved = (await run(taken)) - before
      if (moved === observation.answered) return observation
      throw new Error(`entities: ${observation.answered} debits were answered, the money moved ${moved} times`)
    }
  }
})
export type StockAnswers = Effect.Success<typeof makeAnswers>

const program = Effect.gen(function* () {
  const context = yield* Layer.build(runtime(process.argv[2] ?? ""))
  const answers = yield* Effect.provide(makeAnswers, context)
  yield* Effect.callback<void>((resume) => answerParent(answers, () => resume(Effect.void)))
}).pipe(Effect.scoped, Effect.withTracerEnabled(false))

// Imported for its types too; a program only when it was forked.
if (import.meta.main) NodeRuntime.runMain(program)
