/** What is wrong in itself: it is named, nothing of it is stored, and nobody else is disturbed (`Refused.ts`). */
import { mailboxSizeMax } from "#runtime/actor/Group.ts"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomInt, randomUUID } from "node:crypto"
import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { until } from "../runtime/Waiting.ts"
import { refused } from "../support/Refused.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, type Response, TestServer } from "../support/TestServer.ts"

const purchases = "/backoffice/v2/purchases"
const contactPath = (id: string): string => `/backoffice/v2/contacts/${id}`

layer(testServer)("bad input", (it) => {
  it.effect(
    "malformed JSON, and bodies that are none, are named as that",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      for (const text of ["{", '{"a":}', "[1,", "nonsense", "{'a':1}", " "]) {
        yield* refused(text, server.request("POST", purchases, text), { status: 400, names: "KOINON.MALFORMED_JSON" })
      }
      for (const text of ["null", "[]", "1", '"text"']) {
        yield* refused(text, server.request("POST", purchases, text), { status: 400, names: "KOINON.INVALID_REQUEST" })
      }
    })
  )

  it.effect(
    "API-1 what is sent to an operation that takes nothing is refused, for whoever sends it means more than would be done",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const { id } = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni)))
      const cancel = `${purchases}/${id}/cancel`
      const partly = server.request("POST", cancel, { amount: 5, reason: "partial" })
      yield* refused("a part of it", partly, { status: 400, names: "/amount" })
      yield* refused("no JSON", server.request("POST", cancel, "all of it"), { status: 400, names: "MALFORMED_JSON" })
      assert.strictEqual((yield* server.request("GET", `${purchases}/${id}`)).body.state, "POSTED")
      for (const nothing of [{}, undefined]) {
        assert.strictEqual((yield* server.request("POST", cancel, nothing)).body.state, "CANCELLED")
      }
    })
  )

  it.effect(
    "a text that cannot be kept as it was sent is refused by its place: a NUL, half of a surrogate pair, bytes that are no UTF-8",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const contacts = "/backoffice/v2/contacts"
      const person = (name: string) => `{"type":"PERSON","first_name":"${name}","last_name":"Georgiou"}`
      for (const name of ["\\u0000", "A\\u0000B", "\\ud800", "\\udc00\\ud800"]) {
        yield* refused(name, server.request("POST", contacts, person(name)), { status: 400, names: "/first_name" })
      }
      const latin1 = Buffer.from(person("Zo\u00eb"), "latin1")
      yield* refused("Latin-1", server.request("POST", contacts, latin1), { status: 400, names: "It is not UTF-8" })
      for (const path of [`${contacts}?code=%00`, "/backoffice/v2/activities?assignee=%00", `${contacts}/a%00b`]) {
        yield* refused(path, server.request("GET", path), { status: 400, names: "%00" })
      }
      const { body } = yield* server.request(
        "POST",
        contacts,
        person("\\ud83d\\ude00 \\u0395\\u03bb\\u03ad\\u03bd\\u03b7")
      )
      assert.strictEqual(
        (yield* server.request("GET", `${contacts}/${body.id}`)).body.first_name,
        "\u{1F600} \u0395\u03bb\u03ad\u03bd\u03b7"
      )
    })
  )

  it.effect(
    "an instant that is none, or was meant as milliseconds, is refused wherever one is sent, and no view sees it",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const noInstants = [-1, 253_402_300_800, 1_795_377_472_000, 8_640_000_000_001, Number.MAX_SAFE_INTEGER]
      const activities = `${contactPath(eleni.id)}/activities/open`
      const filter = (at: number) => [
        { conditions: [{ type: "DATE", field: "registered_at", operator: "BEFORE", at }] }
      ]
      for (const at of noInstants) {
        const sent: ReadonlyArray<readonly [path: string, body: object, names: string]> = [
          [purchases, { ...Shop.receipt(server, eleni), date: at }, "/date"],
          [activities, { type: "CALL", due_on: at }, "/due_on"],
          ["/backoffice/v2/segments/preview", { sets: filter(1_000), at }, "/at"]
        ]
        for (const [path, body, names] of sent) {
          yield* refused(`${path} ${at}`, server.request("POST", path, body), { status: 400, names })
        }
      }
      for (const at of [...noInstants.slice(1), -Number.MAX_SAFE_INTEGER]) {
        const preview = server.request("POST", "/backoffice/v2/segments/preview", { sets: filter(at) })
        yield* refused(`condition ${at}`, preview, { status: 400, names: "/sets/0/conditions/0/at" })
      }
    })
  )

  it.effect(
    "API-1 unknown fields, parameters and enumeration values, and wrong types, are named by their pointer",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const good = Shop.receipt(server, eleni)
      const product = { product_sku: { sku: "A" }, quantity: 1, total_amount: 10 }
      const bodies: ReadonlyArray<readonly [fields: Readonly<Record<string, unknown>>, names: string]> = [
        [{ surprise: 1 }, "/surprise"],
        [{ contact: { id: eleni.id, surprise: 1 } }, "/contact/surprise"],
        [{ contact: { id: "eleni" } }, "/contact/id"],
        [{ contact: null }, "/contact"],
        [{ organisation: {} }, "/organisation/id"],
        [{ organisation: "store" }, "/organisation"],
        [{ reference_number: 12 }, "/reference_number"],
        [{ reference_number: "" }, "/reference_number"],
        [{ reference_number: "r".repeat(256) }, "/reference_number"],
        [{ transaction_amounts: { total: "10" } }, "/transaction_amounts/total"],
        [{ transaction_amounts: [] }, "/transaction_amounts"],
        [{ currency_code: "euro" }, "/currency_code"],
        [{ cims: [{ type: "FACE", value: "x" }] }, "/cims/0/type"],
        [{ cims: [] }, "/cims"],
        [{ products: [{ ...product, quantity: "1" }] }, "/products/0/quantity"],
        [{ products: [{ ...product, quantity: 0 }] }, "/products/0/quantity"],
        [{ products: [product, { quantity: 1 }] }, "/products/1/product_sku"],
        [{ products: Array.from({ length: 101 }, () => product) }, "/products"],
        [{ spend_request: { restrict_fully_covered: "yes" } }, "/spend_request/restrict_fully_covered"],
        [{ date: 1.5 }, "/date"],
        [{ date: "today" }, "/date"]
      ]
      for (const [fields, names] of bodies) {
        yield* refused(names, server.request("POST", purchases, { ...good, ...fields }), { status: 400, names })
      }
      const several = yield* refused("several", server.request("POST", purchases, { ...good, one: 1, date: "x" }), {
        status: 400,
        names: "/one"
      })
      assert.sameMembers(
        several.faults.map(({ pointer }: { readonly pointer: string }) => pointer),
        ["/one", "/date"]
      )

      const wallet = `/self-service/v2/wallets/${eleni.id}`
      for (const [query, names] of [
        ["surprise=1", "surprise"],
        ["type=BOTH", "type"],
        ["order=UP", "order"],
        ["size=201", "size"],
        ["size=-1", "size"],
        ["page=0", "page"],
        ["page=first", "page"],
        ["page=1&page=2", "page"],
        ["include_total=maybe", "include_total"],
        ["posted_on[gte]=yesterday", "posted_on[gte]"],
        ["posted_on[near]=1", "posted_on[near]"],
        ["commerce_pool_id=coffee", "commerce_pool_id"],
        ["sort=AMOUNT", "sort"],
        ["cursor=nonsense", "cursor"]
      ] as const) {
        const asked = server.requestAs(eleni.token, "GET", `${wallet}/journals?${query}`)
        yield* refused(query, asked, { status: 400, names })
      }
      yield* refused("pocket", server.requestAs(eleni.token, "GET", `${wallet}/transactions?pocket=TROUSERS`), {
        status: 400,
        names: "pocket"
      })
      const action = server.requestAs(eleni.token, "PUT", `/self-service/v2/commerce_pools/${randomUUID()}/actions`, {
        action: "EXPLODE"
      })
      yield* refused("action", action, { status: 400, names: "/action" })
    })
  )

  it.effect(
    "PUR-1 PUR-3 amounts that are negative, too fine, too large or contradict each other",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 100)
      const good = Shop.receipt(server, eleni)
      const line = { product_sku: { sku: "A" }, quantity: 1 }
      const bodies: ReadonlyArray<readonly [fields: Readonly<Record<string, unknown>>, names: string]> = [
        [{ transaction_amounts: { total: -10 } }, "/transaction_amounts/total"],
        [{ transaction_amounts: { total: 10.001 } }, "/transaction_amounts/total"],
        [{ transaction_amounts: { total: 1e21 } }, "/transaction_amounts/total"],
        [{ transaction_amounts: { net: 8, tax: 1, total: 10 } }, "KOINON.CONTRADICTING_AMOUNTS"],
        [{ transaction_amounts: {} }, "transaction_amounts"],
        [
          { transaction_amounts: { total: 10 }, products: [{ ...line, total_amount: 9 }] },
          "KOINON.CONTRADICTING_AMOUNTS"
        ],
        [
          {
            transaction_amounts: { total: 10 },
            products: [{ ...line, net_amount: 8, tax_amount: 1, total_amount: 10 }]
          },
          "products[0]"
        ],
        [{ currency_code: "JPY", transaction_amounts: { total: 10.5 } }, "/transaction_amounts/total"],
        [{ currency_code: "USD" }, "KOINON.UNKNOWN_CURRENCY_RATE"],
        [{ spend_request: { amount: -1 } }, "/spend_request/amount"],
        [{ spend_request: { amount: 0.001 } }, "/spend_request/amount"]
      ]
      for (const [fields, names] of bodies) {
        yield* refused(JSON.stringify(fields), server.request("POST", purchases, { ...good, ...fields }), {
          status: 400,
          names
        })
      }
      const journals = `/backoffice/v2/wallets/${eleni.id}/journals`
      for (const [fields, names] of [
        [{ amount: -1 }, "/amount"],
        [{ amount: 0 }, "KOINON.INVALID_AMOUNT"],
        [{ amount: 1.234 }, "/amount"],
        [{ amount: "1" }, "/amount"],
        [{ currency_code: "USD" }, "KOINON.CURRENCY_MISMATCH"],
        [{ action: "GIFT" }, "/action"]
      ] as const) {
        const body = { action: "CREDIT", amount: 1, ...fields }
        yield* refused(JSON.stringify(fields), server.request("POST", journals, body), { status: 400, names })
      }
      const noPool = { action: "CREDIT", amount: 1, commerce_pool_id: randomUUID() }
      yield* refused("no pool", server.request("POST", journals, noPool), {
        status: 404,
        names: noPool.commerce_pool_id
      })
    })
  )

  it.effect(
    "a body of two mebibytes is 413, a method that is not there 405 with those that are, a path that is not 404",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const eleni = yield* Shop.person(server)
      const large = { ...Shop.receipt(server, eleni), notes: "x".repeat(2 * 1024 * 1024) }
      yield* refused("2 MiB", server.request("POST", purchases, large), { status: 413, names: "KOINON.BODY_TOO_LARGE" })
      const chunked = Effect.promise(async (): Promise<Response> => {
        const request = httpRequest(`${server.url}${purchases}`, {
          method: "POST",
          headers: { api_key: server.apiKey }
        })
        const answered = once(request, "response")
        request.on("error", () => undefined)
        for (let part = 0; part < 4; part++) request.write("x".repeat(512 * 1024))
        request.end()
        const [response] = await answered
        const body = JSON.parse(Buffer.concat(await response.toArray()).toString())
        return {
          status: response.statusCode,
          headers: new Headers({ "content-type": response.headers["content-type"] }),
          body
        }
      })
      yield* refused("2 MiB in chunks", chunked, { status: 413, names: "KOINON.BODY_TOO_LARGE" })
      // Refused in the middle of it, the caller hangs up: nobody else notices.
      yield* Effect.promise(async () => {
        const request = httpRequest(`${server.url}${purchases}`, {
          method: "POST",
          headers: { api_key: server.apiKey, "content-length": 4 * 1024 * 1024 }
        })
        request.on("error", () => undefined)
        const answered = once(request, "response")
        for (let part = 0; part < 3; part++) request.write("x".repeat(512 * 1024))
        const [response] = await answered
        assert.strictEqual(response.statusCode, 413)
        request.destroy()
        await once(request, "close")
      })
      for (const [method, path, allow] of [
        ["PUT", purchases, ["POST"]],
        ["DELETE", `/self-service/v2/wallets/${eleni.id}`, ["GET"]],
        ["PATCH", `/backoffice/v2/wallets/${eleni.id}/journals`, ["GET", "POST"]]
      ] as const) {
        const asked = server.request(method, path)
        const answer = yield* asked
        yield* refused(`${method} ${path}`, asked, { status: 405, names: "KOINON.METHOD_NOT_ALLOWED" })
        assert.sameMembers((answer.headers.get("allow") ?? "").split(", "), [...allow])
      }
      yield* refused("no path", server.request("POST", "/backoffice/v2/nothing", {}), {
        status: 404,
        names: "/backoffice/v2/nothing"
      })
      yield* refused(
        "If-Match",
        server.request("POST", purchases, Shop.receipt(server, eleni), { "if-match": "W/1" }),
        {
          status: 400,
          names: "If-Match"
        }
      )
    })
  )

  it.effect(
    "a full mailbox is 429 with Retry-After for its contact, while a neighbour is served",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const [busy, neighbour] = [yield* Shop.person(server), yield* Shop.person(server)]
      const journals = (who: Shop.Person) =>
        server.request("POST", `/backoffice/v2/wallets/${who.id}/journals`, { action: "CREDIT", amount: 1 })
      const { actors, businessId: business } = server
      // As many commands as the mailbox holds, in one tick, so that none of them has left it.
      const command = () => ({
        _tag: "PostJournal" as const,
        entryId: randomUUID(),
        action: "CREDIT" as const,
        amount: BigInt(randomInt(1, 9)),
        currency: "EUR"
      })
      let waiting = 0
      const flood = (): void => {
        while (waiting < mailboxSizeMax) {
          waiting += 1
          actors.askWith({ business, key: busy.id, command: command() }, () => {
            waiting -= 1
            if (flooding) flood()
          })
        }
      }
      let flooding = true
      flood()
      const answers = yield* Effect.all([journals(busy), journals(neighbour)], { concurrency: "unbounded" })
      flooding = false
      const [full, served] = answers
      assert.deepStrictEqual([full.status, full.body.error], [429, "KOINON.BUSY"])
      assert.strictEqual(full.headers.get("retry-after"), "1")
      assert.strictEqual(full.headers.get("content-type"), "application/problem+json")
      assert.strictEqual(served.status, 201)
      yield* until(() => waiting === 0)
      assert.strictEqual((yield* journals(busy)).status, 201)
    })
  )
})
