/**
 * The segment store for those who stand below it: the projector waits for the store, the store is filled by the projector,
 * and a projection of that projector asks the store. It is handed over once it is there; until then they wait.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { SegmentStore } from "./SegmentStore.ts"

/** What memberships need of it. */
export type Store = Pick<SegmentStore["Service"], "caughtUp" | "facts" | "matching" | "zones">

export const make = () => {
  const handed = Deferred.makeUnsafe<Store>()
  const use = <A, E>(ask: (store: Store) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Deferred.await(handed), ask)
  const store: Store = {
    caughtUp: (upTo) => use(({ caughtUp }) => caughtUp(upTo)),
    facts: (business, contacts, types) => use(({ facts }) => facts(business, contacts, types)),
    zones: (business) => use(({ zones }) => zones(business)),
    matching: (business, pipeline) =>
      Stream.unwrap(Effect.map(Deferred.await(handed), ({ matching }) => matching(business, pipeline)))
  }
  return { store, hand: (given: Store): void => void Deferred.doneUnsafe(handed, Effect.succeed(given)) }
}
