/** Prior-to automations over a real server, with real deciders outside: good ones, slow ones, liars. */
import { assert, layer } from "@effect/vitest"
import { DecisionsWithinMs } from "#runtime/automation/PriorTo.ts"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { badDeciders, decider, deleteAutomation, saveAutomation, says } from "../support/Automations.ts"
import { bodyOf, freshPhone, named } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const contacts = "/backoffice/v2/contacts"
const start = TestServer.start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.1" })
/** As little below what a request may take as a busy machine leaves of it: who answers well is late for nothing. */
const patientMs = 4_500
const served = Layer.effect(TestServer.TestServer, Effect.provideService(start, DecisionsWithinMs, patientMs))
/** Who hangs is not waited for: a request that takes longer hangs itself. */
const answerMaxMs = 60_000

/** Only for people of that name, so that tests on one server do not meet. */
const called = (name: string) => [
  { conditions: [{ type: "COMPARISON" as const, field: "last_name", operator: "EQUAL" as const, value: name }] }
]

layer(served)("prior-to automations", (it) => {
  const create = (body: object, headers = {}) =>
    Effect.flatMap(TestServer.TestServer, (server) => server.request("POST", contacts, body, headers))
  const read = (id: string) =>
    Effect.flatMap(TestServer.TestServer, (server) =>
      Effect.map(server.request("GET", `${contacts}/${id}`), (found) => bodyOf(found, 200))
    )
  const rejections = Effect.flatMap(TestServer.TestServer, (server) =>
    Effect.map(
      server.request("GET", "/backoffice/v2/automation_rejections?size=200"),
      (found) => bodyOf(found, 200).content
    )
  )

  it.effect("AUT-2: each sees what the one before it patched, by priority and then by name", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const patch = (first: string, key: string) =>
        ({ _tag: "PATCH", fields: { firstName: first, customFields: [{ key, value: first }] } }) as const
      const trigger = "PRIOR_TO_CREATION" as const
      const only = (first: string) => [
        {
          conditions: [
            ...called("Σειρά")[0]!.conditions,
            { type: "COMPARISON" as const, field: "first_name", operator: "EQUAL" as const, value: first }
          ]
        }
      ]
      yield* saveAutomation(server, "b", { trigger, priority: 2, filter: only("Δύο"), actions: [patch("Τρία", "c")] })
      yield* saveAutomation(server, "a", { trigger, priority: 2, filter: only("Ένα"), actions: [patch("Δύο", "b")] })
      yield* saveAutomation(server, "z", { trigger, priority: 1, filter: only("Ελένη"), actions: [patch("Ένα", "a")] })
      const made = bodyOf(yield* create(named("Σειρά")), 201)
      const contact = yield* read(made.id)
      assert.strictEqual(contact.first_name, "Τρία")
      assert.deepStrictEqual(contact.custom_fields, [
        { key: "a", value: "Ένα" },
        { key: "b", value: "Δύο" },
        { key: "c", value: "Τρία" }
      ])
      for (const id of ["a", "b", "z"]) yield* deleteAutomation(server, id)
    })
  )

  it.effect("AUT-2, AUT-3: a rejection leaves nothing but an entry without a word of what was asked", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      yield* saveAutomation(server, "no-thanks", {
        trigger: "PRIOR_TO_CREATION",
        filter: called("Όχι"),
        actions: [{ _tag: "REJECT", reason: "We are full." }]
      })
      const body = named("Όχι", { loyalty_identifiers: ["9900"] })
      const before = Shop.stored(server)
      const refused = bodyOf(yield* create(body), 422)
      assert.strictEqual(refused.error, "KOINON.REJECTED_BY_AUTOMATION")
      assert.deepStrictEqual(refused.parameters, {
        automation_id: "no-thanks",
        automation: "no-thanks",
        reason: "We are full."
      })
      assert.strictEqual(Shop.stored(server), before)
      const [entry] = yield* rejections
      assert.deepInclude(entry, {
        trigger: "PRIOR_TO_CREATION",
        verdict: "REJECTED",
        automation: { id: "no-thanks", version: 1 }
      })
      assert.notProperty(entry, "contact_id")
      // Nothing is reserved: whoever else has these values is taken.
      bodyOf(yield* create({ ...body, last_name: "Ναι" }), 201)
      yield* deleteAutomation(server, "no-thanks")
      bodyOf(yield* create(named("Όχι")), 201)
    })
  )

  it.effect("MKT-1: an opt-out holds at once, dated and with who said so, whatever becomes of the rest", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const own = (id: string) => `/self-service/v2/contacts/${id}`
      const optOuts = (id: string) =>
        Effect.map(server.request("GET", `${contacts}/${id}/activities?size=200`), (found) =>
          (bodyOf(found, 200).content as ReadonlyArray<Record<string, unknown>>).flatMap(
            ({ type, state, channel, reason }) =>
              type === "contact.opt_out_changed" ? [`${String(channel)} ${String(state)} ${String(reason)}`] : []
          )
        )
      const judged = [
        [422, { _tag: "REJECT", reason: "No." }],
        [202, { _tag: "HOLD" }],
        [503, { _tag: "DECISION", url: "http://127.0.0.1:9/nobody", failOpen: false }]
      ] as const
      for (const [status, action] of judged) {
        const eleni = yield* Shop.person(server)
        const filter = called("Σιωπή")
        yield* saveAutomation(server, "silence", { trigger: "PRIOR_TO_UPDATE", filter, actions: [action] })
        const change = { last_name: "Σιωπή", email_opt_out: true, sms_opt_out: true }
        bodyOf(yield* server.requestAs(eleni.token, "PUT", own(eleni.id), change), status)
        const found = yield* read(eleni.id)
        assert.deepStrictEqual([found.email_opt_out, found.sms_opt_out], [true, true])
        assert.notStrictEqual(found.last_name, "Σιωπή")
        assert.deepStrictEqual(yield* optOuts(eleni.id), ["SMS OPTED_OUT CONTACT", "EMAIL OPTED_OUT CONTACT"])
        yield* deleteAutomation(server, "silence")
        // By a user, and once under one key; If-Match means the contact before the request.
        const { headers } = yield* server.request("GET", `${contacts}/${eleni.id}`)
        const etag = { "if-match": headers.get("etag") ?? "", "idempotency-key": `again-${status}` }
        const again = { last_name: "Λόγος", email_opt_out: false, sms_opt_out: false }
        for (const _ of [1, 2]) bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}`, again, etag), 200)
        bodyOf(yield* server.request("PUT", `${contacts}/${eleni.id}`, again, { "if-match": etag["if-match"] }), 412)
        assert.deepStrictEqual((yield* optOuts(eleni.id)).slice(0, 2), ["SMS OPTED_IN USER", "EMAIL OPTED_IN USER"])
        assert.strictEqual((yield* optOuts(eleni.id)).length, 4)
        assert.strictEqual((yield* read(eleni.id)).last_name, "Λόγος")
        bodyOf(yield* server.requestAs(eleni.token, "PUT", own(eleni.id), { sms_opt_out: true }), 200)
        assert.strictEqual((yield* optOuts(eleni.id))[0], "SMS OPTED_OUT CONTACT")
      }
    })
  )

  it.effect("AUT-2: what a patch made wrong is refused as if its sender had said so", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      yield* saveAutomation(server, "blank", {
        trigger: "PRIOR_TO_CREATION",
        filter: called("Κενό"),
        actions: [{ _tag: "PATCH", fields: { lastName: " " } }]
      })
      assert.include(bodyOf(yield* create(named("Κενό")), 400).detail, "last_name")
      yield* deleteAutomation(server, "blank")
    })
  )

  it.effect("AUT-2: every way to make or change a contact is judged: both doors and an invitation", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      const reject = [{ _tag: "REJECT", reason: "No." }] as const
      yield* saveAutomation(server, "made", { trigger: "PRIOR_TO_CREATION", filter: called("Πύλη"), actions: reject })
      yield* saveAutomation(server, "changed", { trigger: "PRIOR_TO_UPDATE", filter: called("Πύλη"), actions: reject })
      const change = { last_name: "Πύλη" }
      bodyOf(yield* create(named("Πύλη")), 422)
      bodyOf(yield* server.request("PUT", `${contacts}/${member.id}`, change), 422)
      const own = yield* server.requestAs(member.token, "PUT", `/self-service/v2/contacts/${member.id}`, change)
      assert.deepInclude(bodyOf(own, 422), { title: "Declined", detail: "No.", parameters: { reason: "No." } })
      assert.notInclude(JSON.stringify(own.body), "changed", "she is not told which automation it was")
      const [number, other] = [freshPhone(), freshPhone()]
      const person = (phone: string) => ({
        phone: { country_code: "CYP", number: phone },
        contact: { first_name: "Νίκος", last_name: "Πύλη" }
      })
      bodyOf(
        yield* server.request("POST", `${contacts}/${owner.id}/people`, {
          contact: person(number).contact,
          phone: person(number).phone
        }),
        422
      )
      bodyOf(
        yield* server.requestAs(owner.token, "POST", `/self-service/v2/contacts/${owner.id}/people`, person(other)),
        422
      )
      assert.strictEqual((yield* read(member.id)).last_name, "Χριστοδούλου")
      const found = yield* rejections
      assert.isTrue(found.some((each: { readonly contact_id?: string }) => each.contact_id === member.id))
      // What is said again changes nothing, and there is nothing to judge.
      bodyOf(yield* server.request("PUT", `${contacts}/${member.id}`, { last_name: "Χριστοδούλου" }), 200)
      yield* deleteAutomation(server, "made")
      yield* deleteAutomation(server, "changed")
      bodyOf(yield* server.request("PUT", `${contacts}/${member.id}`, change), 200)
    })
  )

  it.effect("AUT-3: does what somebody outside decides, who is told the contact as she would be", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const patching = yield* decider(
        says({ decision: "PATCH", fields: { language_code: "ELL", custom_fields: [{ key: "score", value: "7" }] } })
      )
      const rejecting = yield* decider(says({ decision: "REJECT", reason: "Known to us." }))
      const decision = (url: string) => [{ _tag: "DECISION", url, failOpen: false }] as const
      const trigger = "PRIOR_TO_CREATION"
      yield* saveAutomation(server, "score", { trigger, filter: called("Έξω"), actions: decision(patching.url) })
      const key = { "idempotency-key": "outside-1" }
      const body = named("Έξω")
      const made = bodyOf(yield* create(body, key), 201)
      const contact = yield* read(made.id)
      assert.strictEqual(contact.language_code, "ELL")
      assert.deepStrictEqual(contact.custom_fields, [{ key: "score", value: "7" }])
      const [asked] = patching.asked
      assert.deepInclude(asked, { trigger, automation: { id: "score", name: "score", version: 1 } })
      assert.deepInclude(asked?.["contact"], { id: made.id, last_name: "Έξω", email: body.email })
      for (const code of [made.code, made.wallet.code])
        assert.notInclude(JSON.stringify(asked?.["contact"]), made.wallet.code, code)

      // A repetition gets its answer and bothers nobody, whatever the decider would say by now.
      yield* saveAutomation(server, "score", { trigger, filter: called("Έξω"), actions: decision(rejecting.url) })
      const again = yield* create(body, key)
      assert.deepStrictEqual(bodyOf(again, 201), made)
      assert.strictEqual(patching.asked.length + rejecting.asked.length, 1)
      assert.strictEqual(bodyOf(yield* create(named("Έξω")), 422).parameters.reason, "Known to us.")
      yield* deleteAutomation(server, "score")
    })
  )

  it.effect(
    "AUT-3: who does not answer well, or within two seconds, has not decided: closed unless it says open",
    () =>
      Effect.gen(function* () {
        const server = yield* start
        const elsewhere = yield* decider(says({ decision: "ALLOW" }))
        const bad = yield* badDeciders(elsewhere.url)
        const trigger = "PRIOR_TO_CREATION"
        for (const [what, [failure, { url, asked }]] of Object.entries(bad)) {
          for (const failOpen of [false, true]) {
            yield* saveAutomation(server, "gate", {
              trigger,
              filter: called("Πύλη2"),
              actions: [{ _tag: "DECISION", url, failOpen }]
            })
            const startedAt = performance.now()
            const answered = yield* server.request("POST", contacts, named("Πύλη2"))
            const elapsed = performance.now() - startedAt
            assert.isBelow(elapsed, answerMaxMs, what)
            if (what === "hangs") assert.isAbove(elapsed, 1_900)
            if (failOpen) bodyOf(answered, 201)
            else {
              const { error, parameters } = bodyOf(answered, 503)
              assert.deepStrictEqual([error, parameters.failure], ["KOINON.NOT_DECIDED", failure], what)
              assert.strictEqual(parameters.status, { "answers 500": 500, redirects: 307 }[what], what)
            }
            assert.strictEqual(asked.length, failOpen ? 2 : 1, what)
          }
        }
        assert.deepStrictEqual(elsewhere.asked, [])
        const rejected = yield* server.request("GET", "/backoffice/v2/automation_rejections?size=200")
        const [last] = bodyOf(rejected, 200).content
        assert.deepInclude(last, { verdict: "NOT_DECIDED", trigger, failure: "STATUS", status: 307 })
      }).pipe(Effect.scoped),
    300_000
  )

  it.effect("AUT-3: asks nobody inside the operator's network, by address or by name", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const inside = yield* decider(says({ decision: "ALLOW" }))
      const port = new URL(inside.url).port
      for (const host of ["localhost", "[::1]", "127.0.0.2", "0.0.0.0", "169.254.169.254", "[::ffff:127.0.0.2]"]) {
        yield* saveAutomation(server, "inside", {
          trigger: "PRIOR_TO_CREATION",
          filter: called("Μέσα"),
          actions: [{ _tag: "DECISION", url: `http://${host}:${port}/`, failOpen: false }]
        })
        assert.strictEqual(bodyOf(yield* create(named("Μέσα")), 503).error, "KOINON.NOT_DECIDED", host)
      }
      assert.deepStrictEqual(inside.asked, [])
      yield* deleteAutomation(server, "inside")
    })
  )

  it.effect("AUT-2: looks at what happened to a contact, and at her as she would be", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [rich, poor] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, rich, 50)
      yield* saveAutomation(server, "rich", {
        trigger: "PRIOR_TO_UPDATE",
        filter: [
          {
            conditions: [
              ...called("Πλούτος")[0]!.conditions,
              { type: "COUNT", event: "FundsCredited", operator: "GREATER_OR_EQUAL", value: 1 }
            ]
          }
        ],
        actions: [{ _tag: "REJECT", reason: "Stay as you are." }]
      })
      const change = { last_name: "Πλούτος" }
      bodyOf(yield* server.request("PUT", `${contacts}/${rich.id}`, change), 422)
      bodyOf(yield* server.request("PUT", `${contacts}/${poor.id}`, change), 200)
      yield* deleteAutomation(server, "rich")
    })
  )

  it.effect("AUT-2: two changes, each harmless on what was before, do not together make what is rejected", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const member = yield* Shop.person(server)
      const answers: Array<() => void> = []
      const slow = yield* decider((asked, response) => {
        const allow = () => says({ decision: "ALLOW" })(asked, response)
        if (slow.asked.length > 1) allow()
        else answers.push(allow)
      })
      const trigger = "PRIOR_TO_UPDATE"
      const first = { type: "COMPARISON" as const, field: "first_name", operator: "EQUAL" as const, value: "Μισή" }
      yield* saveAutomation(server, "together", {
        trigger,
        priority: 1,
        filter: [{ conditions: [first, ...called("Αλήθεια")[0]!.conditions] }],
        actions: [{ _tag: "REJECT", reason: "Not both." }]
      })
      yield* saveAutomation(server, "slowly", {
        trigger,
        priority: 2,
        filter: [{ conditions: [first] }],
        actions: [{ _tag: "DECISION", url: slow.url, failOpen: false }]
      })
      const change = (body: object) => server.request("PUT", `${contacts}/${member.id}`, body)
      const early = yield* Effect.forkChild(change({ first_name: "Μισή" }))
      while (answers.length === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      bodyOf(yield* change({ last_name: "Αλήθεια" }), 200)
      answers[0]?.()
      assert.strictEqual(bodyOf(yield* Fiber.join(early), 422).parameters.reason, "Not both.")
      assert.deepInclude(yield* read(member.id), { last_name: "Αλήθεια" })
      assert.notStrictEqual((yield* read(member.id)).first_name, "Μισή")
      for (const id of ["together", "slowly"]) yield* deleteAutomation(server, id)
    })
  )

  it.effect("AUT-2: lets nobody through who was judged by other automations than those of the moment", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const trigger = "PRIOR_TO_CREATION"
      const reject = (reason: string) =>
        saveAutomation(server, "door", { trigger, filter: called("Βιασύνη"), actions: [{ _tag: "REJECT", reason }] })
      const ends: Array<number> = []
      const many = (count: number) =>
        Effect.forEach(
          Array.from({ length: count }),
          () => Effect.map(create(named("Βιασύνη")), ({ status }) => void ends.push(status)),
          { concurrency: 16, discard: true }
        )
      const crowd = yield* Effect.forkChild(many(150))
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      for (let change = 0; change < 10; change++) yield* reject(`No, ${change}.`)
      // From the answer to the first save on, nobody gets in who asks.
      const late = yield* Effect.all(
        Array.from({ length: 30 }, () => create(named("Βιασύνη"))),
        { concurrency: 10 }
      )
      for (const each of late) bodyOf(each, 422)
      yield* Fiber.join(crowd)
      assert.deepStrictEqual(
        [...new Set(ends)].filter((status) => status !== 201 && status !== 422),
        []
      )
      yield* deleteAutomation(server, "door")
      bodyOf(yield* create(named("Βιασύνη")), 201)
    })
  )
})
