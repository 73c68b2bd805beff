/** What prior-to automations know of a contact besides what a command proposes: what happened to her, and where she is in. */
import type { EventDocument } from "#domain/segment/Facts.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Segments } from "../segment/Segments.ts"
import { SegmentStore } from "../segment/SegmentStore.ts"

/** It cannot be read now. */
export class FactsUnavailable extends Schema.TaggedError<FactsUnavailable>()("FactsUnavailable", {
  cause: Schema.Defect()
}) {}

export class PriorFacts extends Context.Service<
  PriorFacts,
  {
    /** Of these types, oldest first, all that was committed before the call. */
    readonly events: (
      business: string,
      contact: string,
      types: ReadonlySet<string>
    ) => Effect.Effect<ReadonlyArray<EventDocument>, FactsUnavailable>
    /** `undefined`: she is not in it. */
    readonly memberSince: (
      business: string,
      segment: string,
      contact: string
    ) => Effect.Effect<number | undefined, FactsUnavailable>
  }
>()("koinon/runtime/PriorFacts") {}

const make = Effect.gen(function* () {
  const store = yield* SegmentStore
  const segments = yield* Segments
  const unavailable = (cause: unknown) => new FactsUnavailable({ cause })
  return PriorFacts.of({
    events: Effect.fn("PriorFacts.events")(function* (business, contact, types) {
      yield* store.caughtUp()
      const found = yield* store.facts(business, [contact], types)
      return found.get(contact)?.events ?? []
    }, Effect.mapError(unavailable)),
    memberSince: (business, segment, contact) =>
      Effect.mapError(segments.memberSince(business, segment, contact), unavailable)
  })
})

export const layer: Layer.Layer<PriorFacts, never, SegmentStore | Segments> = Layer.effect(PriorFacts, make)
