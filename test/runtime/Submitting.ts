/** A committer over a store with faults in front of it, and units whose fate is written down as it is told. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import type { Committer } from "#runtime/journal/Committer.ts"
import * as Committers from "#runtime/journal/Committer.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import type { Unit } from "#runtime/journal/Unit.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import type { Connection } from "./FaultyJournal.ts"
import * as FaultyJournal from "./FaultyJournal.ts"

export interface Lane {
  readonly store: Store
  readonly connection: Connection
  readonly committer: Committer
  /** What was told to whom, in the order of telling: "name committed", "name Superseded". */
  readonly told: ReadonlyArray<string>
  /** The unit at fault, by the name of the submission that was told so. */
  readonly faults: ReadonlyMap<string, Unit>
  /** Submits in this very tick. Units of one group name stand and fall together. */
  readonly submit: (name: string, group: string, unit: Unit) => void
  /** Submits several units, decided on several groups, as one. */
  readonly submitTogether: (name: string, groups: ReadonlyArray<string>, units: ReadonlyArray<Unit>) => void
}

export const startLane = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const connection = FaultyJournal.connect(store)
  const committer = yield* Committers.make(randomUUID(), [1, 2]).pipe(
    Effect.provideService(Journal, connection.journal)
  )
  const told: Array<string> = []
  const faults = new Map<string, Unit>()
  const groups = new Map<string, object>()
  const groupOf = (name: string): object => {
    const group = groups.get(name) ?? {}
    groups.set(name, group)
    return group
  }
  const submitTogether: Lane["submitTogether"] = (name, groupNames, units) =>
    committer.submit({
      units,
      groups: groupNames.map(groupOf),
      committed: () => void told.push(`${name} committed`),
      failed: (failure, unit) => {
        told.push(`${name} ${failure._tag}`)
        if (unit !== undefined) faults.set(name, unit)
      }
    })
  const submit: Lane["submit"] = (name, group, unit) => submitTogether(name, [group], [unit])
  return { store, connection, committer, told, faults, submit, submitTogether } satisfies Lane
})
