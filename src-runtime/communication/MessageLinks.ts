/**
 * Links that a message carries: open, click, opt out, opt in, consent, read in the browser. Each names one thing that may
 * be done about one message of one contact, and is signed with a key derived from the master secret, so whoever has it has
 * been sent it. Altered by a single character it is no link at all; one to consent is good for a month. The key's version is part of it: a new key can be
 * introduced while links under the old one still lead somewhere.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual } from "node:crypto"
import type { Channel } from "#domain/contact/Communication.ts"

/** Stored in links for ever: only added to, at the end. */
const actions = [
  "OPEN",
  "CLICK",
  "OPT_OUT",
  "OPT_IN",
  "VIEW",
  "CONSENT_ACCEPT",
  "CONSENT_WITHDRAW",
  "SMS_STATUS"
] as const
export type LinkAction = (typeof actions)[number]
const channels: ReadonlyArray<Channel> = ["EMAIL", "SMS", "INAPP", "DEVICE"]

export interface MessageLink {
  readonly action: LinkAction
  readonly business: string
  readonly contact: string
  readonly communication: string
  readonly channel: Channel
  /**
   * Of a click: which of the message's addresses, counted from 0. Of consent: the last day on which it is good, counted from
   * 1970-01-01 in UTC. Signed like all the rest.
   */
  readonly number: number
}

const dayMs = 86_400_000
/**
 * For how many days after the message was written consent can be given or withdrawn by its links. An opt-out is never over:
 * whoever has a message may say that she wants no more.
 */
const consentDaysMax = 30

const dayOf = (at: number): number => Math.floor(at / dayMs)
/** The last day of a link to consent in a message that is written at this instant, epoch milliseconds. */
export const lastConsentDay = (at: number): number => dayOf(at) + consentDaysMax

export const isOver = ({ action, number }: MessageLink, at: number): boolean =>
  (action === "CONSENT_ACCEPT" || action === "CONSENT_WITHDRAW") && dayOf(at) > number

const keyVersion = 1
const headerBytes = 5
const uuidBytes = 16
const bodyBytes = headerBytes + 3 * uuidBytes
/** Together a multiple of three, so that base64url leaves no bits that anything could stand in. */
const macBytes = 16
const tokenBytes = bodyBytes + macBytes
const tokenPattern = /^[A-Za-z0-9_-]+$/

/** Where a link is served, by what it does. */
const folders: Readonly<Record<LinkAction, string>> = {
  OPEN: "open",
  CLICK: "link",
  OPT_OUT: "unsubscribe",
  OPT_IN: "subscribe",
  VIEW: "view",
  CONSENT_ACCEPT: "consent",
  CONSENT_WITHDRAW: "consent-withdrawal",
  SMS_STATUS: "sms-status"
}
export const pathOf = (action: LinkAction): `/${string}` => `/message/${folders[action]}`

const uuidOf = (bytes: Buffer, at: number): string => {
  const hex = bytes.subarray(at, at + uuidBytes).toString("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export class MessageLinks extends Context.Service<
  MessageLinks,
  {
    /** The path and token of a link; its address begins with the installation's own. */
    readonly pathOf: (link: MessageLink) => string
    /** `undefined` for everything that was not made here, letter by letter. */
    readonly read: (action: LinkAction, token: string) => MessageLink | undefined
  }
>()("koinon/runtime/MessageLinks") {}

export const make = (masterSecret: Redacted.Redacted): MessageLinks["Service"] => {
  const bytes = hkdfSync("sha256", Redacted.value(masterSecret), "links", `koinon/message-links/${keyVersion}`, 32)
  const key = createSecretKey(new Uint8Array(bytes))
  const macOf = (body: Uint8Array): Buffer => createHmac("sha256", key).update(body).digest().subarray(0, macBytes)

  const tokenOf = ({ action, business, contact, communication, channel, number }: MessageLink): string => {
    const header = Buffer.alloc(headerBytes)
    header.writeUInt8(keyVersion, 0)
    header.writeUInt8(actions.indexOf(action), 1)
    header.writeUInt8(channels.indexOf(channel), 2)
    header.writeUInt16BE(number, 3)
    const ids = [business, contact, communication].map((id) => Buffer.from(id.replaceAll("-", ""), "hex"))
    const body = Buffer.concat([header, ...ids])
    if (body.length !== bodyBytes) throw new RangeError("a link is made of uuids")
    return Buffer.concat([body, macOf(body)]).toString("base64url")
  }

  return {
    pathOf: (link) => `${pathOf(link.action)}/${tokenOf(link)}`,
    read: (action, token) => {
      if (!tokenPattern.test(token)) return undefined
      const given = Buffer.from(token, "base64url")
      if (given.length !== tokenBytes || given.toString("base64url") !== token) return undefined
      const body = given.subarray(0, bodyBytes)
      if (!timingSafeEqual(macOf(body), given.subarray(bodyBytes))) return undefined
      const channel = channels[body.readUInt8(2)]
      if (body.readUInt8(0) !== keyVersion || actions[body.readUInt8(1)] !== action || channel === undefined) {
        return undefined
      }
      return {
        action,
        channel,
        number: body.readUInt16BE(3),
        business: uuidOf(body, headerBytes),
        contact: uuidOf(body, headerBytes + uuidBytes),
        communication: uuidOf(body, headerBytes + 2 * uuidBytes)
      }
    }
  }
}

export const layer = (masterSecret: Redacted.Redacted): Layer.Layer<MessageLinks> =>
  Layer.sync(MessageLinks, () => MessageLinks.of(make(masterSecret)))
