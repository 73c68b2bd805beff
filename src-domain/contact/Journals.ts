/** Manual journals of the back office: money given or taken by hand. They are adjustments and count for nothing (INT-2). */
import * as Result from "effect/Result"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { sum } from "../shared/Money.ts"
import { takeOpen, takePool } from "../wallet/Wallet.ts"
import type { PostJournal } from "./ContactCommand.ts"
import type { ContactState } from "./ContactState.ts"
import { creditOf, objectionTo } from "./Credits.ts"
import { armExpiry } from "./Engagement.ts"

type Journal = typeof PostJournal.Type

const notesOf = ({ notes }: Journal): { notes?: string } => (notes === undefined ? {} : { notes })

const credit = (contact: ContactState, journal: Journal, turn: Turn): Judgement => {
  const entry = { lotId: journal.entryId, reason: "MANUAL_JOURNAL", counts: false, ...notesOf(journal) } as const
  const credited = creditOf(journal, entry, turn)
  const expiry = armExpiry(contact, credited.expiresAt, turn)
  return Result.succeed({
    events: [credited, ...expiry.events],
    timers: expiry.timers,
    answer: { _tag: "Done", id: journal.entryId }
  })
}

const debit = (contact: ContactState, journal: Journal, turn: Turn): Judgement => {
  const { entryId, amount, currency, poolId } = journal
  // WAL-10: money may still come in, none goes out.
  if (contact.spendBlocked) return Result.fail({ _tag: "SpendBlocked", id: contact.id })
  const parts = poolId === undefined ? takeOpen(contact.lots, amount) : takePool(contact.lots, poolId, amount, turn.at)
  const available = sum(parts.map((part) => part.amount))
  if (available < amount) return Result.fail({ _tag: "InsufficientFunds", requested: amount, available, currency })
  return Result.succeed({
    events: [
      {
        _tag: "FundsDebited",
        entryId,
        amount,
        currency,
        parts,
        reason: "MANUAL_JOURNAL",
        counts: false,
        ...notesOf(journal),
        at: turn.at
      }
    ],
    answer: { _tag: "Done", id: entryId }
  })
}

export const postJournal = (contact: ContactState, journal: Journal, turn: Turn): Judgement => {
  const objection = objectionTo(journal, contact, turn)
  if (objection !== undefined) return Result.fail(objection)
  return journal.action === "CREDIT" ? credit(contact, journal, turn) : debit(contact, journal, turn)
}
