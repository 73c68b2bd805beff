/**
 * Makes a message ready to go: to which address, in which words, with links of its own. What cannot be made ready says why,
 * in the words in which the message is then refused.
 */
import { isTooLong, type Template } from "#domain/communication/Template.ts"
import { type LinkAddresses, type LinkName, linkNames } from "#domain/communication/TemplateTags.ts"
import type { RejectionReason } from "#domain/contact/Communication.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Device } from "#domain/contact/Device.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { CommunicationBody } from "./CommunicationBodies.ts"
import type { SendTask } from "./CommunicationView.ts"
import { lastConsentDay, type LinkAction, type MessageLink, type MessageLinks } from "./MessageLinks.ts"
import { type Rendered, render } from "./Rendering.ts"
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
  /** That she owns. */
  readonly community: CommunityState
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

/** The links that a template for the channel may name. */
export const linksFor = (channel: SendTask["channel"], linkTo: (name: LinkName) => string): LinkAddresses =>
  Object.fromEntries(
    linkNames
      .filter((name) => hasOptOut(channel) || (name !== "OPT_OUT" && name !== "OPT_IN"))
      .map((name) => [name, linkTo(name)])
  )

/** With the way out that marketing has, also where the template has forgotten it; unless it is too long then. */
export const withWayOutOf = (
  { channel, purpose }: Pick<SendTask, "channel" | "purpose">,
  { html, text, language }: Pick<Rendered, "html" | "text" | "language">,
  optOut: string
): { readonly html: string | undefined; readonly text: string } | Impossible => {
  if (channel === "EMAIL") {
    return purpose === "MANDATORY" ? { html, text } : withWayOut({ html, text }, language, optOut)
  }
  const words = channel === "SMS" && purpose === "MARKETING" ? withShortWayOut(text, language, optOut) : text
  return isTooLong(channel, words)
    ? impossible("TOO_LONG", `${language}: it is too long for ${channel}`)
    : { html, text: words }
}

/** Also for who asks whether it could be sent: a dry run says what the send would. */
export const prepare = (asked: Asked): Ready | Impossible => {
  const { task, template, business, contact, community, at } = asked
  const { channel, purpose, values } = task
  const recipient = recipientOf(channel, contact)
  if (recipient === undefined) return noAddress(channel)
  if (template.channel !== channel) return impossible("TEMPLATE_GONE", `the template is for ${template.channel}`)
  if (task.tooLong === true) return impossible("MISSING_VALUE", "its values are too long")
  const linkOf = linker(asked)
  const lastDay = lastConsentDay(at)
  const links = linksFor(channel, (name) => linkOf(name, name.startsWith("CONSENT_") ? lastDay : 0))
  const rendered = render({ template, business, contact, community, at, values, links })
  if (rendered._tag === "MissingValue") {
    return impossible("MISSING_VALUE", `${rendered.language}: #${rendered.tag}# has no value`)
  }
  if (rendered._tag === "Unwritable") return impossible("RENDERING_FAILED", `${rendered.language}: ${rendered.reason}`)
  const { _tag, html: _, text: _text, ...rest } = rendered
  const said = withWayOutOf(task, rendered, linkOf("OPT_OUT"))
  if ("reason" in said) return said
  const sender = senderName(asked)
  const same = {
    ...rest,
    purpose,
    recipient,
    ...(sender !== undefined && { sender }),
    ...(template.sender !== undefined && { from: template.sender })
  }
  if (channel !== "EMAIL") return { _tag: "Ready", body: { ...same, text: said.text, urls: [] } }
  const unsubscribe = purpose === "MANDATORY" ? {} : { unsubscribe: linkOf("OPT_OUT") }
  const tracked = track(said, asked.address, (number) => linkOf("CLICK", number), linkOf("OPEN"))
  return { _tag: "Ready", body: { ...same, ...unsubscribe, ...tracked } }
}
