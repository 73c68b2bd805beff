import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { catalogue } from "#domain/segment/Catalogue.ts"
import { keyHash } from "#http/door/Principal.ts"
import { attemptOf, codesOf } from "#http/resource/Codes.ts"
import { clientCommandId } from "#runtime/actor/Naming.ts"
import { bodyOf, contact, freshEmail, freshPhone, pointersOf } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"

const visa = "4111 1111 1111 1111"
const contacts = "/backoffice/v2/contacts"

layer(TestServer.layer)("contacts of the back office", (it) => {
  it.effect("are created with generated codes and a wallet of sixteen digits (IDN-1, IDN-2, IDN-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      assert.match(made.code, /^[2-9A-HJ-NP-Z]{8}$/)
      assert.match(made.referralCode, /^[2-9A-HJ-NP-Z]{6}$/)
      assert.match(made.walletCode, /^\d{16}$/)
      const read = yield* server.request("GET", `${contacts}/${made.id}`)
      assert.match(read.headers.get("etag") ?? "", /^"\d+"$/)
      const body = bodyOf(read, 200)
      assert.deepStrictEqual(body.phone, { type: "MOBILE", country_code: "CYP", number: made.phone })
      assert.strictEqual(body.language_code, "ENG")
      assert.strictEqual(body.country_of_agreement, "CYP")
      assert.deepStrictEqual(body.wallet, { id: made.id, code: made.walletCode })
      assert.strictEqual(body.interaction_state, "NEVER_ENGAGED")
    })
  )

  it.effect("live in the time zone that is said of them, and else in the business's", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server, { time_zone: "Pacific/Auckland" })
      const read = Effect.map(server.request("GET", `${contacts}/${made.id}`), (found) => bodyOf(found, 200))
      assert.strictEqual((yield* read).time_zone, "Pacific/Auckland")
      bodyOf(yield* server.request("PUT", `${contacts}/${made.id}`, { time_zone: "America/Lima" }), 200)
      assert.strictEqual((yield* read).time_zone, "America/Lima")
      const wrong = { first_name: "Α", last_name: "Β", time_zone: "Nicosia" }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", contacts, wrong)), ["/time_zone"])
      assert.deepStrictEqual(pointersOf(yield* server.request("PUT", `${contacts}/${made.id}`, wrong)), ["/time_zone"])
      assert.include(
        catalogue.fields.map(({ path }) => path),
        "time_zone"
      )
    })
  )

  it.effect("are found by their code wherever an id stands, in any case of letters", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const code = `Family-${freshPhone()}`
      const made = yield* contact(server, { code, referral_code: "ab12cd" })
      for (const reference of [code, code.toLowerCase(), made.id.toUpperCase()]) {
        const body = bodyOf(yield* server.request("GET", `${contacts}/${reference}`), 200)
        assert.strictEqual(body.id, made.id)
        assert.strictEqual(body.code, code)
        assert.strictEqual(body.referral_code, "ab12cd")
      }
    })
  )

  it.effect("are created once when the request is repeated with its Idempotency-Key (P7)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const headers = { "idempotency-key": "create-once" }
      const body = { first_name: "Νίκος", last_name: "Παύλου", email: freshEmail() }
      const first = yield* server.request("POST", contacts, body, headers)
      const again = yield* server.request("POST", contacts, body, headers)
      assert.deepStrictEqual(bodyOf(again, 201), bodyOf(first, 201))
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      bodyOf(yield* server.request("POST", contacts, { ...body, last_name: "Άλλος" }, headers), 422)
    })
  )

  it.effect(
    "get the next generated code when another contact has the first, and the same one when repeated (IDN-1, IDN-3)",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const key = server.actors
          .business(server.businessId)
          ?.apiKeys.find(({ hash }) => hash === keyHash(server.apiKey))
        const commandId = clientCommandId(server.businessId, `key/${key?.id}`, "collides")
        const [first, second] = [codesOf(commandId), codesOf(attemptOf(commandId, 1))]
        yield* contact(server, { code: first.code, referral_code: first.referralCode })
        const body = { first_name: "Νίκος", last_name: "Παύλου" }
        const create = () => server.request("POST", contacts, body, { "idempotency-key": "collides" })
        const made = yield* create()
        assert.deepInclude(bodyOf(made, 201), { code: second.code, referral_code: second.referralCode })
        assert.deepStrictEqual(bodyOf(yield* create(), 201), bodyOf(made, 201))
        const chosen = { ...body, code: first.code }
        bodyOf(yield* server.request("POST", contacts, chosen), 409)
      })
  )

  it.effect("keep of a card only what people recognise it by, and a card belongs to one of them (CIM-1, CIM-2)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server, { cards: [{ number: visa }, { hash: "made elsewhere" }] })
      const read = yield* server.request("GET", `${contacts}/${made.id}`)
      assert.deepStrictEqual(bodyOf(read, 200).cards, [{ first_six: "411111", last_four: "1111" }, {}])
      const taken = yield* server.request("POST", contacts, {
        first_name: "Νίκος",
        last_name: "Παύλου",
        cards: [{ number: "4111-1111-1111-1111" }]
      })
      assert.strictEqual(bodyOf(taken, 409).error, "KOINON.ALREADY_TAKEN")
      assert.notInclude(JSON.stringify(taken.body), "4111")
    })
  )

  it.effect(
    "are refused a card number whose check digit does not fit, and one that pretends to be a hash (CIM-2)",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const cards = [[{ number: "4111111111111112" }], [{ number: "12" }], [{ hash: visa }]]
        for (const given of cards) {
          const refused = yield* server.request("POST", contacts, { first_name: "Α", last_name: "Β", cards: given })
          assert.deepStrictEqual(pointersOf(refused), ["/cards/0"])
          assert.notInclude(JSON.stringify(refused.body), "4111")
        }
      })
  )

  it.effect("get further identifiers, and the till finds them by each (CIM-1)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const media = {
        loyalty_identifiers: [`L-${made.phone}`],
        gift_passes: [`G-${made.phone}`],
        cards: [{ hash: `h${made.phone}` }]
      }
      bodyOf(yield* server.request("POST", `${contacts}/${made.code}/identifiers`, media), 200)
      for (const [type, value] of [
        ["LOYALTY_IDENTIFIER", `l-${made.phone}`],
        ["GIFT_PASS", `G-${made.phone}`],
        ["CARD", `h${made.phone}`],
        ["PHONE", `+357${made.phone}`],
        ["EMAIL", made.email.toUpperCase()],
        ["WALLET_CODE", made.walletCode]
      ]) {
        const purchase = yield* server.request("POST", "/backoffice/v2/purchases", {
          cims: [{ type, value }],
          organisation: { id: server.storeId },
          reference_number: `${type}-${made.phone}`,
          transaction_amounts: { total: 1 }
        })
        assert.strictEqual(bodyOf(purchase, 201).contact.id, made.id, type)
      }
    })
  )

  it.effect("are refused an e-mail address or number that another has, also written otherwise (UNQ-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const name = { first_name: "Νίκος", last_name: "Παύλου" }
      const phone = { type: "MOBILE", number: `00357 ${made.phone}` }
      for (const given of [{ email: made.email.toUpperCase() }, { phone }]) {
        bodyOf(yield* server.request("POST", contacts, { ...name, ...given }), 409)
      }
    })
  )

  it.effect("are refused with every fault named at once (API-1)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const refused = yield* server.request("POST", contacts, {
        type: "ROBOT",
        first_name: 12,
        email: "nobody",
        country_of_agreement: "CY",
        demographics: { date_of_birth: { year: 2023, month: 2, day: 29 } },
        nickname: "Λένα"
      })
      const pointers = pointersOf(refused)
      for (const pointer of [
        "/type",
        "/first_name",
        "/email",
        "/country_of_agreement",
        "/demographics/date_of_birth",
        "/nickname"
      ]) {
        assert.include(pointers, pointer)
      }
      const impossible = {
        first_name: "Α",
        last_name: "Β",
        phone: { type: "MOBILE", country_code: "CYP", number: "123" }
      }
      assert.deepStrictEqual(pointersOf(yield* server.request("POST", contacts, impossible)), ["/phone/number"])
      bodyOf(yield* server.request("POST", contacts, { type: "COMPANY", first_name: "Α" }), 400)
    })
  )

  it.effect("change only at the version that the caller has seen, when one is named (If-Match)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const path = `${contacts}/${made.id}`
      const etag = (yield* server.request("GET", path)).headers.get("etag") ?? ""
      const changed = yield* server.request("PUT", path, { middle_name: "Μαρία" }, { "if-match": etag })
      assert.deepStrictEqual(bodyOf(changed, 200), { id: made.id })
      bodyOf(yield* server.request("PUT", path, { middle_name: "Άννα" }, { "if-match": etag }), 412)
      const next = { "if-match": changed.headers.get("etag") ?? "" }
      bodyOf(yield* server.request("PUT", path, { middle_name: "Άννα" }, next), 200)
      assert.strictEqual(bodyOf(yield* server.request("GET", path), 200).middle_name, "Άννα")
    })
  )

  it.effect("keep type, code and referral code for good; the same value may be repeated (IDN-1, IDN-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const path = `${contacts}/${made.id}`
      const same = { type: "PERSON", code: made.code.toLowerCase(), referral_code: made.referralCode }
      bodyOf(yield* server.request("PUT", path, same), 200)
      for (const other of [{ type: "COMPANY" }, { code: "another" }, { referral_code: "ZZZZZZ" }]) {
        bodyOf(yield* server.request("PUT", path, other), 409)
      }
    })
  )

  it.effect("are listed as soon as they were created, and searched without regard to accents", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const surname = `Ζωγράφου${freshPhone()}`
      const made = [yield* contact(server, { last_name: surname }), yield* contact(server, { last_name: surname })]
      const path = `${contacts}?search=${encodeURIComponent(surname.replace("ά", "α"))}&sort=CREATED_DATE&order=ASC`
      const all = bodyOf(yield* server.request("GET", `${path}&include_total=true`), 200)
      assert.sameMembers(
        all.content.map(({ id }: { id: string }) => id),
        made.map(({ id }) => id)
      )
      assert.deepStrictEqual(all.paging, { page: 1, size: 10, total: 2, has_more: false })
      const first = bodyOf(yield* server.request("GET", `${path}&size=1`), 200)
      assert.isTrue(first.paging.has_more)
      const second = bodyOf(yield* server.request("GET", `${path}&size=1&cursor=${first.paging.next_cursor}`), 200)
      assert.isFalse(second.paging.has_more)
      assert.notStrictEqual(second.content[0].id, first.content[0].id)
      const none = bodyOf(yield* server.request("GET", `${path}&size=0`), 200)
      assert.deepStrictEqual(none.content, [])
      assert.isTrue(none.paging.has_more)
      const [one] = made
      for (const filter of [`code=${one?.code}`, `phone=${one?.phone}`, `email_address=${one?.email}`]) {
        const found = bodyOf(yield* server.request("GET", `${contacts}?${filter}`), 200)
        assert.deepStrictEqual(
          found.content.map(({ id }: { id: string }) => id),
          [one?.id],
          filter
        )
      }
    })
  )

  it.effect("are listed by known parameters only, each within its bounds (API-1)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const pointers = pointersOf(
        yield* server.request("GET", `${contacts}?page=0&size=201&order=UP&include_total=1&name=a`)
      )
      assert.sameMembers([...new Set(pointers)], ["/page", "/size", "/order", "/include_total", "/name"])
      assert.deepStrictEqual(pointersOf(yield* server.request("GET", `${contacts}?cursor=abc`)), ["cursor"])
      const one = `${contacts}/${(yield* contact(server)).id}`
      assert.deepStrictEqual(pointersOf(yield* server.request("GET", `${one}?expand=wallet`)), ["/expand"])
      const tokens = yield* server.request("POST", `${one}/access_token`, { minutes: 5 })
      assert.deepStrictEqual(pointersOf(tokens), ["/minutes"])
    })
  )

  it.effect("may be blocked from spending, and are still credited (WAL-10)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const path = `${contacts}/${made.id}`
      const spend = (reference: string) =>
        server.request("POST", "/backoffice/v2/purchases", {
          contact: { id: made.id },
          organisation: { id: server.storeId },
          reference_number: `${made.id}-${reference}`,
          transaction_amounts: { total: 5 },
          spend_request: { amount: 5 }
        })
      bodyOf(yield* server.request("POST", `${path}/actions`, { action: "BLOCK_SPEND" }), 200)
      assert.isTrue(bodyOf(yield* server.request("GET", path), 200).spend_blocked)
      bodyOf(yield* spend("blocked"), 403)
      bodyOf(yield* server.request("POST", `${path}/actions`, { action: "UNBLOCK_SPEND" }), 200)
      bodyOf(yield* spend("unblocked"), 201)
    })
  )

  it.effect("of another business are not there, neither by id nor by code", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const made = yield* contact(server)
      const opened = bodyOf(
        yield* server.request("POST", "/backoffice/v2/organisations", {
          type: "BUSINESS",
          name: "Another",
          currency_code: "EUR",
          country: "GRC",
          time_zone: "Europe/Athens"
        }),
        201
      )
      const theirs = { api_key: opened.secret_key as string }
      for (const reference of [made.id, made.code]) {
        const path = `${contacts}/${reference}`
        bodyOf(yield* server.request("GET", path, undefined, theirs), 404)
        bodyOf(yield* server.request("PUT", path, { first_name: "Α" }, theirs), 404)
        bodyOf(yield* server.request("POST", `${path}/access_token`, {}, theirs), 404)
      }
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", contacts, undefined, theirs), 200).content, [])
    })
  )
})
