/**
 * Money from one contact to another (WAL-8), in three durable steps that end with both legs booked or neither:
 *
 *     origin: SendTransfer, debited --> destination: ReceiveTransfer, credited --> origin: CompleteTransfer, answered
 *                                                                    \-- refused --> given back to its lots, refused
 *
 * The destination always answers, also when it is nobody: a sender left waiting would have lost her money.
 */
import * as Result from "effect/Result"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Message, Turn } from "../shared/Decision.ts"
import { balance, takeOpen } from "../wallet/Wallet.ts"
import type { CompleteTransfer, ReceiveTransfer, SendTransfer } from "./ContactCommand.ts"
import type { ContactEvent } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"
import { creditOf, objectionTo } from "./Credits.ts"
import { armExpiry, disengage, engage } from "./Engagement.ts"
import { settleReturned } from "./Expiry.ts"

type Send = typeof SendTransfer.Type
type Receive = typeof ReceiveTransfer.Type
type Complete = typeof CompleteTransfer.Type

const objectionToSending = (contact: ContactState, command: Send, turn: Turn): Refusal | undefined => {
  if (command.destinationId === contact.id) return { _tag: "TransferToSelf", id: contact.id }
  const objection = objectionTo(command, contact, turn)
  if (objection !== undefined) return objection
  if (contact.spendBlocked) return { _tag: "SpendBlocked", id: contact.id }
  const available = balance(contact.lots, "BUSINESS")
  if (available >= command.amount) return undefined
  return { _tag: "InsufficientFunds", requested: command.amount, available, currency: command.currency }
}

export const sendTransfer = (contact: ContactState, command: Send, turn: Turn): Judgement => {
  const objection = objectionToSending(contact, command, turn)
  if (objection !== undefined) return Result.fail(objection)
  const { transferId, destinationId, amount, currency, code, notes } = command
  const pool = command.poolId === undefined ? {} : { poolId: command.poolId }
  const parts = takeOpen(contact.lots, amount)
  const interaction = engage(contact, turn.at, turn)
  const debit: ContactEvent = {
    _tag: "FundsDebited",
    entryId: `${transferId}/debit`,
    amount,
    currency,
    parts,
    reason: "TRANSFER",
    counterpartId: destinationId,
    transferId,
    ...(code === undefined ? {} : { transferCode: code }),
    counts: true,
    ...(notes === undefined ? {} : { notes }),
    at: turn.at
  }
  const known = code === undefined ? {} : { code }
  const carried = { transferId, originId: contact.id, destinationId, amount, currency, ...pool, ...known, parts }
  return Result.succeed({
    events: [debit, ...interaction.events],
    timers: interaction.timers,
    messages: [
      {
        id: `${transferId}/receive`,
        to: destinationId,
        command: { _tag: "ReceiveTransfer", ...carried, settles: turn.commandId, sentAt: turn.at }
      }
    ],
    answer: undefined
  })
}

const reply = (command: Receive, refusal: Refusal | undefined): Message => {
  const { transferId, originId, destinationId, amount, parts, settles, sentAt } = command
  const outcome = refusal === undefined ? {} : { refusedBecause: refusal._tag }
  return {
    id: `${transferId}/complete`,
    to: originId,
    command: { _tag: "CompleteTransfer", transferId, destinationId, amount, parts, settles, sentAt, ...outcome }
  }
}

export const receiveTransfer = (contact: ContactState, command: Receive, turn: Turn): Judgement => {
  const { transferId, originId, code } = command
  const named = code === undefined ? {} : { transferCode: code }
  const answer = { _tag: "Done", id: transferId } as const
  const refusal: Refusal | undefined =
    contact.id === "" ? { _tag: "ContactNotFound", id: command.destinationId } : objectionTo(command, contact, turn)
  const messages = [reply(command, refusal)]
  if (refusal !== undefined) return Result.succeed({ events: [], messages, answer })
  const credited = creditOf(
    command,
    { lotId: `${transferId}/credit`, reason: "TRANSFER", counts: true, transferId, ...named, counterpartId: originId },
    turn
  )
  const expiry = armExpiry(contact, credited.expiresAt, turn)
  const interaction = engage(contact, turn.at, turn)
  return Result.succeed({
    events: [credited, ...expiry.events, ...interaction.events],
    timers: [...expiry.timers, ...interaction.timers],
    messages,
    answer
  })
}

export const completeTransfer = (contact: ContactState, command: Complete, turn: Turn): Judgement => {
  const { transferId, destinationId, amount, parts, settles, sentAt, refusedBecause } = command
  const done = { _tag: "Done", id: transferId } as const
  if (refusedBecause === undefined) {
    const settled = { commandId: settles, outcome: Result.succeed(done) }
    return Result.succeed({ events: [], settles: [settled], answer: done })
  }
  const expiry = settleReturned(contact, parts, turn)
  const interaction = disengage(contact, sentAt, turn)
  const refusal: Refusal = { _tag: "TransferRefused", id: transferId, reason: refusedBecause }
  return Result.succeed({
    events: [
      {
        _tag: "FundsReturned",
        entryId: `${transferId}/return`,
        amount,
        currency: contact.currency,
        parts,
        reason: "TRANSFER",
        transferId,
        counterpartId: destinationId,
        uncounts: sentAt,
        at: turn.at
      },
      ...expiry.events,
      ...interaction.events
    ],
    timers: [...expiry.timers, ...interaction.timers],
    settles: [{ commandId: settles, outcome: Result.fail(refusal) }],
    answer: done
  })
}
