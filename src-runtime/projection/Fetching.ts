/**
 * Where a projection's next events come from: what this runner has just committed is at hand, the rest is read from the
 * journal and decoded. A gap in what was read stops whoever reads: nothing may be built on it.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Actors } from "../actor/Actors.ts"
import type { Codec } from "../journal/Codec.ts"
import { Unreadable } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable, OffsetRange } from "../journal/Journal.ts"
import { makeBreath } from "./Breath.ts"
import type { DataKeys } from "./DataKeys.ts"
import type { FreshEvents } from "./FreshEvents.ts"
import type { Committed } from "./Projection.ts"
import type { Reading } from "./Reading.ts"

/** Events of which a few take a millisecond; a batch may have thousands. */
const decodedAtOnce = 32

interface Options {
  readonly actors: Actors["Service"]
  readonly journal: Journal["Service"]
  readonly codec: Codec
  readonly keys: DataKeys["Service"]
  readonly fresh: FreshEvents
}

export const make = ({ actors, journal, codec, keys, fresh }: Options) => {
  const read = Effect.fnUntraced(function* ({ projection }: Reading, ranges: ReadonlyArray<OffsetRange>) {
    const { rows, shardsWithHoles } = yield* journal.scan(ranges, projection.types)
    const hole = ranges.find(({ shard }) => shardsWithHoles.includes(shard))
    if (hole !== undefined) {
      // An offset that was never written, or a row that is gone.
      const row = `shard ${hole.shard}/${hole.after + 1}..${hole.upTo}`
      return yield* new Unreadable({ row, reason: "an event is missing from the journal" })
    }
    yield* actors.learn(rows.map(({ business }) => business))
    const keyOf = projection.opensPersonalData ? yield* keys.ofRows(rows) : undefined
    const events: Array<Committed> = []
    const breath = makeBreath()
    for (const [index, row] of rows.entries()) {
      events.push({ row, event: codec.readEvent(row, keyOf?.(row)) })
      if (index % decodedAtOnce === 0) yield* breath
    }
    return events
  })

  /** All that the projection wants in the ranges; in order within each shard. */
  const fetch = (
    reading: Reading,
    ranges: ReadonlyArray<OffsetRange>
  ): Effect.Effect<ReadonlyArray<Committed>, JournalUnavailable | Unreadable> => {
    const found: Array<Committed> = []
    const others: Array<OffsetRange> = []
    for (const range of ranges) {
      const heard = fresh.within(range, reading.place)
      if (heard === undefined) others.push(range)
      else for (const each of heard) found.push(each)
    }
    if (others.length === 0) return Effect.succeed(found)
    return Effect.map(read(reading, others), (events) => [...found, ...events])
  }

  /** For the next pass, so that it finds them. Whatever goes wrong goes wrong again when it is its turn. */
  const ahead = (reading: Reading, ranges: ReadonlyArray<OffsetRange>): Effect.Effect<void> =>
    Effect.map(Effect.exit(fetch(reading, ranges)), (exit) => {
      reading.ahead = Exit.isSuccess(exit) ? { ranges, events: exit.value } : undefined
    })

  return { fetch, ahead }
}
