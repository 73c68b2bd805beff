/** AUT-3, AUT-6, AUT-11: what was defined on another runner counts from its commit on, also before the other has told of it. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Actors } from "#runtime/actor/Actors.ts"
import { Definitions } from "#runtime/actor/Definitions.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as PriorFacts from "#runtime/automation/PriorFacts.ts"
import * as PriorTo from "#runtime/automation/PriorTo.ts"
import * as Rejections from "#runtime/automation/Rejections.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { decider, says } from "../support/Automations.ts"
import { eventually } from "../support/Eventually.ts"
import { ok, receiver } from "../support/Receiver.ts"
import { definitionsElsewhere } from "./Elsewhere.ts"
import { followingWith } from "./MembershipSide.ts"
import { ask, open, writeSide } from "./ReadSide.ts"
import { businessId, contactId, register } from "./SampleCommands.ts"
import { endpoint, endpointId, switched, webhookSide } from "./WebhookWorld.ts"

const save = Effect.fnUntraced(function* (name: string) {
  const actors = yield* Actors
  const id = nameUuid("endpoint of a test", name)
  const body = { url: "https://hooks.example/x", events: "*" as const, secretId: id }
  yield* actors.ask({ business: businessId, key: businessId, command: { _tag: "SaveEndpoint", id, name, body } })
  return id
})

const webhooks = webhookSide({}, definitionsElsewhere)

layer(webhooks, { excludeTestServices: true })("an endpoint that was switched on at another runner", (it) => {
  it.effect("AUT-11: is called from then on", () =>
    Effect.gen(function* () {
      yield* open
      const calls = yield* receiver(ok)
      yield* endpoint(1, calls.url)
      yield* switched(1, "INACTIVE")
      const definitions = yield* Definitions
      const known = Effect.map(definitions.of(businessId, "endpoints"), (all) => all[endpointId(1)]?.state)
      assert.strictEqual(yield* known, "INACTIVE")
      yield* switched(1, "ACTIVE")
      assert.strictEqual(yield* known, "INACTIVE", "nobody has told it")
      const { deliveries, test } = yield* Webhooks
      const task = yield* test(businessId, endpointId(1), "a test")
      const ended = yield* eventually(
        "it has been tried",
        Effect.map(deliveries.get(businessId, endpointId(1), task), (found) => found?.state !== "WAITING" && found)
      )
      assert.strictEqual(ended?.state, "DONE")
      assert.strictEqual(calls.kept().length, 1)
    })
  )
})

const judging = PriorTo.layer({ allowed: ["127.0.0.1"] }).pipe(
  Layer.provide(Layer.mergeAll(PriorFacts.layer, Rejections.layer)),
  Layer.provideMerge(followingWith([], definitionsElsewhere)),
  Layer.provideMerge(writeSide)
)

layer(judging, { excludeTestServices: true })(
  "a decision at an endpoint that was switched on at another runner",
  (it) => {
    it.effect("AUT-3: is asked for", () =>
      Effect.gen(function* () {
        yield* open
        const { url, asked } = yield* decider(says({ decision: "ALLOW" }))
        yield* endpoint(1, url)
        const action = { _tag: "DECISION", endpointId: endpointId(1), failOpen: false } as const
        const body = { trigger: "PRIOR_TO_CREATION", actions: [action] } as const
        yield* ask({
          business: businessId,
          key: businessId,
          command: { _tag: "SaveAutomation", id: "score", name: "score", body }
        })
        yield* switched(1, "INACTIVE")
        const definitions = yield* Definitions
        assert.strictEqual((yield* definitions.of(businessId, "endpoints"))[endpointId(1)]?.state, "INACTIVE")
        yield* switched(1, "ACTIVE")
        const { command } = register(1)
        const business = (yield* Actors).business(businessId)
        if (command._tag !== "RegisterContact" || business === undefined) throw new Error("there are both")
        yield* (yield* PriorTo.PriorTo).judge(business, contactId(1), command)
        assert.strictEqual(asked.length, 1)
      })
    )
  }
)

layer(writeSide, { excludeTestServices: true })("definitions", (it) => {
  it.effect("of a business that another runner has are in force as soon as they are committed", () =>
    Effect.gen(function* () {
      yield* open
      const definitions = Context.get(yield* Layer.build(definitionsElsewhere), Definitions)
      const inForce = Effect.map(definitions.inForce([businessId], "endpoints"), (all) =>
        Object.keys(all.get(businessId) ?? {})
      )
      assert.deepStrictEqual(yield* inForce, [])
      const first = yield* save("first")
      // Nobody has told it: what is remembered is old, and what is in force is not.
      assert.deepStrictEqual(Object.keys(yield* definitions.of(businessId, "endpoints")), [])
      assert.deepStrictEqual(yield* inForce, [first])
      const second = yield* save("second")
      assert.sameMembers([...(yield* inForce)], [first, second])
    }).pipe(Effect.scoped)
  )
})
