/**
 * Koinon as an operator runs it: a process with an embedded PostgreSQL in a data directory of its own, of which every line
 * that it or its database writes is kept. It is stopped with the scope, and at the latest when this process ends.
 */
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const startMaxMs = 120_000
const stopMaxMs = 60_000
const pollMs = 20
const repository = fileURLToPath(new URL("../../", import.meta.url))

const started = async (apiKey: string) => {
  const dataDirectory = await realpath(await mkdtemp(join(tmpdir(), "koinon-served-")))
  const cluster = join(dataDirectory, "postgres")
  const { DATABASE_URL: _outside, KOINON_MASTER_SECRET: _secret, ...surroundings } = process.env
  const child = spawn(process.execPath, ["src/main.ts", "serve"], {
    cwd: repository,
    env: { ...surroundings, PORT: "0", KOINON_DATA_DIR: dataDirectory, KOINON_BOOTSTRAP_API_KEY: apiKey },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const lastResort = (): void => void child.kill("SIGTERM")
  process.once("exit", lastResort)
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text
    })
  }
  let isRead = false
  child.once("close", () => {
    isRead = true
  })
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null
  /** The database's too; its own reports stand beside its tables. */
  const written = (): string => {
    const logs = readdirSync(cluster).filter((name) => name.includes(".log") && statSync(join(cluster, name)).isFile())
    return [output, ...logs.map((name) => readFileSync(join(cluster, name), "utf8"))].join("\n")
  }
  const stop = async (): Promise<void> => {
    process.removeListener("exit", lastResort)
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMaxMs)
    // What it wrote last is read when its streams have ended, which is after it has.
    if (!isRead) {
      child.kill("SIGTERM")
      await once(child, "close")
    }
    clearTimeout(timer)
  }
  const deadline = performance.now() + startMaxMs
  const found = async (form: RegExp): Promise<string> => {
    for (;;) {
      const match = form.exec(output)?.[1]
      if (match !== undefined) return match
      if (hasEnded() || performance.now() > deadline) throw new Error(`Koinon did not start: ${output}`)
      await pause(pollMs)
    }
  }
  const databaseUrl = async () => {
    const server = await Effect.runPromise(PostgresCluster.postmaster(cluster))
    if (server === undefined) throw new Error("its PostgreSQL does not run")
    return PostgresServer.url({ ...server, database: "koinon", user: "koinon", adopted: true })
  }
  return {
    url: await found(/listening on (http:\/\/[\w.:]*\w)\s/),
    storeId: await found(/^\s+Store\s+([0-9a-f-]{36})\s/m),
    dataDirectory,
    databaseUrl,
    /** Cuts its database off, as a crash would. */
    killDatabase: async (): Promise<void> => {
      const server = await Effect.runPromise(PostgresCluster.postmaster(cluster))
      if (server !== undefined) process.kill(server.processId, "SIGKILL")
    },
    written,
    stop,
    dispose: async (): Promise<void> => {
      await stop()
      await rm(dataDirectory, { recursive: true, force: true })
    }
  }
}

export const served = (apiKey: string) =>
  Effect.acquireRelease(
    Effect.promise(() => started(apiKey)),
    ({ dispose }) => Effect.promise(dispose)
  )
