/** Requests that an automation holds, over a real server: answered 202, decided by a person, told in their operation. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { saveAutomation } from "../support/Automations.ts"
import { bodyOf, freshEmail, freshPhone } from "../support/HttpContacts.ts"
import { open } from "../support/OpenServer.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const contacts = "/backoffice/v2/contacts"
const approvals = "/backoffice/v2/approvals"

const held = (fields: object = {}) => ({
  type: "PERSON",
  first_name: "Ελένη",
  last_name: "Κράτα",
  email: freshEmail(),
  phone: { type: "MOBILE", country_code: "CYP", number: freshPhone() },
  ...fields
})
const holding = (trigger: "PRIOR_TO_CREATION" | "PRIOR_TO_UPDATE") => ({
  trigger,
  filter: [
    {
      conditions: [{ type: "COMPARISON" as const, field: "last_name", operator: "EQUAL" as const, value: "Κράτα" }]
    }
  ],
  actions: [{ _tag: "PATCH", fields: { languageCode: "ELL" } }, { _tag: "HOLD" }] as const
})

layer(TestServer.layer)("a request that waits for approval", (it) => {
  const parked = Effect.fnUntraced(function* (body: object, headers: Readonly<Record<string, string>> = {}) {
    const server = yield* TestServer.TestServer
    yield* saveAutomation(server, "hold-new", holding("PRIOR_TO_CREATION"))
    yield* saveAutomation(server, "hold-change", holding("PRIOR_TO_UPDATE"))
    const answered = yield* server.request("POST", contacts, body, headers)
    const operation = bodyOf(answered, 202)
    assert.strictEqual(operation.state, "HELD")
    assert.strictEqual(answered.headers.get("location"), `/backoffice/v2/operations/${operation.id}`)
    const { content } = bodyOf(yield* server.request("GET", `${approvals}?state=PENDING&size=200`), 200)
    const [approval] = content.filter(
      (each: { readonly operation: { readonly id: string } }) => each.operation.id === operation.id
    )
    assert.deepStrictEqual(operation.approval, { id: approval.id })
    return { operation, approval }
  })
  const operationOf = (id: string) =>
    Effect.flatMap(TestServer.TestServer, (server) =>
      Effect.map(server.request("GET", `/backoffice/v2/operations/${id}`), (found) => bodyOf(found, 200))
    )

  it.effect("AUT-5: is done when it is approved, once, and its operation says so", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const body = held()
      const headers = { "idempotency-key": randomUUID() }
      const { operation, approval } = yield* parked(body, headers)
      assert.deepInclude(approval, { state: "PENDING", trigger: "PRIOR_TO_CREATION" })
      assert.strictEqual(approval.expires_on - approval.held_on, 7 * 24 * 3_600)
      // A repetition holds nothing a second time.
      assert.deepStrictEqual(bodyOf(yield* server.request("POST", contacts, body, headers), 202), operation)
      bodyOf(yield* server.request("GET", `${contacts}/${approval.contact_id}`), 404)
      const shown = bodyOf(yield* server.request("GET", `${approvals}/${approval.id}`), 200)
      assert.deepInclude(shown.contact, { email: body.email, last_name: "Κράτα", language_code: "ELL" })

      const path = `${approvals}/${approval.id}/approve`
      const all = yield* Effect.all(
        Array.from({ length: 8 }, () => server.request("POST", path, {})),
        { concurrency: 8 }
      )
      for (const each of all) assert.deepStrictEqual(bodyOf(each, 200), { id: approval.id })
      const done = yield* operationOf(operation.id)
      assert.strictEqual(done.state, "DONE")
      assert.strictEqual(done.result.id, approval.contact_id)
      assert.strictEqual(
        bodyOf(yield* server.request("GET", `${contacts}/${approval.contact_id}`), 200).email,
        body.email
      )
      const events = bodyOf(yield* server.request("GET", `${contacts}/${approval.contact_id}/activities`), 200).content
      assert.deepStrictEqual(
        events.map(({ type }: { readonly type: string }) => type),
        ["contact.registered", "request.approved", "request.held"]
      )
      const again = bodyOf(yield* server.request("POST", contacts, body, headers), 201)
      assert.strictEqual(again.id, approval.contact_id)
      assert.strictEqual(bodyOf(yield* server.request("GET", `${approvals}/${approval.id}`), 200).state, "APPROVED")
      assert.strictEqual(
        bodyOf(yield* server.request("POST", `${approvals}/${approval.id}/reject`, {}), 409).error,
        "KOINON.APPROVAL_NOT_PENDING"
      )
    })
  )

  it.effect("AUT-5: says that it is held also to who prefers not to wait, and where it is decided", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { operation, approval } = yield* parked(held(), { prefer: "respond-async" })
      assert.deepStrictEqual(operation, { id: operation.id, state: "HELD", approval: { id: approval.id } })
      assert.deepStrictEqual(yield* operationOf(operation.id), operation)
      bodyOf(yield* server.request("POST", `${approvals}/${approval.id}/approve`, {}), 200)
      assert.notProperty(yield* operationOf(operation.id), "approval")
    })
  )

  it.effect("AUT-5: rejected, is refused, and nobody ever hears of the contact", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const body = held()
      const { operation, approval } = yield* parked(body)
      bodyOf(yield* server.request("POST", `${approvals}/${approval.id}/reject`, {}), 200)
      bodyOf(yield* server.request("POST", `${approvals}/${approval.id}/reject`, {}), 200)
      const refused = yield* operationOf(operation.id)
      assert.deepInclude(refused, { state: "REFUSED" })
      assert.strictEqual(refused.problem.error, "KOINON.NOT_APPROVED")
      bodyOf(yield* server.request("GET", `${contacts}/${approval.contact_id}`), 404)
      bodyOf(yield* server.request("POST", contacts, { ...body, last_name: "Άλλη" }), 201)
    })
  )

  it.effect("AUT-5: is refused for its own reason if it cannot be done any more, and waits until it can", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const body = held()
      const { operation, approval } = yield* parked(body)
      const other = bodyOf(yield* server.request("POST", contacts, { ...body, last_name: "Πρώτη" }), 201)
      const path = `${approvals}/${approval.id}/approve`
      assert.strictEqual(bodyOf(yield* server.request("POST", path, {}), 409).error, "KOINON.ALREADY_TAKEN")
      assert.deepStrictEqual(yield* operationOf(operation.id), operation)
      const free = { email: freshEmail(), phone: { type: "MOBILE", country_code: "CYP", number: freshPhone() } }
      bodyOf(yield* server.request("PUT", `${contacts}/${other.id}`, free), 200)
      bodyOf(yield* server.request("POST", path, {}), 200)
      assert.strictEqual((yield* operationOf(operation.id)).state, "DONE")
    })
  )

  it.effect("AUT-5: may be a change of her own, and an invitation of somebody new waits with her", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      yield* parked(held())
      const own = `/self-service/v2/contacts/${who.id}`
      const operation = bodyOf(yield* server.requestAs(who.token, "PUT", own, { last_name: "Κράτα" }), 202)
      assert.strictEqual(bodyOf(yield* server.requestAs(who.token, "GET", own), 200).last_name, "Χριστοδούλου")
      const { content } = bodyOf(yield* server.request("GET", `${approvals}?state=PENDING&size=1`), 200)
      assert.deepInclude(content[0], {
        contact_id: who.id,
        trigger: "PRIOR_TO_UPDATE",
        operation: { id: operation.id }
      })
      bodyOf(yield* server.request("POST", `${approvals}/${content[0].id}/approve`, {}), 200)
      assert.strictEqual(bodyOf(yield* server.requestAs(who.token, "GET", own), 200).last_name, "Κράτα")

      const invitation = {
        phone: { country_code: "CYP", number: freshPhone() },
        contact: { first_name: "Νίκος", last_name: "Κράτα" }
      }
      const headers = { "idempotency-key": randomUUID() }
      const invite = () => server.request("POST", `${contacts}/${who.id}/people`, invitation, headers)
      const waits = bodyOf(yield* invite(), 409)
      assert.strictEqual(waits.error, "KOINON.WAITS_FOR_APPROVAL")
      const [waiting] = bodyOf(yield* server.request("GET", `${approvals}?state=PENDING&size=1`), 200).content
      assert.strictEqual(waiting.operation.id, waits.parameters.operation_id)
      bodyOf(yield* server.request("POST", `${approvals}/${waiting.id}/approve`, {}), 200)
      bodyOf(yield* invite(), 201)
    })
  )

  it.effect("AUT-5: is told to her whose change it is, and decided by the business alone", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [who, neighbour] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* parked(held())
      const own = `/self-service/v2/contacts/${who.id}`
      const list = (query = "") =>
        Effect.map(server.requestAs(who.token, "GET", `${own}/approval_requests${query}`), (found) =>
          bodyOf(found, 200)
        )
      const statesOf = ({ content }: { readonly content: ReadonlyArray<{ readonly state: string }> }) =>
        content.map(({ state }) => state)
      assert.deepStrictEqual((yield* list()).paging, { page: 1, size: 10, total: 0, has_more: false })

      const change = (first_name: string) =>
        Effect.map(
          server.requestAs(who.token, "PUT", own, { first_name, last_name: "Κράτα" }),
          (answered) => bodyOf(answered, 202).id as string
        )
      const [first, second] = [yield* change("Μία"), yield* change("Άλλη")]
      const waiting = yield* list("?order=ASC")
      const [one, other] = waiting.content
      assert.deepStrictEqual([one.operation.id, other.operation.id, waiting.paging.total], [first, second, 2])
      assert.deepStrictEqual([one.state, one.entity], ["PENDING", { id: who.id, reference: who.code }])
      assert.notInclude(JSON.stringify(waiting), "Κράτα")

      // Neither door lets her decide about it.
      const decide = `${approvals}/${one.id}/approve`
      bodyOf(yield* server.requestAs(who.token, "POST", decide, {}), 401)
      const action = `/self-service/v2/approval_requests/${one.id}/actions`
      bodyOf(yield* server.requestAs(who.token, "POST", action, { action: "ACCEPT" }), 404)
      assert.deepStrictEqual(statesOf(yield* list()), ["PENDING", "PENDING"])

      bodyOf(yield* server.request("POST", `${approvals}/${other.id}/reject`, {}), 200)
      bodyOf(yield* server.request("POST", decide, {}), 200)
      assert.deepStrictEqual(statesOf(yield* list("?order=ASC")), ["APPROVED", "REJECTED"])
      assert.deepStrictEqual(statesOf(yield* list("?state=REJECTED")), ["REJECTED"])
      assert.deepStrictEqual(statesOf(yield* list("?sort=UPDATED_DATE")), ["APPROVED", "REJECTED"])
      assert.deepStrictEqual(statesOf(yield* list("?state=PENDING")), [])
      assert.deepStrictEqual(statesOf(yield* list("?entity_types=ORDERS")), [])
      bodyOf(yield* server.requestAs(who.token, "GET", `${own}/approval_requests?entity_types=PEOPLE`), 400)
      bodyOf(yield* server.requestAs(neighbour.token, "GET", `${own}/approval_requests`), 403)
    })
  )

  it.effect("AUT-5: is listed by state and page, found by nobody else, and unknown ones are not there", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { approval } = yield* parked(held())
      const other = yield* Shop.otherBusiness(server)
      const foreign = { api_key: other.secretKey }
      bodyOf(yield* server.request("GET", `${approvals}/${approval.id}`, undefined, foreign), 404)
      bodyOf(yield* server.request("POST", `${approvals}/${approval.id}/approve`, {}, foreign), 404)
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", approvals, undefined, foreign), 200).content, [])
      bodyOf(yield* server.request("GET", `${approvals}/${randomUUID()}`), 404)
      bodyOf(yield* server.request("GET", `${approvals}/nobody`), 404)
      bodyOf(yield* server.request("GET", `${approvals}?state=MAYBE`), 400)
      const first = bodyOf(yield* server.request("GET", `${approvals}?size=1`), 200)
      assert.strictEqual(first.content.length, 1)
      const rest = bodyOf(yield* server.request("GET", `${approvals}?size=200&cursor=${first.paging.next_cursor}`), 200)
      const whole = bodyOf(yield* server.request("GET", `${approvals}?size=200`), 200)
      assert.deepStrictEqual([...first.content, ...rest.content], whole.content)
    })
  )
})

layer(TestServer.layer)("what waits for approval", (it) => {
  it.effect("AUT-3, AUT-5, P17: holds nothing personal in the clear, held or turned away", () =>
    Effect.gen(function* () {
      const { server, query } = yield* open()
      yield* saveAutomation(server, "hold-new", holding("PRIOR_TO_CREATION"))
      yield* saveAutomation(server, "no", {
        trigger: "PRIOR_TO_CREATION",
        filter: [
          {
            conditions: [{ type: "COMPARISON" as const, field: "last_name", operator: "EQUAL" as const, value: "Όχι" }]
          }
        ],
        actions: [{ _tag: "REJECT", reason: "No." }]
      })
      const [waits, refused] = [held({ first_name: "Πηνελόπη" }), held({ first_name: "Πηνελόπη", last_name: "Όχι" })]
      bodyOf(yield* server.request("POST", contacts, waits), 202)
      bodyOf(yield* server.request("POST", contacts, refused), 422)
      const [pending] = bodyOf(yield* server.request("GET", approvals), 200).content
      bodyOf(yield* server.request("POST", `${approvals}/${pending.id}/reject`, {}), 200)
      const tables = yield* query(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
      )
      for (const { name } of tables) {
        const rows = JSON.stringify(yield* query(`SELECT t::text AS row FROM "${String(name)}" t`))
        for (const value of ["Πηνελόπη", waits.email, refused.email, waits.phone.number, refused.phone.number]) {
          assert.notInclude(rows, value, String(name))
        }
      }
    })
  )
})
