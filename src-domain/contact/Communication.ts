/**
 * One message to a contact, from the wish to send it to what became of it. It is requested once under its id; whether it
 * may go is judged at the instant of the send, in a turn of the contact, so that an opt-out that came before is always
 * seen and no cap is overrun by two senders at once (CON-5, CON-6, AUT-12). What was sent can be viewed and clicked.
 *
 *     Requested --SendAuthorized--> Authorized --CommunicationCompleted--> Completed --CommunicationMarked--> …
 *         └──────────────┴──────────CommunicationRejected--> Rejected <--CommunicationRejected-- Completed: undelivered
 */
import * as Schema from "effect/Schema"
import { Cause } from "../shared/Cause.ts"
import { Personal } from "../shared/Personal.ts"

export const Channel = Schema.Literals(["EMAIL", "SMS", "INAPP", "DEVICE"])
export type Channel = typeof Channel.Type

/**
 * From the one that passes most to the one that passes least. MANDATORY: a system message, which no opt-out and no consent
 * stops. CRITICAL: it passes opt-outs, quiet hours and caps; of plans and automations, where they override. MARKETING: everything else.
 */
export const Purpose = Schema.Literals(["MANDATORY", "CRITICAL", "MARKETING"])
export type Purpose = typeof Purpose.Type

/** What took a completed message: a transport, the contact's own list, or the outbox page where there is no transport. */
export const Gateway = Schema.Literals(["MAIL", "SMS", "PUSH", "IN_APP", "OUTBOX"])
export type Gateway = typeof Gateway.Type

/** What is known of a message when it is asked for. */
export const communicationFields = {
  communicationId: Schema.String,
  channel: Channel,
  purpose: Purpose,
  /** The plan's or the automation's name, for people. */
  name: Schema.String,
  templateId: Schema.String,
  planId: Schema.optionalKey(Schema.String),
  /** AUT-12: which of the plan's runs. */
  planRun: Schema.optionalKey(Schema.String),
  /** What the template may say beside the contact: of the event that it is about. */
  values: Schema.optionalKey(Personal(Schema.Record(Schema.String, Schema.Unknown))),
  cause: Schema.optionalKey(Cause)
}

export const RejectionReason = Schema.Literals([
  "NO_ADDRESS",
  "OPTED_OUT",
  "CONSENT",
  "FREQUENCY_CAP",
  "MISSING_VALUE",
  /** Its words and its values do not go together: a bound was reached, or it could not be reckoned. */
  "RENDERING_FAILED",
  "TEMPLATE_GONE",
  /** It was switched off, before or after the message was asked for. */
  "TEMPLATE_INACTIVE",
  "EXPIRED",
  "ADDRESS_REFUSED",
  /** Longer than its channel takes, with the values of this contact in it. */
  "TOO_LONG",
  /** The provider will not take this message, to whatever address. */
  "PROVIDER_REFUSED",
  /** The provider took it, and said later that it did not arrive. */
  "UNDELIVERED",
  "GAVE_UP"
])
export type RejectionReason = typeof RejectionReason.Type

/** A message that has not yet come to its end. */
export const PendingCommunication = Schema.Struct({
  id: Schema.String,
  channel: Channel,
  purpose: Purpose,
  /** A send was allowed and counted, and it may have gone out; a further attempt is judged again. */
  authorized: Schema.Boolean
})
export type PendingCommunication = typeof PendingCommunication.Type

/** A marketing message that went, or was about to: what frequency caps count. */
export const CountedSend = Schema.Struct({ channel: Channel, at: Schema.Int })
export type CountedSend = typeof CountedSend.Type
/** Sends of one channel kept for counting, newest last. */
export const countedSendsMax = 100
/** Messages of one contact that are still to be sent, at most. */
export const pendingMax = 200
