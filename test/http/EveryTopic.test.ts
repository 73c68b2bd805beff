/** Every topic of the live feed against everybody whose it is not: each is told so, nothing is stored, and nothing reaches them. */
import { assert, layer } from "@effect/vitest"
import { LiveLimits } from "#http/live/LiveLimits.ts"
import { feedNames } from "#http/live/Protocol.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { connect, connectAs, follow, isA } from "../support/LiveClient.ts"
import * as Shop from "../support/Shop.ts"
import { notAllowed, notFound, rowsOf, type Told, unknownCaller, type World, world } from "../support/Strangers.ts"

const invalid: Told = [400, "KOINON.INVALID_REQUEST"]
class Known extends Context.Service<Known, World>()("koinon/test/EveryTopic") {}

/** Who never says who she is stays to the end, however long it takes. */
const patient: LiveLimits = {
  socketsMax: 100,
  authenticateWithinMs: 600_000,
  heartbeatIntervalMs: 25_000,
  silenceMaxMs: 600_000,
  closeGraceMs: 5_000
}

layer(Layer.effect(Known, Effect.provideService(world, LiveLimits, patient)))("the live feed", (it) => {
  for (const feed of feedNames) {
    it.effect(
      `${feed}/{id} is told to nobody but those whose it is`,
      Effect.fnUntraced(function* () {
        const world = yield* Known
        const { elsewhere, expired, foreigner, neighbour, other, publishableKey, server, tokens, unsigned, victim } =
          world
        const topic = `${feed}/${victim.id}`
        const before = yield* rowsOf(world)
        const silent = yield* connect(server.url)
        silent.say({ type: "subscribe", topic })
        assert.strictEqual((yield* silent.hear(isA("error", topic))).problem.error, unknownCaller[1])
        for (const [who, frame, told] of [
          ["a garbage token", { token: "not.a.token" }, unknownCaller],
          ["an expired token", { token: expired.accessToken }, unknownCaller],
          ["a token of another installation", { token: elsewhere }, unknownCaller],
          ["an unsigned token", { token: unsigned }, unknownCaller],
          ["her refresh token", { token: tokens.refresh }, unknownCaller],
          ["a garbage key", { api_key: "sk_nobody" }, unknownCaller],
          ["the publishable key", { api_key: publishableKey }, notAllowed],
          ["both at once", { api_key: server.apiKey, token: tokens.access }, invalid],
          ["neither", {}, invalid]
        ] as const) {
          const app = yield* connect(server.url)
          app.say({ type: "authenticate", ...frame })
          const { problem } = yield* app.hear(isA("error"))
          assert.deepStrictEqual([problem.status, problem.error], [...told], who)
          app.say({ type: "subscribe", topic })
          const refused = yield* app.hear(isA("error", topic))
          assert.deepStrictEqual([refused.problem.status, refused.problem.error], [...unknownCaller], who)
          app.vanish()
        }
        const asProtocol = yield* connect(server.url, { protocols: ["koinon", "koinon.bearer.not.a.token"] })
        assert.strictEqual((yield* asProtocol.hear(isA("error"))).problem.error, unknownCaller[1])
        const listeners = []
        for (const [who, caller, told] of [
          ["a neighbour", { token: neighbour.token }, notAllowed],
          ["a contact of another business", { token: foreigner.token }, notAllowed],
          ["another business's key", { api_key: other.secretKey }, notFound]
        ] as const) {
          const app = yield* connectAs(server.url, caller)
          app.say({ type: "subscribe", topic })
          const { problem } = yield* app.hear(isA("error", topic))
          assert.deepStrictEqual([problem.status, problem.error], [...told], who)
          listeners.push(app)
        }
        assert.deepStrictEqual(yield* rowsOf(world), before)
        // Something happens, the one whose it is hears it, and nobody else does.
        const own = yield* connectAs(server.url, { token: tokens.access })
        yield* follow(own, `wallet/${victim.id}`)
        yield* Shop.credit(server, victim, 1)
        yield* own.until(() => own.events().length > 0)
        for (const app of [silent, asProtocol, ...listeners]) {
          app.say({ type: "ping" })
          yield* app.hear(isA("pong"))
          assert.deepStrictEqual(app.events(), [])
        }
      })
    )
  }
})
