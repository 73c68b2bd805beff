/**
 * What a commit tells all runners: the few facts that they remember of actors that live elsewhere. A notice leaves with
 * its commit or not at all; it names what has changed and never what it changed to, so that the journal stays the only
 * source.
 */
import { claimName, type Unit } from "./Unit.ts"

/** Committed somewhere: this business has changed, or this value (`claimName`) has been given up. */
export type Notice = { readonly business: string } | { readonly released: string }

export interface Listener {
  /** From now on nothing is missed. */
  readonly listening: () => void
  readonly notice: (notice: Notice) => void
}

/** What the units tell, each fact once. */
export const noticesOf = (units: ReadonlyArray<Unit>): ReadonlyArray<Notice> => {
  const businesses = new Set<string>()
  const released = new Set<string>()
  for (const unit of units) {
    if (unit.key === unit.business && unit.events.length > 0) businesses.add(unit.business)
    for (const claim of unit.releases) released.add(claimName(claim))
  }
  if (businesses.size === 0 && released.size === 0) return none
  return [
    ...[...businesses].map((business) => ({ business })),
    ...[...released].map((name): Notice => ({ released: name }))
  ]
}

const none: ReadonlyArray<Notice> = []

/** PostgreSQL takes less than 8,000 bytes in one notification. */
const messageBytesMax = 7_900

const wordOf = (notice: Notice): string => ("business" in notice ? `b:${notice.business}` : `r:${notice.released}`)

/** Notices as few messages, each short enough to be sent as one. */
export const messagesOf = (notices: ReadonlyArray<Notice>): ReadonlyArray<string> => {
  const messages: Array<string> = []
  let open = ""
  for (const word of notices.map(wordOf)) {
    if (open !== "" && open.length + 1 + word.length > messageBytesMax) {
      messages.push(open)
      open = ""
    }
    open = open === "" ? word : `${open} ${word}`
  }
  return open === "" ? messages : [...messages, open]
}

/** What a message says; words that this version does not know are passed over. */
export const noticesIn = (message: string): ReadonlyArray<Notice> =>
  message.split(" ").flatMap((word): ReadonlyArray<Notice> => {
    const rest = word.slice(2)
    if (word.startsWith("b:")) return [{ business: rest }]
    return word.startsWith("r:") ? [{ released: rest }] : []
  })
