/**
 * Pushes to apps by Firebase Cloud Messaging, HTTP v1: an access token is had for a JWT that the service account's key
 * signs, and kept until shortly before it expires. The communication's id travels along and collapses repetitions.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { importPKCS8, SignJWT } from "jose"
import type { Push, SendFault } from "./Channel.ts"
import { faultOf, isSuccess, post, type Posted } from "./Http.ts"

const provider = "FCM"
const scope = "https://www.googleapis.com/auth/firebase.messaging"
const assertionSeconds = 60 * 60
/** A token is not used in the last minute of its life. */
const marginMs = 60_000
const secondMs = 1_000
const unauthorized = 401

/** What is used of a service account's key file. */
const ServiceAccount = Schema.fromJsonString(
  Schema.Struct({
    project_id: Schema.NonEmptyString,
    client_email: Schema.NonEmptyString,
    private_key: Schema.NonEmptyString,
    token_uri: Schema.NonEmptyString
  })
)

export interface FirebaseOptions {
  /** https://fcm.googleapis.com, or what stands in for it. */
  readonly url: string
  /** The service account's key file, as JSON. */
  readonly account: Redacted.Redacted
}

class KeyUnusable extends Schema.TaggedError<KeyUnusable>()("KeyUnusable", {}) {}

const decodeToken = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ access_token: Schema.String, expires_in: Schema.Finite }))
)
const isUnregistered = /"UNREGISTERED"/
/** The token is another sender's: our configuration may be what is wrong. */
const isAnothers = /"SENDER_ID_MISMATCH"/

const kindOf = ({ text }: Posted): SendFault["kind"] => {
  if (isUnregistered.test(text)) return "GONE"
  return isAnothers.test(text) ? "REFUSED" : "FAILED"
}

const messageOf = ({ id, token, message }: Push): string =>
  JSON.stringify({
    message: {
      token,
      notification: {
        title: message.title ?? message.subject ?? "",
        body: message.text,
        ...(message.image !== undefined && { image: message.image })
      },
      data: { communication_id: id },
      android: { collapse_key: id },
      apns: { headers: { "apns-collapse-id": id } }
    }
  })

export const make = Effect.fn("FirebasePush.make")(function* ({ url, account }: FirebaseOptions) {
  const { project_id, client_email, private_key, token_uri } = yield* Schema.decodeUnknownEffect(ServiceAccount)(
    Redacted.value(account)
  )
  const key = yield* Effect.tryPromise({ try: () => importPKCS8(private_key, "RS256"), catch: () => new KeyUnusable() })
  const address = `${url.replace(/\/$/, "")}/v1/projects/${encodeURIComponent(project_id)}/messages:send`
  let held: { readonly token: string; readonly until: number } | undefined

  const accessToken = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (held !== undefined && now < held.until) return held.token
    const issuedAt = Math.floor(now / secondMs)
    const assertion = yield* Effect.promise(() =>
      new SignJWT({ scope })
        .setProtectedHeader({ alg: "RS256", typ: "JWT" })
        .setIssuer(client_email)
        .setAudience(token_uri)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + assertionSeconds)
        .sign(key)
    )
    const form = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion })
    const type = { "content-type": "application/x-www-form-urlencoded" }
    const posted = yield* post(provider, token_uri, type, form.toString())
    const granted = isSuccess(posted) ? Option.getOrUndefined(decodeToken(posted.text)) : undefined
    if (granted === undefined) return yield* faultOf(provider, posted, "FAILED", "to the service account")
    held = { token: granted.access_token, until: now + granted.expires_in * secondMs - marginMs }
    return held.token
  })

  return Effect.fnUntraced(function* (push: Push) {
    const headers = { authorization: `Bearer ${yield* accessToken}`, "content-type": "application/json" }
    const posted = yield* post(provider, address, headers, messageOf(push))
    if (isSuccess(posted)) return
    if (posted.status === unauthorized) held = undefined
    return yield* faultOf(provider, posted, kindOf(posted))
  })
})
