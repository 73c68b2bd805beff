/** Deliveries of a business: read from the view, with the attempts that the outbox keeps. */
import type { Command } from "#domain/Command.ts"
import { purposeAtSend } from "#domain/communication/SendPurpose.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { ownWords } from "#runtime/communication/CommunicationBodies.ts"
import { type SendTask, taskOf } from "#runtime/communication/CommunicationView.ts"
import { Communications } from "#runtime/communication/Communications.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import * as Effect from "effect/Effect"
import { answer, answeredBefore, idOf } from "../door/Asking.ts"
import { definedBy } from "../door/Defined.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { fault, invalidField, notFound } from "../door/Fault.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { renderDelivery } from "../resource/Communication.ts"
import { readEventValues } from "../resource/EventValues.ts"
import { epoch, isId, present } from "../resource/Fields.ts"
import { periodOf } from "../resource/Period.ts"
import { findContact } from "./ContactReference.ts"
import { getDelivery, listDeliveries, retryDelivery, sendCommunication } from "./DeliveriesApi.ts"

const sorts = { CREATED_DATE: "CREATED", UPDATED_DATE: "UPDATED", NAME: "NAME" } as const
const contactsAtOnceMax = 16
/** Characters of what a message is told of its event. */
const valuesLengthMax = 65_536

const outboxFault = (cause: unknown) => viewFault(new ViewUnavailable({ view: "outbox", cause }))

const found = Effect.fnUntraced(function* ({
  principal,
  params
}: Pick<Call<unknown, unknown>, "principal" | "params">) {
  const id = params["id"] ?? ""
  if (!isId(id)) return yield* Effect.fail(notFound("delivery", id))
  yield* caughtUp("communication")
  const communications = yield* Communications
  const delivery = yield* Effect.mapError(communications.get(principal.business.id, id.toLowerCase()), viewFault)
  return delivery === undefined ? yield* Effect.fail(notFound("delivery", id)) : delivery
})

interface Wish extends Pick<SendTask, "communicationId" | "channel" | "purpose" | "name" | "templateId"> {
  readonly values: SendTask["values"] | undefined
}
const wish = (given: Wish): Command => ({ _tag: "RequestCommunication", ...present(given) })

/** The template, or why nothing is sent of it. */
const sendable = Effect.fnUntraced(function* (business: string, id: string) {
  const template = (yield* definedBy({ id: business }, "templates"))[id]
  if (template === undefined) return "There is no such template in this business."
  return template.state === "ACTIVE" ? template : "The template is switched off."
})

const notNow = (code: string, detail: string) => fault(409, code, "Nothing to send again", detail)

export const deliveryRoutes = [
  serve(
    listDeliveries,
    Effect.fnUntraced(function* ({ principal, query }) {
      const { business } = principal
      const communications = yield* Communications
      const actors = yield* Actors
      yield* caughtUp("communication")
      const page = yield* communications
        .list({
          ...requestOf(query),
          ...periodOf(query, "created_on"),
          business: business.id,
          contact: query.contact_id?.toLowerCase(),
          state: query.state,
          channel: query.channel,
          planId: query.plan_id?.toLowerCase(),
          sort: sorts[query.sort ?? "CREATED_DATE"]
        })
        .pipe(Effect.mapError(viewFault))
      const contacts = yield* Effect.forEach(
        new Set(page.rows.map(({ contact }) => contact)),
        (id) => Effect.map(actors.read(business.id, id, "contact"), ({ state }) => [id, state] as const),
        { concurrency: contactsAtOnceMax }
      )
      const states = new Map(contacts)
      const shown = page.rows.flatMap((row) => {
        const contact = states.get(row.contact)
        return contact === undefined ? [] : [renderDelivery(row, contact)]
      })
      return { body: answerOf({ ...page, rows: shown }, query, (delivery) => delivery) }
    })
  ),
  serve(
    getDelivery,
    Effect.fnUntraced(function* (call) {
      const delivery = yield* found(call)
      const { business, contact, id, stored } = delivery
      const actors = yield* Actors
      const outbox = yield* Outbox
      const { state } = yield* actors.read(business, contact, "contact")
      const task = taskOf(business, id)
      const attempts = yield* Effect.mapError(outbox.attempts(business, task), outboxFault)
      const waiting = yield* Effect.mapError(outbox.get(business, task), outboxFault)
      return {
        body: present({
          ...renderDelivery(delivery, state),
          text: stored?.body.text,
          attempts: attempts.map(({ number, startedAt, endedAt, outcome, reason, log }) =>
            present({
              number,
              started_on: epoch(startedAt),
              ended_on: epoch(endedAt),
              outcome,
              reason: reason ?? (typeof log === "string" ? log : undefined)
            })
          ),
          next_attempt_on: waiting?.state === "WAITING" ? epoch(waiting.dueAt) : undefined
        })
      }
    })
  ),
  serve(
    retryDelivery,
    Effect.fnUntraced(function* (call) {
      const before = yield* answeredBefore(call)
      if (before !== undefined) return { body: { id: idOf(before.answer) }, replayed: true }
      const { business, contact, id, state } = yield* found(call)
      const outbox = yield* Outbox
      if (state === "COMPLETED") return yield* Effect.fail(notNow("KOINON.WAS_SENT", "It was sent."))
      const task = taskOf(business, id)
      if (state === "PENDING") {
        const resumed = yield* Effect.mapError(outbox.resume(business, task), outboxFault)
        if (resumed) return { body: { id } }
        return yield* Effect.fail(notNow("KOINON.STILL_TRYING", "It is still being tried; see next_attempt_on."))
      }
      const kept = yield* Effect.mapError(outbox.get(business, task), outboxFault)
      if (kept?.body === undefined) {
        return yield* Effect.fail(notNow("KOINON.FORGOTTEN", "What it was to say is not kept any more; send it anew."))
      }
      const asked = kept.body as unknown as SendTask
      const { channel, name, templateId, values } = asked
      if (templateId === ownWords) {
        return yield* Effect.fail(notNow("KOINON.NOT_REPEATED", "A printout is asked for anew, by whom it is for."))
      }
      const template = yield* sendable(business, templateId)
      if (typeof template === "string") return yield* Effect.fail(notNow("KOINON.TEMPLATE_INACTIVE", template))
      const purpose = purposeAtSend(asked, template.body)
      const communicationId = nameUuid("communication", call.commandId)
      const { answer: done } = yield* answer(
        call,
        contact,
        wish({ communicationId, channel, purpose, name, templateId, values })
      )
      return { body: { id: idOf(done) } }
    })
  ),
  serve(
    sendCommunication,
    Effect.fnUntraced(function* (call) {
      const { principal, params, body } = call
      const before = yield* answeredBefore(call)
      if (before !== undefined) return { body: { id: idOf(before.answer) }, replayed: true }
      const contact = yield* findContact(principal, params["id"] ?? "")
      const templateId = body.template_id.toLowerCase()
      const template = yield* sendable(principal.business.id, templateId)
      if (typeof template === "string") return yield* Effect.fail(invalidField("/template_id", template))
      if (JSON.stringify(body.values ?? {}).length > valuesLengthMax) {
        return yield* Effect.fail(invalidField("/values", `They have at most ${valuesLengthMax} characters as JSON.`))
      }
      const { channel, purpose, events } = template.body
      const { currency } = contact.state
      const values = yield* readEventValues(body.values, { pointer: "/values", events, currency })
      const { answer: done, replayed } = yield* answer(
        call,
        contact.state.id,
        wish({
          communicationId: nameUuid("communication", call.commandId),
          channel,
          purpose,
          name: body.name ?? template.name,
          templateId,
          values
        })
      )
      return { body: { id: idOf(done) }, replayed }
    })
  )
]
