/** What operators and developers are told, by a server whose database a test can disturb (P15). */
import { assert, describe, it, layer } from "@effect/vitest"
import { endpoints } from "#http/Api.ts"
import { HealthBounds } from "#http/operator/HealthBounds.ts"
import * as HealthChecks from "#http/operator/HealthChecks.ts"
import type { Readiness } from "#http/operator/OperatorApi.ts"
import { describe as describeApi } from "#http/operator/OperatorDoor.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import * as Live from "../support/LiveWorld.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { type Parsed, start, TestServer } from "../support/TestServer.ts"
import * as TestServerLayer from "../support/TestServer.ts"

type Server = TestServer["Service"]

const pollMs = 50
const waitMaxMs = 60_000

/** A server and a connection to its database. */
const disturbable = Effect.gen(function* () {
  const { url } = yield* TestDatabase.create
  const server = yield* start({ DATABASE_URL: Redacted.value(url) })
  const connection = yield* PgConnection.make({ url })
  return { server, query: (text: string) => Effect.orDie(connection.query(text)) }
})

const ready = (server: Server) =>
  Effect.map(server.request("GET", "/health/ready"), ({ status, body }) => {
    const { checks, ...rest } = body as Readiness
    return { httpStatus: status, ...rest, check: (name: string) => checks.find((each) => each.name === name) }
  })

/** Asks until the answer is as expected. */
const readyWhen = Effect.fnUntraced(function* (
  server: Server,
  isExpected: (answer: Effect.Success<ReturnType<typeof ready>>) => boolean
) {
  const until = performance.now() + waitMaxMs
  while (true) {
    const answer = yield* ready(server)
    if (isExpected(answer) || performance.now() > until) return answer
    yield* Effect.sleep(pollMs)
  }
})

const credit = (server: Server, contactId: string) =>
  server.request("POST", `/backoffice/v2/wallets/${contactId}/journals`, {
    action: "CREDIT",
    amount: 1,
    currency_code: "EUR",
    notes: "for the test"
  })

const person = (server: Server) =>
  Effect.map(
    server.request("POST", "/backoffice/v2/contacts", { type: "PERSON", first_name: "Eleni", last_name: "Georgiou" }),
    ({ body }) => body.id as string
  )

describe("health", () => {
  it.live("is green with every check and its reason while all is well, and open to anyone", () =>
    Effect.gen(function* () {
      const { server } = yield* disturbable
      const answer = yield* server.request("GET", "/health/ready", undefined, { api_key: undefined })
      assert.strictEqual(answer.status, 200)
      const { status, version, checks } = answer.body as Readiness
      assert.strictEqual(status, "pass", JSON.stringify(checks.filter((check) => check.status !== "pass")))
      assert.match(version, /^\d+\.\d+\.\d+/)
      const names = ["database", "shards", "lane", "load", "inbox", "projections", "outbox", "migrations"]
      assert.deepStrictEqual(
        checks.map(({ name }) => name),
        names
      )
      for (const check of checks)
        assert.include({ ...check, said: check.reason.length > 5 }, { status: "pass", said: true })
      const live = yield* server.request("GET", "/health/live", undefined, { api_key: undefined })
      assert.deepStrictEqual(live.body, { status: "pass", version })
    })
  )

  it.live("turns red with the age of the stall while commits do not go through, and green again after (P15)", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable
      const contact = yield* person(server)
      yield* query("BEGIN")
      yield* query("LOCK TABLE event IN EXCLUSIVE MODE")
      // Past the door, where nobody is told to come again: it waits for as long as the stall lasts.
      const stuck = yield* Effect.forkChild(Live.credit(server, contact))
      const red = yield* readyWhen(server, ({ httpStatus }) => httpStatus === 503)
      assert.strictEqual(red.status, "fail")
      assert.match(red.check("lane")?.reason ?? "", /has taken \d{4,} ms; 1 units wait/)
      assert.isAbove(red.check("lane")?.observed?.["stalled_ms"] ?? 0, 2_000)
      assert.strictEqual((yield* server.request("GET", "/health/live")).status, 200)
      yield* query("ROLLBACK")
      const green = yield* readyWhen(server, ({ httpStatus }) => httpStatus === 200)
      assert.strictEqual(green.status, "pass")
      yield* Fiber.join(stuck)
      const wallet = yield* server.request("GET", `/backoffice/v2/wallets/${contact}`)
      assert.strictEqual(wallet.body.total_balance, 1, JSON.stringify(wallet.body))
    })
  )

  it.live("turns red when a projection has stopped, and says why (P15)", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable
      yield* query("ALTER TABLE contact_directory RENAME TO elsewhere")
      yield* person(server)
      const red = yield* readyWhen(server, ({ httpStatus }) => httpStatus === 503)
      assert.match(red.check("projections")?.reason ?? "", /contact_directory has stopped \(.+\), \d+ events behind/)
      assert.strictEqual(red.check("lane")?.status, "pass")
    })
  )

  it.live("warns of parked work without turning anybody away", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable
      const contact = yield* person(server)
      yield* query(
        `INSERT INTO inbox (id, business, key, shard, command, deliver_at)
         VALUES ('${randomUUID()}', '${server.businessId}', '${contact}', 1, '{"_tag":"Nonsense"}', 0)`
      )
      const answer = yield* readyWhen(server, ({ status }) => status === "warn")
      assert.strictEqual(answer.httpStatus, 200)
      assert.match(answer.check("inbox")?.reason ?? "", /1 messages are parked/)
    })
  )

  it.effect("turns red with the age of the oldest work that is due and not done (P15)", () =>
    Effect.gen(function* () {
      const { inboxAgeMaxMs } = yield* HealthBounds
      const journal = JournalMemory.make(JournalMemory.emptyStore())
      const forgetful = Layer.succeed(Journal, {
        ...journal,
        due: () => Effect.succeed({ rows: [], nextAt: undefined }),
        backlog: (now) => Effect.succeed({ due: 3, parked: 0, oldestDueAt: now - inboxAgeMaxMs - 1 })
      })
      const sealer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))
      const runtime = Actors.layer.pipe(Layer.provideMerge(Layer.merge(forgetful, sealer)))
      const checks = yield* Effect.provide(Effect.flatten(HealthChecks.make), runtime)
      const inbox = checks.find(({ name }) => name === "inbox")
      assert.strictEqual(inbox?.status, "fail")
      assert.match(inbox?.reason ?? "", /due for 10001 ms; 3 are due/)
    })
  )

  it.live("turns red when another runner has taken the shards", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable
      const contact = yield* person(server)
      yield* query(`UPDATE shard_epoch SET epoch = epoch + 1, owner = '${randomUUID()}'`)
      assert.strictEqual((yield* credit(server, contact)).status, 503)
      const red = yield* readyWhen(server, ({ httpStatus }) => httpStatus === 503)
      assert.match(red.check("shards")?.reason ?? "", /another runner/)
    })
  )

  it.live("turns red when the schema is not the one of this code", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable
      yield* query("INSERT INTO migration (id, name, checksum) VALUES (9999, 'of_tomorrow', 'x')")
      const red = yield* readyWhen(server, ({ httpStatus }) => httpStatus === 503)
      assert.strictEqual(red.check("migrations")?.status, "fail")
    })
  )
})

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: ReadonlyArray<string>
  readonly security: ReadonlyArray<Record<string, unknown>>
  readonly parameters: ReadonlyArray<{
    readonly name: string
    readonly in: string
    readonly schema: { readonly type?: string }
  }>
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly additionalProperties?: unknown } }>
  }
  readonly responses: Record<string, unknown>
}

const operationsOf = (description: Record<string, unknown>) =>
  Object.entries(description["paths"] as Record<string, Record<string, Operation>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation }))
  )

const refsIn = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  const own = "$ref" in value && typeof value.$ref === "string" ? [value.$ref] : []
  return [...own, ...Object.values(value).flatMap(refsIn)]
}

layer(TestServerLayer.layer, { excludeTestServices: true })("a running server", (it) => {
  it.effect("shows its counters to Prometheus, each with help and type, and no personal data", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const contact = yield* person(server)
      yield* credit(server, contact)
      yield* server.request("GET", "/nowhere")
      const { status, headers, body } = yield* server.request("GET", "/metrics", undefined, { api_key: undefined })
      assert.strictEqual(status, 200)
      assert.match(headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
      const text = String(body)
      const valueOf = (sample: string) =>
        Number(
          text
            .split("\n")
            .find((line) => line.startsWith(`${sample} `))
            ?.split(" ")[1]
        )
      assert.isAbove(valueOf("koinon_commits_total"), 0)
      assert.isAbove(valueOf("koinon_units_total"), 1)
      assert.strictEqual(valueOf("koinon_commit_units_count"), valueOf("koinon_commits_total"))
      assert.strictEqual(valueOf("koinon_commit_units_sum"), valueOf("koinon_units_total"))
      assert.isAbove(valueOf("koinon_resident_groups"), 0)
      assert.strictEqual(valueOf("koinon_inbox_parked"), 0)
      assert.strictEqual(valueOf('koinon_projection_stopped{projection="contact_directory"}'), 0)
      const created = 'method="POST",route="/backoffice/v2/contacts"'
      assert.isAbove(valueOf(`koinon_http_requests_total{${created},status="201"}`), 0)
      assert.isAbove(valueOf(`koinon_http_request_duration_seconds_bucket{${created},le="+Inf"}`), 0)
      assert.isAbove(valueOf('koinon_http_requests_total{method="*",route="unmatched",status="404"}'), 0)
      assert.notInclude(text, contact)
      assert.notInclude(text, "Eleni")
      const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
      for (const sample of samples) {
        const family = /^([a-z_]+?)(_bucket|_sum|_count)?(\{|\s)/.exec(sample)?.[1] ?? ""
        const isKnown =
          text.includes(`# TYPE ${family} `) || text.includes(`# TYPE ${/^[a-z_]+/.exec(sample)?.[0] ?? ""} `)
        assert.isTrue(isKnown, sample)
        assert.match(sample, / (\d|NaN)[\d.e+-]*$/)
      }
    })
  )

  it.effect("describes every operation that it serves, and itself, in OpenAPI 3.1", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { status, body } = yield* server.request("GET", "/openapi.json", undefined, { api_key: undefined })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(
        body,
        JSON.parse(JSON.stringify(describeApi(endpoints.map(({ declaration }) => declaration))))
      )
      assert.strictEqual(body.openapi, "3.1.0")
      const described = operationsOf(body)
      const served = endpoints.map(
        ({ declaration }) => `${declaration.method} ${declaration.path.replaceAll(/:(\w+)/g, "{$1}")}`
      )
      const shown = described.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
      for (const one of [...served, "GET /live", "GET /health/ready", "GET /metrics"]) assert.include(shown, one)
      const names = described.map(({ operation }) => operation.operationId)
      assert.strictEqual(new Set(names).size, names.length)
      for (const { path, operation } of described) {
        const inPath = operation.parameters.filter((each) => each.in === "path").map(({ name }) => `{${name}}`)
        assert.deepStrictEqual(inPath, path.match(/\{\w+\}/g) ?? [], path)
        assert.isAbove(operation.summary.length, 3)
        for (const { schema } of Object.values(operation.requestBody?.content ?? {})) {
          assert.isFalse("additionalProperties" in schema && schema.additionalProperties !== false, path)
        }
      }
      for (const ref of refsIn(body)) {
        const target = ref
          .slice(2)
          .split("/")
          .reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], body)
        assert.isDefined(target, ref)
      }
    })
  )

  it.effect(
    "writes conditions down once as they are sent and once as they are answered, and is no larger than that",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { body } = yield* server.request("GET", "/openapi.json")
        const schemas = body.components.schemas
        for (const name of ["Filter", "PlainCondition"]) {
          const isOpen = (schema: Parsed) => schema.anyOf.map((each: Parsed) => each.additionalProperties !== false)
          assert.notInclude(isOpen(schemas[name]), true, `a field of ${name} that is not declared is refused`)
          assert.notInclude(isOpen(schemas[`${name}Answered`]), false, `${name} may come to have more fields`)
        }
        const usesOf = (part: unknown) => new Set(JSON.stringify(part).match(/Condition(Answered)?(?=")/g))
        const { post, get } = body.paths["/backoffice/v2/segments"]
        assert.deepStrictEqual(usesOf(post.requestBody), new Set(["Condition"]))
        assert.deepStrictEqual(usesOf(get.responses), new Set(["ConditionAnswered"]))
        assert.isBelow(JSON.stringify(body).length, 600_000)
      })
  )

  it.effect("says of each operation who may ask, and how a write is repeated", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { body } = yield* server.request("GET", "/openapi.json")
      const operation = (id: string) => operationsOf(body).find((each) => each.operation.operationId === id)?.operation
      const post = operation("postPurchase")
      assert.deepStrictEqual(post?.security, [{ api_key: [] }])
      assert.include(post?.parameters.map(({ name }) => name) ?? [], "Idempotency-Key")
      for (const status of ["201", "202", "400", "401", "409", "422", "429", "503"])
        assert.property(post?.responses, status)
      assert.deepStrictEqual(operation("getContact")?.security[0], { access_token: [] })
      assert.deepStrictEqual(operation("getReadiness")?.security, [])
      const page = operation("listContacts")?.parameters.find(({ name }) => name === "page")
      assert.strictEqual(page?.schema.type, "integer")
    })
  )

  it.effect("has docs that load nothing from elsewhere", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { status, body } = yield* server.request("GET", "/docs", undefined, { api_key: undefined })
      assert.strictEqual(status, 200)
      const page = String(body)
      assert.include(page, "Post a purchase")
      assert.notMatch(page, /<(script|link|img)[^>]+(src|href)="(https?:)?\/\//)
    })
  )
})
