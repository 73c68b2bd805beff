/**
 * Amounts and instants of conditions over HTTP: decimals of the business's currency and epoch seconds, as everywhere at the
 * doors, in segments, their explanations and the filters of automations.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import { layer as testServer, TestServer } from "../support/TestServer.ts"

const segments = "/backoffice/v2/segments"
const automations = "/backoffice/v2/automations"
const wallClockSeconds = (): number => Math.floor(Date.now() / 1_000)

const balance = (operator: string, value: unknown) => ({
  type: "COMPARISON",
  field: "wallet.balance",
  operator,
  value
})
const credited = (value: number, window?: object) => ({
  type: "SUM",
  event: "FundsCredited",
  field: "amount",
  operator: "GREATER_OR_EQUAL",
  value,
  ...(window !== undefined && { window })
})
const lastCredit = (value: number) => ({
  type: "LAST",
  event: "FundsCredited",
  is: [{ type: "COMPARISON", field: "amount", operator: "EQUAL", value }]
})
const setsOf = (...conditions: ReadonlyArray<unknown>) => [{ conditions }]

/** Registered with money: 12.34 and then 7.50 euros. */
const funded = Effect.fnUntraced(function* () {
  const server = yield* TestServer
  const { id } = yield* contact(server)
  for (const amount of [12.34, 7.5]) {
    const credit = { action: "CREDIT", amount, currency_code: "EUR" }
    bodyOf(yield* server.request("POST", `/backoffice/v2/wallets/${id}/journals`, credit), 201)
  }
  return id
})

const countOf = Effect.fnUntraced(function* (...conditions: ReadonlyArray<unknown>) {
  const server = yield* TestServer
  const sets = setsOf(...conditions)
  return bodyOf(yield* server.request("POST", `${segments}/preview`, { sets }), 200).count as number
})

layer(testServer)("amounts and instants of conditions", (it) => {
  it.effect("SEG-1: amounts are decimals of the business's currency, instants epoch seconds", () =>
    Effect.gen(function* () {
      yield* funded()
      assert.deepStrictEqual(
        [yield* countOf(balance("EQUAL", 19.84)), yield* countOf(balance("IN", [19.84, 3]))],
        [1, 1]
      )
      assert.deepStrictEqual([yield* countOf(credited(19.84)), yield* countOf(credited(19.85))], [1, 0])
      assert.deepStrictEqual([yield* countOf(lastCredit(7.5)), yield* countOf(lastCredit(12.34))], [1, 0])
      const now = wallClockSeconds()
      const hour = 3_600
      assert.deepStrictEqual(
        [
          yield* countOf(credited(19.84, { from: now - hour, until: now + hour })),
          yield* countOf(credited(0.01, { from: now + hour, until: now + 2 * hour })),
          yield* countOf(balance("EQUAL", 19.84), {
            type: "DATE",
            field: "registered_at",
            operator: "BEFORE",
            at: now - hour
          }),
          yield* countOf(balance("EQUAL", 19.84), {
            type: "DATE",
            field: "registered_at",
            operator: "AFTER",
            at: now - hour
          })
        ],
        [1, 0, 0, 1]
      )
    })
  )

  it.effect("a saved definition is read back as it was sent, and its explanation speaks of the same amounts", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const id = yield* funded()
      const conditions = [
        { type: "NOT", condition: balance("GREATER", 1_000_000.01) },
        credited(19.84, { from: 1_700_000_000 }),
        lastCredit(7.5)
      ]
      const body = { name: "In euros", sets: setsOf(...conditions), refresh: { mode: "LIVE" } }
      const segment = bodyOf(yield* server.request("POST", segments, body), 201).id as string
      const read = bodyOf(yield* server.request("GET", `${segments}/${segment}`), 200)
      assert.deepStrictEqual(read.sets, setsOf(...conditions))
      const why = bodyOf(yield* server.request("GET", `${segments}/${segment}/contacts/${id}/explanation`), 200)
      assert.isTrue(why.holds)
      const [rich, sum, last] = why.sets[0].conditions
      assert.deepStrictEqual([rich.expected, rich.actual], [conditions[0], 19.84])
      assert.deepStrictEqual([sum.expected, sum.actual], [conditions[1], 19.84])
      assert.strictEqual(last.actual.amount, 7.5)
      assert.isBelow(Math.abs(last.actual.at - wallClockSeconds()), 600)
    })
  )

  it.effect("an amount that is finer than the currency is refused with its place, in segments and in filters", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const sets = setsOf(balance("IN", [1, 2.345]))
      const asked = { name: "Too fine", sets, refresh: { mode: "LIVE" } }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", segments, asked)), [
        "/sets/0/conditions/0/value/1"
      ])
      const actions = [{ type: "TAG", add: ["fine"] }]
      const automation = { name: "Too fine", trigger: "WALLET_CREDITED", filter: setsOf(credited(0.001)), actions }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", automations, automation)), [
        "/filter/0/conditions/0/value"
      ])
      const dryRun = { automation: { trigger: "WALLET_CREDITED", filter: setsOf(credited(0.001)), actions }, from: 0 }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", `${automations}/dry_run`, dryRun)), [
        "/automation/filter/0/conditions/0/value"
      ])
      const fine = { ...automation, filter: setsOf(credited(0.01)) }
      const { id } = bodyOf(yield* server.request("POST", automations, fine), 201)
      assert.deepStrictEqual(
        bodyOf(yield* server.request("GET", `${automations}/${id}`), 200).filter,
        setsOf(credited(0.01))
      )
    })
  )
})
