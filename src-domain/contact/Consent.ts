/**
 * Whether a contact agrees to be dealt with at all (CON-1, CON-2), and whether she wants to hear from the business (MKT-1).
 * The two are apart: consent is about everything, an opt-out about marketing in one channel.
 *
 *     Pending --> Accepted | Rejected      Accepted --> Withdrawn      Rejected, Withdrawn --> Accepted
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { BusinessSettings } from "../organisation/Business.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { Refusal } from "../Refusal.ts"
import type { ChangeConsent, ChangeOptOut, ContactCommand } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"

export const ConsentState = Schema.Literals(["PENDING", "ACCEPTED", "REJECTED", "WITHDRAWN"])
export type ConsentState = typeof ConsentState.Type

const next: Readonly<Record<ConsentState, ReadonlyArray<ConsentState>>> = {
  PENDING: ["ACCEPTED", "REJECTED"],
  ACCEPTED: ["WITHDRAWN"],
  REJECTED: ["ACCEPTED"],
  WITHDRAWN: ["ACCEPTED"]
}

/** CON-2: Pending and Accepted always mean everything; the others what the business has set, everything if nothing. */
export const functionalityOf = (consent: ConsentState, settings: BusinessSettings): "COMPLETE" | "NONE" => {
  if (consent === "REJECTED") return settings.consentEffects?.rejected ?? "COMPLETE"
  if (consent === "WITHDRAWN") return settings.consentEffects?.withdrawn ?? "COMPLETE"
  return "COMPLETE"
}

/**
 * CON-5: what still succeeds with a contact who has left the business nothing: her consent and her opt-outs, what ends the
 * messages to her, and what was on its way before: another contact's turn waits for it, or time brings it. Reading,
 * exporting and erasing are no commands of hers.
 */
const passing: ReadonlySet<ContactCommand["_tag"]> = new Set<ContactCommand["_tag"]>([
  "ChangeConsent",
  "ChangeOptOut",
  // Refused or not, a message says so in its own end, and what is mandatory goes out (CON-6).
  "RequestCommunication",
  "AuthorizeSend",
  "CompleteCommunication",
  "RejectCommunication",
  "ReportUndelivered",
  "MarkCommunication",
  // So does a device that a push has found gone, also by a system message.
  "RemoveDevice",
  "ReceiveTransfer",
  "CompleteTransfer",
  "NoteMembership",
  "ReviewInteraction",
  "ExpireLots"
])

/** CON-5: why nothing can be asked of her, if nothing can. */
export const objectionToDealing = (contact: ContactState, turn: Turn): Refusal | undefined =>
  functionalityOf(contact.consent, turn.business.settings) === "NONE"
    ? { _tag: "NoConsent", id: contact.id }
    : undefined

/** The same, of one of her own commands. */
export const objectionToCommand = (contact: ContactState, command: ContactCommand, turn: Turn): Refusal | undefined =>
  passing.has(command._tag) ? undefined : objectionToDealing(contact, turn)

export const changeConsent = (contact: ContactState, command: typeof ChangeConsent.Type, turn: Turn): Judgement => {
  const { to, by, form } = command
  const answer = { _tag: "Done", id: contact.id } as const
  if (to === contact.consent) return Result.succeed({ events: [], answer })
  if (!next[contact.consent].includes(to)) {
    return Result.fail({ _tag: "ConsentNotChangeable", from: contact.consent, to })
  }
  const evidence = form === undefined ? {} : { form }
  return Result.succeed({
    events: [{ _tag: "ConsentChanged", from: contact.consent, to, by, ...evidence, at: turn.at }],
    answer
  })
}

export const changeOptOut = (contact: ContactState, command: typeof ChangeOptOut.Type, turn: Turn): Judgement => {
  const { channel, optedOut, by } = command
  const answer = { _tag: "Done", id: contact.id } as const
  const current = channel === "EMAIL" ? contact.emailOptOut : contact.smsOptOut
  const events = current === optedOut ? [] : [{ _tag: "OptOutChanged" as const, channel, optedOut, by, at: turn.at }]
  return Result.succeed({ events, answer })
}
