/** `koinon rebuild` at a terminal: what it explains, what it refuses, and that a view that was lost is there again (P9). */
import { assert, describe, it } from "@effect/vitest"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { viewNames } from "../../src/Runtime.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { bootstrapApiKey, freePort, masterSecret, startOn } from "../support/TestServer.ts"

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const people = 30

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-rebuild-"))),
  (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
)

const run = (cwd: string, environment: Readonly<Record<string, string>>, ...words: ReadonlyArray<string>) =>
  Effect.callback<{ readonly isDone: boolean; readonly output: string; readonly fault: string }>((resume) => {
    const env = { PATH: process.env["PATH"], ...environment }
    execFile(process.execPath, [program, "rebuild", ...words], { cwd, env }, (error, output, fault) =>
      resume(Effect.succeed({ isDone: error === null, output, fault }))
    )
  })

const query = (database: TestDatabase.TestDatabase, text: string) =>
  PgConnection.make(database).pipe(
    Effect.flatMap((connection) => connection.query(text)),
    Effect.map(({ rows }) => rows),
    Effect.scoped
  )

describe("koinon rebuild", () => {
  it.live("explains itself and names every view; one that there is not is refused, and so is none", () =>
    Effect.gen(function* () {
      const cwd = yield* folder
      const help = yield* run(cwd, {}, "--help")
      assert.isTrue(help.isDone, help.fault)
      for (const word of [...viewNames, "stop the server"]) assert.include(help.output, word)
      const unknown = yield* run(cwd, {}, "no_such_view")
      assert.isFalse(unknown.isDone)
      assert.include(unknown.output + unknown.fault, "no_such_view")
      assert.isFalse((yield* run(cwd, {})).isDone)
    }).pipe(Effect.scoped)
  )

  it.live("P9: a view whose rows were lost, and the segment store, are read again from the journal", () =>
    Effect.gen(function* () {
      const database = yield* TestDatabase.create
      const secrets = { KOINON_MASTER_SECRET: masterSecret }
      yield* Effect.scoped(
        Effect.gen(function* () {
          const server = yield* startOn(database, secrets)
          for (let nth = 0; nth < people; nth++) yield* Shop.person(server, { last_name: "Seferi" })
          const page = yield* server.request("GET", "/backoffice/v2/contacts?size=1&include_total=true")
          assert.strictEqual(bodyOf(page, 200).content.length, 1)
        })
      )
      const cwd = yield* folder
      const environment = {
        ...secrets,
        DATABASE_URL: Redacted.value(database.url),
        KOINON_DATA_DIR: cwd,
        // Where nobody answers.
        PORT: String(yield* freePort),
        KOINON_BOOTSTRAP_API_KEY: bootstrapApiKey
      }
      const rows = query(database, "SELECT t::text AS row FROM contact_directory t ORDER BY row")
      const live = yield* rows
      assert.lengthOf(live, people)
      yield* query(database, "DELETE FROM contact_directory")
      for (const view of ["contact_directory", "segment_store"]) {
        const { isDone, output, fault } = yield* run(cwd, environment, view)
        assert.isTrue(isDone, fault)
        assert.include(output, `${view} is rebuilt.`)
        assert.include(fault, `${view}: 0 events to go`)
      }
      assert.deepStrictEqual(yield* rows, live)
    }).pipe(Effect.scoped)
  )
})
