/**
 * A link to one printout, good for whoever has it until it expires, a quarter of an hour after it was asked for: time enough
 * to open it, and too little to be passed on. It names the thing and a keyed hash of that: nothing is stored, and what it
 * shows is made when it is followed. One altered by a byte is none.
 */
import { Buffer } from "node:buffer"
import { timingSafeEqual } from "node:crypto"
import type { Sealer } from "../privacy/Sealer.ts"

export const printoutLinkMs = 15 * 60 * 1000

const kinds = { P: "PURCHASE", C: "CREDIT" } as const
export type PrintoutKind = (typeof kinds)[keyof typeof kinds]

const formats = { W: "WEB_VIEW", D: "PDF" } as const
export type PrintoutFormat = (typeof formats)[keyof typeof formats]
const letters: Readonly<Record<PrintoutFormat, string>> = { WEB_VIEW: "W", PDF: "D" }

/** One printout of hers. */
export interface PrintoutThing {
  readonly kind: PrintoutKind
  /** Of the purchase, or of the entry of the wallet. */
  readonly of: string
  readonly format: PrintoutFormat
}

export interface PrintoutTicket extends PrintoutThing {
  readonly business: string
  readonly contact: string
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

const purpose = "printout"
const folder = "/downloads/printouts/"
/** No part of a path that is served is longer than a hundred characters. */
const pattern = /^([0-9a-f-]{36})\/([0-9a-f-]{36})\/([A-Za-z0-9_.-]{1,99})\/(\d{13})\.([A-Za-z0-9_-]{43})$/

const thingPattern = /^([PC])([WD])\.([A-Za-z0-9_-]{1,96})$/

/** What a contact calls it by: good for her alone, whom her token names. */
export const printoutName = ({ kind, format, of }: PrintoutThing): string =>
  `${kind.charAt(0)}${letters[format]}.${Buffer.from(of).toString("base64url")}`

export const readPrintoutName = (name: string): PrintoutThing | undefined => {
  const [, kind = "", format = "", of = ""] = thingPattern.exec(name) ?? []
  const thing = {
    kind: kinds[kind as keyof typeof kinds],
    format: formats[format as keyof typeof formats],
    of: Buffer.from(of, "base64url").toString("utf8")
  }
  return of === "" || printoutName(thing) !== name ? undefined : thing
}

const nameOf = ({ business, contact, expiresAt, ...thing }: PrintoutTicket): string =>
  `${business}/${contact}/${printoutName(thing)}/${expiresAt}`

const signatureOf = (sealer: Sealer["Service"], ticket: PrintoutTicket): Buffer =>
  Buffer.from(sealer.keyedHash(ticket.business, purpose, nameOf(ticket)))

/** Where the door hands it out, without the address of the server. */
export const printoutPath = (sealer: Sealer["Service"], ticket: PrintoutTicket): string =>
  `${folder}${nameOf(ticket)}.${signatureOf(sealer, ticket).toString("base64url")}`

/** What stands behind `/downloads/printouts/`; `undefined` for what was never given out. Whether it has expired is for the caller to say. */
export const readPrintoutTicket = (sealer: Sealer["Service"], text: string): PrintoutTicket | undefined => {
  const [, business = "", contact = "", name = "", expiresAt = "", signature = ""] = pattern.exec(text) ?? []
  const thing = readPrintoutName(name)
  if (thing === undefined) return undefined
  const ticket = { business, contact, ...thing, expiresAt: Number(expiresAt) }
  const given = Buffer.from(signature, "base64url")
  const own = signatureOf(sealer, ticket)
  if (given.length !== own.length || !timingSafeEqual(given, own)) return undefined
  // The last characters of a base64url text hold spare bits: only the one way to write it is taken.
  return printoutPath(sealer, ticket) === `${folder}${text}` ? ticket : undefined
}
