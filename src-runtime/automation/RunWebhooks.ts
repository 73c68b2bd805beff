/**
 * How the webhooks of runs leave: as deliveries of the endpoint that the action names, each written down once. The event
 * that set the run off stands in them as it stands in the webhooks of events: by the same name, with the same fields. It is
 * read from the journal, so that what is personal in it stands nowhere but there and in the sealed delivery. Where the
 * endpoint is told of the event itself as well, the run's webhook is numbered behind that (AUT-11).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Json } from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { EventType } from "#domain/webhook/EventType.ts"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import { Outbox } from "../outbox/Outbox.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import type { Position } from "../projection/ProjectionCursors.ts"
import { publicEvent } from "../webhook/PublicEvents.ts"
import { EventsNumbered } from "../webhook/EventsNumbered.ts"
import { addressed, tell } from "../webhook/Telling.ts"
import { RunWebhooks } from "./Automations.ts"
import type { WebhookOfRun } from "./Runner.ts"

interface Told {
  readonly type: EventType
  readonly data: { readonly [field: string]: Json }
  /** Of an event of the journal. A join or a leave has its numbers in the transaction that sets the run off. */
  readonly place?: Position
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const outbox = yield* Outbox
  const actors = yield* Actors
  const journal = yield* Journal
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)
  const definitions = yield* Definitions
  const numbered = yield* EventsNumbered

  /** "aggregate/id/number" of an event of the journal; else a join or a leave of a segment. */
  const toldOf = Effect.fnUntraced(function* ({ business, contact, event }: WebhookOfRun) {
    const { eventId, eventType, values } = event
    const [aggregate = "", id = "", seq = ""] = eventId.split("/")
    if (aggregate === "segment") {
      return { type: eventType === "SegmentJoined" ? "segment.joined" : "segment.left", data: values } satisfies Told
    }
    const stream = { aggregate: Number(aggregate), id }
    const [row] = yield* journal.streamEvents(business, stream, Number(seq) + 1, 1)
    if (row === undefined) return undefined
    const committed = { event: codec.readEvent(row, yield* keys.get(business, contact)), row }
    const told = publicEvent(committed, actors.business(business)?.currency ?? "EUR")
    return told && ({ ...told, place: { shard: row.shard, offset: row.offset } } satisfies Told)
  })

  const behindItsEvent = Effect.fnUntraced(function* ({ business, contact, endpointId, at }: WebhookOfRun, told: Told) {
    const { place } = told
    if (place === undefined) return
    const endpoints = (yield* definitions.inForce([business], "endpoints")).get(business) ?? {}
    const event = { ...told, name: "", business, contact, at, place }
    if (addressed([event], endpoints).some(({ endpoint }) => endpoint === endpointId)) yield* numbered.upTo(place)
  })

  return RunWebhooks.of({
    send: Effect.fnUntraced(function* (webhook) {
      const { id, business, contact, endpointId, at, data } = webhook
      const clock = yield* Clock.Clock
      // Done again after a crash, it was written down before.
      if ((yield* outbox.get(business, id)) !== undefined) return
      // What cannot be read, or is not there yet, is a failure like any other: the action is tried again.
      const told: Told | undefined = yield* Effect.orDie(toldOf(webhook))
      if (told !== undefined) yield* Effect.orDie(behindItsEvent(webhook, told))
      const delivery = {
        task: id,
        name: id,
        business,
        contact,
        endpoint: endpointId,
        type: "automation.run" as const,
        data: { ...data, ...(told !== undefined && { event_type: told.type, event: told.data }) },
        at
      }
      yield* sql.withTransaction(tell(sql, outbox, [delivery], clock.currentTimeMillisUnsafe()))
    })
  })
})

export const layer: Layer.Layer<
  RunWebhooks,
  never,
  SqlClient | Outbox | Actors | Definitions | Journal | DataKeys | EventsNumbered | Sealer
> = Layer.effect(RunWebhooks, make)
