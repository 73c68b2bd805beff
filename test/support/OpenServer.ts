/** A server of which a test knows everything: its secrets, and a connection to its database. */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TestDatabase from "./TestDatabase.ts"
import { start } from "./TestServer.ts"

export type Row = Readonly<Record<string, unknown>>

export const open = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>> = {}) {
  const { url } = yield* TestDatabase.create
  const dataDirectory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-test-open-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const server = yield* start({
    DATABASE_URL: Redacted.value(url),
    KOINON_DATA_DIR: dataDirectory,
    ...environment
  })
  const connection = yield* Effect.orDie(PgConnection.make({ url }))
  const secrets = JSON.parse(yield* Effect.promise(() => readFile(join(dataDirectory, "secrets.json"), "utf8")))
  const query = (text: string) =>
    Effect.map(Effect.orDie(connection.query(text)), ({ rows }) => rows as unknown as ReadonlyArray<Row>)
  return { server, dataDirectory, publishableKey: secrets.publishableKey as string, query }
})
