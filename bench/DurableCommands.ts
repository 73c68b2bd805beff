/**
 * (c) The runtime without a door: debits judged by the actors of wallets and made durable in the journal, sent without a
 * fiber as the doors send them. An answer arrives after its commit.
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import { randomUUID } from "node:crypto"
import { drive, type Load, type Send } from "./Loop.ts"
import { failureOf, ofContact } from "./World.ts"

/** Commands under way at once: as many as one mailbox holds. */
export const commandsInFlight = 256
/** The contact whose wallet is the hot one. */
export const hotContact = 0

export const debitOf = (number: number) =>
  ofContact(number, { _tag: "PostJournal", entryId: randomUUID(), action: "DEBIT", amount: 1n, currency: "EUR" })

/** Debits the contacts `hotContact` and those that follow, so many of them, each drawn at random. */
export const debitWallets = (actors: Actors["Service"], among: number, load: Load) => {
  const send: Send = (_slot, done) => {
    const number = hotContact + Math.floor(Math.random() * among)
    actors.askWith(debitOf(number), (reply) => done(failureOf(reply)))
  }
  return drive(commandsInFlight, load, send)
}
