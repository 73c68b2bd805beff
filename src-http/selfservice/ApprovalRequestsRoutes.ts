/** What of the contact who asks is held: the back office's approvals, seen from her side. */
import type { HeldStanding } from "#domain/held/Held.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { HeldCommands, heldCommands } from "#runtime/automation/HeldCommands.ts"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { epoch } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import { type ApprovalRequest, listApprovalRequests } from "./ApprovalRequestsApi.ts"
import { ownContact } from "./OwnContact.ts"

/** Nobody said yes in time: for her that is a no. */
const shown: Readonly<Record<HeldStanding, ApprovalRequest["state"]>> = {
  PENDING: "PENDING",
  APPROVED: "APPROVED",
  REJECTED: "REJECTED",
  LAPSED: "REJECTED"
}
const standings: Readonly<Record<ApprovalRequest["state"], ReadonlyArray<HeldStanding>>> = {
  PENDING: ["PENDING"],
  APPROVED: ["APPROVED"],
  REJECTED: ["REJECTED", "LAPSED"]
}

export const approvalRequestRoutes = [
  serve(
    listApprovalRequests,
    Effect.fnUntraced(function* (call) {
      const contact = yield* ownContact(call)
      const { business } = call.principal
      const query = { include_total: "true", ...call.query } as const
      if (query.entity_types !== undefined) return { body: pageOf([], query) }
      const actors = yield* Actors
      const { state: own } = yield* actors.read(business.id, contact, "contact")
      yield* caughtUp(heldCommands.name)
      const view = yield* HeldCommands
      const page = yield* view
        .list({
          ...requestOf(query),
          business: business.id,
          contact,
          states: query.state === undefined ? undefined : standings[query.state],
          sort: query.sort === "UPDATED_DATE" ? "CHANGED" : "HELD"
        })
        .pipe(Effect.mapError(viewFault))
      const rendered = answerOf(page, query, ({ id, state, contactId, commandId, expiresAt }): ApprovalRequest => ({
        id,
        state: shown[state],
        entity: { id: contactId, reference: own.identity.code },
        operation: { id: commandId },
        expires_on: epoch(expiresAt)
      }))
      return { body: rendered }
    })
  )
]
