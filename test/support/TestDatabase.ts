/**
 * A migrated database that nobody else sees, made in a moment as a copy of the run's base database and dropped when
 * its scope closes. `layer` is for tests that talk SQL, `create` for tests that start processes of their own.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Layer, Redacted } from "effect"
import { randomBytes } from "node:crypto"
import { inject } from "vitest"

/** Options for PgClient. The text of `url` is also what a child process takes as its DATABASE_URL. */
export interface TestDatabase {
  readonly url: Redacted.Redacted
}

/** Where a connection to a database is still about to end, the server waits five seconds before it refuses to copy or drop it. */
const triesAgain = 10

const createFrom = Effect.fnUntraced(function* (template: string) {
  const { url } = inject("testServer")
  const name = `koinon_test_${randomBytes(8).toString("hex")}`
  const statement = (text: string) =>
    PgConnection.make({ url: Redacted.make(url) }).pipe(
      Effect.flatMap((connection) => connection.query(text)),
      Effect.scoped,
      Effect.retry({ times: triesAgain }),
      Effect.orDie
    )
  yield* Effect.acquireRelease(statement(`CREATE DATABASE ${name} TEMPLATE ${template}`), () =>
    statement(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  )
  const own = new URL(url)
  own.pathname = `/${name}`
  return { url: Redacted.make(own.href) } satisfies TestDatabase
})

export const create = Effect.suspend(() => createFrom(inject("testServer").base))

/** Without any table, for what is about the migrations themselves. */
export const createEmpty = createFrom("template0")

export const layer = Layer.unwrap(Effect.map(create, (database) => PgClient.layer(database))).pipe(Layer.orDie)
