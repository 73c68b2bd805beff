/** Communications of the contact who asks: another's are as good as not there. */
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Communications } from "#runtime/communication/Communications.ts"
import * as Effect from "effect/Effect"
import { ask } from "../door/Asking.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { invalidField, notFound } from "../door/Fault.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { renderCommunication } from "../resource/Communication.ts"
import { isId } from "../resource/Fields.ts"
import { isOn } from "../resource/Paging.ts"
import { periodOf } from "../resource/Period.ts"
import { actOnCommunication, getOwnCommunication, listOwnCommunications } from "./CommunicationsApi.ts"
import { ownContact } from "./OwnContact.ts"

const sorts = { CREATED_DATE: "CREATED", UPDATED_DATE: "UPDATED", POSTED_DATE: "CREATED", NAME: "NAME" } as const

const ownCommunication = Effect.fnUntraced(function* ({
  principal,
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = params["id"] ?? ""
  if (!isId(id)) return yield* Effect.fail(notFound("communication", id))
  const communications = yield* Communications
  yield* caughtUp("communication")
  const found = yield* Effect.mapError(communications.get(principal.business.id, id.toLowerCase()), viewFault)
  return found === undefined || found.contact !== principal.contactId
    ? yield* Effect.fail(notFound("communication", id))
    : found
})

export const ownCommunicationRoutes = [
  serve(
    getOwnCommunication,
    Effect.fnUntraced(function* (call) {
      const communication = yield* ownCommunication(call)
      const actors = yield* Actors
      const { state } = yield* actors.read(call.principal.business.id, communication.contact, "contact")
      return { body: renderCommunication(communication, state) }
    })
  ),
  serve(
    actOnCommunication,
    Effect.fnUntraced(function* (call) {
      const communication = yield* ownCommunication(call)
      const { id, contact, viewedAt, archived } = communication
      const { body } = call
      if (body.id !== undefined && body.id.toLowerCase() !== id) {
        return yield* Effect.fail(invalidField("/id", "It is not the communication of the path."))
      }
      if (body.viewed === true && viewedAt === undefined) {
        // Seen is seen, by whichever way: a single fact, under a single id.
        const once = { ...call, commandId: nameUuid("communication viewed", call.principal.business.id, id) }
        const command = { _tag: "MarkCommunication", communicationId: id, mark: "VIEWED" } as const
        yield* ask({ ...once, fingerprint: "communication" }, contact, command)
      }
      if (body.archived !== null && body.archived !== archived) {
        const mark = body.archived ? "ARCHIVED" : "UNARCHIVED"
        const command = { _tag: "MarkCommunication", communicationId: id, mark } as const
        yield* ask(call, contact, command, { step: "archive" })
      }
      return { body: { id } }
    })
  ),
  serve(
    listOwnCommunications,
    Effect.fnUntraced(function* (call) {
      const contact = yield* ownContact(call)
      const { principal, query } = call
      const communications = yield* Communications
      const actors = yield* Actors
      yield* caughtUp("communication")
      const page = yield* communications
        .list({
          ...requestOf({ include_total: "true", ...query }),
          ...periodOf(query, "created_on"),
          business: principal.business.id,
          contact,
          channel: query.channel,
          // Without the flag, and when it is false, all are shown.
          archived: isOn(query.archived) ? true : undefined,
          viewed: isOn(query.viewed) ? true : undefined,
          sort: sorts[query.sort ?? "CREATED_DATE"]
        })
        .pipe(Effect.mapError(viewFault))
      const { state } = yield* actors.read(principal.business.id, contact, "contact")
      return { body: answerOf(page, query, (row) => renderCommunication(row, state)) }
    })
  )
]
