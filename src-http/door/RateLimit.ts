/**
 * How many requests a business may send: a bucket of `burst` tokens that refills at a steady rate, one token a request. A
 * bucket is one number, the time at which it is full again, so a check costs a look-up and no allocation. Alone, a runner
 * fills the buckets itself; where tokens are shared (`SharedTokens.ts`) it takes them from there, some at a time, and fills
 * its own again while nobody answers. What is known of a bucket goes out in `RateLimit` headers
 * (draft-ietf-httpapi-ratelimit-headers).
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { type Fault, fault } from "./Fault.ts"
import type { Rendered } from "./Rendered.ts"

export interface Quota {
  /** Tokens a second. */
  readonly perSecond: number
  /** Tokens of a full bucket. */
  readonly burst: number
}

/** Where tokens of a business are fetched from, if not made here. */
export interface TokenSource {
  /**
   * Asks for some; answers how many were given and how many are left there, or `undefined` when they cannot be had. It
   * always answers, and soon.
   */
  readonly fetch: (
    business: string,
    quota: Quota,
    wanted: number,
    done: (given: { readonly tokens: number; readonly left: number } | undefined) => void
  ) => void
}

/** Of a second: what is fetched ahead of need. */
const fetchedAhead = 0.1
/** Requests of one business that wait for tokens under way; further ones are refused. */
const waitersMax = 1024
/** How often it is looked whether those who share tokens answer again. */
const askAgainMs = 500

interface Bucket {
  /** Milliseconds of the clock at which it is full again: one number, in a place that takes it without a box around it. */
  readonly fullAt: Float64Array
  /** Fetched and not yet spent, and how many are left where they came from. */
  fetched: number
  left: number
  fetching: boolean
  /** Not before then it is asked again: there were none. */
  emptyUntil: number
  readonly waiters: Array<() => void>
  /** Of those who waited, for whom there was none the last time. */
  unserved: number
}

/** A token was taken. */
export const taken = 0
/** Tokens are on their way: `admit` waits for them. */
const onItsWay = -1

export class RateLimit {
  readonly quota: Quota
  /** `RateLimit-Policy`: so many in so many seconds. */
  readonly policy: string
  readonly #msPerToken: number
  readonly #fullMs: number
  readonly #buckets = new Map<string, Bucket>()
  readonly #source: TokenSource | undefined
  refused = 0
  /** Tokens that were made here although they are shared. */
  madeAlone = 0
  #alone = false
  #askAgainAt = 0

  constructor(perSecond: number, burst: number, source?: TokenSource) {
    this.quota = { perSecond, burst: burst > 0 ? burst : Math.max(1, Math.ceil(perSecond)) }
    this.#msPerToken = 1_000 / perSecond
    this.#fullMs = this.quota.burst * this.#msPerToken
    this.#source = source
    this.policy = `"business";q=${this.quota.burst};w=${Math.max(1, Math.ceil(this.#fullMs / 1_000))}`
  }

  /** Tokens are shared, and nobody answers for them at present. */
  get isAlone(): boolean {
    return this.#alone
  }

  get isShared(): boolean {
    return this.#source !== undefined
  }

  /** Takes a token: `taken`, `onItsWay`, or the milliseconds to wait until there is one. `now` may not go back. */
  take(business: string, now: number): number {
    const bucket = this.#bucketOf(business)
    if (this.#source !== undefined && !this.#alone) return this.#takeFetched(this.#source, business, bucket, now)
    const fullAt = Math.max(bucket.fullAt[0] as number, now)
    // Of the time that fills the whole bucket, one token's worth has to be there.
    const wait = fullAt - now - this.#fullMs + this.#msPerToken
    if (wait > 0) {
      this.refused += 1
      return wait
    }
    bucket.fullAt[0] = fullAt + this.#msPerToken
    if (this.#source !== undefined) {
      this.madeAlone += 1
      if (now >= this.#askAgainAt) this.#fetch(this.#source, business, bucket, now)
    }
    return taken
  }

  /** `take` for those who can wait for tokens that are on their way: `taken`, or the milliseconds to wait. */
  admit(business: string, done: (waitMs: number) => void): void {
    const wait = this.take(business, performance.now())
    if (wait !== onItsWay) return done(wait)
    const { waiters } = this.#bucketOf(business)
    if (waiters.length < waitersMax) waiters.push(() => this.admit(business, done))
    else {
      this.refused += 1
      done(this.#msPerToken)
    }
  }

  /** With what is known of the bucket, for whoever was let in or refused. */
  told(business: string, { status, headers, body }: Rendered): Rendered {
    const now = performance.now()
    const { burst, perSecond } = this.quota
    const { fullAt, fetched, left } = this.#bucketOf(business)
    const owed = Math.max(0, (fullAt[0] ?? 0) - now) / this.#msPerToken
    const remaining =
      this.#source === undefined || this.#alone
        ? Math.max(0, Math.floor(burst - owed + 0.001))
        : Math.max(0, Math.min(burst, Math.floor(fetched + left)))
    const seconds = Math.ceil((burst - remaining) / perSecond)
    const limit = `"business";r=${remaining};t=${seconds}`
    return { status, headers: { ...headers, "ratelimit-policy": this.policy, ratelimit: limit }, body }
  }

  /** What is said to whoever is refused. */
  fault(waitMs: number): Fault {
    const { perSecond, burst } = this.quota
    return fault(
      429,
      "KOINON.RATE_LIMITED",
      "Too many requests",
      `This business may send ${perSecond} requests a second, and ${burst} at once (KOINON_RATE_LIMIT, KOINON_RATE_BURST). ` +
        "Nothing took effect; spread the requests, and try again after Retry-After with the same Idempotency-Key.",
      {
        parameters: { limit: "KOINON_RATE_LIMIT", requests_per_second: perSecond, burst },
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1_000))
      }
    )
  }

  #bucketOf(business: string): Bucket {
    const known = this.#buckets.get(business)
    if (known !== undefined) return known
    // As many as there are businesses: callers are known before they are counted.
    const bucket = {
      fullAt: new Float64Array(1),
      fetched: 0,
      left: 0,
      fetching: false,
      emptyUntil: 0,
      waiters: [],
      unserved: 0
    }
    this.#buckets.set(business, bucket)
    return bucket
  }

  #takeFetched(source: TokenSource, business: string, bucket: Bucket, now: number): number {
    if (bucket.fetched >= 1) {
      bucket.fetched -= 1
      if (bucket.fetched < this.#ahead / 2) this.#fetch(source, business, bucket, now)
      return taken
    }
    if (now < bucket.emptyUntil) {
      this.refused += 1
      return bucket.emptyUntil - now
    }
    this.#fetch(source, business, bucket, now)
    return onItsWay
  }

  get #ahead(): number {
    return Math.max(1, Math.min(this.quota.burst, Math.floor(this.quota.perSecond * fetchedAhead)))
  }

  #fetch(source: TokenSource, business: string, bucket: Bucket, now: number): void {
    if (bucket.fetching || now < bucket.emptyUntil) return
    bucket.fetching = true
    this.#askAgainAt = now + askAgainMs
    const wanted = Math.min(this.quota.burst, this.#ahead + bucket.unserved)
    source.fetch(business, this.quota, wanted, (given) => {
      bucket.fetching = false
      this.#alone = given === undefined
      if (given !== undefined) {
        bucket.fetched += given.tokens
        bucket.left = given.left
        // Nobody asks sooner than there can be one.
        if (given.tokens === 0) bucket.emptyUntil = now + Math.max(1, this.#msPerToken * (1 - given.left))
      }
      const waiters = bucket.waiters.splice(0)
      bucket.unserved = Math.max(0, waiters.length - bucket.fetched)
      for (const again of waiters) again()
    })
  }
}

/** The limit of the server; none unless an operator set one. */
export const CurrentRateLimit = Context.Reference<RateLimit | undefined>("koinon/http/RateLimit", {
  defaultValue: () => undefined
})

/** Waits until the business may send one more, for those who are slowed down rather than refused. */
export const paced = (business: string): Effect.Effect<void> =>
  Effect.flatMap(CurrentRateLimit, (limit) => {
    if (limit === undefined) return Effect.void
    const admitted = Effect.callback<number>((resume) =>
      limit.admit(business, (waitMs) => resume(Effect.succeed(waitMs)))
    )
    const turn: Effect.Effect<void> = Effect.flatMap(admitted, (waitMs) =>
      waitMs === taken
        ? Effect.void
        : Effect.andThen(
            Effect.sleep(Math.ceil(waitMs)),
            Effect.suspend(() => turn)
          )
    )
    return turn
  })
