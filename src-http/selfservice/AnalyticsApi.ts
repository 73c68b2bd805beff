/** What a contact did in a period, for her own app. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Amount } from "../resource/Fields.ts"
import { words } from "../resource/Words.ts"

const MonthlyAmount = Schema.Struct({
  amount: Amount,
  /** When the month begins, epoch seconds. */
  timestamp: Schema.Int
})

const metrics = ["ORDER_TOTALS", "WALLET_TOTALS", "AWARDS_PER_MONTH", "REDEEMS_PER_MONTH"] as const
export type Metric = (typeof metrics)[number]

export const getAnalytics = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/analytics",
  tag: "Contact Analytics",
  name: "getAnalytics",
  summary: "Sum up what a contact did",
  description:
    "In calendar months of the business's time zone, the current one included unless it is LAST_MONTH. Orders are the " +
    "purchases that were posted and not cancelled. Spent is what they were paid with, from her own wallet and from shared " +
    "ones. What a member draws from a shared wallet is sent by its owner and received by the member, as a transfer is, until " +
    "it comes back. What was debited by hand, has expired or was taken back of an award is in no total. Awards stand in the month in which they were given, unless they were " +
    "taken back since. Nothing is redeemed yet, so those months show nothing.",
  access: "contact",
  query: Schema.Struct({
    frequency: Schema.Literals(["THIS_MONTH", "LAST_MONTH", "LAST_QUARTER", "LAST_SIX_MONTHS"]),
    metrics: words(metrics)
  }),
  status: 200,
  success: Schema.Struct({
    total_orders: Schema.optionalKey(Schema.Int),
    wallet_totals: Schema.optionalKey(
      Schema.Struct({
        total_top_ups: Amount,
        total_spent: Amount,
        total_sent: Amount,
        total_received: Amount
      })
    ),
    awards_per_month: Schema.optionalKey(Schema.Array(MonthlyAmount)),
    redeems_per_month: Schema.optionalKey(Schema.Array(MonthlyAmount))
  })
})
