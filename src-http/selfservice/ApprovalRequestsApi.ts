/**
 * What of a contact's own waits for the approval of the business, or did (AUT-5), wire-compatible with the published
 * description. It is decided in the back office: nobody approves her own request. Safe to share with clients.
 */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { cursorQuery, listOf, pagingQuery } from "../resource/Paging.ts"
import { words } from "../resource/Words.ts"

/** What is approved elsewhere: none of it is held here. */
const entityTypes = ["REWARD_OFFERS", "ORGANISATIONS", "SERVICE_REQUESTS", "ORDERS"] as const
const State = Schema.Literals(["PENDING", "APPROVED", "REJECTED"])

const ApprovalRequest = Schema.Struct({
  id: Schema.String,
  state: State,
  /** The contact who is to be made or changed. It has no type: contacts are none of those that are described. */
  entity: Schema.Struct({ id: Schema.String, reference: Schema.String }),
  /** The request that waits, as its 202 named it. */
  operation: Schema.Struct({ id: Schema.String }),
  /** Epoch seconds: when it is as good as rejected. */
  expires_on: Schema.Int
})
export type ApprovalRequest = typeof ApprovalRequest.Type

export const listApprovalRequests = declare({
  method: "GET",
  path: "/self-service/v2/contacts/:id/approval_requests",
  tag: "Approval Requests",
  name: "listApprovalRequests",
  summary: "List what of a contact waits for approval, or did, newest first",
  description:
    "The contact herself is what is held, so with `entity_types` the list is empty. Whatever nobody approved in time is " +
    "REJECTED. The business decides, not the contact.",
  access: "contact",
  query: Schema.Struct({
    ...pagingQuery,
    ...cursorQuery,
    entity_types: Schema.optionalKey(words(entityTypes)),
    state: Schema.optionalKey(State),
    /** A request has no name and is scheduled for no date: both sort as `CREATED_DATE` does. */
    sort: Schema.optionalKey(Schema.Literals(["CREATED_DATE", "UPDATED_DATE", "NAME", "SCHEDULED_DATE"]))
  }),
  status: 200,
  success: listOf(ApprovalRequest)
})
