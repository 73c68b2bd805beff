/**
 * What a caller tells of an event for one message: in the forms of the doors, or refused by its place. And a message that
 * cannot be written ends, so that those behind it go.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import * as TestServer from "../support/TestServer.ts"

const events = ["FundsCredited", "PurchasePaid"]
const variants = {
  en: {
    subject: "News",
    text: "#EVENT.AMOUNT# #EVENT.TOTAL# until #EVENT.EXPIRES_AT# {% if EVENT.EXPIRES_AT %}{{ EVENT.EXPIRES_AT | date }}{% endif %}"
  }
}
const speaking = { ...greekMail, purpose: "CRITICAL" as const, variants, events, missing: { policy: "EMPTY" as const } }

layer(TestServer.layer)("the values of a message", (it) => {
  it.effect("AUT-12: are decimals and epoch seconds, in what is sent and in what is previewed", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server, { language_code: "en", time_zone: "UTC" })
      const templateId = yield* template(server, speaking)
      const values = { total: 5, amount: 12.34, expires_at: 1_767_225_600 }
      const said = "€12.34 €5.00 until Jan 1, 2026, 12:00 AM Jan 1, 2026"
      const path = `/backoffice/v2/templates/${templateId}/preview`
      const preview = bodyOf(yield* server.request("POST", path, { contact_id: her.id, event: values }), 200)
      assert.include(preview.message.text.replaceAll("\u202f", " "), said)
      const sent = yield* ended(server, yield* send(server, her, templateId, { values }), "COMPLETED")
      assert.include(sent.text.replaceAll("\u202f", " "), said)
      const dollars = { contact_id: her.id, event: { type: "PurchasePaid", total: 5, currency: "USD" } }
      assert.include(bodyOf(yield* server.request("POST", path, dollars), 200).message.text, "$5.00")
    })
  )

  it.effect("are refused by their place where no template could say them, or where they are something else", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server)
      const templateId = yield* template(server, speaking)
      const cases: ReadonlyArray<readonly [object, ReadonlyArray<string>, string]> = [
        [{ total: 12.345 }, ["total"], "at most 2 decimals"],
        [{ total: "5" }, ["total"], "An amount is needed"],
        [{ total: -1 }, ["total"], "not negative"],
        [{ totl: 5, amount: null }, ["totl", "amount"], "There are: "],
        [{ "a/b": 5 }, ["a~1b"], "no field of this name"],
        [{ expires_at: 1.5 }, ["expires_at"], "epoch seconds"],
        [{ expires_at: 1e15 }, ["expires_at"], "epoch seconds"],
        [{ counts: "yes" }, ["counts"], "true or false"],
        [{ pocket: "MINE" }, ["pocket"], "BUSINESS_COMMERCE"],
        [{ own_parts_lot_id: [1] }, ["own_parts_lot_id"], "array of texts"],
        [{ currency: "euro" }, ["currency"], "ISO 4217"],
        [{ type: "PurchasePaid", pocket: "BUSINESS" }, ["pocket"], "PurchasePaid has no field"],
        [{ type: "TagsChanged" }, ["type"], "FundsCredited, PurchasePaid"]
      ]
      for (const [values, names, wanted] of cases) {
        const sent = yield* server.request("POST", `/backoffice/v2/contacts/${her.id}/communications`, {
          template_id: templateId,
          values
        })
        assert.deepStrictEqual(
          pointersOf(sent),
          names.map((name) => `/values/${name}`)
        )
        assert.include(bodyOf(sent, 400).detail, wanted)
        const path = `/backoffice/v2/templates/${templateId}/preview`
        const preview = yield* server.request("POST", path, { contact_id: her.id, event: values })
        assert.deepStrictEqual(
          pointersOf(preview),
          names.map((name) => `/event/${name}`)
        )
      }
      const eventless = yield* template(server, {
        ...speaking,
        events: [],
        variants: { en: { subject: "x", text: "x" } }
      })
      const wish = { template_id: eventless, values: { total: 5 } }
      const sent = yield* server.request("POST", `/backoffice/v2/contacts/${her.id}/communications`, wish)
      assert.deepStrictEqual(pointersOf(sent), ["/values/total"])
      assert.include(bodyOf(sent, 400).detail, "speaks of no event")
    })
  )

  it.effect("AUT-12: that cannot be written end their message at once, and what comes after it goes", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server)
      const templateId = yield* template(server, speaking)
      const communicationId = randomUUID()
      const asked = { _tag: "RequestCommunication", channel: "EMAIL", purpose: "CRITICAL", name: "Before" } as const
      // As they could be asked for before the door refused them.
      const command = { ...asked, communicationId, templateId, values: { total: 12.5 } }
      yield* Effect.orDie(server.actors.ask({ business: server.businessId, key: her.id, command }))
      yield* ended(server, yield* send(server, her, templateId, { values: { total: 5 } }), "COMPLETED")
      const refused = yield* eventually(
        "it has ended",
        Effect.map(delivery(server, communicationId), (found) => found.state === "REJECTED" && found)
      )
      assert.strictEqual(refused.reason, "RENDERING_FAILED")
      assert.strictEqual(refused.attempts.length, 1)
      assert.notInclude(JSON.stringify(refused.attempts), "12.5")
    })
  )
})
