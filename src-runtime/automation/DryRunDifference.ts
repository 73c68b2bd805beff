/**
 * What sets two automations apart in a dry run: the events on which only one of them would have acted, or both, and what
 * each would have done there. An action of the one is the same as an action of the other if it says the same, wherever it
 * stands in the order.
 */
import type { Action, AutomationDefinition } from "#domain/automation/Automation.ts"
import * as Equal from "effect/Equal"
import { type Doing, doingsOf, type Firing, Firings, type Group } from "./DryRunTally.ts"

/** What the other does as well, at its place there. */
interface SharedDoing extends Doing {
  readonly secondIndex: number
}

interface Changes {
  readonly onlyFirst: ReadonlyArray<Doing>
  readonly onlySecond: ReadonlyArray<Doing>
  readonly both: ReadonlyArray<SharedDoing>
}

/** Where it stands in each, and on how many events only the first does it, only the second, or both. */
interface CountedDoing {
  readonly action: Action
  readonly firstIndex?: number
  readonly secondIndex?: number
  readonly onlyFirst: number
  readonly onlySecond: number
  readonly both: number
}

interface ChangedGroup extends Group {
  /** On each event of the group. */
  readonly changes: Changes
}

export interface Difference {
  readonly onlyFirst: ChangedGroup
  readonly onlySecond: ChangedGroup
  readonly both: ChangedGroup
  readonly actions: ReadonlyArray<CountedDoing>
}

/** Less what was said when it was saved and does not matter: a message goes as its template is. */
const essence = (action: Action): Action => {
  if (action._tag !== "COMMUNICATION") return action
  const { purpose: _, ...rest } = action
  return rest
}

/** Each is set against the first of the other that says the same and is not taken yet. */
const changesBetween = (first: ReadonlyArray<Doing>, second: ReadonlyArray<Doing>): Changes => {
  const onlySecond = [...second]
  const onlyFirst: Array<Doing> = []
  const both: Array<SharedDoing> = []
  for (const doing of first) {
    const at = onlySecond.findIndex(({ action }) => Equal.equals(essence(action), essence(doing.action)))
    const same = at === -1 ? undefined : onlySecond[at]
    if (same === undefined) onlyFirst.push(doing)
    else {
      onlySecond.splice(at, 1)
      both.push({ ...doing, secondIndex: same.index })
    }
  }
  return { onlyFirst, onlySecond, both }
}

/** Gathers on which events which of the two would have acted. */
export class Comparison {
  readonly #first: ReadonlyArray<Doing>
  readonly #second: ReadonlyArray<Doing>
  readonly #firings = { onlyFirst: new Firings(), onlySecond: new Firings(), both: new Firings() }

  constructor(first: AutomationDefinition, second: AutomationDefinition) {
    this.#first = doingsOf(first)
    this.#second = doingsOf(second)
  }

  add(part: keyof Changes, firing: Firing): void {
    this.#firings[part].add(firing)
  }

  get difference(): Difference {
    const { onlyFirst, onlySecond, both } = this.#firings
    const changes = changesBetween(this.#first, this.#second)
    const [first, second] = [this.#first, this.#second]
    const firstDoes = onlyFirst.count + both.count
    const secondDoes = onlySecond.count + both.count
    return {
      onlyFirst: { ...onlyFirst.group, changes: { onlyFirst: first, onlySecond: [], both: [] } },
      onlySecond: { ...onlySecond.group, changes: { onlyFirst: [], onlySecond: second, both: [] } },
      both: { ...both.group, changes },
      actions: [
        ...changes.onlyFirst.map(({ action, index: firstIndex }) => ({
          action,
          firstIndex,
          onlyFirst: firstDoes,
          onlySecond: 0,
          both: 0
        })),
        ...changes.onlySecond.map(({ action, index: secondIndex }) => ({
          action,
          secondIndex,
          onlyFirst: 0,
          onlySecond: secondDoes,
          both: 0
        })),
        ...changes.both.map(({ action, index: firstIndex, secondIndex }) => ({
          action,
          firstIndex,
          secondIndex,
          onlyFirst: onlyFirst.count,
          onlySecond: onlySecond.count,
          both: both.count
        }))
      ]
    }
  }
}
