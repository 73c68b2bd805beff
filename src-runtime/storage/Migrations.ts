/**
 * Brings a database to the schema of this code: plain files `NNNN_name.sql`, in order, forward only, each in a
 * transaction of its own. An advisory lock lets one runner migrate while the others wait and then find the work done.
 * Refuses, and changes nothing more, when an applied file was altered or lost, when the database is newer than the
 * code, or when a file was numbered below one that is already applied.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"

export interface Migration {
  readonly id: number
  readonly name: string
}

/** The files and the database contradict each other; `message` says how and what to do. */
class MigrationRefused extends Schema.TaggedError<MigrationRefused>()("MigrationRefused", {
  message: Schema.String
}) {}

/** PostgreSQL rejected a file. Nothing of it remains; the files before it are applied. */
export class MigrationFailed extends Schema.TaggedError<MigrationFailed>()("MigrationFailed", {
  message: Schema.String,
  file: Schema.String,
  line: Schema.optionalKey(Schema.Int),
  cause: Schema.Defect()
}) {}

interface MigrationFile extends Migration {
  readonly file: string
  readonly checksum: string
  readonly text: string
}

/** "koinon" in ASCII: a number that nobody else's advisory lock is likely to bear. */
const advisoryLock = 0x6b_6f_69_6e_6f_6en
const lockWaitMaxMs = 600_000

const Applied = Schema.Array(Schema.Struct({ id: Schema.Int, name: Schema.String, checksum: Schema.String }))
type Applied = typeof Applied.Type

/** Returns what was applied, or with `dryRun` what would be. */
export const run = Effect.fn("Migrations.run")(function* (
  sql: PgClient,
  folder: URL,
  options: { readonly dryRun?: boolean } = {}
) {
  const files = yield* read(folder)
  if (options.dryRun === true) return (yield* pending(files, yield* applied(sql))).map(named)

  yield* locked(
    sql,
    sql`CREATE TABLE IF NOT EXISTS migration (
      id integer PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`
  )
  const done: Array<Migration> = []
  for (;;) {
    // Judged again under the lock each time: another runner may have gone ahead between two files.
    const next = yield* locked(
      sql,
      Effect.gen(function* () {
        const [file] = yield* pending(files, yield* applied(sql))
        if (file !== undefined) yield* apply(sql, file)
        return file
      })
    )
    if (next === undefined) return done
    done.push(named(next))
  }
})

const named = ({ id, name }: Migration): Migration => ({ id, name })

const locked = <A, E>(sql: PgClient, work: Effect.Effect<A, E>) =>
  sql.withTransaction(
    Effect.gen(function* () {
      yield* sql`SELECT set_config('lock_timeout', ${String(lockWaitMaxMs)}, true)`
      yield* sql`SELECT pg_advisory_xact_lock(${advisoryLock})`
      yield* sql`SELECT set_config('lock_timeout', '0', true)`
      return yield* work
    })
  )

const read = (folder: URL) =>
  Effect.gen(function* () {
    const directory = folder.pathname.endsWith("/") ? folder : new URL(`${folder.href}/`)
    const files = yield* Effect.tryPromise({
      try: async (): Promise<ReadonlyArray<MigrationFile>> => {
        const names = (await fs.readdir(directory)).filter((name) => name.endsWith(".sql")).toSorted()
        return await Promise.all(
          names.map(async (file) => {
            const text = await fs.readFile(new URL(encodeURIComponent(file), directory), "utf8")
            const [, id, name] = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file) ?? []
            // A checkout on Windows may have other line ends; the statements are the same.
            const checksum = createHash("sha256").update(text.replaceAll("\r\n", "\n")).digest("hex")
            return { id: Number(id), name: name ?? "", file, checksum, text }
          })
        )
      },
      catch: (cause) =>
        new MigrationRefused({ message: `The migrations cannot be read from ${directory.pathname}: ${String(cause)}` })
    })
    const misnamed = files.find((file) => !(file.id > 0))
    if (misnamed !== undefined) {
      return yield* refuse(`${misnamed.file} is not named like 0001_what_it_adds.sql: rename it.`)
    }
    const twice = files.find((file, index) => file.id === files[index - 1]?.id)
    if (twice !== undefined) {
      return yield* refuse(`Two migrations have the number of ${twice.file}: give the newer one the next free number.`)
    }
    return files
  })

const applied = (sql: PgClient) =>
  Effect.gen(function* () {
    const [table] = yield* sql<{ present: boolean }>`SELECT to_regclass('migration') IS NOT NULL AS present`
    if (table?.present !== true) return []
    const rows = yield* sql`SELECT id, name, checksum FROM migration ORDER BY id`
    return yield* Effect.orDie(Schema.decodeUnknownEffect(Applied)(rows))
  })

/** The files still to be applied, provided that those applied before are a prefix of the folder. */
const pending = (files: ReadonlyArray<MigrationFile>, before: Applied) =>
  Effect.gen(function* () {
    const newestFile = files.at(-1)?.id ?? 0
    const newestApplied = before.at(-1)?.id ?? 0
    if (newestApplied > newestFile) {
      return yield* refuse(
        `The database is at migration ${newestApplied} (${before.at(-1)?.name}), which this code does not know; ` +
          `it ends at ${newestFile}: run the newer Koinon.`
      )
    }
    for (const row of before) {
      const file = files.find((candidate) => candidate.id === row.id)
      if (file === undefined) {
        return yield* refuse(`Migration ${row.id} (${row.name}) is applied but its file is gone: restore it.`)
      }
      if (file.checksum !== row.checksum) {
        return yield* refuse(
          `${file.file} was changed after it was applied: restore it, and put the change into a new migration.`
        )
      }
    }
    const late = files.find((file) => file.id < newestApplied && !before.some((row) => row.id === file.id))
    if (late !== undefined) {
      return yield* refuse(
        `${late.file} is numbered below migration ${newestApplied}, which is already applied: give it the next free number.`
      )
    }
    return files.filter((file) => file.id > newestApplied)
  })

/**
 * The driver prepares each statement, and PostgreSQL prepares only one at a time, so the server is asked to execute the
 * whole file as one string. That also refuses a COMMIT inside a file, which would tear its transaction.
 */
const apply = (sql: PgClient, file: MigrationFile) =>
  Effect.gen(function* () {
    // Quotes that cannot occur in the text that they enclose.
    const [outer, inner] = [`$run_${file.checksum}$`, `$file_${file.checksum}$`]
    yield* sql.unsafe(`DO ${outer} BEGIN EXECUTE ${inner}${file.text}${inner}; END ${outer}`).unprepared
    yield* sql`INSERT INTO migration ${sql.insert({ id: file.id, name: file.name, checksum: file.checksum })}`
  }).pipe(Effect.mapError((cause) => failed(file, cause)))

const ServerError = Schema.Struct({
  message: Schema.String,
  internalPosition: Schema.optional(Schema.FiniteFromString)
})

const failed = (file: MigrationFile, cause: SqlError.SqlError): MigrationFailed => {
  const server = Schema.decodeUnknownOption(ServerError)(cause.reason.cause)
  const reason = server._tag === "Some" ? server.value.message : cause.message
  const position = server._tag === "Some" ? server.value.internalPosition : undefined
  const line = position === undefined ? undefined : Array.from(file.text).slice(0, position).join("").split("\n").length
  return new MigrationFailed({
    message: `${file.file}${line === undefined ? "" : `, line ${line}`}: ${reason}. Nothing of this file was applied.`,
    file: file.file,
    ...(line === undefined ? {} : { line }),
    cause
  })
}

const refuse = (message: string) => new MigrationRefused({ message })
