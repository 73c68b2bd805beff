/**
 * The stores that keep the journal's contract, each as two connections to one journal with nothing in it.
 * `overEachStore` runs a suite over all of them, so that no store has a contract of its own.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { layer, type Vitest } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Journal } from "#runtime/journal/Journal.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

export interface Connections {
  readonly first: Journal["Service"]
  readonly second: Journal["Service"]
}

export class Stores extends Context.Service<Stores, { readonly empty: Effect.Effect<Connections> }>()(
  "koinon/test/Stores"
) {}

const memory = Layer.succeed(Stores, {
  empty: Effect.sync(() => {
    const store = JournalMemory.emptyStore()
    return { first: JournalMemory.make(store), second: JournalMemory.make(store) }
  })
})

const tables = "shard_epoch, batch, command, event, inbox, claim, snapshot, data_key"

/** A pool of its own for each: what one waits for, the other can bring about. */
export const connectPostgres = Effect.fnUntraced(function* (database: TestDatabase.TestDatabase) {
  const layer = Layer.fresh(JournalPostgres.layer.pipe(Layer.provideMerge(PgClient.layer(database))))
  const context = yield* Effect.orDie(Layer.build(layer))
  return { journal: Context.get(context, Journal), sql: Context.get(context, PgClient.PgClient) }
})

const postgres = Layer.effect(
  Stores,
  Effect.gen(function* () {
    const database = yield* TestDatabase.create
    const first = yield* connectPostgres(database)
    const second = yield* connectPostgres(database)
    const connections = { first: first.journal, second: second.journal }
    return Stores.of({ empty: Effect.as(Effect.orDie(first.sql.unsafe(`TRUNCATE ${tables}`)), connections) })
  })
)

export const overEachStore = (name: string, suite: (it: Vitest.MethodsNonLive<Stores>) => void): void => {
  layer(memory, { excludeTestServices: true })(`${name}, in memory`, suite)
  layer(postgres, { excludeTestServices: true })(`${name}, in PostgreSQL`, suite)
}

export const emptyStore = Effect.flatMap(Stores, (stores) => stores.empty)
