/**
 * What waits until somebody decides: requests that an automation holds, and runs of automations at an approval; and what
 * automations turned away. Safe to share with clients.
 */
import { HeldStanding } from "#domain/held/Held.ts"
import { Undecided } from "#domain/automation/Undecided.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { NoFields } from "../door/Validation.ts"
import { Contact } from "../resource/Contact.ts"
import { Line } from "../resource/Fields.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Approvals"
const approvals = "/backoffice/v2/approvals"
const PriorTrigger = Schema.Literals(["PRIOR_TO_CREATION", "PRIOR_TO_UPDATE"])
const Type = Schema.Literals(["REQUEST", "RUN"])
const Automation = Schema.Struct({ id: Schema.String, version: Schema.Int })

const approvalShape = {
  /** Of a RUN its own. */
  id: Schema.String,
  /** A request to make or change a contact, or a run of an automation that waits at an APPROVAL. */
  type: Type,
  state: HeldStanding,
  trigger: Schema.String,
  /** Who is to be made or changed, or whom the run is about. */
  contact_id: Schema.String,
  automations: Schema.Array(Automation),
  /** Who is to decide, as the business names its people; only of a RUN whose APPROVAL says so. */
  assignee: Schema.optionalKey(Schema.String),
  /** Of a REQUEST: where whoever sent it is told its end. */
  operation: Schema.optionalKey(Schema.Struct({ id: Schema.String })),
  /** Epoch seconds. */
  held_on: Schema.Int,
  expires_on: Schema.Int,
  decided_on: Schema.optionalKey(Schema.Int)
}
const Approval = Schema.Struct(approvalShape)
export type Approval = typeof Approval.Type

export const listApprovals = declare({
  method: "GET",
  path: approvals,
  tag,
  name: "listApprovals",
  summary: "List what waits for approval, or did",
  description:
    "Requests that are held and runs that wait, by when they began to. Nothing of what they say is in the list. What nobody " +
    "decides within seven days has LAPSED: the request is refused, the run ends without what stands behind its approval.",
  access: "secret",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    state: Schema.optionalKey(HeldStanding),
    type: Schema.optionalKey(Type),
    assignee: Schema.optionalKey(Line)
  }),
  status: 200,
  success: listOf(Approval)
})

export const getApproval = declare({
  method: "GET",
  path: `${approvals}/:id`,
  tag,
  name: "getApproval",
  summary: "Read what waits for approval",
  description:
    "Of a request with the contact as she would be, where it can still be done and is not decided. Of a run, `automation_runs` says more.",
  access: "secret",
  status: 200,
  success: Schema.Struct({ ...approvalShape, contact: Schema.optionalKey(Contact) })
})

const Decided = Schema.Struct({ id: Schema.String })

export const approve = declare({
  method: "POST",
  path: `${approvals}/:id/approve`,
  tag,
  name: "approve",
  summary: "Approve a request, or what a run waits for",
  description:
    "A run goes on behind its approval. A request is judged as things stand now, and done in the same commit. What cannot be done any more is refused for its own " +
    "reason, and goes on waiting.",
  access: "secret",
  body: NoFields,
  status: 200,
  success: Decided
})

export const reject = declare({
  method: "POST",
  path: `${approvals}/:id/reject`,
  tag,
  name: "reject",
  summary: "Reject a request, or what a run waits for",
  description: "Whoever sent the request is refused; of a run the actions behind the approval are never done.",
  access: "secret",
  body: NoFields,
  status: 200,
  success: Decided
})

export const listAutomationRejections = declare({
  method: "GET",
  path: "/backoffice/v2/automation_rejections",
  tag,
  name: "listAutomationRejections",
  summary: "List what automations turned away before it was done",
  description:
    "Newest first unless ordered otherwise, the latest ten thousand. Nothing of what was asked is kept, and a contact is " +
    "named only where she existed. NOT_DECIDED says in failure why nobody outside decided, as the refusal did, and in status " +
    "what was answered in place of 200.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, ...cursorQuery }),
  status: 200,
  success: listOf(
    Schema.Struct({
      id: Schema.String,
      /** Epoch seconds. */
      at: Schema.Int,
      trigger: PriorTrigger,
      verdict: Schema.Literals(["REJECTED", "NOT_DECIDED"]),
      /** Of NOT_DECIDED: why not, and which status was answered where that is why. */
      ...Undecided.fields,
      automation: Automation,
      contact_id: Schema.optionalKey(Schema.String)
    })
  )
})
