/** Awards in the back office: points and cashback that a business gives a contact. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Award } from "../resource/Award.ts"
import { Amount, CurrencyCode, Id, Line } from "../resource/Fields.ts"

const tag = "Awards"
const access = "secret"
const awards = "/backoffice/v2/contacts/:id/awards"
const one = `${awards}/:award_id` as const

export const AwardBody = Schema.Struct({
  /** What the business calls it: segments and automations can ask for it, so nothing personal belongs here. */
  name: Line,
  /** One of the two. */
  amount: Schema.optionalKey(Amount),
  /** Of the purchase: above 0, at most 1000, at most two decimals. Half a minor unit goes to the even side. */
  percent: Schema.optionalKey(Schema.Finite),
  /** Absent: the wallet's currency. */
  currency_code: Schema.optionalKey(CurrencyCode),
  commerce_pool_id: Schema.optionalKey(Id),
  /** One of hers that is posted. A purchase has at most 20 awards. */
  purchase_id: Schema.optionalKey(Id)
})
export type AwardBody = typeof AwardBody.Type

export const giveAward = declare({
  method: "POST",
  path: awards,
  tag,
  name: "giveAward",
  summary: "Give a contact an award",
  description:
    "An amount, or a percentage of what one of her purchases cost less what commerce money paid of it. Without a commerce " +
    "pool the money is open and never expires; with one it is under the pool's conditions and validity. It sets off the " +
    "automations of AWARD_GIVEN, and those of WALLET_CREDITED. Cancelling the purchase takes it back.",
  access,
  body: AwardBody,
  status: 201,
  success: Award
})

export const getAward = declare({
  method: "GET",
  path: one,
  tag,
  name: "getAward",
  summary: "Read an award",
  access,
  status: 200,
  success: Award
})

export const actOnAward = declare({
  method: "POST",
  path: `${one}/actions`,
  tag,
  name: "actOnAward",
  summary: "Take an award back",
  description:
    "From what is left of it, then from its commerce pool, then from the open pocket; what of it has expired is not asked " +
    "for. Where that is not enough nothing is taken. A second time changes nothing and answers the same.",
  access,
  body: Schema.Struct({ action: Schema.Literals(["REVERSE"]) }),
  status: 200,
  success: Award
})
