/**
 * What a prior-to automation sends, over a real server with a real decider, mail server and receiver (AUT-4): the decision
 * call goes out with the command, message and webhook only once it has committed, and once.
 */
import { assert, layer } from "@effect/vitest"
import { DecisionsWithinMs } from "#runtime/automation/PriorTo.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { decider, says } from "../support/Automations.ts"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, freshEmail, named } from "../support/HttpContacts.ts"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { receiver } from "../support/Receiver.ts"
import * as TestServer from "../support/TestServer.ts"

/** Whether they come in time is not what this is about. */
const decisionsWithinMs = 4_500

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) => TestServer.start({ SMTP_URL: url, KOINON_WEBHOOK_ALLOWED: "127.0.0.1" })).pipe(
      Effect.provideService(DecisionsWithinMs, decisionsWithinMs)
    )
  ),
  Layer.effect(Mail, mailServer())
)

const contacts = "/backoffice/v2/contacts"

const equals = (field: string, value: string) => ({ type: "COMPARISON", field, operator: "EQUAL", value })

/** An automation for people of one name that asks outside, and then tells the person and the CRM. */
const arranged = Effect.fnUntraced(function* (trigger: "PRIOR_TO_CREATION" | "PRIOR_TO_UPDATE", name: string) {
  const server = yield* TestServer.TestServer
  const { once: mails } = yield* Mail
  const crm = yield* receiver()
  const outside = yield* decider((asked, response) =>
    says(
      asked.contact["middle_name"] === "Όχι" ? { decision: "REJECT", reason: "Known to us." } : { decision: "ALLOW" }
    )(asked, response)
  )
  const post = (path: string, body: object) =>
    Effect.map(server.request("POST", `/backoffice/v2/${path}`, body), (answered) => bodyOf(answered, 201))
  const endpoint = yield* post("webhooks", { name, url: crm.url, events: ["segment.left"] })
  const template = yield* post("templates", {
    name,
    channel: "EMAIL",
    purpose: "MANDATORY",
    default_language: "en",
    variants: { en: { subject: name, text: "Hello #FIRST_NAME# #MIDDLE_NAME#" } },
    missing: { policy: "REJECT" }
  })
  const told = { type: "COMMUNICATION", template_id: template.id, channel: "EMAIL" }
  const automation = yield* post("automations", {
    name,
    trigger,
    filter: [{ conditions: [equals("last_name", name)] }],
    priority: 1,
    actions: [{ type: "DECISION", url: outside.url }, told, { type: "WEBHOOK", endpoint_id: endpoint.id }]
  })
  const gate = (middle: string, action: object) =>
    post("automations", {
      name: `${name} ${middle}`,
      trigger,
      filter: [{ conditions: [equals("last_name", name), equals("middle_name", middle)] }],
      priority: 2,
      actions: [action]
    })
  yield* gate("Αργά", { type: "REJECT", reason: "Too late." })
  yield* gate("Αναμονή", { type: "HOLD" })
  const list = (path: string) =>
    Effect.map(server.request("GET", `/backoffice/v2/${path}`), (found) => bodyOf(found, 200).content)
  // One that a mail server took twice is one mail: it has one id.
  const mailsOf = () =>
    mails()
      .filter(({ mail }) => mail.subject === name)
      .map(({ mail }) => mail.text?.trim())
  /** All that went out, once as many runs as these are done: a run that should not be stands in the list as well. */
  const sentBy = (runs: number) =>
    Effect.map(
      eventually(
        `${runs} runs of ${name} are done`,
        Effect.gen(function* () {
          const found = yield* list(`automations/${automation.id}/runs?size=200`)
          const isDone = found.every(({ state }: { readonly state: string }) => state === "COMPLETED")
          const isSent = mailsOf().length >= runs && crm.kept().length >= runs
          return found.length >= runs && isDone && isSent && found
        })
      ),
      (found) => {
        assert.lengthOf(found, runs)
        assert.deepStrictEqual([mailsOf().length, crm.kept().length], [runs, runs])
        return found as ReadonlyArray<{ readonly contact: { readonly id: string } }>
      }
    )
  /** Whoever waits for an answer about it has had it, and nothing went out. */
  const nothing = Effect.gen(function* () {
    assert.deepStrictEqual(yield* list(`automations/${automation.id}/runs`), [])
    assert.deepStrictEqual([mailsOf(), crm.received], [[], []])
  })
  const held = Effect.map(list("approvals?state=PENDING&size=1"), ([waiting]) => waiting.id as string)
  return { server, outside, crm, mailsOf, sentBy, nothing, held }
})

layer(world, { excludeTestServices: true })("what a prior-to automation sends", (it) => {
  it.effect(
    "AUT-4: goes out when the contact is made, and not when somebody, or a value that is taken, prevents it",
    () =>
      Effect.gen(function* () {
        const name = "Γέννηση"
        const { server, outside, crm, mailsOf, sentBy, nothing } = yield* arranged("PRIOR_TO_CREATION", name)
        const create = (body: object, key = freshEmail()) =>
          server.request("POST", contacts, body, { "idempotency-key": key })
        const taken = bodyOf(yield* create(named("Άλλη", { middle_name: "Πρώτη" })), 201)
        const { email } = bodyOf(yield* server.request("GET", `${contacts}/${taken.id}`), 200)

        assert.strictEqual(
          bodyOf(yield* create(named(name, { middle_name: "Όχι" })), 422).error,
          "KOINON.REJECTED_BY_AUTOMATION"
        )
        assert.strictEqual(
          bodyOf(yield* create(named(name, { middle_name: "Αργά" })), 422).parameters.reason,
          "Too late."
        )
        assert.strictEqual(
          bodyOf(yield* create({ ...named(name, { middle_name: "Ναι" }), email }), 409).error,
          "KOINON.ALREADY_TAKEN"
        )
        assert.strictEqual(outside.asked.length, 3, "the decision call is what the command waits for")
        yield* nothing

        const body = named(name, { middle_name: "Ναι" })
        const made = bodyOf(yield* create(body, "once"), 201)
        assert.deepStrictEqual(bodyOf(yield* create(body, "once"), 201), made)
        const runs = yield* sentBy(1)
        assert.strictEqual(runs[0]?.contact.id, made.id)
        assert.deepStrictEqual(mailsOf(), ["Hello Ελένη Ναι"])
        assert.deepInclude(crm.kept()[0]?.body, { type: "automation.run", contact_id: made.id })
        assert.strictEqual(outside.asked.length, 4)
      }).pipe(Effect.scoped)
  )

  it.effect("AUT-4, AUT-5: of a request that is held goes out when it is approved, and never when it is rejected", () =>
    Effect.gen(function* () {
      const name = "Αναβολή"
      const { server, mailsOf, sentBy, nothing, held } = yield* arranged("PRIOR_TO_CREATION", name)
      const park = Effect.gen(function* () {
        bodyOf(yield* server.request("POST", contacts, named(name, { middle_name: "Αναμονή" })), 202)
        return yield* held
      })
      const decide = (id: string, word: "approve" | "reject") =>
        Effect.map(server.request("POST", `/backoffice/v2/approvals/${id}/${word}`, {}), (answered) =>
          bodyOf(answered, 200)
        )
      yield* decide(yield* park, "reject")
      const waiting = yield* park
      yield* nothing
      yield* decide(waiting, "approve")
      yield* decide(waiting, "approve")
      yield* sentBy(1)
      assert.deepStrictEqual(mailsOf(), ["Hello Ελένη Αναμονή"])
    }).pipe(Effect.scoped)
  )

  it.effect("AUT-4: goes out with a change that is made, and not with one that is refused or changes nothing", () =>
    Effect.gen(function* () {
      const name = "Μεταβολή"
      const { server, outside, mailsOf, sentBy, nothing } = yield* arranged("PRIOR_TO_UPDATE", name)
      const { id } = bodyOf(yield* server.request("POST", contacts, named(name, { middle_name: "Πρώτη" })), 201)
      const change = (body: object, headers: Readonly<Record<string, string>> = {}) =>
        server.request("PUT", `${contacts}/${id}`, body, headers)
      bodyOf(yield* change({ middle_name: "Όχι" }), 422)
      bodyOf(yield* change({ middle_name: "Αργά" }), 422)
      bodyOf(yield* change({ middle_name: "Ναι" }, { "if-match": '"99"' }), 412)
      bodyOf(yield* change({ middle_name: "Πρώτη" }), 200)
      yield* nothing
      const askedBefore = outside.asked.length
      bodyOf(yield* change({ middle_name: "Ναι" }), 200)
      const runs = yield* sentBy(1)
      assert.strictEqual(runs[0]?.contact.id, id)
      assert.deepStrictEqual(mailsOf(), ["Hello Ελένη Ναι"])
      assert.strictEqual(outside.asked.length, askedBefore + 1)
    }).pipe(Effect.scoped)
  )
})
