/** What the domain refuses a run for good ends it at once, and holds up nothing else of the contact (AUT-7, CON-5). */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Automations } from "#runtime/automation/Automations.ts"
import { asked, automationSide, endpoints, nameOf, runsOf, save, Stage, webhook } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

layer(automationSide, { excludeTestServices: true })("runs that are refused", (it) => {
  it.effect("AUT-7, CON-5: who left the business nothing is not asked again and again, and her other runs go on", () =>
    Effect.gen(function* () {
      yield* open
      yield* endpoints("told")
      yield* ask({
        business: businessId,
        key: businessId,
        command: {
          _tag: "ChangeBusinessSettings",
          settings: {
            sharingOrder: "OWNER_FIRST",
            walletCodeMode: "STATIC",
            consentEffects: { rejected: "NONE", withdrawn: "NONE" }
          }
        }
      })
      yield* save(1, { trigger: "CONSENT_CHANGED", actions: [{ _tag: "TAG", add: ["left"], remove: [] }] })
      yield* save(2, { trigger: "CONSENT_CHANGED", actions: [{ _tag: "ACTIVITY", type: "CALL" }] })
      yield* save(3, { trigger: "CONSENT_CHANGED", actions: [webhook("told")] })
      yield* ask(person(1))
      yield* asked(1, { _tag: "ChangeConsent", to: "REJECTED", by: "USER" })
      const { sent } = yield* Stage
      yield* eventually(
        "the run behind the two that are refused is done",
        Effect.sync(() => sent.some((each) => nameOf(each, "told") !== undefined))
      )
      const automations = yield* Automations
      for (const [number, action] of [
        [1, "TAG"],
        [2, "ACTIVITY"]
      ] as const) {
        const [run] = yield* runsOf(number)
        assert.isDefined(run)
        assert.deepInclude(run, { state: "FAILED", reason: `action 0 (${action}): NoConsent` })
        const outcomes = yield* Effect.map(automations.attempts(businessId, run), (all) =>
          all.map((each) => each.outcome)
        )
        assert.deepStrictEqual(outcomes, ["DEAD"])
      }
      yield* asked(1, { _tag: "ChangeConsent", to: "ACCEPTED", by: "USER" })
      const [run] = yield* runsOf(1)
      assert.strictEqual(yield* automations.resume(businessId, run?.id ?? ""), "DONE")
      yield* eventually(
        "what was refused is done once she agrees again",
        Effect.map(automations.run(businessId, run?.id ?? ""), (found) => found?.state === "COMPLETED")
      )
    })
  )
})
