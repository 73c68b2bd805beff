/**
 * Who waits for a command that its turn left open, for a later turn of the same key settles it. Emptied when answered, for a
 * map's outgrown tables keep alive what they once held.
 */
import type { Pending, Reply } from "./Pending.ts"
import { ShardMoved, StillRunning } from "./RuntimeRefusal.ts"

interface Open {
  readonly shard: number
  reply: Pending["reply"] | undefined
}

export class OpenCommands {
  readonly #byId = new Map<string, Open>()

  get size(): number {
    return this.#byId.size
  }

  /** Where the shard is another runner's by now, or the end is days away, whoever waits is told to look it up. */
  leave({ id, reply }: Pending, shard: number, isHere: boolean, isParked: boolean): void {
    if (isParked) reply({ _tag: "Failed", refusal: new StillRunning({ commandId: id }) })
    else if (isHere) this.#byId.set(id, { shard, reply })
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
    for (const [id, { shard }] of this.#byId) {
      if (shards.has(shard)) this.answer(id, { _tag: "Failed", refusal: new ShardMoved() })
    }
  }
}
