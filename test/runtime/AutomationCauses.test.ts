/** A chain is not lost on its way through gateways and people, wherever it ends (AUT-8). */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  asked,
  automationId,
  automationSide,
  runsOf,
  save,
  stateOf,
  tag,
  templateId,
  templates
} from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { eventually } from "../support/Eventually.ts"

const ended = (number: number, count: number) =>
  eventually(
    `${count} runs of ${number} have ended`,
    Effect.map(runsOf(number), (runs) => {
      const over = runs.filter(({ endedAt }) => endedAt !== undefined)
      return over.length >= count ? over : undefined
    })
  )

layer(automationSide, { excludeTestServices: true })("what an automation brings about", (it) => {
  it.effect("AUT-8: a text that was taken and did not arrive is still of the chain that sent it", () =>
    Effect.gen(function* () {
      yield* open
      yield* templates("SMS", ["again"], "MANDATORY")
      yield* save(1, {
        trigger: "COMMUNICATION_REJECTED",
        actions: [{ _tag: "COMMUNICATION", templateId: templateId("again"), channel: "SMS" }]
      })
      yield* save(2, { trigger: "COMMUNICATION_COMPLETED", actions: [{ _tag: "TAG", add: ["texted"], remove: [] }] })
      yield* ask(person(1))
      const first = automationId(1_000)
      yield* asked(1, {
        _tag: "RequestCommunication",
        communicationId: first,
        channel: "SMS",
        purpose: "MANDATORY",
        name: "First",
        templateId: templateId("again")
      })
      yield* asked(1, { _tag: "RejectCommunication", communicationId: first, reason: "NO_ADDRESS" })
      yield* ended(1, 1)
      const sent = (yield* stateOf(1)).communications.find(({ id }) => id !== first)?.id ?? ""
      yield* asked(1, { _tag: "AuthorizeSend", communicationId: sent })
      yield* asked(1, {
        _tag: "CompleteCommunication",
        communicationId: sent,
        language: "en",
        recipient: "+35799123456",
        gateway: "SMS"
      })
      yield* ended(2, 1)
      yield* asked(1, { _tag: "ReportUndelivered", communicationId: sent, channel: "SMS", code: "30003" })
      assert.deepStrictEqual(
        (yield* ended(1, 2)).map(({ state, reason, chain }) => [state, reason, chain]),
        [
          ["COMPLETED", undefined, []],
          ["SKIPPED", "LOOP", [automationId(1)]]
        ]
      )
    })
  )

  it.effect("AUT-8: a chain ends with its fifth automation, and the sixth says why it was not run", () =>
    Effect.gen(function* () {
      const has = (step: number) =>
        ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [`step ${step}`] }) as const
      for (const step of [1, 2, 3, 4, 5, 6]) {
        yield* save(10 + step, {
          trigger: "TAGS_CHANGED",
          filter: [{ conditions: [has(step), { type: "NOT", condition: has(step + 1) }] }],
          actions: [{ _tag: "TAG", add: [`step ${step + 1}`], remove: [] }]
        })
      }
      yield* ask(person(2))
      yield* tag(2, "step 1")
      const [last] = yield* ended(16, 1)
      const five = [11, 12, 13, 14, 15].map(automationId)
      assert.deepInclude(last, { state: "SKIPPED", reason: "CHAIN_TOO_LONG", chain: five })
      for (const number of [11, 12, 13, 14, 15]) {
        assert.deepStrictEqual(
          (yield* ended(number, 1)).map(({ state }) => state),
          ["COMPLETED"]
        )
      }
      assert.notInclude((yield* stateOf(2)).tags, "step 7")
    })
  )
})
