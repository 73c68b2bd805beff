/**
 * The migrations runner on real databases, with folders of files made up here. What the project's own files do is
 * tested by those who wrote them.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Reactivity } from "effect/reactivity"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { describe } from "vitest"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const folder = (files: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const directory = await fs.mkdtemp(path.join(tmpdir(), "koinon-migrations-"))
      for (const [name, text] of Object.entries(files)) await fs.writeFile(path.join(directory, name), text)
      return pathToFileURL(directory)
    }),
    (directory) => Effect.promise(() => fs.rm(directory, { recursive: true, force: true }))
  )

const emptyDatabase = Effect.flatMap(TestDatabase.createEmpty, PgClient.make).pipe(Effect.provide(Reactivity.layer))

const accounts = `-- Who owes what.
CREATE TABLE account (id integer PRIMARY KEY, balance bigint NOT NULL);
INSERT INTO account VALUES (1, 10), (2, 20);
`
// Quotes, semicolons and dollars that a naive splitting at semicolons would trip over.
const total = `CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS $body$
BEGIN
  RETURN (SELECT sum(balance) FROM account); -- it's; all
END $body$;
COMMENT ON FUNCTION total IS 'το σύνολο; $run$ $1';
`

describe("running migrations", () => {
  it.effect("applies each file once, in order, and returns what it applied", () =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      const first = yield* folder({ "0001_accounts.sql": accounts })
      assert.deepStrictEqual(yield* Migrations.run(sql, first), [{ id: 1, name: "accounts" }])
      const second = yield* folder({ "0001_accounts.sql": accounts, "0002_total.sql": total })
      assert.deepStrictEqual(yield* Migrations.run(sql, second), [{ id: 2, name: "total" }])
      assert.deepStrictEqual(yield* Migrations.run(sql, second), [])
      assert.deepStrictEqual(yield* sql`SELECT total()::int AS total`, [{ total: 30 }])
      assert.deepStrictEqual(yield* sql`SELECT id, name FROM migration WHERE applied_at <= now() ORDER BY id`, [
        { id: 1, name: "accounts" },
        { id: 2, name: "total" }
      ])
    })
  )

  it.effect("lists in a dry run what it would apply, and touches nothing", () =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      const files = yield* folder({ "0001_accounts.sql": accounts, "0002_total.sql": total })
      const listed = yield* Migrations.run(sql, files, { dryRun: true })
      assert.deepStrictEqual(listed, [
        { id: 1, name: "accounts" },
        { id: 2, name: "total" }
      ])
      assert.deepStrictEqual(yield* sql`SELECT FROM pg_tables WHERE schemaname = 'public'`, [])
    })
  )

  it.effect("applies each file once when many runners start together", () =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      const files = yield* folder({ "0001_accounts.sql": accounts, "0002_total.sql": total })
      const runners = Array.from({ length: 6 }, () => Migrations.run(sql, files))
      const applied = (yield* Effect.all(runners, { concurrency: "unbounded" })).flat()
      assert.lengthOf(applied, 2)
      assert.deepStrictEqual(new Set(applied.map(({ id }) => id)), new Set([1, 2]))
    })
  )

  it.effect("keeps nothing of a file that fails, names its line, and keeps the files before it", () =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      const broken = "CREATE TABLE half (id integer);\nINSERT INTO half\nVALUES (1) RETURNIN id;\n"
      const files = yield* folder({ "0001_accounts.sql": accounts, "0002_half.sql": broken })
      const failed = yield* Effect.flip(Migrations.run(sql, files))
      assert.strictEqual(failed._tag, "MigrationFailed")
      assert.match(failed.message, /^0002_half\.sql, line 3: syntax error .*Nothing of this file was applied\.$/)
      assert.deepStrictEqual(yield* sql`SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`, [
        { tablename: "account" },
        { tablename: "migration" }
      ])
    })
  )

  it.effect("does not let a file end its own transaction", () =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      const files = yield* folder({ "0001_torn.sql": "CREATE TABLE torn (id integer); COMMIT; SELECT 1/0;" })
      const failed = yield* Effect.flip(Migrations.run(sql, files))
      assert.include(failed.message, "0001_torn.sql")
      assert.deepStrictEqual(yield* sql`SELECT FROM pg_tables WHERE tablename = 'torn'`, [])
    })
  )
})

describe("migrations are refused", () => {
  const afterFirst = (files: Record<string, string>) =>
    Effect.gen(function* () {
      const sql = yield* emptyDatabase
      yield* Migrations.run(sql, yield* folder({ "0001_accounts.sql": accounts, "0003_total.sql": total }))
      const refused = yield* Effect.flip(Migrations.run(sql, yield* folder(files)))
      assert.strictEqual(refused._tag, "MigrationRefused")
      return refused.message
    })

  it.effect("when an applied file was changed, but not when only its line ends were", () =>
    Effect.gen(function* () {
      const message = yield* afterFirst({ "0001_accounts.sql": `${accounts}--`, "0003_total.sql": total })
      assert.strictEqual(
        message,
        "0001_accounts.sql was changed after it was applied: restore it, and put the change into a new migration."
      )
      const sql = yield* emptyDatabase
      yield* Migrations.run(sql, yield* folder({ "0001_accounts.sql": accounts }))
      const windows = yield* folder({ "0001_accounts.sql": accounts.replaceAll("\n", "\r\n") })
      assert.deepStrictEqual(yield* Migrations.run(sql, windows), [])
    })
  )

  it.effect("when the database is newer than the code", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* afterFirst({ "0001_accounts.sql": accounts }),
        "The database is at migration 3 (total), which this code does not know; it ends at 1: run the newer Koinon."
      )
    })
  )

  it.effect("when an applied file is gone", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* afterFirst({ "0003_total.sql": total }),
        "Migration 1 (accounts) is applied but its file is gone: restore it."
      )
    })
  )

  it.effect("when a file is numbered below one that is already applied", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* afterFirst({ "0001_accounts.sql": accounts, "0002_late.sql": "SELECT 1", "0003_total.sql": total }),
        "0002_late.sql is numbered below migration 3, which is already applied: give it the next free number."
      )
    })
  )

  it.effect("when two files have one number, or a name has none", () =>
    Effect.gen(function* () {
      const twice = { "0001_accounts.sql": accounts, "0003_other.sql": "SELECT 1", "0003_total.sql": total }
      assert.include(yield* afterFirst(twice), "Two migrations have the number of 0003_total.sql")
      assert.include(yield* afterFirst({ "accounts.sql": accounts }), "accounts.sql is not named like 0001_")
    })
  )
})
