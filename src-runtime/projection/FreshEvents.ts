/**
 * What one projection wants of the commits that this runner made a moment ago, as they were committed: a projection that
 * keeps up applies it without reading it back. A shard is vouched for only from where every offset was heard; whatever
 * lies before, or did not fit, is read from the journal.
 */
import type { Event } from "#domain/Event.ts"
import type { CommittedTurn } from "../actor/Turn.ts"
import type { OffsetRange } from "../journal/Journal.ts"
import type { Committed } from "./Projection.ts"

/** Events kept, at most; one more, and all are let go. */
const keptMax = 4_000

interface Shard {
  /** Every offset after it, up to `heard`, was heard and is kept if it is wanted. */
  from: number
  heard: number
  events: Array<Committed>
}

export class FreshEvents {
  readonly #types: ReadonlySet<Event["_tag"]>
  readonly #shards = new Map<number, Shard>()
  #kept = 0

  constructor(types: ReadonlySet<Event["_tag"]>) {
    this.#types = types
  }

  /** Takes in a committed turn; says whether anything of it is wanted. */
  hear({ shard: number, events, trace }: CommittedTurn): boolean {
    const [first] = events
    if (first === undefined) return false
    let shard = this.#shards.get(number)
    if (shard === undefined) {
      shard = { from: 0, heard: 0, events: [] }
      this.#shards.set(number, shard)
    }
    // Somebody else wrote in between, or nothing was heard before.
    if (first.row.offset !== shard.heard + 1) this.#letGo(shard, first.row.offset - 1)
    let wanted = false
    for (const committed of events) {
      shard.heard = committed.row.offset
      if (!this.#types.has(committed.event._tag)) continue
      // Without the text that it was stored as: the event itself says it all, and the text is most of what it weighs.
      shard.events.push({ event: committed.event, row: { ...committed.row, body: "" }, trace })
      this.#kept += 1
      wanted = true
    }
    if (this.#kept > keptMax) for (const each of this.#shards.values()) this.#letGo(each, each.heard)
    return wanted
  }

  /** All that is wanted in the ranges, in order within each shard; `undefined` if not all of them were heard. */
  within(ranges: ReadonlyArray<OffsetRange>): ReadonlyArray<Committed> | undefined {
    const found: Array<Committed> = []
    for (const { shard: number, after, upTo } of ranges) {
      const shard = this.#shards.get(number)
      if (shard === undefined || after < shard.from || upTo > shard.heard) return undefined
      for (const committed of shard.events) {
        if (committed.row.offset > after && committed.row.offset <= upTo) found.push(committed)
      }
    }
    return found
  }

  /** The ranges were applied: nobody asks for them again. */
  forget(ranges: ReadonlyArray<OffsetRange>): void {
    for (const { shard: number, upTo } of ranges) {
      const shard = this.#shards.get(number)
      if (shard === undefined || shard.from >= upTo) continue
      const left = shard.events.filter(({ row }) => row.offset > upTo)
      this.#kept -= shard.events.length - left.length
      shard.events = left
      shard.from = upTo
      shard.heard = Math.max(shard.heard, upTo)
    }
  }

  #letGo(shard: Shard, heard: number): void {
    this.#kept -= shard.events.length
    shard.events = []
    shard.from = heard
    shard.heard = heard
  }
}
