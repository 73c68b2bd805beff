/**
 * What this runner committed a moment ago, as it was committed: a projection that keeps up applies it without reading it
 * back. All projections share it. A shard is vouched for only from where every offset was heard; whatever lies before, or
 * was let go of, is read from the journal.
 */
import type { Event } from "#domain/Event.ts"
import type { CommittedTurn } from "../actor/Turn.ts"
import type { OffsetRange } from "../journal/Journal.ts"
import type { Committed } from "./Projection.ts"

/** Kept at most; one more, and the older half of every shard is let go of. */
const keptMax = 32_768
/** Of what they are stored as, in characters: an event in memory weighs about as much again. */
const keptCharactersMax = 32 * 1024 * 1024

interface Kept {
  readonly committed: Committed
  readonly characters: number
}

interface Shard {
  /** Every offset after it, up to `heard`, was heard and is kept if somebody wants it. */
  from: number
  heard: number
  kept: Array<Kept>
}

export class FreshEvents {
  readonly #types: ReadonlySet<Event["_tag"]>
  readonly #shards = new Map<number, Shard>()
  #count = 0
  #characters = 0

  /** `types`: those that any projection wants. */
  constructor(types: ReadonlySet<Event["_tag"]>) {
    this.#types = types
  }

  hear({ shard: number, events, trace }: CommittedTurn): void {
    const [first] = events
    if (first === undefined) return
    let shard = this.#shards.get(number)
    if (shard === undefined) {
      shard = { from: 0, heard: 0, kept: [] }
      this.#shards.set(number, shard)
    }
    // Somebody else wrote in between, or nothing was heard before.
    if (first.row.offset !== shard.heard + 1) this.#letGo(shard, shard.kept.length, first.row.offset - 1)
    for (const { event, row } of events) {
      shard.heard = row.offset
      if (!this.#types.has(event._tag)) continue
      // Without the text that it was stored as: the event itself says it all.
      shard.kept.push({ committed: { event, row: { ...row, body: "" }, trace }, characters: row.body.length })
      this.#count += 1
      this.#characters += row.body.length
    }
    if (this.#count > keptMax || this.#characters > keptCharactersMax) this.#letGoOfTheOlder()
  }

  /** All of these types in the range, in order; `undefined` if not all of it was heard, or it is not kept any more. */
  within(
    { shard: number, after, upTo }: OffsetRange,
    types: ReadonlySet<string>
  ): ReadonlyArray<Committed> | undefined {
    const shard = this.#shards.get(number)
    if (shard === undefined || after < shard.from || upTo > shard.heard) return undefined
    const found: Array<Committed> = []
    for (let index = firstAfter(shard.kept, after); index < shard.kept.length; index += 1) {
      const { committed } = shard.kept[index] as Kept
      if (committed.row.offset > upTo) break
      if (types.has(committed.event._tag)) found.push(committed)
    }
    return found
  }

  #letGoOfTheOlder(): void {
    for (const shard of this.#shards.values()) {
      const count = Math.ceil(shard.kept.length / 2)
      const last = shard.kept[count - 1]
      if (last !== undefined) this.#letGo(shard, count, last.committed.row.offset)
    }
  }

  #letGo(shard: Shard, count: number, from: number): void {
    for (const { characters } of shard.kept.splice(0, count)) this.#characters -= characters
    this.#count -= count
    shard.from = from
    shard.heard = Math.max(shard.heard, from)
  }
}

/** The place of the first that stands after an offset. */
const firstAfter = (kept: ReadonlyArray<Kept>, offset: number): number => {
  let low = 0
  let high = kept.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((kept[middle] as Kept).committed.row.offset > offset) high = middle
    else low = middle + 1
  }
  return low
}
