/**
 * The ends of shards that other runners write, as far as somebody here follows one of their topics: read from the journal
 * as soon as their runners tell of a commit, each shard in its order, without a gap. All of them are one query.
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ActorUnavailable } from "../actor/RuntimeRefusal.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import { Heads } from "./Heads.ts"

/** How often the journal is looked at, while anything is followed, even if nothing was told. */
const lookIntervalMs = 1_000
/** The same while other runners are not heard: what a push comes later then, at most. */
const unheardLookIntervalMs = 20
/** Events of one shard at a time. */
const pageEvents = 500

export interface Tails {
  /** From the head of the shard as it is when this returns. */
  readonly begin: (shard: number) => Effect.Effect<void, JournalUnavailable>
  readonly end: (shard: number) => void
  readonly isTold: (shard: number) => boolean
  /** The last offset that was told; 0 for a shard that is not followed. */
  readonly offset: (shard: number) => number
}

/** `tell` is given the events of one shard, in order; the next come after it has ended, and the same again if it fails. */
export const make = Effect.fnUntraced(function* (
  tell: (rows: ReadonlyArray<EventRow>) => Effect.Effect<void, ActorUnavailable>
) {
  const journal = yield* Journal
  const heads = yield* Heads
  const offsets = new Map<number, number>()
  const any = yield* Latch.make(false)

  const moved = yield* Latch.make(false)
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      heads.onMoved((shard, offset) => {
        if ((offsets.get(shard) ?? offset) < offset) moved.openUnsafe()
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  const look = Effect.gen(function* () {
    yield* any.await
    const interval = heads.areHeard() ? lookIntervalMs : unheardLookIntervalMs
    yield* Effect.raceFirst(moved.await, Effect.sleep(interval))
    yield* moved.close
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
    isTold: (shard) => offsets.has(shard),
    offset: (shard) => offsets.get(shard) ?? 0
  } satisfies Tails
})
