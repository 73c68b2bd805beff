/** Requests that an automation holds until somebody decides, and what automations turned away. Safe to share with clients. */
import { HeldStanding } from "#domain/held/Held.ts"
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { NoFields } from "../door/Validation.ts"
import { Contact } from "../resource/Contact.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"

const tag = "Approvals"
const approvals = "/backoffice/v2/approvals"
const Trigger = Schema.Literals(["PRIOR_TO_CREATION", "PRIOR_TO_UPDATE"])
const Automation = Schema.Struct({ id: Schema.String, version: Schema.Int })

const approvalShape = {
  id: Schema.String,
  state: HeldStanding,
  trigger: Trigger,
  /** Who is to be made, or changed. */
  contact_id: Schema.String,
  automations: Schema.Array(Automation),
  /** Where the request that waits is told its end. */
  operation: Schema.Struct({ id: Schema.String }),
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
  summary: "List the requests that wait for approval, or did",
  description: "Nothing of what they say is in the list.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, ...cursorQuery, state: Schema.optionalKey(HeldStanding) }),
  status: 200,
  success: listOf(Approval)
})

export const getApproval = declare({
  method: "GET",
  path: `${approvals}/:id`,
  tag,
  name: "getApproval",
  summary: "Read a request that waits for approval",
  description: "With the contact as she would be, where the request can still be done and is not decided.",
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
  summary: "Approve a request",
  description:
    "It is judged as things stand now, and done in the same commit. What cannot be done any more is refused for its own " +
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
  summary: "Reject a request",
  description: "Whoever sent it is refused.",
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
    "named only where she existed.",
  access: "secret",
  query: Schema.Struct({ ...pagingQuery, ...cursorQuery }),
  status: 200,
  success: listOf(
    Schema.Struct({
      id: Schema.String,
      /** Epoch seconds. */
      at: Schema.Int,
      trigger: Trigger,
      verdict: Schema.Literals(["REJECTED", "NOT_DECIDED"]),
      automation: Automation,
      contact_id: Schema.optionalKey(Schema.String)
    })
  )
})
