/**
 * What a contact did in a period, summed up from her own events. What was undone since never counts, whenever that was: a
 * purchase that was cancelled, a transfer or a draw that came back, an award that was taken back. Shared money is sent by
 * the owner, received by the member and spent by her (SHR-7); what was debited by hand or has expired is none of it.
 */
import { absurd } from "../shared/Aggregate.ts"
import { dayNumber, startOfDay } from "../shared/CalendarDate.ts"
import { civilOf, dayOf, plusMonths } from "../shared/CivilDate.ts"
import { type Minor, sum } from "../shared/Money.ts"
import type { ContactEvent } from "./ContactEvent.ts"

/** The events that have a part in it. */
export const analysedTags = [
  "FundsCredited",
  "FundsDebited",
  "FundsReturned",
  "PurchasePaid",
  "PurchaseReversed"
] as const satisfies ReadonlyArray<ContactEvent["_tag"]>
type Analysed = Extract<ContactEvent, { readonly _tag: (typeof analysedTags)[number] }>

export interface Analytics {
  readonly purchases: number
  /** Credited by hand: there is no other way for money to come in from outside, but by an award. */
  readonly toppedUp: Minor
  /** For purchases, from her own wallet and those shared with her. */
  readonly spent: Minor
  /** By transfer, and by what members drew from her wallet. */
  readonly sent: Minor
  /** By transfer, and from wallets shared with her. */
  readonly received: Minor
  /** What was given by award and not taken back since, and when. */
  readonly awards: ReadonlyArray<{ readonly amount: Minor; readonly at: number }>
}

/** What she sent is named by its transfer or its draw. */
const sendingOf = ({ transferId, drawId }: Extract<Analysed, { readonly _tag: `Funds${"Debited" | "Returned"}` }>) =>
  transferId ?? drawId

/** Of all events since the period began, oldest first: what happened before `until`, and was not undone up to now. */
export const analyticsOf = (events: Iterable<Analysed>, until: number): Analytics => {
  const purchases = new Map<string, { readonly own: Minor; readonly shared: Minor }>()
  const sendings = new Map<string, Minor>()
  const awards = new Map<string, Analytics["awards"][number]>()
  let [toppedUp, transferred] = [0n, 0n]
  for (const event of events) {
    const counts = event.at < until
    switch (event._tag) {
      case "FundsCredited":
        if (!counts) break
        if (event.reason === "TRANSFER") transferred += event.amount
        else if (event.reason === "AWARD") awards.set(event.lotId, { amount: event.amount, at: event.at })
        else toppedUp += event.amount
        break
      case "FundsDebited": {
        const sending = sendingOf(event)
        if (counts && sending !== undefined) sendings.set(sending, event.amount)
        if (event.awardId !== undefined) awards.delete(event.awardId)
        break
      }
      case "FundsReturned":
        sendings.delete(sendingOf(event) ?? "")
        break
      case "PurchasePaid": {
        const [own, shared] = [event.own?.amount ?? 0n, event.shared?.amount ?? 0n]
        if (counts) purchases.set(event.purchaseId, { own, shared })
        break
      }
      case "PurchaseReversed":
        purchases.delete(event.purchaseId)
        break
      default:
        absurd(event)
    }
  }
  const drawn = sum(Array.from(purchases.values(), ({ shared }) => shared))
  return {
    purchases: purchases.size,
    toppedUp,
    spent: sum(Array.from(purchases.values(), ({ own }) => own)) + drawn,
    sent: sum(sendings.values()),
    received: transferred + drawn,
    awards: [...awards.values()]
  }
}

/** When the calendar month begins that lies so many months before the one of an instant. */
export const monthStart = (at: number, monthsBefore: number, timeZone: string): number => {
  const { year, month } = civilOf(dayNumber(at, timeZone))
  return startOfDay(plusMonths(dayOf({ year, month, day: 1 }), -monthsBefore), timeZone)
}
