/** What every answer says beside its body: how a browser has to treat it, and whose pages may read it. */
import { assert, describe, it, layer } from "@effect/vitest"
import { endpoints } from "#http/Api.ts"
import { LiveLimits } from "#http/live/LiveLimits.ts"
import { settings } from "../../src/Settings.ts"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { request as ask } from "node:http"
import { WebSocket } from "ws"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"

const app = "https://app.example.com"
const server = Layer.effect(TestServer, start({ KOINON_CORS_ORIGINS: `${app}, https://beta.example.com` }))
const oneSocket = Layer.succeed(LiveLimits, {
  socketsMax: 0,
  authenticateWithinMs: 10_000,
  heartbeatIntervalMs: 25_000,
  silenceMaxMs: 60_000,
  closeGraceMs: 100
})

type Asked = readonly [what: string, method: string, path: string, body?: unknown, headers?: Record<string, string>]

/** Of every door and every way out of it; ids in paths are nobody's. */
const asked: ReadonlyArray<Asked> = [
  ...endpoints.map(({ declaration: { method, path } }): Asked => {
    const url = path.replaceAll(/:[a-z_]+/g, randomUUID())
    return [`${method} ${path} without a caller`, method, url, method === "GET" ? undefined : {}, { api_key: "nobody" }]
  }),
  ["a list", "GET", "/backoffice/v2/contacts"],
  ["a batch", "POST", "/backoffice/v2/purchases/batch", "{}\n"],
  ["broken JSON", "POST", "/backoffice/v2/contacts", "{"],
  ["a body too large", "POST", "/backoffice/v2/contacts", " ".repeat(1_100_000)],
  ["an unknown path", "GET", "/nothing/here"],
  ["another method", "DELETE", "/backoffice/v2/contacts"],
  ["HEAD", "HEAD", "/backoffice/v2/contacts"],
  ["a path that cannot be decoded", "GET", "/backoffice/v2/contacts/%ff"],
  ["no upgrade", "GET", "/live"],
  ["health", "GET", "/health/ready"],
  ["liveness", "GET", "/health/live"],
  ["metrics", "GET", "/metrics"],
  ["the description", "GET", "/openapi.json"],
  ["the docs", "GET", "/docs"]
]

const everyAnswer = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "strict-transport-security": null
}

const preflight = (origin: string) => ({
  origin,
  "access-control-request-method": "PUT",
  "access-control-request-headers": "authorization, content-type"
})

layer(server)("an answer", (it) => {
  it.effect(
    "says the same four things to browsers at every door, good or bad, and scripts run on the docs page alone",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      for (const [what, method, path, body, headers] of asked) {
        const answer = yield* server.request(method, path, body, headers ?? {})
        const found = Object.fromEntries(Object.keys(everyAnswer).map((name) => [name, answer.headers.get(name)]))
        assert.deepStrictEqual(found, everyAnswer, what)
        const policy = answer.headers.get("content-security-policy")
        if (path !== "/docs") assert.strictEqual(policy, "default-src 'none'; frame-ancestors 'none'", what)
        assert.isNull(answer.headers.get("x-powered-by"), what)
        assert.isNull(answer.headers.get("server"), what)
      }
    })
  )

  it.effect(
    "lets the docs page run its own scripts by their hashes, and ask this server only",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const { headers } = yield* server.request("GET", "/docs")
      const policy = headers.get("content-security-policy") ?? ""
      assert.match(policy, /^default-src 'none'; script-src 'sha256-\S{44}' 'sha256-\S{44}'; /)
      assert.include(policy, "connect-src 'self'; ")
      assert.include(policy, "frame-ancestors 'none'")
      assert.notInclude(policy, "unsafe-eval")
    })
  )

  it.effect(
    "asks for TLS from now on where a proxy says that it was asked over TLS, and nowhere else",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      for (const path of ["/backoffice/v2/settings", "/docs", "/nothing/here", "/self-service/v2/wallets/x"]) {
        for (const [forwarded, expected] of [
          ["https", "max-age=31536000"],
          ["https, http", "max-age=31536000"],
          ["http", null]
        ] as const) {
          const { headers } = yield* server.request("GET", path, undefined, { "x-forwarded-proto": forwarded })
          assert.strictEqual(headers.get("strict-transport-security"), expected, `${path} ${forwarded}`)
        }
      }
    })
  )

  it.effect(
    "may be read by pages of a listed origin at the self-service door, and by no others anywhere",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const authorization = `Bearer ${eleni.token}`
      const wallet = `/self-service/v2/wallets/${eleni.id}`
      const own = yield* server.request("GET", wallet, undefined, { api_key: undefined, authorization, origin: app })
      assert.strictEqual(own.status, 200)
      assert.strictEqual(own.headers.get("access-control-allow-origin"), app)
      assert.strictEqual(own.headers.get("vary"), "origin")
      assert.include(own.headers.get("access-control-expose-headers") ?? "", "etag")
      assert.isNull(own.headers.get("access-control-allow-credentials"))
      const refusedToo = yield* server.request("GET", wallet, undefined, { api_key: undefined, origin: app })
      assert.strictEqual(refusedToo.status, 401)
      assert.strictEqual(refusedToo.headers.get("access-control-allow-origin"), app)
      for (const origin of ["https://elsewhere.example.com", `${app}.evil.example`, "null", "http://app.example.com"]) {
        const foreign = yield* server.request("GET", wallet, undefined, { authorization, origin })
        assert.isNull(foreign.headers.get("access-control-allow-origin"), origin)
        assert.strictEqual(foreign.headers.get("vary"), "origin")
      }
      for (const path of [
        "/backoffice/v2/settings",
        "/docs",
        "/openapi.json",
        "/metrics",
        "/health/live",
        "/nothing"
      ]) {
        const { headers } = yield* server.request("GET", path, undefined, { origin: app })
        assert.isNull(headers.get("access-control-allow-origin"), path)
      }
    })
  )

  it.effect(
    "to a preflight is empty and allows what self-service apps send; the back office and other origins are allowed nothing",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const contact = `/self-service/v2/contacts/${randomUUID()}`
      const open = yield* server.request("OPTIONS", contact, undefined, { api_key: undefined, ...preflight(app) })
      assert.strictEqual(open.status, 204)
      assert.strictEqual(open.headers.get("access-control-allow-origin"), app)
      assert.strictEqual(open.headers.get("access-control-allow-methods"), "GET, POST, PUT, DELETE")
      for (const header of ["authorization", "content-type", "idempotency-key", "if-match"]) {
        assert.include(open.headers.get("access-control-allow-headers") ?? "", header)
      }
      assert.strictEqual(open.headers.get("x-content-type-options"), "nosniff")
      for (const [path, headers] of [
        [contact, preflight("https://elsewhere.example.com")],
        [contact, { origin: app }],
        ["/backoffice/v2/contacts", preflight(app)],
        ["/nothing", preflight(app)]
      ] as const) {
        const closed = yield* server.request("OPTIONS", path, undefined, headers)
        assert.oneOf(closed.status, [404, 405])
        assert.isNull(closed.headers.get("access-control-allow-methods"))
      }
    })
  )
})

layer(Layer.effect(TestServer, Effect.provide(start(), oneSocket)))("a server without allowed origins", (it) => {
  it.effect(
    "answers no page of another origin",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const contact = `/self-service/v2/contacts/${randomUUID()}`
      const read = yield* server.request("GET", contact, undefined, { origin: app })
      assert.isNull(read.headers.get("access-control-allow-origin"))
      const asked = yield* server.request("OPTIONS", contact, undefined, preflight(app))
      assert.strictEqual(asked.status, 405)
      assert.isNull(asked.headers.get("access-control-allow-origin"))
    })
  )

  it.effect(
    "says the same to a socket that finds no room",
    Effect.fnUntraced(function* () {
      const { url } = yield* TestServer
      const headers = yield* Effect.callback<Record<string, unknown>>((resume) => {
        const socket = new WebSocket(`${url.replace("http", "ws")}/live`)
        socket.on("error", () => undefined)
        socket.on("unexpected-response", (_, response) => {
          resume(Effect.succeed({ status: response.statusCode, ...response.headers }))
          socket.terminate()
        })
      })
      assert.include(headers, {
        status: 503,
        "x-content-type-options": "nosniff",
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'"
      })
    })
  )

  for (const [what, headers] of [
    ["asks first whether to go on (Expect: 100-continue)", { expect: "100-continue" }],
    ["offers another protocol (Upgrade: h2c)", { connection: "Upgrade", upgrade: "h2c" }]
  ] as const) {
    it.effect(
      `serves a client that ${what} like any other`,
      Effect.fnUntraced(function* () {
        const { apiKey, url } = yield* TestServer
        const body = JSON.stringify({ type: "PERSON", first_name: "Ελένη", last_name: "Γεωργίου" })
        const status = yield* Effect.callback<number | undefined>((resume) => {
          const sent = ask(`${url}/backoffice/v2/contacts`, {
            method: "POST",
            headers: { api_key: apiKey, "content-length": Buffer.byteLength(body), ...headers }
          })
          sent.on("response", (response) => resume(Effect.succeed(response.resume().statusCode)))
          sent.on("error", (cause) => resume(Effect.die(cause)))
          if ("expect" in headers) sent.on("continue", () => sent.end(body)).flushHeaders()
          else sent.end(body)
        })
        assert.strictEqual(status, 201)
      })
    )
  }
})

describe("KOINON_CORS_ORIGINS", () => {
  it.effect("takes origins as a browser sends them, and nothing that would never match or matches all", () =>
    Effect.gen(function* () {
      const read = (text: string) =>
        settings.corsOrigins.config.parse(ConfigProvider.fromUnknown({ KOINON_CORS_ORIGINS: text }))
      assert.deepStrictEqual(yield* read(""), [])
      assert.deepStrictEqual(yield* read(`${app} ,http://localhost:3000`), [app, "http://localhost:3000"])
      for (const text of ["*", "null", `${app}/`, "app.example.com", `${app}/path`, "https://APP.example.com"]) {
        assert.strictEqual((yield* Effect.result(read(text)))._tag, "Failure", text)
      }
    })
  )
})
