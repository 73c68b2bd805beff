/**
 * Reference data: every business in the state that is known here, for no turn of a business runs without it. Where the
 * business itself is an actor of this runner, it was read when its shard came, and its commits tell; elsewhere it is read
 * again when a notice says that it has changed, and read first when somebody takes up work of a business that is not known
 * here. It never goes back to an older state.
 */
import type { Business } from "#domain/organisation/Business.ts"
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import { aggregateOfKind } from "../journal/Kinds.ts"
import type { Loading } from "./Loading.ts"
import { shardOf } from "./Placement.ts"
import { restore } from "./Resident.ts"
import type { CommittedTurn } from "./Turn.ts"

const readsAtOnceMax = 8

interface Known {
  readonly business: Business
  readonly seq: number
}

export class Businesses {
  readonly #aggregate = aggregateOfKind("business")
  readonly #known = new Map<string, Known>()
  readonly #journal: Journal["Service"]
  readonly #codec: Codec
  readonly #load: Loading
  readonly #learnt: (id: string) => void

  /** `learnt` is called with a business of which something new was read before its notice came. */
  constructor(journal: Journal["Service"], codec: Codec, load: Loading, learnt: (id: string) => void) {
    this.#journal = journal
    this.#codec = codec
    this.#load = load
    this.#learnt = learnt
  }

  get(id: string): Business | undefined {
    return this.#known.get(id)?.business
  }

  *all(): Iterable<Business> {
    for (const { business } of this.#known.values()) yield business
  }

  /** A turn of a business was committed here. */
  committed(turn: CommittedTurn): void {
    let { business, seq } = this.#known.get(turn.business) ?? { business: this.#aggregate.initial as Business, seq: 0 }
    for (const { event, row } of turn.events) {
      if (row.aggregate !== this.#aggregate.code || row.seq <= seq) continue
      business = this.#aggregate.evolve(business, event) as Business
      seq = row.seq
    }
    this.#known.set(turn.business, { business, seq })
  }

  /** As the journal has it; tells whether that is new. */
  read(id: string): Effect.Effect<boolean, JournalUnavailable> {
    return Effect.map(this.#load(id, id, [{ aggregate: this.#aggregate.code, id }]), ({ streams: [stream] }) => {
      if (stream === undefined) return false
      const { state, seq } = restore(this.#codec, stream, undefined)
      if (seq <= (this.#known.get(id)?.seq ?? 0)) return false
      this.#known.set(id, { business: state as Business, seq })
      return true
    })
  }

  /** Reads those that are not known here; one that has just been opened on another runner may not have been heard of yet. */
  learn(ids: Iterable<string>): Effect.Effect<void, JournalUnavailable> {
    const unknown = new Set<string>()
    for (const id of ids) if (!this.#known.has(id)) unknown.add(id)
    if (unknown.size === 0) return Effect.void
    return this.#readEach(unknown, this.#learnt)
  }

  /** Those whose shards are taken: nobody writes them any more, and who did may not have been heard. */
  readTaken(shards: ReadonlyArray<number>): Effect.Effect<void, JournalUnavailable> {
    const taken = [...this.#known.keys()].filter((id) => shards.includes(shardOf(id)))
    return this.#readEach(taken, this.#learnt)
  }

  get readAll(): Effect.Effect<void, JournalUnavailable> {
    return Effect.flatMap(this.#journal.businessIds, (ids) => this.#readEach(ids))
  }

  #readEach(ids: Iterable<string>, told?: (id: string) => void): Effect.Effect<void, JournalUnavailable> {
    const read = (id: string) => Effect.map(this.read(id), (isNew) => (isNew ? told?.(id) : undefined))
    return Effect.forEach(ids, read, { discard: true, concurrency: readsAtOnceMax })
  }
}
