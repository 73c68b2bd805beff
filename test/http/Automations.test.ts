/** Automations and activities in the back office, over a whole server: from the door to what comes of it. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, pointersOf } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

const automations = "/backoffice/v2/automations"
const unknownId = "00000000-0000-4000-8000-000000000000"
const callHer = { type: "ACTIVITY", activity_type: "CALL", subject: "Say hello", due_in_minutes: 60, assignee: "maria" }

const make = (server: TestServer.TestServer["Service"], body: object) =>
  Effect.map(server.request("POST", automations, body), (response) => bodyOf(response, 201))

const lastRun = (server: TestServer.TestServer["Service"], id: string, state: string) =>
  eventually(
    `a run of ${id} is ${state}`,
    Effect.map(server.request("GET", `${automations}/${id}/runs`), (response) =>
      bodyOf(response, 200).content.find((run: { state: string }) => run.state === state)
    )
  )

layer(TestServer.layer)("automations in the back office", (it) => {
  it.effect("AUT-1: are made, read, listed, changed, switched and deleted", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const body = {
        name: "Welcome",
        trigger: "CONTACT_REGISTERED",
        filter: [{ conditions: [{ type: "COMPARISON", field: "type", operator: "EQUAL", value: "COMPANY" }] }],
        actions: [callHer, { type: "TAG", add: ["new"], remove: [] }, { type: "APPROVAL" }]
      }
      const { id, warnings } = yield* make(server, body)
      assert.deepStrictEqual(warnings, [])
      const read = bodyOf(yield* server.request("GET", `${automations}/${id}`), 200)
      const { saved_on: _, ...rest } = read
      assert.deepStrictEqual(rest, { id, state: "ACTIVE", version: 1, warnings: [], ...body })

      const changed = { ...body, name: "Welcome again", actions: [callHer] }
      bodyOf(yield* server.request("PUT", `${automations}/${id}`, changed), 200)
      const { content: versions } = bodyOf(yield* server.request("GET", `${automations}/${id}/versions`), 200)
      assert.deepStrictEqual(
        versions.map(({ version, actions }: { version: number; actions: [] }) => [version, actions.length]),
        [
          [2, 1],
          [1, 3]
        ]
      )
      bodyOf(yield* server.request("POST", `${automations}/${id}/actions`, { action: "DEACTIVATE" }), 200)
      const off = bodyOf(yield* server.request("GET", `${automations}?state=INACTIVE`), 200)
      assert.deepStrictEqual(
        off.content.map(({ name }: { name: string }) => name),
        ["Welcome again"]
      )
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", `${automations}/${id}/runs`), 200).content, [])
      assert.strictEqual((yield* server.request("DELETE", `${automations}/${id}`)).status, 204)
      assert.strictEqual((yield* server.request("GET", `${automations}/${id}`)).status, 404)
    })
  )

  it.effect("AUT-8: what is wrong with one is named, and circles are told of", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const refused = Effect.fnUntraced(function* (body: object) {
        const given = { name: "Wrong", trigger: "PURCHASE_POSTED", actions: [callHer], ...body }
        return bodyOf(yield* server.request("POST", automations, given), 400)
      })
      const pointerOf = (body: object) => Effect.map(refused(body), ({ parameters }) => parameters.pointer)
      assert.strictEqual(yield* pointerOf({ actions: [{ type: "REJECT", reason: "no" }] }), "/actions/0")
      assert.strictEqual(
        yield* pointerOf({ actions: [callHer, { type: "WEBHOOK", endpoint_id: unknownId }] }),
        "/actions/1/endpoint_id"
      )
      assert.strictEqual(yield* pointerOf({ trigger: "SEGMENT_JOINED" }), "/segment_id")
      assert.strictEqual(yield* pointerOf({ trigger: "SEGMENT_JOINED", segment_id: unknownId }), "/segment_id")
      assert.strictEqual(yield* pointerOf({ trigger: "ACTIVITY_SCHEDULED" }), "/actions")
      const nowhere = [{ conditions: [{ type: "EXISTENCE", field: "shoe_size", exists: true }] }]
      assert.strictEqual(yield* pointerOf({ filter: nowhere }), "/filter/0/conditions/0/field")
      const once = [{ type: "EXISTENCE", field: "last_name", exists: true }]
      assert.strictEqual(
        yield* pointerOf({ filter: [{ conditions: once }, { conditions: [] }] }),
        "/filter/1/conditions"
      )
      const automation = { trigger: "PURCHASE_POSTED", filter: [{ conditions: [] }], actions: [callHer] }
      const dry = yield* server.request("POST", `${automations}/dry_run`, { automation, from: 0 })
      assert.deepStrictEqual(pointersOf(dry), ["/automation/filter/0/conditions"])
      const sent = yield* server.request("POST", automations, { name: "Wrong", trigger: "NEVER", actions: [{}] })
      assert.include(pointersOf(sent), "/trigger")

      yield* make(server, { name: "Tagged", trigger: "TAGS_CHANGED", actions: [callHer] })
      const { warnings } = yield* make(server, {
        name: "Closed",
        trigger: "ACTIVITY_CLOSED",
        actions: [{ type: "TAG", add: ["called"] }]
      })
      assert.deepStrictEqual(
        warnings.map(({ names }: { names: ReadonlyArray<string> }) => names),
        [["Closed", "Tagged", "Closed"]]
      )
    })
  )

  it.effect("SEG-3, AUT-1: somebody who joins a live segment is called, and the call is on every list", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const sets = [{ conditions: [{ type: "LIST", field: "tags", operator: "HAS_ANY", values: ["vip"] }] }]
      const segment = bodyOf(
        yield* server.request("POST", "/backoffice/v2/segments", { name: "VIP", sets, refresh: { mode: "LIVE" } }),
        201
      )
      yield* eventually(
        "the segment is computed",
        Effect.map(
          server.request("GET", `/backoffice/v2/segments/${segment.id}`),
          (response) => bodyOf(response, 200).membership.state === "READY"
        )
      )
      const { id } = yield* make(server, {
        name: "Greet VIPs",
        trigger: "SEGMENT_JOINED",
        segment_id: segment.id,
        actions: [callHer]
      })
      const eleni = yield* contact(server)
      yield* Effect.orDie(
        server.actors.ask({
          business: server.businessId,
          key: eleni.id,
          command: { _tag: "ChangeTags", add: ["vip"], remove: [] }
        })
      )
      const run = yield* lastRun(server, id, "COMPLETED")
      assert.deepInclude(run, { trigger: "SEGMENT_JOINED", actions_done: 1, actions: 1, chain: [] })
      assert.strictEqual(run.contact.id, eleni.id)
      const detail = bodyOf(yield* server.request("GET", `/backoffice/v2/automation_runs/${run.id}`), 200)
      assert.deepStrictEqual(
        detail.attempts.map(({ outcome }: { outcome: string }) => outcome),
        ["DONE"]
      )

      const path = `/backoffice/v2/contacts/${eleni.id}/activities/open`
      const open = bodyOf(yield* server.request("GET", path), 200).content
      const mine = open.find(({ automation_run_id: by }: { automation_run_id?: string }) => by === run.id)
      assert.deepInclude(mine, { type: "CALL", subject: "Say hello", assignee: "maria" })
      const due = bodyOf(yield* server.request("GET", "/backoffice/v2/activities?assignee=maria"), 200)
      assert.include(
        due.content.map(({ id: each }: { id: string }) => each),
        mine.id
      )
      assert.notInclude(JSON.stringify(due), "Say hello")
      bodyOf(yield* server.request("PUT", `${path}/${mine.id}`, { assignee: "nikos" }), 200)
      bodyOf(yield* server.request("POST", `${path}/${mine.id}/close`, { outcome: "DONE" }), 200)
      const done = bodyOf(yield* server.request("GET", "/backoffice/v2/activities?assignee=nikos&state=DONE"), 200)
      assert.deepStrictEqual(
        done.content.map(({ id: each }: { id: string }) => each),
        [mine.id]
      )
      assert.strictEqual((yield* server.request("POST", `${path}/${mine.id}/close`, { outcome: "DONE" })).status, 404)
    })
  )

  it.effect("AUT-7: a run that waits is approved or rejected once", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { id } = yield* make(server, {
        name: "Ask first",
        trigger: "CONTACT_REGISTERED",
        actions: [{ type: "APPROVAL", assignee: "maria" }, callHer]
      })
      const nikos = yield* contact(server)
      const run = yield* lastRun(server, id, "WAITING")
      assert.strictEqual(run.contact.id, nikos.id)
      const on = (word: string) => server.request("POST", `/backoffice/v2/automation_runs/${run.id}/${word}`, {})
      assert.strictEqual((yield* on("resume")).status, 409)
      assert.strictEqual((yield* on("approve")).status, 200)
      yield* lastRun(server, id, "COMPLETED")
      assert.strictEqual((yield* on("reject")).status, 409)
      assert.strictEqual((yield* on("approve")).status, 409)
      const nowhere = `/backoffice/v2/automation_runs/${unknownId}`
      assert.strictEqual((yield* server.request("POST", `${nowhere}/approve`, {})).status, 404)
      assert.strictEqual((yield* server.request("GET", nowhere)).status, 404)
      bodyOf(yield* server.request("POST", `${automations}/${id}/actions`, { action: "DEACTIVATE" }), 200)
    })
  )

  it.effect(
    "AUT-1, AUT-5: a run that waits stands among the approvals, is found by its assignee and decided there",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { id } = yield* make(server, {
          name: "Ask Sofia",
          trigger: "CONTACT_REGISTERED",
          actions: [{ type: "APPROVAL", assignee: "sofia" }, callHer]
        })
        const mine = Effect.map(
          server.request("GET", "/backoffice/v2/approvals?assignee=sofia&type=RUN&state=PENDING"),
          (found) => bodyOf(found, 200).content
        )
        const eleni = yield* contact(server)
        const run = yield* lastRun(server, id, "WAITING")
        const rejected = yield* contact(server)
        yield* eventually(
          "the second run waits as well",
          Effect.map(mine, (content) => content.length === 2)
        )
        const toDo = bodyOf(yield* server.request("GET", "/backoffice/v2/activities?assignee=sofia"), 200)
        assert.deepStrictEqual(toDo.content, [], "it is decided, not done")
        const all = bodyOf(yield* server.request("GET", "/backoffice/v2/approvals?assignee=sofia&size=1"), 200)
        assert.strictEqual(all.content[0].contact_id, rejected.id)
        const rest = yield* server.request(
          "GET",
          `/backoffice/v2/approvals?assignee=sofia&size=1&cursor=${encodeURIComponent(all.paging.next_cursor)}`
        )
        const [approval] = bodyOf(rest, 200).content
        assert.deepInclude(approval, {
          id: run.id,
          type: "RUN",
          state: "PENDING",
          trigger: "CONTACT_REGISTERED",
          contact_id: eleni.id,
          automations: [{ id, version: 1 }],
          assignee: "sofia"
        })
        assert.strictEqual(approval.expires_on - approval.held_on, 7 * 24 * 3_600)
        assert.deepStrictEqual(run.approval, {
          assignee: "sofia",
          held_on: approval.held_on,
          expires_on: approval.expires_on
        })
        const path = `/backoffice/v2/approvals/${run.id}`
        assert.deepStrictEqual(bodyOf(yield* server.request("GET", path), 200), approval)
        for (let nth = 0; nth < 2; nth++) bodyOf(yield* server.request("POST", `${path}/approve`, {}), 200)
        const refused = bodyOf(yield* server.request("POST", `${path}/reject`, {}), 409)
        assert.strictEqual(refused.error, "KOINON.APPROVAL_NOT_PENDING")
        bodyOf(yield* server.request("POST", `/backoffice/v2/approvals/${all.content[0].id}/reject`, {}), 200)
        assert.strictEqual(bodyOf(yield* server.request("GET", path), 200).state, "APPROVED")
        assert.deepStrictEqual(yield* mine, [])

        // Over all automations, by what became of them.
        const rejectedRuns = bodyOf(yield* server.request("GET", "/backoffice/v2/automation_runs?state=REJECTED"), 200)
        assert.deepInclude(rejectedRuns.content[0], { id: all.content[0].id, reason: "NOT_APPROVED" })
        const hers = `/backoffice/v2/automation_runs?contact_id=${eleni.id}&automation_id=${id}`
        assert.strictEqual(bodyOf(yield* server.request("GET", hers), 200).content[0].id, run.id)
        bodyOf(yield* server.request("POST", `${automations}/${id}/actions`, { action: "DEACTIVATE" }), 200)
      })
  )

  it.effect("AUT-1: an approval that is sent again does not approve what the run waits for next", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { id } = yield* make(server, {
        name: "Ask twice",
        trigger: "CONTACT_REGISTERED",
        actions: [{ type: "APPROVAL" }, callHer, { type: "APPROVAL" }, callHer]
      })
      yield* contact(server)
      const run = yield* lastRun(server, id, "WAITING")
      const done = (actions: number) =>
        eventually(
          `it waits, with ${actions} actions done`,
          Effect.map(server.request("GET", `/backoffice/v2/automation_runs/${run.id}`), (found) => {
            const { state, actions_done } = bodyOf(found, 200)
            return state === "WAITING" && actions_done === actions
          })
        )
      yield* done(0)
      const on = (path: string, key: string) =>
        Effect.map(
          server.request("POST", `/backoffice/v2/${path}/approve`, {}, { "idempotency-key": key }),
          (answered) => bodyOf(answered, 200)
        )
      yield* on(`approvals/${run.id}`, "first")
      yield* done(2)
      assert.deepStrictEqual(yield* on(`approvals/${run.id}`, "first"), { id: run.id })
      yield* done(2)
      yield* on(`automation_runs/${run.id}`, "second")
      yield* lastRun(server, id, "COMPLETED")
      assert.deepStrictEqual(yield* on(`automation_runs/${run.id}`, "second"), { id: run.id })
      bodyOf(yield* server.request("POST", `${automations}/${id}/actions`, { action: "DEACTIVATE" }), 200)
    })
  )

  it.effect("AUT-10: a dry run counts what would have been done, and compares two", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      yield* contact(server)
      const automation = { trigger: "CONTACT_REGISTERED", actions: [callHer] }
      const asked = { automation, compared_with: { ...automation, trigger: "PURCHASE_POSTED" }, from: 0 }
      const dry = yield* server.request("POST", `${automations}/dry_run`, asked)
      const { result, compared, difference, assumed_live } = bodyOf(dry, 200)
      assert.isAtLeast(result.fired, 1)
      assert.deepStrictEqual(assumed_live, [])
      assert.deepStrictEqual([compared.fired, difference.both.count], [0, 0])
      assert.strictEqual(difference.only_first.count, result.fired)
      const wrong = yield* server.request("POST", `${automations}/dry_run`, { ...asked, from: 9_000_000_000 })
      assert.deepStrictEqual(pointersOf(wrong), ["/from"])
      const everybody = { type: "EXISTENCE", field: "last_name", exists: true }
      const segment = { name: "Asked for", sets: [{ conditions: [everybody] }], refresh: { mode: "ON_DEMAND" } }
      const { id } = bodyOf(yield* server.request("POST", "/backoffice/v2/segments", segment), 201)
      const joined = { trigger: "SEGMENT_JOINED", segment_id: id, actions: [callHer] }
      const lazy = yield* server.request("POST", `${automations}/dry_run`, { automation: joined, from: 0 })
      assert.deepStrictEqual(bodyOf(lazy, 200).assumed_live, [id])
    })
  )

  it.effect("AUT-10: a dry run compares what is written out with any saved version, action by action", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { id: contactId } = yield* contact(server)
      const visit = { type: "ACTIVITY", activity_type: "VISIT" }
      const tagNew = { type: "TAG", add: ["new"], remove: [] }
      const saved = { name: "Compared", trigger: "CONTACT_REGISTERED", actions: [callHer, visit] }
      const { id } = yield* make(server, saved)
      for (let version = 2; version <= 8; version++) {
        const actions = [{ ...visit, subject: `Version ${version}` }]
        bodyOf(yield* server.request("PUT", `${automations}/${id}`, { ...saved, actions }), 200)
      }
      const dryRun = (body: object) => server.request("POST", `${automations}/dry_run`, { from: 0, ...body })
      const draft = { trigger: "CONTACT_REGISTERED", actions: [tagNew, callHer] }
      const compared = { automation_version: { id, version: 1 }, compared_with: draft }
      const { result, difference } = bodyOf(yield* dryRun(compared), 200)
      const hers = result.sample.find((each: { contact: { id: string } }) => each.contact.id === contactId)
      assert.deepStrictEqual(hers.actions, [
        { index: 0, action: callHer },
        { index: 1, action: visit }
      ])
      const { contact: _, event, happened_on: _on, ...changes } = difference.both.sample[0]
      assert.strictEqual(event, "ContactRegistered")
      assert.deepStrictEqual(changes, {
        only_first: [{ index: 1, action: visit }],
        only_second: [{ index: 0, action: tagNew }],
        both: [{ index: 0, compared_index: 1, action: callHer }]
      })
      const { fired } = result
      assert.deepStrictEqual(difference.actions, [
        { action: visit, index: 1, only_first: fired, only_second: 0, both: 0 },
        { action: tagNew, compared_index: 0, only_first: 0, only_second: fired, both: 0 },
        { action: callHer, index: 0, compared_index: 1, only_first: 0, only_second: 0, both: fired }
      ])
      const inForce = bodyOf(yield* dryRun({ automation_version: { id } }), 200)
      assert.strictEqual(inForce.result.sample[0].actions[0].action.subject, "Version 8")

      const pointers = (body: object) => Effect.map(dryRun(body), pointersOf)
      assert.deepStrictEqual(yield* pointers({}), ["/automation"])
      assert.deepStrictEqual(yield* pointers({ automation: draft, automation_version: { id } }), [
        "/automation_version"
      ])
      const beyond = { automation: draft, compared_with_version: { id, version: 9 } }
      assert.deepStrictEqual(yield* pointers(beyond), ["/compared_with_version/version"])
      assert.strictEqual((yield* dryRun({ automation_version: { id: unknownId } })).status, 404)
      bodyOf(yield* server.request("POST", `${automations}/${id}/actions`, { action: "DEACTIVATE" }), 200)
    })
  )

  it.effect("activities are scheduled, put off and listed by their due date", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const { id } = yield* contact(server)
      const path = `/backoffice/v2/contacts/${id}/activities/open`
      const schedule = (type: string, due_on?: number) =>
        Effect.map(server.request("POST", path, { type, due_on, assignee: "eva" }), (given) => bodyOf(given, 201).id)
      const [late, early, never] = [
        yield* schedule("GIFT", 2_000_000_000),
        yield* schedule("CALL", 1_900_000_000),
        yield* schedule("VISIT")
      ]
      const ids = (response: TestServer.Response) =>
        bodyOf(response, 200).content.map((each: { id: string }) => each.id)
      assert.deepStrictEqual(ids(yield* server.request("GET", path)), [early, late, never])
      assert.deepStrictEqual(ids(yield* server.request("GET", "/backoffice/v2/activities?assignee=eva")), [
        early,
        late,
        never
      ])
      bodyOf(yield* server.request("PUT", `${path}/${early}`, { due_on: 2_100_000_000 }), 200)
      assert.deepStrictEqual(
        ids(yield* server.request("GET", "/backoffice/v2/activities?assignee=eva&due_until=2050000000")),
        [late]
      )
      assert.strictEqual((yield* server.request("PUT", `${path}/${early}`, {})).status, 400)
      assert.strictEqual((yield* server.request("PUT", `${path}/${unknownId}`, { assignee: "eva" })).status, 404)
    })
  )
})
