/** The links of messages: what each does, that it does nothing when anything of it was changed, and that it tells nobody anything. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) => TestServer.start({ SMTP_URL: url }))
  ),
  Layer.effect(Mail, mailServer())
)

interface Seen {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const go = (url: string, init: RequestInit = {}): Effect.Effect<Seen> =>
  Effect.promise(async () => {
    const response = await fetch(url, { redirect: "manual", ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

/** Her mail, with its links as they stand in it. */
const mailedOf = Effect.fnUntraced(function* (eleni: Shop.Person, words: typeof greekMail) {
  const server = yield* TestServer.TestServer
  const { received } = yield* Mail
  const id = yield* send(server, eleni, yield* template(server, words))
  yield* ended(server, id, "COMPLETED")
  const { html = "" } = received.findLast(({ to }) => to.includes(eleni.email))?.mail ?? {}
  const links = [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => (url ?? "").replaceAll("&amp;", "&"))
  const link = (kind: string): string => {
    const found = links.find((url) => url.startsWith(`${server.url}/message/${kind}/`))
    if (found === undefined) throw new Error(`no ${kind} in ${html}`)
    return found
  }
  return { server, eleni, id, link }
})
const mailed = Effect.gen(function* () {
  const eleni = yield* Shop.person(yield* TestServer.TestServer, { language_code: "ELL" })
  return yield* mailedOf(eleni, greekMail)
})

const contactOf = (server: TestServer.TestServer["Service"], { id }: Shop.Person) =>
  Effect.map(Effect.orDie(server.actors.read(server.businessId, id, "contact")), ({ state }) => state)

layer(world, { excludeTestServices: true })("a link in a message", (it) => {
  it.effect(
    "tells that it was opened, once, and which link was followed, and goes where the mail said and nowhere else",
    () =>
      Effect.gen(function* () {
        const { server, eleni, id, link } = yield* mailed
        const pixels = yield* Effect.forEach([1, 2, 3], () => go(link("open")))
        assert.deepStrictEqual(
          pixels.map(({ status, headers }) => [status, headers.get("content-type"), headers.get("cache-control")]),
          pixels.map(() => [200, "image/gif", "no-store"])
        )
        const opened = yield* eventually(
          "it is seen",
          Effect.map(delivery(server, id), (found) => found.is_viewed && found)
        )
        assert.isUndefined(opened.clicked_on)
        const followed = yield* go(`${link("link")}?url=https://evil.example`)
        assert.strictEqual(followed.status, 302)
        assert.strictEqual(followed.headers.get("location"), "https://shop.example/el?a=1&b=2")
        yield* go(link("link"))
        const clicked = yield* eventually(
          "it is followed",
          Effect.map(delivery(server, id), (found) => found.clicked_on !== undefined && found)
        )
        assert.strictEqual(clicked.viewed_on, opened.viewed_on)
        const seqOf = Effect.map(
          Effect.orDie(server.actors.read(server.businessId, eleni.id, "contact")),
          ({ seq }) => seq
        )
        const before = yield* seqOf
        yield* Effect.forEach([link("open"), link("link")], (url) => go(url))
        assert.strictEqual(yield* seqOf, before, "noted once, however often it is read")
        assert.isFalse((yield* contactOf(server, eleni)).emailOptOut, "reading is no opinion")
      })
  )

  it.effect("tells the same where it is followed from the text of a mail, also of one that is nothing but text", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { received } = yield* Mail
      const eleni = yield* Shop.person(server, { language_code: "ENG" })
      const text = "Hello #FIRST_NAME#, see https://shop.example/en?a=1&b=2."
      const words = { ...greekMail, variants: { en: { subject: "Hello", text } } }
      const id = yield* send(server, eleni, yield* template(server, words))
      yield* ended(server, id, "COMPLETED")
      const { text: read = "" } = received.findLast(({ to }) => to.includes(eleni.email))?.mail ?? {}
      const [, url = ""] = /see (\S+)\.\n/.exec(read) ?? []
      assert.isTrue(url.startsWith(`${server.url}/message/link/`), read)
      const followed = yield* go(url)
      assert.deepStrictEqual(
        [followed.status, followed.headers.get("location")],
        [302, "https://shop.example/en?a=1&b=2"]
      )
      yield* eventually(
        "it is followed",
        Effect.map(delivery(server, id), (found) => found.clicked_on !== undefined)
      )
    })
  )

  it.effect(
    "asks before it unsubscribes, in the reader's language, and does so by POST, also with one click (RFC 8058, MKT-1)",
    () =>
      Effect.gen(function* () {
        const { server, eleni, link } = yield* mailed
        const url = link("unsubscribe")
        const asked = yield* go(url, { headers: { "accept-language": "el-CY,el;q=0.9,en;q=0.5" } })
        assert.strictEqual(asked.status, 200)
        assert.include(asked.text, "Δεν θέλετε άλλα τέτοια μηνύματα από My Business;")
        assert.include((yield* go(url)).text, "Do you want no more messages")
        const policy = asked.headers.get("content-security-policy") ?? ""
        assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/)
        assert.notMatch(asked.text, /<script/i)
        for (const secret of [eleni.email, eleni.phone, eleni.code, "Ελένη"]) assert.notInclude(asked.text, secret)
        assert.isFalse((yield* contactOf(server, eleni)).emailOptOut, "looking changes nothing")
        const done = yield* go(url, {
          method: "POST",
          headers: { "content-type": "application/x-www-form-urlencoded" },
          body: "List-Unsubscribe=One-Click"
        })
        assert.strictEqual(done.status, 200)
        const state = yield* contactOf(server, eleni)
        assert.isTrue(state.emailOptOut)
        assert.isFalse(state.smsOptOut, "each channel is its own (MKT-1)")
        yield* go(url, { method: "POST" })
        const refused = yield* send(server, eleni, yield* template(server, greekMail))
        assert.strictEqual((yield* ended(server, refused, "REJECTED")).reason, "OPTED_OUT")
      })
  )

  it.effect("brings back who had unsubscribed, when she says so and not when she looks (MKT-1)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const eleni = yield* Shop.person(server, { language_code: "ELL" })
      const leave = (yield* mailedOf(eleni, greekMail)).link("unsubscribe")
      yield* go(leave, { method: "POST" })
      assert.isTrue((yield* contactOf(server, eleni)).emailOptOut)

      const html = '<p>Γεια σου #FIRST_NAME# <a href="#LINK.OPT_IN#">ξανά</a></p>'
      const variants = {
        el: { subject: "Ξανά;", html, text: "#LINK.OPT_IN#" },
        en: { subject: "Again?", text: "Again?" }
      }
      const url = (yield* mailedOf(eleni, { ...greekMail, purpose: "MANDATORY", variants })).link("subscribe")
      assert.strictEqual((yield* go(url)).status, 200)
      assert.isTrue((yield* contactOf(server, eleni)).emailOptOut, "looking changes nothing")
      assert.strictEqual((yield* go(url, { method: "POST" })).status, 200)
      assert.isFalse((yield* contactOf(server, eleni)).emailOptOut)
    })
  )

  it.effect("altered anywhere is no link: 404, a page that says so kindly, and nothing changed", () =>
    Effect.gen(function* () {
      const { server, eleni, id, link } = yield* mailed
      const url = link("unsubscribe")
      const at = url.lastIndexOf("/") + 1
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
      const altered = url
        .slice(at)
        .split("")
        .map((letter, index) => {
          const other = alphabet[(alphabet.indexOf(letter) + 1) % alphabet.length] ?? ""
          return url.slice(0, at + index) + other + url.slice(at + index + 1)
        })
      const token = url.slice(at)
      const others = [
        url.slice(0, -1),
        `${url}A`,
        `${url}=`,
        `${url.slice(0, at)}${token.slice(0, 10)}!${token.slice(10)}`,
        `${url.slice(0, at)}%00`,
        // The same signature under another name does another thing: it is refused.
        url.replace("/unsubscribe/", "/subscribe/"),
        url.replace("/unsubscribe/", "/consent/"),
        url.replace("/unsubscribe/", "/consent-withdrawal/")
      ]
      for (const wrong of [...altered, ...others]) {
        const answered = yield* go(wrong, { method: "POST" })
        assert.strictEqual(answered.status, 404, wrong)
      }
      const page = yield* go(altered[3] ?? "", { headers: { "accept-language": "el" } })
      assert.strictEqual(page.status, 404)
      assert.include(page.text, "Ο σύνδεσμος δεν οδηγεί πουθενά")
      const state = yield* contactOf(server, eleni)
      assert.isFalse(state.emailOptOut)
      assert.strictEqual(state.consent, "PENDING")
      assert.isFalse((yield* delivery(server, id)).is_viewed)
    })
  )

  it.effect("to read it in the browser shows the mail as a guest that may do nothing", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { received } = yield* Mail
      const eleni = yield* Shop.person(server, { language_code: "ELL" })
      const html = '<p onclick="x()">#FIRST_NAME#<script>alert(1)</script></p><a href="#LINK.VIEW#">view</a>'
      const variants = { el: { subject: "Σ", html, text: "κείμενο" } }
      const withView = yield* template(server, { ...greekMail, defaultLanguage: "el", variants })
      yield* ended(server, yield* send(server, eleni, withView), "COMPLETED")
      const read = received.findLast(({ to }) => to.includes(eleni.email))?.mail.html ?? ""
      const url = /href="([^"]+\/message\/view\/[^"]+)"/.exec(read)?.[1] ?? ""
      const shown = yield* go(url)
      assert.include(shown.text, "Ελένη")
      const policy = shown.headers.get("content-security-policy") ?? ""
      assert.match(policy, /^sandbox /)
      assert.notInclude(policy, "allow-scripts")
      assert.include(policy, "default-src 'none'")
    })
  )

  it.effect("whose body is too large, or that is asked for too often at once, harms nobody", () =>
    Effect.gen(function* () {
      const { server, eleni, link } = yield* mailed
      const big = yield* go(link("unsubscribe"), { method: "POST", body: "x".repeat(100_000) })
      assert.isAtLeast(big.status, 400)
      assert.isFalse((yield* contactOf(server, eleni)).emailOptOut)
      const many = yield* Effect.forEach(Array.from({ length: 40 }), () => go(link("open")), { concurrency: 40 })
      assert.deepStrictEqual([...new Set(many.map(({ status }) => status))], [200])
    })
  )
})
