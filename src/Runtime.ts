/** The layers below the doors: database, journal, actors, views. Shared by every verb that needs the journal. */
import { version } from "#http/operator/Version.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import * as Identification from "#runtime/actor/Identification.ts"
import * as Cluster from "#runtime/cluster/Cluster.ts"
import * as Presence from "#runtime/cluster/Presence.ts"
import * as LiveHub from "#runtime/live/LiveHub.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as Catalogue from "#runtime/projection/Catalogue.ts"
import * as ContactDirectory from "#runtime/projection/ContactDirectory.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import * as History from "#runtime/projection/History.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as Database from "#runtime/storage/Database.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { bootstrap, checkMasterSecret, InstallationFault, type Secrets } from "./Installation.ts"
import type { Settings } from "./Settings.ts"

export const migrationsFolder = new URL("../migrations/", import.meta.url)

/** One line a view. */
export const projections = [ContactDirectory.contactDirectory, Catalogue.catalogue]

export const database = (settings: Settings) =>
  Layer.unwrap(
    settings.databaseUrl === undefined
      ? Effect.map(PostgresServer.start({ dataDirectory: settings.dataDirectory }), (server) =>
          Database.layer({ source: { server } })
        )
      : Effect.succeed(Database.layer({ source: { url: Redacted.make(settings.databaseUrl) } }))
  )

/** The embedded database is brought up to date at start, and so is an empty outside one; others by `koinon migrate`. */
const migrated = (settings: Settings) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const missing = yield* Migrations.run(sql, migrationsFolder, { dryRun: true })
      const isEmpty = missing[0]?.id === 1
      if (settings.databaseUrl !== undefined && missing.length > 0 && !isEmpty) {
        return yield* new InstallationFault({
          message: `The database is ${missing.length} migrations behind; run npm run koinon -- migrate first.`
        })
      }
      yield* Migrations.run(sql, migrationsFolder)
    })
  )

const views = Layer.mergeAll(History.layer, ContactDirectory.layer, Catalogue.layer, Projector.layer(projections)).pipe(
  Layer.provideMerge(DataKeys.layer)
)

/** One runner that holds every shard, or one of several that share them. */
const actors = ({ runnerHost, runnerPort }: Settings, isClustered: boolean) =>
  isClustered
    ? Cluster.layer({ host: runnerHost, port: runnerPort }, (shardingConfig) =>
        NodeClusterSocket.layer({ storage: "byo", shardingConfig })
      )
    : Actors.layer

const presence = ({ runnerHost, runnerPort }: Settings, isClustered: boolean) =>
  Presence.layer({ address: isClustered ? `${runnerHost}:${runnerPort}` : undefined, version })

/** Everything below the doors, with the first business opened and the master secret proven to be the right one. */
export const layer = (settings: Settings, keys: Secrets, isClustered = false) => {
  const storage = migrated(settings).pipe(Layer.provideMerge(database(settings)))
  const sealed = Layer.effectDiscard(checkMasterSecret(keys.file)).pipe(
    Layer.provideMerge(Layer.mergeAll(Sealer.layer(keys.master), storage))
  )
  return Layer.effectDiscard(bootstrap(settings, keys)).pipe(
    Layer.provideMerge(Layer.mergeAll(Identification.layer, LiveHub.layer, views, presence(settings, isClustered))),
    Layer.provideMerge(actors(settings, isClustered)),
    Layer.provideMerge(JournalPostgres.layer),
    Layer.provideMerge(sealed)
  )
}
