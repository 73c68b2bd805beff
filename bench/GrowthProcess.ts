/**
 * The process of (h) that works without a door on one journal of many contacts: it fills the data directory named on the
 * command line, and debits contacts there as (c) does.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Actors from "#runtime/actor/Actors.ts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeContacts } from "./BulkContacts.ts"
import { debitWallets } from "./DurableCommands.ts"
import type { Load } from "./Loop.ts"
import { answerParent, BenchFailed } from "./Peer.ts"
import { makeReopening } from "./Reopening.ts"
import { businessId, database, open, runtime, wake } from "./World.ts"

const commandsSince = "SELECT count(*)::int AS commands FROM command WHERE at >= $1::bigint"

const makeAnswers = Effect.gen(function* () {
  const { server, context } = yield* database(process.argv[2] ?? "")
  const storage = Layer.succeedContext(context)
  const layer = runtime(process.argv[3] ?? "").pipe(Layer.provide(storage))
  const { opened, reopened, close } = yield* makeReopening(layer)
  const run = Effect.runPromiseWith(yield* Effect.context())

  return {
    /** Writes the contacts of numbers from `from` on; seconds that it took. */
    fill: ({ from, contacts }: { readonly from: number; readonly contacts: number }) =>
      run(
        Effect.gen(function* () {
          const built = yield* opened
          const actors = Context.get(built, Actors.Actors)
          if (actors.business(businessId) === undefined) yield* Effect.provide(open, built)
          const business = actors.business(businessId)
          if (business === undefined) return yield* new BenchFailed({ message: "the business was not opened" })
          const startedAt = yield* Clock.currentTimeMillis
          yield* Effect.provide(writeContacts(business, from, contacts), built)
          const endedAt = yield* Clock.currentTimeMillis
          // It has lost its shards to the writing.
          yield* close
          return (endedAt - startedAt) / 1000
        })
      ),
    /** What a database does by itself in a quiet hour, so that it does not do it while it is measured. */
    settle: () =>
      run(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          yield* sql.unsafe("VACUUM (FREEZE, ANALYZE)")
          yield* sql.unsafe("CHECKPOINT")
        }).pipe(Effect.provide(storage))
      ),
    postmasterId: () => Promise.resolve(server.processId),
    /** Debits contacts, each drawn at random from the first so many; all of those are in memory at first, or none. */
    debit: ({ among, cold, ...load }: Load & { readonly among: number; readonly cold: boolean }) =>
      run(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const built = yield* cold ? reopened : opened
          if (!cold) yield* Effect.provide(wake(among), built)
          const from = yield* Clock.currentTimeMillis
          const observation = yield* Effect.promise(() => debitWallets(Context.get(built, Actors.Actors), among, load))
          const [row] = yield* sql.unsafe<{ readonly commands: number }>(commandsSince, [BigInt(from)])
          if ((row?.commands ?? 0) >= observation.answered) return observation
          const message = `${observation.answered} debits were answered, but the journal holds ${row?.commands} commands`
          return yield* new BenchFailed({ message })
        }).pipe(Effect.provide(storage))
      )
  }
})
export type GrowthAnswers = Effect.Success<typeof makeAnswers>

const program = Effect.gen(function* () {
  const answers = yield* makeAnswers
  yield* Effect.callback<void>((resume) => answerParent(answers, () => resume(Effect.void)))
}).pipe(Effect.scoped)

// Imported for its types too; a program only when it was forked.
if (import.meta.main) NodeRuntime.runMain(program)
