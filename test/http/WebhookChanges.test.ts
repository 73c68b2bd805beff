/**
 * AUT-11 while somebody never leaves an endpoint alone: switched off and on, moved, given new secrets, replayed and tested as
 * deliveries are under way. In the end each number of each contact has arrived, always as the same message, under a secret
 * that was good; and another endpoint has everything in order all the while.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { eventually } from "../support/Eventually.ts"
import { ok, receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"

const webhooks = "/backoffice/v2/webhooks"
const contactsCount = 6
const creditsEach = 25
const limitMs = 300_000

layer(Layer.effect(TestServer, start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8" })), { excludeTestServices: true })(
  "an endpoint that is never left alone",
  (it) => {
    it.effect(
      "AUT-11: has each number of each contact in the end, and another one has all of it in order",
      () =>
        Effect.gen(function* () {
          const server = yield* TestServer
          const to = yield* receiver((response, received, nth) =>
            nth === 1 && received.body.sequence % 7 === 0
              ? void response.writeHead(500).end()
              : ok(response, received, nth)
          )
          const moved = yield* receiver()
          const calm = yield* receiver()
          const made = (url: string) =>
            Shop.made(server.request("POST", webhooks, { name: randomUUID(), url, events: ["wallet.credited"] }))
          const { id, secret } = yield* made(to.url)
          yield* made(calm.url)
          const secrets = [secret]
          const people = yield* Effect.forEach(Array.from({ length: contactsCount }), () => Shop.person(server))
          const tests: Array<string> = []
          const change = (method: string, path: string, body: object) =>
            server.request(method, `${webhooks}/${id}${path}`, body)
          const strange = [
            change("PUT", "", { state: "INACTIVE" }),
            change("PUT", "", { state: "ACTIVE" }),
            change("PUT", "", { url: moved.url }),
            change("PUT", "", { url: to.url }),
            Effect.map(change("POST", "/rotate_secret", {}), ({ body }) => void secrets.push(body.secret)),
            change("POST", "/replay", { only_missed: true }),
            change("POST", "/replay", { since: 0 }),
            Effect.map(change("POST", "/test", {}), ({ body }) => void tests.push(body.delivery_id))
          ]
          const paid = Effect.forEach(
            people,
            (each) => Effect.forEach(Array.from({ length: creditsEach }), () => Shop.credit(server, each, 1)),
            { concurrency: contactsCount }
          )
          const paying = { isOver: false }
          const bothering = Effect.gen(function* () {
            for (let nth = 0; !paying.isOver; nth++) {
              const some = [0, 3, 5, 6].map((step) => strange[(nth + step) % strange.length] ?? Effect.void)
              yield* Effect.all(some, { concurrency: 4 })
            }
          })
          yield* Effect.all(
            [
              Effect.ensuring(
                paid,
                Effect.sync(() => (paying.isOver = true))
              ),
              bothering
            ],
            { concurrency: 2 }
          )
          yield* Shop.made(change("PUT", "", { state: "ACTIVE" }))
          const waiting = Effect.map(
            Shop.made(server.request("GET", `${webhooks}/${id}/deliveries?state=WAITING`)),
            ({ content }) => content.length === 0
          )
          yield* eventually("nothing waits", waiting)
          yield* Shop.made(change("POST", "/replay", { only_missed: true }))
          yield* eventually("nothing waits", waiting)
          const total = contactsCount * creditsEach
          yield* eventually(
            "the other has all",
            Effect.sync(() => calm.kept().length >= total)
          )
          for (const each of people) {
            const own = calm.kept().filter(({ body }) => body.contact_id === each.id)
            assert.deepStrictEqual(
              own.map(({ body }) => body.sequence),
              Array.from({ length: creditsEach }, (_, index) => index + 1)
            )
          }
          const { content } = yield* Shop.made(server.request("GET", `${webhooks}/${id}/sequences?size=100`))
          assert.deepStrictEqual(
            content.flatMap(({ ranges }: { ranges: ReadonlyArray<{ state: string }> }) =>
              ranges.map(({ state }) => state)
            ),
            Array.from({ length: contactsCount + 1 }, () => "DONE")
          )
          const all = [...to.received, ...moved.received]
          const numbers = new Map<string, Set<string>>()
          for (const { id: message, text, body, headers } of all) {
            const name = `${body.contact_id ?? "business"}/${body.sequence}`
            numbers.set(name, (numbers.get(name) ?? new Set()).add(`${message}/${text}`))
            assert.isTrue(
              secrets.some((each) => {
                try {
                  return new Webhook(each).verify(text, headers) !== undefined
                } catch {
                  return false
                }
              }),
              "signed"
            )
          }
          for (const [name, messages] of numbers) assert.strictEqual(messages.size, 1, name)
          assert.strictEqual(numbers.size, total + new Set(tests).size)
        }).pipe(Effect.scoped),
      limitMs
    )
  }
)
