/** The layers below the doors: database, journal, actors, views. Shared by every verb that needs the journal. */
import { version } from "#http/operator/Version.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import * as Identification from "#runtime/actor/Identification.ts"
import * as ActivityList from "#runtime/automation/ActivityList.ts"
import * as ActivityWords from "#runtime/automation/ActivityWords.ts"
import * as Automations from "#runtime/automation/Automations.ts"
import { automationsName } from "#runtime/automation/Dispatcher.ts"
import * as FilterFacts from "#runtime/automation/FilterFacts.ts"
import * as RunWebhooks from "#runtime/automation/RunWebhooks.ts"
import * as Approvals from "#runtime/automation/Approvals.ts"
import * as HeldCommands from "#runtime/automation/HeldCommands.ts"
import * as PriorFacts from "#runtime/automation/PriorFacts.ts"
import * as PriorTo from "#runtime/automation/PriorTo.ts"
import * as Rejections from "#runtime/automation/Rejections.ts"
import { anniversaries } from "#runtime/communication/Anniversaries.ts"
import * as PlanRunner from "#runtime/communication/PlanRunner.ts"
import * as Plans from "#runtime/communication/Plans.ts"
import { planSends } from "#runtime/communication/PlanSends.ts"
import * as Recipients from "#runtime/communication/Recipients.ts"
import * as Cluster from "#runtime/cluster/Cluster.ts"
import * as Presence from "#runtime/cluster/Presence.ts"
import * as BusinessHub from "#runtime/live/BusinessHub.ts"
import * as Heads from "#runtime/live/Heads.ts"
import * as HeadsPostgres from "#runtime/storage/HeadsPostgres.ts"
import * as HeadsRedis from "#runtime/storage/HeadsRedis.ts"
import * as CommunicationBodies from "#runtime/communication/CommunicationBodies.ts"
import * as Communications from "#runtime/communication/Communications.ts"
import { communicationTasks, communicationView } from "#runtime/communication/CommunicationView.ts"
import * as EndpointNotice from "#runtime/communication/EndpointNotice.ts"
import * as ExportNotice from "#runtime/communication/ExportNotice.ts"
import * as LiveHub from "#runtime/live/LiveHub.ts"
import * as Outbox from "#runtime/outbox/Outbox.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as ActivityFeed from "#runtime/projection/ActivityFeed.ts"
import * as Catalogue from "#runtime/projection/Catalogue.ts"
import * as ContactDirectory from "#runtime/projection/ContactDirectory.ts"
import * as ContactTags from "#runtime/projection/ContactTags.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import * as History from "#runtime/projection/History.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as Rebuilds from "#runtime/projection/Rebuilds.ts"
import * as ReadersElsewhere from "#runtime/projection/ReadersElsewhere.ts"
import * as HistoricalFacts from "#runtime/segment/HistoricalFacts.ts"
import * as LiveMembership from "#runtime/segment/LiveMembership.ts"
import { liveSegmentsName } from "#runtime/segment/LiveSegments.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as SegmentGeneration from "#runtime/segment/SegmentGeneration.ts"
import * as Segments from "#runtime/segment/Segments.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import * as Database from "#runtime/storage/Database.ts"
import * as JournalPostgres from "#runtime/storage/JournalPostgres.ts"
import * as Migrations from "#runtime/storage/Migrations.ts"
import * as Notifications from "#runtime/storage/Notifications.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Retention from "#runtime/storage/Retention.ts"
import * as EventsNumbered from "#runtime/webhook/EventsNumbered.ts"
import * as Webhooks from "#runtime/webhook/Webhooks.ts"
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { bootstrap, checkMasterSecret, InstallationFault, type Secrets } from "./Installation.ts"
import type { Settings } from "./Settings.ts"

export const migrationsFolder = new URL("../migrations/", import.meta.url)

/** One line a view. */
const projections = [
  ContactDirectory.contactDirectory,
  Catalogue.catalogue,
  ActivityList.activityList,
  HeldCommands.heldCommands,
  ContactTags.contactTags,
  anniversaries,
  planSends,
  communicationView
]

/** What can be rebuilt. */
export const viewNames = [
  ...projections.map(({ name }) => name),
  SegmentGeneration.segmentStoreName,
  liveSegmentsName,
  automationsName
]

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

/** What leaves for the world, and what happens by itself. */
const outwards = (settings: Settings) =>
  Automations.layer().pipe(
    Layer.provideMerge(Layer.mergeAll(RunWebhooks.layer, FilterFacts.layer)),
    Layer.provideMerge(EventsNumbered.layer),
    Layer.provideMerge(Webhooks.layer({ allowed: settings.webhookAllowed })),
    Layer.provideMerge(EndpointNotice.layer),
    Layer.provideMerge(Outbox.layer)
  )

/** What follows when somebody joins or leaves a segment. */
const sinks = Layer.effect(
  LiveMembership.SegmentChangeSinks,
  Effect.gen(function* () {
    const webhooks = yield* Webhooks.Webhooks
    const automations = yield* Automations.Automations
    return [webhooks.sink, automations.sink]
  })
)

/** With what needs services of its own: the segment store, memberships that are judged on it, messages that are to go out. */
const projector = Layer.unwrap(
  Effect.gen(function* () {
    const feed = yield* SegmentFeed.SegmentFeed
    const live = yield* LiveMembership.LiveMembership
    const webhooks = yield* Webhooks.Webhooks
    const automations = yield* Automations.Automations
    const { enqueue } = yield* Outbox.Outbox
    const outward = [webhooks.projection, automations.projection, communicationTasks(enqueue)]
    return Projector.layer([...projections, feed.projection, live.projection, ...outward])
  })
)

const views = (settings: Settings) => {
  const { mongodbUrl, mongodbDatabase } = settings
  const url = mongodbUrl === undefined ? undefined : Redacted.make(mongodbUrl)
  const plans = Layer.mergeAll(PlanRunner.layer, Plans.layer).pipe(Layer.provide(Recipients.layer))
  const lists = Layer.mergeAll(
    History.layer,
    ActivityFeed.layer,
    ContactDirectory.layer,
    Catalogue.layer,
    ActivityList.layer,
    ActivityWords.layer,
    HeldCommands.layer,
    Approvals.layer,
    ContactTags.layer,
    Rejections.layer,
    Communications.layer
  )
  return Layer.mergeAll(lists, Segments.layer, FilterFacts.handed, EventsNumbered.handed, plans).pipe(
    Layer.provideMerge(Layer.mergeAll(SegmentStore.layer, HistoricalFacts.layer, Rebuilds.layer)),
    Layer.provideMerge(projector),
    Layer.provideMerge(CommunicationBodies.layer),
    Layer.provideMerge(Layer.mergeAll(LiveMembership.layer, SegmentFeed.layer)),
    Layer.provideMerge(sinks),
    Layer.provideMerge(ExportNotice.layer),
    Layer.provideMerge(outwards(settings)),
    Layer.provideMerge(SegmentDatabase.layer({ url, database: mongodbDatabase })),
    Layer.provideMerge(Layer.mergeAll(DataKeys.layer, Definitions.layer))
  )
}

/** What judges a command before its turn, on what the views know. */
const priorTo = ({ webhookAllowed }: Settings) =>
  PriorTo.layer({ allowed: webhookAllowed }).pipe(Layer.provide(PriorFacts.layer))

/** One runner that holds every shard, or one of several that share them. */
const actors = ({ runnerHost, runnerPort }: Settings, isClustered: boolean) =>
  isClustered
    ? Cluster.layer({ host: runnerHost, port: runnerPort }, (shardingConfig) =>
        NodeClusterSocket.layer({ storage: "byo", shardingConfig })
      )
    : Actors.layer

/** How this runner hears of the commits of others: over Redis where there is one. */
const heads = ({ redisUrl }: Settings, isClustered: boolean) =>
  isClustered
    ? redisUrl === undefined
      ? Heads.layer(HeadsPostgres.channel)
      : Heads.layer(HeadsRedis.channel(redisUrl))
    : Heads.alone

const presence = ({ runnerHost, runnerPort }: Settings, isClustered: boolean) =>
  Presence.layer({ address: isClustered ? `${runnerHost}:${runnerPort}` : undefined, version })

/** Everything below the doors, with the first business opened and the master secret proven to be the right one. */
export const layer = (settings: Settings, keys: Secrets, isClustered = false) => {
  const storage = migrated(settings).pipe(Layer.provideMerge(database(settings)))
  const sealed = Layer.effectDiscard(checkMasterSecret(keys.file)).pipe(
    Layer.provideMerge(Layer.mergeAll(Sealer.layer(keys.master), storage))
  )
  return Layer.effectDiscard(bootstrap(settings, keys)).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Identification.layer,
        LiveHub.layer,
        BusinessHub.layer,
        priorTo(settings).pipe(Layer.provideMerge(views(settings))),
        presence(settings, isClustered),
        Retention.layer
      )
    ),
    Layer.provideMerge(ReadersElsewhere.layer),
    Layer.provideMerge(heads(settings, isClustered)),
    Layer.provideMerge(actors(settings, isClustered)),
    Layer.provideMerge(Layer.mergeAll(JournalPostgres.layer, Notifications.layer)),
    Layer.provideMerge(sealed)
  )
}
