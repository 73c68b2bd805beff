/**
 * AUT-6: what happened is judged by what was defined when it happened, however late somebody looks at it and whatever was
 * saved, switched and deleted since then.
 */
import { assert, layer } from "@effect/vitest"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import type { Command } from "#domain/Command.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import * as PastDefinitions from "#runtime/actor/PastDefinitions.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Effect from "effect/Effect"
import { aMomentLater, alive, automationId, below, runsOf, save, tag } from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId } from "./SampleCommands.ts"

const calling = (subject: string): AutomationDefinition => ({
  trigger: "TAGS_CHANGED",
  actions: [{ _tag: "ACTIVITY", type: "CALL", subject }]
})

const told = (command: Command) => Effect.andThen(ask({ business: businessId, key: businessId, command }), aMomentLater)
const switched = (number: number, state: "ACTIVE" | "INACTIVE") =>
  told({ _tag: "ChangeAutomationState", id: automationId(number), state })
const deleted = (number: number) => told({ _tag: "DeleteAutomation", id: automationId(number) })

const versions = (number: number, contact: number) =>
  Effect.map(runsOf(number, contact), (runs) =>
    runs.toSorted((left, right) => left.eventAt - right.eventAt).map(({ version }) => version)
  )
const settled = Effect.flatMap(Projector, (projector) => projector.waitFor("automations"))

/** Each change has an instant of its own, and so has each tag. */
const saved = (number: number, subject: string) =>
  Effect.andThen(save(number, calling(subject), `Automation ${number}`), aMomentLater)
const tagged = (contact: number, name: string) => Effect.andThen(tag(contact, name), aMomentLater)

layer(below, { excludeTestServices: true })("automations that are looked for late", (it) => {
  it.effect("AUT-6: run in any version that they had, switched as they were, also if they are gone by now", () =>
    Effect.gen(function* () {
      yield* open
      yield* ask(person(1))
      yield* ask(person(2))
      yield* aMomentLater
      yield* tagged(1, "before anything was saved")
      for (let version = 1; version <= 9; version++) {
        yield* saved(1, `version ${version}`)
        yield* tagged(1, `in version ${version}`)
      }
      yield* switched(1, "INACTIVE")
      yield* tagged(1, "while it was off")
      yield* switched(1, "ACTIVE")
      yield* tagged(1, "while it was on")
      yield* switched(1, "INACTIVE")
      yield* switched(1, "ACTIVE")
      yield* deleted(1)
      yield* tagged(1, "when it was gone")
      yield* alive(
        Effect.gen(function* () {
          yield* settled
          assert.deepStrictEqual(yield* versions(1, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 9])

          // And of what is changed while somebody looks, all the same.
          yield* saved(2, "one")
          yield* tagged(2, "in version one")
          yield* saved(2, "two")
          yield* tagged(2, "in version two")
          yield* deleted(2)
          yield* settled
          assert.deepStrictEqual(yield* versions(2, 2), [1, 2])
        })
      )
    })
  )

  it.effect("AUT-6: any number of changes ago, and in no order", () =>
    Effect.gen(function* () {
      const changes = 250
      const instants: Array<number> = []
      for (let change = 1; change <= changes; change++) {
        yield* saved(3, `change ${change}`)
        const { state } = yield* (yield* Actors).read(businessId, businessId, "automations")
        instants.push(state[automationId(3)]?.savedAt ?? 0)
      }
      const past = PastDefinitions.make({
        journal: yield* Journal,
        codec: new Codec(yield* Sealer),
        definitions: yield* Definitions.Definitions
      })
      const versionsAt = (...asked: ReadonlyArray<number>) =>
        Effect.map(
          past.at(
            asked.map((at) => ({ business: businessId, at })),
            "automations"
          ),
          (at) => asked.map((instant) => at({ business: businessId, at: instant })[automationId(3)]?.version)
        )
      const of = (change: number): number => instants[change - 1] ?? 0
      assert.deepStrictEqual(yield* versionsAt(of(250)), [250])
      assert.deepStrictEqual(yield* versionsAt(of(240) - 1, of(240)), [239, 240])
      assert.deepStrictEqual(yield* versionsAt(of(1) - 1, of(30), of(2), of(250)), [undefined, 30, 2, 250])
      assert.deepStrictEqual(yield* versionsAt(of(249), of(3)), [249, 3])
      yield* saved(3, "one more")
      assert.deepStrictEqual(yield* versionsAt(of(250), of(250) + 60_000), [250, 251])
      assert.deepStrictEqual(yield* versionsAt(0), [undefined])
    })
  )
})
