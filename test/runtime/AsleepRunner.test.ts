/**
 * P5: who slept while another took its shards, and believes on waking that it still has them, ends nothing for good because
 * it does not know what was defined meanwhile.
 */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "#runtime/actor/Actors.ts"
import { Definitions } from "#runtime/actor/Definitions.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { liveSegmentsName } from "#runtime/segment/LiveSegments.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { ok, receiver } from "../support/Receiver.ts"
import { sleeper } from "./Asleep.ts"
import { definition, followingWith, membersOf, save, segmentId } from "./MembershipSide.ts"
import { day, everything, setTime, shop, states, until, untilStates, working } from "./PlanWorld.ts"
import { ask, open, writeSide } from "./ReadSide.ts"
import { businessId, contactId, register } from "./SampleCommands.ts"
import { endpoint, endpointId, webhookSide } from "./WebhookWorld.ts"

const noon = day("2026-11-22T10:00:00Z")

layer(everything, { excludeTestServices: true })("the runner of plans that slept", (it) => {
  it.effect("AUT-12: leaves a run of a plan that it does not know, and goes on once it does", () =>
    working((runner) =>
      Effect.gen(function* () {
        const { business, plan } = yield* shop([{}, {}], noon)
        const actors = yield* Actors
        const { definitions: layer, fallsAsleep, hears } = sleeper()
        const definitions = Context.get(yield* Layer.build(layer), Definitions)
        assert.deepStrictEqual(yield* definitions.of(business, "plans"), {})
        yield* fallsAsleep
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        // Whoever has the business by now begins the run, and gets no further.
        const { kill } = yield* runner({ ...actors, ask: () => Effect.never })
        yield* untilStates(business, "SENDING")
        yield* kill
        const { looked } = yield* Effect.provideService(runner(), Definitions, definitions)
        yield* looked
        assert.strictEqual(yield* states(business), "SENDING")
        yield* hears
        yield* untilStates(business, "DONE")
      })
    )
  )
})

const ofSegments = sleeper()
const segmentSide = followingWith([], ofSegments.definitions).pipe(Layer.provideMerge(writeSide))

layer(segmentSide, { excludeTestServices: true })("the runner of segments that slept", (it) => {
  it.effect("SEG-4: keeps a segment that it does not know, and computes it once it does", () =>
    Effect.gen(function* () {
      yield* open
      yield* ask(register(1))
      const everybody = definition([[{ type: "EXISTENCE", field: "last_name", exists: true }]], "ON_DEMAND")
      yield* save("before", everybody)
      const definitions = yield* Definitions
      assert.deepStrictEqual(Object.keys(yield* definitions.of(businessId, "segments")), [segmentId("before")])
      yield* ofSegments.fallsAsleep
      yield* save("meanwhile", { ...everybody, refresh: { mode: "LIVE" } })
      const projector = yield* Projector
      yield* projector.waitFor(liveSegmentsName)
      const sql = yield* SqlClient
      const row = Effect.map(
        sql<{ failures: number }>`SELECT failures FROM segment_state WHERE segment = ${segmentId("meanwhile")}::uuid`,
        ([found]) => found
      )
      yield* until(Effect.map(row, (found) => found === undefined || found.failures > 0))
      assert.isDefined(yield* row)
      yield* ofSegments.hears
      const segments = yield* Segments
      const status = segments.status(businessId, segmentId("meanwhile"))
      yield* until(Effect.map(status, ({ state }) => state === "READY"))
      assert.deepStrictEqual(yield* membersOf("meanwhile"), [1])
    })
  )
})

const ofWebhooks = sleeper()

layer(webhookSide({}, ofWebhooks.definitions), { excludeTestServices: true })(
  "the runner of webhooks that slept",
  (it) => {
    it.effect(
      "AUT-11: neither gives up what is for an endpoint that it does not know, nor lets go of its numbers",
      () =>
        Effect.gen(function* () {
          yield* open
          yield* ask(register(1))
          const calls = yield* receiver(ok)
          const definitions = yield* Definitions
          assert.deepStrictEqual(yield* definitions.of(businessId, "endpoints"), {})
          yield* ofWebhooks.fallsAsleep
          yield* endpoint(1, calls.url)
          // Told and numbered by whoever has the shards by now.
          const sql = yield* SqlClient
          yield* sql`INSERT INTO webhook_sequence (business, endpoint, contact, last)
        VALUES (${businessId}::uuid, ${endpointId(1)}::uuid, ${contactId(1)}::uuid, 7)`
          const numbers = sql<{ last: bigint }>`SELECT last FROM webhook_sequence WHERE contact = ${contactId(1)}::uuid`
          const { deliveries, forget, test } = yield* Webhooks
          const asked = yield* Clock.currentTimeMillis
          const task = yield* test(businessId, endpointId(1), "a test")
          const delivery = deliveries.get(businessId, endpointId(1), task)
          // It has been looked at, and is to be looked at again.
          yield* until(Effect.map(delivery, (found) => found?.state !== "WAITING" || (found.dueAt ?? 0) > asked + 500))
          assert.strictEqual((yield* delivery)?.state, "WAITING")
          yield* Effect.ignore(forget)
          assert.deepStrictEqual(yield* numbers, [{ last: 7n }])
          yield* ofWebhooks.hears
          yield* until(Effect.map(delivery, (found) => found?.state === "DONE"))
          yield* forget
          assert.deepStrictEqual(yield* numbers, [{ last: 7n }])
        })
    )
  }
)
