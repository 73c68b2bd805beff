/** What somebody outside is asked before a command: in the public form, and signed, so that only Koinon is answered. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Webhook } from "standardwebhooks"
import { decider, deleteAutomation, saveAutomation, says } from "../support/Automations.ts"
import { bodyOf, named } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const contacts = "/backoffice/v2/contacts"
const start = TestServer.start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.1" })

/** Only for people of that name, so that tests on one server do not meet. */
const called = (name: string) => [
  { conditions: [{ type: "COMPARISON" as const, field: "last_name", operator: "EQUAL" as const, value: name }] }
]

layer(Layer.effect(TestServer.TestServer, start))("a question about a command", (it) => {
  const create = (body: object) =>
    Effect.flatMap(TestServer.TestServer, (server) => server.request("POST", contacts, body))

  it.effect("AUT-3: is told amounts as decimals and instants as RFC 3339, by the names of the catalogue", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const allowing = yield* decider(says({ decision: "ALLOW" }))
      yield* saveAutomation(server, "rich", {
        trigger: "PRIOR_TO_UPDATE",
        filter: called("Πλούσια"),
        actions: [{ _tag: "DECISION", url: allowing.url, failOpen: false }]
      })
      const eleni = yield* Shop.person(server, { custom_fields: [{ key: "shoe.size", value: "38" }] })
      yield* Shop.credit(server, eleni, 50.07)
      bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}`, { last_name: "Πλούσια" }), 200)
      const contact = allowing.asked[0]?.contact ?? {}
      assert.deepInclude(contact, { id: eleni.id, currency: "EUR", custom_fields: { "shoe.size": "38" } })
      assert.deepInclude(contact["wallet"], {
        balance: 50.07,
        balance_by_pocket: { BUSINESS: 50.07, BUSINESS_COMMERCE: 0 }
      })
      assert.match(String(contact["registered_at"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      yield* deleteAutomation(server, "rich")
    })
  )

  it.effect(
    "AUT-4, AUT-11: every question is signed, under the automation's own secret or that of the endpoint it names",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const allowing = yield* decider(says({ decision: "ALLOW" }))
        const saved = (method: "POST" | "PUT", path: string, body: object) =>
          Effect.map(server.request(method, `/backoffice/v2/${path}`, body), (found) =>
            bodyOf(found, method === "POST" && !path.includes("/") ? 201 : 200)
          )
        const asking = (where: object) => ({
          name: "Signed",
          trigger: "PRIOR_TO_CREATION",
          filter: called("Υπογραφή"),
          actions: [{ type: "DECISION", ...where }]
        })
        const question = Effect.gen(function* () {
          bodyOf(yield* create(named("Υπογραφή")), 201)
          return allowing.sent.at(-1) ?? { headers: {}, text: "" }
        })
        const isSignedUnder = (secret: string, { headers, text }: { headers: Record<string, string>; text: string }) =>
          new Webhook(secret).verify(text, headers)

        const { id, decision_secret } = yield* saved("POST", "automations", asking({ url: allowing.url }))
        const [first, second] = [yield* question, yield* question]
        assert.deepInclude(isSignedUnder(decision_secret, first), { trigger: "PRIOR_TO_CREATION" })
        isSignedUnder(decision_secret, second)
        assert.notStrictEqual(first.headers["webhook-id"], second.headers["webhook-id"])
        const shown = bodyOf(yield* server.request("GET", `/backoffice/v2/automations/${id}`), 200)
        assert.strictEqual(shown.decision_secret, decision_secret)
        assert.deepStrictEqual(shown.actions, [{ type: "DECISION", url: allowing.url, fail_open: false }])

        const hook = { name: "Decides", url: allowing.url, events: ["segment.left"] }
        const endpoint = yield* saved("POST", "webhooks", hook)
        const changedTo = yield* saved("PUT", `automations/${id}`, asking({ endpoint_id: endpoint.id }))
        assert.notProperty(changedTo, "decision_secret")
        isSignedUnder(endpoint.secret, yield* question)
        // While a rotation lasts, both secrets sign.
        const { secret } = yield* saved("POST", `webhooks/${endpoint.id}/rotate_secret`, {})
        const rotated = yield* question
        isSignedUnder(endpoint.secret, rotated)
        isSignedUnder(secret, rotated)
        assert.throws(() => isSignedUnder(decision_secret, rotated))
        // What is asked at it is not deleted beneath the automation.
        bodyOf(yield* server.request("DELETE", `/backoffice/v2/webhooks/${endpoint.id}`), 409)
        yield* deleteAutomation(server, id)
      })
  )

  it.effect("MKT-1: opts nobody in: neither who opts out and changes her name in one request, nor who registers", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const fields = { first_name: "Άννα", email_opt_out: false, sms_opt_out: false }
      const winning = yield* decider(says({ decision: "PATCH", fields }))
      const body = (trigger: string) => ({
        name: trigger,
        trigger,
        filter: called("Ησυχία"),
        actions: [{ type: "DECISION", url: winning.url }]
      })
      const save = (given: object) => server.request("POST", "/backoffice/v2/automations", given)
      const read = (id: string) => Effect.map(server.request("GET", `${contacts}/${id}`), (found) => bodyOf(found, 200))
      const optedOut = { first_name: "Άννα", email_opt_out: true, sms_opt_out: true }
      const own = { email_opt_out: true, sms_opt_out: true }

      const { id: update } = bodyOf(yield* save(body("PRIOR_TO_UPDATE")), 201)
      const eleni = yield* Shop.person(server)
      bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}`, { last_name: "Ησυχία", ...own }), 200)
      assert.deepInclude(yield* read(eleni.id), { last_name: "Ησυχία", ...optedOut })
      yield* deleteAutomation(server, update)

      const { id: creation } = bodyOf(yield* save(body("PRIOR_TO_CREATION")), 201)
      const made = bodyOf(yield* create({ ...named("Ησυχία"), ...own }), 201)
      assert.deepInclude(yield* read(made.id), optedOut)
      yield* deleteAutomation(server, creation)

      const patching = { ...body("PRIOR_TO_UPDATE"), actions: [{ type: "PATCH", fields: { email_opt_out: false } }] }
      const refused = bodyOf(yield* save(patching), 400)
      assert.include(JSON.stringify(refused), "/actions/0/fields/email_opt_out")
    })
  )
})
