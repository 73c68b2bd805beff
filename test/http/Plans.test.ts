import * as CivilDate from "#domain/shared/CivilDate.ts"
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import { eventually } from "../support/Eventually.ts"
import * as TestServer from "../support/TestServer.ts"

const plans = "/backoffice/v2/plans"
const real = Clock.Clock.defaultValue()

let made = 0

/** A template, a segment, and contacts who were imported into it. */
const town = Effect.fnUntraced(function* (people: ReadonlyArray<object>, template: object = {}) {
  const server = yield* TestServer.TestServer
  const lastName = `Family${++made}`
  const post = Effect.fnUntraced(function* (path: string, body: object, status = 201) {
    return bodyOf(yield* server.request("POST", `/backoffice/v2/${path}`, body), status)
  })
  const condition = { type: "EXISTENCE", field: "last_name", exists: true }
  const segment = yield* post("segments", {
    name: `Segment ${lastName}`,
    sets: [{ conditions: [condition] }],
    refresh: { mode: "NEVER" }
  })
  const { id: template_id } = yield* post("templates", {
    name: `Template ${lastName}`,
    channel: "EMAIL",
    purpose: "MARKETING",
    default_language: "ENG",
    variants: { ENG: { subject: "Hello", text: "Dear #FIRST_NAME#" } },
    missing: { policy: "REJECT" },
    ...template
  })
  const contacts: Array<string> = []
  for (const given of people) {
    contacts.push((yield* contact(server, { last_name: lastName, ...given })).id)
  }
  if (contacts.length > 0) {
    const file = ["id", ...contacts].join("\n")
    const headers = { "content-type": "text/csv" }
    const path = `/backoffice/v2/segments/${segment.id}/import`
    assert.strictEqual(bodyOf(yield* server.request("POST", path, file, headers), 200).added, contacts.length)
  }
  const soon = Math.floor(real.currentTimeMillisUnsafe() / 1_000) + 3_600
  const body = (more: object = {}) => ({
    name: `Plan ${++made}`,
    template_id,
    segment_ids: [segment.id],
    schedule: { type: "ONCE", at: soon },
    ...more
  })
  const plan = (more: object = {}, status = 201) => post("plans", body(more), status)
  return { server, contacts, template_id, segmentId: segment.id as string, body, plan, post, soon }
})

layer(TestServer.layer)("plans in the back office", (it) => {
  it.effect("are made, read, changed, switched off and deleted", () =>
    Effect.gen(function* () {
      const { server, body, plan, soon, template_id } = yield* town([])
      const { id } = yield* plan({ priority: 5, window: { until: soon + 10 } })
      const path = `${plans}/${id}`
      const read = bodyOf(yield* server.request("GET", path), 200)
      assert.deepInclude(read, { id, version: 1, state: "ACTIVE", priority: 5, override: false, next_run_on: soon })
      assert.deepInclude(read, { schedule: { type: "ONCE", at: soon }, window: { until: soon + 10 }, template_id })
      const daily = { type: "WEEKLY", days: [2, 4], time: "09:30", time_zone: "Europe/Nicosia" }
      bodyOf(yield* server.request("PUT", path, body({ schedule: daily })), 200)
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", path), 200).schedule, daily)
      // Neither the template nor the segment is taken from under it.
      const inUse = yield* server.request("DELETE", `/backoffice/v2/templates/${template_id}`)
      assert.strictEqual(bodyOf(inUse, 409).error, "KOINON.DEFINITION_IN_USE")
      bodyOf(yield* server.request("POST", `${path}/actions`, { action: "DEACTIVATE" }), 200)
      assert.isUndefined(bodyOf(yield* server.request("GET", path), 200).next_run_on)
      bodyOf(yield* server.request("POST", `${path}/send_now`), 409)
      assert.strictEqual((yield* server.request("DELETE", path)).status, 204)
      bodyOf(yield* server.request("GET", path), 404)
      assert.strictEqual((yield* server.request("DELETE", `/backoffice/v2/templates/${template_id}`)).status, 204)
    })
  )

  it.effect("are refused for what is wrong with them, at its place", () =>
    Effect.gen(function* () {
      const { server, body, soon, segmentId, post } = yield* town([])
      const { id: speaking } = yield* post("templates", {
        name: "Speaks",
        channel: "SMS",
        purpose: "MARKETING",
        default_language: "ENG",
        missing: { policy: "EMPTY" },
        variants: { ENG: { text: "#EVENT.AMOUNT#" } },
        events: ["FundsCredited"]
      })
      const daily = { type: "DAILY", time: "09:00", time_zone: "Europe/Nicosia" }
      const cases: ReadonlyArray<readonly [object, string]> = [
        [{ template_id: "7e000000-0000-4000-8000-000000000009" }, "/template_id"],
        [{ template_id: speaking }, "/template_id"],
        [{ segment_ids: [segmentId, "5e000000-0000-4000-8000-000000000009"] }, "/segment_ids/1"],
        [{ segment_ids: [segmentId, segmentId] }, "/segment_ids"],
        [{ schedule: { type: "ONCE", at: soon - 7_200 } }, "/schedule/at"],
        [{ window: { until: soon } }, "/schedule/at"],
        [{ schedule: daily, window: { until: soon - 7_200 } }, "/window/until"],
        [{ schedule: daily, window: { from: soon, until: soon } }, "/window/until"],
        [{ schedule: { ...daily, time: "24:00" } }, "/schedule/time"],
        [{ schedule: { ...daily, time_zone: "Mars/Olympus" } }, "/schedule/time_zone"],
        [{ schedule: { ...daily, type: "WEEKLY", days: [0] } }, "/schedule/days"],
        [{ schedule: { ...daily, type: "MONTHLY", day: 32 } }, "/schedule/day"],
        [{ override: true }, "/override"],
        [{ priority: -1 }, "/priority"]
      ]
      for (const [more, pointer] of cases) {
        const { parameters } = bodyOf(yield* server.request("POST", plans, body(more)), 400)
        assert.strictEqual(parameters.pointer, pointer)
      }
      const none = yield* server.request("POST", plans, body({ segment_ids: [] }))
      assert.deepStrictEqual(pointersOf(none), ["/segment_ids"])
    })
  )

  it.effect("AUT-12: sent now reach each member once, and the same request is the same run", () =>
    Effect.gen(function* () {
      const { server, contacts, plan } = yield* town([{}, {}, {}])
      const { id } = yield* plan()
      const path = `${plans}/${id}`
      const headers = { "idempotency-key": `send-${id}` }
      const { run_id } = bodyOf(yield* server.request("POST", `${path}/send_now`, undefined, headers), 201)
      const again = bodyOf(yield* server.request("POST", `${path}/send_now`, undefined, headers), 201)
      assert.strictEqual(again.run_id, run_id)
      const run = yield* eventually(
        "the run is over",
        Effect.map(server.request("GET", `${path}/runs/${run_id}`), (response) => {
          const found = bodyOf(response, 200)
          return found.state === "DONE" ? found : undefined
        })
      )
      assert.deepInclude(run, { recipients: 3, requested: 3, refused: 0, purpose: "MARKETING", channel: "EMAIL" })
      const { pending, completed, rejected } = run.messages
      const ended = Object.values(rejected as Record<string, number>).reduce((total, count) => total + count, 0)
      assert.strictEqual(pending + completed + ended, 3)
      const { content, paging } = bodyOf(yield* server.request("GET", `${path}/runs?include_total=true`), 200)
      assert.strictEqual(paging.total, 1)
      assert.strictEqual(content[0].id, run_id)
      for (const contactId of contacts) {
        const { state } = yield* server.actors.read(server.businessId, contactId, "contact")
        assert.isAtMost(state.communications.length, 1)
      }
      // What has begun stays as it is.
      assert.deepStrictEqual(bodyOf(yield* server.request("POST", `${path}/runs/${run_id}/make_up`), 200), { run_id })
      bodyOf(yield* server.request("POST", `${path}/runs/${id}/make_up`), 404)
      bodyOf(yield* server.request("POST", `${path}/runs/nothing/make_up`), 404)
      bodyOf(yield* server.request("GET", `${path}/runs/${id}`), 404)
      bodyOf(yield* server.request("GET", `${path}/runs/nothing`), 404)
    })
  )

  it.effect("CON-6: a dry run counts whom it would reach and who would not get it, and does nothing", () =>
    Effect.gen(function* () {
      const people = [{}, { email_opt_out: true }, { email_opt_out: true }, { first_name: "Eleni" }]
      const variants = { ENG: { subject: "x", text: "#DEMOGRAPHICS.GENDER#" } }
      const { server, plan } = yield* town(people, { variants })
      const { id } = yield* plan()
      const dry = bodyOf(yield* server.request("POST", `${plans}/${id}/dry_run`), 200)
      assert.deepStrictEqual(dry, {
        recipients: 4,
        judged: 4,
        sendable: 0,
        waiting: 0,
        rejected: { OPTED_OUT: 2, MISSING_VALUE: 2 }
      })
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", `${plans}/${id}/runs`), 200).content, [])
      const critical = yield* town(people, { purpose: "CRITICAL" })
      const { id: overriding } = yield* critical.plan({ override: true })
      const passes = bodyOf(yield* server.request("POST", `${plans}/${overriding}/dry_run`), 200)
      assert.deepInclude(passes, { recipients: 4, sendable: 4 })
    })
  )

  it.effect("are not sent now outside of their window; a request that was answered before is answered the same", () =>
    Effect.gen(function* () {
      const { server, body, plan, soon } = yield* town([{}])
      const { id } = yield* plan({ window: { until: soon + 10 } })
      const headers = { "idempotency-key": `window-${id}` }
      const now = (more: Record<string, string> = {}) =>
        server.request("POST", `${plans}/${id}/send_now`, undefined, more)
      const { run_id } = bodyOf(yield* now(headers), 201)
      bodyOf(yield* server.request("PUT", `${plans}/${id}`, body({ window: { from: soon - 60 } })), 200)
      assert.deepInclude(bodyOf(yield* now(), 409), { error: "KOINON.PLAN_NOT_RUN" })
      assert.strictEqual(bodyOf(yield* now(headers), 201).run_id, run_id)
    })
  )

  it.effect("are counted in a dry run as they are sent, by every channel", () =>
    Effect.gen(function* () {
      const note = [{ key: "note", value: "y".repeat(1_500) }]
      const people = (landline: string) => [
        {},
        { phone: { type: "LANDLINE", country_code: "CYP", number: landline } },
        { email: undefined },
        { custom_fields: note },
        { sms_opt_out: true }
      ]
      const words = { title: "Hello", text: "Dear #FIRST_NAME#" }
      const variants = {
        EMAIL: { subject: "Hello", text: "Dear #FIRST_NAME#" },
        SMS: { text: `${"x".repeat(200)} #CUSTOM_FIELDS.NOTE#` },
        INAPP: words,
        DEVICE: words
      }
      const missing = { policy: "DEFAULT", values: { "CUSTOM_FIELDS.NOTE": "-" } }
      const expected = {
        EMAIL: { NO_ADDRESS: 1 },
        SMS: { NO_ADDRESS: 1, TOO_LONG: 1, OPTED_OUT: 1 },
        INAPP: {},
        DEVICE: { NO_ADDRESS: 4 }
      }
      for (const [index, channel] of (["EMAIL", "SMS", "INAPP", "DEVICE"] as const).entries()) {
        const template = { channel, missing, variants: { ENG: variants[channel] } }
        const { server, contacts, plan } = yield* town(people(`2212345${index}`), template)
        const [key = ""] = contacts
        const device = { id: key, platform: "MOBILE" as const, token: key }
        yield* server.actors.ask({
          business: server.businessId,
          key,
          command: { _tag: "RegisterDevice", device }
        })
        const { id } = yield* plan()
        const dry = bodyOf(yield* server.request("POST", `${plans}/${id}/dry_run`), 200)
        assert.deepStrictEqual(dry.rejected, expected[channel], channel)
        const run = bodyOf(yield* server.request("POST", `${plans}/${id}/send_now`), 201).run_id
        const sent = yield* eventually(
          "everybody's message has ended",
          Effect.map(server.request("GET", `${plans}/${id}/runs/${run}`), ({ body }) => {
            const { completed, rejected } = body.messages
            const over = Object.values(rejected as Record<string, number>).reduce((sum, each) => sum + each, 0)
            return completed + over === contacts.length && body.messages
          })
        )
        assert.deepStrictEqual([sent.completed, sent.rejected], [dry.sendable, dry.rejected], channel)
      }
    })
  )

  it.effect("for the day of each contact are not sent now, and count those of today", () =>
    Effect.gen(function* () {
      const { timeZone } = yield* Effect.map(TestServer.TestServer, ({ actors, businessId }) => {
        const business = actors.business(businessId)
        if (business === undefined) throw new Error("there is a business")
        return business
      })
      const [year = 0, month = 0, day = 0] = new Intl.DateTimeFormat("en-CA", { timeZone })
        .format(real.currentTimeMillisUnsafe())
        .split("-")
        .map(Number)
      // A leap year has every day.
      const bornOn = (date: CivilDate.CivilDate) => ({ demographics: { date_of_birth: { ...date, year: 1988 } } })
      const today = { year, month, day }
      const tomorrow = CivilDate.civilOf(CivilDate.dayOf(today) + 1)
      // When it becomes midnight meanwhile, it is the birthday of the other one.
      const { server, plan } = yield* town([bornOn(today), bornOn(tomorrow), {}])
      const { id } = yield* plan({ schedule: { type: "BIRTHDAY", time: "00:00" } })
      bodyOf(yield* server.request("POST", `${plans}/${id}/send_now`), 409)
      assert.deepInclude(bodyOf(yield* server.request("POST", `${plans}/${id}/dry_run`), 200), { recipients: 1 })
    })
  )
})
