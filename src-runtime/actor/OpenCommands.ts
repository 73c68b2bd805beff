/**
 * Who waits for a command that its turn left open, for a later turn of the same key settles it. Emptied when answered, for a
 * map's outgrown tables keep alive what they once held.
 */
import type { Pending, Reply } from "./Pending.ts"
import { ShardMoved, StillRunning } from "./RuntimeRefusal.ts"

/** Where its turn was. */
interface Place {
  readonly business: string
  readonly key: string
  readonly shard: number
}

interface Open {
  readonly place: Place
  reply: Pending["reply"] | undefined
  /** Since the last look. */
  isOld: boolean
}

export class OpenCommands {
  readonly #byId = new Map<string, Open>()

  get size(): number {
    return this.#byId.size
  }

  /** Where the shard is another runner's by now, or the end is days away, whoever waits is told to look it up. */
  leave({ id, reply }: Pending, place: Place, isHere: boolean, isParked: boolean): void {
    if (isParked) reply({ _tag: "Failed", refusal: new StillRunning({ commandId: id }) })
    else if (isHere) this.#byId.set(id, { place, reply, isOld: false })
    else reply({ _tag: "Failed", refusal: new ShardMoved() })
  }

  answer(commandId: string, reply: Reply): void {
    const open = this.#byId.get(commandId)
    if (open?.reply === undefined) return
    const answer = open.reply
    open.reply = undefined
    this.#byId.delete(commandId)
    answer(reply)
  }

  /** They are settled by another runner from now on: this one will not hear of it. */
  moved(shards: ReadonlySet<number>): void {
    for (const [id, { place }] of this.#byId) {
      if (shards.has(place.shard)) this.answer(id, { _tag: "Failed", refusal: new ShardMoved() })
    }
  }

  /** One of each shard where somebody has waited since the last look: it may be another runner that settles it. */
  look(): ReadonlyArray<Place> {
    const places = new Map<number, Place>()
    for (const open of this.#byId.values()) {
      if (open.isOld) places.set(open.place.shard, open.place)
      open.isOld = true
    }
    return [...places.values()]
  }
}
