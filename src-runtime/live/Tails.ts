/**
 * The ends of shards that other runners write, as far as somebody here follows one of their topics: read from the journal a
 * moment after their commits, each shard in its order, without a gap. All of them are one query.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ActorUnavailable } from "../actor/RuntimeRefusal.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"

/** How often it is looked, while anything is followed: what a push from another runner comes later, at most. */
const lookIntervalMs = 20
/** Events of one shard at a time. */
const pageEvents = 500

export interface Tails {
  /** From the head of the shard as it is when this returns. */
  readonly begin: (shard: number) => Effect.Effect<void, JournalUnavailable>
  readonly end: (shard: number) => void
  /** The last offset that was told; 0 for a shard that is not followed. */
  readonly offset: (shard: number) => number
}

/** `tell` is given the events of one shard, in order; the next come after it has ended, and the same again if it fails. */
export const make = Effect.fnUntraced(function* (
  tell: (rows: ReadonlyArray<EventRow>) => Effect.Effect<void, ActorUnavailable>
) {
  const journal = yield* Journal
  const offsets = new Map<number, number>()
  const any = yield* Latch.make(false)

  const look = Effect.gen(function* () {
    yield* any.await
    yield* Effect.sleep(lookIntervalMs)
    const after = [...offsets].map(([shard, offset]) => ({ shard, offset }))
    const rows = yield* journal.shardEvents(after, pageEvents)
    for (const { shard, offset } of after) {
      const own = rows.filter((row) => row.shard === shard)
      const last = own.at(-1)
      // It may have ended, or begun anew, while the journal was read.
      if (last === undefined || offsets.get(shard) !== offset) continue
      yield* tell(own)
      if (offsets.get(shard) === offset) offsets.set(shard, last.offset)
    }
  })
  yield* look.pipe(
    Effect.catch((error) => Effect.logWarning("what other runners commit cannot be told for now", error._tag)),
    Effect.forever,
    Effect.forkScoped
  )

  return {
    begin: (shard) =>
      Effect.map(journal.heads([shard]), ([head]) => {
        if (!offsets.has(shard)) offsets.set(shard, head?.offset ?? 0)
        any.openUnsafe()
      }),
    end: (shard) => {
      offsets.delete(shard)
      if (offsets.size === 0) any.closeUnsafe()
    },
    offset: (shard) => offsets.get(shard) ?? 0
  } satisfies Tails
})
