/**
 * The client-named commands that are under way on this runner, and which ids it has seen lately. A repetition of one that
 * is under way is told to wait; of one that was seen, the journal is asked before anything is judged. Only to spare
 * commits that would fail: what is not remembered here, the journal's unique command id finds.
 */
import type { Reply } from "./Pending.ts"
import { StillRunning } from "./RuntimeRefusal.ts"

/** Ids remembered, at most: each has one place, where the next one that belongs there replaces it. */
const places = 2 ** 16

/** 32 bits of an id, which is a UUID: random or a hash anywhere but at its version. */
const bitsOf = (id: string, from: number): number => Number.parseInt(id.slice(from, from + 8), 16) >>> 0

export class RecentCommands {
  readonly #underWay = new Set<string>()
  /** Numbers rather than ids: what lives for seconds costs the collector most. */
  readonly #seen = new Uint32Array(places)

  /**
   * What is answered to a command whose id is under way already; otherwise it is from now on, until `end`. Whose id it is,
   * only the journal knows: what is under way may be what tries it wrongly (P7).
   */
  begin(id: string): Reply | undefined {
    if (this.#underWay.has(id)) return { _tag: "Failed", refusal: new StillRunning({ commandId: id }) }
    this.#underWay.add(id)
    return undefined
  }

  /** Whether the id may have been seen lately; from now on it has been. */
  meet(id: string): boolean {
    const place = bitsOf(id, 0) % places
    const mark = bitsOf(id, 28) || 1
    if (this.#seen[place] === mark) return true
    this.#seen[place] = mark
    return false
  }

  end(id: string): void {
    this.#underWay.delete(id)
  }
}
