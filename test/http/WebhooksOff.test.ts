/**
 * AUT-11 of endpoints that are switched off, by hand or by themselves, from the door to a real receiver and a real mail
 * server: it can always be done, people hear of it once, and what is missed meanwhile has its numbers and can be sent.
 */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { Webhook } from "standardwebhooks"
import { eventually } from "../support/Eventually.ts"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { ok, type Received, receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer,
    Effect.flatMap(Mail, ({ url }) =>
      start({ SMTP_URL: url, KOINON_MAIL_SENDER: "news@shop.example", KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8" })
    )
  ),
  Layer.effect(Mail, mailServer())
)

const webhooks = "/backoffice/v2/webhooks"

const endpoint = Effect.fnUntraced(function* (url: string, fields: object) {
  const server = yield* TestServer
  return yield* Shop.made(
    server.request("POST", webhooks, { name: `Hook ${randomUUID()}`, url, events: "*", ...fields })
  )
})

const naming = Effect.fnUntraced(function* (id: string) {
  const server = yield* TestServer
  const actions = [{ type: "WEBHOOK", endpoint_id: id }]
  const automation = { name: `Tell ${id}`, trigger: "CONTACT_REGISTERED", actions }
  return yield* Shop.made(server.request("POST", "/backoffice/v2/automations", automation))
})

const seen = (what: string, to: { readonly kept: () => ReadonlyArray<Received> }, count: number) =>
  eventually(
    what,
    Effect.sync(() => to.kept().length >= count)
  )

layer(world, { excludeTestServices: true })("an endpoint that is off", (it) => {
  it.effect(
    "AUT-11: is so by itself once it is gone, although an automation names it, and people hear of it once",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const mail = yield* Mail
        const to = yield* receiver((response) => void response.writeHead(410).end())
        const others = yield* receiver()
        const recipients = ["hooks@shop.example", "till@shop.example"]
        const { id, notice_recipients } = yield* endpoint(to.url, {
          events: ["contact.registered"],
          notice_recipients: recipients
        })
        assert.deepStrictEqual(notice_recipients, recipients)
        yield* endpoint(others.url, { events: ["webhook.disabled"] })
        yield* naming(id)
        yield* Shop.person(server)
        yield* seen("the others are told", others, 1)
        const off = yield* Shop.made(server.request("GET", `${webhooks}/${id}`))
        assert.deepInclude(off, { state: "INACTIVE", disabled_for: "it answered 410 Gone" })
        assert.isAbove(off.disabled_at, 0)
        const [told] = others.received
        assert.deepInclude(told?.body, {
          type: "webhook.disabled",
          sequence: 1,
          data: { webhook_id: id, reason: "it answered 410 Gone" }
        })
        assert.notProperty(told?.body, "contact_id")
        yield* eventually(
          "the mails are there",
          Effect.sync(() => mail.received.length >= 2)
        )
        assert.sameDeepMembers(
          mail.received.map((each) => each.to),
          recipients.map((recipient) => [recipient])
        )
        const text = mail.received[0]?.mail.text ?? ""
        for (const part of [off.name, "it answered 410 Gone", id]) assert.include(text, part)

        // While it is off nothing is sent, neither by events nor by automations, and both have their numbers.
        const calls = to.received.length
        to.behave(ok)
        const eleni = yield* Shop.person(server)
        const missed = yield* eventually(
          "both are withheld",
          Effect.map(
            Shop.made(
              server.request("GET", `${webhooks}/${id}/deliveries?state=WITHHELD&contact_id=${eleni.id}&order=ASC`)
            ),
            ({ content }) => (content.length === 2 ? content : undefined)
          )
        )
        assert.sameDeepMembers(
          missed.map((each: Record<string, unknown>) => [each["type"], each["reason"]]),
          [
            ["contact.registered", "The endpoint was switched off."],
            ["automation.run", "The endpoint was switched off."]
          ]
        )
        assert.lengthOf(to.received, calls)
        const replay = server.request("POST", `${webhooks}/${id}/replay`, { only_missed: true })
        const refused = yield* replay
        assert.deepInclude(refused.body, { status: 409, error: "KOINON.WEBHOOK_OFF" })
        assert.strictEqual((yield* server.request("DELETE", `${webhooks}/${id}`)).status, 409)

        yield* eventually(
          "what waited is withheld too",
          Effect.map(
            Shop.made(server.request("GET", `${webhooks}/${id}/deliveries?state=WITHHELD`)),
            ({ content }) => content.length === 4
          )
        )

        // On again, it has all of it, in order for each contact.
        const on = yield* Shop.made(server.request("PUT", `${webhooks}/${id}`, { state: "ACTIVE" }))
        assert.notProperty(on, "disabled_at")
        assert.deepInclude(yield* Shop.made(replay), { replayed: 4 })
        yield* eventually(
          "all has arrived",
          Effect.sync(() => to.received.length >= calls + 4)
        )
        const hers = to.received.slice(calls).filter(({ body }) => body.contact_id === eleni.id)
        assert.deepStrictEqual(
          hers.map(({ body }) => body.sequence),
          [1, 2]
        )
        // By hand it is off without a notice, and says nothing of why it was off before.
        const byHand = yield* Shop.made(server.request("PUT", `${webhooks}/${id}`, { state: "INACTIVE" }))
        assert.deepInclude(byHand, { state: "INACTIVE" })
        assert.notProperty(byHand, "disabled_for")
        assert.lengthOf(mail.received, 2)
        assert.lengthOf(others.kept(), 1)
      }).pipe(Effect.scoped)
  )

  it.effect("AUT-11: changes made at the same time are all there, and a new secret is not lost to any of them", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const to = yield* receiver()
      const { id } = yield* endpoint(to.url, { events: ["wallet.credited"] })
      const asked = [
        server.request("POST", `${webhooks}/${id}/rotate_secret`, { overlap_hours: 0 }),
        server.request("PUT", `${webhooks}/${id}`, { description: "The till" }),
        server.request("PUT", `${webhooks}/${id}`, { notice_recipients: ["hooks@shop.example"] }),
        server.request("PUT", `${webhooks}/${id}`, { events: ["wallet.debited"] })
      ]
      const [rotated] = yield* Effect.all(asked.map(Shop.made), { concurrency: "unbounded" })
      const read = yield* Shop.made(server.request("GET", `${webhooks}/${id}`))
      assert.deepInclude(read, {
        description: "The till",
        notice_recipients: ["hooks@shop.example"],
        events: ["wallet.debited"],
        version: 5
      })
      yield* Shop.made(server.request("POST", `${webhooks}/${id}/test`, {}))
      yield* seen("the test event", to, 1)
      const [{ text, headers }] = to.received as [Received]
      assert.isObject(new Webhook(rotated.secret).verify(text, headers))
      const refused = yield* server.request("PUT", `${webhooks}/${id}`, { notice_recipients: ["nobody"] })
      assert.strictEqual(refused.status, 400)
      assert.include(JSON.stringify(refused.body), "/notice_recipients/0")
    }).pipe(Effect.scoped)
  )
})
