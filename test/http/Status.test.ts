/** The state of the installation, as its operators see it. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import * as Shop from "../support/Shop.ts"
import { layer as testServer, type Parsed, TestServer } from "../support/TestServer.ts"

layer(testServer)("the state of the installation", (it) => {
  it.effect(
    "names the runner, its shards and lane, undone work and how far the views are",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      yield* Shop.person(server)
      const asked = server.request("GET", "/backoffice/v2/status")
      const statesOf = (body: Parsed): ReadonlyArray<string> =>
        body.projections.map(({ state }: { readonly state: string }) => state)
      // Views may still be reading what was there before them.
      const { status, body } = yield* eventually(
        "all views run",
        Effect.map(asked, (answer) => statesOf(answer.body).every((state) => state === "RUNNING") && answer)
      )
      assert.strictEqual(status, 200, JSON.stringify(body))
      assert.lengthOf(body.runners, 1)
      const [runner] = body.runners
      assert.deepInclude(runner, { id: server.actors.runner, state: "PRESENT", shards: 64, units_waiting: 0 })
      assert.isAtLeast(runner.resident_groups, 1)
      assert.notProperty(runner, "address")
      assert.deepStrictEqual(body.shards, { all: 64, without_runner: 0 })
      assert.deepStrictEqual(body.inbox, { due: 0, parked: 0, oldest_due_ms: 0 })
      const outbox = { mail: "OUTBOX", sms: "OUTBOX", push_browsers: "OUTBOX", push_apps: "OUTBOX" }
      assert.deepStrictEqual(body.set_up, { segments: "EMBEDDED", ...outbox })
      const idle = { waiting: 0, due: 0, dead: 0, oldest_due_ms: 0, under_way: 0 }
      const queues = ["automation", "webhook", "communication"].map((queue) => ({ queue, ...idle }))
      assert.deepStrictEqual(body.outbox, queues)
      const views = body.projections as ReadonlyArray<{ readonly name: string }>
      assert.includeMembers(
        views.map(({ name }) => name),
        ["contact_directory", "catalogue", "segment_store", "live_segments", "webhooks", "automations", "communication"]
      )
    })
  )

  it.effect(
    "is told to the service owner alone",
    Effect.fnUntraced(function* () {
      const server = yield* TestServer
      const { secretKey } = yield* Shop.otherBusiness(server)
      const refused = yield* server.request("GET", "/backoffice/v2/status", undefined, { api_key: secretKey })
      assert.strictEqual(refused.status, 403)
    })
  )
})
