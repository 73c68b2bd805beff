/**
 * One PostgreSQL for a whole test run, with a migrated base database that each test file copies (TestDatabase.ts).
 * `DATABASE_URL` names an outside server; otherwise an embedded one without fsync starts in a temporary folder. It is
 * gone at the end of the run; what a killed run left behind is cleared away by the next.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Exit, Redacted, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import type { TestProject } from "vitest/node"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A database on the server where test databases are made, and the one that they are copies of. */
    readonly testServer: { readonly url: string; readonly base: string }
  }
}

const migrations = new URL("../../migrations/", import.meta.url)
const folderPrefix = "koinon-test-run-"
/** Again, if something was put there meanwhile. */
const removal = { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }

export default async function globalSetup(project: TestProject): Promise<() => Promise<void>> {
  const scope = await Effect.runPromise(Scope.make())
  project.provide("testServer", await Effect.runPromise(Scope.provide(testServer, scope)))
  return () => Effect.runPromise(Scope.close(scope, Exit.void))
}

const testServer = Effect.gen(function* () {
  const given = process.env["DATABASE_URL"]
  const url = given === undefined || given === "" ? yield* embedded : Redacted.make(given)
  const base = `koinon_base_${randomBytes(6).toString("hex")}`
  const statement = (text: string) =>
    PgConnection.make({ url }).pipe(
      Effect.flatMap((connection) => connection.query(text)),
      Effect.scoped
    )
  yield* Effect.acquireRelease(statement(`CREATE DATABASE ${base}`), () =>
    Effect.orDie(statement(`DROP DATABASE IF EXISTS ${base} WITH (FORCE)`))
  )
  yield* PgClient.makeClient({ url, database: base }).pipe(
    Effect.flatMap((sql) => Migrations.run(sql, migrations)),
    Effect.scoped,
    Effect.provide(Reactivity.layer)
  )
  return { url: Redacted.value(url), base }
})

const embedded = Effect.gen(function* () {
  yield* clearAbandoned
  const dataDirectory = yield* Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(path.join(tmpdir(), folderPrefix))),
    // A run that begins at this moment may take it for abandoned: whatever is left is cleared away by the next one.
    (folder) => Effect.ignore(Effect.tryPromise(() => fs.rm(folder, removal)))
  )
  return PostgresServer.url(yield* PostgresServer.start({ dataDirectory, durable: false }))
})

/** A run that is still going holds its folder's lock and is left alone; whoever owns the others is dead. */
const clearAbandoned = Effect.gen(function* () {
  const entries = yield* Effect.promise(() => fs.readdir(tmpdir()))
  for (const entry of entries.filter((name) => name.startsWith(folderPrefix))) {
    const dataDirectory = path.join(tmpdir(), entry)
    const stopped = yield* PostgresServer.start({ dataDirectory, durable: false }).pipe(Effect.scoped, Effect.result)
    if (stopped._tag === "Success") yield* Effect.ignore(Effect.tryPromise(() => fs.rm(dataDirectory, removal)))
  }
})
