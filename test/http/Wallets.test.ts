import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const wallets = "/self-service/v2/wallets"
const backOffice = "/backoffice/v2/wallets"

layer(testServer)("a wallet over HTTP", (it) => {
  it.effect(
    "WAL-1 WAL-2 a journal without a pool moves the open pocket, one with a pool commerce money",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const poolId = yield* Shop.pool(server)
      const body = { action: "CREDIT", amount: 40.5, currency_code: "EUR", notes: "Welcome" }
      const credited = yield* server.request("POST", `${backOffice}/${eleni.walletCode}/journals`, body)
      assert.strictEqual(credited.status, 201)
      assert.isString(credited.body.id)
      yield* Shop.credit(server, eleni, 7, poolId)
      const debit = { action: "DEBIT", amount: 0.5 }
      assert.strictEqual((yield* server.request("POST", `${backOffice}/${eleni.code}/journals`, debit)).status, 201)

      const expected = { total_balance: 47, total_open: 40, total_commerce: 7 }
      const own = yield* server.requestAs(eleni.token, "GET", `${wallets}/${eleni.id}`)
      assert.strictEqual(own.status, 200)
      assert.deepInclude(own.body, { id: eleni.id, code: eleni.walletCode, ...expected })
      assert.deepInclude(own.body.balances[0], {
        type: "BUSINESS",
        currency_code: "EUR",
        total: 47,
        open: 40,
        commerce: 7
      })
      assert.match(own.headers.get("etag") ?? "", /^"\d+"$/)
      const byCode = yield* server.request("GET", `${backOffice}/${eleni.walletCode}`)
      assert.deepStrictEqual(byCode.body, own.body)
    })
  )

  it.effect(
    "WAL-9 a debit beyond the balance takes nothing and says what is there",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 5)
      const before = Shop.stored(server)
      const debit = { action: "DEBIT", amount: 5.01 }
      const refused = yield* server.request("POST", `${backOffice}/${eleni.id}/journals`, debit)
      assert.strictEqual(refused.status, 400)
      assert.strictEqual(refused.headers.get("content-type"), "application/problem+json")
      assert.strictEqual(refused.body.error, "CRM.EXCEPTIONS.CANNOTSPENDAMOUNTWALLETBALANCENOTENOUGHEXCEPTION")
      assert.deepInclude(refused.body.parameters, { requested: 5.01, available: 5, currency: "EUR" })
      assert.strictEqual(Shop.stored(server), before)
    })
  )

  it.effect(
    "lists journals by type, kind, pool and day, in pages with exact totals and what is left of each credit",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const poolId = yield* Shop.pool(server, { validity_days: 10 })
      for (const amount of [1, 2, 3]) yield* Shop.credit(server, eleni, amount)
      yield* Shop.credit(server, eleni, 9, poolId)
      const debit = { action: "DEBIT", amount: 2.5 }
      yield* Shop.made(server.request("POST", `${backOffice}/${eleni.id}/journals`, debit))
      const list = (query: string) =>
        Effect.map(server.requestAs(eleni.token, "GET", `${wallets}/${eleni.id}/journals?${query}`), ({ body }) => body)

      const amounts = (list: { readonly content: ReadonlyArray<{ readonly amount: number }> }) =>
        list.content.map(({ amount }) => amount)
      const first = yield* list("size=2&include_total=true")
      assert.deepInclude(first.paging, { page: 1, size: 2, total: 5, has_more: true })
      assert.deepStrictEqual(amounts(first), [2.5, 9])
      assert.deepStrictEqual(amounts(yield* list("size=2&page=2")), [3, 2])
      const next = yield* list(`size=2&cursor=${first.paging.next_cursor}`)
      assert.deepStrictEqual(amounts(next), [3, 2])
      assert.deepStrictEqual(amounts(yield* list("type=CREDIT&order=ASC&is_open=true")), [1, 2, 3])
      assert.deepStrictEqual(amounts(yield* list("is_commerce=true")), [9])
      assert.deepStrictEqual(amounts(yield* list("is_wallet_fee=true")), [])
      assert.deepStrictEqual(amounts(yield* list("transaction_type=SETTLEMENT_PROCESS")), [])
      assert.deepStrictEqual(amounts(yield* list(`commerce_pool_id=${poolId}`)), [9])
      const left = yield* list("include_unallocated_credit=true&type=CREDIT&order=ASC")
      assert.deepStrictEqual(
        left.content.map((entry: { readonly unallocated_amount: number }) => entry.unallocated_amount),
        [0, 0.5, 3, 9]
      )
      assert.isNumber(left.content[3].expiration_date)
      const postedOn = left.content[0].posted_on
      assert.lengthOf((yield* list(`posted_on[gte]=${postedOn}&posted_on[lt]=${postedOn + 3600}`)).content, 5)
      assert.lengthOf((yield* list(`posted_on[lt]=${postedOn}`)).content, 0)
      assert.deepStrictEqual((yield* list("size=0&include_total=true")).paging, {
        page: 1,
        size: 0,
        total: 5,
        has_more: true
      })
      const inBackOffice = yield* server.request("GET", `${backOffice}/${eleni.id}/journals?size=2&include_total=true`)
      assert.deepStrictEqual(inBackOffice.body, first)
    })
  )

  it.effect(
    "WAL-3 shows commerce money by pool with its conditions, largest first, and when it expires",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const [soon, later, never] = [
        yield* Shop.pool(server, { name: "Soon", validity_days: 10 }),
        yield* Shop.pool(server, { name: "Later", validity_days: 75, applicable_for_activation: true }),
        yield* Shop.pool(server, {
          name: "Never",
          organisations: [{ id: server.storeId }],
          products: [{ sku: "COF-1" }],
          timings: [{ day: 2, start_time: "08:00", end_time: "11:00" }]
        })
      ]
      yield* Shop.credit(server, eleni, 3, soon)
      yield* Shop.credit(server, eleni, 8, later)
      yield* Shop.credit(server, eleni, 5, never)
      const list = (query = "") =>
        Effect.map(
          server.requestAs(eleni.token, "GET", `${wallets}/${eleni.id}/commerce_balances${query}`),
          ({ body }) => body
        )
      const all = yield* list("?include_expiration=true")
      assert.deepStrictEqual(
        all.content.slice(0, 3).map(({ id, amount }: { id: string; amount: number }) => [id, amount]),
        [
          [later, 8],
          [never, 5],
          [soon, 3]
        ]
      )
      assert.deepInclude(all.content[0], { applicable_for_activation: true, is_active: false, currency_code: "EUR" })
      assert.deepStrictEqual(all.content[0].expiration, {
        zero_to_thirty: 0,
        thirty_to_sixty: 0,
        sixty_to_ninety: 8,
        ninety_plus: 0
      })
      assert.deepStrictEqual(all.content[2].expiration.zero_to_thirty, 3)
      assert.deepStrictEqual(all.content[1].expiration.ninety_plus, 0)
      assert.strictEqual(all.content[1].organisations[0].id, server.storeId)
      assert.strictEqual(all.content[1].products[0].sku, "COF-1")
      assert.deepStrictEqual(all.content[1].timings, [{ day: 2, start_time: "08:00", end_time: "11:00" }])

      const one = yield* list(`?commerce_pool_id=${never}`)
      assert.lengthOf(one.content, 1)
      assert.notProperty(one.content[0], "expiration")
      const actions = `/self-service/v2/commerce_pools/${later}/actions`
      const activated = yield* server.requestAs(eleni.token, "PUT", actions, { action: "ACTIVATE" })
      assert.deepStrictEqual([activated.status, activated.body], [200, { id: later }])
      assert.isTrue((yield* list(`?is_active=true&commerce_pool_id=${later}`)).content[0].is_active)
      assert.strictEqual(
        (yield* server.requestAs(eleni.token, "GET", `${wallets}/${eleni.id}`)).body.activated_commerce_pools,
        1
      )
      yield* Shop.made(server.requestAs(eleni.token, "PUT", actions, { action: "DEACTIVATE" }))
      assert.lengthOf((yield* list(`?is_active=true&commerce_pool_id=${later}`)).content, 0)
    })
  )

  it.effect(
    "IDN-2 a static code stays; a rotating one is the same while it lives, pays once, and is then another",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 50)
      const code = Effect.map(server.requestAs(eleni.token, "GET", `${wallets}/${eleni.id}/code`), ({ body }) => body)
      assert.deepStrictEqual(yield* code, { code: eleni.walletCode })

      const setMode = (mode: string) => server.request("PUT", "/backoffice/v2/settings", { wallet_code_mode: mode })
      yield* Shop.made(setMode("DYNAMIC"))
      const [first, same] = yield* Effect.all([code, code], { concurrency: "unbounded" })
      assert.match(first.code, /^\d{16}$/)
      assert.notStrictEqual(first.code, eleni.walletCode)
      assert.strictEqual(same.code, first.code)
      assert.isNumber(first.expiration_date)
      const pay = server.request(
        "POST",
        "/backoffice/v2/purchases",
        Shop.receipt(server, undefined, { cims: [{ type: "WALLET_CODE", value: first.code }] })
      )
      assert.strictEqual((yield* pay).status, 201)
      assert.notStrictEqual((yield* code).code, first.code)
      yield* Shop.made(setMode("STATIC"))
    })
  )

  it.effect(
    "SHR-7 transactions tell where money came from: a shared purchase, a transfer, and what a member took",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.share(server, owner, member)
      yield* Shop.credit(server, owner, 30)
      const purchase = yield* Shop.made(
        server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member))
      )
      const transfer = yield* Shop.made(
        server.requestAs(owner.token, "POST", "/self-service/v2/transfers", {
          origin: { wallet_id: owner.id },
          destination: { wallet_id: member.id },
          amount: 4,
          code: "1234567812345678",
          notes: "Pocket money"
        })
      )
      const list = (who: Shop.Person, query = "") =>
        Effect.map(
          server.requestAs(who.token, "GET", `${wallets}/${who.id}/transactions${query}`),
          ({ body }) => body.content
        )

      const [sent, drawn] = yield* list(owner, `?community_member_id=${member.id}`)
      assert.deepInclude(sent, { type: "DEBIT", amount: 4, transaction_type: "TRANSFER", pocket: "BUSINESS" })
      assert.deepInclude(sent.financial_event, {
        id: transfer.id,
        notes: "Pocket money",
        reference_number: "1234567812345678"
      })
      assert.deepStrictEqual(sent.transfer.contact, { id: member.id, name: "Ελένη Χριστοδούλου", code: member.code })
      assert.deepInclude(drawn, { type: "DEBIT", amount: 10, transaction_type: "WALLET_SHARING" })
      assert.strictEqual(drawn.reward_event.purchase_id, purchase.id)

      const spent = yield* list(member, "?type=DEBIT&pocket=BUSINESS")
      assert.deepInclude(spent[0], { amount: 10, transaction_type: "SPEND" })
      assert.strictEqual(spent[0].reward_event.performed_by.id, server.storeId)
      assert.lengthOf(yield* list(member), 3)
      assert.lengthOf(yield* list(member, "?pocket=CRMCOM"), 0)
    })
  )

  it.effect(
    "is nobody else's: another contact's token is 403, another business's key finds nothing",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, other] = [yield* Shop.person(server), yield* Shop.person(server)]
      const business = yield* Shop.otherBusiness(server)
      for (const part of ["", "/code", "/commerce_balances", "/journals", "/transactions"]) {
        const foreign = yield* server.requestAs(other.token, "GET", `${wallets}/${eleni.id}${part}`)
        assert.strictEqual(foreign.status, 403, part)
        const anonymous = yield* server.request("GET", `${wallets}/${eleni.id}${part}`, undefined, {
          api_key: undefined
        })
        assert.strictEqual(anonymous.status, 401, part)
      }
      const headers = { api_key: business.secretKey }
      for (const reference of [eleni.id, eleni.code, eleni.walletCode, randomUUID()]) {
        const read = yield* server.request("GET", `${backOffice}/${reference}`, undefined, headers)
        assert.strictEqual(read.status, 404, reference)
        const body = { action: "CREDIT", amount: 1 }
        const written = yield* server.request("POST", `${backOffice}/${reference}/journals`, body, headers)
        assert.strictEqual(written.status, 404, reference)
      }
      assert.strictEqual((yield* server.request("GET", `${backOffice}/${eleni.id}`)).body.total_balance, 0)
    })
  )
})
