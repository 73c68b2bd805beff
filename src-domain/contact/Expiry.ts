/**
 * How money leaves by the passing of time (WAL-5), and what becomes of money that comes back to a lot (WAL-6): an expired
 * lot does not come back to life, one that still runs has its timer again.
 */
import * as Result from "effect/Result"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { Lot, Part } from "../wallet/Lot.ts"
import { debited, expired, nextExpiry } from "../wallet/Wallet.ts"
import type { ContactEvent } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"
import type { Consequences } from "./Engagement.ts"
import { armExpiry } from "./Engagement.ts"

/** WAL-5: one entry names one lot, and takes all that is left in it. */
const expiryEntry = (part: Part, currency: string, turn: Turn): ContactEvent => ({
  _tag: "FundsDebited",
  entryId: `${turn.commandId}/${part.lotId}`,
  amount: part.amount,
  currency,
  parts: [part],
  reason: "EXPIRY",
  counts: false,
  at: turn.at
})

const expire = (contact: ContactState, lots: ReadonlyArray<Lot>, turn: Turn): Consequences => {
  const parts = expired(lots, turn.at)
  const next = armExpiry(contact, nextExpiry(debited(lots, parts)), turn)
  return {
    events: [...parts.map((part) => expiryEntry(part, contact.currency, turn)), ...next.events],
    timers: next.timers
  }
}

/** WAL-6: what follows, in the same decision, when a debit of these parts is given back. */
export const settleReturned = (contact: ContactState, parts: ReadonlyArray<Part>, turn: Turn): Consequences =>
  expire(
    contact,
    parts.map(({ amount, ...lot }) => ({ ...lot, remaining: amount })),
    turn
  )

/** What the timer of the contact does, however late it fires: all that has expired goes, the next expiry is waited for. */
export const expireLots = (contact: ContactState, turn: Turn): Judgement =>
  Result.succeed({ ...expire(contact, contact.lots, turn), answer: { _tag: "Done", id: contact.id } })
