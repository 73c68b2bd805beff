import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"

layer(TestServer.layer)("a contact in her own app", (it) => {
  const path = (id: string) => `/self-service/v2/contacts/${id}`

  it.effect("reads and changes herself; what is left out, or null, stays", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server, { custom_fields: [{ key: "shoe", value: "38" }] })
      const changes = {
        id: made.id,
        first_name: null,
        last_name: "Ιωάννου",
        email_opt_out: true,
        demographics: { gender: "FEMALE", date_of_birth: { year: 1984, month: 2, day: 29 }, passport: null },
        custom_fields: [{ key: "size", value: "M" }]
      }
      const changed = yield* server.requestAs(made.accessToken, "PUT", path(made.id), changes)
      assert.deepStrictEqual(bodyOf(changed, 200), { id: made.id })
      const body = bodyOf(yield* server.requestAs(made.accessToken, "GET", path(made.id)), 200)
      assert.strictEqual(body.first_name, "Ελένη")
      assert.strictEqual(body.last_name, "Ιωάννου")
      assert.strictEqual(body.email, made.email)
      assert.isTrue(body.email_opt_out)
      assert.deepStrictEqual(body.demographics, { gender: "FEMALE", date_of_birth: { year: 1984, month: 2, day: 29 } })
      assert.sameDeepMembers(body.custom_fields, [
        { key: "shoe", value: "38" },
        { key: "size", value: "M" }
      ])
      assert.notProperty(body, "spend_blocked")
    })
  )

  it.effect("lives in the business's time zone until she says another; what is none is refused by its place", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const mine = Effect.map(server.requestAs(made.accessToken, "GET", path(made.id)), (found) => bodyOf(found, 200))
      assert.strictEqual((yield* mine).time_zone, "Asia/Nicosia")
      const put = (time_zone: unknown) => server.requestAs(made.accessToken, "PUT", path(made.id), { time_zone })
      bodyOf(yield* put("America/New_York"), 200)
      bodyOf(yield* put(null), 200)
      assert.strictEqual((yield* mine).time_zone, "America/New_York")
      for (const wrong of ["Mars/Olympus", "+02:00", 2]) {
        assert.deepStrictEqual(pointersOf(yield* put(wrong)), ["/time_zone"])
      }
    })
  )

  it.effect("is asked for by her own token and no other", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [made, other] = [yield* contact(server), yield* contact(server)]
      bodyOf(yield* server.requestAs(other.accessToken, "GET", path(made.id)), 403)
      bodyOf(yield* server.requestAs(other.accessToken, "PUT", path(made.id), { first_name: "Α" }), 403)
      bodyOf(yield* server.requestAs(made.refreshToken, "GET", path(made.id)), 401)
      bodyOf(yield* server.requestAs("a.b.c", "GET", path(made.id)), 401)
      bodyOf(yield* server.request("GET", path(made.id)), 401)
      bodyOf(yield* server.requestAs(made.accessToken, "GET", path("nobody")), 404)
      bodyOf(yield* server.requestAs(made.accessToken, "PUT", path(made.id), { id: other.id }), 400)
    })
  )

  it.effect("keeps her session alive with the refresh token, which is good for nothing else", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const refresh = path("refresh")
      const session = bodyOf(yield* server.requestAs(made.refreshToken, "POST", refresh), 200)
      assert.strictEqual(session.contact.id, made.id)
      assert.deepStrictEqual(session.organisations, [{ id: server.businessId, type: "BUSINESS", name: "My Business" }])
      assert.isAbove(session.expiration_date, 1_700_000_000)
      bodyOf(yield* server.requestAs(session.access_token, "GET", path(made.id)), 200)
      bodyOf(yield* server.requestAs(session.refresh_token, "POST", refresh), 200)
      bodyOf(yield* server.requestAs(made.accessToken, "POST", refresh), 401)
      bodyOf(yield* server.request("POST", refresh), 401)
    })
  )

  it.effect("makes a one-time token that the till spends once (CIM-5)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const tokens = `${path(made.id)}/tokens`
      const token = bodyOf(
        yield* server.requestAs(made.accessToken, "POST", tokens, { intent: "SPEND", spend_amount: 5 }),
        200
      )
      assert.match(token.alternative_token, /^\d{16}$/)
      assert.strictEqual(token.spend_amount, 5)
      const listed = bodyOf(yield* server.requestAs(made.accessToken, "GET", `${tokens}?intent=SPEND`), 200)
      assert.deepStrictEqual(listed.content, [token])
      assert.deepStrictEqual(
        bodyOf(yield* server.requestAs(made.accessToken, "GET", `${tokens}?intent=REJECT_PURCHASE`), 200).content,
        []
      )
      const buy = (reference: string) =>
        server.request("POST", "/backoffice/v2/purchases", {
          cims: [{ type: "TOKEN", value: token.alternative_token }],
          organisation: { id: server.storeId },
          reference_number: `${made.id}-${reference}`,
          transaction_amounts: { total: 3 }
        })
      assert.strictEqual(bodyOf(yield* buy("first"), 201).contact.id, made.id)
      assert.strictEqual((yield* buy("second")).status, 404)
      assert.deepStrictEqual(bodyOf(yield* server.requestAs(made.accessToken, "GET", tokens), 200).content, [])
    })
  )

  it.effect("gets the same token again when the request is repeated, and what is not built is refused by name", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const headers = { api_key: undefined, authorization: `Bearer ${made.accessToken}`, "idempotency-key": "token-1" }
      const request = () => server.request("POST", `${path(made.id)}/tokens`, { intent: "SPEND" }, headers)
      const [first, again] = [yield* request(), yield* request()]
      assert.deepStrictEqual(bodyOf(again, 200), bodyOf(first, 200))
      for (const body of [{ intent: "APPROVE_PURCHASE" }, { intent: "SPEND", purchase: { estimate_id: made.id } }]) {
        bodyOf(yield* server.requestAs(made.accessToken, "POST", `${path(made.id)}/tokens`, body), 422)
      }
      const negative = { intent: "SPEND", spend_amount: -1 }
      const refused = yield* server.requestAs(made.accessToken, "POST", `${path(made.id)}/tokens`, negative)
      assert.deepStrictEqual(pointersOf(refused), ["/spend_amount"])
      const fine = { intent: "SPEND", spend_amount: 0.001 }
      bodyOf(yield* server.requestAs(made.accessToken, "POST", `${path(made.id)}/tokens`, fine), 400)
      const stranger = { intent: "SPEND", community_id: server.businessId }
      bodyOf(yield* server.requestAs(made.accessToken, "POST", `${path(made.id)}/tokens`, stranger), 409)
    })
  )
})
