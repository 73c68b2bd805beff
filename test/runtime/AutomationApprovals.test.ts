/** A run at an approval waits for somebody, in a list, and not for ever (AUT-1). */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Automations } from "#runtime/automation/Automations.ts"
import { automationId, automationSide, endpoints, runsOf, save, Stage, tag, webhook } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const daysMs = 7 * 24 * 3_600_000

layer(automationSide, { excludeTestServices: true })("a run that waits for an approval", (it) => {
  const waiting = Effect.fnUntraced(function* (number: number, contact: number) {
    yield* save(number, {
      trigger: "TAGS_CHANGED",
      actions: [{ _tag: "APPROVAL", assignee: "maria" }, webhook("after approval")]
    })
    yield* ask(person(contact))
    yield* tag(contact, "vip")
    return yield* eventually(
      "it waits",
      Effect.map(runsOf(number, contact), ([run]) => (run?.state === "WAITING" ? run : undefined))
    )
  })

  it.effect("AUT-1: says for whom and until when, and ends with that reason when nobody decides", () =>
    Effect.gen(function* () {
      yield* open
      yield* endpoints("after approval")
      const automations = yield* Automations
      const [lapses, stays] = [yield* waiting(1, 1), yield* waiting(2, 2)]
      const { heldAt = 0 } = lapses.approval ?? {}
      assert.deepStrictEqual(lapses.approval, { assignee: "maria", heldAt, expiresAt: heldAt + daysMs })
      const sql = yield* SqlClient
      const now = yield* Clock.currentTimeMillis
      yield* sql`UPDATE automation_run SET expires_at = ${BigInt(now)} WHERE id = ${lapses.id}::uuid`
      // Its time is over, whether somebody has put that down or not.
      assert.strictEqual(yield* automations.approve(businessId, lapses.id, "request 1"), "NOT_SO_NOW")
      yield* automations.lapse
      assert.deepInclude(yield* automations.run(businessId, lapses.id), { state: "REJECTED", reason: "LAPSED" })
      assert.deepInclude(yield* automations.run(businessId, stays.id), { state: "WAITING" })
      assert.strictEqual(yield* automations.approve(businessId, stays.id, "request 2"), "DONE")
      const { sent } = yield* Stage
      yield* eventually(
        "what stands behind the approval is done",
        Effect.sync(() => sent.length > 0)
      )
      assert.deepStrictEqual(
        sent.map(({ cause }) => cause.runId),
        [stays.id]
      )
      assert.strictEqual(stays.automation, automationId(2))
    })
  )
})
