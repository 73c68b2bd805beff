/**
 * A server under test with a database that the bench can look into: what its journal says about how commands were
 * committed. The server of (d), (e) and (h) has the embedded one in its own data directory, filled before.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { join } from "node:path"
import * as KoinonProcess from "./KoinonProcess.ts"
import { BenchFailed } from "./Peer.ts"
import type { Batches } from "./Results.ts"
import { settingsQuery } from "./World.ts"

export interface JournalView {
  /** Settings of the database. */
  readonly settings: Readonly<Record<string, string>>
  /** How the commands judged from `from` (epoch milliseconds) on were committed. */
  readonly batchesSince: (from: number) => Effect.Effect<Batches, BenchFailed>
}

export interface KoinonServer extends KoinonProcess.KoinonProcess, JournalView {
  readonly apiKey: string
  readonly postmasterId: number
}

const failed = (what: string) => (cause: unknown) =>
  new BenchFailed({ message: `${what}: ${cause instanceof Error ? cause.message : String(cause)}` })

/** Rows of one commit carry the same transaction id, so the journal itself tells the size of each batch. */
const commitSizes = `
  SELECT units::int AS units, count(*)::int AS commits
  FROM (SELECT count(*) AS units FROM command WHERE at >= $1::bigint GROUP BY xmin::text) AS batches
  GROUP BY units`

export const journalAt = Effect.fnUntraced(function* (url: Redacted.Redacted) {
  const connection = yield* Effect.mapError(
    PgConnection.make({ url, applicationName: "koinon bench" }),
    failed("its PostgreSQL cannot be reached")
  )
  const { rows } = yield* Effect.mapError(connection.query(settingsQuery), failed("its settings cannot be read"))
  return {
    settings: rows[0] as Readonly<Record<string, string>>,
    batchesSince: (from) =>
      Effect.map(
        Effect.mapError(connection.query(commitSizes, [String(from)]), failed("its journal cannot be read")),
        ({ rows }) => {
          const commits: Array<number> = []
          let commands = 0
          for (const row of rows as ReadonlyArray<{ readonly units: number; readonly commits: number }>) {
            const power = Math.floor(Math.log2(row.units))
            commits[power] = (commits[power] ?? 0) + row.commits
            commands += row.units * row.commits
          }
          return { commits: Array.from(commits, (count) => count ?? 0), commands }
        }
      )
  } satisfies JournalView
})

export const start = Effect.fn("KoinonServer.start")(function* (launch: KoinonProcess.Launch) {
  const started = yield* KoinonProcess.start(launch)
  const postmaster = yield* PostgresCluster.postmaster(join(launch.dataDirectory, "postgres"))
  if (postmaster === undefined) return yield* new BenchFailed({ message: "koinon serve runs no PostgreSQL" })
  const journal = yield* journalAt(
    PostgresServer.url({
      socketDirectory: postmaster.socketDirectory,
      port: postmaster.port,
      database: "koinon",
      user: PostgresCluster.userName,
      adopted: true,
      processId: postmaster.processId
    })
  )
  return {
    ...started,
    ...journal,
    apiKey: launch.apiKey,
    postmasterId: postmaster.processId
  } satisfies KoinonServer
})
