/**
 * Consent by the links of a message (CON-1, MKT-1): a template names them, a reader follows them, and the journal says what
 * she said. Looking changes nothing, neither does a link that is over or was altered, and no log holds one.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { type LinkAction, make as makeLinks } from "#runtime/communication/MessageLinks.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { bodyOf } from "../support/HttpContacts.ts"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { ended, greekMail, send, template } from "../support/Messages.ts"
import { open } from "../support/OpenServer.ts"
import { eventually } from "../support/Eventually.ts"
import { served } from "../support/ServedProcess.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const masterSecret = "a master secret that is long enough for tests"
const links = makeLinks(Redacted.make(masterSecret))
const consentDaysMax = 30
const dayMs = 86_400_000

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) =>
      Effect.map(open({ SMTP_URL: url, KOINON_MASTER_SECRET: masterSecret }), ({ server }) => server)
    )
  ),
  Layer.effect(Mail, mailServer())
)

const asking = {
  html: '<p>#FIRST_NAME#, <a href="#LINK.CONSENT_ACCEPT#">συμφωνώ</a> <a href="#LINK.CONSENT_WITHDRAW#">όχι</a></p>',
  text: "#LINK.CONSENT_ACCEPT# #LINK.CONSENT_WITHDRAW#"
}

const go = (url: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { redirect: "manual", ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
const press = (url: string) => go(url, { method: "POST" })

/** Her mail, with its two links. */
const mailed = Effect.gen(function* () {
  const server = yield* TestServer.TestServer
  const { received } = yield* Mail
  const eleni = yield* Shop.person(server, { language_code: "ELL" })
  const variants = { en: { subject: "Your consent", ...asking } }
  const id = yield* send(server, eleni, yield* template(server, { ...greekMail, purpose: "MANDATORY", variants }))
  yield* ended(server, id, "COMPLETED")
  const { html = "", text = "" } = received.find(({ to }) => to.includes(eleni.email))?.mail ?? {}
  const [accept = "", withdraw = ""] = [...html.matchAll(/href="([^"]+)"/g)].map(([, url]) => url)
  assert.include(text, `${accept} ${withdraw}`, "the same in both forms of the mail, and led to straight")
  const consent = Effect.map(
    Effect.orDie(server.actors.read(server.businessId, eleni.id, "contact")),
    ({ state, seq }) => [state.consent, seq] as const
  )
  const path = `/backoffice/v2/contacts/${eleni.id}/activities?type=contact.consent_changed&order=ASC`
  const journal = Effect.map(server.request("GET", path), (found) =>
    bodyOf(found, 200).content.map((entry: TestServer.Parsed) => [entry.previous_state, entry.state, entry.reason])
  )
  return { server, eleni, id, accept, withdraw, consent, journal }
})

layer(world, { excludeTestServices: true })("consent by a link", (it) => {
  it.effect("CON-1: is asked for by a page and given by POST, once however often, and withdrawn in the same way", () =>
    Effect.gen(function* () {
      const { server, eleni, accept, withdraw, consent, journal } = yield* mailed
      assert.include(accept, `${server.url}/message/consent/`)
      assert.include(withdraw, `${server.url}/message/consent-withdrawal/`)
      const [, untouched] = yield* consent
      for (const url of [accept, withdraw]) {
        yield* go(url, { method: "HEAD" })
        for (const _ of [1, 2]) {
          const page = yield* go(url, { headers: { "accept-language": "el" } })
          assert.strictEqual(page.status, 200)
          assert.strictEqual(page.headers.get("cache-control"), "no-store")
          assert.strictEqual(page.headers.get("referrer-policy"), "no-referrer")
          for (const secret of [eleni.email, eleni.phone, eleni.code, "Ελένη"]) assert.notInclude(page.text, secret)
        }
      }
      assert.include((yield* go(accept, { headers: { "accept-language": "el" } })).text, "Συμφωνείτε να τηρεί")
      assert.deepStrictEqual(yield* consent, ["PENDING", untouched], "whoever follows links by itself changes nothing")

      const accepted = yield* Effect.all(
        Array.from({ length: 8 }, () => press(accept)),
        { concurrency: 8 }
      )
      assert.deepStrictEqual(new Set(accepted.map(({ status }) => status)), new Set([200]))
      assert.deepStrictEqual(yield* consent, ["ACCEPTED", untouched + 1])
      for (const _ of [1, 2]) assert.include((yield* press(withdraw)).text, "Your consent is withdrawn.")
      assert.deepStrictEqual(yield* consent, ["WITHDRAWN", untouched + 2])
      yield* press(accept)
      assert.deepStrictEqual(yield* consent, ["ACCEPTED", untouched + 3], "she may change her mind")
      assert.deepStrictEqual(yield* journal, [
        ["PENDING", "ACCEPTED", "LINK"],
        ["ACCEPTED", "WITHDRAWN", "LINK"],
        ["WITHDRAWN", "ACCEPTED", "LINK"]
      ])
    })
  )

  it.effect("CON-1: refused before it was ever given, is rejected", () =>
    Effect.gen(function* () {
      const { withdraw, consent } = yield* mailed
      for (const _ of [1, 2]) assert.strictEqual((yield* press(withdraw)).status, 200)
      assert.strictEqual((yield* consent)[0], "REJECTED")
    })
  )

  it.effect("is over after a month, to the day, and nothing altered brings it back", () =>
    Effect.gen(function* () {
      const { server, eleni, id, accept, consent } = yield* mailed
      const before = yield* consent
      const token = accept.slice(accept.lastIndexOf("/") + 1)
      const today = Math.floor((yield* Clock.currentTimeMillis) / dayMs)
      const written = links.read("CONSENT_ACCEPT", token)
      assert.deepInclude(written, { contact: eleni.id, communication: id, business: server.businessId })
      assert.closeTo(written?.number ?? 0, today + consentDaysMax, 1)

      const link = { business: server.businessId, contact: eleni.id, communication: id, channel: "EMAIL" as const }
      const urlOf = (action: LinkAction, number: number) => `${server.url}${links.pathOf({ ...link, action, number })}`
      for (const action of ["CONSENT_ACCEPT", "CONSENT_WITHDRAW"] as const) {
        for (const number of [0, today - 2]) {
          const old = urlOf(action, number)
          const asked = yield* go(old)
          assert.deepStrictEqual([asked.status, (yield* press(old)).status], [404, 404], `${action} ${number}`)
          assert.include(asked.text, "or it is too old")
        }
      }
      for (let index = 0; index < token.length; index++) {
        const other = token[index] === "A" ? "B" : "A"
        const altered = `${accept.slice(0, accept.length - token.length + index)}${other}${token.slice(index + 1)}`
        assert.strictEqual((yield* press(altered)).status, 404, altered)
      }
      // The same signature does nothing but what it was made for.
      const folders = ["consent-withdrawal", "unsubscribe", "subscribe"]
      for (const folder of folders) {
        assert.strictEqual((yield* press(accept.replace("/consent/", `/${folder}/`))).status, 404, folder)
      }
      assert.deepStrictEqual(yield* consent, before)
      assert.strictEqual((yield* press(urlOf("CONSENT_ACCEPT", today + 1))).status, 200)
      assert.strictEqual((yield* press(urlOf("OPT_OUT", 0))).status, 200, "an opt-out is never over")
    })
  )

  it.effect("is refused in a template that misspells it, with the place", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const save = (tag: string) =>
        server.request("POST", "/backoffice/v2/templates", {
          name: `Consent ${tag}`,
          channel: "INAPP",
          purpose: "MANDATORY",
          default_language: "en",
          variants: { en: { title: "Your consent", text: `Follow #${tag}#` } },
          missing: { policy: "REJECT" }
        })
      assert.include(bodyOf(yield* save("LINK.CONSENT"), 400).detail, "LINK.CONSENT")
      const { id } = bodyOf(yield* save("LINK.CONSENT_ACCEPT"), 201)
      const eleni = yield* Shop.person(server)
      const preview = yield* server.request("POST", `/backoffice/v2/templates/${id}/preview`, { contact_id: eleni.id })
      assert.match(bodyOf(preview, 200).message.text, /^Follow https:\/\//)
      const message = yield* send(server, eleni, id)
      const { text } = yield* ended(server, message, "COMPLETED")
      assert.include(text, `${server.url}/message/consent/`, "in every channel")
    })
  )
})

describe("a link to consent", () => {
  it.live("stands in no line that anybody writes, followed, altered or refused (P17)", () =>
    Effect.gen(function* () {
      const apiKey = "sk_the_back_office_key_of_a_logged_day"
      const server = yield* served(apiKey)
      const ask = (method: string, path: string, body?: object) =>
        Effect.promise(async () => {
          const headers = { api_key: apiKey, "content-type": "application/json" }
          const response = await fetch(`${server.url}/backoffice/v2${path}`, {
            method,
            headers,
            body: body === undefined ? null : JSON.stringify(body)
          })
          return (await response.json()) as TestServer.Parsed
        })
      const eleni = yield* ask("POST", "/contacts", { type: "PERSON", first_name: "Ελένη", last_name: "Κράτα" })
      const saved = yield* ask("POST", "/templates", {
        name: "Consent",
        channel: "INAPP",
        purpose: "MANDATORY",
        default_language: "en",
        variants: { en: { title: "Consent", text: "#LINK.CONSENT_ACCEPT# #LINK.CONSENT_WITHDRAW#" } },
        missing: { policy: "REJECT" }
      })
      const { id } = yield* ask("POST", `/contacts/${eleni.id}/communications`, { template_id: saved.id })
      const text = yield* eventually(
        "it is written",
        Effect.map(ask("GET", `/deliveries/${id}`), (found) => found.state === "COMPLETED" && (found.text as string))
      )
      const urls = text.split(" ")
      assert.strictEqual(urls.length, 2)
      for (const url of urls) {
        assert.strictEqual((yield* go(url)).status, 200)
        assert.strictEqual((yield* press(url)).status, 200)
        assert.strictEqual((yield* press(`${url}A`)).status, 404)
        assert.isAtLeast((yield* go(url, { method: "POST", body: "x".repeat(100_000) })).status, 400)
        assert.isAtLeast((yield* go(url, { method: "DELETE" })).status, 400)
      }
      yield* Effect.promise(server.stop)
      const lines = server.written()
      assert.include(lines, "listening on")
      for (const url of urls) assert.notInclude(lines, url.slice(url.lastIndexOf("/") + 1).slice(0, 40))
    })
  )
})
