/** AUT-9: whoever may see who a contact is, is told what of it changed, what it was and what it is; nothing keeps it in the clear. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { bodyOf } from "../support/HttpContacts.ts"
import { connectAs, follow } from "../support/LiveClient.ts"
import { eventually } from "../support/Eventually.ts"
import { receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import { start, TestServer } from "../support/TestServer.ts"

const contacts = "/backoffice/v2/contacts"

layer(Layer.effect(TestServer, start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.0/8" })), { excludeTestServices: true })(
  "what changed of a contact",
  (it) => {
    it.effect("AUT-9: is told by the webhook, by the run's webhook, live and in her activities, old and new", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { url, received } = yield* receiver()
        const post = (path: string, body: object) =>
          Effect.map(server.request("POST", `/backoffice/v2/${path}`, body), (found) => bodyOf(found, 201))
        const endpoint = yield* post("webhooks", { name: "CRM", url, events: ["contact.updated"] })
        yield* post("automations", {
          name: "Tell of changes",
          trigger: "CONTACT_UPDATED",
          actions: [{ type: "WEBHOOK", endpoint_id: endpoint.id }]
        })
        const custom_fields = [
          { key: "milk", value: "oat" },
          { key: "shoe.size", value: "38" }
        ]
        const eleni = yield* Shop.person(server, { language_code: "ELL", custom_fields })
        const business = yield* connectAs(server.url, { api_key: server.apiKey })
        const hers = yield* connectAs(server.url, { token: eleni.token })
        for (const client of [business, hers]) yield* follow(client, `contact/${eleni.id}`)
        const update = {
          last_name: "Νέα",
          language_code: "ENG",
          time_zone: "America/New_York",
          custom_fields: [custom_fields[0], { key: "shoe.size", value: "39" }]
        }
        bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}`, update), 200)

        const changed = ["language_code", "time_zone", "last_name", "custom_fields"]
        const previous = {
          language_code: "ELL",
          time_zone: "Asia/Nicosia",
          last_name: "Χριστοδούλου",
          custom_fields: { "shoe.size": "38" }
        }
        const current = {
          language_code: "ENG",
          time_zone: "America/New_York",
          last_name: "Νέα",
          custom_fields: { "shoe.size": "39" }
        }
        const both = yield* eventually(
          "both webhooks arrive",
          Effect.sync(() => (received.length >= 2 ? received.map(({ body }) => body) : undefined))
        )
        const [event, run] = ["contact.updated", "automation.run"].map((type) =>
          both.find((each) => each.type === type)
        )
        assert.deepStrictEqual(event?.data, { changed, previous, current })
        assert.deepInclude(run?.data, { event_type: "contact.updated", event: { changed, previous, current } })
        for (const client of [business, hers]) {
          yield* client.until(() => client.events().some((told) => told.event.type === "contact.updated"))
          const told = client.events().find((each) => each.event.type === "contact.updated")?.event
          assert.deepInclude(told, { changed, previous, current })
        }
        // What the business keeps to itself of her: her app is told that, not what.
        bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}/tags`, { add: ["watch her"], remove: [] }), 200)
        const updates = () => hers.events().filter((each) => each.event.type === "contact.updated")
        yield* hers.until(() => updates().length === 2)
        assert.notProperty(updates()[1]?.event, "current")
        const activities = yield* server.request("GET", `${contacts}/${eleni.id}/activities?type=contact.updated`)
        assert.deepInclude(bodyOf(activities, 200).content[0], { changed, previous, current })
      }).pipe(Effect.scoped)
    )

    it.effect("FED-1, CON-3: has one name for webhooks and live: consent, devices, a new code of the wallet", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { url, received } = yield* receiver()
        const names = ["contact.consent_changed", "contact.devices_changed", "contact.updated"]
        yield* Shop.made(server.request("POST", "/backoffice/v2/webhooks", { name: "Names", url, events: names }))
        yield* Shop.made(server.request("PUT", "/backoffice/v2/settings", { wallet_code_mode: "DYNAMIC" }))
        const eleni = yield* Shop.person(server)
        const client = yield* connectAs(server.url, { token: eleni.token })
        yield* follow(client, `contact/${eleni.id}`)

        const consent = `${contacts}/${eleni.id}/consent`
        yield* Shop.made(server.request("PUT", consent, { state: "ACCEPTED" }))
        const own = `/self-service/v2/contacts/${eleni.id}`
        const device = { platform: "MOBILE", registration_token: "a-token-of-hers" }
        yield* Shop.made(server.requestAs(eleni.token, "POST", `${own}/devices`, device))
        const wallet = `/self-service/v2/wallets/${eleni.id}/code`
        const { code } = yield* Shop.made(server.requestAs(eleni.token, "GET", wallet))

        yield* client.until(() => client.events().length === names.length)
        const live = client.events().map(({ event }) => event)
        assert.deepStrictEqual(
          live.map(({ at: _, ...event }) => event),
          [
            { type: "contact.consent_changed", from: "PENDING", to: "ACCEPTED", by: "USER" },
            { type: "contact.devices_changed" },
            { type: "contact.updated" }
          ]
        )
        const told = yield* eventually(
          "the webhook has told all of it",
          Effect.sync(() => {
            const hers = received.map(({ body }) => body).filter(({ contact_id }) => contact_id === eleni.id)
            return hers.length === names.length && hers
          })
        )
        assert.deepStrictEqual(
          told.map(({ type, data }) => ({ type, ...data })),
          live.map(({ at: _, ...event }) => event)
        )
        const found = yield* Shop.made(server.request("GET", `${contacts}/${eleni.id}/activities`))
        assert.deepStrictEqual(
          found.content.map(({ type }: { readonly type: string }) => type),
          ["wallet.code_rotated", "contact.devices_changed", "contact.consent_changed", "contact.registered"]
        )
        // What would let somebody pay or push in her name is told nowhere.
        const all = JSON.stringify([live, told, found])
        for (const secret of [code, device.registration_token]) assert.notInclude(all, secret)
      }).pipe(Effect.scoped)
    )
  }
)
