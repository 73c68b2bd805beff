import { answeredInTime, answeredLater } from "#http/door/Later.ts"
import { fingerprinting } from "#http/door/RequestCommand.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { clientCommandId } from "#runtime/actor/Naming.ts"
import { renderOperation } from "#http/resource/Operation.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import { start } from "../runtime/Runners.ts"
import { businessId, commandId, credit, openBusiness, purchase, register, share } from "../runtime/SampleCommands.ts"
import { gate, quiet, until } from "../runtime/Waiting.ts"
import * as Shop from "../support/Shop.ts"
import { start as startServer, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"
const later = { prefer: "respond-async" }

/** Of the real clock, in which a journal that is real has answered whatever it is asked meanwhile. */
const waitMaxMs = 60_000

const masterSecret = "a master secret that is long enough for tests"
const testServer = Layer.effect(TestServer, startServer({ KOINON_MASTER_SECRET: masterSecret }))

const fingerprintOf = (path: string, body: unknown) =>
  Effect.map(Effect.provide(fingerprinting, Sealer.layer(Redacted.make(masterSecret))), (fingerprint) =>
    fingerprint(`POST ${path}\n${JSON.stringify(body)}`)
  )

/** Lets time pass until it has ended; in between the journal, which is real, gets as much as it needs. */
const ended = Effect.fnUntraced(function* <A, E>(fiber: Fiber.Fiber<A, E>) {
  const until = performance.now() + waitMaxMs
  while (fiber.pollUnsafe() === undefined && performance.now() < until) {
    yield* TestClock.adjust(100)
    yield* quiet
  }
  return yield* Fiber.join(fiber)
})

layer(testServer)("an operation", (it) => {
  it.effect(
    "is what a write is answered with whose caller prefers not to wait, and ends with the answer of the write",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 10)
      const body = Shop.receipt(server, eleni)
      const accepted = yield* server.request("POST", purchases, body, later)
      assert.strictEqual(accepted.status, 202)
      const location = accepted.headers.get("location")
      assert.strictEqual(location, `/backoffice/v2/operations/${accepted.body.id}`)
      assert.include(["RUNNING", "DONE"], accepted.body.state)
      // The same purchase again is answered once it is posted; then the operation is done as well.
      const posted = yield* server.request("POST", purchases, body)
      const read = yield* server.request("GET", location ?? "")
      assert.strictEqual(read.status, 200)
      assert.deepStrictEqual(read.body, { id: accepted.body.id, state: "DONE", result: posted.body })
    })
  )

  it.effect(
    "says why it was refused, as the write would have said",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const body = Shop.receipt(server, eleni)
      const accepted = yield* server.request("POST", purchases, body, later)
      assert.deepStrictEqual([accepted.status, accepted.body.state], [202, "REFUSED"])
      const atOnce = yield* server.request("POST", purchases, body)
      assert.strictEqual(atOnce.status, 400)
      const read = yield* server.request("GET", accepted.headers.get("location") ?? "")
      const { instance: _, ...problem } = atOnce.body
      assert.deepInclude(read.body.problem, problem)
    })
  )

  it.effect(
    "is not what a request is answered with that never became a command",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const unknown = Shop.receipt(server, undefined, { cims: [{ type: "EMAIL", value: "nobody@example.com" }] })
      assert.strictEqual((yield* server.request("POST", purchases, unknown, later)).status, 404)
      assert.strictEqual((yield* server.request("POST", purchases, {}, later)).status, 400)
    })
  )

  it.effect(
    "P7 keeps its Idempotency-Key: the same request comes back to it, another one is refused",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const headers = { ...later, "idempotency-key": randomUUID() }
      const body = Shop.receipt(server, eleni)
      const first = yield* server.request("POST", purchases, body, headers)
      const again = yield* server.request("POST", purchases, body, headers)
      assert.deepStrictEqual([again.status, again.body.id], [202, first.body.id])
      const other = yield* server.request("POST", purchases, Shop.receipt(server, eleni), headers)
      assert.deepStrictEqual([other.status, other.body.error], [422, "KOINON.IDEMPOTENCY_KEY_REUSED"])
    })
  )

  it.effect(
    "is read by its business, and by the contact it is about, and by nobody else",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, other] = [yield* Shop.person(server), yield* Shop.person(server)]
      const business = yield* Shop.otherBusiness(server)
      const accepted = yield* server.request("POST", purchases, Shop.receipt(server, eleni), later)
      const location = accepted.headers.get("location") ?? ""
      assert.strictEqual((yield* server.requestAs(eleni.token, "GET", location)).status, 200)
      assert.strictEqual((yield* server.requestAs(other.token, "GET", location)).status, 404)
      const foreign = yield* server.request("GET", location, undefined, { api_key: business.secretKey })
      assert.strictEqual(foreign.status, 404)
      assert.strictEqual((yield* server.request("GET", `/backoffice/v2/operations/${randomUUID()}`)).status, 404)
      assert.strictEqual((yield* server.request("GET", "/backoffice/v2/operations/nonsense")).status, 404)
    })
  )

  it.effect(
    "takes the place of an answer that is not there after five seconds, if the command is durable; else it is 503",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const { actors } = server
      const business = actors.business(server.businessId)
      if (business === undefined) return assert.fail("the server has its business")
      const eleni = yield* Shop.person(server)
      const key = randomUUID()
      const journal = { action: "CREDIT", amount: 1 }
      const path = `/backoffice/v2/wallets/${eleni.id}/journals`
      const { id: entryId } = yield* Shop.made(server.request("POST", path, journal, { "idempotency-key": key }))
      const apiKey = business.apiKeys.find(({ kind }) => kind === "SECRET")
      const fingerprint = yield* fingerprintOf(path, journal)
      const credited = clientCommandId(business.id, `key/${apiKey?.id}`, key)

      for (const answered of [answeredInTime, answeredLater]) {
        const wait = (id: string) =>
          answered({ business, commandId: id, fingerprint }, Effect.never).pipe(
            Effect.provideService(Actors, actors),
            Effect.result,
            Effect.forkChild
          )
        const known = yield* wait(credited)
        const reply = yield* ended(known)
        assert.deepStrictEqual(reply._tag === "Success" && reply.success, {
          later: { id: credited, state: "DONE", result: { id: entryId } }
        })
        const unknown = yield* wait(randomUUID())
        const none = yield* ended(unknown)
        assert.deepInclude(none._tag === "Failure" ? none.failure : {}, { status: 503, retryAfterSeconds: 1 })
      }
    })
  )
})

describe("a purchase that waits for a shared wallet", () => {
  it.effect("P8 is an operation that runs after five seconds, and is done when the wallet has answered", () =>
    Effect.gen(function* () {
      const runner = yield* start(JournalMemory.emptyStore(), { cascadeTurnsMax: 1 })
      const { actors, connection } = runner
      yield* actors.ask(openBusiness())
      for (const contact of [1, 2]) yield* actors.ask(register(contact))
      yield* actors.ask(credit(1, 1_000n, "opening"))
      yield* actors.ask(share(1, 2))
      yield* until(() => connection.sent.some(({ units }) => units.some(({ done }) => done !== undefined)))
      const draws = yield* gate
      // What a message causes waits; what the caller asks for does not.
      connection.around = (commit, batch) =>
        batch.units.some(({ done }) => done !== undefined) ? draws.hold(commit) : commit

      const business = actors.business(businessId)
      if (business === undefined) return assert.fail("the business is open")
      const [id, fingerprint] = [commandId(1), "a purchase"]
      const asked = actors.ask({ ...purchase(2, 1, 500n), id, fingerprint })
      const waiting = yield* Effect.forkChild(
        Effect.provideService(answeredInTime({ business, commandId: id, fingerprint }, asked), Actors, actors)
      )
      yield* until(() => draws.arrived() > 0)
      assert.deepStrictEqual(yield* ended(waiting), { later: { id, state: "RUNNING" } })

      const settled: Array<string> = []
      actors.onCommitted(({ settles }) => settled.push(...settles.map(({ commandId }) => commandId)))
      yield* draws.open
      yield* until(() => settled.includes(id))
      const known = yield* actors.outcome(businessId, id, fingerprint)
      assert.deepInclude(known && renderOperation(business, id, known.reply), { id, state: "DONE" })
    })
  )
})
