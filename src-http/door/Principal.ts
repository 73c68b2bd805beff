/**
 * Who is asking. Every door asks this first: an API key names an organisation's business, a contact's access token names
 * one contact of one business; nothing in path or body can widen it. Keys are compared by their SHA-256, which is all that
 * is stored of them; tokens are JWTs signed with a key of this installation.
 */
import type { ApiKey, Business } from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hash } from "node:crypto"
import { AccessTokens } from "./AccessTokens.ts"
import { type Fault, forbidden, unauthorized } from "./Fault.ts"
import { andThen } from "./Settled.ts"

export interface Principal {
  readonly business: Business
  /** The key that came with the request, if any. */
  readonly apiKey: ApiKey | undefined
  /** The contact who asks, if a token did. */
  readonly contactId: string | undefined
  /** Stable name of the caller: whose Idempotency-Keys these are. */
  readonly caller: string
}

/** What an operation demands of its caller. What is open to anyone is no endpoint: it has no principal to be handled for. */
export type Access =
  /** The secret key of the business: back office, tills, integrators. */
  | "secret"
  /** The contact's own token; the operation names a contact, and it must be hers. */
  | "contact"
  /** The contact's own token, or the secret key of the business. */
  | "contact-or-secret"
  /** The contact's refresh token, which is good for nothing else. */
  | "refresh"

export const keyHash = (key: string): string => hash("sha256", key, "hex")

type Headers = Readonly<Record<string, string | undefined>>

export class Authentication extends Context.Service<
  Authentication,
  {
    /** Settled for keys, and for tokens that were seen before. */
    readonly authenticate: (headers: Headers, access: Access) => Effect.Effect<Principal, Fault>
  }
>()("koinon/http/Authentication") {}

const make = Effect.gen(function* () {
  const actors = yield* Actors
  const tokens = yield* AccessTokens
  const keys = new Map<string, { readonly businessId: string; readonly key: ApiKey }>()
  const index = (business: Business): void => {
    for (const key of business.apiKeys) keys.set(key.hash, { businessId: business.id, key })
  }
  const indexAll = (): void => {
    for (const business of actors.businesses()) index(business)
  }
  const changed = (id: string): void => {
    const business = actors.business(id)
    if (business !== undefined) index(business)
  }
  indexAll()
  actors.onCommitted((turn) => {
    if (turn.key === turn.business) changed(turn.business)
  })
  actors.onNotice((notice) => {
    if (notice === undefined) indexAll()
    else if ("business" in notice) changed(notice.business)
  })

  /**
   * The time that this takes tells nothing about a key: what is looked up is its hash, of which nobody can choose any part,
   * so a key that is almost right is found no more slowly than any other wrong one. Of tokens, new ones are checked by
   * their HMAC in constant time; those seen before are compared only where a hash that this process seeds fits already.
   */
  const ofKey = (text: string): Principal | undefined => {
    const found = keys.get(keyHash(text))
    const business = found === undefined ? undefined : actors.business(found.businessId)
    if (found === undefined || business === undefined) return undefined
    return { business, apiKey: found.key, contactId: undefined, caller: `key/${found.key.id}` }
  }

  const authenticate = (headers: Headers, access: Access): Effect.Effect<Principal, Fault> => {
    const apiKey = headers["api_key"]
    const bearer = headers["authorization"]
    const byKey = apiKey === undefined ? undefined : ofKey(apiKey)
    if (apiKey !== undefined && byKey === undefined) {
      return Effect.fail(
        unauthorized("The api_key is not known; take it from the start banner or the business's settings.")
      )
    }
    if (access === "secret") {
      if (byKey === undefined) return Effect.fail(unauthorized("Send the business's secret key in the api_key header."))
      return byKey.apiKey?.kind === "SECRET"
        ? Effect.succeed(byKey)
        : Effect.fail(forbidden("This operation needs a secret key; the one sent is publishable."))
    }
    if (bearer !== undefined) {
      const token = bearer.replace(/^Bearer\s+/i, "")
      return andThen(access === "refresh" ? tokens.verifyRefresh(token) : tokens.verify(token), (claims) => {
        const business = actors.business(claims.businessId)
        if (business === undefined) return Effect.fail(unauthorized("The token is of a business that does not exist."))
        if (byKey !== undefined && byKey.business.id !== business.id) {
          return Effect.fail(forbidden("The api_key and the token belong to different businesses."))
        }
        return Effect.succeed({
          business,
          apiKey: byKey?.apiKey,
          contactId: claims.contactId,
          caller: `contact/${claims.contactId}`
        })
      })
    }
    if (access === "contact-or-secret" && byKey?.apiKey?.kind === "SECRET") return Effect.succeed(byKey)
    const name = access === "refresh" ? "refresh token" : "access token"
    return Effect.fail(unauthorized(`Send the contact's ${name} as Authorization: Bearer …`))
  }
  return Authentication.of({ authenticate })
})

export const layer: Layer.Layer<Authentication, never, Actors | AccessTokens> = Layer.effect(Authentication, make)
