/** Who is not who she says, or says two things at once: nothing is guessed, and nobody reaches what is another's. */
import { AccessTokens, layer as tokensLayer } from "#http/door/AccessTokens.ts"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import { refused } from "../support/Refused.ts"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"
const masterSecret = "a master secret that is long enough for tests"
const server = Layer.effect(TestServer, start({ KOINON_MASTER_SECRET: masterSecret }))

/** The server runs on the real clock. */
const wallClockMs = (): number => Date.now()

layer(server)("strangers", (it) => {
  it.effect(
    "CIM-4 media that nobody holds are not found, whatever their kind, and their values are not repeated",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      for (const [type, value] of [
        ["CARD", Shop.cardNumber()],
        ["CARD", "0f".repeat(32)],
        ["PHONE", "+35799999999"],
        ["EMAIL", "nobody@example.com"],
        ["GIFT_PASS", "GIFT-NOBODY"],
        ["LOYALTY_IDENTIFIER", "LOYAL-NOBODY"],
        ["WALLET_CODE", "0000000000000000"],
        ["TOKEN", "no-such-token"]
      ] as const) {
        const body = Shop.receipt(server, undefined, { cims: [{ type, value }] })
        const problem = yield* refused(type, server.request("POST", purchases, body), {
          status: 404,
          names: "NOTFOUNDEXCEPTION"
        })
        assert.notInclude(JSON.stringify(problem), value)
      }
      for (const contact of [{ id: randomUUID() }, { code: "NOBODY" }, { otp: "000000" }, { token: "nothing" }]) {
        const body = Shop.receipt(server, undefined, { contact })
        yield* refused(JSON.stringify(contact), server.request("POST", purchases, body), {
          status: 404,
          names: "NOTFOUNDEXCEPTION"
        })
      }
      const nobody = Shop.receipt(server, undefined, { contact: {} })
      yield* refused("nobody", server.request("POST", purchases, nobody), { status: 400, names: "/contact" })
    })
  )

  it.effect(
    "CIM-4 media of different contacts are a conflict, whatever their kinds, and nothing is guessed",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const card = Shop.cardNumber()
      const hash = randomUUID().repeat(2)
      const loyalty = `L-${randomUUID()}`
      const gift = `G-${randomUUID()}`
      const eleni = yield* Shop.person(server, {
        cards: [{ number: card }, { hash }],
        loyalty_identifiers: [loyalty],
        gift_passes: [gift]
      })
      const nikos = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 200)
      const token = yield* Shop.made(
        server.requestAs(eleni.token, "POST", `/self-service/v2/contacts/${eleni.id}/tokens`, { intent: "SPEND" })
      )
      const media = [
        { type: "CARD", value: card },
        { type: "CARD", value: hash },
        { type: "PHONE", value: eleni.phone },
        { type: "EMAIL", value: eleni.email.toUpperCase() },
        { type: "GIFT_PASS", value: gift },
        { type: "LOYALTY_IDENTIFIER", value: loyalty },
        { type: "WALLET_CODE", value: eleni.walletCode },
        { type: "TOKEN", value: token.value }
      ]
      for (const medium of media) {
        const both = { cims: [medium, { type: "EMAIL", value: nikos.email }] }
        const byCims = server.request("POST", purchases, Shop.receipt(server, undefined, both))
        yield* refused(medium.type, byCims, { status: 409, names: "KOINON.MEDIA_CONFLICT" })
        const byId = server.request("POST", purchases, Shop.receipt(server, nikos, { cims: [medium] }))
        yield* refused(medium.type, byId, { status: 409, names: "KOINON.MEDIA_CONFLICT" })
      }
      // Each of them alone is good; the token, which is used up by it, comes last.
      for (const medium of media) {
        const body = Shop.receipt(server, undefined, { cims: [medium] })
        const posted = yield* server.request("POST", purchases, body)
        assert.strictEqual(posted.status, 201, `${medium.type}: ${JSON.stringify(posted.body)}`)
        assert.strictEqual(posted.body.contact.id, eleni.id)
      }
      const used = Shop.receipt(server, undefined, { cims: [{ type: "TOKEN", value: token.value }] })
      yield* refused("a used token", server.request("POST", purchases, used), {
        status: 404,
        names: "NOTFOUNDEXCEPTION"
      })
    })
  )

  it.effect(
    "another business's ids, codes, media and keys find nothing",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const business = yield* Shop.otherBusiness(server)
      const card = Shop.cardNumber()
      const theirs = yield* Shop.person(
        server,
        { cards: [{ number: card }], loyalty_identifiers: ["THEIRS"] },
        business.secretKey
      )
      const ours = yield* Shop.person(server)
      yield* Shop.credit(server, ours, 20)
      const purchase = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, ours)))
      for (const medium of [
        { type: "CARD", value: card },
        { type: "PHONE", value: theirs.phone },
        { type: "EMAIL", value: theirs.email },
        { type: "LOYALTY_IDENTIFIER", value: "THEIRS" },
        { type: "WALLET_CODE", value: theirs.walletCode }
      ]) {
        const body = Shop.receipt(server, undefined, { cims: [medium] })
        yield* refused(medium.type, server.request("POST", purchases, body), {
          status: 404,
          names: "NOTFOUNDEXCEPTION"
        })
      }
      const foreign = { api_key: business.secretKey }
      const theirPlace = Shop.receipt(server, ours, { organisation: { id: business.id } })
      yield* refused("organisation", server.request("POST", purchases, theirPlace), { status: 404, names: business.id })
      const ourContact = Shop.receipt(server, ours, { organisation: { id: business.id } })
      yield* refused("contact", server.request("POST", purchases, ourContact, foreign), { status: 404, names: ours.id })
      const awards = `/backoffice/v2/contacts/${ours.id}/awards`
      const award = yield* Shop.made(server.request("POST", awards, { name: "Points", amount: 1 }))
      for (const path of [
        `${purchases}/${purchase.id}`,
        `${awards}/${award.id}`,
        // At one of theirs it is not hers.
        `/backoffice/v2/contacts/${theirs.id}/awards/${award.id}`,
        `/backoffice/v2/contacts/${ours.id}`,
        `/backoffice/v2/contacts/${ours.code}`,
        `/backoffice/v2/wallets/${ours.id}`
      ]) {
        const read = server.request("GET", path, undefined, foreign)
        yield* refused(path, read, { status: 404, names: "NOTFOUNDEXCEPTION" })
      }
      const cancel = server.request("POST", `${purchases}/${purchase.id}/cancel`, {}, foreign)
      yield* refused("cancel", cancel, { status: 404, names: purchase.id })
      for (const id of [ours.id, theirs.id]) {
        const path = `/backoffice/v2/contacts/${id}/awards`
        const given = { name: "Points", amount: 1, purchase_id: purchase.id }
        const names = "NOTFOUNDEXCEPTION"
        yield* refused("award", server.request("POST", path, given, foreign), { status: 404, names })
        const action = server.request("POST", `${path}/${award.id}/actions`, { action: "REVERSE" }, foreign)
        yield* refused("reversal", action, { status: 404, names })
      }
      const wallet = `/self-service/v2/wallets/${ours.id}`
      const mixed = { api_key: business.secretKey, authorization: `Bearer ${ours.token}` }
      yield* refused("mixed", server.request("GET", wallet, undefined, mixed), {
        status: 403,
        names: "different businesses"
      })
      yield* refused("foreign token", server.requestAs(theirs.token, "GET", wallet), {
        status: 403,
        names: "KOINON.FORBIDDEN"
      })
    })
  )

  it.effect(
    "a token that is expired, of another use, of another installation or none, and a key that is not secret",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const business = yield* Shop.otherBusiness(server)
      const wallet = `/self-service/v2/wallets/${eleni.id}`
      // The test clock stands in 1970, so what is issued by it is long over.
      const issue = (secret: string) =>
        Effect.gen(function* () {
          const tokens = yield* AccessTokens
          return yield* tokens.issue(server.businessId, eleni.id)
        }).pipe(Effect.provide(tokensLayer(Redacted.make(secret))))
      const expired = yield* issue(masterSecret)
      yield* TestClock.setTime(wallClockMs())
      const [good, foreign] = [yield* issue(masterSecret), yield* issue("the master secret of another installation")]
      assert.strictEqual((yield* server.requestAs(good.accessToken, "GET", wallet)).status, 200)
      const altered = `${good.accessToken.slice(0, -2)}${good.accessToken.endsWith("AA") ? "BB" : "AA"}`
      for (const token of [expired.accessToken, foreign.accessToken, good.refreshToken, altered, "not.a.token", ""]) {
        yield* refused(token, server.requestAs(token, "GET", wallet), { status: 401, names: "KOINON.UNAUTHORIZED" })
      }
      yield* refused("no key", server.request("POST", purchases, {}, { api_key: undefined }), {
        status: 401,
        names: "api_key"
      })
      yield* refused("unknown key", server.request("POST", purchases, {}, { api_key: "sk_nobody" }), {
        status: 401,
        names: "api_key"
      })
      const publishable = { api_key: business.publishableKey }
      yield* refused("publishable", server.request("POST", purchases, {}, publishable), {
        status: 403,
        names: "publishable"
      })
    })
  )
})
