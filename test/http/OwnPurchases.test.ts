import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"
const transfers = "/self-service/v2/transfers"

/** The server runs on the real clock. */
const wallClockMs = (): number => Date.now()

layer(testServer)("purchases and transfers of a contact over HTTP", (it) => {
  it.effect(
    "PUR-6 the buyer reads her purchases, also cancelled ones, by the day on which they happened",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const day = 86_400
      const today = Math.floor(wallClockMs() / 1000)
      const ids: Array<string> = []
      for (const age of [3, 2, 1]) {
        const body = Shop.receipt(server, eleni, { date: today - age * day })
        ids.push((yield* Shop.made(server.request("POST", purchases, body))).id)
      }
      const cancelled = ids[1] as string
      yield* Shop.made(server.request("POST", `${purchases}/${cancelled}/cancel`, {}))
      const list = (query = "") =>
        Effect.map(
          server.requestAs(eleni.token, "GET", `/self-service/v2/contacts/${eleni.id}/purchases${query}`),
          ({ body }) => body
        )
      const idsOf = (list: { readonly content: ReadonlyArray<{ readonly id: string }> }) =>
        list.content.map(({ id }) => id)

      const all = yield* list("?include_total=true")
      assert.deepStrictEqual(idsOf(all), ids.toReversed())
      assert.deepInclude(all.paging, { total: 3, has_more: false })
      assert.strictEqual(all.content[1].state, "CANCELLED")
      assert.deepInclude(all.content[0].rewards, { spend: 10 })
      assert.strictEqual(all.content[0].contact.name, "Ελένη Χριστοδούλου")
      const middle = `?date[gt]=${today - 3 * day}&date[lte]=${today - 2 * day}`
      assert.deepStrictEqual(idsOf(yield* list(middle)), [cancelled])
      assert.deepStrictEqual(idsOf(yield* list(`?date=${today - day}`)), [ids[2]])
      assert.deepStrictEqual(idsOf(yield* list("?order=ASC&size=1&page=2")), [cancelled])
      assert.deepStrictEqual(idsOf(yield* list("?is_ad_hoc_returned=true")), [])

      const one = yield* server.requestAs(eleni.token, "GET", `/self-service/v2/purchases/${ids[2]}`)
      assert.deepStrictEqual([one.status, one.body], [200, all.content[0]])
    })
  )

  it.effect(
    "SHR-7 rewards name what was spent, pool by pool, whoever's wallet it came from",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.share(server, owner, member)
      const poolId = yield* Shop.pool(server, { name: "Bread" })
      yield* Shop.credit(server, owner, 4)
      yield* Shop.credit(server, member, 3, poolId)
      yield* Shop.credit(server, member, 20)
      const { id } = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, member)))
      const rewards = (query = "") =>
        Effect.map(
          server.requestAs(member.token, "GET", `/self-service/v2/purchases/${id}/rewards${query}`),
          ({ body }) => body.content
        )
      const spent = [
        { type: "SPEND", amount: 7, currency_code: "EUR" },
        { type: "SPEND", amount: 3, currency_code: "EUR", commerce_pool: { id: poolId, name: "Bread" } }
      ]
      assert.deepStrictEqual(yield* rewards(), spent)
      assert.deepStrictEqual(yield* rewards("?type=SPEND"), spent)
      assert.deepStrictEqual(yield* rewards("?type=AWARD"), [])
    })
  )

  it.effect(
    "a purchase of somebody else is not found",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, other] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, eleni, 10)
      const { id } = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni)))
      for (const path of [`/${id}`, `/${id}/rewards`, `/${randomUUID()}`, "/nonsense"]) {
        const read = yield* server.requestAs(other.token, "GET", `/self-service/v2/purchases${path}`)
        assert.strictEqual(read.status, 404, path)
      }
      const list = yield* server.requestAs(other.token, "GET", `/self-service/v2/contacts/${eleni.id}/purchases`)
      assert.strictEqual(list.status, 403)
    })
  )

  it.effect(
    "WAL-8 a transfer moves money by the origin's own token or the secret key, and by nothing less",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [origin, destination] = [yield* Shop.person(server), yield* Shop.person(server)]
      const { publishableKey } = yield* Shop.otherBusiness(server)
      yield* Shop.credit(server, origin, 20)
      const body = { origin: { wallet_id: origin.id }, destination: { wallet_id: destination.id }, amount: 1.25 }
      assert.strictEqual((yield* server.requestAs(origin.token, "POST", transfers, body)).status, 201)
      assert.strictEqual((yield* server.request("POST", transfers, body)).status, 201)
      const before = Shop.stored(server)
      assert.strictEqual((yield* server.requestAs(destination.token, "POST", transfers, body)).status, 403)
      const byPublishable = yield* server.request("POST", transfers, body, { api_key: publishableKey })
      assert.strictEqual(byPublishable.status, 401)
      assert.strictEqual(Shop.stored(server), before)
      const read = yield* server.request("GET", `/backoffice/v2/wallets/${destination.id}`)
      assert.strictEqual(read.body.total_open, 2.5)
    })
  )

  it.effect(
    "WAL-8 a transfer that nobody can take is refused, and the money is back",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const origin = yield* Shop.person(server)
      yield* Shop.credit(server, origin, 20)
      const send = (fields: Readonly<Record<string, unknown>>) =>
        server.requestAs(origin.token, "POST", transfers, {
          origin: { wallet_id: origin.id },
          destination: { wallet_id: randomUUID() },
          amount: 5,
          ...fields
        })
      const nowhere = yield* send({})
      assert.deepStrictEqual([nowhere.status, nowhere.body.error], [409, "KOINON.TRANSFER_REFUSED"])
      assert.strictEqual((yield* send({ destination: { wallet_id: origin.id } })).body.error, "KOINON.TRANSFER_TO_SELF")
      const before = Shop.stored(server)
      const beyond = yield* send({ amount: 20.01 })
      assert.strictEqual(beyond.body.error, "CRM.EXCEPTIONS.CANNOTSPENDAMOUNTWALLETBALANCENOTENOUGHEXCEPTION")
      for (const unbuilt of [
        { cash_pocket: true },
        { origin: { account_id: randomUUID() } },
        { destination: { account_id: randomUUID() } },
        { transfer_date: 1_600_000_000 }
      ]) {
        const refused = yield* send(unbuilt)
        assert.deepStrictEqual(
          [refused.status, refused.body.error],
          [422, "KOINON.NOT_SUPPORTED"],
          JSON.stringify(unbuilt)
        )
      }
      assert.strictEqual(Shop.stored(server), before)
      const read = yield* server.requestAs(origin.token, "GET", `/self-service/v2/wallets/${origin.id}`)
      assert.strictEqual(read.body.total_open, 20)
    })
  )

  it.effect(
    "P2 P7 a transfer that names itself is done once, and its name is good for no other",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [origin, destination] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, origin, 20)
      const id = randomUUID()
      const body = { id, origin: { wallet_id: origin.id }, destination: { wallet_id: destination.id }, amount: 2 }
      const send = (amount: number) => server.requestAs(origin.token, "POST", transfers, { ...body, amount })
      const first = yield* send(2)
      assert.deepStrictEqual([first.status, first.body], [201, { id }])
      const again = yield* send(2)
      assert.deepStrictEqual([again.status, again.body], [201, { id }])
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      assert.strictEqual((yield* send(3)).status, 422)
      const read = yield* server.requestAs(origin.token, "GET", `/self-service/v2/wallets/${origin.id}`)
      assert.strictEqual(read.body.total_open, 18)
    })
  )
})
