/**
 * What follows from a counting transaction, or from one that stopped counting: changes of the interaction state and the
 * timers that bring the later ones (INT-2..6). Every decider whose event counts appends what this says, in the same
 * decision. The fold of the counting event itself keeps the dates; this only looks ahead at them.
 */
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import type { Timer, Turn } from "../shared/Decision.ts"
import type { ContactEvent } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"
import type { InteractionLog, InteractionState } from "./Interaction.ts"
import { counted, nextChange, stateOn, uncounted } from "./Interaction.ts"

/** To be appended to a decision. */
export interface Consequences {
  readonly events: ReadonlyArray<ContactEvent>
  readonly timers: ReadonlyArray<Timer>
}

/** Most commands have none: one value for all of them. */
export const nothing: Consequences = { events: [], timers: [] }

const armed = (contact: ContactState, timer: Timer & { name: "interaction" | "expiry" }, turn: Turn): Consequences => {
  const standing = contact.timers[timer.name]
  // A timer that stands earlier arms the next one when it fires.
  if (standing !== undefined && turn.at < standing && standing <= timer.at) return nothing
  return {
    events: [{ _tag: "TimerArmed", name: timer.name, firesAt: timer.at, at: turn.at }],
    timers: [timer]
  }
}

/** WAL-5: something will expire then; armed only if no earlier timer stands. */
export const armExpiry = (contact: ContactState, expiresAt: number | undefined, turn: Turn): Consequences =>
  expiresAt === undefined
    ? nothing
    : armed(contact, { name: "expiry", at: expiresAt, command: { _tag: "ExpireLots" } }, turn)

const armReview = (contact: ContactState, log: InteractionLog, turn: Turn): Consequences => {
  const day = nextChange(log, dayNumber(turn.at, contact.businessTimeZone))
  if (day === undefined) return nothing
  const at = startOfDay(day, contact.businessTimeZone)
  return armed(contact, { name: "interaction", at, command: { _tag: "ReviewInteraction" } }, turn)
}

/** The order in which time alone moves a contact. */
const rank: Record<InteractionState, number> = { NEVER_ENGAGED: 0, ENGAGED: 1, DORMANT: 2, RESTING: 3 }

/**
 * The changes that time alone has brought since the state was last written down, each at the midnight of its date: a
 * timer that fires late, or a command that comes before it, leaves the same history as one that was on time (INT-5).
 */
const overdue = (contact: ContactState, turn: Turn): ReadonlyArray<ContactEvent> => {
  const { interactions: log, businessTimeZone: timeZone } = contact
  const today = dayNumber(turn.at, timeZone)
  const events: Array<ContactEvent> = []
  let from = contact.interactionState
  let day = log.days.at(-1)
  while (day !== undefined) {
    day = nextChange(log, day)
    if (day === undefined || day > today) break
    const to = stateOn(log, day)
    if (rank[to] <= rank[from]) continue
    events.push({ _tag: "InteractionStateChanged", from, to, at: startOfDay(day, timeZone) })
    from = to
  }
  return events
}

const changed = (contact: ContactState, log: InteractionLog, turn: Turn): Consequences => {
  const due = overdue(contact, turn)
  const last = due.at(-1)
  const from = last?._tag === "InteractionStateChanged" ? last.to : contact.interactionState
  const to = stateOn(log, dayNumber(turn.at, contact.businessTimeZone))
  const review = armReview(contact, log, turn)
  if (due.length === 0 && from === to) return review
  return {
    events: [
      ...due,
      ...(from === to ? [] : [{ _tag: "InteractionStateChanged" as const, from, to, at: turn.at }]),
      ...review.events
    ],
    timers: review.timers
  }
}

/** A transaction counts at `at`. Called with the state before the event that says so. */
export const engage = (contact: ContactState, at: number, turn: Turn): Consequences =>
  changed(contact, counted(contact.interactions, dayNumber(at, contact.businessTimeZone)), turn)

/** INT-3: the transaction that counted at `countedAt` was reversed. Called with the state before the event that says so. */
export const disengage = (contact: ContactState, countedAt: number, turn: Turn): Consequences =>
  changed(contact, uncounted(contact.interactions, dayNumber(countedAt, contact.businessTimeZone)), turn)

/** INT-5: a date has come on which the state may change. */
export const review = (contact: ContactState, turn: Turn): Consequences => changed(contact, contact.interactions, turn)
