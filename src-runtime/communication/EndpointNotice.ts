/**
 * Tells whom a webhook endpoint names that it was switched off by itself, and what to do about it: written down with the
 * taking note of it, so that it is told once. What it says is as it was then; the endpoint may be another by now.
 */
import { rfc3339 } from "../projection/Rfc3339.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Actors } from "../actor/Actors.ts"
import { nameUuid } from "../actor/Naming.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { Task } from "../outbox/Task.ts"
import { DisabledNotice } from "../webhook/DisabledNotice.ts"
import type { Message } from "./Channel.ts"

export const kind = "ENDPOINT_DISABLED"

interface NoticeTask {
  readonly kind: typeof kind
  readonly endpointId: string
  readonly name: string
  readonly host: string
  readonly reason: string
  /** Epoch milliseconds. */
  readonly at: number
  readonly recipient: string
}

/** Within the caller's transaction. One task for each recipient: one that has no mailbox any more keeps nobody else waiting. */
export const layer: Layer.Layer<never, never, Outbox> = Layer.effect(
  DisabledNotice,
  Effect.map(
    Outbox,
    (outbox): DisabledNotice =>
      ({ business, endpoint: { id, name, body }, at, reason }) =>
        Effect.gen(function* () {
          yield* Effect.logWarning(`the webhook endpoint ${id} of ${business} was switched off`, reason)
          const dueAt = yield* Clock.currentTimeMillis
          const { host } = new URL(body.url)
          const told = { kind, endpointId: id, name, host, reason, at } as const
          yield* outbox.enqueue(
            (body.noticeRecipients ?? []).map((recipient) => ({
              id: nameUuid("endpoint disabled", business, id, String(at), recipient),
              queue: "communication",
              business,
              key: business,
              lane: `endpoint disabled/${recipient}`,
              body: { ...told, recipient },
              dueAt
            }))
          )
        })
  )
)

const textOf = ({ name, host, at, reason, endpointId }: NoticeTask): string =>
  `The webhook endpoint ${name} (${host}) was switched off on ${rfc3339(at)}: ${reason}.\n\n` +
  "What happens from now on is not sent to it. It has its numbers all the same, and is kept for 30 days. " +
  "When the receiver is well again, switch the endpoint on and have it sent what it missed:\n\n" +
  `PUT /backoffice/v2/webhooks/${endpointId} {"state": "ACTIVE"}\n` +
  `POST /backoffice/v2/webhooks/${endpointId}/replay {"only_missed": true}`

/** What a mail says. */
export const make = Effect.map(Actors, (actors) => (task: Task): Message | undefined => {
  const body = task.body as unknown as NoticeTask
  const business = actors.business(task.business)
  if (business === undefined) return undefined
  const subject = `${business.name}: the webhook endpoint ${body.name} was switched off`
  return { language: "en", subject, text: textOf(body) }
})
