/**
 * The process in which everything is measured that needs no HTTP: (b) row locks, (c) durable commands, (f) cold
 * activation and (g) memory, all on one embedded PostgreSQL in the data directory named on the command line. The same
 * Koinon that serves, without its doors.
 */
import "effect/schema/SchemaJITCompiler/enable"
import * as Actors from "#runtime/actor/Actors.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readCold } from "./ColdActivation.ts"
import { debitWallets, hotContact } from "./DurableCommands.ts"
import type { Load } from "./Loop.ts"
import { answerParent, BenchFailed } from "./Peer.ts"
import { makeReopening } from "./Reopening.ts"
import { bytesEach } from "./ResidentMemory.ts"
import * as RowLocks from "./RowLocks.ts"
import {
  businessId,
  contactId,
  database,
  open,
  registerAndFund,
  runtime,
  settingsQuery,
  wake,
  wallets
} from "./World.ts"

type Asked = Load & { readonly spread: RowLocks.Spread }

const masterSecret = "a master secret that seals nothing of value"
/** Contacts that (f) and (g) read, after the wallets of (c). */
const residentsFrom = wallets

const makeAnswers = Effect.gen(function* () {
  const { server, context } = yield* database(process.argv[2] ?? "")
  const storage = Layer.succeedContext(context)
  const rowLocks = yield* Effect.provide(RowLocks.make(server), storage)

  const layer = runtime(masterSecret).pipe(Layer.provide(storage))
  const { opened, reopened } = yield* makeReopening(layer)

  const checked = Effect.fnUntraced(function* (what: string, moved: number, answered: number) {
    if (moved === answered) return
    return yield* new BenchFailed({
      message: `${what}: ${answered} debits were answered, the money moved ${moved} times`
    })
  })
  const hotBalance = Effect.gen(function* () {
    const actors = Context.get(yield* opened, Actors.Actors)
    const { state } = yield* actors.read(businessId, contactId(hotContact), "contact")
    return state.lots.reduce((total, lot) => total + lot.remaining, 0n)
  })

  const run = Effect.runPromiseWith(yield* Effect.context())
  return {
    /** Registers the contacts, those that are only read later too. */
    seed: ({ residents }: { readonly residents: number }) =>
      run(
        Effect.flatMap(opened, (built) =>
          Effect.provide(Effect.andThen(open, registerAndFund(0, wallets + residents)), built)
        )
      ),
    postgres: () =>
      run(
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const [settings] = yield* sql.unsafe<Record<string, string>>(settingsQuery)
          return {
            processId: server.processId,
            url: Redacted.value(PostgresServer.url(server)),
            settings: settings ?? {}
          }
        }).pipe(Effect.provide(storage))
      ),
    connectionsFor: ({ spread, durationMs }: Asked) => run(rowLocks.connectionsFor(spread, durationMs)),
    debitRows: ({ spread, connections, ...load }: Asked & { readonly connections: number }) =>
      run(
        Effect.gen(function* () {
          const before = yield* rowLocks.taken
          const observation = yield* rowLocks.debit(spread, connections, load)
          yield* checked("rows", (yield* rowLocks.taken) - before, observation.answered)
          return observation
        })
      ),
    debitWallets: ({ spread, ...load }: Asked) =>
      run(
        Effect.gen(function* () {
          const actors = Context.get(yield* opened, Actors.Actors)
          const before = spread === "hot" ? yield* hotBalance : 0n
          const { units, batchSizes } = actors.statistics().committer
          const commitsBefore = batchSizes.slice()
          const observation = yield* Effect.promise(() => debitWallets(actors, spread === "hot" ? 1 : wallets, load))
          const after = actors.statistics().committer
          if (spread === "hot") yield* checked("wallet", Number(before - (yield* hotBalance)), observation.answered)
          const commits = Array.from(after.batchSizes, (count, power) => (count ?? 0) - (commitsBefore[power] ?? 0))
          return { ...observation, batches: { commands: after.units - units, commits } }
        })
      ),
    activate: ({ contacts }: { readonly contacts: number }) =>
      run(
        Effect.gen(function* () {
          const found = yield* Effect.provide(readCold(contacts, residentsFrom), yield* reopened)
          yield* Effect.provide(wake(wallets), yield* reopened)
          return found
        })
      ),
    reside: ({ contacts }: { readonly contacts: number }) =>
      run(
        Effect.gen(function* () {
          const found = yield* Effect.provide(bytesEach(residentsFrom, contacts), yield* reopened)
          yield* Effect.provide(wake(wallets), yield* reopened)
          return found
        })
      )
  }
})
export type DirectAnswers = Effect.Success<typeof makeAnswers>

const program = Effect.gen(function* () {
  const answers = yield* makeAnswers
  yield* Effect.callback<void>((resume) => answerParent(answers, () => resume(Effect.void)))
}).pipe(Effect.scoped)

// Imported for its types too; a program only when it was forked.
if (import.meta.main) NodeRuntime.runMain(program)
