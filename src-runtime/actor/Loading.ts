/** What wakes an actor, from a snapshot where there is one that can be trusted (P14). */
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable, Loaded, StreamRef } from "../journal/Journal.ts"

export type Loading = (
  business: string,
  key: string,
  streams: ReadonlyArray<StreamRef>
) => Effect.Effect<Loaded, JournalUnavailable>

export const make = (journal: Journal["Service"], codec: Codec): Loading =>
  Effect.fnUntraced(function* (business, key, streams) {
    const loaded = yield* journal.load(business, key, streams)
    const trusted = loaded.streams.every((stream) => stream.snapshot === undefined || codec.trusts(stream.snapshot))
    if (trusted) return loaded
    yield* Effect.logWarning("a snapshot cannot be trusted; all events of its stream are folded instead")
    return yield* journal.load(business, key, streams, { withoutSnapshots: true })
  })
