/**
 * Access and refresh tokens of contacts: JWTs (RFC 7519) signed HS256 with a key derived from the installation's master
 * secret. A token names one contact of one business and one use; a refresh token cannot be used as an access token.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { jwtVerify, SignJWT } from "jose"
import { hkdfSync } from "node:crypto"
import { type Fault, unauthorized } from "./Fault.ts"

export interface TokenClaims {
  readonly businessId: string
  readonly contactId: string
  /** Epoch seconds. */
  readonly expiresAt: number
}

export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  /** Of the access token, epoch seconds. */
  readonly expiresAt: number
}

const accessTokenSeconds = 60 * 60
const refreshTokenSeconds = 30 * 24 * 60 * 60
/** Verified tokens remembered, so that a signature is checked once; never beyond their expiry. */
const rememberedMax = 50_000
const issuer = "koinon"

export class AccessTokens extends Context.Service<
  AccessTokens,
  {
    readonly issue: (businessId: string, contactId: string) => Effect.Effect<TokenPair>
    /**
     * The claims of a valid, unexpired access token; fails as 401 without saying which check failed. Settled where the
     * token was seen before.
     */
    readonly verify: (token: string) => Effect.Effect<TokenClaims, Fault>
    /** The claims of a valid, unexpired refresh token. */
    readonly verifyRefresh: (token: string) => Effect.Effect<TokenClaims, Fault>
  }
>()("koinon/http/AccessTokens") {}

const make = (masterSecret: Redacted.Redacted) =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const key = new Uint8Array(hkdfSync("sha256", Redacted.value(masterSecret), "tokens", "koinon/access-tokens/1", 32))
    const remembered = new Map<string, TokenClaims>()
    const nowSeconds = (): number => Math.floor(clock.currentTimeMillisUnsafe() / 1000)

    const sign = (use: "access" | "refresh", businessId: string, contactId: string, expiresAt: number) =>
      Effect.promise(() =>
        new SignJWT({ biz: businessId, use })
          .setProtectedHeader({ alg: "HS256", typ: "JWT" })
          .setIssuer(issuer)
          .setSubject(contactId)
          .setIssuedAt(nowSeconds())
          .setExpirationTime(expiresAt)
          .sign(key)
      )

    const check = (token: string, use: "access" | "refresh"): Effect.Effect<TokenClaims, Fault> =>
      Effect.tryPromise({
        try: async () => {
          const { payload } = await jwtVerify(token, key, {
            algorithms: ["HS256"],
            issuer,
            requiredClaims: ["sub", "exp", "biz"],
            currentDate: DateTime.toDateUtc(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))
          })
          if (payload["use"] !== use) throw new Error("a token of another use")
          return { businessId: String(payload["biz"]), contactId: String(payload.sub), expiresAt: Number(payload.exp) }
        },
        catch: () => unauthorized("The token is not valid, or it has expired; get a new one.")
      })

    const issue = (businessId: string, contactId: string) =>
      Effect.gen(function* () {
        const expiresAt = nowSeconds() + accessTokenSeconds
        return {
          accessToken: yield* sign("access", businessId, contactId, expiresAt),
          refreshToken: yield* sign("refresh", businessId, contactId, nowSeconds() + refreshTokenSeconds),
          expiresAt
        }
      })

    return AccessTokens.of({
      issue,
      verify: (token) => {
        const known = remembered.get(token)
        if (known !== undefined && known.expiresAt > nowSeconds()) return Effect.succeed(known)
        remembered.delete(token)
        return Effect.tap(check(token, "access"), (claims) =>
          Effect.sync(() => {
            if (remembered.size >= rememberedMax) remembered.clear()
            remembered.set(token, claims)
          })
        )
      },
      verifyRefresh: (token) => check(token, "refresh")
    })
  })

export const layer = (masterSecret: Redacted.Redacted): Layer.Layer<AccessTokens> =>
  Layer.effect(AccessTokens, make(masterSecret))
