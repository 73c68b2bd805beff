/**
 * Koinon as it is served, in this process: the layers of `koinon serve` over a database of its own and a free port,
 * opened before the first test that asks for it and closed after the last. It runs on the real clock also where a test
 * runs on a test clock.
 */
import { serve } from "../../src/Serve.ts"
import { load } from "../../src/Settings.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { ReaderWaitMaxMs } from "#runtime/projection/WaitingReaders.ts"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as HttpServer from "effect/http/HttpServer"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { takePort } from "./Ports.ts"
import * as TestDatabase from "./TestDatabase.ts"

/** Of every server that a test opens. */
export const bootstrapApiKey = "sk_a_back_office_key_that_tests_may_know"

/**
 * Patience for a machine that does much else: on one, a list that is not ready in a second and a request that comes late are
 * refused, as they should be, and a test of something else would be red. What is about the bounds sets them itself.
 */
const readerWaitMaxMs = 30_000
const patient = { KOINON_WAIT_MAX_MS: "5000" }

/** Whatever was answered: what the test looks into, and fails on if it is not there. */
export type Parsed = ReturnType<typeof JSON.parse>

export interface Response {
  readonly status: number
  readonly headers: Headers
  /** Parsed where it is JSON, the text otherwise, undefined where it is empty. */
  readonly body: Parsed
}

export class TestServer extends Context.Service<
  TestServer,
  {
    readonly url: string
    /** Secret, of the service owner. */
    readonly apiKey: string
    readonly businessId: string
    /** The venue that the installation is born with. */
    readonly storeId: string
    readonly actors: Actors["Service"]
    /** With the secret key; `headers` are added, and one that is undefined is not sent at all. */
    readonly request: (
      method: string,
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string | undefined>>
    ) => Effect.Effect<Response>
    /** As a contact's app would ask: with the token and without the key. */
    readonly requestAs: (token: string, method: string, path: string, body?: unknown) => Effect.Effect<Response>
  }
>()("koinon/test/TestServer") {}

/** What servers print to; nothing is seen of it unless a test provides another. */
export const Terminal = Context.Reference<Console.Console>("koinon/test/Terminal", {
  defaultValue: () => ({ ...globalThis.console, log: () => undefined })
})

const send = (url: string): TestServer["Service"]["request"] =>
  Effect.fnUntraced(function* (method, path, body, headers = {}) {
    const given = {
      api_key: bootstrapApiKey,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers
    }
    const sent = Object.entries(given).filter((header): header is [string, string] => header[1] !== undefined)
    return yield* Effect.promise(async () => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: sent,
        // Text is sent as it stands: broken JSON, or lines of a batch.
        body:
          body === undefined
            ? null
            : typeof body === "string" || body instanceof Uint8Array
              ? body
              : JSON.stringify(body)
      })
      const text = await response.text()
      const type = response.headers.get("content-type") ?? ""
      const json = /^application\/([a-z.]+\+)?json/.test(type)
      return {
        status: response.status,
        headers: response.headers,
        body: text === "" ? undefined : json ? JSON.parse(text) : text
      }
    })
  })

/** Opens a server that closes with the scope. `environment` is added to the settings it starts with. */
export const start = (
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<TestServer["Service"], never, Scope.Scope> =>
  Effect.flatMap(TestDatabase.create, (database) => startOn(database, environment))

/** The same on a database that the test can get at. */
export const startOn = (
  database: TestDatabase.TestDatabase,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<TestServer["Service"], never, Scope.Scope> => open(database, environment, false)

export const masterSecret = "ms_a_master_secret_that_runners_of_a_test_share"

/** Opens one of several runners on a database; closed with the scope, which hands its shards over. */
export const startRunner = (
  database: TestDatabase.TestDatabase,
  environment: Readonly<Record<string, string>> = {}
): Effect.Effect<TestServer["Service"], never, Scope.Scope> =>
  Effect.flatMap(freePort, (port) =>
    open(database, { KOINON_RUNNER_PORT: String(port), KOINON_MASTER_SECRET: masterSecret, ...environment }, true)
  )

/** For a runner, which has to know its port before it opens it. */
export const freePort = Effect.promise(takePort)

const open: (
  database: TestDatabase.TestDatabase,
  environment: Readonly<Record<string, string>>,
  isClustered: boolean
) => Effect.Effect<TestServer["Service"], never, Scope.Scope> = Effect.fnUntraced(
  function* (database: TestDatabase.TestDatabase, environment: Readonly<Record<string, string>>, isClustered: boolean) {
    const dataDirectory = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-test-server-"))),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const given = ConfigProvider.fromUnknown({
      PORT: "0",
      DATABASE_URL: Redacted.value(database.url),
      KOINON_DATA_DIR: dataDirectory,
      KOINON_BOOTSTRAP_API_KEY: bootstrapApiKey,
      ...patient,
      ...environment
    })
    const settings = yield* Effect.provideService(load, ConfigProvider.ConfigProvider, given)
    const layer = serve(settings, 0, isClustered).pipe(Layer.provide(NodeServices.layer))
    const context = yield* Layer.build(layer)
    const actors = Context.get(context, Actors)
    const { address } = Context.get(context, HttpServer.HttpServer)
    const [business] = actors.businesses()
    const store = Object.values(business?.organisations ?? {}).find(({ type }) => type === "VENUE")
    if (business === undefined || store === undefined || !("port" in address))
      throw new Error("it opened without a store")
    const url = `http://127.0.0.1:${address.port}`
    const request = send(url)
    return TestServer.of({
      url,
      apiKey: bootstrapApiKey,
      businessId: business.id,
      storeId: store.id,
      actors,
      request,
      requestAs: (token, method, path, body) =>
        request(method, path, body, { api_key: undefined, authorization: `Bearer ${token}` })
    })
  },
  Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()),
  Effect.provideServiceEffect(Console.Console, Terminal),
  Effect.provideService(ReaderWaitMaxMs, readerWaitMaxMs),
  Effect.orDie
)

export const layer: Layer.Layer<TestServer> = Layer.effect(TestServer, start())
