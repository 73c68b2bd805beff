/**
 * What may be sent of a template, by whom and as what (CON-5, CON-6): over a whole server, a real mail server at its end. What
 * could never work is refused where it is saved, and a template that is switched off sends nothing more.
 */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { type MailServer, mailServer } from "../support/MailServer.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

type Server = TestServer.TestServer["Service"]

class Mail extends Context.Service<Mail, MailServer>()("koinon/test/Mail") {}

const world = Layer.provideMerge(
  Layer.effect(
    TestServer.TestServer,
    Effect.flatMap(Mail, ({ url }) => TestServer.start({ SMTP_URL: url }))
  ),
  Layer.effect(Mail, mailServer())
)

const backOffice = "/backoffice/v2"
const post = (server: Server, path: string, body?: object, headers?: Readonly<Record<string, string>>) =>
  server.request("POST", `${backOffice}/${path}`, body, headers)
const made = (server: Server, path: string, body: object) =>
  Effect.map(post(server, path, body), (response) => bodyOf(response, 201))
const switched = (server: Server, path: string, action: "ACTIVATE" | "DEACTIVATE") =>
  Effect.map(post(server, `${path}/actions`, { action }), (response) => bodyOf(response, 200))

const mailOf = (template_id: string, more: object = {}) => ({
  type: "COMMUNICATION",
  template_id,
  channel: "EMAIL",
  ...more
})
/** Whoever is given the tag. */
const onTag = (tag: string, actions: ReadonlyArray<object>) => ({
  name: `On ${tag}`,
  trigger: "TAGS_CHANGED",
  filter: [{ conditions: [{ type: "LIST", field: "tags", operator: "HAS_ANY", values: [tag] }] }],
  actions
})
const tagged = (server: Server, contact: { readonly id: string }, tag: string) => {
  const command = { _tag: "ChangeTags", add: [tag], remove: [] } as const
  return Effect.orDie(server.actors.ask({ business: server.businessId, key: contact.id, command }))
}
const dailyTo = (template_id: string, segment: string, more: object = {}) => ({
  name: `Daily ${randomUUID()}`,
  template_id,
  segment_ids: [segment],
  schedule: { type: "DAILY", time: "10:00", time_zone: "Europe/Athens" },
  ...more
})
const familyOf = (server: Server, last_name: string) =>
  Effect.gen(function* () {
    const sets = [{ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value: last_name }] }]
    return (yield* made(server, "segments", { name: last_name, sets, refresh: { mode: "LIVE" } })).id as string
  })
/** The one message of a contact, once it has ended. */
const lastOf = (server: Server, contact: { readonly id: string }, state: "COMPLETED" | "REJECTED") =>
  Effect.flatMap(
    eventually(
      "a message is asked for",
      Effect.map(
        server.request("GET", `${backOffice}/deliveries?contact_id=${contact.id}`),
        (response) => bodyOf(response, 200).content[0]
      )
    ),
    ({ id }) => ended(server, id, state)
  )

layer(world, { excludeTestServices: true })("what is sent of a template", (it) => {
  it.effect("CON-6: an automation's message goes as its template is, and nothing else is taken from outside", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { received } = yield* Mail
      const marketing = yield* template(server, greekMail)
      for (const purpose of ["MANDATORY", "CRITICAL"]) {
        const body = onTag("never", [mailOf(marketing, { purpose })])
        const { error, parameters, detail } = bodyOf(yield* post(server, "automations", body), 400)
        assert.deepStrictEqual([error, parameters.pointer], ["KOINON.INVALID_DEFINITION", "/actions/0/purpose"])
        assert.include(detail, "MARKETING")
        const dry = yield* post(server, "automations/dry_run", { automation: { ...body, name: undefined }, from: 0 })
        assert.strictEqual(bodyOf(dry, 400).faults[0].pointer, "/automation/actions/0/purpose")
      }
      const wrong = onTag("never", [mailOf(marketing, { override: true })])
      assert.strictEqual(
        bodyOf(yield* post(server, "automations", wrong), 400).parameters.pointer,
        "/actions/0/override"
      )
      const { id } = yield* made(server, "automations", onTag("offer", [mailOf(marketing, { purpose: "MARKETING" })]))
      const shown = bodyOf(yield* server.request("GET", `${backOffice}/automations/${id}`), 200)
      assert.deepStrictEqual(shown.actions, [mailOf(marketing)])
      const [reader, other] = [yield* Shop.person(server), yield* Shop.person(server, { email_opt_out: true })]
      for (const each of [reader, other]) yield* tagged(server, each, "offer")
      assert.strictEqual((yield* lastOf(server, other, "REJECTED")).reason, "OPTED_OUT")
      assert.deepInclude(yield* lastOf(server, reader, "COMPLETED"), { purpose: "MARKETING" })
      const mail = received.find(({ to }) => to.includes(reader.email))
      assert.include(mail?.raw ?? "", "List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    })
  )

  it.effect(
    "CON-6: an automation's message of a critical template passes an opt-out only where the action overrides",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const critical = yield* template(server, { ...greekMail, purpose: "CRITICAL" })
        const overriding = mailOf(critical, { override: true })
        const { id } = yield* made(server, "automations", onTag("alarm", [overriding]))
        const shown = bodyOf(yield* server.request("GET", `${backOffice}/automations/${id}`), 200)
        assert.deepStrictEqual(shown.actions, [overriding])
        yield* made(server, "automations", onTag("notice", [mailOf(critical, { override: false })]))
        const optedOut = () => Shop.person(server, { email_opt_out: true })
        const [alarmed, noticed, reader] = [yield* optedOut(), yield* optedOut(), yield* Shop.person(server)]
        yield* tagged(server, alarmed, "alarm")
        yield* tagged(server, noticed, "notice")
        yield* tagged(server, reader, "notice")
        assert.deepInclude(yield* lastOf(server, alarmed, "COMPLETED"), { purpose: "CRITICAL" })
        assert.deepInclude(yield* lastOf(server, noticed, "REJECTED"), { purpose: "MARKETING", reason: "OPTED_OUT" })
        assert.deepInclude(yield* lastOf(server, reader, "COMPLETED"), { purpose: "MARKETING" })
      })
  )

  it.effect(
    "CON-5, CON-6: what was asked for as more than its template is, or by a plan as mandatory, is not let pass",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { received } = yield* Mail
        const marketing = yield* template(server, greekMail)
        const mandatory = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
        const asked = { _tag: "RequestCommunication", channel: "EMAIL", purpose: "MANDATORY", name: "Before" } as const
        const cases = [
          { templateId: marketing },
          { templateId: mandatory, planId: randomUUID(), planRun: "day" },
          { templateId: marketing, planId: randomUUID(), planRun: "day" }
        ]
        for (const each of cases) {
          const eleni = yield* Shop.person(server, { email_opt_out: true })
          const communicationId = randomUUID()
          const command = { ...asked, ...each, communicationId }
          yield* Effect.orDie(server.actors.ask({ business: server.businessId, key: eleni.id, command }))
          yield* eventually(
            "it is on the list",
            Effect.map(
              server.request("GET", `${backOffice}/deliveries/${communicationId}`),
              ({ status }) => status === 200
            )
          )
          assert.strictEqual((yield* ended(server, communicationId, "REJECTED")).reason, "OPTED_OUT")
          assert.isUndefined(received.find(({ to }) => to.includes(eleni.email)))
        }
      })
  )

  it.effect("CON-5, CON-6: a plan with a mandatory template is refused, with what to do instead", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const name = `Plan${randomUUID().slice(0, 8)}`
      const segment = yield* familyOf(server, name)
      const mandatory = yield* template(server, { ...greekMail, purpose: "MANDATORY" }, `Terms ${name}`)
      for (const override of [false, true]) {
        const refused = bodyOf(yield* post(server, "plans", dailyTo(mandatory, segment, { override })), 400)
        assert.strictEqual(refused.parameters.pointer, "/template_id")
        assert.include(refused.detail, `Terms ${name} is MANDATORY`)
        assert.include(refused.detail, "MARKETING, or CRITICAL with override")
      }
    })
  )

  it.effect("what could never work is refused at its place, where an automation is saved and where it is tried", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const plain = yield* template(server, greekMail)
      const about = yield* template(server, { ...greekMail, events: ["FundsCredited"] })
      const off = yield* template(server, greekMail)
      yield* switched(server, `templates/${off}`, "DEACTIVATE")
      const hook = yield* made(server, "webhooks", { name: "Off", url: "https://shop.example/hooks", events: "*" })
      bodyOf(yield* server.request("PUT", `${backOffice}/webhooks/${hook.id}`, { state: "INACTIVE" }), 200)
      const tag = { type: "TAG", add: ["seen"] }
      const cases: ReadonlyArray<readonly [object, string]> = [
        [mailOf(plain, { channel: "SMS" }), "/actions/1/channel"],
        [mailOf(about), "/actions/1/template_id"],
        [mailOf(off), "/actions/1/template_id"],
        [{ type: "WEBHOOK", endpoint_id: hook.id }, "/actions/1/endpoint_id"]
      ]
      for (const [action, pointer] of cases) {
        const automation = { trigger: "PURCHASE_POSTED", actions: [tag, action] }
        const refused = bodyOf(yield* post(server, "automations", { name: "Never", ...automation }), 400)
        assert.strictEqual(refused.parameters.pointer, pointer)
        const dry = bodyOf(yield* post(server, "automations/dry_run", { automation, from: 0 }), 400)
        assert.strictEqual(dry.faults[0].pointer, `/automation${pointer}`)
      }
      const { id } = yield* made(server, "automations", {
        name: "Credited",
        trigger: "WALLET_CREDITED",
        actions: [mailOf(about)]
      })
      const path = `${backOffice}/automations/${id}`
      const change = { name: "Credited", trigger: "WALLET_DEBITED", actions: [mailOf(about)] }
      assert.strictEqual(
        bodyOf(yield* server.request("PUT", path, change), 400).parameters.pointer,
        "/actions/0/template_id"
      )
      assert.strictEqual((yield* server.request("DELETE", path)).status, 204)
    })
  )

  it.effect(
    "AUT-3: a decision is not asked for inside the operator's network, and that is said where it is saved",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const inside = ["http://localhost:9/", "https://127.0.0.2/", "https://169.254.169.254/", "https://[::1]/"]
        const automation = (url: string) => ({
          trigger: "PRIOR_TO_CREATION",
          actions: [{ type: "HOLD" }, { type: "DECISION", url }]
        })
        const saved = yield* made(server, "automations", {
          ...automation("https://shop.example/decide"),
          name: "Asks outside",
          filter: [{ conditions: [{ type: "COMPARISON", field: "last_name", operator: "EQUAL", value: randomUUID() }] }]
        })
        const path = `${backOffice}/automations/${saved.id}`
        for (const url of inside) {
          const named = { name: "Asks inside", ...automation(url) }
          const answers = [
            [yield* post(server, "automations", named), ""],
            [yield* server.request("PUT", path, named), ""],
            [yield* post(server, "automations/dry_run", { automation: automation(url), from: 0 }), "/automation"]
          ] as const
          for (const [answered, within] of answers) {
            assert.strictEqual(bodyOf(answered, 400).faults[0].pointer, `${within}/actions/1/url`, url)
          }
        }
        assert.strictEqual((yield* server.request("DELETE", path)).status, 204)
      })
  )

  it.effect("a template that is switched off sends nothing, whoever uses it, and holds up nobody", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { state, received } = yield* Mail
      const name = `Wrong${randomUUID().slice(0, 8)}`
      const [wrong, right] = [yield* template(server, greekMail), yield* template(server, greekMail)]
      const eleni = yield* Shop.person(server, { last_name: name })
      yield* made(
        server,
        "automations",
        onTag(name, [mailOf(wrong), mailOf(right), { type: "TAG", add: [`${name} told`] }])
      )
      const plan = yield* made(server, "plans", dailyTo(wrong, yield* familyOf(server, name)))
      const other = yield* Shop.person(server)
      const sendOther = post(
        server,
        `contacts/${other.id}/communications`,
        { template_id: wrong },
        { "idempotency-key": name }
      )
      const sentBefore = bodyOf(yield* sendOther, 201)
      yield* ended(server, sentBefore.id, "COMPLETED")
      // One is on its way when it is noticed.
      state.conduct = (to) => (to === eleni.email ? { at: "RCPT", code: 451 } : "TAKE")
      const underWay = yield* send(server, eleni, wrong)
      yield* eventually(
        "it was tried",
        Effect.map(delivery(server, underWay), ({ attempts }) => attempts.length > 0)
      )
      yield* switched(server, `templates/${wrong}`, "DEACTIVATE")
      state.conduct = () => "TAKE"
      assert.strictEqual((yield* ended(server, underWay, "REJECTED")).reason, "TEMPLATE_INACTIVE")

      const direct = yield* post(server, `contacts/${eleni.id}/communications`, { template_id: wrong })
      assert.strictEqual(bodyOf(direct, 400).faults[0].pointer, "/template_id")
      assert.strictEqual(bodyOf(yield* sendOther, 201).id, sentBefore.id, "it was sent, and is not sent twice")
      const again = yield* post(server, `deliveries/${underWay}/retry`)
      assert.strictEqual(bodyOf(again, 409).error, "KOINON.TEMPLATE_INACTIVE")
      assert.strictEqual(bodyOf(yield* post(server, `plans/${plan.id}/send_now`), 409).error, "KOINON.PLAN_NOT_RUN")
      const dry = bodyOf(yield* post(server, `plans/${plan.id}/dry_run`), 200)
      assert.deepInclude(dry, { recipients: 1, sendable: 0, rejected: { TEMPLATE_INACTIVE: 1 } })

      // The automation's run goes on past it.
      yield* tagged(server, eleni, name)
      yield* eventually(
        "the run went on",
        Effect.map(server.actors.read(server.businessId, eleni.id, "contact"), (found) =>
          found.state.tags.includes(`${name} told`)
        )
      )
      const ends = yield* eventually(
        "both messages of the run have ended",
        Effect.map(server.request("GET", `${backOffice}/deliveries?contact_id=${eleni.id}`), (response) => {
          const found = bodyOf(response, 200).content as ReadonlyArray<{ state: string; reason?: string; id: string }>
          return found.length === 3 && found.every((each) => each.state !== "PENDING") && found
        })
      )
      const others = ends.filter(({ id }) => id !== underWay)
      assert.deepStrictEqual(others.map(({ state: end, reason }) => reason ?? end).toSorted(), [
        "COMPLETED",
        "TEMPLATE_INACTIVE"
      ])
      assert.lengthOf(
        received.filter(({ to }) => to.includes(eleni.email)),
        1
      )

      yield* switched(server, `templates/${wrong}`, "ACTIVATE")
      const { id } = bodyOf(yield* post(server, `deliveries/${underWay}/retry`), 200)
      yield* ended(server, id, "COMPLETED")
    })
  )
})
