/**
 * Pushes to browsers (RFC 8030, 8291, 8292): encrypted for the browser, signed by the business's VAPID key. The topic is made
 * of the communication's id, so that a push sent twice replaces the first where it has not been shown.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import webPush from "web-push"
import { type Push, SendFault } from "./Channel.ts"
import { faultOf, isSuccess, post } from "./Http.ts"
import { isPushService, subscriptionOf } from "./PushServices.ts"

const provider = "push service"
/** How long a push service keeps it for a browser that is away. */
const keptSeconds = 24 * 60 * 60
const goneStatuses: ReadonlySet<number> = new Set([404, 410])
/** Said of the message or of our key, perhaps by mistake: the browser's subscription may well be alive. */
const refusedStatuses: ReadonlySet<number> = new Set([400, 403, 413])

const kindOf = (status: number): SendFault["kind"] => {
  if (goneStatuses.has(status)) return "GONE"
  return refusedStatuses.has(status) ? "REFUSED" : "FAILED"
}

export interface WebPushOptions {
  readonly publicKey: string
  readonly privateKey: Redacted.Redacted
  /** mailto: or https: of whoever runs this, for the push service. */
  readonly subject: string
  readonly services: ReadonlyArray<string>
}

const topicOf = (id: string): string => Buffer.from(id.replaceAll("-", ""), "hex").toString("base64url")

const payloadOf = ({ id, message }: Push): string =>
  JSON.stringify({
    id,
    title: message.title ?? message.subject ?? "",
    body: message.text,
    ...(message.image !== undefined && { image: message.image })
  })

export const make = ({ publicKey, privateKey, subject, services }: WebPushOptions) =>
  Effect.fnUntraced(function* (push: Push) {
    const subscription = subscriptionOf(push.token)
    if (subscription === undefined || !isPushService(services, subscription.endpoint)) {
      return yield* new SendFault({ kind: "REFUSED", reason: "the subscription names no known push service" })
    }
    const { endpoint, headers, body } = yield* Effect.try({
      try: () =>
        webPush.generateRequestDetails(subscription, payloadOf(push), {
          vapidDetails: { subject, publicKey, privateKey: Redacted.value(privateKey) },
          TTL: keptSeconds,
          topic: topicOf(push.id)
        }),
      // A key of the subscription that is none.
      catch: () => new SendFault({ kind: "REFUSED", reason: "the subscription cannot be encrypted for" })
    })
    const { "Content-Length": _, ...sent } = headers as Record<string, unknown>
    const named = Object.entries(sent).map(([name, value]) => [name, String(value)])
    const posted = yield* post(provider, endpoint, Object.fromEntries(named), new Uint8Array(body))
    if (!isSuccess(posted)) return yield* faultOf(provider, posted, kindOf(posted.status))
  })
