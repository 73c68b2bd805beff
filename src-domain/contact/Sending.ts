/**
 * Judges what may be sent to a contact, at the instant at which it would be sent: consent, opt-outs, quiet hours and
 * frequency caps (CON-5, CON-6, MKT-1, AUT-12). Each message ends once, completed or rejected with a reason; one that was
 * completed is rejected after all when its provider says that it did not arrive.
 */
import * as Result from "effect/Result"
import type { BusinessSettings } from "../organisation/Business.ts"
import { dayNumber, localTime, startOfDay } from "../shared/CalendarDate.ts"
import { absurd } from "../shared/Aggregate.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import {
  type CountedSend,
  countedSendsMax,
  type PendingCommunication,
  pendingMax,
  type RejectionReason
} from "./Communication.ts"
import { functionalityOf } from "./Consent.ts"
import type {
  AuthorizeSend,
  CompleteCommunication,
  MarkCommunication,
  RejectCommunication,
  ReportUndelivered,
  RequestCommunication
} from "./ContactCommand.ts"
import type { ContactEvent } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"

const minuteMs = 60_000
const hourMs = 60 * minuteMs

const done = (id: string, ...events: ReadonlyArray<ContactEvent>): Judgement =>
  Result.succeed({ events, answer: { _tag: "Done", id } })

const pendingOf = (contact: ContactState, id: string): PendingCommunication | undefined =>
  contact.communications.find((pending) => pending.id === id)

/** The command's id is made of what is sent, so the same wish is stated once however often it is repeated. */
export const requestCommunication = (
  contact: ContactState,
  { _tag, ...wish }: typeof RequestCommunication.Type,
  turn: Turn
): Judgement => {
  if (contact.communications.length >= pendingMax) {
    return Result.fail({ _tag: "TooManyCommunications", limit: pendingMax })
  }
  return done(wish.communicationId, { _tag: "CommunicationRequested", ...wish, at: turn.at })
}

const minutesOf = (time: string): number => {
  const [hours, minutes] = time.split(":")
  return Number(hours) * 60 + Number(minutes)
}

/** The end of the quiet hours that an instant falls into; `undefined` outside of them. */
export const quietUntil = (
  at: number,
  timeZone: string,
  quietHours: BusinessSettings["quietHours"]
): number | undefined => {
  if (quietHours === undefined) return undefined
  const from = minutesOf(quietHours.from)
  const until = minutesOf(quietHours.until)
  const { minutes } = localTime(at, timeZone)
  const isQuiet = from <= until ? from <= minutes && minutes < until : minutes >= from || minutes < until
  if (!isQuiet) return undefined
  const day = dayNumber(at, timeZone) + (minutes < until ? 0 : 1)
  const guess = startOfDay(day, timeZone) + until * minuteMs
  // A day on which the clocks change is longer or shorter than its minutes say.
  return guess + (until - localTime(guess, timeZone).minutes) * minuteMs
}

const isCapped = (contact: ContactState, { channel }: PendingCommunication, turn: Turn): boolean =>
  (turn.business.settings.frequencyCaps ?? []).some((cap) => {
    if (cap.channel !== channel) return false
    const since = turn.at - cap.hours * hourMs
    return contact.countedSends.filter((send) => send.channel === channel && send.at > since).length >= cap.maximum
  })

const hasOptedOut = (contact: ContactState, { channel }: PendingCommunication): boolean =>
  (channel === "EMAIL" && contact.emailOptOut) || (channel === "SMS" && contact.smsOptOut)

/** Why it may not go, if it may not. */
const objectionTo = (contact: ContactState, pending: PendingCommunication, turn: Turn): RejectionReason | undefined => {
  if (pending.purpose === "MANDATORY") return undefined
  if (functionalityOf(contact.consent, turn.business.settings) === "NONE") return "CONSENT"
  if (pending.purpose === "CRITICAL") return undefined
  if (hasOptedOut(contact, pending)) return "OPTED_OUT"
  // What was allowed is among the counted already, and would stand in its own way.
  return !pending.authorized && isCapped(contact, pending, turn) ? "FREQUENCY_CAP" : undefined
}

/**
 * Attempts go on for days, and what she has said since the last one holds for the next; so each is judged. Counted it is
 * once, however many there are.
 */
export const authorizeSend = (
  contact: ContactState,
  { communicationId, purpose: current }: typeof AuthorizeSend.Type,
  turn: Turn
): Judgement => {
  const asked = pendingOf(contact, communicationId)
  if (asked === undefined) return Result.succeed({ events: [], answer: { _tag: "SendJudged", verdict: "OVER" } })
  const go = { _tag: "SendJudged", verdict: "GO" } as const
  const pending = current === undefined ? asked : { ...asked, purpose: current }
  const { channel, purpose } = pending
  const reason = objectionTo(contact, pending, turn)
  if (reason !== undefined) {
    return Result.succeed({
      events: [{ _tag: "CommunicationRejected", communicationId, channel, reason, at: turn.at }],
      answer: { _tag: "SendJudged", verdict: "REJECTED" }
    })
  }
  const { quietHours } = turn.business.settings
  const until = purpose === "MARKETING" ? quietUntil(turn.at, contact.timeZone, quietHours) : undefined
  if (until !== undefined) {
    return Result.succeed({ events: [], answer: { _tag: "SendJudged", verdict: "WAIT", at: until } })
  }
  if (pending.authorized) return Result.succeed({ events: [], answer: go })
  const counts = purpose === "MARKETING"
  return Result.succeed({
    events: [{ _tag: "SendAuthorized", communicationId, channel, counts, at: turn.at }],
    answer: go
  })
}

export const completeCommunication = (
  contact: ContactState,
  { _tag, ...sent }: typeof CompleteCommunication.Type,
  turn: Turn
): Judgement => {
  const pending = pendingOf(contact, sent.communicationId)
  if (pending === undefined || !pending.authorized) {
    return Result.fail({ _tag: "CommunicationNotPending", id: sent.communicationId })
  }
  return done(sent.communicationId, {
    _tag: "CommunicationCompleted",
    ...sent,
    channel: pending.channel,
    at: turn.at
  })
}

export const rejectCommunication = (
  contact: ContactState,
  { _tag, ...rejected }: typeof RejectCommunication.Type,
  turn: Turn
): Judgement => {
  const { communicationId } = rejected
  const pending = pendingOf(contact, communicationId)
  if (pending === undefined) return Result.fail({ _tag: "CommunicationNotPending", id: communicationId })
  const { channel } = pending
  return done(communicationId, { _tag: "CommunicationRejected", ...rejected, channel, at: turn.at })
}

/** The command's id is made of the message, so it is said once. It may come before the send is stated, which then is over. */
export const reportUndelivered = (
  _: ContactState,
  { _tag, ...report }: typeof ReportUndelivered.Type,
  turn: Turn
): Judgement =>
  done(report.communicationId, { _tag: "CommunicationRejected", ...report, reason: "UNDELIVERED", at: turn.at })

/** Whoever asks has proven that the message is hers: by a signed link, or as the contact herself. */
export const markCommunication = (
  _: ContactState,
  { communicationId, mark, link }: typeof MarkCommunication.Type,
  turn: Turn
): Judgement =>
  done(communicationId, {
    _tag: "CommunicationMarked",
    communicationId,
    mark,
    ...(link !== undefined && { link }),
    at: turn.at
  })

type CommunicationEvent = Extract<
  ContactEvent,
  {
    readonly _tag:
      | "CommunicationRequested"
      | "SendAuthorized"
      | "CommunicationCompleted"
      | "CommunicationRejected"
      | "CommunicationMarked"
  }
>

/** Of each channel as many as a cap can ask for, so that no other channel's messages push them out. */
const counted = (sends: ReadonlyArray<CountedSend>, send: CountedSend): ReadonlyArray<CountedSend> => {
  const isFull = sends.filter(({ channel }) => channel === send.channel).length >= countedSendsMax
  const oldest = isFull ? sends.findIndex(({ channel }) => channel === send.channel) : -1
  return [...sends.filter((_, index) => index !== oldest), send]
}

/** The contact after what happened to a message. */
export const communicate = (state: ContactState, event: CommunicationEvent): ContactState => {
  const { communicationId: id } = event
  const others = (): ReadonlyArray<PendingCommunication> => state.communications.filter((other) => other.id !== id)
  switch (event._tag) {
    case "CommunicationRequested": {
      const { channel, purpose } = event
      return { ...state, communications: [...others(), { id, channel, purpose, authorized: false }] }
    }
    case "SendAuthorized": {
      const { channel, at } = event
      const communications = state.communications.map((each) => (each.id === id ? { ...each, authorized: true } : each))
      const countedSends = event.counts ? counted(state.countedSends, { channel, at }) : state.countedSends
      return { ...state, communications, countedSends }
    }
    case "CommunicationCompleted":
    case "CommunicationRejected":
      return { ...state, communications: others() }
    case "CommunicationMarked":
      return state
    default:
      return absurd(event)
  }
}
