/** P2 and P7 at the door: one request, one effect, one answer, however often and wherever it is sent again. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Redacted from "effect/Redacted"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { layer as testServer, start, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"

/** The answer as bytes, for comparing repetitions. */
const raw = (server: TestServer["Service"], path: string, body: unknown, key: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { api_key: server.apiKey, "idempotency-key": key },
      body: JSON.stringify(body)
    })
    const replayed = response.headers.get("idempotency-replayed")
    return { status: response.status, replayed, bytes: Buffer.from(await response.arrayBuffer()).toString("latin1") }
  })

layer(testServer)("a request with an Idempotency-Key", (it) => {
  it.effect(
    "P2 is done once; its answer is repeated byte for byte and says so",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const credits = `/backoffice/v2/wallets/${eleni.id}/journals`
      const credit = { action: "CREDIT", amount: 20.1, currency_code: "EUR", notes: "Καλωσόρισμα" }
      const receipt = Shop.receipt(server, eleni)
      for (const [path, body] of [
        [credits, credit],
        [purchases, receipt]
      ] as const) {
        const key = randomUUID()
        const first = yield* raw(server, path, body, key)
        assert.deepStrictEqual([first.status, first.replayed], [201, null])
        const before = Shop.stored(server)
        for (let time = 0; time < 3; time++) {
          assert.deepStrictEqual(yield* raw(server, path, body, key), { ...first, replayed: "true" })
        }
        assert.strictEqual(Shop.stored(server), before)
      }
      assert.strictEqual((yield* server.request("GET", `/backoffice/v2/wallets/${eleni.id}`)).body.total_open, 10.1)
    })
  )

  it.effect(
    "P2 is refused for the same reason again, also when the reason is gone",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const key = randomUUID()
      const body = Shop.receipt(server, eleni)
      const refused = yield* raw(server, purchases, body, key)
      assert.strictEqual(refused.status, 400)
      yield* Shop.credit(server, eleni, 100)
      assert.strictEqual((yield* raw(server, purchases, body, key)).bytes, refused.bytes)
      // The till may come again under another key (PUR-2).
      assert.strictEqual((yield* raw(server, purchases, body, randomUUID())).status, 201)
    })
  )

  it.effect(
    "P7 with another payload or another path is refused, and nothing is done",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, other] = [yield* Shop.person(server), yield* Shop.person(server)]
      const path = `/backoffice/v2/wallets/${eleni.id}/journals`
      const credit = { action: "CREDIT", amount: 5 }
      const key = randomUUID()
      assert.strictEqual((yield* raw(server, path, credit, key)).status, 201)
      const before = Shop.stored(server)
      for (const [otherPath, body] of [
        [path, { ...credit, amount: 6 }],
        [`/backoffice/v2/wallets/${other.id}/journals`, credit],
        [purchases, Shop.receipt(server, eleni)]
      ] as const) {
        const answer = yield* server.request("POST", otherPath, body, { "idempotency-key": key })
        assert.deepStrictEqual([answer.status, answer.body.error], [422, "KOINON.IDEMPOTENCY_KEY_REUSED"], otherPath)
      }
      assert.strictEqual(Shop.stored(server), before)
    })
  )

  it.effect(
    "P7 is one's own: another caller's key of the same name is another key",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, destination] = [yield* Shop.person(server), yield* Shop.person(server)]
      const business = yield* Shop.otherBusiness(server)
      const key = randomUUID()
      const path = `/backoffice/v2/wallets/${eleni.id}/journals`
      assert.strictEqual((yield* raw(server, path, { action: "CREDIT", amount: 5 }, key)).status, 201)
      const headers = { "idempotency-key": key, api_key: business.secretKey }
      const contact = { type: "PERSON", first_name: "Νίκος", last_name: "Γεωργίου", email: "nikos@example.com" }
      assert.strictEqual((yield* server.request("POST", "/backoffice/v2/contacts", contact, headers)).status, 201)
      const transfer = { origin: { wallet_id: eleni.id }, destination: { wallet_id: destination.id }, amount: 5 }
      const byToken = { "idempotency-key": key, api_key: undefined, authorization: `Bearer ${eleni.token}` }
      assert.strictEqual((yield* server.request("POST", "/self-service/v2/transfers", transfer, byToken)).status, 201)
    })
  )

  it.effect(
    "P2 sent many times at once is done once: one is answered, the others are told to come back or get its answer",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.share(server, owner, member)
      yield* Shop.credit(server, owner, 100)
      let bought = 0
      let toldToComeBack = 0
      // That one is done before the next arrives is chance, and not that it goes on for ever.
      while (toldToComeBack === 0 && bought < 9) {
        const body = Shop.receipt(server, member)
        const key = randomUUID()
        const send = server.request("POST", purchases, body, { "idempotency-key": key })
        const answers = yield* Effect.all(
          Array.from({ length: 16 }, () => send),
          { concurrency: "unbounded" }
        )
        bought += 1
        const running = answers.filter(({ status }) => status !== 201)
        toldToComeBack += running.length
        for (const { body: problem, headers, status } of running) {
          assert.deepStrictEqual([status, problem.error], [409, "KOINON.STILL_RUNNING"])
          assert.strictEqual(headers.get("retry-after"), "1")
        }
        assert.lengthOf(
          answers.filter(({ status, headers }) => status === 201 && !headers.has("idempotency-replayed")),
          1
        )
        assert.strictEqual((yield* send).headers.get("idempotency-replayed"), "true")
      }
      assert.isAbove(toldToComeBack, 0)
      const { body: wallet } = yield* server.request("GET", `/backoffice/v2/wallets/${owner.id}`)
      assert.strictEqual(wallet.total_open, 100 - 10 * bought)
    })
  )

  it.effect(
    "is 1 to 255 visible characters",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      for (const key of ["", "two words", "k".repeat(256)]) {
        const answer = yield* server.request("POST", purchases, Shop.receipt(server, eleni), { "idempotency-key": key })
        assert.deepStrictEqual([answer.status, answer.body.faults[0].pointer], [400, "Idempotency-Key"], key)
      }
    })
  )
})

layer(testServer)("a receipt", (it) => {
  it.effect(
    "PUR-2 is one purchase by organisation and reference number, without any key; other contents are a conflict",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, other] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, eleni, 100)
      yield* Shop.credit(server, other, 100)
      const body = Shop.receipt(server, eleni)
      const first = yield* server.request("POST", purchases, body)
      const before = Shop.stored(server)
      const again = yield* server.request("POST", purchases, body)
      assert.deepStrictEqual([again.status, again.body], [201, first.body])
      const changed = yield* server.request("POST", purchases, { ...body, transaction_amounts: { total: 11 } })
      assert.deepStrictEqual([changed.status, changed.body.error], [409, "KOINON.REFERENCE_REUSED"])
      const byOther = yield* server.request("POST", purchases, { ...body, contact: { id: other.id } })
      assert.deepStrictEqual([byOther.status, byOther.body.error], [409, "KOINON.REFERENCE_REUSED"])
      assert.strictEqual(Shop.stored(server), before)

      const merchant = yield* Shop.made(
        server.request("POST", "/backoffice/v2/organisations", { type: "MERCHANT", name: "Another till" })
      )
      const elsewhere = { ...body, organisation: { id: merchant.id } }
      assert.notStrictEqual((yield* Shop.made(server.request("POST", purchases, elsewhere))).id, first.body.id)
    })
  )
})

describe("after a restart", () => {
  it.effect(
    "P2 P7 the answers are the same: replayed, refused, or the same receipt",
    Effect.fnUntraced(function* () {
      const database = yield* TestDatabase.create
      const dataDirectory = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-test-restart-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
      const environment = { DATABASE_URL: Redacted.value(database.url), KOINON_DATA_DIR: dataDirectory }
      const key = randomUUID()
      const scope = yield* Scope.make()
      const before = yield* Effect.gen(function* () {
        const server = yield* start(environment)
        const eleni = yield* Shop.person(server)
        yield* Shop.credit(server, eleni, 10)
        const body = Shop.receipt(server, eleni)
        return { eleni, body, answer: yield* raw(server, purchases, body, key) }
      }).pipe(Scope.provide(scope))
      yield* Scope.close(scope, Exit.void)

      const { eleni, body, answer } = before
      assert.deepStrictEqual([answer.status, answer.replayed], [201, null])
      const server = yield* start(environment)
      const stored = Shop.stored(server)
      assert.deepStrictEqual(yield* raw(server, purchases, body, key), { ...answer, replayed: "true" })
      const other = Shop.receipt(server, eleni)
      assert.strictEqual((yield* raw(server, purchases, other, key)).status, 422)
      const again = yield* server.request("POST", purchases, body)
      assert.deepStrictEqual(
        [again.status, again.body],
        [201, JSON.parse(Buffer.from(answer.bytes, "latin1").toString())]
      )
      assert.strictEqual(Shop.stored(server), stored)
      assert.strictEqual((yield* server.request("GET", `/backoffice/v2/wallets/${eleni.id}`)).body.total_open, 0)
    })
  )
})
