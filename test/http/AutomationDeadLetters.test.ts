/** AUT-7: a run that failed is found among the others, goes on at the action that failed, and can be gone through again. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const automations = "/backoffice/v2/automations"
const runs = "/backoffice/v2/automation_runs"
/** As many as a contact may have: with one that she has already they are one too many. */
const tags = Array.from({ length: 50 }, (_, index) => `tag ${index}`)

layer(TestServer.layer)("a run whose second action was refused for good", (it) => {
  it.effect("AUT-7: stands among those that failed, and is resumed and replayed without doing anything twice", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const eleni = yield* Shop.person(server)
      const tag = (word: "add" | "remove") =>
        server.request("PUT", `/backoffice/v2/contacts/${eleni.id}/tags`, { [word]: ["hers"] })
      bodyOf(yield* tag("add"), 200)
      const actions = [
        { type: "ACTIVITY", activity_type: "CALL" },
        { type: "TAG", add: tags }
      ]
      const body = { name: "Call, then tag", trigger: "WALLET_CREDITED", actions }
      const { id } = yield* Shop.made(server.request("POST", automations, body))
      yield* Shop.credit(server, eleni, 10)

      const [failed] = yield* eventually(
        "it is among those that failed",
        Effect.map(server.request("GET", `${runs}?state=FAILED&automation_id=${id}`), (found) => {
          const { content } = bodyOf(found, 200)
          return content.length > 0 && content
        })
      )
      assert.deepInclude(failed, { state: "FAILED", actions_done: 1, contact: { id: eleni.id } })
      const on = (word: string) => server.request("POST", `${runs}/${failed.id}/${word}`, {})
      const run = Effect.map(server.request("GET", `${runs}/${failed.id}`), (found) => bodyOf(found, 200))
      const completed = (attempts: number) =>
        eventually(
          "it is completed",
          Effect.map(run, (now) => now.state === "COMPLETED" && now.attempts.length > attempts && now)
        )
      const calls = Effect.map(
        server.request("GET", `/backoffice/v2/contacts/${eleni.id}/activities/open`),
        (found) => bodyOf(found, 200).content.length
      )
      const [refused] = (yield* run).attempts.filter(({ outcome }: { outcome: string }) => outcome === "DEAD")
      assert.include(refused.reason, "tags", "it says what was refused")

      bodyOf(yield* tag("remove"), 200)
      assert.strictEqual((yield* on("resume")).status, 200)
      const resumed = yield* completed((yield* run).attempts.length - 1)
      assert.strictEqual(resumed.actions_done, 2)
      assert.strictEqual(yield* calls, 1, "the action before it was not done again")
      assert.strictEqual((yield* on("resume")).status, 409)

      assert.strictEqual((yield* on("replay")).status, 200)
      yield* completed(resumed.attempts.length)
      assert.strictEqual(yield* calls, 1, "what it had done is recognised")
      const { content } = bodyOf(yield* server.request("GET", `${runs}?state=FAILED&automation_id=${id}`), 200)
      assert.deepStrictEqual(content, [])
    })
  )
})

layer(TestServer.layer)("an activity that is closed", (it) => {
  for (const outcome of ["DONE", "CANCELLED"] as const) {
    it.effect(`FED-1: stands on the feed of its contact as ${outcome}`, () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const { id } = yield* Shop.person(server)
        const open = `/backoffice/v2/contacts/${id}/activities/open`
        const activity = yield* Shop.made(server.request("POST", open, { type: "CALL" }))
        bodyOf(yield* server.request("POST", `${open}/${activity.id}/close`, { outcome }), 200)
        const feed = `/backoffice/v2/contacts/${id}/activities?type=activity.closed`
        const { content } = bodyOf(yield* server.request("GET", feed), 200)
        assert.strictEqual(content.length, 1)
        assert.deepInclude(content[0], { type: "activity.closed", state: outcome })
        assert.strictEqual(content[0].links.activity_id, activity.id)
      })
    )
  }
})
