/** Printouts over a real server: what they say, whose they are, and where they go. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { inflateSync } from "node:zlib"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, pointersOf } from "../support/HttpContacts.ts"
import { delivery, ended } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const path = "/self-service/v2/printout"
const unknownId = "00000000-0000-4000-8000-000000000000"

const asked = (who: Shop.Person, type: string, id: string | undefined, format = "WEB_VIEW", headers = {}) =>
  Effect.flatMap(TestServer.TestServer, (server) =>
    server.request(
      "POST",
      path,
      { entity: { type, ...(id !== undefined && { id }) }, format },
      {
        api_key: undefined,
        authorization: `Bearer ${who.token}`,
        ...headers
      }
    )
  )
const followed = Effect.fnUntraced(function* (url: string) {
  const server = yield* TestServer.TestServer
  return yield* Effect.promise(async () => {
    const response = await fetch(`${server.url}${url}`)
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
})
const pageOf = Effect.fnUntraced(function* (who: Shop.Person, type: string, id: string) {
  const { url } = bodyOf(yield* asked(who, type, id), 201)
  const page = yield* followed(url)
  assert.strictEqual(page.status, 200, page.text)
  return page
})
/** Spaces of any kind as one, for formats use such as do not break; none between two tags. */
const plain = (text: string): string => text.replaceAll(/\s+/g, " ").replaceAll("> <", "><")

/** The letters that a PDF says its fonts have: the maps stand in compressed streams. */
const unicodeOf = (bytes: Buffer): string => {
  const letters: Array<string> = []
  const begin = Buffer.from("stream\n")
  for (let at = bytes.indexOf(begin); at >= 0; at = bytes.indexOf(begin, at + 1)) {
    const end = bytes.indexOf("endstream", at)
    const text = inflated(bytes.subarray(at + begin.length, end))
    if (!text.includes("begincmap")) continue
    for (const [, hex = ""] of text.matchAll(/<([0-9a-f]{4})>/gi))
      letters.push(String.fromCodePoint(Number(`0x${hex}`)))
  }
  return letters.join("")
}
const inflated = (bytes: Buffer): string => {
  try {
    return inflateSync(bytes).toString("latin1")
  } catch {
    // It is no stream, or not a compressed one.
    return ""
  }
}

const messagesOf = (who: Shop.Person) =>
  Effect.flatMap(TestServer.TestServer, (server) =>
    Effect.map(
      server.request("GET", `/backoffice/v2/deliveries?contact_id=${who.id}`),
      (found) => bodyOf(found, 200).content as ReadonlyArray<{ readonly id: string }>
    )
  )

const bought = Effect.fnUntraced(function* (fields: Readonly<Record<string, unknown>> = {}) {
  const server = yield* TestServer.TestServer
  const owner = yield* Shop.person(server, { first_name: "Ζηνοβία", last_name: "Παλαιολόγου" })
  const member = yield* Shop.person(server, fields)
  yield* Shop.credit(server, owner, 4)
  yield* Shop.credit(server, member, 20)
  yield* Shop.share(server, owner, member)
  const receipt = Shop.receipt(server, member, {
    transaction_amounts: { net: 8.4, tax: 1.6, total: 10 },
    spend_request: { amount: 6 },
    products: [
      {
        product_sku: { sku: "COF-1", name: "<script>alert(1)</script> Καφές" },
        quantity: 2,
        net_amount: 8.4,
        tax_amount: 1.6,
        total_amount: 10
      }
    ]
  })
  const { id } = yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", receipt))
  return { server, owner, member, id: id as string, reference: receipt.reference_number }
})

layer(TestServer.layer)("a printout", (it) => {
  it.effect("API-1: of a purchase says what was bought, the sums and which wallet paid, and nobody else's name", () =>
    Effect.gen(function* () {
      const { server, owner, member, id, reference } = yield* bought({ language_code: "ENG" })
      const { text, headers } = yield* pageOf(member, "ORDERS", id)
      const said = plain(text)
      assert.include(said, `<td>Receipt number</td><td>${reference}</td>`)
      for (const row of ["Main store", "Net</td><td>€8.40", "Tax</td><td>€1.60", "Total</td><td>€10.00"]) {
        assert.include(said, row)
      }
      assert.include(said, "Paid from a wallet shared with you</td><td>€4.00")
      assert.include(said, "Paid from your wallet</td><td>€2.00")
      assert.include(said, "Paid otherwise</td><td>€4.00")
      assert.include(said, "&lt;script&gt;alert(1)&lt;/script&gt; Καφές")
      assert.notInclude(said, "<script")
      for (const hers of [owner.id, owner.email, "Ζηνοβία", "Παλαιολόγου"]) assert.notInclude(said, hers)
      assert.include(headers.get("content-security-policy") ?? "", "default-src 'none'")
      assert.strictEqual(headers.get("cache-control"), "no-store")
      yield* Shop.made(server.request("POST", `/backoffice/v2/purchases/${id}/cancel`, {}))
      assert.include((yield* pageOf(member, "ORDERS", id)).text, "Cancelled")
    })
  )

  it.effect("API-1: is in her language and her zone, and of a credit of her wallet as well", () =>
    Effect.gen(function* () {
      const { server, member, id } = yield* bought({ language_code: "ELL" })
      const page = plain((yield* pageOf(member, "ORDERS", id)).text)
      assert.include(page, '<html lang="el">')
      assert.include(page, "Σύνολο</td><td>10,00 €")
      const journals = `/backoffice/v2/wallets/${member.id}/journals`
      const { content } = bodyOf(yield* server.request("GET", journals), 200)
      const entries = content as ReadonlyArray<{ id: string; type: string; transaction_type: string }>
      const credit = entries.find(
        ({ type, transaction_type }) => type === "CREDIT" && transaction_type !== "WALLET_SHARING"
      )
      const shown = plain((yield* pageOf(member, "TOP_UP", credit?.id ?? "")).text)
      assert.include(shown, "Πίστωση πορτοφολιού")
      assert.include(shown, "Σύνολο</td><td>20,00 €")
      for (const { id: other } of entries.filter((entry) => entry !== credit)) {
        bodyOf(yield* asked(member, "TOP_UP", other), 404)
      }
    })
  )

  it.effect("API-1: is a PDF that has the font for her language in it, the same each time", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { member, id } = yield* bought({ language_code: "ELL" })
      const { url } = bodyOf(yield* asked(member, "ORDERS", id, "PDF"), 201)
      const fetched = Effect.promise(async () => {
        const response = await fetch(`${server.url}${url}`)
        return { headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
      })
      const { headers, bytes } = yield* fetched
      assert.strictEqual(headers.get("content-type"), "application/pdf")
      assert.strictEqual(headers.get("content-disposition"), `attachment; filename="printout.pdf"`)
      const text = bytes.toString("latin1")
      assert.match(text, /^%PDF-1\.\d/)
      assert.match(text, /DejaVuSans-Bold/)
      assert.match(text, /\/Lang \(el\)/)
      // Every letter of it is in the font's map back to text.
      assert.include(unicodeOf(bytes), "ύ")
      assert.deepStrictEqual((yield* fetched).bytes, bytes)
    })
  )

  it.effect("API-1: is a file of hers, by its id and with her token alone", () =>
    Effect.gen(function* () {
      const { server, owner, member, id } = yield* bought()
      for (const [format, type] of [
        ["WEB_VIEW", "text/html; charset=utf-8"],
        ["PDF", "application/pdf"]
      ] as const) {
        const { id: file } = bodyOf(yield* asked(member, "ORDERS", id, format), 201)
        const path = `/self-service/v2/files/${file}`
        const found = yield* server.requestAs(member.token, "GET", path)
        assert.deepStrictEqual([found.status, found.headers.get("content-type")], [200, type])
        bodyOf(yield* server.requestAs(owner.token, "GET", path), 404)
        bodyOf(yield* server.requestAs("", "GET", path), 401)
        bodyOf(yield* server.requestAs(member.token, "GET", `${path}A`), 404)
      }
      for (const nothing of ["x", unknownId, "PW.", "PW.eA"]) {
        bodyOf(yield* server.requestAs(member.token, "GET", `/self-service/v2/files/${nothing}`), 404)
      }
    })
  )

  it.effect("CON-5: goes to her address once for each request, whatever she opted out of", () =>
    Effect.gen(function* () {
      const { server, member, id } = yield* bought({ language_code: "ENG" })
      const preferences = `/backoffice/v2/contacts/${member.id}/communication_preferences`
      bodyOf(yield* server.request("PUT", preferences, { email_opt_out: true }), 200)
      const headers = { "idempotency-key": randomUUID() }
      const first = yield* asked(member, "ORDERS", id, "EMAIL", headers)
      assert.deepStrictEqual([first.status, first.body ?? ""], [204, ""])
      const again = yield* asked(member, "ORDERS", id, "EMAIL", headers)
      assert.deepStrictEqual([again.status, again.headers.get("idempotency-replayed")], [204, "true"])
      bodyOf(yield* asked(member, "ORDERS", id, "WEB_VIEW", headers), 422)
      const [message, ...others] = yield* eventually(
        "the message is listed",
        Effect.map(messagesOf(member), (list) => list.length > 0 && list)
      )
      assert.deepStrictEqual(others, [])
      yield* ended(server, message?.id ?? "", "COMPLETED")
      const sent = yield* delivery(server, message?.id ?? "")
      assert.deepInclude(sent, { channel: "EMAIL", purpose: "MANDATORY", recipient: member.email })
      const own = `/self-service/v2/communications/${message?.id}`
      const { content } = bodyOf(yield* server.requestAs(member.token, "GET", own), 200)
      assert.include(plain(content), "Paid from your wallet")
      assert.notInclude(content, "<script")
      assert.include((yield* asked(member, "ORDERS", id, "EMAIL")).headers.get("etag") ?? "none", "none")
      const who = yield* Shop.person(server, { email: undefined })
      yield* Shop.credit(server, who, 20)
      const { id: hers } = yield* Shop.made(
        server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, who))
      )
      assert.strictEqual(bodyOf(yield* asked(who, "ORDERS", hers, "EMAIL"), 422).error, "KOINON.NO_ADDRESS")
    })
  )

  it.effect("API-1: is made of her own things alone, and what is not built is refused by name", () =>
    Effect.gen(function* () {
      const { owner, member, id } = yield* bought()
      bodyOf(yield* asked(owner, "ORDERS", id), 404)
      for (const nothing of [unknownId, "x", "../../etc"]) bodyOf(yield* asked(member, "ORDERS", nothing), 404)
      bodyOf(yield* asked(member, "TOP_UP", id), 404)
      assert.deepStrictEqual(pointersOf(yield* asked(member, "ORDERS", undefined)), ["/entity/id"])
      assert.deepStrictEqual(pointersOf(yield* asked(member, "LOTTERY", id)), ["/entity/type"])
      const types = "INVOICE PAYMENT CREDIT_NOTE REFUND PAYOUT SERVICE_REQUEST SUBSCRIPTIONS REWARD_OFFERS".split(" ")
      for (const type of types) {
        const refused = bodyOf(yield* asked(member, type, id), 422)
        assert.deepStrictEqual([refused.error, refused.detail.includes(type)], ["KOINON.NOT_SUPPORTED", true])
      }
    })
  )

  it.effect("API-1: has a link that is nobody's when a single character of it is changed", () =>
    Effect.gen(function* () {
      const { member, id } = yield* bought()
      const answered = yield* asked(member, "ORDERS", id)
      const { url, expires_on } = bodyOf(answered, 201)
      const at = Date.parse(answered.headers.get("date") ?? "") / 1_000
      assert.closeTo(expires_on - at, 15 * 60, 2)
      const [folder, seal] = [url.slice(0, url.lastIndexOf("/") + 1), url.slice(url.lastIndexOf("/") + 1)]
      for (let at = 0; at < seal.length; at += 3) {
        const other = seal[at] === "A" ? "B" : "A"
        const altered = yield* followed(`${folder}${seal.slice(0, at)}${other}${seal.slice(at + 1)}`)
        assert.strictEqual(altered.status, 404)
        assert.notInclude(altered.text, "10")
      }
      assert.strictEqual((yield* followed(url)).status, 200)
    })
  )
})
