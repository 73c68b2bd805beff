/** AUT-9: the filter of an automation may ask for what an update changed, and from what to what. */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import { asked, automationSide, endpoints, nameOf, save, Stage, webhook } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

/** What was updated last, which is what set the automation off. */
const updated = (...is: Extract<ConditionSets[number]["conditions"][number], { readonly type: "LAST" }>["is"]) => [
  { conditions: [{ type: "LAST" as const, event: "ContactUpdated", is }] }
]

layer(automationSide, { excludeTestServices: true })("a filter on what changed", (it) => {
  it.effect("AUT-9: holds for the update that changed the field, and for the values before and after", () =>
    Effect.gen(function* () {
      yield* open
      const names = ["language", "to Greek", "any"]
      yield* endpoints(...names)
      const language = { type: "LIST", field: "changed", operator: "HAS_ANY", values: ["language_code"] } as const
      const is = (field: string, value: string) => ({ type: "COMPARISON", field, operator: "EQUAL", value }) as const
      const saved = (number: number, filter: ConditionSets | undefined, endpoint: string) =>
        save(number, {
          trigger: "CONTACT_UPDATED",
          ...(filter !== undefined && { filter }),
          actions: [webhook(endpoint)]
        })
      yield* saved(1, updated(language), "language")
      yield* saved(2, updated(is("before_language_code", "ENG"), is("language_code", "ELL")), "to Greek")
      yield* saved(3, undefined, "any")
      yield* ask(person(1))
      const update = (languageCode: string, lastName: string) =>
        asked(1, { _tag: "UpdateContact", languageCode, profile: { lastName } })
      yield* update("ENG", "Νέα")
      yield* update("ELL", "Νέα")
      yield* update("ENG", "Νέα")
      yield* update("ENG", "Παλιά")
      const { sent } = yield* Stage
      yield* eventually(
        "each update is told of",
        Effect.sync(() => sent.filter((each) => nameOf(each, ...names) === "any").length === 4)
      )
      const count = (name: string) => sent.filter((each) => nameOf(each, ...names) === name).length
      assert.deepStrictEqual([count("language"), count("to Greek")], [2, 1])
    })
  )

  it.effect("AUT-9, AUT-10: holds for no older update where something else set the automation off", () =>
    Effect.gen(function* () {
      const names = ["language again", "opted out", "neither", "all"]
      yield* endpoints(...names)
      const from = yield* Clock.currentTimeMillis
      const language = { type: "LIST", field: "changed", operator: "HAS_ANY", values: ["language_code"] } as const
      const isOut = { type: "COMPARISON", field: "opted_out", operator: "EQUAL", value: true } as const
      const ofUpdate = { type: "LAST", event: "ContactUpdated", is: [language] } as const
      const ofOptOut = { type: "LAST", event: "OptOutChanged", is: [isOut] } as const
      const [notOfUpdate, notOfOptOut] = [ofUpdate, ofOptOut].map((condition) => ({ type: "NOT" as const, condition }))
      const filters: ReadonlyArray<ConditionSets | undefined> = [
        [{ conditions: [ofUpdate] }],
        [{ conditions: [ofOptOut] }],
        [{ conditions: [notOfUpdate!, notOfOptOut!] }],
        undefined
      ]
      const bodies = names.map((name, index) => {
        const filter = filters[index]
        return {
          trigger: "CONTACT_UPDATED" as const,
          ...(filter !== undefined && { filter }),
          actions: [webhook(name)]
        }
      })
      for (const [index, body] of bodies.entries()) yield* save(10 + index, body)
      yield* ask(person(2))
      const optOut = (optedOut: boolean) =>
        asked(2, { _tag: "ChangeOptOut", channel: "EMAIL", optedOut, by: "CONTACT" })
      yield* asked(2, { _tag: "UpdateContact", languageCode: "ELL", profile: {} })
      yield* optOut(true)
      yield* optOut(false)
      yield* asked(2, { _tag: "UpdateContact", profile: { lastName: "Νέα" } })
      const { sent } = yield* Stage
      const told = () => sent.filter((each) => each.contact === contactId(2))
      const count = (name: string) => told().filter((each) => nameOf(each, ...names) === name).length
      yield* eventually(
        "each is told of",
        Effect.sync(() => count("all") === 4)
      )
      assert.deepStrictEqual(names.map(count), [1, 1, 2, 4])
      const actors = yield* Actors
      const business = actors.business(businessId)
      assert.isDefined(business)
      const until = (yield* Clock.currentTimeMillis) + 1
      for (const [index, body] of bodies.entries()) {
        const question = { business, definitions: [body], segments: {}, from, until }
        const { results } = yield* (yield* Automations).dryRun(question)
        const fired = results[0]?.sample.filter(({ contact }) => contact === contactId(2)).length
        assert.strictEqual(fired, [1, 1, 2, 4][index])
      }
    })
  )
})
