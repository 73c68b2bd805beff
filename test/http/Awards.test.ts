/** Awards over a whole server: given and taken back by the back office, read by her app, gone with their purchase. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { refused } from "../support/Refused.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"
const awardsOf = ({ id }: { readonly id: string }) => `/backoffice/v2/contacts/${id}/awards`

const give = Effect.fnUntraced(function* (who: { readonly id: string }, body: object) {
  const server = yield* TestServer
  return yield* Shop.made(server.request("POST", awardsOf(who), { name: "Double points", ...body }))
})
const reverse = Effect.fnUntraced(function* (who: { readonly id: string }, award: string) {
  const server = yield* TestServer
  return yield* server.request("POST", `${awardsOf(who)}/${award}/actions`, { action: "REVERSE" })
})
const walletOf = Effect.fnUntraced(function* ({ id }: { readonly id: string }) {
  const server = yield* TestServer
  return yield* Shop.made(server.request("GET", `/backoffice/v2/wallets/${id}`))
})

layer(testServer)("awards over HTTP", (it) => {
  it.effect(
    "WAL-1, WAL-2 an amount is given once for each key, stands in the wallet under its name, and is read by its id",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const poolId = yield* Shop.pool(server, { name: "Coffee", validity_days: 30 })
      const body = { name: "Birthday", amount: 12.5, currency_code: "EUR", commerce_pool_id: poolId }
      const key = { "idempotency-key": randomUUID() }
      const first = yield* server.request("POST", awardsOf(eleni), body, key)
      assert.strictEqual(first.status, 201, JSON.stringify(first.body))
      const { id, given_on: at } = first.body
      assert.deepStrictEqual(first.body, {
        id,
        state: "GIVEN",
        contact: { id: eleni.id },
        name: "Birthday",
        amount: 12.5,
        currency_code: "EUR",
        commerce_pool_id: poolId,
        given_on: at
      })
      const again = yield* server.request("POST", awardsOf(eleni), body, key)
      assert.deepStrictEqual([again.status, again.body], [201, first.body])
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      const other = yield* server.request("POST", awardsOf(eleni), { ...body, amount: 12.51 }, key)
      assert.strictEqual(other.status, 422)
      assert.strictEqual((yield* walletOf(eleni)).total_commerce, 12.5)
      // By code as well.
      const read = yield* Shop.made(server.request("GET", `/backoffice/v2/contacts/${eleni.code}/awards/${id}`))
      assert.deepStrictEqual(read, first.body)

      const journals = yield* Shop.made(
        server.request("GET", `/backoffice/v2/wallets/${eleni.id}/journals?transaction_type=AWARD`)
      )
      assert.lengthOf(journals.content, 1)
      assert.deepInclude(journals.content[0], { id, type: "CREDIT", amount: 12.5, description: "Birthday" })
      const path = `/self-service/v2/wallets/${eleni.id}/transactions`
      const [transaction] = (yield* server.requestAs(eleni.token, "GET", path)).body.content
      assert.strictEqual(transaction.transaction_type, "AWARD")
      assert.deepInclude(transaction.financial_event, { type: "AWARD", notes: "Birthday", amount: 12.5 })
    })
  )

  it.effect(
    "PUR-5, PUR-6 a percent is of what no commerce money paid; the purchase shows it, and its cancel takes it back",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const poolId = yield* Shop.pool(server, { name: "Bread" })
      yield* Shop.credit(server, eleni, 4, poolId)
      yield* Shop.credit(server, eleni, 6)
      const { id: purchase_id } = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni)))
      const cashback = yield* give(eleni, { name: "Cashback", percent: 7.25, purchase_id })
      // 7.25 % of 6.00 is 43.5 cents.
      assert.deepInclude(cashback, { amount: 0.44, percent: 7.25, base_amount: 6, purchase_id })
      const points = yield* give(eleni, { name: "Points", amount: 3, commerce_pool_id: poolId, purchase_id })
      const shown = yield* Shop.made(server.request("GET", `${purchases}/${purchase_id}`))
      assert.deepStrictEqual(shown.rewards, { award: 3.44, spend: 10, redeem: 0 })

      const own = `/self-service/v2/purchases/${purchase_id}/rewards`
      const rewards = (query = "") =>
        Effect.map(server.requestAs(eleni.token, "GET", `${own}${query}`), ({ body }) => body)
      const bread = { commerce_pool: { id: poolId, name: "Bread" } }
      const awarded = [
        { type: "AWARD", name: "Cashback", amount: 0.44, currency_code: "EUR" },
        { type: "AWARD", name: "Points", amount: 3, currency_code: "EUR", ...bread }
      ]
      assert.deepStrictEqual((yield* rewards("?type=AWARD")).content, awarded)
      assert.deepStrictEqual((yield* rewards("?type=REDEEM")).content, [])
      assert.deepStrictEqual((yield* rewards()).content.slice(0, 2), awarded)
      assert.lengthOf((yield* rewards()).content, 4)

      const path = `/self-service/v2/wallets/${eleni.id}/transactions`
      const [transaction] = (yield* server.requestAs(eleni.token, "GET", path)).body.content
      assert.deepInclude(transaction.reward_event, { type: "AWARD", purchase_id, amount: 3 })

      const taken = yield* reverse(eleni, points.id)
      assert.deepInclude(taken.body, { id: points.id, state: "REVERSED", amount: 3, reversed_amount: 3 })
      const second = yield* reverse(eleni, points.id)
      assert.deepStrictEqual([second.status, second.body], [200, taken.body])
      assert.deepStrictEqual((yield* rewards("?type=AWARD")).content, awarded.slice(0, 1))

      const cancelled = yield* Shop.made(server.request("POST", `${purchases}/${purchase_id}/cancel`, {}))
      assert.deepStrictEqual(cancelled.rewards, { award: 0, spend: 10, redeem: 0 })
      assert.deepInclude(yield* walletOf(eleni), { total_open: 6, total_commerce: 4 })
      const gone = yield* Shop.made(server.request("GET", `${awardsOf(eleni)}/${cashback.id}`))
      assert.deepInclude(gone, { state: "REVERSED", reversed_amount: 0.44 })
      assert.deepStrictEqual((yield* reverse(eleni, cashback.id)).body, gone)
      const journals = yield* Shop.made(server.request("GET", `/backoffice/v2/wallets/${eleni.id}/journals?size=200`))
      const net = journals.content.reduce(
        (cents: number, { type, amount }: { type: string; amount: number }) =>
          cents + (type === "CREDIT" ? 1 : -1) * Math.round(amount * 100),
        0
      )
      assert.strictEqual(net, 1000)
    })
  )

  it.effect(
    "PUR-8 a purchase whose award is spent is not cancelled, and the refusal says what is missing and what to do",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const unpaid = { spend_request: undefined }
      const earning = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni, unpaid)))
      const award = yield* give(eleni, { amount: 10, purchase_id: earning.id })
      yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni)))
      const cancel = server.request("POST", `${purchases}/${earning.id}/cancel`, {})
      const problem = yield* refused("cancel", cancel, { status: 409, names: "KOINON.AWARD_SPENT" })
      assert.include(problem.detail, "10.00 EUR are missing")
      assert.include(problem.detail, award.id)
      assert.strictEqual((yield* reverse(eleni, award.id)).body.error, "KOINON.AWARD_SPENT")
      yield* Shop.credit(server, eleni, 10)
      yield* Shop.made(server.request("POST", `${purchases}/${earning.id}/cancel`, {}))
      assert.strictEqual((yield* walletOf(eleni)).total_balance, 0)
    })
  )

  it.effect(
    "API-1 what an award cannot be is refused, and names the field",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [eleni, nikos] = [yield* Shop.person(server), yield* Shop.person(server)]
      const unpaid = { spend_request: undefined }
      const { id: purchase_id } = yield* Shop.made(
        server.request("POST", purchases, Shop.receipt(server, eleni, unpaid))
      )
      const ask = (body: object, who = eleni) => server.request("POST", awardsOf(who), { name: "Points", ...body })
      const wrong: ReadonlyArray<readonly [object, number, string]> = [
        [{}, 400, "/amount"],
        [{ amount: 1, percent: 5, purchase_id }, 400, "/amount"],
        [{ percent: 5 }, 400, "/purchase_id"],
        [{ percent: 5.125, purchase_id }, 400, "/percent"],
        [{ percent: 0, purchase_id }, 400, "percent"],
        [{ percent: -5, purchase_id }, 400, "percent"],
        [{ percent: 1000.01, purchase_id }, 400, "percent"],
        [{ amount: -1 }, 400, "/amount"],
        [{ amount: 0 }, 400, "amount"],
        [{ amount: 1.005 }, 400, "/amount"],
        [{ amount: "1" }, 400, "/amount"],
        [{ amount: 1, name: "" }, 400, "/name"],
        [{ amount: 1, currency_code: "USD" }, 400, "KOINON.CURRENCY_MISMATCH"],
        [{ amount: 1, currency_code: "euro" }, 400, "/currency_code"],
        [{ amount: 1, commerce_pool_id: randomUUID() }, 404, "Commerce pool"],
        [{ amount: 1, purchase_id: randomUUID() }, 404, "Purchase"],
        [{ amount: 1, offer_id: randomUUID() }, 400, "/offer_id"],
        [{ percent: 0.01, purchase_id }, 409, "KOINON.NOTHING_TO_AWARD"]
      ]
      for (const [body, status, names] of wrong) yield* refused(JSON.stringify(body), ask(body), { status, names })
      yield* refused("another's purchase", ask({ amount: 1, purchase_id }, nikos), { status: 404, names: purchase_id })
      yield* refused("nobody", ask({ amount: 1 }, { ...nikos, id: randomUUID() }), { status: 404, names: "Contact" })

      const other = yield* Shop.otherBusiness(server)
      const theirs = yield* Shop.person(server, {}, other.secretKey)
      const foreign = server.request(
        "POST",
        awardsOf(theirs),
        { name: "Points", amount: 1, purchase_id },
        {
          api_key: other.secretKey
        }
      )
      yield* refused("a foreign purchase", foreign, { status: 404, names: purchase_id })

      yield* Shop.made(server.request("POST", `${purchases}/${purchase_id}/cancel`, {}))
      const late = { status: 409, names: "KOINON.PURCHASE_CANCELLED" }
      yield* refused("a cancelled purchase", ask({ amount: 1, purchase_id }), late)

      const { id } = yield* give(eleni, { amount: 1 })
      for (const [who, award] of [[nikos, id] as const, [eleni, randomUUID()] as const, [eleni, "nonsense"] as const]) {
        assert.strictEqual((yield* reverse(who, award)).status, 404)
        assert.strictEqual((yield* server.request("GET", `${awardsOf(who)}/${award}`)).status, 404)
      }
      const action = server.request("POST", `${awardsOf(eleni)}/${id}/actions`, { action: "CANCEL" })
      yield* refused("action", action, { status: 400, names: "/action" })
    })
  )

  it.effect(
    "analytics hold the awards of each month, without those that were taken back",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 20)
      yield* give(eleni, { amount: 1.5 })
      yield* give(eleni, { amount: 2 })
      const { id } = yield* give(eleni, { amount: 4 })
      yield* reverse(eleni, id)
      const path = `/self-service/v2/contacts/${eleni.id}/analytics?frequency=LAST_QUARTER`
      const { body } = yield* server.requestAs(
        eleni.token,
        "GET",
        `${path}&metrics=AWARDS_PER_MONTH,REDEEMS_PER_MONTH,WALLET_TOTALS`
      )
      const amounts = (months: ReadonlyArray<{ readonly amount: number }>) => months.map(({ amount }) => amount)
      assert.deepStrictEqual(amounts(body.awards_per_month), [3.5, 0, 0])
      assert.deepStrictEqual(amounts(body.redeems_per_month), [0, 0, 0])
      assert.strictEqual(body.wallet_totals.total_top_ups, 20)
    })
  )
})
