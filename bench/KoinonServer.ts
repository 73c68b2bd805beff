/**
 * The server under test as a user would start it: `koinon serve` in a process of its own, with its own data directory and
 * embedded database, filled before. Also what its journal says about how commands were committed.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { BenchFailed, hasExited, outputOf, stop } from "./Peer.ts"
import type { Batches } from "./Results.ts"
import { seed, settingsQuery } from "./World.ts"

export interface KoinonServer {
  readonly port: number
  readonly apiKey: string
  readonly processId: number
  readonly postmasterId: number
  /** Settings of its database. */
  readonly settings: Readonly<Record<string, string>>
  /** How the commands judged from `from` (epoch milliseconds) on were committed. */
  readonly batchesSince: (from: number) => Effect.Effect<Batches, BenchFailed>
}

const repository = fileURLToPath(new URL("../", import.meta.url))
const startTimeoutMs = 60_000
const pollMs = 25

const failed = (what: string) => (cause: unknown) =>
  new BenchFailed({ message: `${what}: ${cause instanceof Error ? cause.message : String(cause)}` })

/** Rows of one commit carry the same transaction id, so the journal itself tells the size of each batch. */
const commitSizes = `
  SELECT units::int AS units, count(*)::int AS commits
  FROM (SELECT count(*) AS units FROM command WHERE at >= $1::bigint GROUP BY xmin::text) AS batches
  GROUP BY units`

const connectTo = (postmaster: PostgresCluster.Postmaster) =>
  PgConnection.make({
    url: PostgresServer.url({
      socketDirectory: postmaster.socketDirectory,
      port: postmaster.port,
      database: "koinon",
      user: PostgresCluster.userName,
      adopted: true,
      processId: postmaster.processId
    }),
    applicationName: "koinon bench"
  })

export const start = Effect.fn("KoinonServer.start")(function* (
  dataDirectory: string,
  nodeFlags: ReadonlyArray<string>
) {
  const masterSecret = `ms_${randomBytes(32).toString("base64url")}`
  const apiKey = `sk_${randomBytes(32).toString("base64url")}`
  yield* seed(dataDirectory, masterSecret)

  const { DATABASE_URL: _outside, ...surroundings } = process.env
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [...nodeFlags, "src/main.ts", "serve"], {
        cwd: repository,
        env: {
          ...surroundings,
          PORT: "0",
          KOINON_DATA_DIR: dataDirectory,
          KOINON_MASTER_SECRET: masterSecret,
          KOINON_BOOTSTRAP_API_KEY: apiKey
        },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    stop
  )
  const output = outputOf(child)
  child.on("error", (cause) => {
    output.text += cause.message
  })
  const listening = Effect.gen(function* () {
    for (;;) {
      if (hasExited(child)) return yield* new BenchFailed({ message: `koinon serve ended\n${output.text}` })
      const port = /listening on http:\/\/[\w.]+:(\d+)\s/.exec(output.text)?.[1]
      if (port !== undefined) return Number(port)
      yield* Effect.sleep(pollMs)
    }
  })
  const port = yield* Effect.timeoutOrElse(listening, {
    duration: startTimeoutMs,
    orElse: () => Effect.fail(new BenchFailed({ message: `koinon serve named no address\n${output.text}` }))
  })
  const postmaster = yield* PostgresCluster.postmaster(join(dataDirectory, "postgres"))
  if (postmaster === undefined) return yield* new BenchFailed({ message: "koinon serve runs no PostgreSQL" })
  const connection = yield* Effect.mapError(connectTo(postmaster), failed("its PostgreSQL cannot be reached"))
  const { rows } = yield* Effect.mapError(connection.query(settingsQuery), failed("its settings cannot be read"))

  return {
    port,
    apiKey,
    processId: child.pid ?? 0,
    postmasterId: postmaster.processId,
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
  } satisfies KoinonServer
})
