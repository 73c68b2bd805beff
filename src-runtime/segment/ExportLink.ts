/**
 * A link to the members of one segment in one format, good for whoever has it until it expires. It is a name and a keyed
 * hash of it: nothing is stored, and one altered by a byte is none. A day is enough for a mail to be read.
 */
import { Buffer } from "node:buffer"
import { timingSafeEqual } from "node:crypto"
import type { Sealer } from "../privacy/Sealer.ts"

export const exportLinkMs = 24 * 60 * 60 * 1000

export interface ExportTicket {
  readonly business: string
  readonly segment: string
  readonly format: "CSV" | "XLSX"
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

const purpose = "segment export"
const formats = { C: "CSV", X: "XLSX" } as const
const pattern = /^([0-9a-f-]{36})\/([0-9a-f-]{36})\/([CX])\.(\d{13})\.([A-Za-z0-9_-]{43})$/

const nameOf = ({ business, segment, format, expiresAt }: ExportTicket): string =>
  `${business}/${segment}/${format.charAt(0)}.${expiresAt}`

const signatureOf = (sealer: Sealer["Service"], ticket: ExportTicket): Buffer =>
  Buffer.from(sealer.keyedHash(ticket.business, purpose, nameOf(ticket)))

/** Where the door hands it out, without the address of the server. */
export const exportPath = (sealer: Sealer["Service"], ticket: ExportTicket): string =>
  `/downloads/segments/${nameOf(ticket)}.${signatureOf(sealer, ticket).toString("base64url")}`

/** What stands behind `/downloads/segments/`; `undefined` for what was never given out. Whether it has expired is for the caller to say. */
export const readTicket = (sealer: Sealer["Service"], text: string): ExportTicket | undefined => {
  const [, business = "", segment = "", format = "", expiresAt = "", signature = ""] = pattern.exec(text) ?? []
  if (signature === "") return undefined
  const ticket = { business, segment, format: formats[format as keyof typeof formats], expiresAt: Number(expiresAt) }
  const given = Buffer.from(signature, "base64url")
  const own = signatureOf(sealer, ticket)
  // The last character of a base64url text holds spare bits: only the one way to write it is taken.
  if (given.length !== own.length || given.toString("base64url") !== signature) return undefined
  return timingSafeEqual(given, own) ? ticket : undefined
}
