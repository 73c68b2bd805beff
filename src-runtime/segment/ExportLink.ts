/**
 * A link to the members of one segment in one format, good for whoever has it until it expires. It is a name, the fields
 * that were asked for, and a keyed hash of both: nothing is stored, and one altered by a byte is none. A day is enough for a
 * mail to be read.
 */
import { Buffer } from "node:buffer"
import { timingSafeEqual } from "node:crypto"
import type { ExportFields } from "#domain/segment/ExportFields.ts"
import type { Sealer } from "../privacy/Sealer.ts"

export const exportLinkMs = 24 * 60 * 60 * 1000

export interface ExportTicket {
  readonly business: string
  readonly segment: string
  readonly format: "CSV" | "XLSX"
  /** Absent: what is usual. */
  readonly fields?: ExportFields | undefined
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

const purpose = "segment export"
const door = "/downloads/segments/"
const formats = { C: "CSV", X: "XLSX" } as const
const pattern = /^([0-9a-f-]{36})\/([0-9a-f-]{36})\/([CX])\.(\d{13})\.[A-Za-z0-9_-]{43}(?:\?(.*))?$/

const nameOf = ({ business, segment, format, expiresAt }: ExportTicket): string =>
  `${business}/${segment}/${format.charAt(0)}.${expiresAt}`

const queryOf = ({ fields }: ExportTicket): string =>
  fields === undefined
    ? ""
    : `?${new URLSearchParams(fields.map((field): [string, string] => ["field", field])).toString()}`

/** Where the door hands it out, without the address of the server. */
export const exportPath = (sealer: Sealer["Service"], ticket: ExportTicket): string => {
  const [name, query] = [nameOf(ticket), queryOf(ticket)]
  const signature = Buffer.from(sealer.keyedHash(ticket.business, purpose, `${name}${query}`))
  return `${door}${name}.${signature.toString("base64url")}${query}`
}

/** `undefined` for what was never given out. Whether it has expired is for the caller to say. */
export const readTicket = (sealer: Sealer["Service"], path: string): ExportTicket | undefined => {
  const found = path.startsWith(door) ? pattern.exec(path.slice(door.length)) : null
  if (found === null) return undefined
  const [, business = "", segment = "", format = "", expiresAt = "", query] = found
  const fields = query === undefined ? undefined : new URLSearchParams(query).getAll("field")
  const named = { business, segment, format: formats[format as keyof typeof formats], expiresAt: Number(expiresAt) }
  const ticket = { ...named, ...(fields !== undefined && { fields }) }
  // There is only the one way to write it.
  const [given, own] = [Buffer.from(path), Buffer.from(exportPath(sealer, ticket))]
  return given.length === own.length && timingSafeEqual(given, own) ? ticket : undefined
}
