/** Webhooks as a business arranges them: endpoints, their secrets, and what was delivered (AUT-11). Safe to share with clients. */
import { NoticeRecipients } from "#domain/webhook/Endpoint.ts"
import { EventType } from "#domain/webhook/EventType.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { NoFields } from "../door/Validation.ts"
import { eventTypeTable } from "../resource/EventTable.ts"
import { Id, Instant, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Webhooks"
const webhooks = "/backoffice/v2/webhooks"
const text = Schema.optionalKey(Schema.String)
const whole = Schema.optionalKey(Schema.Int)
const { page: _page, ...listQuery } = { ...pagingQuery, ...cursorQuery }
/** How long the secret before a rotation goes on signing. */
const overlapHoursMax = 7 * 24

const Events = Schema.Union([Schema.Literal("*"), Schema.Array(EventType).check(Schema.isMinLength(1))])
const Url = Schema.String.check(Schema.isMaxLength(2_048))
const State = Schema.Literals(["ACTIVE", "INACTIVE"])
const endpointShape = {
  id: Schema.String,
  name: Schema.String,
  url: Schema.String,
  /** `*` is all, also those that are yet to come. */
  events: Events,
  description: text,
  /** E-mail addresses that are told when it was switched off by itself. */
  notice_recipients: Schema.optionalKey(NoticeRecipients),
  state: State,
  version: Schema.Int,
  created_or_switched_on: Schema.Int.annotate({
    description: "Epoch seconds: since when it is in this `state`. It was created, switched on or switched off then."
  }),
  /** Of the secret before the last rotation: it signs as well until then. */
  previous_secret_until: whole,
  /** The first of the failures that no success has followed. */
  failing_since: whole,
  last_failure_at: whole,
  last_failure: text,
  /** When and why it was switched off by itself. */
  disabled_at: whole,
  disabled_for: text
}
export const WebhookEndpoint = Schema.Struct(endpointShape)
export type WebhookEndpoint = typeof WebhookEndpoint.Type

const signing =
  "Requests are signed as Standard Webhooks says: headers webhook-id, webhook-timestamp and webhook-signature, " +
  "HMAC-SHA-256 over id.timestamp.body under the secret. "

export const createWebhook = declare({
  method: "POST",
  path: webhooks,
  tag,
  name: "createWebhook",
  summary: "Have an endpoint told what happens to contacts",
  description:
    `${signing}The secret is shown in this answer and nowhere else. Every event is sent at least once, in order for each ` +
    "contact, and tried again for three days; a receiver tells repetitions by webhook-id. The address has to be https and " +
    "on the internet, unless the operator allows otherwise. `contact.updated` says what changed of who she is: the names " +
    "(`changed`), and the values before (`previous`) and after (`current`), which are personal data. " +
    "An endpoint that answers 410, or fails for five days without one success, is switched off by itself: " +
    "`notice_recipients` are told by mail, and the other endpoints of the business by `webhook.disabled`. The types of " +
    `\`events\`, each told of the contact whose actor it happened to, in her order:\n\n${eventTypeTable}`,
  access: "secret",
  body: Schema.Struct({
    name: Line,
    url: Url,
    events: Events,
    description: Schema.optionalKey(Line),
    notice_recipients: Schema.optionalKey(NoticeRecipients)
  }),
  status: 201,
  success: Schema.Struct({ ...endpointShape, secret: Schema.String })
})

export const listWebhooks = declare({
  method: "GET",
  path: webhooks,
  tag,
  name: "listWebhooks",
  summary: "List the endpoints of the business, and how they fare",
  access: "secret",
  query: Schema.Struct(pagingQuery),
  status: 200,
  success: listOf(WebhookEndpoint)
})

export const getWebhook = declare({
  method: "GET",
  path: `${webhooks}/:id`,
  tag,
  name: "getWebhook",
  summary: "Read an endpoint, and how it fares",
  access: "secret",
  status: 200,
  success: WebhookEndpoint
})

export const changeWebhook = declare({
  method: "PUT",
  path: `${webhooks}/:id`,
  tag,
  name: "changeWebhook",
  summary: "Change an endpoint, or switch it on or off",
  description:
    "What is left out stays. An endpoint that is switched off is sent nothing, not even what waits. What it would have been " +
    "sent has its number and is WITHHELD, an automation's webhooks too; when it is on again, a replay sends it. Of what " +
    "happens once it has been off for 30 days just the numbers are given: it is not kept, and only the gap shows. An " +
    "automation's webhooks are kept all the same.",
  access: "secret",
  body: Schema.Struct({
    name: Schema.optionalKey(Line),
    url: Schema.optionalKey(Url),
    events: Schema.optionalKey(Events),
    description: Schema.optionalKey(Line),
    notice_recipients: Schema.optionalKey(NoticeRecipients),
    state: Schema.optionalKey(State)
  }),
  status: 200,
  success: WebhookEndpoint
})

export const deleteWebhook = declare({
  method: "DELETE",
  path: `${webhooks}/:id`,
  tag,
  name: "deleteWebhook",
  summary: "Delete an endpoint",
  description: "Nothing more is sent to it, not even what waits. Refused while an automation names it.",
  access: "secret",
  status: 204
})

export const rotateWebhookSecret = declare({
  method: "POST",
  path: `${webhooks}/:id/rotate_secret`,
  tag,
  name: "rotateWebhookSecret",
  summary: "Give an endpoint a new secret",
  description:
    "The old one signs as well for a while, a day if nothing else is said; so do those before it, up to four, for as long as " +
    "was said of them. With `overlap_hours` 0 only the new one signs from now on. It is shown in this answer alone.",
  access: "secret",
  body: Schema.Struct({
    overlap_hours: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: overlapHoursMax })))
  }),
  status: 200,
  success: Schema.Struct({ id: Schema.String, secret: Schema.String, previous_secret_until: Schema.Int })
})

export const testWebhook = declare({
  method: "POST",
  path: `${webhooks}/:id/test`,
  tag,
  name: "testWebhook",
  summary: "Send a test event",
  description: "An event `endpoint.test` without content. What came of it stands in its delivery.",
  access: "secret",
  body: NoFields,
  status: 201,
  success: Schema.Struct({ delivery_id: Schema.String })
})

const DeliveryState = Schema.Literals(["WAITING", "DONE", "DEAD", "CANCELLED", "WITHHELD"])
const deliveryShape = {
  /** Also the webhook-id that is sent. */
  id: Schema.String,
  contact_id: text,
  /** Dense for this endpoint and contact. */
  sequence: Schema.Int,
  type: Schema.String,
  date: Schema.Int,
  /** WAITING: for its turn or its next attempt; DEAD: given up; WITHHELD: not sent, see `reason`. */
  state: DeliveryState,
  /** Of WITHHELD. */
  reason: text,
  attempts: Schema.Int,
  next_attempt: whole,
  finished: whole
}
export const WebhookDelivery = Schema.Struct(deliveryShape)
export type WebhookDelivery = typeof WebhookDelivery.Type

export const listWebhookDeliveries = declare({
  method: "GET",
  path: `${webhooks}/:id/deliveries`,
  tag,
  name: "listWebhookDeliveries",
  summary: "List what was sent to an endpoint, or is to be",
  description: "Kept for 30 days after it ended.",
  access: "secret",
  query: Schema.Struct({
    ...listQuery,
    contact_id: Schema.optionalKey(Id),
    state: Schema.optionalKey(DeliveryState)
  }),
  status: 200,
  success: listOf(WebhookDelivery)
})

const Attempt = Schema.Struct({
  number: Schema.Int,
  started: Schema.Int,
  ended: Schema.Int,
  outcome: Schema.String,
  reason: text,
  /** The request, and the beginning of the answer or why there was none. */
  log: Schema.optionalKey(Schema.Json)
})
export const getWebhookDelivery = declare({
  method: "GET",
  path: `${webhooks}/:id/deliveries/:delivery_id`,
  tag,
  name: "getWebhookDelivery",
  summary: "Read a delivery with its attempts: requests and answers",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    ...deliveryShape,
    /** What is sent; gone when its contact was erased. */
    payload: Schema.optionalKey(Schema.Json),
    log: Schema.Array(Attempt)
  })
})

const replayed = Schema.Struct({ replayed: Schema.Int, has_more: Schema.Boolean, next_cursor: text })

export const replayWebhookDelivery = declare({
  method: "POST",
  path: `${webhooks}/:id/deliveries/:delivery_id/replay`,
  tag,
  name: "replayWebhookDelivery",
  summary: "Send a delivery again",
  description:
    "Under the same id, with the same content. What still waits is sent anyway. Not to an endpoint that is off.",
  access: "secret",
  body: NoFields,
  status: 200,
  success: replayed
})

export const replayWebhook = declare({
  method: "POST",
  path: `${webhooks}/:id/replay`,
  tag,
  name: "replayWebhook",
  summary: "Send again from a cursor on",
  description:
    "What happened since an instant, after the `position` of an event, or the numbers of a contact that a receiver misses; " +
    "all that is given has to hold. At most 10,000 at once; where there are further ones, the same request with `next_cursor` as " +
    "its `cursor` goes on behind them, up to what had happened when the first was asked. Under one Idempotency-Key it is done " +
    "once. With `only_missed` just what never arrived: withheld while the endpoint was off, or given up. What ended 30 days " +
    "ago is no longer kept, nor what happened when the endpoint had been off for as long; the list of sequences says " +
    "what is. Refused while the endpoint is off.",
  access: "secret",
  body: Schema.Struct({
    contact_id: Schema.optionalKey(Id),
    from_sequence: whole,
    to_sequence: whole,
    /** As a payload gave it: the events behind it in the same part of the journal. */
    position: text,
    /** Epoch seconds. */
    since: Schema.optionalKey(Instant),
    only_missed: Schema.optionalKey(Schema.Boolean),
    /** Of the answer before. */
    cursor: text
  }),
  status: 200,
  success: replayed
})

export const listWebhookSequences = declare({
  method: "GET",
  path: `${webhooks}/:id/sequences`,
  tag,
  name: "listWebhookSequences",
  summary: "List the numbers that were given, by contact",
  description:
    "From 1 to `last_sequence`, without a gap. A range that a receiver has not seen can be replayed; what numbers in no range " +
    "stand for is no longer kept, or never was: the endpoint had been off for 30 days.",
  access: "secret",
  query: Schema.Struct({ ...listQuery, contact_id: Schema.optionalKey(Id) }),
  status: 200,
  success: listOf(
    Schema.Struct({
      contact_id: Schema.String,
      last_sequence: Schema.Int,
      ranges: Schema.Array(Schema.Struct({ from: Schema.Int, to: Schema.Int, state: DeliveryState }))
    })
  )
})
