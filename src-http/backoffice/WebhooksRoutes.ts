/** Webhooks: endpoints are definitions at the business's own key; what was delivered stands in the outbox. */
import type { Definition } from "#domain/definition/Definition.ts"
import { type EndpointDefinition, rotated } from "#domain/webhook/Endpoint.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import type { CommandIdReused } from "#runtime/actor/RuntimeRefusal.ts"
import { parsePosition } from "#runtime/live/Position.ts"
import type { CursorInvalid, ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import { conditionsOf, type Delivery } from "#runtime/webhook/Deliveries.ts"
import { type Health, unknownHealth } from "#runtime/webhook/EndpointHealth.ts"
import type * as Replay from "#runtime/webhook/Replay.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { answer, ask } from "../door/Asking.ts"
import { type Call, serve } from "../door/Endpoint.ts"
import { fault, invalidField, notFound } from "../door/Fault.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { epoch, isId, present } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import * as Api from "./WebhooksApi.ts"

const projection = "webhooks"
const overlapHoursDefault = 24
const hourMs = 60 * 60_000
/** A change that others were quicker than is made again this often. */
const changesMax = 20

type Endpoint = Definition<EndpointDefinition>
type Asker = Pick<Call<unknown, unknown>, "principal" | "params">

const epochOptional = (at: number | undefined): number | undefined => (at === undefined ? undefined : epoch(at))

const render = ({ id, name, body, state, stateSince, version }: Endpoint, health: Health): Api.WebhookEndpoint =>
  present({
    id,
    name,
    url: body.url,
    events: body.events,
    description: body.description,
    notice_recipients: body.noticeRecipients,
    state,
    version,
    created_or_switched_on: epoch(stateSince),
    previous_secret_until: epochOptional(body.previous?.until),
    failing_since: epochOptional(health.failingSince),
    last_failure_at: epochOptional(health.lastFailureAt),
    last_failure: health.lastFailure,
    ...(state === "INACTIVE" && (health.disabledAt ?? 0) >= stateSince
      ? { disabled_at: epochOptional(health.disabledAt), disabled_for: health.disabledFor }
      : // Somebody has switched it on since, or off.
        { disabled_at: undefined, disabled_for: undefined })
  })

const renderDelivery = (delivery: Delivery): Api.WebhookDelivery =>
  present({
    id: delivery.id,
    contact_id: delivery.contact,
    sequence: delivery.sequence,
    type: delivery.type,
    date: epoch(delivery.at),
    state: delivery.state,
    reason: delivery.state === "WITHHELD" ? "The endpoint was switched off." : undefined,
    attempts: delivery.attempts,
    next_attempt: epochOptional(delivery.dueAt),
    finished: epochOptional(delivery.finishedAt)
  })

/** What could not be read or written now. */
const stored = <A>(effect: Effect.Effect<A, CursorInvalid | ViewUnavailable | CommandIdReused>) =>
  Effect.mapError(effect, (refusal) => (refusal._tag === "CommandIdReused" ? refusal : viewFault(refusal)))

const replayOf = ({ principal, commandId, fingerprint }: Call<unknown, unknown>) =>
  Effect.map(Clock.currentTimeMillis, (at): Replay.Request => ({
    id: commandId,
    business: principal.business.id,
    fingerprint,
    at
  }))
const replayReply = ({ replayed, next, isRepeated }: Replay.Replayed & { readonly isRepeated: boolean }) => ({
  body: { replayed, has_more: next !== undefined, ...present({ next_cursor: next }) },
  replayed: isRepeated
})

const all = Effect.fnUntraced(function* (business: string) {
  const actors = yield* Actors
  return yield* actors.read(business, business, "endpoints")
})

/** The endpoint that a request names. */
const named = Effect.fnUntraced(function* ({ principal: { business }, params: { id = "" } }: Asker) {
  const { state, seq } = yield* all(business.id)
  const key = id.toLowerCase()
  const endpoint = Object.hasOwn(state, key) ? state[key] : undefined
  if (endpoint === undefined) return yield* Effect.fail(notFound("webhook", id))
  return { endpoint, seq }
})

/** What is changed is what it is in that moment: a change that others make at the same time stays, a new secret above all. */
const saved = Effect.fnUntraced(function* (
  call: Call<unknown, unknown>,
  change: (known: Endpoint) => Pick<Endpoint, "name" | "body">
) {
  for (let left = changesMax; left > 0; left--) {
    const { endpoint, seq } = yield* named(call)
    const { id } = endpoint
    const command = { _tag: "SaveEndpoint", id, ...change(endpoint) } as const
    const expectedSeq = call.expectedSeq ?? seq
    const asked = Effect.asSome(answer(call, call.principal.business.id, command, { expectedSeq }))
    const given = yield* call.expectedSeq === undefined
      ? Effect.catchTag(asked, "PreconditionFailed", () => Effect.succeedNone)
      : asked
    if (Option.isSome(given)) return { id, replayed: given.value.replayed }
  }
  const detail = "The endpoints change too fast for this; try again."
  return yield* Effect.fail(fault(503, "KOINON.UNAVAILABLE", "Unavailable", detail, { retryAfterSeconds: 1 }))
})

/** Sent again is only to an endpoint that is on: what had arrived would count as missed otherwise. */
const awake = Effect.fnUntraced(function* ({ state }: Endpoint) {
  if (state === "ACTIVE") return
  const detail = "Switch it on first; what it missed since is kept for 30 days."
  return yield* Effect.fail(fault(409, "KOINON.WEBHOOK_OFF", "The endpoint is switched off", detail))
})

/** The ids of endpoint and delivery that a request names. */
const namedDelivery = Effect.fnUntraced(function* (call: Asker) {
  const { endpoint } = yield* named(call)
  const { deliveries } = yield* Webhooks
  const { delivery_id = "" } = call.params
  const business = call.principal.business.id
  const found = isId(delivery_id) ? yield* stored(deliveries.get(business, endpoint.id, delivery_id)) : undefined
  if (found === undefined) return yield* Effect.fail(notFound("delivery", delivery_id))
  return { endpoint, delivery: found }
})

const healthOf = Effect.fnUntraced(function* (business: string) {
  const webhooks = yield* Webhooks
  return yield* stored(webhooks.health(business))
})

/** The address may be called, as far as its text tells. */
const callable = Effect.fnUntraced(function* (url: string) {
  const webhooks = yield* Webhooks
  const objection = webhooks.objectionTo(url)
  if (objection !== undefined) return yield* Effect.fail(invalidField("/url", objection))
})

const endpointRoutes = [
  serve(
    Api.createWebhook,
    Effect.fnUntraced(function* (call) {
      const { name, url, events, description, notice_recipients: noticeRecipients } = call.body
      const { business } = call.principal
      yield* callable(url)
      const webhooks = yield* Webhooks
      const id = nameUuid("endpoint", call.commandId)
      const secretId = nameUuid("secret", call.commandId)
      const body = present({ url, events, description, noticeRecipients, secretId })
      const { replayed, seq } = yield* answer(call, business.id, { _tag: "SaveEndpoint", id, name, body })
      const { endpoint } = yield* named({ principal: call.principal, params: { id } })
      const secret = webhooks.secretOf(business.id, secretId)
      return { body: { ...render(endpoint, unknownHealth), secret }, replayed, seq }
    })
  ),
  serve(
    Api.listWebhooks,
    Effect.fnUntraced(function* ({ principal: { business }, query }) {
      const { state } = yield* all(business.id)
      const health = yield* healthOf(business.id)
      const endpoints = Object.values(state).toSorted((left, right) => (left.name < right.name ? -1 : 1))
      const inOrder = query.order === "DESC" ? endpoints.toReversed() : endpoints
      return {
        body: pageOf(
          inOrder.map((each) => render(each, health.get(each.id) ?? unknownHealth)),
          query
        )
      }
    })
  ),
  serve(
    Api.getWebhook,
    Effect.fnUntraced(function* (call) {
      const { endpoint, seq } = yield* named(call)
      const health = yield* healthOf(call.principal.business.id)
      return { body: render(endpoint, health.get(endpoint.id) ?? unknownHealth), seq }
    })
  ),
  serve(
    Api.changeWebhook,
    Effect.fnUntraced(function* (call) {
      const { name, state, notice_recipients: noticeRecipients, ...changes } = call.body
      const { business } = call.principal
      if (changes.url !== undefined) yield* callable(changes.url)
      const given = { ...changes, ...present({ noticeRecipients }) }
      const { id, replayed } = yield* saved(call, (known) => ({
        name: name ?? known.name,
        body: { ...known.body, ...given }
      }))
      if (state !== undefined) {
        yield* ask(call, business.id, { _tag: "ChangeEndpointState", id, state }, { step: "state" })
      }
      const after = yield* named(call)
      const health = yield* healthOf(business.id)
      return { body: render(after.endpoint, health.get(id) ?? unknownHealth), replayed, seq: after.seq }
    })
  ),
  serve(
    Api.deleteWebhook,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const id = (call.params["id"] ?? "").toLowerCase()
      const { replayed } = yield* answer(call, business.id, { _tag: "DeleteEndpoint", id })
      return { body: undefined, replayed }
    })
  ),
  serve(
    Api.rotateWebhookSecret,
    Effect.fnUntraced(function* (call) {
      const webhooks = yield* Webhooks
      const { business } = call.principal
      const secretId = nameUuid("secret", call.commandId)
      const at = yield* Clock.currentTimeMillis
      const until = at + (call.body.overlap_hours ?? overlapHoursDefault) * hourMs
      const { id, replayed } = yield* saved(call, ({ name, body }) => ({
        name,
        body: rotated(body, secretId, at, until)
      }))
      // Asked again, it is the same secret; the old one is good for as long as was said first.
      const { endpoint: after } = yield* named(call)
      const previous_secret_until = epoch(after.body.previous?.until ?? until)
      return { body: { id, secret: webhooks.secretOf(business.id, secretId), previous_secret_until }, replayed }
    })
  ),
  serve(
    Api.testWebhook,
    Effect.fnUntraced(function* (call) {
      const { endpoint } = yield* named(call)
      const webhooks = yield* Webhooks
      const test = webhooks.test(call.principal.business.id, endpoint.id, `test/${call.commandId}`)
      return { body: { delivery_id: yield* stored(test) } }
    })
  )
]

const deliveryRoutes = [
  serve(
    Api.listWebhookDeliveries,
    Effect.fnUntraced(function* (call) {
      const { endpoint } = yield* named(call)
      yield* caughtUp(projection)
      const { deliveries } = yield* Webhooks
      const { contact_id: contact, state, ...asked } = call.query
      const business = call.principal.business.id
      const query = { ...requestOf(asked), contact: contact?.toLowerCase(), state }
      return { body: answerOf(yield* stored(deliveries.list(business, endpoint.id, query)), asked, renderDelivery) }
    })
  ),
  serve(
    Api.getWebhookDelivery,
    Effect.fnUntraced(function* (call) {
      const { delivery } = yield* namedDelivery(call)
      const log = delivery.log.map(({ number, startedAt, endedAt, outcome, reason, log }) =>
        present({ number, started: epoch(startedAt), ended: epoch(endedAt), outcome, reason, log })
      )
      return { body: { ...renderDelivery(delivery), ...present({ payload: delivery.payload }), log } }
    })
  ),
  serve(
    Api.replayWebhookDelivery,
    Effect.fnUntraced(function* (call) {
      const { endpoint, delivery } = yield* namedDelivery(call)
      yield* awake(endpoint)
      const { deliveries } = yield* Webhooks
      return replayReply(yield* stored(deliveries.replay.one(yield* replayOf(call), delivery.id)))
    })
  ),
  serve(
    Api.replayWebhook,
    Effect.fnUntraced(function* (call) {
      const { endpoint } = yield* named(call)
      yield* awake(endpoint)
      const { contact_id, from_sequence: fromSequence, to_sequence: toSequence, position, since } = call.body
      const { only_missed: onlyMissed } = call.body
      if (Object.keys(call.body).length === 0) {
        return yield* Effect.fail(invalidField("", "Say what: since, position, only_missed, or numbers of a contact."))
      }
      if (contact_id === undefined && (fromSequence !== undefined || toSequence !== undefined)) {
        return yield* Effect.fail(invalidField("/contact_id", "Numbers are of a contact; say which."))
      }
      if (fromSequence !== undefined && toSequence !== undefined && toSequence < fromSequence) {
        const rule = `No number is from ${fromSequence} to ${toSequence}: give the lower one as from_sequence.`
        return yield* Effect.fail(invalidField("/to_sequence", rule))
      }
      const after = position === undefined ? undefined : parsePosition(position)
      if (position !== undefined && after === undefined) {
        return yield* Effect.fail(invalidField("/position", "It is not the position of an event."))
      }
      yield* caughtUp(projection)
      const { deliveries } = yield* Webhooks
      const contact = contact_id?.toLowerCase()
      const asked = {
        contact,
        fromSequence,
        toSequence,
        after,
        onlyMissed,
        since: since === undefined ? undefined : since * 1_000
      }
      const { id } = endpoint
      const conditions = conditionsOf(call.principal.business.id, id, asked)
      const request = yield* replayOf(call)
      const series = nameUuid("replay", id, JSON.stringify(asked))
      return replayReply(yield* stored(deliveries.replay.from(request, conditions, series, call.body.cursor)))
    })
  ),
  serve(
    Api.listWebhookSequences,
    Effect.fnUntraced(function* (call) {
      const { endpoint } = yield* named(call)
      yield* caughtUp(projection)
      const { deliveries } = yield* Webhooks
      const { contact_id: contact, ...asked } = call.query
      const query = { ...requestOf(asked), contact: contact?.toLowerCase() }
      const page = yield* stored(deliveries.series(call.principal.business.id, endpoint.id, query))
      return {
        body: answerOf(page, asked, ({ contact, last, ranges }) => ({
          contact_id: contact,
          last_sequence: last,
          ranges
        }))
      }
    })
  )
]

export const webhookRoutes = [...endpointRoutes, ...deliveryRoutes]
