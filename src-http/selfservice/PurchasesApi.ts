/** Purchases as the contact who made them sees them, wire-compatible with the published description. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Amount } from "../resource/Fields.ts"
import { cursorQuery, Flag, listOf, pagingQuery } from "../resource/Paging.ts"
import { periodQuery } from "../resource/Period.ts"
import { Purchase } from "../resource/Purchase.ts"
import { sort } from "../resource/WalletQuery.ts"

const tag = "Purchase Customer Events"

export const listContactPurchases = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/purchases",
  tag,
  name: "listContactPurchases",
  summary: "List a contact's purchases, latest posted first",
  description: "In the order in which they were posted, whichever `sort` is named; a cancel does not move a purchase.",
  access: "contact",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    ...periodQuery("date"),
    is_ad_hoc_returned: Schema.optionalKey(Flag),
    sort
  }),
  status: 200,
  success: listOf(Purchase)
})

export const getOwnPurchase = declare({
  method: "GET",
  path: "/self-service/v2/purchases/:id",
  tag,
  name: "getOwnPurchase",
  summary: "Read a purchase",
  access: "contact",
  status: 200,
  success: Purchase
})

const RewardType = Schema.Literals(["AWARD", "REDEEM", "SPEND"])

export const listPurchaseRewards = declare({
  method: "GET",
  path: "/self-service/v2/purchases/:id/rewards",
  tag,
  name: "listPurchaseRewards",
  summary: "List what a purchase was awarded, award by award, and what it spent, commerce pool by commerce pool",
  access: "contact",
  query: Schema.Struct({ type: Schema.optionalKey(RewardType) }),
  status: 200,
  success: Schema.Struct({
    content: Schema.Array(
      Schema.Struct({
        type: RewardType,
        /** What the business calls an award. */
        name: Schema.optionalKey(Schema.String),
        amount: Amount,
        currency_code: Schema.String,
        /** Absent for money of the open pocket. */
        commerce_pool: Schema.optionalKey(Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String) }))
      })
    )
  })
})
