/**
 * Several runners over one database, each with its own doors: any of them answers anything, and one that leaves hands over
 * what it had (P12). Real sockets between them; kills and frozen runners are chaos's part.
 */
import { assert, describe, it } from "@effect/vitest"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as Collector from "../support/Collector.ts"
import { connectAs, follow, isA } from "../support/LiveClient.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { startRunner, type TestServer } from "../support/TestServer.ts"
import { holdsAll, persistently, personOn, shared, twoRunners, until } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

const balanceOf = (server: Server, who: Shop.Person) =>
  Effect.map(
    Shop.made(server.request("GET", `/self-service/v2/wallets/${who.id}`)),
    ({ total_balance }) => total_balance as number
  )

describe("two runners on one database", () => {
  it.live("any answers anything: who is registered at one is paid, read, found and listed at the other", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const here = yield* personOn(first, second)
      const there = yield* personOn(second, first)
      for (const who of [here, there]) {
        yield* Shop.credit(second, who, 30)
        yield* Shop.credit(first, who, 20)
        assert.deepStrictEqual([yield* balanceOf(first, who), yield* balanceOf(second, who)], [50, 50])
        const found = yield* Shop.made(first.request("GET", `/backoffice/v2/contacts/${who.code}`))
        assert.strictEqual(found.id, who.id)
      }
      const listed = yield* Shop.made(second.request("GET", "/backoffice/v2/contacts?size=100"))
      const ids = listed.content.map(({ id }: { readonly id: string }) => id)
      assert.includeMembers(ids, [here.id, there.id])
    }).pipe(Effect.scoped)
  )

  it.live("a purchase of one is paid from the shared wallet of another on the other runner (SHR-4)", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const owner = yield* personOn(first, first)
      const member = yield* personOn(second, first)
      yield* Shop.credit(first, owner, 100)
      const app = yield* connectAs(second.url, { token: owner.token })
      yield* follow(app, `wallet/${owner.id}`)
      yield* Shop.share(first, owner, member)
      const hers = () => second.requestAs(member.token, "GET", `/self-service/v2/contacts/${member.id}/communities`)
      let joined = false
      while (!joined) joined = (yield* Shop.made(hers())).content.length > 0
      for (const server of [first, second]) {
        const bought = yield* Shop.made(
          server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member))
        )
        assert.deepInclude(bought.rewards, { spend: 10 })
      }
      assert.strictEqual(yield* balanceOf(second, owner), 80)
      // Told by the runner that she is connected to, although her wallet is on the other.
      yield* app.until(() => app.events().filter(({ event }) => event.type === "wallet.debited").length === 2)
      const left = app.events().flatMap(({ event }) => (event.type === "wallet.debited" ? [event.balance] : []))
      assert.deepStrictEqual(left, [90, 80])
    }).pipe(Effect.scoped)
  )

  it.live("an Idempotency-Key has one effect whichever door it comes to, and when it comes to both (P2, P7)", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const who = yield* Shop.person(first)
      const post = (server: Server, key: string, amount: number) =>
        server.request(
          "POST",
          `/backoffice/v2/wallets/${who.id}/journals`,
          { action: "CREDIT", amount, currency_code: "EUR" },
          { "idempotency-key": key }
        )
      const key = randomUUID()
      const both = yield* Effect.all([post(first, key, 10), post(second, key, 10)], { concurrency: "unbounded" })
      const [one] = both.filter(({ status }) => status === 201)
      assert.isDefined(one)
      const again = yield* Effect.all([post(first, key, 10), post(second, key, 10)], { concurrency: 1 })
      assert.deepStrictEqual(
        again.map(({ status, body }) => [status, body]),
        [
          [201, one?.body],
          [201, one?.body]
        ]
      )
      assert.deepStrictEqual([(yield* post(first, key, 11)).status, (yield* post(second, key, 11)).status], [422, 422])
      assert.strictEqual(yield* balanceOf(second, who), 10)
    }).pipe(Effect.scoped)
  )

  it.live("a business opened at one is served by the other, with the keys that it was given", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const { secretKey } = yield* Shop.otherBusiness(first)
      yield* until("its key is known", () => [...second.actors.businesses()].length === 2)
      const hers = yield* Shop.person(second, {}, secretKey)
      const foreign = yield* second.request("GET", `/backoffice/v2/contacts/${hers.id}`)
      assert.strictEqual(foreign.status, 404)
    }).pipe(Effect.scoped)
  )
})

describe("a request that is answered by another runner", () => {
  it.live("leaves one trace: the request, the way to the other runner, the turn and its commit there", () =>
    Effect.gen(function* () {
      const collector = yield* Collector.start
      const database = yield* TestDatabase.create
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, KOINON_TRACE_RATIO: "0" }
      const first = yield* startRunner(database, environment)
      const second = yield* startRunner(database, environment)
      yield* shared(first, second)
      const there = yield* personOn(second, first)
      const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
      const { status } = yield* first.request(
        "POST",
        `/backoffice/v2/wallets/${there.id}/journals`,
        { action: "CREDIT", amount: 1, currency_code: "EUR" },
        { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }
      )
      assert.strictEqual(status, 201)
      const path = ["POST /backoffice/v2/wallets/:id/journals", "carried", "turn", "commit"]
      const spans = () => collector.spans.filter((span) => span.traceId === traceId)
      yield* until("all of it is told", () => path.every((name) => spans().some((span) => span.name === name)))
      const parents = path.map((name) => {
        const parentId = spans().find((span) => span.name === name)?.parentSpanId
        return spans().find(({ spanId }) => spanId === parentId)?.name
      })
      assert.deepStrictEqual(parents.slice(1, 3), path.slice(0, 2))
    }).pipe(Effect.scoped)
  )
})

describe("shards that somebody else takes over and leaves", () => {
  it.live("are placed anew by the cluster, although nobody's lock has changed hands (P5)", () =>
    Effect.gen(function* () {
      const { database, first, second } = yield* twoRunners()
      const people = [yield* personOn(first, first), yield* personOn(second, first)]
      // As a runner without --cluster does when it starts, or a rebuild.
      yield* PgConnection.make({ url: database.url }).pipe(
        Effect.flatMap((connection) =>
          connection.query("UPDATE shard_epoch SET epoch = epoch + 1, owner = gen_random_uuid()")
        ),
        Effect.scoped
      )
      for (const who of people) {
        let status = 0
        while (status !== 201) {
          const body = { action: "CREDIT", amount: 1, currency_code: "EUR" }
          status = (yield* first.request("POST", `/backoffice/v2/wallets/${who.id}/journals`, body)).status
          assert.include([201, 202, 503], status)
        }
      }
    }).pipe(Effect.scoped)
  )
})

describe("a runner that comes and goes (P12)", () => {
  it.live("takes its part, and hands it over with everything that was answered", () =>
    Effect.gen(function* () {
      const database = yield* TestDatabase.create
      const first = persistently(yield* startRunner(database))
      yield* holdsAll(first)
      const people = yield* Effect.forEach(Array.from({ length: 8 }), () => Shop.person(first))
      const app = yield* connectAs(first.url, { api_key: first.apiKey })
      const [someone] = people as [Shop.Person]
      yield* follow(app, `wallet/${someone.id}`)

      let answered = 0
      let going = true
      const till = Effect.forEach(people, (who) => Effect.map(Shop.credit(first, who, 1), () => (answered += 1)), {
        discard: true
      }).pipe(Effect.repeat({ while: () => going }))
      const working = yield* Effect.forkChild(till, { startImmediately: true })
      const scope = yield* Scope.make()
      const second = yield* Scope.provide(startRunner(database), scope)
      yield* shared(first, second)
      yield* Scope.close(scope, Exit.void)
      yield* holdsAll(first)
      going = false
      yield* Fiber.join(working)

      const balances = yield* Effect.forEach(people, (who) => balanceOf(first, who))
      assert.strictEqual(
        balances.reduce((sum, each) => sum + each, 0),
        answered
      )
      assert.isAbove(answered, people.length)
      // Who looked on has seen every credit, or was told to look again where the shard moved.
      const told = () => app.events().filter(({ event }) => event.type === "wallet.credited").length
      yield* app.until(() => told() >= (balances[0] ?? 0) || app.frames.some(isA("reload")))
      if (!app.frames.some(isA("reload"))) assert.strictEqual(told(), balances[0])
    }).pipe(Effect.scoped)
  )
})
