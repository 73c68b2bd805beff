/**
 * A write that was answered before it was done (202): that it is under way or held for an approval, and in the end what it
 * answered or why it was refused. Its id is its command's, so it can be read for as long as the journal remembers commands.
 */
import type { Answer } from "#domain/Answer.ts"
import { absurd } from "#domain/shared/Aggregate.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { Reply } from "#runtime/actor/Pending.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { faultOf, problemJson } from "../door/Fault.ts"
import { renderAward } from "./Award.ts"
import { renderPurchase } from "./Purchase.ts"

export const Operation = Schema.Struct({
  id: Schema.String,
  /** HELD: it is done, or refused, once the business has decided about it. */
  state: Schema.Literals(["RUNNING", "HELD", "DONE", "REFUSED"]),
  /** Of one that is HELD: what is decided, as the lists of approvals name it. */
  approval: Schema.optionalKey(Schema.Struct({ id: Schema.String })),
  /** Once it is DONE: the id of what was made or changed, or the whole of it where the write answers the whole. */
  result: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  /** Once it is REFUSED: the problem that the write would have been answered with. */
  problem: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})
export type Operation = typeof Operation.Type

export const operationPath = (id: string): string => `/backoffice/v2/operations/${id}`

type Json = NonNullable<Operation["result"]>

const resultOf = (business: Business, answer: Answer): Json => {
  switch (answer._tag) {
    case "Done":
      return { id: answer.id }
    case "ContactRegisteredAnswer": {
      const { contactId: id, identity } = answer
      const wallet = { id, code: identity.walletCode }
      return { id, code: identity.code, referral_code: identity.referralCode, wallet }
    }
    case "PurchaseAnswer":
      return renderPurchase(answer.purchase, {
        buyer: answer.buyer,
        organisation: (id) => business.organisations[id]?.name
      })
    case "AwardAnswer":
      return renderAward(answer.award)
    case "SendJudged":
      return { verdict: answer.verdict }
    default:
      return absurd(answer)
  }
}

export const heldOperation = (id: string, heldAs: string): Operation => ({
  id,
  state: "HELD",
  approval: { id: heldAs }
})

/** `reply` is what the journal says: without an outcome, a later turn still has to settle it. */
export const renderOperation = (business: Business, id: string, reply: Reply, heldAs?: string): Operation => {
  if (heldAs !== undefined) return heldOperation(id, heldAs)
  if (reply._tag === "Failed") return { id, state: "RUNNING" }
  return Result.isSuccess(reply.outcome)
    ? { id, state: "DONE", result: resultOf(business, reply.outcome.success) }
    : { id, state: "REFUSED", problem: JSON.parse(problemJson(faultOf(reply.outcome.failure), operationPath(id))) }
}
