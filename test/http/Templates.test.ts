import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const templates = "/backoffice/v2/templates"

const greeting = (more: object = {}) => ({
  name: `Greeting ${Math.random()}`,
  channel: "EMAIL",
  purpose: "MARKETING",
  default_language: "ENG",
  variants: {
    ENG: {
      subject: "Hello #FIRST_NAME#",
      html: "<p>Dear #FIRST_NAME#, you have #WALLET.BALANCE#</p>",
      text: "Dear #FIRST_NAME#"
    },
    ELL: { subject: "Γεια σου #FIRST_NAME#", html: "<p>Έχεις #WALLET.BALANCE#</p>", text: "Αγαπητή #FIRST_NAME#" }
  },
  missing: { policy: "REJECT" },
  ...more
})

layer(TestServer.layer)("templates in the back office", (it) => {
  const make = Effect.fnUntraced(function* (given: object, status = 201) {
    const server = yield* TestServer.TestServer
    return bodyOf(yield* server.request("POST", templates, given), status)
  })

  it.effect("are made, read, changed with their versions kept, switched off and deleted", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const given = greeting()
      const { id } = yield* make(given)
      const path = `${templates}/${id}`
      assert.deepInclude(bodyOf(yield* server.request("GET", path), 200), {
        ...given,
        id,
        version: 1,
        state: "ACTIVE",
        events: []
      })
      const changed = { ...given, purpose: "CRITICAL" }
      bodyOf(yield* server.request("PUT", path, changed), 200)
      const versions = bodyOf(yield* server.request("GET", `${path}/versions`), 200).content
      assert.deepStrictEqual(
        versions.map(({ version, purpose }: { version: number; purpose: string }) => [version, purpose]),
        [
          [2, "CRITICAL"],
          [1, "MARKETING"]
        ]
      )
      bodyOf(yield* server.request("POST", `${path}/actions`, { action: "DEACTIVATE" }), 200)
      const inactive = bodyOf(yield* server.request("GET", `${templates}?state=INACTIVE`), 200).content
      assert.deepStrictEqual(
        inactive.map((each: { id: string }) => each.id),
        [id]
      )
      assert.strictEqual((yield* server.request("DELETE", path)).status, 204)
      bodyOf(yield* server.request("GET", path), 404)
      bodyOf(yield* server.request("PUT", path, given), 404)
    })
  )

  it.effect("are refused with the language, the line and the column of what is wrong", () =>
    Effect.gen(function* () {
      const refused = Effect.fnUntraced(function* (given: object) {
        const { error, detail, parameters } = yield* make(given, 400)
        assert.strictEqual(error, "KOINON.INVALID_DEFINITION")
        return [parameters.pointer, detail]
      })
      const { variants } = greeting()
      const [pointer, detail] = yield* refused(
        greeting({ variants: { ...variants, ELL: { ...variants.ELL, html: "<p>\n  #BALANCE#</p>" } } })
      )
      assert.strictEqual(pointer, "/variants/ELL/html")
      assert.include(detail, "ELL, line 2, column 3: There is no tag #BALANCE#.")
      const broken = { ENG: { subject: "Hello", text: "{% for t in TAGS %}{{ t }}" } }
      assert.include((yield* refused(greeting({ variants: broken })))[1], "ENG, line 1, column 1: tag {% for")
      const cases: ReadonlyArray<readonly [object, string]> = [
        [{ default_language: "FRA" }, "/default_language"],
        [{ variants: { ENG: variants.ENG, en: variants.ENG } }, "/variants/en"],
        [{ variants: { ENG: variants.ENG, "not a language": variants.ENG } }, "/variants/not a language"],
        [{ variants: { ENG: { text: "Hello" } } }, "/variants/ENG/subject"],
        [{ channel: "SMS" }, "/variants/ENG/subject"],
        [{ channel: "SMS", variants: { ENG: { text: "x".repeat(1_601) } } }, "/variants/ENG/text"],
        [{ variants: { ENG: { subject: "a\nb", text: "x" } } }, "/variants/ENG/subject"],
        [{ events: ["NobodyCame"] }, "/events/0"],
        [{ variants: { ENG: { subject: "x", text: "#EVENT.AMOUNT#" } } }, "/variants/ENG/text"],
        [{ missing: { policy: "DEFAULT", values: { NOBODY: "x" } } }, "/missing/values/NOBODY"],
        [{ sender: { address: "nobody" } }, "/sender/address"],
        [
          { channel: "DEVICE", variants: { ENG: { title: "x", text: "x", image_url: "http://example.com" } } },
          "/variants/ENG/image_url"
        ],
        [
          {
            channel: "DEVICE",
            variants: { ENG: { title: "x", text: "x" }, el: { title: "x", text: "ω".repeat(1_501) } }
          },
          "/variants/el/text"
        ]
      ]
      for (const [more, at] of cases) assert.strictEqual((yield* refused(greeting(more)))[0], at)
      const server = yield* TestServer.TestServer
      const unknown = yield* server.request("POST", templates, greeting({ colour: "red" }))
      assert.deepStrictEqual(pointersOf(unknown), ["/colour"])
    })
  )

  it.effect("AUT-12: are previewed with a real contact in her language, in another, and in the default one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server, { first_name: "Ελένη & Co", language_code: "el" })
      const journal = { action: "CREDIT", amount: 1234.5 }
      yield* server.request("POST", `/backoffice/v2/contacts/${her.id}/journals`, journal)
      const { id } = yield* make(greeting())
      const preview = Effect.fnUntraced(function* (more: object = {}) {
        const asked = { contact_id: her.id, ...more }
        return bodyOf(yield* server.request("POST", `${templates}/${id}/preview`, asked), 200)
      })
      const own = yield* preview()
      assert.strictEqual(own.language, "ELL")
      assert.strictEqual(own.message.subject, "Γεια σου Ελένη & Co")
      assert.match(own.message.html, /^<p>Έχεις [\d.,]+\u00a0€<\/p><p/)
      const english = yield* preview({ language: "en-GB" })
      assert.strictEqual(english.language, "ENG")
      assert.include(english.message.html, "Dear Ελένη &amp; Co, you have €")
      assert.strictEqual((yield* preview({ language: "FRA" })).language, "ENG")
      bodyOf(yield* server.request("POST", `${templates}/${id}/preview`, { contact_id: "nobody" }), 404)
    })
  )

  it.effect("CON-6: are previewed as they are sent, with the way out that marketing has", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server, { language_code: "en" })
      const said = Effect.fnUntraced(function* (more: object) {
        const { id } = yield* make(greeting({ missing: { policy: "EMPTY" }, ...more }))
        return bodyOf(yield* server.request("POST", `${templates}/${id}/preview`, { contact_id: her.id }), 200)
      })
      const variants = (text: string) => ({ variants: { ENG: { text } } })
      const sms = { channel: "SMS", ...variants("Hello #LINK.VIEW#") }
      assert.match((yield* said(sms)).message.text, /^Hello https:\S+\nStop: https:\S+$/)
      assert.match(
        (yield* said({ ...sms, ...variants("No more: #LINK.OPT_OUT#") })).message.text,
        /^No more: https:\S+$/
      )
      assert.match((yield* said({ ...sms, purpose: "CRITICAL" })).message.text, /^Hello https:\S+$/)
      const long = yield* said({ ...sms, ...variants("x".repeat(1_600)) })
      assert.deepStrictEqual(long, { language: "ENG", reason: "it is too long for SMS" })
      const { message } = yield* said({})
      for (const part of [message.html, message.text]) assert.include(part, "Unsubscribe")
      assert.notInclude((yield* said({ purpose: "MANDATORY" })).message.text, "Unsubscribe")
      const push = { channel: "DEVICE", variants: { ENG: { title: "x", text: "[#LINK.OPT_OUT#]" } } }
      assert.strictEqual((yield* said(push)).message.text, "[]", "no push has a way out of its own")
    })
  )

  it.effect("say which tag has no value, or put in its place what they are told", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server)
      const variants = { ENG: { subject: "Hello", text: "Born [#DEMOGRAPHICS.DATE_OF_BIRTH#]" } }
      const said = Effect.fnUntraced(function* (missing: object) {
        const { id } = yield* make(greeting({ variants, missing }))
        return bodyOf(yield* server.request("POST", `${templates}/${id}/preview`, { contact_id: her.id }), 200)
      })
      assert.deepStrictEqual(yield* said({ policy: "REJECT" }), {
        language: "ENG",
        missing_tag: "DEMOGRAPHICS.DATE_OF_BIRTH"
      })
      assert.match((yield* said({ policy: "EMPTY" })).message.text, /^Born \[\]\n/)
      const values = { "DEMOGRAPHICS.DATE_OF_BIRTH": "once" }
      assert.match((yield* said({ policy: "DEFAULT", values })).message.text, /^Born \[once\]\n/)
      assert.strictEqual((yield* said({ policy: "DEFAULT", values: {} })).missing_tag, "DEMOGRAPHICS.DATE_OF_BIRTH")
    })
  )

  it.effect("speak of the events that they name, with amounts in the event's currency", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const her = yield* contact(server)
      const tags = bodyOf(yield* server.request("GET", `${templates}/tags?event=FundsCredited`), 200).tags
      assert.deepInclude(tags, { tag: "EVENT.AMOUNT", kind: "MONEY" })
      assert.deepInclude(tags, { tag: "WALLET.BALANCE", kind: "MONEY" })
      bodyOf(yield* server.request("GET", `${templates}/tags?event=Nothing`), 400)
      const { id } = yield* make(
        greeting({
          events: ["FundsCredited"],
          variants: { ENG: { subject: "x", text: "#EVENT.AMOUNT# #EVENT.REASON#" } }
        })
      )
      const event = { type: "FundsCredited", amount: 250_000, currency: "JPY", reason: "TRANSFER" }
      const preview = yield* server.request("POST", `${templates}/${id}/preview`, { contact_id: her.id, event })
      assert.match(bodyOf(preview, 200).message.text, /^¥250,000 TRANSFER\n/)
    })
  )

  it.effect("never say anything of another contact, or of what opens a wallet", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { tags } = bodyOf(yield* server.request("GET", `${templates}/tags`), 200)
      const names: ReadonlyArray<string> = tags.map(({ tag }: { tag: string }) => tag)
      for (const secret of ["WALLET_CODE", "TOKENS", "CARDS", "GIFT_PASSES", "DYNAMIC_CODE", "PASSPORT"]) {
        assert.isFalse(
          names.some((name) => name.includes(secret)),
          secret
        )
      }
      for (const path of [
        "WALLET_CODE",
        "__proto__.x",
        "constructor.constructor",
        "FOLDED.FIRST_NAME",
        "BUSINESS.API_KEYS"
      ]) {
        const variants = { ENG: { subject: "x", text: `{{ ${path} }}` } }
        assert.include((yield* make(greeting({ variants }), 400)).detail, "There is no tag", path)
      }
    })
  )

  it.effect("NAM-1: name days are told to apps and the back office", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { token } = yield* Shop.person(server)
      const of = Effect.fnUntraced(function* (query: string) {
        return bodyOf(yield* server.request("GET", `/backoffice/v2/name_days?${query}`), 200).name_day_rules
      })
      const [george] = yield* of(`first_name=${encodeURIComponent("γιωργος")}&year=2024`)
      assert.deepInclude(george, { day: 6, month: 5, description: "Saint George" })
      assert.deepStrictEqual(yield* of("first_name=Zyx"), [])
      assert.isAbove((yield* of("year=2026")).length, 80)
      const own = yield* server.requestAs(token, "GET", "/self-service/v2/name_day_rules?first_name=Nikos")
      const [nicholas] = bodyOf(own, 200).name_day_rules
      assert.deepInclude(nicholas, { day: 6, month: 12 })
      assert.include(nicholas.names, "Νίκος")
    })
  )
})
