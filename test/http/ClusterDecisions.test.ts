/**
 * What is decided before a command, and what is held, with two runners: an automation that was saved through one of them
 * judges commands at the other as soon as it has heard of it, and a held one is decided through any (AUT-2, AUT-3, AUT-5).
 */
import { assert, describe, it } from "@effect/vitest"
import { shardOf } from "#runtime/actor/Placement.ts"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { decider, deleteAutomation, saveAutomation } from "../support/Automations.ts"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, freshEmail, freshPhone } from "../support/HttpContacts.ts"
import type * as Shop from "../support/Shop.ts"
import type { TestServer } from "../support/TestServer.ts"
import { ofBusiness, personOn, twoRunners, until } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

const contacts = "/backoffice/v2/contacts"
const approvals = "/backoffice/v2/approvals"
/** So that a race would show. */
const times = 8

const allowing = { KOINON_WEBHOOK_ALLOWED: "127.0.0.1" }
const called = (value: string) => [
  { conditions: [{ type: "COMPARISON" as const, field: "last_name", operator: "EQUAL" as const, value }] }
]
/** Asked again where a runner is too busy to hear of the other's automations in time: nothing was done, and it says so. */
const rename = (server: Server, { id }: Shop.Person, last_name: string) =>
  eventually(
    "she is renamed or refused",
    Effect.map(
      server.request("PUT", `${contacts}/${id}`, { last_name }),
      (response) => response.body.error !== "KOINON.AUTOMATIONS_CHANGED" && response
    )
  )
const isKnown = (judges: "creation" | "update", id: string, { actors, businessId }: Server): boolean =>
  actors.business(businessId)?.priorAutomations?.[judges].some(({ automationId }) => automationId === id) ?? false
/** A runner hears of what was saved at another a moment after the save was answered. */
const known = (judges: "creation" | "update", id: string, ...servers: ReadonlyArray<Server>) =>
  until("each knows the automation", () => servers.every((server) => isKnown(judges, id, server)))
const forgotten = (judges: "creation" | "update", id: string, ...servers: ReadonlyArray<Server>) =>
  until("nobody knows the automation", () => !servers.some((server) => isKnown(judges, id, server)))
const newcomer = (last_name: string) => ({
  type: "PERSON",
  first_name: "Ελένη",
  last_name,
  email: freshEmail(),
  phone: { type: "MOBILE", country_code: "CYP", number: freshPhone() }
})

describe("decisions before a change, with two runners", () => {
  it.live(
    "AUT-2: an automation that was saved, or deleted, at one is in force at the other once it has heard of it",
    () =>
      Effect.gen(function* () {
        const { first, second } = yield* twoRunners()
        const [home, away] = ofBusiness(first, second)
        const people = [yield* personOn(home, away), yield* personOn(away, home)]
        for (let time = 0; time < times; time++) {
          const [saving, asking] = time % 2 === 0 ? [home, away] : [away, home]
          const name = `Όχι ${time}`
          yield* saveAutomation(saving, "no", {
            trigger: "PRIOR_TO_UPDATE",
            filter: called(name),
            actions: [{ _tag: "REJECT", reason: "No." }]
          })
          yield* known("update", "no", home, away)
          for (const door of [asking, saving]) {
            for (const who of people) {
              const refused = bodyOf(yield* rename(door, who, name), 422)
              assert.deepInclude(refused.parameters, { automation_id: "no", reason: "No." })
            }
          }
          yield* deleteAutomation(saving, "no")
          yield* forgotten("update", "no", home, away)
          for (const who of people) bodyOf(yield* rename(asking, who, name), 200)
        }
      }).pipe(Effect.scoped)
  )

  it.live("AUT-3: somebody outside is asked once, and what he decides is done where she lives", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners(allowing)
      const [home, away] = ofBusiness(first, second)
      const outside = yield* decider((_, response) =>
        response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify({ decision: "PATCH", fields: { language_code: "ELL" } }))
      )
      yield* saveAutomation(away, "score", {
        trigger: "PRIOR_TO_UPDATE",
        filter: called("Έξω"),
        actions: [{ _tag: "DECISION", url: outside.url, failOpen: false }]
      })
      yield* known("update", "score", home, away)
      let asked = 0
      for (const [holder, door] of [
        [home, away],
        [away, home]
      ] as const) {
        const who = yield* personOn(holder, door)
        const key = { "idempotency-key": randomUUID() }
        const change = () => door.request("PUT", `${contacts}/${who.id}`, { last_name: "Έξω" }, key)
        bodyOf(yield* change(), 200)
        // A repetition gets its answer, whichever door it comes to, and bothers nobody.
        bodyOf(yield* change(), 200)
        bodyOf(yield* holder.request("PUT", `${contacts}/${who.id}`, { last_name: "Έξω" }, key), 200)
        asked += 1
        assert.lengthOf(outside.asked, asked)
        for (const server of [holder, door]) {
          const found = bodyOf(yield* server.request("GET", `${contacts}/${who.id}`), 200)
          assert.deepInclude(found, { last_name: "Έξω", language_code: "ELL" })
        }
      }
    }).pipe(Effect.scoped)
  )

  it.live("AUT-5: what is held is seen, decided once and told through the runner that does not have it", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      yield* saveAutomation(second, "hold", {
        trigger: "PRIOR_TO_CREATION",
        filter: called("Κράτα"),
        actions: [{ _tag: "HOLD" }]
      })
      yield* known("creation", "hold", first, second)
      const holders = new Set<Server>()
      for (let time = 0; time < times || holders.size < 2; time++) {
        const asking = time % 2 === 0 ? first : second
        const key = { "idempotency-key": randomUUID() }
        const body = newcomer("Κράτα")
        const operation = bodyOf(yield* asking.request("POST", contacts, body, key), 202)
        const listed = bodyOf(yield* first.request("GET", `${approvals}?state=PENDING&size=200`), 200).content
        const again = bodyOf(yield* second.request("GET", `${approvals}?state=PENDING&size=200`), 200).content
        assert.deepStrictEqual(again, listed)
        const [approval] = listed.filter(
          (each: { readonly operation: { readonly id: string } }) => each.operation.id === operation.id
        )
        const [holder, other] = first.actors.holds(shardOf(approval.contact_id)) ? [first, second] : [second, first]
        holders.add(holder)
        assert.deepStrictEqual(bodyOf(yield* other.request("POST", contacts, body, key), 202), operation)
        const isApproved = time % 4 < 2
        const path = `${approvals}/${approval.id}/${isApproved ? "approve" : "reject"}`
        const all = yield* Effect.all(
          [other, holder, other].map((server) => server.request("POST", path, {})),
          { concurrency: 3 }
        )
        for (const each of all) bodyOf(each, 200)
        for (const server of [other, holder]) {
          const told = bodyOf(yield* server.request("GET", `/backoffice/v2/operations/${operation.id}`), 200)
          assert.strictEqual(told.state, isApproved ? "DONE" : "REFUSED")
          const found = yield* server.request("GET", `${contacts}/${approval.contact_id}`)
          assert.strictEqual(found.status, isApproved ? 200 : 404)
        }
      }
    }).pipe(Effect.scoped)
  )
})
