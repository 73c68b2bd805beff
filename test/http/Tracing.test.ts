/** What a collector is told: one trace of a request from the door to the sockets, logs that name it, nobody's data. */
import { assert, describe, it } from "@effect/vitest"
import { CascadeTurnsMax } from "#runtime/actor/Cascade.ts"
import * as Tracing from "#runtime/observability/Tracing.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { randomUUID } from "node:crypto"
import * as Collector from "../support/Collector.ts"
import { attributesOf, type CollectedSpan } from "../support/Collector.ts"
import { eventually } from "../support/Eventually.ts"
import { connectAs, follow } from "../support/LiveClient.ts"
import { credit, household, person, type Server, token } from "../support/LiveWorld.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { start } from "../support/TestServer.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const callerSpan = "00f067aa0ba902b7"
const traceparent = `00-${traceId}-${callerSpan}-01`

const purchase = (server: Server, contactId: string, amount: number) => ({
  contact: { id: contactId },
  organisation: { id: server.storeId },
  reference_number: randomUUID(),
  transaction_amounts: { total: amount },
  products: [{ product_sku: { sku: "7890", name: "Olives" }, quantity: 1, total_amount: amount }],
  spend_request: { amount, restrict_fully_covered: true }
})

const post = (
  server: Server,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = { traceparent }
) => server.request("POST", path, body, headers)

/** The one span of the name with these attributes. */
const only = (
  spans: ReadonlyArray<CollectedSpan>,
  name: string,
  sought: Record<string, unknown> = {}
): CollectedSpan => {
  const found = spans.filter((span) => {
    const attributes = attributesOf(span)
    return span.name === name && Object.entries(sought).every(([key, value]) => attributes[key] === value)
  })
  assert.strictEqual(
    found.length,
    1,
    `${name} ${JSON.stringify(sought)} among ${spans.map((span) => span.name).join()}`
  )
  return found[0] as CollectedSpan
}

const isWithin = (inner: CollectedSpan, from: CollectedSpan): boolean =>
  BigInt(inner.startTimeUnixNano) >= BigInt(from.startTimeUnixNano) &&
  BigInt(inner.endTimeUnixNano) >= BigInt(inner.startTimeUnixNano)

const paid = "purchase.paid"
const triesMax = 5

describe("a collector", () => {
  it.live("is sent one trace of a purchase: request, turn, commit, view and push, each with its cause", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.start
      const server = yield* start({
        OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20of-the-collector,x-tenant=shop",
        KOINON_TRACE_RATIO: "0"
      })
      const buyer = yield* person(server, "Eleni")
      yield* credit(server, buyer, 10_000n)
      const app = yield* connectAs(server.url, { token: yield* token(server, buyer) })
      yield* follow(app, `contact/${buyer}`)
      const asked = purchase(server, buyer, 12.5)
      const answer = yield* post(server, "/backoffice/v2/purchases", asked)
      assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
      yield* app.until(() => app.events().some(({ event }) => event.type === paid))
      const { spans } = collector
      // What ended a moment later comes with a later export.
      const isThere = (sought: string, attributes: Record<string, unknown> = {}) =>
        spans.some(
          (span) =>
            span.name === sought &&
            Object.entries(attributes).every(([key, value]) => attributesOf(span)[key] === value)
        )
      yield* eventually(
        "the trace is whole",
        Effect.sync(
          () =>
            isThere("POST /backoffice/v2/purchases") &&
            isThere("turn", { "koinon.command": "PostPurchase" }) &&
            isThere("commit") &&
            isThere("projection", { "koinon.projection": "catalogue" }) &&
            isThere("push")
        )
      )
      assert.deepStrictEqual([...new Set(spans.map((span) => span.traceId))], [traceId])
      const request = only(spans, "POST /backoffice/v2/purchases")
      assert.strictEqual(request.parentSpanId, callerSpan)
      assert.deepStrictEqual(attributesOf(request), {
        "http.request.method": "POST",
        "http.route": "/backoffice/v2/purchases",
        "http.response.status_code": 201
      })
      const turn = only(spans, "turn", { "koinon.command": "PostPurchase" })
      assert.strictEqual(turn.parentSpanId, request.spanId)
      const commit = only(spans, "commit")
      assert.strictEqual(commit.parentSpanId, turn.spanId)
      const view = only(spans, "projection", { "koinon.projection": "catalogue" })
      assert.strictEqual(view.parentSpanId, commit.spanId)
      const pushes = spans.filter(({ name }) => name === "push")
      assert.isAbove(pushes.length, 0)
      for (const push of pushes) {
        assert.strictEqual(push.parentSpanId, commit.spanId)
        assert.deepInclude(attributesOf(push), { "koinon.feed": "contact", "koinon.followers": 1 })
      }
      for (const inner of [turn, commit, view, ...pushes]) assert.isTrue(isWithin(inner, request), inner.name)

      const [sent] = collector.exports
      assert.strictEqual(sent?.path, "/v1/traces")
      assert.deepInclude(sent?.headers, { authorization: "Bearer of-the-collector", "x-tenant": "shop" })
      const resource = JSON.parse(sent?.text ?? "").resourceSpans[0].resource
      assert.strictEqual(attributesOf(resource)["service.name"], "koinon")
      const everything = collector.exports.map(({ text }) => text).join()
      const personal = [buyer, "Eleni", "Georgiou", answer.body.id, asked.reference_number, "Olives", server.apiKey]
      for (const value of [...personal, server.businessId]) assert.notInclude(everything, value)
    })
  )

  const ways = { "in one commit": 16, "by message": 1 }
  for (const [way, turnsMax] of Object.entries(ways)) {
    it.live(`sees the turns of all who take part in a shared purchase in one trace: ${way}`, () =>
      Effect.gen(function* () {
        const collector = yield* Collector.start
        const started = start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, KOINON_TRACE_RATIO: "0" })
        const server = yield* Effect.provideService(started, CascadeTurnsMax, turnsMax)
        const { member } = yield* household(server)
        assert.strictEqual((yield* post(server, "/backoffice/v2/purchases", purchase(server, member, 5))).status, 201)
        const answered = () => collector.spans.find(({ name }) => name.startsWith("POST"))
        const spansOf = (sought: string) => collector.spans.filter(({ name }) => name === sought)
        // What goes on after the answer is exported after it: each turn stands in a commit that ends later.
        yield* eventually(
          "the trace is whole",
          Effect.sync(
            () =>
              answered() !== undefined &&
              spansOf("turn").length > 2 &&
              spansOf("commit").length >= (turnsMax === 1 ? spansOf("turn").length : 1)
          )
        )
        const request = answered()
        const turns = spansOf("turn")
        assert.isAbove(turns.length, 2)
        const [first, ...others] = turns.toSorted((a, b) => (a.startTimeUnixNano < b.startTimeUnixNano ? -1 : 1))
        assert.strictEqual(first?.parentSpanId, request?.spanId)
        const ids = new Set(collector.spans.map(({ spanId }) => spanId))
        for (const { parentSpanId } of others) assert.isTrue(ids.has(parentSpanId ?? ""))
        assert.deepStrictEqual([...new Set(collector.spans.map((span) => span.traceId))], [traceId])
        const commits = spansOf("commit").length
        assert.strictEqual(commits, turnsMax === 1 ? turns.length : 1)
      })
    )
  }

  it.live("is sent a trace of each line of a batch", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.start
      const server = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, KOINON_TRACE_RATIO: "0" })
      const buyer = yield* person(server, "Eleni")
      yield* credit(server, buyer, 10_000n)
      const lines = [1, 2, 3].map((amount) => JSON.stringify(purchase(server, buyer, amount)))
      const unknown = JSON.stringify(purchase(server, randomUUID(), 4))
      const path = "/backoffice/v2/purchases/batch"
      assert.strictEqual((yield* post(server, path, [...lines, unknown].join("\n"))).status, 200)
      const requests = () => collector.spans.filter(({ name }) => name === `POST ${path}`)
      yield* collector.wait(() => (requests().length === 4 ? true : undefined))
      const statuses = requests().map((span) => attributesOf(span)["http.response.status_code"])
      assert.sameMembers(statuses, [201, 201, 201, 404])
      const parents = collector.spans.filter(({ name }) => name === "turn").map(({ parentSpanId }) => parentSpanId)
      for (const span of requests()) {
        if (attributesOf(span)["http.response.status_code"] === 201) assert.include(parents, span.spanId)
      }
    })
  )

  it.live("gets what is left when the server stops, and nobody minds if it is not there", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.start
      const absent = yield* Effect.scoped(Effect.map(Collector.start, ({ url }) => url))
      const served = (endpoint: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const server = yield* start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
            const contact = yield* person(server, "Eleni")
            const entry = { action: "CREDIT", amount: 1, currency_code: "EUR", notes: "for the test" }
            return (yield* post(server, `/backoffice/v2/wallets/${contact}/journals`, entry)).status
          })
        )
      // There is a second for it, which a busy machine may need for something else.
      const name = "POST /backoffice/v2/wallets/:id/journals"
      const came = () => collector.spans.filter((span) => span.name === name).length
      for (let nth = 0; nth < triesMax && came() === 0; nth++) {
        assert.strictEqual(yield* served(collector.url), 201)
      }
      assert.strictEqual(came(), 1)
      assert.strictEqual(yield* served(absent), 201)
    })
  )

  it.live("is told what was refused by its tag, and by the log which trace a fault belongs to", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.start
      const { url } = yield* TestDatabase.create
      const server = yield* start({
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_SERVICE_NAME: "till",
        DATABASE_URL: Redacted.value(url)
      })
      const contact = yield* person(server, "Eleni")
      const wallet = `/backoffice/v2/wallets/${contact}/journals`
      const entry = { amount: 1, currency_code: "EUR", notes: "a private note" }
      const refused = yield* post(server, wallet, { action: "DEBIT", ...entry })
      assert.isAbove(refused.status, 399)
      const turn = yield* collector.wait(() => collector.spans.find((span) => "koinon.refusal" in attributesOf(span)))
      assert.match(String(attributesOf(turn as CollectedSpan)["koinon.refusal"]), /^[A-Z]\w+$/)

      // From now on the journal takes no credit: what the store will never take is a fault of ours, and logged.
      const connection = yield* PgConnection.make({ url })
      yield* connection.query("ALTER TABLE event ADD CONSTRAINT no_credit CHECK (type <> 'FundsCredited') NOT VALID")
      const failed = yield* post(server, wallet, { action: "CREDIT", ...entry })
      assert.strictEqual(failed.status, 500)
      const logged = yield* collector.wait(() =>
        collector.logs.find(({ body }) => JSON.stringify(body).includes("a turn threw on PostJournal"))
      )
      assert.strictEqual(logged?.traceId, traceId)
      const request = yield* collector.wait(() =>
        collector.spans.find((span) => attributesOf(span)["http.response.status_code"] === 500)
      )
      assert.strictEqual(request?.name, "POST /backoffice/v2/wallets/:id/journals")
      const everything = collector.exports.map(({ text }) => text).join()
      assert.include(everything, '"till"')
      for (const value of [contact, "Eleni", "a private note"]) assert.notInclude(everything, value)
    })
  )

  it.live("is sent nothing while no variable names it, whatever a caller asks for", () =>
    Effect.gen(function* () {
      const { url } = yield* Collector.start
      /** Where a server sent anything, before it stopped. */
      const sentBy = (environment: Readonly<Record<string, string>>) =>
        Effect.gen(function* () {
          const sent: Array<string> = []
          const watched: typeof fetch = (input, init) => {
            sent.push(input instanceof Request ? input.url : String(input))
            return fetch(input, init)
          }
          yield* Effect.scoped(
            Effect.gen(function* () {
              const server = yield* Effect.provideService(start(environment), FetchHttpClient.Fetch, watched)
              const contact = yield* person(server, "Eleni")
              const entry = { action: "CREDIT", amount: 1, currency_code: "EUR", notes: "for the test" }
              assert.strictEqual((yield* post(server, `/backoffice/v2/wallets/${contact}/journals`, entry)).status, 201)
            })
          )
          return sent
        })
      assert.deepStrictEqual(yield* sentBy({}), [])
      assert.include(yield* sentBy({ OTEL_EXPORTER_OTLP_ENDPOINT: url }), `${url}/v1/traces`)
    })
  )
})

describe("what is traced", () => {
  const begin = (ratio: number, parent?: string, times = 1) => {
    const tracing = Tracing.make(Tracer.nativeTracer, ratio)
    return Array.from({ length: times }, () => tracing.begin("GET /", parent, {})).filter((each) => each !== undefined)
  }

  it("is what a caller wants traced, and nothing that it does not", () => {
    assert.strictEqual(begin(0, traceparent)[0]?.span.traceId, traceId)
    assert.deepStrictEqual(begin(1, `00-${traceId}-${callerSpan}-00`), [])
  })

  it("is judged by the share where the caller says nothing, or nothing that can be understood", () => {
    const nonsense = [
      "",
      "00",
      `ff-${traceId}-${callerSpan}-01`,
      `00-${"0".repeat(32)}-${callerSpan}-01`,
      "x".repeat(99)
    ]
    for (const parent of [undefined, ...nonsense]) {
      assert.strictEqual(begin(1, parent).length, 1, parent)
      assert.strictEqual(begin(0, parent).length, 0, parent)
    }
  })

  it("is bounded a second, also where callers ask for more (P11)", () => {
    // A try that takes longer than a second has more to give.
    const least = (ratio: number, parent?: string) =>
      Math.min(...Array.from({ length: triesMax }, () => begin(ratio, parent, 1_000).length))
    assert.strictEqual(least(1), Tracing.tracesPerSecondMax)
    assert.strictEqual(least(0, traceparent), Tracing.tracesPerSecondMax)
  })
})
