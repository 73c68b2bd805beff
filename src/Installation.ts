/**
 * What an installation is born with: its secrets, kept 0600 in the data folder, and its first business with an API key.
 * The master secret is checked against the journal it belongs to: with a wrong one nothing could be opened, so nothing
 * is started.
 */
import { keyHash } from "#http/door/Principal.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { randomBytes, randomUUID } from "node:crypto"
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

/** Reads the secrets of the data folder, generating them at first start; settings win over the file. */
export const secrets = Effect.fn("Installation.secrets")(function* (settings: Settings) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* files.makeDirectory(settings.dataDirectory, { recursive: true, mode: 0o700 })
  const file = path.join(settings.dataDirectory, "secrets.json")
  if (!(yield* files.exists(file))) {
    const fresh = { masterSecret: random("ms_"), apiKey: random("sk_"), publishableKey: random("pk_") }
    yield* files.writeFileString(file, JSON.stringify(fresh, undefined, 2), { mode: 0o600 })
  }
  const stored = yield* files.readFileString(file).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(StoredSecrets)),
    Effect.mapError(
      () => new InstallationFault({ message: `${file} cannot be read as secrets; restore it from a backup.` })
    )
  )
  return {
    master: Redacted.make(settings.masterSecret ?? stored.masterSecret),
    apiKey: Redacted.make(settings.bootstrapApiKey ?? stored.apiKey),
    publishableKey: Redacted.make(stored.publishableKey),
    file
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

/** Opens the first business of an empty journal, and makes sure that the keys shown in the banner work. */
export const bootstrap = Effect.fn("Installation.bootstrap")(function* (settings: Settings, keys: Secrets) {
  const actors = yield* Actors
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
