/** What was sent, as the contact's app and the back office read it; and where it stands at rest. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { bodyOf, pointersOf } from "../support/HttpContacts.ts"
import { finderOf } from "../support/Leaks.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import { open } from "../support/OpenServer.ts"
import * as Shop from "../support/Shop.ts"

class Opened extends Context.Service<Opened, Effect.Success<ReturnType<typeof open>>>()("koinon/test/Opened") {}

const text = { ...greekMail, channel: "SMS" as const, variants: { en: { text: "Hi #FIRST_NAME#" } } }

layer(Layer.effect(Opened, open()), { excludeTestServices: true })("communications", (it) => {
  it.effect("are read, viewed and archived by the contact whom they went to, and by nobody else", () =>
    Effect.gen(function* () {
      const { server } = yield* Opened
      const eleni = yield* Shop.person(server, { language_code: "ELL" })
      const other = yield* Shop.person(server)
      const [mail, sms] = [yield* template(server, greekMail, "Birthday"), yield* template(server, text)]
      const first = yield* send(server, eleni, mail)
      const second = yield* send(server, eleni, sms, { name: "Reminder" })
      yield* Effect.forEach([first, second], (id) => ended(server, id, "COMPLETED"))
      const ask = (path: string, token = eleni.token) => server.requestAs(token, "GET", `/self-service/v2${path}`)
      const mine = `/contacts/${eleni.id}/communications`
      const one = bodyOf(yield* ask(`/communications/${first}`), 200)
      assert.include(one, {
        id: first,
        name: "Birthday",
        state: "COMPLETED",
        channel: "EMAIL",
        is_viewed: false,
        is_archived: false,
        language: "el",
        recipient: eleni.email,
        subject: "Χρόνια πολλά, Ελένη!"
      })
      assert.include(one.content, "<h1>Γεια σου Ελένη</h1>")
      assert.deepStrictEqual(one.contact, { id: eleni.id, name: "Ελένη Χριστοδούλου", code: eleni.code })
      bodyOf(yield* ask(`/communications/${first}`, other.token), 404)
      bodyOf(yield* ask(mine, other.token), 403)
      const act = (id: string, body: unknown, token = eleni.token) =>
        server.requestAs(token, "PUT", `/self-service/v2/communications/${id}/actions`, body)
      assert.deepStrictEqual(bodyOf(yield* act(first, { viewed: true, archived: true }), 200), { id: first })
      bodyOf(yield* act(first, { viewed: true, archived: true }), 200)
      bodyOf(yield* act(second, { viewed: true, archived: true }, other.token), 404)
      assert.deepStrictEqual(pointersOf(yield* act(first, { viewed: true })), ["/archived"])
      assert.deepStrictEqual(pointersOf(yield* act(first, { id: second, viewed: true, archived: true })), ["/id"])
      const seen = bodyOf(yield* ask(`/communications/${first}`), 200)
      assert.isTrue(seen.is_viewed && seen.is_archived)
      assert.isAtLeast(seen.viewed_on, seen.created_on)
      const idsOf = (query: string) =>
        Effect.map(ask(`${mine}?${query}`), (response) =>
          bodyOf(response, 200).content.map((each: { id: string }) => each.id)
        )
      assert.deepStrictEqual(yield* idsOf(""), [second, first])
      assert.deepStrictEqual(yield* idsOf("order=ASC"), [first, second])
      assert.deepStrictEqual(yield* idsOf("sort=NAME&order=ASC"), [first, second])
      assert.deepStrictEqual(yield* idsOf("archived=true"), [first])
      assert.deepStrictEqual(yield* idsOf("archived=false"), [second, first])
      assert.deepStrictEqual(yield* idsOf("viewed=true"), [first])
      assert.deepStrictEqual(yield* idsOf("channel=SMS"), [second])
      assert.deepStrictEqual(yield* idsOf(`created_on[lt]=${one.created_on}`), [])
      assert.deepStrictEqual(yield* idsOf(`created_on[gte]=${one.created_on}`), [second, first])
      const paged = bodyOf(yield* ask(`${mine}?size=1&page=2`), 200)
      assert.deepStrictEqual(
        paged.content.map((each: { id: string }) => each.id),
        [first]
      )
      assert.include(paged.paging, { page: 2, size: 1, total: 2, has_more: false })
      assert.deepStrictEqual(pointersOf(yield* ask(`${mine}?channel=PIGEON`)), ["/channel"])
      bodyOf(yield* act(first, { viewed: false, archived: false }), 200)
      const back = bodyOf(yield* ask(`/communications/${first}`), 200)
      assert.isTrue(back.is_viewed && !back.is_archived, "seen stays seen")
    })
  )

  it.effect("of a business are found by contact, state, channel and time, and what was refused is asked for anew", () =>
    Effect.gen(function* () {
      const { server } = yield* Opened
      const eleni = yield* Shop.person(server, { email_opt_out: true })
      const [mail, sms] = [yield* template(server, greekMail), yield* template(server, text)]
      const refused = yield* send(server, eleni, mail)
      const sent = yield* send(server, eleni, sms)
      const found = yield* ended(server, refused, "REJECTED")
      assert.include(found, { reason: "OPTED_OUT", purpose: "MARKETING", template_id: mail })
      yield* ended(server, sent, "COMPLETED")
      const list = (query: string) =>
        Effect.map(server.request("GET", `/backoffice/v2/deliveries?contact_id=${eleni.id}&${query}`), (response) =>
          bodyOf(response, 200).content.map((each: { id: string }) => each.id)
        )
      assert.deepStrictEqual(yield* list(""), [sent, refused])
      assert.deepStrictEqual(yield* list("state=REJECTED"), [refused])
      assert.deepStrictEqual(yield* list("channel=SMS&state=COMPLETED"), [sent])
      assert.deepStrictEqual(yield* list(`plan_id=${mail}`), [])
      assert.deepStrictEqual(yield* list(`created_on[gt]=${found.created_on + 60}`), [])
      const retry = (id: string, headers = {}) =>
        server.request("POST", `/backoffice/v2/deliveries/${id}/retry`, undefined, headers)
      bodyOf(yield* retry(sent), 409)
      const business = server.businessId
      const command = { _tag: "ChangeOptOut", channel: "EMAIL", optedOut: false, by: "USER" } as const
      yield* Effect.orDie(server.actors.ask({ business, key: eleni.id, command }))
      const key = { "idempotency-key": `retry-${refused}` }
      const { id: anew } = bodyOf(yield* retry(refused, key), 200)
      assert.notStrictEqual(anew, refused)
      const again = yield* retry(refused, key)
      assert.strictEqual(bodyOf(again, 200).id, anew)
      assert.strictEqual(again.headers.get("idempotency-replayed"), "true")
      assert.strictEqual((yield* ended(server, anew, "COMPLETED")).gateway, "OUTBOX")
      assert.strictEqual((yield* delivery(server, refused)).state, "REJECTED", "it has ended once")
    })
  )

  it.effect("are sealed at rest: whom they went to and what they say stands in no table in the clear (ANO-6)", () =>
    Effect.gen(function* () {
      const { server, query } = yield* Opened
      const secrets = { first_name: "Zenobia-Kallisto", email: "zenobia.kallisto@secret.example" }
      const zenobia = yield* Shop.person(server, { ...secrets, language_code: "ELL" })
      const token = "push-token-that-nobody-may-read"
      bodyOf(
        yield* server.requestAs(zenobia.token, "POST", `/self-service/v2/contacts/${zenobia.id}/devices`, {
          platform: "MOBILE",
          registration_token: token
        }),
        201
      )
      const inApp = { el: { title: "Για #FIRST_NAME#", text: "Γεια σου #FIRST_NAME#" } }
      const device = { ...greekMail, channel: "DEVICE" as const, defaultLanguage: "el", variants: inApp }
      for (const body of [greekMail, text, device]) {
        yield* ended(server, yield* send(server, zenobia, yield* template(server, body)), "COMPLETED")
      }
      // The one place where she may be found is there by now.
      const listed = yield* server.request("GET", `/backoffice/v2/contacts?email_address=${secrets.email}`)
      assert.lengthOf(bodyOf(listed, 200).content, 1)
      const find = finderOf([secrets.first_name, secrets.email, token, zenobia.phone.slice(4), "Γεια σου Zenobia"])
      const tables = yield* query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
      )
      const leaks: Array<unknown> = []
      for (const { name } of tables) {
        const rows = yield* query(`SELECT to_jsonb(t)::text AS row FROM "${String(name)}" t`)
        const found = find(rows.map(({ row }) => String(row)).join("\n"))
        if (found.length > 0) leaks.push(name)
      }
      assert.deepStrictEqual(leaks, ["contact_directory"])
      const bodies = yield* query("SELECT count(*)::int AS count FROM communication_body")
      assert.isAbove(Number(bodies[0]?.["count"]), 3)
    })
  )

  it.effect("go to devices that their contact has registered and can remove", () =>
    Effect.gen(function* () {
      const { server } = yield* Opened
      const eleni = yield* Shop.person(server)
      const path = `/self-service/v2/contacts/${eleni.id}/devices`
      const device = { platform: "MOBILE", registration_token: "token/with?signs", serial_number: "SN-1" }
      const { id } = bodyOf(yield* server.requestAs(eleni.token, "POST", path, device), 201)
      assert.strictEqual(bodyOf(yield* server.requestAs(eleni.token, "POST", path, device), 201).id, id)
      const listed = bodyOf(yield* server.requestAs(eleni.token, "GET", `${path}?serial_number=SN-1`), 200)
      assert.strictEqual(listed.content.length, 1)
      assert.include(listed.content[0], { id, ...device })
      const other = yield* Shop.person(server)
      bodyOf(yield* server.requestAs(other.token, "GET", path), 403)
      const gone = `${path}/${encodeURIComponent(device.registration_token)}`
      bodyOf(yield* server.requestAs(eleni.token, "DELETE", gone), 200)
      bodyOf(yield* server.requestAs(eleni.token, "DELETE", gone), 404)
      assert.deepStrictEqual(bodyOf(yield* server.requestAs(eleni.token, "GET", path), 200).content, [])
    })
  )
})
