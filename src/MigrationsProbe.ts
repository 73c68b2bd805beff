/** What `/health/ready` says of the schema: that the database has the migrations of this code, no less and no more. */
import { FurtherProbes, pass } from "#http/operator/HealthChecks.ts"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { migrationsFolder } from "./Runtime.ts"

export const layer = Layer.effect(
  FurtherProbes,
  Effect.map(PgClient.PgClient, (sql) => [
    {
      name: "migrations",
      check: Effect.matchEffect(Migrations.run(sql, migrationsFolder, { dryRun: true }), {
        onFailure: (error) =>
          Effect.fail(error._tag === "MigrationRefused" ? error.message : "the applied migrations cannot be read"),
        onSuccess: (missing) =>
          missing.length === 0
            ? Effect.succeed(pass("the schema is the one of this code"))
            : Effect.fail(`${missing.length} migrations are missing; run koinon migrate`)
      })
    }
  ])
)
