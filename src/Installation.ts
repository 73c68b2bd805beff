/**
 * What an installation is born with: its secrets, kept 0600 in the data folder, and its first business with an API key.
 * The master secret is checked against the journal it belongs to: with a wrong one nothing could be opened, so nothing
 * is started.
 */
import { keyHash } from "#http/door/Principal.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHmac, randomBytes, randomUUID } from "node:crypto"
import type { Settings } from "./Settings.ts"

/** It cannot start like this; the message says what to do. */
export class InstallationFault extends Schema.TaggedError<InstallationFault>()("InstallationFault", {
  message: Schema.String
}) {}

const StoredSecrets = Schema.fromJsonString(
  Schema.Struct({ masterSecret: Schema.String, apiKey: Schema.String, publishableKey: Schema.String })
)

export interface Secrets {
  readonly master: Redacted.Redacted
  /** The secret back-office key, shown in the banner. */
  readonly apiKey: Redacted.Redacted
  readonly publishableKey: Redacted.Redacted
  /** Where generated ones are kept. */
  readonly file: string
}

const random = (prefix: string): string => `${prefix}${randomBytes(32).toString("base64url")}`

const openToOthers = 0o077
/** Copied or restored, it may have become readable to others: it is closed again, or nothing is started. */
const closeToOthers = Effect.fnUntraced(function* (file: string) {
  // Modes say nothing there.
  if (process.platform === "win32") return
  const files = yield* FileSystem.FileSystem
  const { mode } = yield* files.stat(file)
  if ((mode & openToOthers) === 0) return
  yield* Effect.mapError(
    files.chmod(file, 0o600),
    () =>
      new InstallationFault({ message: `${file} can be read by others: chmod 600 it, and consider its secrets known.` })
  )
})

const storedIn = (file: string) =>
  Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(file)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(StoredSecrets)),
    Effect.mapError(
      () => new InstallationFault({ message: `${file} cannot be read as secrets; restore it from a backup.` })
    )
  )

const fileIn = ({ dataDirectory }: Settings) =>
  Effect.map(Path.Path, (path) => path.join(dataDirectory, "secrets.json"))

/** The key of a server that runs, as whoever asks it has it: given, from the settings or from its data folder. Makes nothing. */
export const keyOf = Effect.fn("Installation.keyOf")(function* (settings: Settings, given: string | undefined) {
  const key = given ?? settings.bootstrapApiKey
  if (key !== undefined) return Redacted.make(key)
  const file = yield* fileIn(settings)
  const files = yield* FileSystem.FileSystem
  if (yield* files.exists(file)) return Redacted.make((yield* storedIn(file)).apiKey)
  return yield* new InstallationFault({
    message:
      `There is no api_key to ask with: ${file} does not exist. Give the one that the server printed when it started, ` +
      "by --api-key or KOINON_BOOTSTRAP_API_KEY, or name the server's data folder by KOINON_DATA_DIR."
  })
})

/** Reads the secrets of the data folder, generating them at first start; settings win over the file. */
export const secrets = Effect.fn("Installation.secrets")(function* (settings: Settings) {
  const files = yield* FileSystem.FileSystem
  yield* files.makeDirectory(settings.dataDirectory, { recursive: true, mode: 0o700 })
  const file = yield* fileIn(settings)
  if (!(yield* files.exists(file))) {
    const fresh = { masterSecret: random("ms_"), apiKey: random("sk_"), publishableKey: random("pk_") }
    yield* files.writeFileString(file, JSON.stringify(fresh, undefined, 2), { mode: 0o600 })
  }
  yield* closeToOthers(file)
  const stored = yield* storedIn(file)
  return {
    master: Redacted.make(settings.masterSecret ?? stored.masterSecret),
    apiKey: Redacted.make(settings.bootstrapApiKey ?? stored.apiKey),
    publishableKey: Redacted.make(stored.publishableKey),
    file
  } satisfies Secrets
})

/** What all runners of a cluster have in common comes from the settings: a folder belongs to one of them. */
export const sharedSecrets = Effect.fn("Installation.sharedSecrets")(function* (settings: Settings) {
  const { databaseUrl, masterSecret, bootstrapApiKey } = settings
  const missing = Object.entries({
    DATABASE_URL: databaseUrl,
    KOINON_MASTER_SECRET: masterSecret,
    KOINON_BOOTSTRAP_API_KEY: bootstrapApiKey
  }).flatMap(([name, value]) => (value === undefined ? [name] : []))
  if (masterSecret === undefined || bootstrapApiKey === undefined || missing.length > 0) {
    return yield* new InstallationFault({
      message: `With --cluster all runners need the same ${missing.join(", ")}; set it for each of them.`
    })
  }
  const publishable = createHmac("sha256", masterSecret).update("koinon/publishable key/1").digest("base64url")
  return {
    master: Redacted.make(masterSecret),
    apiKey: Redacted.make(bootstrapApiKey),
    publishableKey: Redacted.make(`pk_${publishable}`),
    file: "KOINON_MASTER_SECRET"
  } satisfies Secrets
})

/** Refuses to go on with a master secret that is not the journal's. */
export const checkMasterSecret = Effect.fn("Installation.checkMasterSecret")(function* (secretsFile: string) {
  const sql = yield* PgClient.PgClient
  const sealer = yield* Sealer
  const check = Buffer.from(sealer.keyedHash("installation", "check", "master secret")).toString("hex")
  yield* sql`INSERT INTO installation (master_check) VALUES (${check}) ON CONFLICT (singleton) DO NOTHING`
  const rows = yield* sql<{ readonly master_check: string }>`SELECT master_check FROM installation`
  if (rows[0]?.master_check !== check) {
    return yield* new InstallationFault({
      message:
        "The master secret is not the one this database was sealed with. " +
        `Set KOINON_MASTER_SECRET to it, or put the original ${secretsFile} back.`
    })
  }
})

/** Advisory lock of PostgreSQL under which an installation is opened. */
const bootstrapLock = 7_946_001

/** One runner at a time, for each opens a business only if there is none. */
export const bootstrap = Effect.fn("Installation.bootstrap")(function* (settings: Settings, keys: Secrets) {
  const sql = yield* PgClient.PgClient
  yield* sql.withTransaction(
    Effect.andThen(sql`SELECT pg_advisory_xact_lock(${bootstrapLock}::bigint)`, opened(settings, keys))
  )
})

/** Opens the first business of an empty journal, and makes sure that the keys shown in the banner work. */
const opened = Effect.fnUntraced(function* (settings: Settings, keys: Secrets) {
  const actors = yield* Actors
  const journal = yield* Journal
  // Opened by another runner a moment ago, it may not have been heard of.
  yield* actors.learn(yield* journal.businessIds)
  const apiKeys = [
    { id: randomUUID(), hash: keyHash(Redacted.value(keys.apiKey)), kind: "SECRET" as const, serviceOwner: true },
    {
      id: randomUUID(),
      hash: keyHash(Redacted.value(keys.publishableKey)),
      kind: "PUBLISHABLE" as const,
      serviceOwner: false
    }
  ]
  const known = [...actors.businesses()]
  const first = known[0]
  if (first !== undefined) {
    for (const key of apiKeys) {
      if (known.some((business) => business.apiKeys.some(({ hash }) => hash === key.hash))) continue
      yield* actors.ask({ business: first.id, key: first.id, command: { _tag: "IssueApiKey", key } })
    }
    return
  }
  const businessId = randomUUID()
  const merchantId = randomUUID()
  yield* actors.ask({
    business: businessId,
    key: businessId,
    command: {
      _tag: "OpenBusiness",
      businessId,
      name: settings.businessName,
      serviceOwnerId: randomUUID(),
      serviceOwnerName: "Service owner",
      currency: settings.businessCurrency,
      country: settings.businessCountry,
      timeZone: settings.businessTimeZone,
      settings: { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" },
      apiKeys,
      organisations: [
        { id: merchantId, type: "MERCHANT", name: settings.businessName, parentId: businessId },
        { id: randomUUID(), type: "VENUE", name: "Main store", parentId: merchantId }
      ]
    }
  })
})
