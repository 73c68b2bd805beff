/**
 * A runner's connection to its journal, with faults in front of a store that keeps the real contract: answers get lost,
 * commits wait at a gate, rows are poisonous, and a runner that dies never gets through again. What a test puts
 * `around` a commit decides; without anything it is the store itself.
 */
import * as Effect from "effect/Effect"
import { Journal, JournalUnavailable, Poisonous } from "#runtime/journal/Journal.ts"
import type { Batch, Unit } from "#runtime/journal/Unit.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"

type Service = Journal["Service"]
export type Commit = ReturnType<Service["commit"]>
export type Load = ReturnType<Service["load"]>
export type Due = ReturnType<Service["due"]>
export type LookUp = ReturnType<Service["command"]>

export interface Connection {
  readonly journal: Service
  /** The batches that were sent, in order, whatever became of them. */
  readonly sent: ReadonlyArray<Batch>
  /** Decides about a commit; `number` counts them from 1. */
  around: (commit: Commit, batch: Batch, number: number) => Commit
  aroundLoad: (load: Load) => Load
  aroundDue: (due: Due) => Due
  /** What became of a command that may be a repetition. */
  aroundLookUp: (lookUp: LookUp) => LookUp
  /** While false, whatever is asked fails. */
  isReachable: boolean
  /** From now on nothing gets through and nothing is heard, as if the process were gone. */
  readonly cut: () => void
}

const unreachable = (): JournalUnavailable => new JournalUnavailable({ operation: "any", cause: "a fault of the test" })

/** Puts faults in front of any journal. */
export const connectTo = (inner: Service): Connection => {
  const sent: Array<Batch> = []
  let isCut = false
  const through = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | JournalUnavailable> =>
    Effect.suspend((): Effect.Effect<A, E | JournalUnavailable> => {
      if (isCut) return Effect.never
      return connection.isReachable ? effect : Effect.fail(unreachable())
    })
  const heard: Effect.Effect<void> = Effect.suspend(() => (isCut ? Effect.never : Effect.void))
  const commit = (batch: Batch): Commit =>
    Effect.suspend(() => {
      // A copy, for the committer lets go of what it has committed.
      sent.push({ ...batch, units: [...batch.units] })
      return Effect.andThen(connection.around(through(inner.commit(batch)), batch, sent.length), heard)
    })
  const connection: Connection = {
    journal: Journal.of({
      takeOver: (...asked) => through(inner.takeOver(...asked)),
      retake: (...asked) => through(inner.retake(...asked)),
      commit: (batch) => through(commit(batch)),
      hasBatch: (...asked) => through(inner.hasBatch(...asked)),
      conflicts: (...asked) => through(inner.conflicts(...asked)),
      load: (...asked) => through(Effect.suspend(() => connection.aroundLoad(through(inner.load(...asked))))),
      command: (...asked) => through(Effect.suspend(() => connection.aroundLookUp(through(inner.command(...asked))))),
      holders: (...asked) => through(inner.holders(...asked)),
      due: (...asked) => through(Effect.suspend(() => connection.aroundDue(through(inner.due(...asked))))),
      park: (...asked) => through(inner.park(...asked)),
      backlog: (...asked) => through(inner.backlog(...asked)),
      heads: (...asked) => through(inner.heads(...asked)),
      shardEvents: (...asked) => through(inner.shardEvents(...asked)),
      scan: (...asked) => through(inner.scan(...asked)),
      dataKeys: (...asked) => through(inner.dataKeys(...asked)),
      streamEvents: (...asked) => through(inner.streamEvents(...asked)),
      asideEvents: (...asked) => through(inner.asideEvents(...asked)),
      eventsAt: (...asked) => through(inner.eventsAt(...asked)),
      businessIds: through(inner.businessIds),
      hear: (...asked) => through(inner.hear(...asked)),
      saveSnapshots: (...asked) => through(inner.saveSnapshots(...asked)),
      forgetBatches: (...asked) => through(inner.forgetBatches(...asked))
    }),
    sent,
    around: (commit) => commit,
    aroundLoad: (load) => load,
    aroundDue: (due) => due,
    aroundLookUp: (lookUp) => lookUp,
    isReachable: true,
    cut: () => {
      isCut = true
    }
  }
  return connection
}

export const connect = (store: Store): Connection => connectTo(JournalMemory.make(store))

/** The connection breaks before the store hears of the batch. */
export const lostBefore: Commit = Effect.suspend(() => Effect.fail(unreachable()))

/** The connection breaks after the commit: it happened, and nobody is told. */
export const lostAfter = (commit: Commit): Commit => Effect.andThen(commit, lostBefore)

/** The store refuses every batch that holds such a unit, and does not say which. */
export const poisonous =
  (isPoisonous: (unit: Unit) => boolean) =>
  (commit: Commit, batch: Batch): Commit =>
    batch.units.some(isPoisonous) ? Effect.fail(new Poisonous({ state: "22003" })) : commit
