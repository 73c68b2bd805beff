/** Text messages, against a receiver of their provider's shape over real HTTP: how they go, and every way in which they end. */
import { assert, layer } from "@effect/vitest"
import type { Template } from "#domain/communication/Template.ts"
import { signatureOf } from "#runtime/communication/SmsGateway.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { delivery, ended, send, template } from "../support/Messages.ts"
import { Database, formOf, type Given, Receiver, register, token, words, world } from "../support/Providers.ts"
import { ok, receiver } from "../support/Receiver.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

/** Of her activities, in full. */
const rejections = (server: TestServer.TestServer["Service"], { id }: Shop.Person) =>
  Effect.map(
    Shop.made(server.request("GET", `/backoffice/v2/contacts/${id}/activities?type=communication.rejected`)),
    ({ content }) => content as ReadonlyArray<Readonly<Record<string, unknown>>>
  )

layer(world, { excludeTestServices: true })("a provider of text messages", (it) => {
  it.effect("gets a form with who and what, and reports back in callbacks that it signs", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = (call, nth) =>
        !call.path.startsWith("/2010") || nth > 2
          ? { status: 201, body: { sid: "SM1", status: "queued" } }
          : nth === 1
            ? { status: 429, headers: { "retry-after": "1" }, body: { code: 20429 } }
            : "HANG_UP"
      const eleni = yield* Shop.person(server)
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      const sent = yield* ended(server, id, "COMPLETED")
      assert.strictEqual(sent.gateway, "SMS")
      assert.isAtLeast(sent.attempts.length, 3)
      assert.match(sent.attempts[0].reason, /answered 429/)
      const posted = calls.filter(({ path }) => path === "/2010-04-01/Accounts/AC1/Messages.json")
      const [first] = posted
      assert.isDefined(first)
      if (first === undefined) return
      const form = formOf(first)
      assert.include(form, { To: eleni.phone, From: "+35780000000" })
      // MKT-1: marketing has a way out, also where the template has forgotten it.
      const [, way = ""] = /^Γεια σου Ελένη\nΔιαγραφή: (\S+)$/.exec(form["Body"] ?? "") ?? []
      assert.isTrue(way.startsWith(`${server.url}/message/unsubscribe/`), form["Body"])
      assert.strictEqual(first.headers.authorization, `Basic ${Buffer.from(`AC1:${token}`).toString("base64")}`)
      assert.deepStrictEqual(new Set(posted.map(({ headers }) => headers["idempotency-key"])), new Set([id]))
      const callback = form["StatusCallback"] ?? ""
      assert.isTrue(callback.startsWith(`${server.url}/message/sms-status/`), callback)
      const report = (status: string, signature?: string) =>
        Effect.promise(async () => {
          const fields = { MessageSid: "SM1", MessageStatus: status }
          const signed = signature ?? signatureOf(Redacted.make(token), callback, fields)
          const headers = { "x-twilio-signature": signed }
          return (await fetch(callback, { method: "POST", headers, body: new URLSearchParams(fields) })).status
        })
      assert.strictEqual(yield* report("delivered", "bm90IGEgc2lnbmF0dXJlIG9mIGl0"), 403)
      assert.strictEqual(yield* report("delivered", signatureOf(Redacted.make("another"), callback, {})), 403)
      const refused = yield* Effect.promise(async () =>
        (await fetch(callback, { method: "POST", body: new URLSearchParams({ MessageStatus: "sent" }) })).text()
      )
      assert.include(refused, "not signed")
      assert.strictEqual((yield* delivery(server, id)).provider_status, "sent")
      assert.strictEqual(yield* report("delivered"), 204)
      assert.strictEqual(yield* report("sent"), 204, "late, and not gone back behind what is final")
      assert.strictEqual((yield* delivery(server, id)).provider_status, "delivered")
      yield* Effect.promise(() => fetch(way, { method: "POST" }))
      const { state: she } = yield* server.actors.read(server.businessId, eleni.id, "contact")
      assert.deepInclude(she, { smsOptOut: true, emailOptOut: false })
    })
  )

  it.effect("that knows no such number ends the message there; a landline is no address for one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { state } = yield* Receiver
      state.answer = () => ({ status: 400, body: { code: 21211, message: "not a valid phone number" } })
      const text = yield* template(server, words("SMS"))
      const refused = yield* ended(server, yield* send(server, yield* Shop.person(server), text), "REJECTED")
      assert.strictEqual(refused.reason, "ADDRESS_REFUSED")
      assert.deepStrictEqual(
        refused.attempts.map((each: { reason: string }) => each.reason),
        ["SMS provider answered 400 (21211)"]
      )
      const landline = { type: "LANDLINE", country_code: "CYP", number: "22123456" }
      const office = yield* Shop.person(server, { phone: landline })
      assert.strictEqual((yield* ended(server, yield* send(server, office, text), "REJECTED")).reason, "NO_ADDRESS")
    })
  )

  it.effect(
    "that refuses a message for good ends it at once with its code; what is about us or the moment does not",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { state } = yield* Receiver
        const answers: ReadonlyArray<readonly [Given, string | undefined, string | undefined]> = [
          [{ status: 400, body: { code: 21617 } }, "PROVIDER_REFUSED", "21617"],
          [{ status: 400 }, "PROVIDER_REFUSED", undefined],
          [{ status: 422, body: { code: 7 } }, "PROVIDER_REFUSED", "7"],
          [{ status: 400, body: { code: 21610 } }, "ADDRESS_REFUSED", "21610"],
          ...[401, 403, 404, 408, 429, 500].map((status) => [{ status }, undefined, undefined] as const)
        ]
        const text = yield* template(server, words("SMS", "CRITICAL"))
        for (const [given, reason, code] of answers) {
          state.answer = (_, nth) => (nth > 0 ? given : "HANG_UP")
          const id = yield* send(server, yield* Shop.person(server), text)
          if (reason === undefined) {
            const tried = yield* eventually(
              "it was tried and waits",
              Effect.map(delivery(server, id), (found) => found.attempts.length > 0 && found)
            )
            assert.strictEqual(tried.state, "PENDING", JSON.stringify(given))
            assert.strictEqual(tried.attempts[0].outcome, "RETRY")
            continue
          }
          const refused = yield* ended(server, id, "REJECTED")
          assert.deepStrictEqual([refused.reason, refused.reason_code], [reason, code])
          assert.strictEqual(refused.attempts.length, 1)
        }
      })
  )

  it.effect("is not given a message that its values have made longer than one can be", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = () => ({ status: 201, body: { sid: "SM4" } })
      const long = (channel: "SMS" | "DEVICE", length: number): Template => ({
        ...words(channel, "CRITICAL"),
        variants: {
          el: { text: `${"x".repeat(length)}#CUSTOM_FIELDS.NOTE#`, ...(channel === "DEVICE" && { title: "Ω" }) }
        }
      })
      const note = (length: number) => ({ custom_fields: [{ key: "note", value: "y".repeat(length) }] })
      const [just, tooLong] = [yield* Shop.person(server, note(100)), yield* Shop.person(server, note(101))]
      const text = yield* template(server, long("SMS", 1_500))
      yield* ended(server, yield* send(server, just, text), "COMPLETED")
      const id = yield* send(server, tooLong, text)
      const refused = yield* ended(server, id, "REJECTED")
      assert.strictEqual(refused.reason, "TOO_LONG")
      assert.isFalse(calls.some(({ headers }) => headers["idempotency-key"] === id))
      yield* register(server, tooLong, { platform: "MOBILE", registration_token: randomUUID() })
      const push = yield* template(server, long("DEVICE", 2_900))
      assert.strictEqual((yield* ended(server, yield* send(server, tooLong, push), "REJECTED")).reason, "TOO_LONG")
    })
  )

  it.effect(
    "is quoted by its code where a rejection is told: in the webhook, and in what happened to the contact",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { state } = yield* Receiver
        const hooks = yield* receiver(ok)
        const endpoint = { name: randomUUID(), url: hooks.url, events: ["communication.rejected"] }
        yield* Shop.made(server.request("POST", "/backoffice/v2/webhooks", endpoint))
        const text = yield* template(server, words("SMS", "CRITICAL"))
        for (const [given, reason, code] of [
          [{ status: 400, body: { code: 21617 } }, "PROVIDER_REFUSED", "21617"],
          [{ status: 400 }, "PROVIDER_REFUSED", undefined]
        ] as const) {
          state.answer = () => given
          const who = yield* Shop.person(server)
          yield* ended(server, yield* send(server, who, text), "REJECTED")
          const [entry] = yield* rejections(server, who)
          assert.deepStrictEqual([entry?.["reason"], entry?.["reason_code"]], [reason, code])
          const [told] = yield* eventually(
            "the webhook has told it",
            Effect.sync(() => {
              const hers = hooks.kept().filter(({ body }) => body.contact_id === who.id)
              return hers.length > 0 && hers
            })
          )
          assert.deepStrictEqual([told?.body.data["reason"], told?.body.data["reason_code"]], [reason, code])
        }
      })
  )

  it.effect("that says later that a message did not arrive has it rejected, once, and nothing turns it back", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = () => ({ status: 201, body: { sid: "SM5", status: "queued" } })
      const text = yield* template(server, words("SMS", "CRITICAL"))
      const sentTo = Effect.fnUntraced(function* (who: Shop.Person) {
        const id = yield* send(server, who, text)
        yield* ended(server, id, "COMPLETED")
        const call = calls.find(({ headers }) => headers["idempotency-key"] === id)
        const callback = call === undefined ? "" : (formOf(call)["StatusCallback"] ?? "")
        const report = (status: string, more: Readonly<Record<string, string>> = {}, signer = token) =>
          Effect.promise(async () => {
            const fields = { MessageSid: "SM5", MessageStatus: status, ...more }
            const headers = { "x-twilio-signature": signatureOf(Redacted.make(signer), callback, fields) }
            return (await fetch(callback, { method: "POST", headers, body: new URLSearchParams(fields) })).status
          })
        return { id, report }
      })
      const eleni = yield* Shop.person(server)
      const { id, report } = yield* sentTo(eleni)
      assert.strictEqual(yield* report("undelivered", { ErrorCode: "30003" }, "another"), 403)
      assert.strictEqual((yield* delivery(server, id)).state, "COMPLETED")
      for (const _ of [1, 2]) assert.strictEqual(yield* report("undelivered", { ErrorCode: "30003" }), 204)
      const rejected = yield* eventually(
        "it is rejected",
        Effect.map(delivery(server, id), (found) => found.state === "REJECTED" && found)
      )
      assert.deepInclude(rejected, { reason: "UNDELIVERED", reason_code: "30003", provider_status: "undelivered" })
      assert.strictEqual(yield* report("delivered"), 204)
      assert.strictEqual((yield* delivery(server, id)).state, "REJECTED")
      const told = yield* rejections(server, eleni)
      assert.strictEqual(told.length, 1, JSON.stringify(told))
      assert.deepInclude(told[0], { reason: "UNDELIVERED", reason_code: "30003" })
      // What has arrived does not un-arrive.
      const other = yield* sentTo(yield* Shop.person(server))
      assert.strictEqual(yield* other.report("delivered"), 204)
      assert.strictEqual(yield* other.report("failed", { ErrorCode: "30008" }), 204)
      assert.strictEqual((yield* delivery(server, other.id)).state, "COMPLETED")
    })
  )

  it.effect("that has taken a text message is not given it again, whatever goes wrong after that", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      state.answer = () => ({ status: 201, body: { sid: "SM2", status: "queued" } })
      const { run } = yield* Database
      const eleni = yield* Shop.person(server)
      const text = yield* template(server, words("SMS"))
      // What the provider calls it cannot be written down.
      yield* run("ALTER TABLE communication_body RENAME COLUMN provider_at TO nowhere")
      const id = yield* send(server, eleni, text)
      const posted = () => calls.filter(({ headers }) => headers["idempotency-key"] === id).length
      const sent = yield* Effect.ensuring(
        ended(server, id, "COMPLETED"),
        run("ALTER TABLE communication_body RENAME COLUMN nowhere TO provider_at")
      )
      assert.strictEqual(sent.gateway, "SMS")
      assert.strictEqual(posted(), 1)
      assert.deepStrictEqual(
        sent.attempts.map((each: { outcome: string }) => each.outcome),
        ["CONTINUE", "DONE"]
      )
    })
  )

  it.effect("is given the number that a contact has at the attempt, not the one that she had at the first", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { calls, state } = yield* Receiver
      const eleni = yield* Shop.person(server)
      // To her first number it never gets, however late an attempt is that was begun with it.
      state.answer = (call) =>
        formOf(call)["To"] === eleni.phone ? { status: 503 } : { status: 201, body: { sid: "SM3", status: "queued" } }
      const id = yield* send(server, eleni, yield* template(server, words("SMS")))
      const posted = () => calls.filter(({ headers }) => headers["idempotency-key"] === id).map((call) => formOf(call))
      yield* eventually(
        "it was tried",
        Effect.sync(() => posted().length > 0)
      )
      const phone = { type: "MOBILE", country_code: "CYP", number: "99777123" }
      const changed = yield* server.request("PUT", `/backoffice/v2/contacts/${eleni.id}`, { phone })
      assert.strictEqual(changed.status, 200, JSON.stringify(changed.body))
      assert.strictEqual((yield* ended(server, id, "COMPLETED")).recipient, "+35799777123")
      assert.strictEqual(posted().at(-1)?.["To"], "+35799777123")
      assert.strictEqual(posted().at(0)?.["To"], eleni.phone)
    })
  )
})
