/**
 * The tokens of all runners, in Redis: a bucket a business, filled by Redis's own clock, from which each runner takes a
 * tenth of a second's worth at a time, so that most requests ask nobody. When Redis does not answer soon, `RateLimit` goes on
 * with buckets of its own; that is said once, and once more when it answers again. The driver is loaded only when it is used.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TokenSource } from "./RateLimit.ts"

/** Redis has so long to answer; requests wait for it. */
const answerWithinMs = 250
/** A start waits so long for the connection, and then goes on without. */
const connectWithinMs = 1_000
/** How often a lost connection is tried again. */
const reconnectIntervalMs = 500
const keyPrefix = "koinon:tokens:"

/** Takes up to so many tokens from the bucket. Answers those taken and, in thousandths, those left. */
const takeScript = `
local per_second, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(known[1]) or burst, tonumber(known[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * per_second / 1000)
local taken = math.min(wanted, math.floor(tokens))
tokens = tokens - taken
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', tostring(now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / per_second * 1000) + 1000)
return {taken, math.floor(tokens * 1000)}
`

/** Connects, and ends the connection with the scope. A Redis that is not there yet is no fault. */
export const connect = (url: string): Effect.Effect<TokenSource, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { Redis } = yield* Effect.promise(() => import("ioredis"))
    const runFork = Effect.runForkWith(yield* Effect.context())
    const redis = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new Redis(url, {
            connectionName: "koinon",
            enableOfflineQueue: false,
            maxRetriesPerRequest: 0,
            commandTimeout: answerWithinMs,
            retryStrategy: () => reconnectIntervalMs,
            scripts: { takeTokens: { lua: takeScript, numberOfKeys: 1 } }
          })
      ),
      (redis) => Effect.sync(() => redis.disconnect())
    )
    // Each request for tokens hears of it as well.
    redis.on("error", () => undefined)
    const ready = Effect.callback<void>((resume) => void redis.once("ready", () => resume(Effect.void)))
    yield* Effect.timeoutOption(ready, connectWithinMs)
    const take = (
      redis as unknown as Record<"takeTokens", (...given: ReadonlyArray<string | number>) => Promise<unknown>>
    ).takeTokens
    let answers = true
    const heard = (isHeard: boolean): void => {
      if (isHeard === answers) return
      answers = isHeard
      runFork(
        isHeard
          ? Effect.logInfo("Redis answers: the rate limit is shared by all runners again")
          : Effect.logWarning("Redis does not answer: this runner holds the rate limit by itself until it does")
      )
    }
    return {
      fetch: (business, { perSecond, burst }, wanted, done) => {
        const answered = (reply: unknown): void => {
          heard(true)
          const [tokens, left] = reply as readonly [number, number]
          done({ tokens, left: left / 1_000 })
        }
        const failed = (): void => {
          heard(false)
          done(undefined)
        }
        take.call(redis, `${keyPrefix}${business}`, perSecond, burst, wanted).then(answered, failed)
      }
    }
  })
