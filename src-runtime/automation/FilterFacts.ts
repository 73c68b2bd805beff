/**
 * What filters are judged on: the facts of contacts, no older than what was committed when it was asked for, and the
 * segments that they are in.
 */
import type { ContactFacts } from "#domain/segment/Facts.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Position } from "../projection/ProjectionCursors.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import * as LateStore from "../segment/LateStore.ts"
import { SegmentStore } from "../segment/SegmentStore.ts"

const readSegments =
  "SELECT contact, segment FROM segment_member WHERE business = $1::uuid AND contact = ANY ($2::uuid[])"

export class FilterFacts extends Context.Service<
  FilterFacts,
  {
    /** With the events of the types that are named, up to the positions at least. A contact that is not there has none. */
    readonly of: (
      business: string,
      contacts: ReadonlyArray<string>,
      upTo: ReadonlyArray<Position>,
      types: ReadonlySet<string>
    ) => Effect.Effect<ReadonlyMap<string, ContactFacts>, ProjectionWaits>
    /** Without the store everybody waits. */
    readonly handStore: (store: LateStore.Store) => void
  }
>()("koinon/runtime/FilterFacts") {}

export const layer: Layer.Layer<FilterFacts> = Layer.sync(FilterFacts, () => {
  const { store, hand } = LateStore.make()
  return FilterFacts.of({
    of: (business, contacts, upTo, types) =>
      Effect.andThen(store.caughtUp(upTo), store.facts(business, contacts, types)).pipe(
        Effect.mapError(({ _tag }) => new ProjectionWaits({ reason: `the segment store: ${_tag}` }))
      ),
    handStore: hand
  })
})

/** The store stands above the projector that sets off automations: it is handed down once it is there. */
export const handed: Layer.Layer<never, never, FilterFacts | SegmentStore> = Layer.effectDiscard(
  Effect.gen(function* () {
    const facts = yield* FilterFacts
    facts.handStore(yield* SegmentStore)
  })
)

/** Which segments each contact is in, as it stands in this transaction. */
export const segmentsOf = (
  sql: SqlClient,
  business: string,
  contacts: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, ReadonlySet<string>>, SqlError> =>
  Effect.map(
    sql.unsafe<{ contact: string; segment: string }>(readSegments, [business, `{${contacts.join(",")}}`]),
    (rows) => {
      const found = new Map<string, Set<string>>()
      for (const { contact, segment } of rows) found.set(contact, (found.get(contact) ?? new Set()).add(segment))
      return found
    }
  )

/** Of what a contact did: nothing from after an event of hers. */
export const factsAsOf = (facts: ContactFacts, position: Position | undefined): ContactFacts =>
  position === undefined
    ? facts
    : { ...facts, events: facts.events.filter(({ sequence }) => sequence <= position.offset) }
