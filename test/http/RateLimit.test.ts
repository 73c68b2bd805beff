/**
 * What one business may send: a bucket at the door, shared by all runners through Redis where there is one. The tests of
 * sharing run against the Redis of `REDIS_URL`, or one on this machine; without either they are skipped, and say so.
 */
import { assert, describe, it } from "@effect/vitest"
import { type Quota, RateLimit, taken, type TokenSource } from "#http/door/RateLimit.ts"
import * as SharedTokens from "#http/door/SharedTokens.ts"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Redis } from "ioredis"
import { randomUUID } from "node:crypto"
import { connect, createServer, type Server, type Socket } from "node:net"
import { answers, notTested, redisUrl } from "../support/TestRedis.ts"
import { start, type TestServer } from "../support/TestServer.ts"

type Given = Parameters<Parameters<TokenSource["fetch"]>[3]>[0]

const waitMaxMs = 60_000

if (!answers) notTested("what runners share through it")

/** How many of so many at once are let in, and what the first of the others has to wait. */
const burstOf = (limit: RateLimit, business: string, now: number, count: number) => {
  const waits = Array.from({ length: count }, () => limit.take(business, now))
  return { taken: waits.filter((wait) => wait === taken).length, wait: waits.find((wait) => wait !== taken) }
}

const admit = (limit: RateLimit, business: string) =>
  Effect.callback<number>((resume) => limit.admit(business, (waitMs) => resume(Effect.succeed(waitMs))))

const admitted = (limit: RateLimit, business: string, count: number) =>
  Effect.map(
    Effect.forEach(Array.from({ length: count }), () => admit(limit, business), { concurrency: "unbounded" }),
    (waits) => waits.filter((wait) => wait === taken).length
  )

describe("a bucket", () => {
  it("gives its burst at once, then one token as each refills, and to each business its own (P11)", () => {
    const limit = new RateLimit(10, 5)
    assert.deepStrictEqual(burstOf(limit, "bakery", 1_000, 8), { taken: 5, wait: 100 })
    assert.deepStrictEqual(burstOf(limit, "florist", 1_000, 1), { taken: 1, wait: undefined })
    assert.deepStrictEqual(burstOf(limit, "bakery", 1_099, 1), { taken: 0, wait: 1 })
    assert.deepStrictEqual(burstOf(limit, "bakery", 1_100, 2), { taken: 1, wait: 100 })
    assert.deepStrictEqual(burstOf(limit, "bakery", 1_400, 9), { taken: 3, wait: 100 })
    assert.deepStrictEqual(burstOf(limit, "bakery", 9_000, 9), { taken: 5, wait: 100 })
    assert.strictEqual(limit.refused, 3 + 1 + 1 + 6 + 4)
  })

  it("of a limit without a burst holds one second's worth", () => {
    assert.deepStrictEqual(burstOf(new RateLimit(20, 0), "bakery", 0, 25), { taken: 20, wait: 50 })
  })

  it("lets nobody wait for ever when its source stops answering, and counts alone until it answers (P11)", () => {
    const asked: Array<{ readonly wanted: number; readonly done: (given: Given) => void }> = []
    const source: TokenSource = { fetch: (_, __: Quota, wanted, done) => void asked.push({ wanted, done }) }
    const limit = new RateLimit(100, 20, source)
    const waits: Array<number> = []
    for (let request = 0; request < 30; request++) limit.admit("bakery", (wait) => waits.push(wait))
    assert.deepStrictEqual([waits.length, asked.length, asked[0]?.wanted], [0, 1, 10])
    // Ten are served, and those who are left are asked for together.
    asked[0]?.done({ tokens: 10, left: 10 })
    assert.deepStrictEqual([waits.length, asked.length, asked[1]?.wanted], [10, 2, 20])
    const before = performance.now()
    asked[1]?.done(undefined)
    assert.isTrue(limit.isAlone)
    assert.strictEqual(waits.length, 30)
    assert.strictEqual(waits.filter((wait) => wait === taken).length, 30)
    assert.strictEqual(limit.madeAlone, 20)
    // As of then: a hundredth of a second later there is one again.
    assert.isAbove(limit.take("bakery", before), 0)
  })
})

describe("a limited server", () => {
  /** At once: more than refills, however long they take. */
  const asked = 100
  const request = (server: TestServer["Service"]) => server.request("GET", "/backoffice/v2/settings")

  it.live("answers what is beyond with 429, the limit by name, and when to come again; others with what is left", () =>
    Effect.gen(function* () {
      const server = yield* start({ KOINON_RATE_LIMIT: "1", KOINON_RATE_BURST: "3" })
      const first = yield* request(server)
      assert.strictEqual(first.status, 200)
      assert.strictEqual(first.headers.get("ratelimit-policy"), '"business";q=3;w=3')
      // What it is answered late for has been refilled by then.
      assert.match(first.headers.get("ratelimit") ?? "", /^"business";r=(2;t=1|3;t=0)$/)
      const startedAt = performance.now()
      const responses = yield* Effect.all(
        Array.from({ length: asked }, () => request(server)),
        { concurrency: "unbounded" }
      )
      const refused = responses.filter(({ status }) => status === 429)
      const refilled = Math.ceil((performance.now() - startedAt) / 1_000)
      assert.isAtLeast(refused.length, asked - 3 - refilled)
      assert.isAbove(refused.length, 0)
      for (const { body, headers } of refused) {
        assert.strictEqual(headers.get("content-type"), "application/problem+json")
        assert.strictEqual(headers.get("retry-after"), "1")
        assert.match(headers.get("ratelimit") ?? "", /^"business";r=(0;t=3|1;t=2)$/)
        assert.strictEqual(body.error, "KOINON.RATE_LIMITED")
        assert.match(body.detail, /1 requests a second, and 3 at once \(KOINON_RATE_LIMIT, KOINON_RATE_BURST\)/)
      }
      // Who asks for nothing of a business is not counted with it.
      const stranger = yield* server.request("GET", "/backoffice/v2/settings", undefined, { api_key: "nobody" })
      assert.strictEqual(stranger.status, 401)
      const { body } = yield* server.request("GET", "/metrics", undefined, { api_key: undefined })
      assert.match(String(body), new RegExp(`^koinon_rate_limited_total ${refused.length}$`, "m"))
    }).pipe(Effect.scoped)
  )

  it.live("slows the lines of a batch down to the rate instead of refusing them", () =>
    Effect.gen(function* () {
      const server = yield* start({ KOINON_RATE_LIMIT: "20", KOINON_RATE_BURST: "1" })
      const startedAt = performance.now()
      const answer = yield* server.request("POST", "/backoffice/v2/purchases/batch", "{}\n".repeat(11))
      const lines = String(answer.body).trim().split("\n")
      assert.deepStrictEqual(
        lines.map((line) => JSON.parse(line).status),
        Array.from({ length: 11 }, () => 400)
      )
      assert.isAtLeast(performance.now() - startedAt, 450)
    }).pipe(Effect.scoped)
  )
})

/** A way to the Redis that can be cut, and mended. */
const breakable = Effect.acquireRelease(
  Effect.promise(
    () =>
      new Promise<{
        readonly url: string
        readonly cut: () => void
        readonly mend: () => void
        readonly server: Server
      }>((resolve) => {
        const target = new URL(redisUrl)
        const open = new Set<Socket>()
        let isCut = false
        const server = createServer((near) => {
          if (isCut) return void near.destroy()
          const far = connect({ host: target.hostname, port: Number(target.port || 6379) })
          for (const socket of [near, far]) {
            open.add(socket)
            socket.on("error", () => undefined)
            socket.on("close", () => {
              open.delete(socket)
              near.destroy()
              far.destroy()
            })
          }
          near.pipe(far).pipe(near)
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          if (address === null || typeof address === "string") throw new Error("it has no port")
          const url = new URL(redisUrl)
          url.hostname = "127.0.0.1"
          url.port = String(address.port)
          resolve({
            url: url.href,
            server,
            cut: () => {
              isCut = true
              for (const socket of open) socket.destroy()
            },
            mend: () => {
              isCut = false
            }
          })
        })
      })
  ),
  ({ cut, server }) =>
    Effect.callback<void>((resume) => {
      cut()
      server.close(() => resume(Effect.void))
    })
)

/** A business whose bucket is swept away in the end. */
const business = Effect.acquireRelease(
  Effect.sync(() => `test-${randomUUID()}`),
  (name) =>
    Effect.promise(async () => {
      const redis = new Redis(redisUrl)
      await redis.del(`koinon:tokens:${name}`)
      redis.disconnect()
    })
)

const triesMax = 20

/** Of several tries one in which Redis always had the time to answer: a busy machine may not leave it a quarter of a second. */
const answered = Effect.fnUntraced(function* <A extends { readonly madeAlone: number }, E>(
  attempt: Effect.Effect<A, E, Scope.Scope>
) {
  for (let nth = 0; nth < triesMax; nth++) {
    const found = yield* Effect.scoped(attempt)
    if (found.madeAlone === 0) return found
  }
  return yield* Effect.die(new Error(`in none of ${triesMax} tries the tokens were shared`))
})

describe.skipIf(!answers)("runners that share a Redis", () => {
  it.live("give a business its burst once, however many of them it asks (P11)", () =>
    Effect.gen(function* () {
      const { all, refilled } = yield* answered(
        Effect.gen(function* () {
          const name = yield* business
          const runners = yield* Effect.forEach(Array.from({ length: 3 }), () =>
            Effect.map(SharedTokens.connect(redisUrl), (source) => new RateLimit(1, 30, source))
          )
          const startedAt = performance.now()
          const counts = yield* Effect.forEach(runners, (runner) => admitted(runner, name, 40), {
            concurrency: "unbounded"
          })
          return {
            all: counts.reduce((sum, count) => sum + count, 0),
            refilled: Math.ceil((performance.now() - startedAt) / 1_000),
            madeAlone: runners.reduce((sum, { madeAlone }) => sum + madeAlone, 0)
          }
        })
      )
      assert.isAtLeast(all, 30)
      assert.isAtMost(all, 30 + refilled)
    })
  )

  it.live("ask Redis for a tenth of a second's worth at a time, not for every request", () =>
    Effect.gen(function* () {
      const { fetches } = yield* answered(
        Effect.gen(function* () {
          const name = yield* business
          const source = yield* SharedTokens.connect(redisUrl)
          let fetches = 0
          const limit = new RateLimit(10_000, 10_000, {
            fetch: (...given) => {
              fetches += 1
              source.fetch(...given)
            }
          })
          let served = 0
          while (served < 5_000) served += yield* admitted(limit, name, 100)
          return { fetches, madeAlone: limit.madeAlone }
        })
      )
      assert.isAtMost(fetches, 15)
      assert.isAtLeast(fetches, 4)
    })
  )

  it.live("go on alone while Redis does not answer, say so in the metrics, and share again when it does", () =>
    Effect.gen(function* () {
      const way = yield* breakable
      const server = yield* start({ KOINON_RATE_LIMIT: "1000", REDIS_URL: way.url })
      const seen = { shared: 0, alone: 0 }
      const ask = Effect.gen(function* () {
        const { status } = yield* server.request("GET", "/backoffice/v2/settings")
        const { body } = yield* server.request("GET", "/metrics")
        const valueOf = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(String(body))?.[1])
        seen.shared = valueOf("koinon_rate_limit_shared")
        seen.alone = valueOf("koinon_rate_limit_alone_total")
        return status
      })
      const askUntilShared = (shared: number) =>
        Effect.gen(function* () {
          const deadline = performance.now() + waitMaxMs
          do {
            assert.strictEqual(yield* ask, 200)
            assert.isBelow(performance.now(), deadline, `koinon_rate_limit_shared became ${shared}`)
          } while (seen.shared !== shared)
        })
      yield* askUntilShared(1)
      way.cut()
      yield* askUntilShared(0)
      yield* ask
      assert.isAbove(seen.alone, 0)
      way.mend()
      yield* askUntilShared(1)
    }).pipe(Effect.scoped)
  )
})
