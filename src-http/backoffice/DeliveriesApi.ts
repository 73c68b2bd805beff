/** What a business has sent, how it went, and how to send one message now. */
import { Channel } from "#domain/contact/Communication.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Delivery } from "../resource/Communication.ts"
import { eventValuesRules } from "../resource/EventValues.ts"
import { Id, Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"
import { periodQuery } from "../resource/Period.ts"

const tag = "Deliveries"
const instant = Schema.optionalKey(Schema.Int)

export const listDeliveries = declare({
  method: "GET",
  path: "/backoffice/v2/deliveries",
  tag,
  name: "listDeliveries",
  summary: "List what was sent, newest first",
  description:
    "What is REJECTED says why in reason, and in reason_code what its provider calls it. A text message that was COMPLETED " +
    "is REJECTED as UNDELIVERED when its provider reports that it did not arrive. One whose words cannot be made of its " +
    "values ends at once: MISSING_VALUE where a tag has none, RENDERING_FAILED where they do not go together.",
  access: "secret",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    ...periodQuery("created_on"),
    contact_id: Schema.optionalKey(Id),
    state: Schema.optionalKey(Schema.Literals(["PENDING", "COMPLETED", "REJECTED"])),
    channel: Schema.optionalKey(Channel),
    plan_id: Schema.optionalKey(Id),
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME"]))
  }),
  status: 200,
  success: listOf(Delivery)
})

const Attempt = Schema.Struct({
  number: Schema.Int,
  /** Epoch seconds. */
  started_on: Schema.Int,
  ended_on: Schema.Int,
  outcome: Schema.String,
  reason: Schema.optionalKey(Schema.String)
})

export const getDelivery = declare({
  method: "GET",
  path: "/backoffice/v2/deliveries/:id",
  tag,
  name: "getDelivery",
  summary: "Read what was sent, with each attempt",
  access: "secret",
  status: 200,
  success: Schema.Struct({
    ...Delivery.fields,
    text: Schema.optionalKey(Schema.String),
    attempts: Schema.Array(Attempt),
    /** Of one that is still to be sent, epoch seconds. */
    next_attempt_on: instant
  })
})

export const retryDelivery = declare({
  method: "POST",
  path: "/backoffice/v2/deliveries/:id/retry",
  tag,
  name: "retryDelivery",
  summary: "Send again what was refused",
  description:
    "A message ends once: what was refused is asked for anew, under an id of its own, with the same template and values. " +
    "What is still being tried goes on by itself, and what was sent is not sent twice. Of a template that is switched off " +
    "nothing is sent again.",
  access: "secret",
  status: 200,
  success: Schema.Struct({ id: Schema.String })
})

export const sendCommunication = declare({
  method: "POST",
  path: "/backoffice/v2/contacts/:id/communications",
  tag,
  name: "sendCommunication",
  summary: "Send one template to one contact now",
  description:
    "Consent, opt-outs, quiet hours and caps are judged at the send, as the template's purpose has it: MANDATORY passes all " +
    "of them, CRITICAL all but consent. A template that is switched off is not sent; what waits of it then is rejected as " +
    `TEMPLATE_INACTIVE. \`values\` are facts of the event that the template speaks of. ${eventValuesRules}`,
  access: "secret",
  body: Schema.Struct({
    template_id: Id,
    /** What it is called in lists; the template's name if not said. */
    name: Schema.optionalKey(Line),
    /** Facts of the event that it is about: amounts as decimals, instants as epoch seconds. */
    values: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown))
  }),
  status: 201,
  success: Schema.Struct({ id: Schema.String })
})
