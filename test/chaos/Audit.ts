/**
 * Reads the journal of a running Koinon straight from its database, as its own storage and codec would, and folds what
 * is new since the last time. Also tells whether work is left over.
 */
import type { Event } from "#domain/Event.ts"
import { allShards } from "#runtime/actor/Placement.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { type DataKey, Sealer, layer as sealerLayer } from "#runtime/privacy/Sealer.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Fold } from "./Fold.ts"
import type { Target } from "./Target.ts"

const pageRowsMax = 2_000
const connectionsMax = 2

export interface Backlog {
  /** Messages that are due and not done. */
  readonly due: number
  /** Messages whose turn threw. */
  readonly parked: number
  /** Commands that nothing has settled. */
  readonly open: number
}

const run = async <A>(
  target: Target,
  effect: Effect.Effect<A, unknown, PgClient.PgClient | Journal | Sealer>
): Promise<A> => {
  const database = PgClient.layer({
    url: await target.databaseUrl(),
    maxConnections: connectionsMax,
    applicationName: "koinon chaos"
  })
  const sealer = sealerLayer(Redacted.make(await target.masterSecret()))
  const layers = Layer.mergeAll(JournalPostgres.layer.pipe(Layer.provideMerge(database)), sealer)
  return Effect.runPromise(Effect.scoped(Effect.provide(effect, layers)))
}

/** Folds every event that the fold has not seen, shard by shard in the order of their commits. */
export const advance = (target: Target, fold: Fold): Promise<void> =>
  run(
    target,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const journal = yield* Journal
      const sealer = yield* Sealer
      const codec = new Codec(sealer)
      const wrapped = yield* sql<{ readonly key: string; readonly business: string; readonly wrapped: Uint8Array }>`
        SELECT key, business, wrapped FROM data_key`
      const keys = new Map<string, DataKey>(
        wrapped.map((row) => [row.key, sealer.unwrap(row.business, row.key, row.wrapped)])
      )
      for (const shard of allShards) {
        while (true) {
          const rows = yield* journal.shardEvents([{ shard, offset: fold.offsetOf(shard) }], pageRowsMax)
          for (const row of rows) {
            let event: Event
            try {
              event = codec.readEvent(row, keys.get(row.key))
            } catch (cause) {
              fold.faults.push(`${row.id}/${row.seq} ${row.type} cannot be read: ${String(cause)}`)
              continue
            }
            fold.take(row, event)
          }
          if (rows.length < pageRowsMax) break
        }
      }
    })
  )

export const backlog = (target: Target): Promise<Backlog> =>
  run(
    target,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const journal = yield* Journal
      const { due, parked } = yield* journal.backlog(target.now())
      const [row] = yield* sql<{ readonly open: number }>`
        SELECT count(*)::int AS open FROM command WHERE outcome IS NULL`
      return { due, parked, open: row?.open ?? 0 }
    })
  )
