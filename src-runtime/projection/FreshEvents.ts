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

/** Of who wants an event there is a bit each in a small integer. */
const readersMax = 30

interface Kept {
  readonly offset: number
  /** A bit for each reader that wants it. */
  readonly wantedBy: number
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
  /** By type: a bit for each reader that wants it. */
  readonly #wantedBy = new Map<Event["_tag"], number>()
  readonly #shards = new Map<number, Shard>()
  #count = 0
  #characters = 0

  /** The types that each reader wants; a reader is known by its place among them. */
  constructor(readers: ReadonlyArray<Iterable<Event["_tag"]>>) {
    if (readers.length > readersMax) throw new RangeError(`fresh events are for ${readersMax} readers at most`)
    for (const [reader, types] of readers.entries()) {
      for (const type of types) this.#wantedBy.set(type, (this.#wantedBy.get(type) ?? 0) | (1 << reader))
    }
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
      const wantedBy = this.#wantedBy.get(event._tag)
      if (wantedBy === undefined) continue
      const { offset, body } = row
      // Without the text that it was stored as: the event itself says it all.
      const committed = { event, row: { ...row, body: "" }, trace }
      shard.kept.push({ offset, wantedBy, committed, characters: body.length })
      this.#count += 1
      this.#characters += row.body.length
    }
    if (this.#count > keptMax || this.#characters > keptCharactersMax) this.#letGoOfTheOlder()
  }

  /** What the reader wants of the range, in order; `undefined` if not all of it was heard, or it is not kept any more. */
  within({ shard: number, after, upTo }: OffsetRange, reader: number): ReadonlyArray<Committed> | undefined {
    const shard = this.#shards.get(number)
    if (shard === undefined || after < shard.from || upTo > shard.heard) return undefined
    const found: Array<Committed> = []
    for (let index = firstAfter(shard.kept, after); index < shard.kept.length; index += 1) {
      const { offset, wantedBy, committed } = shard.kept[index] as Kept
      if (offset > upTo) break
      if ((wantedBy & (1 << reader)) !== 0) found.push(committed)
    }
    return found
  }

  #letGoOfTheOlder(): void {
    for (const shard of this.#shards.values()) {
      const count = Math.ceil(shard.kept.length / 2)
      const last = shard.kept[count - 1]
      if (last !== undefined) this.#letGo(shard, count, last.offset)
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
    if ((kept[middle] as Kept).offset > offset) high = middle
    else low = middle + 1
  }
  return low
}
