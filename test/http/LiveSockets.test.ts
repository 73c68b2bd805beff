/** The sockets of the live door: strict, bounded, watched, and told when it is over. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as AccessTokens from "#http/door/AccessTokens.ts"
import { LiveLimits } from "#http/live/LiveLimits.ts"
import { outboxFramesMax } from "#http/live/Outbox.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { connect, connectAs, follow, isA, type LiveClient } from "../support/LiveClient.ts"
import { credits, entries, person, type Server, token } from "../support/LiveWorld.ts"
import { start, TestServer } from "../support/TestServer.ts"

const problemOf = (client: LiveClient, index = 0) => client.frames.filter(isA("error"))[index]?.problem

const subscribers = (server: Server) =>
  Effect.map(server.request("GET", "/metrics"), ({ body }) =>
    Number(/^koinon_live_subscribers (\d+)$/m.exec(String(body))?.[1] ?? 0)
  )

/** Longer than any test: each is about one bound, and a busy machine is to meet no other. */
const patient = {
  socketsMax: 100,
  authenticateWithinMs: 600_000,
  heartbeatIntervalMs: 25_000,
  silenceMaxMs: 600_000,
  closeGraceMs: 600_000
} satisfies LiveLimits
const masterSecret = "a master secret that this test knows, too"

const serverWith = (limits: Partial<LiveLimits>) =>
  Effect.provideService(start({ KOINON_MASTER_SECRET: masterSecret }), LiveLimits, { ...patient, ...limits })

/** A token that has almost expired, from the door's own issuer on a clock that was put back. */
const expiring = Effect.fnUntraced(
  function* (businessId: string, contactId: string, secondsLeft: number) {
    const now = Clock.Clock.defaultValue().currentTimeMillisUnsafe()
    yield* TestClock.setTime(now - (3_600 - secondsLeft) * 1_000)
    const tokens = yield* AccessTokens.AccessTokens
    return (yield* tokens.issue(businessId, contactId)).accessToken
  },
  Effect.provide(AccessTokens.layer(Redacted.make(masterSecret)).pipe(Layer.provideMerge(TestClock.layer())))
)

/**
 * Two apps that came in with a token that ends soon: one has a fresh one by now, the other follows her contact. Where that
 * took longer than the token lasted, the next one lasts longer.
 */
const cameIn = Effect.fnUntraced(function* (server: Server, contactId: string) {
  const topic = `contact/${contactId}`
  const fresh = yield* token(server, contactId)
  for (let secondsLeft = 2; ; secondsLeft *= 2) {
    const [kept, ending] = [yield* connect(server.url), yield* connect(server.url)]
    const short = yield* expiring(server.businessId, contactId, secondsLeft)
    kept.say({ type: "authenticate", token: short })
    kept.say({ type: "authenticate", token: fresh })
    ending.say({ type: "authenticate", token: short })
    ending.say({ type: "subscribe", topic })
    const isKept = () => kept.frames.filter(isA("authenticated")).length === 2
    const isFollowing = () => ending.frames.some(isA("subscribed", topic))
    yield* kept.until(() => isKept() || kept.frames.some(isA("error")))
    yield* ending.until(() => isFollowing() || ending.frames.some(isA("error")))
    if (isKept() && isFollowing()) return { kept, ending }
  }
})

layer(Layer.effect(TestServer, serverWith({})), { excludeTestServices: true })("a socket of the live door", (it) => {
  it.effect("answers a malformed frame with the fault and goes on", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const app = yield* connectAs(server.url, { api_key: server.apiKey })
      const wrong: ReadonlyArray<readonly [frame: object | string | Uint8Array, fault: RegExp]> = [
        ["{not json", /not JSON/],
        ["[]", /\/type/],
        [{ type: "shout" }, /\/type/],
        [{ type: "subscribe" }, /\/topic/],
        [{ type: "subscribe", topic: "wallet/1" }, /\/topic/],
        [{ type: "subscribe", topic: `wallet/${randomUUID()}`, since: 1 }, /\/since/],
        [{ type: "subscribe", topic: `wallet/${randomUUID()}`, after: "!" }, /\/after/],
        [{ type: "authenticate" }, /token or api_key/],
        [Uint8Array.of(1, 2, 3), /binary/]
      ]
      for (const [index, [frame, fault]] of wrong.entries()) {
        app.say(frame)
        yield* app.until(() => problemOf(app, index) !== undefined)
        const problem = problemOf(app, index)
        assert.strictEqual(problem?.status, 400, JSON.stringify(frame))
        assert.match(problem?.detail ?? "", fault)
        const given = typeof frame === "object" && "topic" in frame ? frame.topic : undefined
        assert.strictEqual(app.frames.filter(isA("error"))[index]?.topic, given)
      }
      app.say({ type: "ping" })
      yield* app.hear(isA("pong"))
    })
  )

  it.effect("answers frames in their order, also when more come at once than it takes in", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const app = yield* connectAs(server.url, { api_key: server.apiKey })
      app.say({ type: "subscribe", topic: `wallet/${yield* person(server, "Nikos")}` })
      const topics = Array.from({ length: 4_000 }, () => `wallet/${randomUUID()}`)
      for (const topic of topics) app.say({ type: "unsubscribe", topic })
      yield* app.until(() => app.frames.filter(isA("unsubscribed")).length === topics.length)
      const [, first, ...others] = app.frames
      assert.strictEqual(first?.type, "subscribed")
      assert.deepStrictEqual(
        others.map((frame) => ("topic" in frame ? frame.topic : undefined)),
        topics
      )
    })
  )

  it.effect("takes the token as a sub-protocol, and lets nothing be followed without one", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const eleni = yield* person(server, "Eleni")
      const app = yield* connect(server.url, { protocols: ["koinon", `koinon.bearer.${yield* token(server, eleni)}`] })
      yield* app.hear(isA("authenticated"))
      yield* follow(app, `contact/${eleni}`)

      const nobody = yield* connect(server.url)
      nobody.say({ type: "subscribe", topic: `contact/${eleni}` })
      assert.strictEqual((yield* nobody.hear(isA("error"))).problem.status, 401)
      nobody.say({ type: "authenticate", token: "a.b.c" })
      yield* nobody.until(() => problemOf(nobody, 1)?.status === 401)
    })
  )

  it.effect(
    "drops a reader who is too slow with a reason, while others go on",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const contact = yield* person(server, "Sofia")
        const api_key = server.apiKey
        const slow = yield* connectAs(server.url, { api_key })
        const quick = yield* connectAs(server.url, { api_key })
        const topic = `wallet/${contact}`
        yield* follow(slow, topic)
        yield* follow(slow, `contact/${contact}`)
        yield* follow(quick, topic)
        slow.stopReading()
        // More than the kernel's buffers take, and than may wait.
        let sent = 0
        while (sent < 40_000 && (yield* subscribers(server)) > 1) {
          yield* credits(
            server,
            contact,
            Array.from({ length: 500 }, () => randomUUID())
          )
          sent += 500
        }
        assert.isAbove(sent, outboxFramesMax)
        slow.readOn()
        const { code, reason } = yield* slow.closed
        assert.strictEqual(code, 4408)
        assert.match(reason, /too slow/)
        yield* quick.until(() => entries(quick).length === sent)
      }),
    300_000
  )

  it.effect("ends with the token that opened it, unless a fresh one comes in time", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { kept, ending } = yield* cameIn(server, yield* person(server, "Eleni"))
      const { code, reason } = yield* ending.closed
      assert.strictEqual(code, 4401)
      assert.match(reason, /expired/)
      kept.say({ type: "ping" })
      yield* kept.hear(isA("pong"))
    })
  )

  it.effect("refuses a request that is no WebSocket politely", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { status, headers } = yield* server.request("GET", "/live")
      assert.strictEqual(status, 426)
      assert.strictEqual(headers.get("upgrade"), "websocket")
    })
  )
})

layer(Layer.effect(TestServer, serverWith({ authenticateWithinMs: 300 })), { excludeTestServices: true })(
  "an impatient live door",
  (it) => {
    it.effect("closes a socket that does not say who it is in time", () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const app = yield* connect(server.url)
        const { code, reason } = yield* app.closed
        assert.strictEqual(code, 4401)
        assert.match(reason, /not authenticated within 300 ms/)
      })
    )
  }
)

// Silence is longer than a machine stands still that is slow with everything.
layer(Layer.effect(TestServer, serverWith({ heartbeatIntervalMs: 100, silenceMaxMs: 6_000 })), {
  excludeTestServices: true
})("a watchful live door", (it) => {
  it.effect("keeps a quiet app that answers pings, and closes one of which nothing is heard", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const quiet = yield* connectAs(server.url, { api_key: server.apiKey })
      const dead = yield* connect(server.url, { autoPong: false })
      dead.say({ type: "authenticate", api_key: server.apiKey })
      const { code } = yield* dead.closed
      assert.strictEqual(code, 4409)
      yield* quiet.until(() => quiet.frames.filter(isA("heartbeat")).length >= 8)
    })
  )
})

describe("a full server", () => {
  it.live("refuses a further socket until one has left", () =>
    Effect.gen(function* () {
      const server = yield* serverWith({ socketsMax: 1 })
      const first = yield* connect(server.url)
      const refused = yield* Effect.flip(Effect.sandbox(connect(server.url)))
      assert.match(String(Cause.squash(refused)), /503/)
      first.vanish()
      yield* first.closed
      yield* eventually("there is room for one", Effect.map(Effect.exit(connect(server.url)), Exit.isSuccess))
    }).pipe(Effect.scoped)
  )
})

describe("a stopping server", () => {
  it.live("tells every live app that it goes away, and does not wait for them", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const server = yield* Scope.provide(serverWith({}), scope)
      const app = yield* connectAs(server.url, { api_key: server.apiKey })
      const deaf = yield* connect(server.url)
      deaf.stopReading()
      const stopping = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      const { code, reason } = yield* app.closed
      assert.strictEqual(code, 1001)
      assert.match(reason, /stopping/)
      // The deaf one has longer to answer than a test may take.
      yield* Fiber.join(stopping)
    }).pipe(Effect.scoped)
  )
})
