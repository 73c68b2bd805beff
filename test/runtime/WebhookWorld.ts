/** Webhooks over a database of their own, quick to try again, and words to define endpoints and fill contacts. */
import type { EventType } from "#domain/webhook/EventType.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Definitions from "#runtime/actor/Definitions.ts"
import * as Outbox from "#runtime/outbox/Outbox.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import { type Disabled, DisabledNotice } from "#runtime/webhook/DisabledNotice.ts"
import * as Webhooks from "#runtime/webhook/Webhooks.ts"
import { ask, writeSide } from "./ReadSide.ts"
import { businessId, contactId, credit } from "./SampleCommands.ts"

/** What was told of endpoints that were switched off. */
export class Notices extends Context.Service<Notices, Array<Disabled>>()("koinon/test/Notices") {}

export const webhookSide = (settings: Partial<Webhooks.Settings> = {}, definitions = Definitions.layer) => {
  const notices: Array<Disabled> = []
  const told = Layer.succeed(DisabledNotice, (disabled) => Effect.sync(() => void notices.push(disabled)))
  const webhooks = Webhooks.layer({
    allowed: ["127.0.0.0/8"],
    backoff: { firstMs: 20, mostMs: 100 },
    ...settings
  }).pipe(Layer.provide(told))
  const projector = Layer.unwrap(Effect.map(Webhooks.Webhooks, ({ projection }) => Projector.layer([projection])))
  return Layer.mergeAll(projector, Layer.succeed(Notices, notices)).pipe(
    Layer.provideMerge(webhooks),
    Layer.provideMerge(Layer.mergeAll(Outbox.layer, definitions)),
    Layer.provideMerge(writeSide)
  )
}

export const endpointId = (number: number): string => `f0000000-0000-4000-8000-${String(number).padStart(12, "0")}`

export const endpoint = (number: number, url: string, events: "*" | ReadonlyArray<EventType> = ["wallet.credited"]) =>
  ask({
    business: businessId,
    key: businessId,
    command: {
      _tag: "SaveEndpoint",
      id: endpointId(number),
      name: `Endpoint ${number}`,
      body: { url, events, secretId: `secret-${number}` }
    }
  })

export const switched = (number: number, state: "ACTIVE" | "INACTIVE") =>
  ask({
    business: businessId,
    key: businessId,
    command: { _tag: "ChangeEndpointState", id: endpointId(number), state }
  })

let credits = 0
export const credited = (contact: number, amount = 1n) => ask(credit(contact, amount, `credit-${++credits}`))

/** What an endpoint was to be told of a contact, in order. */
export const series = Effect.fnUntraced(function* (number: number, contact?: number) {
  const { deliveries } = yield* Webhooks.Webhooks
  const page = yield* deliveries.list(businessId, endpointId(number), {
    size: 200,
    order: "ASC",
    contact: contact === undefined ? undefined : contactId(contact)
  })
  return page.rows
})
