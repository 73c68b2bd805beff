/** `koinon migrate`. */
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { database, migrationsFolder } from "../Runtime.ts"
import { load } from "../Settings.ts"
import { json, table } from "./Output.ts"

const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Only list what would be applied"),
  Flag.withDefault(false)
)

export const migrateVerb = Command.make("migrate", { json, dryRun }, (flags) =>
  Effect.gen(function* () {
    const settings = yield* load
    const applied = yield* Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      return yield* Migrations.run(sql, migrationsFolder, { dryRun: flags.dryRun })
    }).pipe(Effect.provide(database(settings)))
    if (flags.json) return yield* Console.log(JSON.stringify(applied, undefined, 2))
    if (applied.length === 0) return yield* Console.log("The database is up to date.")
    yield* table(
      ["id", flags.dryRun ? "would be applied" : "applied"],
      applied.map(({ id, name }) => [String(id), name])
    )
  })
).pipe(
  Command.withDescription("Bring the database up to date; on the embedded one every start does it"),
  Command.withExamples([{ command: "koinon migrate --dry-run", description: "List what is missing" }])
)
