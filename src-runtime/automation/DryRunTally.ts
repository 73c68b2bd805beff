/**
 * What a dry run counts: how often an automation would have run, on which dates, and for whom, of whom a few are named, and
 * what it would have done each time.
 */
import type { Action, AutomationDefinition } from "#domain/automation/Automation.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"

/** Firings told of one by one, the first of them. */
const sampleMax = 100

export interface Firing {
  readonly contact: string
  /** The type of the event, or TIME. */
  readonly event: string
  readonly at: number
  readonly shard: number
  readonly offset: number
}

/** Something that an automation does, and its place among its actions, counted from 0. */
export interface Doing {
  readonly index: number
  readonly action: Action
}

export interface Tally {
  /** Happenings of the trigger, whether or not the filter held. */
  readonly considered: number
  readonly fired: number
  readonly actions: { readonly [Type in Action["_tag"]]?: number }
  /** What would have been done each time. */
  readonly doings: ReadonlyArray<Doing>
  /** By date of the business's zone. */
  readonly days: { readonly [date: string]: number }
  readonly sample: ReadonlyArray<Firing>
}

export interface Group {
  readonly count: number
  readonly sample: ReadonlyArray<Firing>
}

const dateOf = (at: number, timeZone: string): string =>
  new Date(dayNumber(at, timeZone) * 86_400_000).toISOString().slice(0, 10)

const earlier = (left: Firing, right: Firing): number =>
  left.at - right.at || left.shard - right.shard || left.offset - right.offset

/** Whom it would have run for, in the order of their dates; a bounded number is kept. */
export class Firings {
  count = 0
  #kept: Array<Firing> = []

  add(firing: Firing): void {
    this.count += 1
    this.#kept.push(firing)
    if (this.#kept.length >= sampleMax * 4) this.#kept = this.sample
  }

  get sample(): Array<Firing> {
    return this.#kept.toSorted(earlier).slice(0, sampleMax)
  }

  get group(): Group {
    return { count: this.count, sample: this.sample }
  }
}

/** What is done each time: nothing comes after a rejection. */
export const doingsOf = ({ actions }: AutomationDefinition): ReadonlyArray<Doing> => {
  const rejection = actions.findIndex(({ _tag }) => _tag === "REJECT")
  const done = rejection === -1 ? actions : actions.slice(0, rejection + 1)
  return done.map((action, index) => ({ index, action }))
}

export class Reckoning {
  considered = 0
  readonly #firings = new Firings()
  readonly #days = new Map<string, number>()
  readonly #doings: ReadonlyArray<Doing>

  constructor(definition: AutomationDefinition) {
    this.#doings = doingsOf(definition)
  }

  fire(firing: Firing, timeZone: string): void {
    this.#firings.add(firing)
    const date = dateOf(firing.at, timeZone)
    this.#days.set(date, (this.#days.get(date) ?? 0) + 1)
  }

  get tally(): Tally {
    const { count, sample } = this.#firings
    const actions: Record<string, number> = {}
    for (const { action } of this.#doings) actions[action._tag] = (actions[action._tag] ?? 0) + count
    const days = Object.fromEntries([...this.#days].toSorted(([left], [right]) => (left < right ? -1 : 1)))
    return { considered: this.considered, fired: count, actions, doings: this.#doings, days, sample }
  }
}
