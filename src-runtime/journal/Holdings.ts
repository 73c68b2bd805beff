/**
 * The shards that a runner may write: the epoch at which it holds each, which every commit has to name, and the last offset
 * that is durable. Another runner may take any of them at any time; that is found out at the next commit, or by `retake`.
 */
import * as Effect from "effect/Effect"
import type { Journal, ShardHold } from "./Journal.ts"

export class Holdings {
  readonly #journal: Journal["Service"]
  readonly #runner: string
  readonly #epochs = new Map<number, number>()
  readonly #offsets = new Map<number, number>()
  readonly #lost = new Set<number>()
  /** By shard: how often it was taken here. */
  readonly #tenures = new Map<number, number>()

  constructor(journal: Journal["Service"], runner: string) {
    this.#journal = journal
    this.#runner = runner
  }

  get size(): number {
    return this.#epochs.size
  }

  /** Shards that another runner took and still has, as far as is known here. */
  get lost(): number {
    return this.#lost.size
  }

  has(shard: number): boolean {
    return this.#epochs.has(shard)
  }

  epoch(shard: number): number {
    return this.#epochs.get(shard) ?? 0
  }

  offset(shard: number): number {
    return this.#offsets.get(shard) ?? 0
  }

  moved(shard: number, offset: number): void {
    this.#offsets.set(shard, offset)
  }

  /** Fences whoever had the shards. */
  take(shards: ReadonlyArray<number>) {
    const hold = ({ shard, epoch, lastOffset }: ShardHold): void => {
      this.#epochs.set(shard, epoch)
      this.#offsets.set(shard, lastOffset)
      this.#lost.delete(shard)
      this.#tenures.set(shard, (this.#tenures.get(shard) ?? 0) + 1)
    }
    if (shards.length === 0) return Effect.void
    return Effect.map(this.#journal.takeOver(this.#runner, shards), (holds) => holds.forEach(hold))
  }

  /** What gives the shards up, later: but not those that were taken again in between. */
  releasing(shards: Iterable<number>): () => void {
    const tenures = [...shards].map((shard) => [shard, this.#tenures.get(shard)] as const)
    return () => {
      for (const [shard, tenure] of tenures) {
        if (this.#tenures.get(shard) !== tenure) continue
        this.#epochs.delete(shard)
        this.#lost.delete(shard)
      }
    }
  }

  /**
   * Finds out which shards another runner has taken over. Retaking the others waits for a commit still under way and shuts
   * out one that has not begun.
   */
  get retake() {
    return Effect.suspend(() => {
      const held = [...this.#epochs.keys()]
      return Effect.map(this.#journal.retake(this.#runner, held), (holds): ReadonlySet<number> => {
        const gone = new Set(held)
        for (const { shard, epoch, lastOffset } of holds) {
          this.#epochs.set(shard, epoch)
          this.#offsets.set(shard, lastOffset)
          gone.delete(shard)
        }
        for (const shard of gone) {
          this.#epochs.delete(shard)
          this.#lost.add(shard)
        }
        return gone
      })
    })
  }
}
