/** One actor in memory: an aggregate's state and how far its stream has come, folded from snapshot and events. */
import type { Codec } from "../journal/Codec.ts"
import type { LoadedStream } from "../journal/Journal.ts"
import { aggregateOfCode, aggregateOfKind, type AnyAggregate } from "../journal/Kinds.ts"
import type { DataKey } from "../privacy/Sealer.ts"

export interface Resident {
  readonly aggregate: AnyAggregate
  readonly id: string
  state: unknown
  seq: number
  /** Units that write to it and are not yet durable. */
  unitsInFlight: number
  /** Believed absent without having looked (`births` of a decider). */
  assumed: boolean
  /** Sequence number of the newest snapshot that was taken. */
  snapshotSeq: number
}

export const assumedAbsent = (kind: string, id: string): Resident => {
  const aggregate = aggregateOfKind(kind)
  return { aggregate, id, state: aggregate.initial, seq: 0, unitsInFlight: 0, assumed: true, snapshotSeq: 0 }
}

/** Nothing but an assumption; once something is decided on it, its commit proves it or takes down all that it carries. */
export const isGuess = (actor: Resident): boolean => actor.assumed && actor.seq === 0

/** Folds a loaded stream. Throws when a row cannot be trusted or one is missing: such an actor does not start (P14). */
export const restore = (codec: Codec, stream: LoadedStream, key: DataKey | undefined): Resident => {
  const { id, snapshot, events } = stream
  const aggregate = aggregateOfCode(stream.aggregate)
  let state = snapshot === undefined ? aggregate.initial : codec.readSnapshot(snapshot, key)
  let seq = snapshot?.seq ?? 0
  for (const row of events) {
    if (row.seq !== seq + 1) throw new Error(`stream ${aggregate.kind}/${id} has no event ${seq + 1}`)
    state = aggregate.evolve(state, codec.readEvent(row, key))
    seq = row.seq
  }
  return { aggregate, id, state, seq, unitsInFlight: 0, assumed: false, snapshotSeq: snapshot?.seq ?? 0 }
}
