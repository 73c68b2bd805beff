/** Mail from the wish to the reader: a real SMTP server takes it, and an independent parser reads it. */
import { assert, layer } from "@effect/vitest"
import type { BusinessSettings } from "#domain/organisation/Business.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) =>
      TestServer.start({
        SMTP_URL: url,
        KOINON_MAIL_SENDER: "Το Μαγαζί <news@shop.example>",
        KOINON_PUBLIC_URL: "https://koinon.example"
      })
    )
  ),
  Layer.effect(Mail, mailServer())
)

const wallClock = new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Nicosia", hour: "2-digit", minute: "2-digit" })
const greek = { language_code: "ELL" }
const settings = (server: TestServer.TestServer["Service"], more: Partial<BusinessSettings>) => {
  const common = { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" } as const
  const command = { _tag: "ChangeBusinessSettings", settings: { ...common, ...more } } as const
  return Effect.orDie(server.actors.ask({ business: server.businessId, key: server.businessId, command }))
}
const mailsTo = (mail: MailServer, address: string) => mail.received.filter(({ to }) => to.includes(address))

layer(world, { excludeTestServices: true })("mail", (it) => {
  it.effect(
    "is Greek from the subject to the last word, and says how to get no more of it with one click (MKT-1)",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const mail = yield* Mail
        const eleni = yield* Shop.person(server, greek)
        const id = yield* send(server, eleni, yield* template(server, greekMail))
        const found = yield* ended(server, id, "COMPLETED")
        assert.strictEqual(found.gateway, "MAIL")
        assert.strictEqual(found.language, "el")
        assert.strictEqual(found.subject, "Χρόνια πολλά, Ελένη!")
        const [received] = mailsTo(mail, eleni.email)
        assert.isDefined(received)
        if (received === undefined) return
        const { mail: read, raw, from } = received
        assert.strictEqual(from, "news@shop.example")
        assert.strictEqual(read.from?.name, "Το Μαγαζί")
        assert.strictEqual(read.subject, "Χρόνια πολλά, Ελένη!")
        assert.include(read.text ?? "", "Γεια σου Ελένη, το δώρο σου σε περιμένει.")
        assert.include(read.html ?? "", "<h1>Γεια σου Ελένη</h1>")
        assert.strictEqual(read.messageId, `<${id}@shop.example>`)
        const headers = new Map(read.headers.map(({ key, value }) => [key, value]))
        assert.match(
          headers.get("list-unsubscribe") ?? "",
          /^<https:\/\/koinon\.example\/message\/unsubscribe\/[\w-]{92}>$/
        )
        assert.strictEqual(headers.get("list-unsubscribe-post"), "List-Unsubscribe=One-Click")
        // In words of their own, RFC 2047 and no raw bytes in a header.
        assert.match(raw.split("\r\n\r\n")[0] ?? "", /^[\x20-\x7e\r\n\t]+$/)
        assert.notInclude(read.html ?? "", "https://shop.example", "links lead over us, so that clicks are seen")
      })
  )

  it.effect("falls back to the template's own language, and shows a way out where the template has none (AUT-12)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const anna = yield* Shop.person(server, { language_code: "DEU", first_name: "Anna" })
      const id = yield* send(server, anna, yield* template(server, greekMail))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).language, "en")
      const [received] = mailsTo(mail, anna.email)
      assert.strictEqual(received?.mail.subject, "Hello Anna")
      assert.include(received?.mail.text ?? "", "Unsubscribe: https://koinon.example/message/unsubscribe/")
    })
  )

  it.effect("that no opt-out stops has no way out in it, and passes one (CON-6)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const eleni = yield* Shop.person(server, { ...greek, email_opt_out: true })
      const mandatory = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
      yield* ended(server, yield* send(server, eleni, mandatory), "COMPLETED")
      const [received] = mailsTo(mail, eleni.email)
      assert.notInclude(received?.raw ?? "", "List-Unsubscribe")
      const marketing = yield* template(server, greekMail)
      const refused = yield* ended(server, yield* send(server, eleni, marketing), "REJECTED")
      assert.strictEqual(refused.reason, "OPTED_OUT")
      assert.strictEqual(mailsTo(mail, eleni.email).length, 1)
    })
  )

  it.effect("waits for a server that says later, and ends there when it says never", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const marketing = yield* template(server, greekMail)
      const [patient, gone] = [yield* Shop.person(server, greek), yield* Shop.person(server, greek)]
      let put = 0
      mail.state.conduct = (to) => {
        if (to === patient.email) return ++put <= 2 ? { at: put === 1 ? "RCPT" : "DATA", code: 451 } : "TAKE"
        return to === gone.email ? { at: "RCPT", code: 550 } : "TAKE"
      }
      const [first, second] = [yield* send(server, patient, marketing), yield* send(server, gone, marketing)]
      const refused = yield* ended(server, second, "REJECTED")
      assert.strictEqual(refused.reason, "ADDRESS_REFUSED")
      assert.strictEqual(refused.attempts.length, 1)
      assert.notInclude(JSON.stringify(refused.attempts), gone.email, "what went wrong names no person")
      const sent = yield* ended(server, first, "COMPLETED")
      assert.isAtLeast(sent.attempts.length, 2)
      assert.match(sent.attempts[0].reason, /^SMTP .* 451$/)
      assert.strictEqual(mailsTo(mail, patient.email).length, 1)
      mail.state.conduct = () => "TAKE"
    })
  )

  it.effect("that was taken by a server that then hung up comes again, and is the same mail", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const eleni = yield* Shop.person(server, greek)
      let nth = 0
      mail.state.conduct = (to) => (to === eleni.email && nth++ < 2 ? "TAKE_AND_DIE" : "TAKE")
      const id = yield* send(server, eleni, yield* template(server, greekMail))
      yield* ended(server, id, "COMPLETED")
      mail.state.conduct = () => "TAKE"
      const all = mailsTo(mail, eleni.email)
      assert.isAbove(all.length, 1, "at least once on the wire")
      assert.deepStrictEqual([...new Set(all.map(({ mail: { messageId } }) => messageId))], [`<${id}@shop.example>`])
      assert.deepStrictEqual(new Set(all.map(({ mail: { html, date } }) => `${date} ${html}`)).size, 1, "word for word")
    })
  )

  it.effect("is judged when it goes: an opt-out between the wish and the send is honoured (CON-6)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const eleni = yield* Shop.person(server, greek)
      const marketing = yield* template(server, greekMail)
      const now = yield* Clock.currentTimeMillis
      const at = (minutes: number) => wallClock.format(now + minutes * 60_000)
      yield* settings(server, { quietHours: { from: at(-60), until: at(60) } })
      const id = yield* send(server, eleni, marketing)
      const waiting = yield* eventually(
        "it waits for the morning",
        Effect.map(delivery(server, id), (found) => found.next_attempt_on > now / 1000 + 1_800 && found)
      )
      assert.strictEqual(waiting.state, "PENDING")
      assert.strictEqual(mailsTo(mail, eleni.email).length, 0)
      const [business, key] = [server.businessId, eleni.id]
      const optOut = { _tag: "ChangeOptOut", channel: "EMAIL", optedOut: true, by: "CONTACT" } as const
      yield* Effect.orDie(server.actors.ask({ business, key, command: optOut }))
      // Mandatory messages wait for nobody, and have a lane of their own.
      const mandatory = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
      yield* ended(server, yield* send(server, eleni, mandatory), "COMPLETED")
      const again = yield* Effect.orDie(
        server.actors.ask({ business, key, command: { _tag: "AuthorizeSend", communicationId: id } })
      )
      assert.deepStrictEqual(again.answer, { _tag: "SendJudged", verdict: "REJECTED" })
      assert.strictEqual((yield* ended(server, id, "REJECTED")).reason, "OPTED_OUT")
      yield* settings(server, {})
    })
  )

  it.effect("is sent no more often than the business allows (CON-6)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const eleni = yield* Shop.person(server, greek)
      const marketing = yield* template(server, greekMail)
      const caps = [{ channel: "EMAIL", maximum: 2, hours: 24 }] as const
      yield* settings(server, { frequencyCaps: caps })
      const ids = yield* Effect.forEach([1, 2, 3, 4], () => send(server, eleni, marketing), { concurrency: 4 })
      const states = yield* Effect.forEach(ids, (id) =>
        eventually(
          `${id} has ended`,
          Effect.map(delivery(server, id), (found) => found.state !== "PENDING" && `${found.state} ${found.reason}`)
        )
      )
      assert.deepStrictEqual(states.toSorted(), [
        "COMPLETED undefined",
        "COMPLETED undefined",
        "REJECTED FREQUENCY_CAP",
        "REJECTED FREQUENCY_CAP"
      ])
      assert.strictEqual(mailsTo(mail, eleni.email).length, 2)
      yield* settings(server, {})
    })
  )

  it.effect(
    "has to have an address, a template and its values; without one it is refused with that reason (AUT-12)",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const marketing = yield* template(server, greekMail)
        const nowhere = yield* Shop.person(server, { ...greek, email: undefined })
        assert.strictEqual(
          (yield* ended(server, yield* send(server, nowhere, marketing), "REJECTED")).reason,
          "NO_ADDRESS"
        )
        const middle = { el: { subject: "#MIDDLE_NAME#", text: "κείμενο" } }
        const wanting = yield* template(server, { ...greekMail, defaultLanguage: "el", variants: middle })
        const eleni = yield* Shop.person(server, greek)
        const refused = yield* ended(server, yield* send(server, eleni, wanting), "REJECTED")
        assert.strictEqual(refused.reason, "MISSING_VALUE")
        assert.match(refused.attempts[0].reason, /#MIDDLE_NAME# has no value/)
        const unknown = yield* server.request("POST", `/backoffice/v2/contacts/${eleni.id}/communications`, {
          template_id: randomUUID()
        })
        assert.strictEqual(unknown.status, 400)
        assert.strictEqual(unknown.body.faults[0].pointer, "/template_id")
      })
  )

  it.effect("tells the recipients of a segment's export where to fetch it, by a link that works (SEG-6)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const mail = yield* Mail
      const sets = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: "Εξαγωγή" }] }]
      const made = yield* server.request("POST", "/backoffice/v2/segments", {
        name: "Η Ελένη",
        sets,
        refresh: { mode: "ON_DEMAND" }
      })
      assert.strictEqual(made.status, 201, JSON.stringify(made.body))
      const { id } = made.body
      const recipients = ["owner@shop.example", "gone@shop.example"]
      mail.state.conduct = (to) => (to === "gone@shop.example" ? { at: "RCPT", code: 550 } : "TAKE")
      yield* Shop.made(server.request("POST", `/backoffice/v2/segments/${id}/export`, { format: "CSV", recipients }))
      const told = yield* eventually(
        "the mail with the link",
        Effect.sync(() => mailsTo(mail, "owner@shop.example")[0])
      )
      assert.include(told.mail.subject ?? "", "Η Ελένη")
      const link = /https:\/\/koinon\.example(\/downloads\/\S+)/.exec(told.mail.text ?? "")?.[1] ?? ""
      const fetched = yield* server.request("GET", link, undefined, { api_key: undefined })
      assert.strictEqual(fetched.status, 200)
      assert.match(fetched.body, /^\uFEFF?id,code,name/)
      mail.state.conduct = () => "TAKE"
    })
  )
})
