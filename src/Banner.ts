/** What a person needs in the first minute: where everything is, which key to use, what is embedded, and what is sent. */
import { Actors } from "#runtime/actor/Actors.ts"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type { HttpServer } from "effect/http/HttpServer"
import * as Redacted from "effect/Redacted"
import type { Secrets } from "./Installation.ts"
import type { Settings } from "./Settings.ts"
import { surroundings } from "./Surroundings.ts"

export const banner = Effect.fnUntraced(function* (
  settings: Settings,
  keys: Secrets,
  address: HttpServer["Service"]["address"],
  startedAt: number
) {
  const actors = yield* Actors
  const url = "port" in address ? `http://${settings.host}:${address.port}` : String(address)
  const organisations = [...actors.businesses()].flatMap((business) => Object.values(business.organisations))
  const store = organisations.find(({ type }) => type === "VENUE") ?? organisations[0]
  const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["API", `${url}/backoffice/v2 · ${url}/self-service/v2`],
    ["Docs", `${url}/docs`],
    ["Live", `${url.replace("http", "ws")}/live`],
    ["Outbox", `${url}/console/outbox`],
    ["Health", `${url}/health/ready`],
    // Whoever gave it knows it, and keeps what is printed here as a log.
    ["api_key", settings.bootstrapApiKey === undefined ? Redacted.value(keys.apiKey) : "(KOINON_BOOTSTRAP_API_KEY)"],
    ["publishable", Redacted.value(keys.publishableKey)],
    ["Store", store === undefined ? "" : `${store.id} (${store.name})`],
    [
      "Data",
      settings.databaseUrl === undefined
        ? `${settings.dataDirectory} (embedded PostgreSQL, fsync on)`
        : "outside PostgreSQL (DATABASE_URL)"
    ],
    ...surroundings(settings)
  ]
  yield* Console.log(
    [
      `Koinon is open after ${seconds.toFixed(1)} s, listening on ${url}`,
      ...rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`)
    ].join("\n")
  )
})
