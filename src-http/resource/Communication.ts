/** A message to a contact, as apps and the back office see it; what it says comes from where it is kept sealed. */
import { Channel } from "#domain/contact/Communication.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { displayName } from "#domain/contact/Profile.ts"
import type { Communication as Sent } from "#runtime/communication/Communications.ts"
import * as Schema from "effect/Schema"
import { epoch, present } from "./Fields.ts"

const State = Schema.Literals(["PENDING", "COMPLETED", "REJECTED"])
const text = Schema.optionalKey(Schema.String)
const seconds = Schema.optionalKey(Schema.Int)

export const Communication = Schema.Struct({
  id: Schema.String,
  /** Of the plan or the automation. */
  name: Schema.String,
  state: State,
  channel: Channel,
  is_viewed: Schema.Boolean,
  /** Epoch seconds, like all instants here. */
  viewed_on: seconds,
  is_archived: Schema.Boolean,
  clicked_on: seconds,
  created_on: Schema.Int,
  language: text,
  sender: text,
  recipient: text,
  subject: text,
  /** HTML of mail that has some, plain text of everything else. */
  content: text,
  in_app_image_url: text,
  contact: Schema.Struct({ id: Schema.String, name: Schema.String, code: Schema.String })
})

export const renderCommunication = (sent: Sent, contact: ContactState): typeof Communication.Type => {
  const body = sent.stored?.body
  return present({
    id: sent.id,
    name: sent.name,
    state: sent.state,
    channel: sent.channel,
    is_viewed: sent.viewedAt !== undefined,
    viewed_on: sent.viewedAt && epoch(sent.viewedAt),
    is_archived: sent.archived,
    clicked_on: sent.clickedAt && epoch(sent.clickedAt),
    created_on: epoch(sent.createdAt),
    language: sent.language,
    sender: body?.sender,
    recipient: body?.recipient,
    subject: body?.subject ?? body?.title,
    content: body?.html ?? body?.text,
    in_app_image_url: body?.image,
    contact: { id: contact.id, name: displayName(contact.profile), code: contact.identity.code }
  })
}

/** What the business also sees. */
export const Delivery = Schema.Struct({
  ...Communication.fields,
  purpose: Schema.Literals(["MANDATORY", "CRITICAL", "MARKETING"]),
  template_id: Schema.String,
  plan_id: text,
  plan_run: text,
  /** Why it was refused. */
  reason: text,
  /** What the provider calls it. */
  reason_code: text,
  /** What took it; OUTBOX where the channel has no transport. */
  gateway: text,
  ended_on: seconds,
  /** What the provider has said of it since. */
  provider_status: text
})

export const renderDelivery = (sent: Sent, contact: ContactState): typeof Delivery.Type =>
  present({
    ...renderCommunication(sent, contact),
    purpose: sent.purpose,
    template_id: sent.templateId,
    plan_id: sent.planId,
    plan_run: sent.planRun,
    reason: sent.reason,
    reason_code: sent.reasonCode,
    gateway: sent.gateway,
    ended_on: sent.endedAt && epoch(sent.endedAt),
    provider_status: sent.stored?.providerStatus
  })
