/** Analytics of one contact, summed up from her own events when they are asked for: never behind what was committed. */
import { analysedTags, analyticsOf, monthStart } from "#domain/contact/Analytics.ts"
import { sum } from "#domain/shared/Money.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { History } from "#runtime/projection/History.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { notFound } from "../door/Fault.ts"
import { viewFault } from "../door/Views.ts"
import { decimal, epoch, present } from "../resource/Fields.ts"
import { wordsOf } from "../resource/Words.ts"
import { getAnalytics, type Metric } from "./AnalyticsApi.ts"
import { ownContact } from "./OwnContact.ts"

/** The months of a period, counted back from the current one: the latest, and how many. */
const periods = {
  THIS_MONTH: { latest: 0, months: 1 },
  LAST_MONTH: { latest: 1, months: 1 },
  LAST_QUARTER: { latest: 0, months: 3 },
  LAST_SIX_MONTHS: { latest: 0, months: 6 }
}

export const analyticsRoutes = [
  serve(
    getAnalytics,
    Effect.fnUntraced(function* (call) {
      const id = yield* ownContact(call)
      const { business } = call.principal
      const actors = yield* Actors
      const history = yield* History
      const { state } = yield* actors.read(business.id, id, "contact")
      if (state.id === "") return yield* Effect.fail(notFound("contact", id))
      const { latest, months } = periods[call.query.frequency]
      const now = yield* Clock.currentTimeMillis
      const startOf = (monthsBefore: number) => monthStart(now, monthsBefore, business.timeZone)
      const [from, until] = [startOf(latest + months - 1), startOf(latest - 1)]
      const events = yield* Effect.mapError(history.since(business.id, id, from, analysedTags), viewFault)
      const found = analyticsOf(events, until)
      const money = (minor: bigint) => decimal(minor, state.currency)
      const totals = {
        total_top_ups: money(found.toppedUp),
        total_spent: money(found.spent),
        total_sent: money(found.sent),
        total_received: money(found.received)
      }
      const monthly = (entries: ReadonlyArray<{ readonly amount: bigint; readonly at: number }>) =>
        Array.from({ length: months }, (_, month) => {
          const [begin, end] = [startOf(latest + month), startOf(latest + month - 1)]
          const ofMonth = entries.filter(({ at }) => begin <= at && at < end)
          return { amount: money(sum(ofMonth.map(({ amount }) => amount))), timestamp: epoch(begin) }
        })
      const metrics = wordsOf<Metric>(call.query.metrics)
      return {
        body: present({
          total_orders: metrics.has("ORDER_TOTALS") ? found.purchases : undefined,
          wallet_totals: metrics.has("WALLET_TOTALS") ? totals : undefined,
          awards_per_month: metrics.has("AWARDS_PER_MONTH") ? monthly(found.awards) : undefined,
          redeems_per_month: metrics.has("REDEEMS_PER_MONTH") ? monthly([]) : undefined
        })
      }
    })
  )
]
