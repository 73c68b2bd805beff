import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"

const organisations = "/backoffice/v2/organisations"
const pools = "/backoffice/v2/commerce_pools"
const settings = "/backoffice/v2/settings"

layer(TestServer.layer)("a business in its back office", (it) => {
  it.effect("lists its organisations from the service owner down", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const list = bodyOf(yield* server.request("GET", `${organisations}?size=4`), 200)
      const types = list.content.map(({ type }: { type: string }) => type)
      assert.deepStrictEqual(types, ["SERVICE_OWNER", "BUSINESS", "MERCHANT", "VENUE"])
      const [owner, business, merchant, venue] = list.content
      assert.strictEqual(business.id, server.businessId)
      assert.strictEqual(business.parent_id, owner.id)
      assert.strictEqual(venue.parent_id, merchant.id)
      assert.deepInclude(venue, { id: server.storeId, currency_code: "EUR", country: "CYP", time_zone: "Asia/Nicosia" })
      const venues = bodyOf(yield* server.request("GET", `${organisations}?type=VENUE&include_total=true`), 200)
      assert.strictEqual(venues.paging.total, venues.content.length)
    })
  )

  it.effect("adds merchants below itself and venues below a merchant, each once", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const headers = { "idempotency-key": "a-merchant" }
      const given = { type: "MERCHANT", name: "Bakery" }
      const merchant = bodyOf(yield* server.request("POST", organisations, given, headers), 201)
      assert.strictEqual(merchant.parent_id, server.businessId)
      const again = yield* server.request("POST", organisations, given, headers)
      assert.deepStrictEqual(bodyOf(again, 201), merchant)
      const venue = { type: "VENUE", name: "Corner", parent_id: merchant.id, time_zone: "Europe/Athens" }
      const corner = bodyOf(yield* server.request("POST", organisations, venue), 201)
      assert.strictEqual(corner.time_zone, "Europe/Athens")
      const purchase = yield* server.request("POST", "/backoffice/v2/purchases", {
        contact: { id: (yield* contact(server)).id },
        organisation: { id: corner.id },
        transaction_amounts: { total: 1 }
      })
      assert.strictEqual(bodyOf(purchase, 201).organisation.name, "Corner")

      bodyOf(yield* server.request("POST", organisations, { type: "VENUE", name: "Nowhere" }), 400)
      bodyOf(yield* server.request("POST", organisations, { ...venue, parent_id: server.storeId }), 400)
      bodyOf(yield* server.request("POST", organisations, { ...venue, time_zone: "Mars/Olympus" }), 400)
      const own = yield* server.request("POST", organisations, { ...given, currency_code: "USD" })
      assert.deepStrictEqual(pointersOf(own), ["/currency_code"])
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", organisations, { type: "SERVICE_OWNER" })), [
        "/type",
        "/name"
      ])
    })
  )

  it.effect("is opened with the service owner's key and has keys of its own, the same for a repeated request", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const given = { type: "BUSINESS", name: "Second", currency_code: "JPY", country: "JPN", time_zone: "Asia/Tokyo" }
      const headers = { "idempotency-key": "a-business" }
      const opened = bodyOf(yield* server.request("POST", organisations, given, headers), 201)
      assert.deepStrictEqual(bodyOf(yield* server.request("POST", organisations, given, headers), 201), opened)
      const theirs = { api_key: opened.secret_key }
      const list = bodyOf(yield* server.request("GET", organisations, undefined, theirs), 200)
      assert.deepStrictEqual(
        list.content.map(({ type }: { type: string }) => type),
        ["SERVICE_OWNER", "BUSINESS"]
      )
      assert.strictEqual(list.content[1].currency_code, "JPY")
      assert.notInclude(JSON.stringify(list), "sk_")

      bodyOf(yield* server.request("POST", organisations, given, theirs), 403)
      bodyOf(yield* server.request("GET", organisations, undefined, { api_key: opened.publishable_key }), 403)
      const { currency_code: _, ...without } = given
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", organisations, without)), ["/currency_code"])
    })
  )

  it.effect("has commerce pools with conditions, of which products may be named by what was sold", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const sold = bodyOf(
        yield* server.request("POST", "/backoffice/v2/purchases", {
          contact: { id: (yield* contact(server)).id },
          organisation: { id: server.storeId },
          transaction_amounts: { total: 2 },
          products: [{ product_sku: { sku: "COF-1", name: "Coffee" }, quantity: 1, total_amount: 2 }]
        }),
        201
      )
      const coffee = sold.products[0].product_sku.id
      const made = bodyOf(
        yield* server.request("POST", pools, {
          name: "Coffee",
          description: "Coffee in the morning",
          organisations: [{ id: server.storeId }],
          products: [{ sku: "TEA-1" }, { id: coffee, id_type: "PRODUCT" }],
          timings: [{ day: 2, start_time: "07:00", end_time: "11:00" }],
          applicable_for_activation: true,
          validity_days: 30
        }),
        201
      )
      assert.deepStrictEqual(
        made.products.map(({ sku }: { sku: string }) => sku),
        ["TEA-1", "COF-1"]
      )
      assert.strictEqual(made.products[1].id, coffee)
      assert.deepStrictEqual(made.organisations, [{ id: server.storeId, name: "Main store", type: "VENUE" }])
      const list = bodyOf(yield* server.request("GET", pools), 200)
      assert.deepStrictEqual(
        list.content.find(({ id }: { id: string }) => id === made.id),
        made
      )

      for (const [status, given] of [
        [404, { organisations: [{ id: coffee }] }],
        [404, { products: [{ id: server.storeId }] }],
        [422, { products: [{ id: coffee, id_type: "BRAND" }] }],
        [400, { timings: [{ day: 8 }] }],
        [400, { timings: [{ start_time: "7" }] }],
        [400, { validity_days: -1 }],
        [400, { is_active: true }]
      ] as const) {
        bodyOf(yield* server.request("POST", pools, { name: "Bad", ...given }), status)
      }
    })
  )

  it.effect("converts purchases of another currency at the rate posted (PUR-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const rates = "/backoffice/v2/exchange_rates"
      const inDollars = (reference: string, contactId: string) =>
        server.request("POST", "/backoffice/v2/purchases", {
          contact: { id: contactId },
          organisation: { id: server.storeId },
          reference_number: reference,
          transaction_amounts: { total: 10 },
          currency_code: "USD"
        })
      const { id } = yield* contact(server)
      bodyOf(yield* inDollars("before", id), 400)
      bodyOf(yield* server.request("PUT", rates, { currency_code: "USD", rate: 0.92 }), 200)
      assert.strictEqual(bodyOf(yield* inDollars("after", id), 201).total_default_currency, 9.2)
      for (const bad of [
        { currency_code: "EUR", rate: 1 },
        { currency_code: "USD", rate: 0 },
        { currency_code: "USD", rate: -1 }
      ]) {
        bodyOf(yield* server.request("PUT", rates, bad), 400)
      }
    })
  )

  it.effect("changes its settings at the version seen; what is left out stays (SHR-5, IDN-2)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const before = yield* server.request("GET", settings)
      assert.deepStrictEqual(bodyOf(before, 200), { sharing_order: "OWNER_FIRST", wallet_code_mode: "STATIC" })
      const seen = { "if-match": before.headers.get("etag") ?? "" }
      const changed = { sharing_order: "MEMBER_FIRST", wallet_code_mode: "STATIC" }
      const put = (body: object) => server.request("PUT", settings, body, seen)
      assert.deepStrictEqual(bodyOf(yield* put({ sharing_order: "MEMBER_FIRST" }), 200), changed)
      bodyOf(yield* put({ sharing_order: "OWNER_FIRST" }), 412)
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", settings), 200), changed)
      assert.deepStrictEqual(pointersOf(yield* server.request("PUT", settings, { sharing_order: "NOBODY" })), [
        "/sharing_order"
      ])
    })
  )
})
