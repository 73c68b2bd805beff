/** What filters are judged on: the facts of contacts, no older than what was committed when it was asked for. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Position } from "../projection/ProjectionCursors.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import * as LateStore from "../segment/LateStore.ts"
import { SegmentStore, type StoredFacts } from "../segment/SegmentStore.ts"

export class FilterFacts extends Context.Service<
  FilterFacts,
  {
    /** With the events of the types that are named, up to the positions at least. A contact that is not there has none. */
    readonly of: (
      business: string,
      contacts: ReadonlyArray<string>,
      upTo: ReadonlyArray<Position>,
      types: ReadonlySet<string>
    ) => Effect.Effect<ReadonlyMap<string, StoredFacts>, ProjectionWaits>
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
