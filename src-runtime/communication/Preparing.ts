/**
 * Makes a message ready to go: to which address, in which words, with links of its own. What cannot be made ready says why,
 * in the words in which the message is then refused.
 */
import { isTooLong, type Template } from "#domain/communication/Template.ts"
import type { RejectionReason } from "#domain/contact/Communication.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Device } from "#domain/contact/Device.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { CommunicationBody } from "./CommunicationBodies.ts"
import type { SendTask } from "./CommunicationView.ts"
import { lastConsentDay, type LinkAction, type MessageLink, type MessageLinks } from "./MessageLinks.ts"
import { render } from "./Rendering.ts"
import { track, withShortWayOut, withWayOut } from "./Tracking.ts"

export interface Ready {
  readonly _tag: "Ready"
  readonly body: CommunicationBody
}
export interface Impossible {
  readonly _tag: "Impossible"
  readonly reason: RejectionReason
  /** For operators: names a tag or a language, never a value. */
  readonly detail: string
}

const impossible = (reason: RejectionReason, detail: string): Impossible => ({ _tag: "Impossible", reason, detail })

export const noAddress = (channel: SendTask["channel"]): Impossible =>
  impossible("NO_ADDRESS", `there is no address for ${channel}`)

/** Devices that a push can be sent to. */
export const reachable = (contact: ContactState): ReadonlyArray<Device & { readonly token: string }> =>
  contact.devices.flatMap((device) => (device.token === undefined ? [] : [{ ...device, token: device.token }]))

/** Where the message goes, for people: tokens of devices are nobody's business. */
export const recipientOf = (channel: SendTask["channel"], contact: ContactState): string | undefined => {
  const { email, phone } = contact.profile
  switch (channel) {
    case "EMAIL":
      return email
    case "SMS":
      return phone?.type === "MOBILE" ? phone.e164 : undefined
    case "INAPP":
      return contact.identity.code
    case "DEVICE": {
      const platforms = reachable(contact).map(({ platform }) => platform)
      return platforms.length === 0 ? undefined : [...new Set(platforms)].join(", ")
    }
  }
}

export interface Asked {
  readonly task: SendTask
  readonly template: Template
  readonly business: Business
  readonly contact: ContactState
  /** Epoch milliseconds. */
  readonly at: number
  /** The installation's own. */
  readonly address: string
  readonly links: Pick<MessageLinks["Service"], "pathOf">
  /** Of the channel, where it has one. */
  readonly sender: string | undefined
}

const linker =
  ({ task, business, contact, address, links }: Asked) =>
  (action: LinkAction, number = 0): string => {
    const { communicationId: communication, channel } = task
    const link: MessageLink = { action, business: business.id, contact: contact.id, communication, channel, number }
    return `${address}${links.pathOf(link)}`
  }

const hasOptOut = (channel: SendTask["channel"]): boolean => channel === "EMAIL" || channel === "SMS"

const senderName = ({ template, sender }: Asked): string | undefined => {
  const { name, address } = template.sender ?? {}
  if (name === undefined) return address ?? sender
  return address === undefined ? name : `${name} <${address}>`
}

/** Also for who asks whether it could be sent: a dry run says what the send would. */
export const prepare = (asked: Asked): Ready | Impossible => {
  const { task, template, business, contact, at } = asked
  const { channel, purpose, values } = task
  const recipient = recipientOf(channel, contact)
  if (recipient === undefined) return noAddress(channel)
  if (template.channel !== channel) return impossible("TEMPLATE_GONE", `the template is for ${template.channel}`)
  if (task.tooLong === true) return impossible("MISSING_VALUE", "its values are too long")
  const linkOf = linker(asked)
  const optOut = hasOptOut(channel) ? { OPT_OUT: linkOf("OPT_OUT"), OPT_IN: linkOf("OPT_IN") } : {}
  const lastDay = lastConsentDay(at)
  const links = {
    ...optOut,
    VIEW: linkOf("VIEW"),
    CONSENT_ACCEPT: linkOf("CONSENT_ACCEPT", lastDay),
    CONSENT_WITHDRAW: linkOf("CONSENT_WITHDRAW", lastDay)
  }
  const rendered = render({ template, business, contact, at, values, links })
  if (rendered._tag === "MissingValue") {
    return impossible("MISSING_VALUE", `${rendered.language}: #${rendered.tag}# has no value`)
  }
  if (rendered._tag === "Unwritable") return impossible("RENDERING_FAILED", `${rendered.language}: ${rendered.reason}`)
  const { _tag, html: written, text: words, ...rest } = rendered
  const sender = senderName(asked)
  const same = {
    ...rest,
    purpose,
    recipient,
    ...(sender !== undefined && { sender }),
    ...(template.sender !== undefined && { from: template.sender })
  }
  if (channel !== "EMAIL") {
    const isOut = channel === "SMS" && purpose === "MARKETING"
    const text = isOut ? withShortWayOut(words, rest.language, linkOf("OPT_OUT")) : words
    if (isTooLong(channel, text)) return impossible("TOO_LONG", `${rest.language}: it is too long for ${channel}`)
    return { _tag: "Ready", body: { ...same, text, urls: [] } }
  }
  const isOptional = purpose !== "MANDATORY"
  const unsubscribe = isOptional ? { unsubscribe: linkOf("OPT_OUT") } : {}
  const { html, text } = isOptional
    ? withWayOut({ html: written, text: words }, rest.language, linkOf("OPT_OUT"))
    : { html: written, text: words }
  if (html === undefined) return { _tag: "Ready", body: { ...same, ...unsubscribe, text, urls: [] } }
  const tracked = track(html, asked.address, (number) => linkOf("CLICK", number), linkOf("OPEN"))
  return { _tag: "Ready", body: { ...same, ...unsubscribe, text, ...tracked } }
}
