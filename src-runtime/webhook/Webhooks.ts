/**
 * Webhooks (AUT-11): what happens to contacts, told to the endpoints of their business; at least once, signed, numbered and
 * in order for each contact, for days if need be. Contacts and endpoints do not wait for each other. Receivers tell
 * repetitions by `webhook-id`, and what they miss by the numbers.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { Outbox } from "../outbox/Outbox.ts"
import type { WorkOptions } from "../outbox/Task.ts"
import { Sealer } from "../privacy/Sealer.ts"
import type { Projection } from "../projection/Projection.ts"
import type { ViewUnavailable } from "../projection/ViewRefusal.ts"
import type { SegmentChangeSink } from "../segment/SegmentChange.ts"
import * as Calling from "./Calling.ts"
import * as Deliveries from "./Deliveries.ts"
import * as Delivering from "./Delivering.ts"
import { DisabledNotice } from "./DisabledNotice.ts"
import * as Forgetting from "./Forgetting.ts"
import * as EndpointHealth from "./EndpointHealth.ts"
import * as SegmentNews from "./SegmentNews.ts"
import { secretText } from "./Signature.ts"
import { Targets } from "./Targets.ts"
import { tell, testOf } from "./Telling.ts"
import { projectionOf, type Sources } from "./WebhookFeed.ts"

/** An attempt that takes longer has failed. */
const timeoutMs = 5_000
/** Calls under way at once, on one runner, over all endpoints. */
const concurrency = 256
/** A delivery is given up after this long; its number stays, so that it can be asked for. */
const giveUpAfterMs = 3 * 24 * 60 * 60_000
/** An endpoint that has failed for this long, without one success, is switched off. */
const disableAfterMs = 5 * 24 * 60 * 60_000
const backoff = { firstMs: 2_000, mostMs: 2 * 60 * 60_000 }

export interface Settings extends Partial<Pick<WorkOptions, "concurrency" | "giveUpAfterMs" | "backoff">> {
  /** Hosts, addresses and networks that may be called although they are not public. */
  readonly allowed: ReadonlyArray<string>
  readonly timeoutMs?: number
  readonly disableAfterMs?: number
}

export class Webhooks extends Context.Service<
  Webhooks,
  {
    /** Feeds what is committed; for the projector. */
    readonly projection: Projection
    /** Feeds who joins and leaves segments; for those who write memberships. */
    readonly sink: SegmentChangeSink
    /** Why an address may not be called, as far as its text tells. */
    readonly objectionTo: (url: string) => string | undefined
    readonly secretOf: (business: string, secretId: string) => string
    /** Sends an event that says nothing, in a lane of its own; the id of its delivery. The same name is sent once. */
    readonly test: (business: string, endpoint: string, name: string) => Effect.Effect<string, ViewUnavailable>
    readonly health: (business: string) => Effect.Effect<ReadonlyMap<string, EndpointHealth.Health>, ViewUnavailable>
    readonly deliveries: Deliveries.Deliveries
    /** Lets go of what was kept of deleted endpoints; at intervals that happens by itself. */
    readonly forget: Effect.Effect<void, ViewUnavailable>
  }
>()("koinon/runtime/Webhooks") {}

const make = Effect.fnUntraced(function* (settings: Settings) {
  const sql = yield* SqlClient
  const outbox = yield* Outbox
  const sealer = yield* Sealer
  const clock = yield* Clock.Clock
  const health = EndpointHealth.make(sql)
  const noticed = yield* DisabledNotice
  const sources: Sources = { actors: yield* Actors, definitions: yield* Definitions, outbox, clock, health, noticed }
  const targets = new Targets(settings.allowed)
  const attempt = yield* Delivering.make({
    ...sources,
    sealer,
    call: yield* Calling.make(targets),
    timeoutMs: settings.timeoutMs ?? timeoutMs,
    disableAfterMs: settings.disableAfterMs ?? disableAfterMs
  })
  yield* outbox.work("webhook", { concurrency, giveUpAfterMs, backoff, ...settings, attempt })

  return Webhooks.of({
    projection: projectionOf(sources),
    sink: (yield* SegmentNews.make(sql, sources)).sink,
    objectionTo: (url) => targets.objectionTo(url),
    secretOf: (business, secretId) => secretText(sealer, business, secretId),
    test: Effect.fn("Webhooks.test")(function* (business, endpoint, name) {
      const now = clock.currentTimeMillisUnsafe()
      const delivery = testOf(business, endpoint, name, now)
      const isKnown = Effect.map(outbox.get(business, delivery.task), (known) => known !== undefined)
      if (yield* Deliveries.orUnavailable(isKnown)) return delivery.task
      const told = sql.withTransaction(tell(sql, outbox, [delivery], now))
      // Asked for twice at once, the other one has told it by now.
      const orKnown = Effect.catch(told, (error) =>
        Effect.flatMap(isKnown, (isTold) => (isTold ? Effect.void : Effect.fail(error)))
      )
      yield* Deliveries.orUnavailable(orKnown)
      return delivery.task
    }),
    health: (business) => Deliveries.orUnavailable(health.of(business)),
    deliveries: Deliveries.make(sql, outbox),
    forget: Deliveries.orUnavailable(yield* Forgetting.make(sql, sources))
  })
})

export const layer = (
  settings: Settings
): Layer.Layer<Webhooks, never, SqlClient | Outbox | Sealer | Actors | Definitions> =>
  Layer.effect(Webhooks, make(settings))
