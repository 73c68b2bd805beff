/**
 * AUT-2, AUT-4, AUT-10: whom a prior-to automation is for is one judgement, over a whole server: what it decides about a
 * command, what it does once that has committed and what a dry run says of it are about the same contacts.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, named } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"

type Server = TestServer.TestServer["Service"]
const contacts = "/backoffice/v2/contacts"
const automations = "/backoffice/v2/automations"

const is = (field: string, value: string) => ({ type: "COMPARISON", field, operator: "EQUAL", value })
const times = (event: string, operator: string, value: number) => ({ type: "COUNT", event, operator, value })
const not = (condition: object) => ({ type: "NOT", condition })

/** Those who are called so, from the commit on that has them called so. */
const liveSegment = Effect.fnUntraced(function* (server: Server, last_name: string) {
  const sets = [{ conditions: [is("last_name", last_name)] }]
  const body = { name: last_name, sets, refresh: { mode: "LIVE" } }
  const { id } = bodyOf(yield* server.request("POST", "/backoffice/v2/segments", body), 201)
  yield* eventually(
    "the segment is computed",
    Effect.map(
      server.request("GET", `/backoffice/v2/segments/${id}`),
      (response) => bodyOf(response, 200).membership.state === "READY"
    )
  )
  return id as string
})

/** It decides, which is seen at the contact, and does something after the commit, which is seen in its runs. */
const arranged = Effect.fnUntraced(function* (server: Server, trigger: string, name: string, conditions: object) {
  const fields = { first_name: "Judged", custom_fields: [{ key: name, value: "judged" }] }
  const asked = {
    trigger,
    filter: [{ conditions }],
    actions: [
      { type: "PATCH", fields },
      { type: "ACTIVITY", activity_type: "CALL" }
    ]
  }
  const { id } = bodyOf(yield* server.request("POST", automations, { name, ...asked }), 201)
  /** By each of the three, the dry run of what was saved and of the same written out, whether it was for her. */
  return Effect.fnUntraced(function* (contact: string) {
    const { custom_fields = [] } = bodyOf(yield* server.request("GET", `${contacts}/${contact}`), 200)
    const path = `${automations}/${id}/runs?contact_id=${contact}`
    const runs = bodyOf(yield* server.request("GET", path), 200).content
    const dryRun = Effect.fnUntraced(function* (body: object) {
      const dry = bodyOf(yield* server.request("POST", `${automations}/dry_run`, { ...body, from: 0 }), 200)
      return dry.result.sample.some(
        (each: { readonly contact: { readonly id: string } }) => each.contact.id === contact
      )
    })
    return {
      decided: custom_fields.some(({ key }: { readonly key: string }) => key === name),
      done: runs.length > 0,
      dry: yield* dryRun({ automation_version: { id } }),
      written: yield* dryRun({ automation: asked })
    }
  })
})

const all = { decided: true, done: true, dry: true, written: true }
const none = { decided: false, done: false, dry: false, written: false }

layer(TestServer.layer)("the judgement of a prior-to automation", (it) => {
  const register = (server: Server, last_name: string) =>
    Effect.map(server.request("POST", contacts, named(last_name)), (made) => bodyOf(made, 201).id as string)
  const rename = (server: Server, id: string, last_name: string) =>
    Effect.map(server.request("PUT", `${contacts}/${id}`, { last_name }), (made) => bodyOf(made, 200))

  it.effect("AUT-2, AUT-4, AUT-10: of a change goes by what it proposes, and by what was before it", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const name = "Αλλαγή"
      const joined = yield* liveSegment(server, name)
      const member = { type: "MEMBER", segment: joined }
      const judged = (title: string, ...conditions: ReadonlyArray<object>) =>
        arranged(server, "PRIOR_TO_UPDATE", title, [is("last_name", name), ...conditions])
      const first = yield* judged("first", times("ContactUpdated", "EQUAL", 0))
      const later = yield* judged("later", times("ContactUpdated", "GREATER", 0))
      const outside = yield* judged("outside", not(member))
      const inside = yield* judged("inside", member)

      const eleni = yield* register(server, "Πριν")
      yield* rename(server, eleni, name)
      assert.deepStrictEqual(yield* first(eleni), all)
      assert.deepStrictEqual(yield* outside(eleni), all)
      assert.deepStrictEqual(yield* later(eleni), none)
      assert.deepStrictEqual(yield* inside(eleni), none)

      bodyOf(yield* server.request("PUT", `${contacts}/${eleni}`, { middle_name: "Μαρία" }), 200)
      assert.deepStrictEqual(yield* later(eleni), all)
      assert.deepStrictEqual(yield* inside(eleni), all)
    })
  )

  it.effect("AUT-2, AUT-4, AUT-10: of a registration knows nothing that had happened, and no segment", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const name = "Γέννηση"
      const joined = yield* liveSegment(server, name)
      const member = { type: "MEMBER", segment: joined }
      const judged = (title: string, ...conditions: ReadonlyArray<object>) =>
        arranged(server, "PRIOR_TO_CREATION", title, [is("last_name", name), ...conditions])
      const nothing = yield* judged("nothing yet", times("ContactRegistered", "EQUAL", 0), not(member))
      const registered = yield* judged("registered", times("ContactRegistered", "EQUAL", 1))
      const inside = yield* judged("in it", member)
      const eleni = yield* register(server, name)
      assert.deepStrictEqual(yield* nothing(eleni), all)
      assert.deepStrictEqual(yield* registered(eleni), none)
      assert.deepStrictEqual(yield* inside(eleni), none)
    })
  )

  it.effect("AUT-4: is not lost by what the automation itself has patched", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const name = "Διόρθωση"
      const called = [is("last_name", name), is("first_name", "Ελένη")]
      const judged = yield* arranged(server, "PRIOR_TO_CREATION", "renamed", called)
      const eleni = yield* register(server, name)
      const { first_name } = bodyOf(yield* server.request("GET", `${contacts}/${eleni}`), 200)
      assert.strictEqual(first_name, "Judged")
      assert.deepInclude(yield* judged(eleni), { decided: true, done: true, dry: true })
    })
  )

  it.effect("AUT-4, AUT-5: stands while the request waits for an approval, whatever happens meanwhile", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const name = "Αναμονή"
      const bought = times("FundsCredited", "GREATER", 0)
      const poor = yield* arranged(server, "PRIOR_TO_UPDATE", "poor", [is("last_name", name), not(bought)])
      const rich = yield* arranged(server, "PRIOR_TO_UPDATE", "rich", [is("last_name", name), bought])
      const hold = { name: "hold", trigger: "PRIOR_TO_UPDATE", filter: [{ conditions: [is("last_name", name)] }] }
      bodyOf(yield* server.request("POST", automations, { ...hold, priority: 9, actions: [{ type: "HOLD" }] }), 201)
      const eleni = yield* register(server, "Πριν")
      bodyOf(yield* server.request("PUT", `${contacts}/${eleni}`, { last_name: name }), 202)
      const credit = { action: "CREDIT", amount: 1, currency_code: "EUR", notes: "Meanwhile" }
      bodyOf(yield* server.request("POST", `/backoffice/v2/wallets/${eleni}/journals`, credit), 201)
      // One that was not there when it was asked for has nothing to do with it.
      const late = yield* arranged(server, "PRIOR_TO_UPDATE", "late", [is("last_name", name)])
      const waiting = bodyOf(yield* server.request("GET", "/backoffice/v2/approvals?state=PENDING"), 200).content
      bodyOf(yield* server.request("POST", `/backoffice/v2/approvals/${waiting[0].id}/approve`, {}), 200)
      assert.deepInclude(yield* poor(eleni), { decided: true, done: true, dry: true })
      assert.deepInclude(yield* rich(eleni), { decided: false, done: false, dry: false })
      assert.deepInclude(yield* late(eleni), { decided: false, done: false, dry: false })
    })
  )
})
