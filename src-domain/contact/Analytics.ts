/**
 * What a contact did in a period, summed up from her own events. What was undone since never counts, whenever that was: a
 * purchase that was cancelled, a transfer that came back, an award that was taken back.
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
  readonly sent: Minor
  readonly received: Minor
  /** What was given by award and not taken back since, and when. */
  readonly awards: ReadonlyArray<{ readonly amount: Minor; readonly at: number }>
}

/** Of all events since the period began, oldest first: what happened before `until`, and was not undone up to now. */
export const analyticsOf = (events: Iterable<Analysed>, until: number): Analytics => {
  const [purchases, transfers] = [new Map<string, Minor>(), new Map<string, Minor>()]
  const awards = new Map<string, Analytics["awards"][number]>()
  let [toppedUp, received] = [0n, 0n]
  for (const event of events) {
    const counts = event.at < until
    switch (event._tag) {
      case "FundsCredited":
        if (!counts) break
        if (event.reason === "TRANSFER") received += event.amount
        else if (event.reason === "AWARD") awards.set(event.lotId, { amount: event.amount, at: event.at })
        else toppedUp += event.amount
        break
      case "FundsDebited":
        if (counts && event.transferId !== undefined) transfers.set(event.transferId, event.amount)
        if (event.awardId !== undefined) awards.delete(event.awardId)
        break
      case "FundsReturned":
        if (event.transferId !== undefined) transfers.delete(event.transferId)
        break
      case "PurchasePaid":
        if (counts) purchases.set(event.purchaseId, (event.own?.amount ?? 0n) + (event.shared?.amount ?? 0n))
        break
      case "PurchaseReversed":
        purchases.delete(event.purchaseId)
        break
      default:
        absurd(event)
    }
  }
  const [spent, sent] = [sum(purchases.values()), sum(transfers.values())]
  return { purchases: purchases.size, toppedUp, spent, sent, received, awards: [...awards.values()] }
}

/** When the calendar month begins that lies so many months before the one of an instant. */
export const monthStart = (at: number, monthsBefore: number, timeZone: string): number => {
  const { year, month } = civilOf(dayNumber(at, timeZone))
  return startOfDay(plusMonths(dayOf({ year, month, day: 1 }), -monthsBefore), timeZone)
}
