/**
 * The actors that a group holds in memory: a handful, so they are looked through rather than looked up. Those whose id is
 * the group's key stay for as long as the group does; guests, such as purchases, leave again.
 */
import type { Decision } from "#domain/shared/Decision.ts"
import type { StreamRef } from "../journal/Journal.ts"
import { aggregateOf, aggregateOfKind, type AnyDecider } from "../journal/Kinds.ts"
import type { Pending } from "./Pending.ts"
import { assumedAbsent, isGuess, type Resident } from "./Resident.ts"
import { type SnapshotDue, snapshotOf } from "./Turn.ts"

/** Actors kept in memory besides those whose id is the key itself. */
const guestsMax = 4

/** What a command is judged on, in the order its decider names it, or what has to be loaded before. */
export interface Gathered {
  readonly actors: ReadonlyArray<Resident>
  readonly missing: ReadonlyArray<StreamRef>
}

export class Residents {
  readonly #key: string
  #actors: Array<Resident> = []

  constructor(key: string) {
    this.#key = key
  }

  find(kind: string, id: string): Resident | undefined {
    for (const actor of this.#actors) if (actor.id === id && actor.aggregate.kind === kind) return actor
    return undefined
  }

  gather(decider: AnyDecider, pending: Pending): Gathered {
    const needs = decider.needs(pending.command, this.#key)
    const born = decider.births?.[pending.command._tag]
    const actors: Array<Resident> = []
    const missing: Array<StreamRef> = []
    for (const kind in needs) {
      const id = needs[kind] as string
      let actor = this.find(kind, id)
      // A commit that failed may have proven the assumption wrong: then it is looked up.
      if (actor === undefined && kind === born && pending.attempts === 0) {
        actor = assumedAbsent(kind, id)
        this.#actors.push(actor)
      }
      if (actor === undefined) missing.push({ aggregate: aggregateOfKind(kind).code, id })
      else actors.push(actor)
    }
    return { actors, missing }
  }

  /** Takes in what was loaded, unless more is known by now. */
  adopt(actor: Resident): void {
    const known = this.#actors.findIndex(({ id, aggregate }) => id === actor.id && aggregate === actor.aggregate)
    if (known < 0) this.#actors.push(actor)
    // An actor that was written to meanwhile knows more than the load does.
    else if (isGuess(this.#actors[known] as Resident)) this.#actors[known] = actor
  }

  /** Guests leave again; the ones used last are kept. */
  dismissGuests(): void {
    let surplus = this.#actors.length - guestsMax - 1
    if (surplus <= 0) return
    this.#actors = this.#actors.filter((actor) => {
      if (surplus <= 0 || actor.id === this.#key || actor.unitsInFlight > 0) return true
      surplus -= 1
      return false
    })
  }

  /** The states that are worth keeping when the group leaves memory. */
  snapshots(eventsMin: number): ReadonlyArray<SnapshotDue> {
    return this.#actors.filter((actor) => actor.seq - actor.snapshotSeq >= eventsMin).map(snapshotOf)
  }

  clear(): void {
    this.#actors = []
  }
}

/** Actors that a decision rests on and that nobody has looked for: only an event of their own proves that they are new. */
export const unproven = (
  actors: ReadonlyArray<Resident>,
  decision: Decision | undefined
): ReadonlyArray<StreamRef> | undefined => {
  let found: Array<StreamRef> | undefined
  for (const actor of actors) {
    if (!isGuess(actor) || decision?.events.some((event) => aggregateOf(event) === actor.aggregate)) continue
    found ??= []
    found.push({ aggregate: actor.aggregate.code, id: actor.id })
  }
  return found
}
