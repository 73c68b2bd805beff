/**
 * What those who come back have missed, read from the journal a page at a time. When a runner or a network comes back, ten
 * thousand come back at once and from about the same place, so a page is read for all who wait for one like it: who comes
 * while a page of its shard is read waits for the next, which begins with the first of them.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Semaphore from "effect/Semaphore"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"

/** Events of a page, at most. */
export const pageEvents = 500
/** Pages read at once: some connections are left for everybody else. */
const readsAtOnceMax = 4

type Rows = Effect.Effect<ReadonlyArray<EventRow>, JournalUnavailable>

interface Waiting {
  readonly after: number
  readonly upTo: number
  readonly resume: (rows: Rows) => void
}

export interface MissedPages {
  /** The first events of a shard after an offset and up to another, in order: none only where there are none. */
  readonly read: (shard: number, after: number, upTo: number) => Rows
}

export const make = Effect.gen(function* () {
  const journal = yield* Journal
  const reading = yield* Semaphore.make(readsAtOnceMax)
  const runFork = Effect.runForkWith(yield* Effect.context())
  /** By shard, in the order in which they came. A shard that is in it is being read. */
  const waiting = new Map<number, Set<Waiting>>()

  /** For whoever has waited longest, and for all whom its page helps as well. */
  const readPage = Effect.fnUntraced(function* (shard: number, all: Set<Waiting>) {
    const [longest] = all
    if (longest === undefined) return
    const near = [...all].filter(({ after }) => Math.abs(after - longest.after) < pageEvents)
    const offset = Math.min(...near.map(({ after }) => after))
    const rowsMax = Math.min(pageEvents, Math.max(...near.map(({ upTo }) => upTo)) - offset)
    const exit = yield* Effect.exit(journal.shardEvents([{ shard, offset }], rowsMax))
    const rows = Exit.isSuccess(exit) ? exit.value : []
    const last = rows.length < rowsMax ? Number.POSITIVE_INFINITY : (rows.at(-1)?.offset ?? offset)
    for (const each of near) {
      // It begins where this page ends.
      if (each.after >= last) continue
      all.delete(each)
      const own = (): ReadonlyArray<EventRow> =>
        rows.filter((row) => row.offset > each.after && row.offset <= each.upTo)
      each.resume(Exit.isSuccess(exit) ? Effect.sync(own) : Effect.failCause(exit.cause))
    }
  })

  const readAll = Effect.fnUntraced(function* (shard: number, all: Set<Waiting>) {
    while (all.size > 0) yield* reading.withPermit(readPage(shard, all))
    waiting.delete(shard)
  })

  return {
    read: (shard, after, upTo) =>
      Effect.callback((resume) => {
        const known = waiting.get(shard)
        const all = known ?? new Set()
        const own: Waiting = { after, upTo, resume }
        all.add(own)
        if (known === undefined) {
          waiting.set(shard, all)
          runFork(readAll(shard, all))
        }
        return Effect.sync(() => all.delete(own))
      })
  } satisfies MissedPages
})
