/**
 * AUT-6, AUT-1: exactly one run for each version and event, in order for each contact, with everything that sets off and
 * does runs killed again and again in the middle of it.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Projector } from "#runtime/projection/Projector.ts"
import {
  alive,
  below,
  endpoints,
  nameOf,
  runsOf,
  save,
  Stage,
  stateOf,
  tag,
  templateId,
  templates,
  webhook
} from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const contacts = [1, 2, 3, 4, 5]
const tagsOfEach = 12
const lives = 25

/** What the last life had asked may still be under way, and whoever asks again is told to come back: that fails, too. */
const maxAttempts = 10_000

layer(below, { excludeTestServices: true })("automations that are killed", (it) => {
  it.effect(
    "AUT-6, AUT-1: run once for each event, and in their order, whenever they are killed",
    () =>
      Effect.gen(function* () {
        const stage = yield* Stage
        yield* open
        yield* endpoints("one", "two")
        yield* templates("INAPP", ["t"])
        yield* save(1, {
          trigger: "TAGS_CHANGED",
          actions: [
            webhook("one"),
            { _tag: "ACTIVITY", type: "CALL" },
            { _tag: "COMMUNICATION", templateId: templateId("t"), channel: "INAPP" },
            webhook("two")
          ]
        })
        yield* Effect.forEach(contacts, (contact) => ask(person(contact)))
        const writing = Effect.forEach(
          contacts,
          (contact) =>
            Effect.forEach(
              Array.from({ length: tagsOfEach }, (_, index) => index),
              (index) => Effect.andThen(tag(contact, `tag ${index}`), Effect.sleep(5))
            ),
          { concurrency: "unbounded" }
        )
        const dying = Effect.forEach(
          Array.from({ length: lives }, (_, life) => life),
          (life) => alive(Effect.sleep(5 + ((life * 37) % 60)), maxAttempts)
        )
        yield* Effect.all([writing, dying], { concurrency: 2 })
        const count = contacts.length * tagsOfEach
        yield* alive(
          Effect.gen(function* () {
            const projector = yield* Projector
            yield* projector.waitFor("automations")
            const runs = yield* eventually(
              "every run is completed",
              Effect.map(runsOf(1), (all) => (all.every(({ state }) => state === "COMPLETED") ? all : undefined))
            )
            assert.lengthOf(runs, count)
            assert.lengthOf(new Set(runs.map(({ event }) => event)), count)
            // The journal of the contacts holds each effect once, whatever was done again.
            for (const contact of contacts) {
              const { openActivities, communications } = yield* stateOf(contact)
              assert.lengthOf(openActivities, tagsOfEach)
              assert.lengthOf(communications, tagsOfEach)
              const first = stage.sent.filter((sent) => sent.contact === contactId(contact))
              const once = [...new Map(first.map((sent) => [sent.id, sent])).values()]
              assert.lengthOf(once, tagsOfEach * 2)
              const order = once.map((each) => [each.cause.runId, nameOf(each, "one", "two")])
              const hers = runs.filter((run) => run.contact === contactId(contact))
              const inOrder = hers
                .toSorted((left, right) => seqOf(left.event) - seqOf(right.event))
                .flatMap(({ id }) => [
                  [id, "one"],
                  [id, "two"]
                ])
              assert.deepStrictEqual(order, inOrder)
            }
            yield* projector.rebuild("automations")
            yield* projector.waitFor("automations")
            assert.lengthOf(yield* runsOf(1), count)
          }),
          maxAttempts
        )
      }),
    180_000
  )
})

const seqOf = (event: string): number => Number(event.split("/").at(-1))
