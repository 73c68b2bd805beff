/**
 * Webhooks from the door to a real receiver (AUT-11): signed so that the independent verifier takes them, numbered and in
 * order for each contact, without anything personal, logged, replayed, and never to an address that is not for them.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { type Received, receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

const webhooks = "/backoffice/v2/webhooks"
const allowing = Layer.effect(TestServer, start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8" }))

const endpoint = Effect.fnUntraced(function* (url: string, events: unknown = "*") {
  const server = yield* TestServer
  return yield* Shop.made(server.request("POST", webhooks, { name: `Hook ${randomUUID()}`, url, events }))
})

/** As many calls; a test that counts them exactly replays, and sees to it that those before are done. */
const seen = (what: string, to: { readonly received: ReadonlyArray<Received> }, count: number) =>
  eventually(
    what,
    Effect.sync(() => to.received.length >= count)
  )

layer(allowing, { excludeTestServices: true })("webhooks", (it) => {
  it.effect("AUT-11: are signed, numbered and in order for each contact, and say nothing personal", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const to = yield* receiver()
      const { secret, id } = yield* endpoint(to.url)
      assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
      const eleni = yield* Shop.person(server)
      const nikos = yield* Shop.person(server)
      for (let nth = 1; nth <= 5; nth++) {
        yield* Shop.credit(server, eleni, nth)
        yield* Shop.credit(server, nikos, nth * 10)
      }
      // One that is late to answer is called again: known by its id, it is one.
      yield* eventually(
        "all are there",
        Effect.sync(() => to.kept().length >= 12)
      )
      const verifier = new Webhook(secret)
      for (const { text, headers } of to.received) assert.isObject(verifier.verify(text, headers))
      const [first] = to.received as [Received]
      assert.throws(() => verifier.verify(`${first.text} `, first.headers))
      for (const person of [eleni, nikos]) {
        const own = to.kept().filter(({ body }) => body.contact_id === person.id)
        assert.deepStrictEqual(
          own.map(({ body }) => [body.sequence, body.type]),
          [[1, "contact.registered"], ...[2, 3, 4, 5, 6].map((number) => [number, "wallet.credited"])]
        )
        const times = person === eleni ? 1 : 10
        assert.deepStrictEqual(
          own.slice(1).map(({ body }) => body.data["amount"]),
          [1, 2, 3, 4, 5].map((nth) => nth * times)
        )
        const text = own.map((one) => one.text).join("\n")
        for (const value of [person.email, person.phone, person.walletCode, "Ελένη", "Χριστοδούλου"])
          assert.notInclude(text, value)
        assert.isTrue(own.every(({ body }) => typeof body.position === "string" && body.timestamp.endsWith("Z")))
      }
      assert.lengthOf(new Set(to.received.map((one) => one.id)), 12)
      const read = yield* Shop.made(server.request("GET", `${webhooks}/${id}`))
      assert.deepInclude(read, { id, url: to.url, events: "*", state: "ACTIVE" })
      assert.notProperty(read, "secret")
    }).pipe(Effect.scoped)
  )

  it.effect(
    "tell only what was asked for from when the endpoint was there; what it missed while off leaves a gap",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const to = yield* receiver()
        const eleni = yield* Shop.person(server)
        yield* Shop.credit(server, eleni, 1)
        const { id } = yield* endpoint(to.url, ["wallet.debited", "wallet.credited"])
        yield* Shop.person(server)
        yield* Shop.credit(server, eleni, 2)
        yield* seen("the credit", to, 1)
        yield* Shop.made(server.request("PUT", `${webhooks}/${id}`, { state: "INACTIVE" }))
        yield* Shop.credit(server, eleni, 3)
        yield* Shop.made(server.request("GET", `${webhooks}/${id}/deliveries`))
        yield* Shop.made(server.request("PUT", `${webhooks}/${id}`, { state: "ACTIVE", events: ["wallet.credited"] }))
        yield* Shop.credit(server, eleni, 4)
        yield* seen("the next credit", to, 2)
        assert.deepStrictEqual(
          to.received.map(({ body }) => [body.type, body.data["amount"], body.sequence]),
          [
            ["wallet.credited", 2, 1],
            ["wallet.credited", 4, 3]
          ]
        )
        const { content } = yield* Shop.made(server.request("GET", `${webhooks}/${id}/deliveries?state=WITHHELD`))
        assert.deepStrictEqual(
          content.map(({ sequence, reason, attempts }: Record<string, unknown>) => [sequence, reason, attempts]),
          [[2, "The endpoint was switched off.", 0]]
        )
        const missed = yield* Shop.made(server.request("POST", `${webhooks}/${id}/replay`, { only_missed: true }))
        assert.deepStrictEqual(missed, { replayed: 1, has_more: false })
        yield* seen("what was missed", to, 3)
        assert.deepInclude(to.received[2]?.body, { type: "wallet.credited", sequence: 2 })
        yield* Shop.made(server.request("DELETE", `${webhooks}/${id}`))
        assert.strictEqual((yield* server.request("GET", `${webhooks}/${id}`)).status, 404)
      }).pipe(Effect.scoped)
  )

  it.effect("a secret that was rotated signs as well for a while, and a repeated request gives the same new one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const to = yield* receiver()
      const { id, secret } = yield* endpoint(to.url)
      const again = { "idempotency-key": randomUUID() }
      const rotate = server.request("POST", `${webhooks}/${id}/rotate_secret`, { overlap_hours: 1 }, again)
      const rotated = yield* Shop.made(rotate)
      assert.notStrictEqual(rotated.secret, secret)
      assert.deepStrictEqual(yield* Shop.made(rotate), rotated)
      yield* Shop.made(server.request("POST", `${webhooks}/${id}/test`, {}))
      yield* seen("the test event", to, 1)
      const [{ text, headers, body }] = to.received as [Received]
      assert.strictEqual(body.type, "endpoint.test")
      for (const each of [secret, rotated.secret]) assert.isObject(new Webhook(each).verify(text, headers))
      // Rotated again, what was said of the first still holds; unless all are to end at once.
      const third = yield* Shop.made(server.request("POST", `${webhooks}/${id}/rotate_secret`, {}))
      yield* Shop.made(server.request("POST", `${webhooks}/${id}/test`, {}))
      yield* seen("the second test event", to, 2)
      const between = to.received[1] as Received
      for (const each of [secret, rotated.secret, third.secret]) {
        assert.isObject(new Webhook(each).verify(between.text, between.headers))
      }
      const last = yield* Shop.made(server.request("POST", `${webhooks}/${id}/rotate_secret`, { overlap_hours: 0 }))
      yield* Shop.made(server.request("POST", `${webhooks}/${id}/test`, {}))
      yield* seen("the third test event", to, 3)
      const after = to.received[2] as Received
      assert.isObject(new Webhook(last.secret).verify(after.text, after.headers))
      for (const each of [secret, rotated.secret, third.secret]) {
        assert.throws(() => new Webhook(each).verify(after.text, after.headers))
      }
    }).pipe(Effect.scoped)
  )

  it.effect("what was delivered is logged with request and answer, found by number, and sent again from a cursor", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const to = yield* receiver((response) => void response.writeHead(200, { "x-from": "till" }).end("thank you"))
      const { id } = yield* endpoint(to.url)
      const eleni = yield* Shop.person(server)
      for (const amount of [1, 2, 3]) yield* Shop.credit(server, eleni, amount)
      yield* seen("all are there", to, 4)
      const list = `${webhooks}/${id}/deliveries?contact_id=${eleni.id}`
      const done = yield* eventually(
        "all are done",
        Effect.map(Shop.made(server.request("GET", `${list}&state=DONE&order=ASC`)), ({ content }) =>
          content.length === 4 ? content : undefined
        )
      )
      assert.deepStrictEqual(
        done.map((each: { sequence: number }) => each.sequence),
        [1, 2, 3, 4]
      )
      const { id: delivery } = done[2]
      const detail = yield* Shop.made(server.request("GET", `${webhooks}/${id}/deliveries/${delivery}`))
      assert.deepInclude(detail.payload, { type: "wallet.credited", sequence: 3, contact_id: eleni.id })
      const [attempt] = detail.log
      assert.strictEqual(attempt.log.request.headers["webhook-id"], delivery)
      assert.strictEqual(JSON.parse(attempt.log.request.body).sequence, 3)
      assert.deepInclude(attempt.log.response, { status: 200, body: "thank you" })
      assert.strictEqual(attempt.log.response.headers["x-from"], "till")

      const replay = (path: string, body: object) => Shop.made(server.request("POST", `${webhooks}/${id}${path}`, body))
      assert.deepStrictEqual(yield* replay(`/deliveries/${delivery}/replay`, {}), { replayed: 1, has_more: false })
      yield* seen("it is there again", to, 5)
      assert.strictEqual(to.received[4]?.id, delivery)
      assert.strictEqual(to.received[4]?.text, to.received[2]?.text)

      const { content } = yield* Shop.made(server.request("GET", `${webhooks}/${id}/sequences?contact_id=${eleni.id}`))
      assert.deepInclude(content[0], { contact_id: eleni.id, last_sequence: 4 })
      yield* eventually(
        "all are done",
        Effect.map(Shop.made(server.request("GET", `${list}&state=DONE`)), ({ content }) => content.length === 4)
      )
      assert.deepStrictEqual(yield* replay("/replay", { contact_id: eleni.id, from_sequence: 3 }), {
        replayed: 2,
        has_more: false
      })
      yield* seen("the last two again", to, 7)
      assert.deepStrictEqual(
        to.received.slice(5).map(({ body }) => body.sequence),
        [3, 4]
      )
      const key = { "idempotency-key": randomUUID() }
      const once = () =>
        server.request("POST", `${webhooks}/${id}/replay`, { contact_id: eleni.id, from_sequence: 5 }, key)
      const [first, second] = [yield* once(), yield* once()]
      assert.deepStrictEqual([first.status, second.body], [200, first.body])
      assert.strictEqual(second.headers.get("idempotency-replayed"), "true")
      const position = to.received[1]?.body.position
      yield* eventually(
        "all are done",
        Effect.map(Shop.made(server.request("GET", `${list}&state=DONE`)), ({ content }) => content.length === 4)
      )
      assert.deepInclude(yield* replay("/replay", { position, contact_id: eleni.id }), { replayed: 2 })
      yield* seen("what came after the position", to, 9)
      for (const [body, pointer] of [
        [{}, ""],
        [{ from_sequence: 1 }, "/contact_id"],
        [{ position: "nowhere" }, "/position"],
        [{ since: 0, cursor: "nowhere" }, "cursor"]
      ] as const) {
        const refused = yield* server.request("POST", `${webhooks}/${id}/replay`, body)
        assert.strictEqual(refused.status, 400)
        assert.strictEqual(refused.body.faults[0].pointer, pointer)
      }
      const reversed = { contact_id: eleni.id, from_sequence: 5, to_sequence: 3 }
      const refused = yield* server.request("POST", `${webhooks}/${id}/replay`, reversed)
      assert.strictEqual(refused.status, 400, "not answered as if nothing had been there to send")
      assert.match(refused.body.detail, /^\/to_sequence: No number is from 5 to 3/)
    }).pipe(Effect.scoped)
  )

  it.effect("an address that must not be called is refused at save, with the field named, and nothing is stored", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const before = (yield* Shop.made(server.request("GET", `${webhooks}?include_total=true`))).paging.total
      const addresses = [
        "hooks.example.com",
        "ftp://hooks.example.com",
        "http://hooks.example.com/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://localhost/",
        "https://printer/",
        "https://printer.local/",
        "https://db.internal./",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://3232235777/",
        "https://0x0a000001/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::ffff:a00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/"
      ]
      for (const url of addresses) {
        const refused = yield* server.request("POST", webhooks, { name: "Bad", url, events: "*" })
        assert.strictEqual(refused.status, 400, url)
        assert.include(JSON.stringify(refused.body), "/url", url)
      }
      const after = (yield* Shop.made(server.request("GET", `${webhooks}?include_total=true`))).paging.total
      assert.strictEqual(after, before)
      for (const [body, pointer] of [
        [{ name: "Bad", url: "https://hooks.example.com/", events: [] }, "/events"],
        [{ name: "Bad", url: "https://hooks.example.com/", events: ["contact.exploded"] }, "/events"],
        [{ name: "Bad", url: "https://hooks.example.com/", events: ["purchase.paid", "purchase.paid"] }, "/events/1"]
      ] as const) {
        const refused = yield* server.request("POST", webhooks, body)
        assert.strictEqual(refused.status, 400)
        assert.include(JSON.stringify(refused.body), pointer)
      }
    })
  )
})
