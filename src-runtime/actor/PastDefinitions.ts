/**
 * What businesses had defined at instants that have passed, for those who act on events later than they happened: what was
 * saved, switched or deleted since then does not matter. Held in memory are the last changes of each business, as they come
 * by; what lies further back is folded from the stream's beginning. Nothing is too old to be told.
 */
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal } from "../journal/Journal.ts"
import { aggregateOfKind, type AnyAggregate, type Kind, type StateOf } from "../journal/Kinds.ts"
import type { EventRow } from "../journal/Unit.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import type { Definitions } from "./Definitions.ts"
import { forgetOldest } from "./Oldest.ts"

/** Kinds of businesses of which changes are remembered. */
const streamsMax = 200
/** Changes of one kind of a business that are remembered, the newest. */
const changesMax = 200
/** Events read at a time. */
const eventsAtOnce = 200

export interface Instant {
  readonly business: string
  readonly at: number
}

/** In force from an instant until the next one. */
interface Stretch {
  readonly from: number
  readonly state: unknown
}

interface Past {
  /** Of the stream: events up to it are in the last stretch. */
  seq: number
  /** Oldest first; never empty. */
  readonly stretches: Array<Stretch>
}

const stateAt = ({ stretches }: Past, at: number): Stretch | undefined => stretches.findLast(({ from }) => from <= at)

const oldestOf = (instants: ReadonlyArray<Instant>) => {
  const found = new Map<string, number>()
  for (const { business, at } of instants) found.set(business, Math.min(found.get(business) ?? at, at))
  return found
}

interface Options {
  readonly journal: Journal["Service"]
  readonly codec: Codec
  readonly definitions: Pick<Definitions["Service"], "foldedInForce">
}

export const make = ({ journal, codec, definitions }: Options) => {
  /** By business and kind, the least recently read first. */
  const remembered = new Map<string, Past>()

  /** Each with all events of its instant: what was changed then is in force. */
  const fold = (aggregate: AnyAggregate, past: Past, row: EventRow): void => {
    if (row.seq !== past.seq + 1) throw new Error(`the definitions of ${row.id} lack the event ${past.seq + 1}`)
    const state = aggregate.evolve(past.stretches.at(-1)?.state, codec.readEvent(row, undefined))
    past.stretches.push({ from: row.at, state })
    past.seq = row.seq
  }

  /** Events of the stream after `past`, up to `seq`, are folded on. */
  const follow = Effect.fnUntraced(function* (
    business: string,
    aggregate: AnyAggregate,
    past: Past,
    seq: number,
    trim: (stretches: Array<Stretch>) => void
  ) {
    const stream = { aggregate: aggregate.code, id: business }
    while (past.seq < seq) {
      const end = Math.min(seq, past.seq + eventsAtOnce)
      const rows = yield* journal.streamEvents(business, stream, end + 1, end - past.seq)
      if (rows.length === 0) throw new Error(`the definitions of ${business} end before the event ${end}`)
      for (const row of rows.toReversed()) fold(aggregate, past, row)
      trim(past.stretches)
    }
  })

  const beginning = ({ initial }: AnyAggregate): Past => ({
    seq: 0,
    stretches: [{ from: Number.NEGATIVE_INFINITY, state: initial }]
  })

  const newest = (stretches: Array<Stretch>): void => {
    if (stretches.length > changesMax) stretches.splice(0, stretches.length - changesMax)
  }

  /** What is remembered, brought up to what is in force; of a stream that is new here that is where it begins. */
  const upToNow = Effect.fnUntraced(function* (business: string, kind: Kind, state: unknown, seq: number) {
    const aggregate = aggregateOfKind(kind)
    const place = `${business}/${kind}`
    let past = remembered.get(place)
    // What somebody else has read meanwhile may go on further: it holds all that was before.
    if (past === undefined) {
      past = beginning(aggregate)
      if (seq > 1) {
        const [last] = yield* journal.streamEvents(business, { aggregate: aggregate.code, id: business }, seq + 1, 1)
        if (last === undefined) throw new Error(`the definitions of ${business} lack the event ${seq}`)
        past = { seq, stretches: [{ from: last.at, state }] }
      }
    }
    // On a copy: whoever is interrupted, or beside another, leaves no half of it.
    const now: Past = { seq: past.seq, stretches: [...past.stretches] }
    yield* follow(business, aggregate, now, seq, newest)
    remembered.delete(place)
    remembered.set(place, now)
    forgetOldest(remembered, streamsMax)
    return now
  })

  /** From an instant on, folded from the beginning; the newest of it is remembered. */
  const since = Effect.fnUntraced(function* (business: string, kind: Kind, oldest: number, seq: number) {
    const past = beginning(aggregateOfKind(kind))
    yield* follow(business, aggregateOfKind(kind), past, seq, (stretches) => {
      stretches.splice(
        0,
        Math.max(
          0,
          stretches.findLastIndex(({ from }) => from <= oldest)
        )
      )
    })
    const kept = [...past.stretches]
    newest(kept)
    remembered.set(`${business}/${kind}`, { seq: past.seq, stretches: kept })
    return past
  })

  const waiting = ({ _tag }: { readonly _tag: string }) =>
    new ProjectionWaits({ reason: `the definitions of a business: ${_tag}` })

  const at = Effect.fnUntraced(function* (instants: ReadonlyArray<Instant>, kind: Kind) {
    const oldest = oldestOf(instants)
    const found = new Map<string, Past>()
    const inForce = yield* definitions.foldedInForce([...oldest.keys()], kind)
    for (const [business, { state, seq }] of inForce) {
      const first = oldest.get(business) ?? Number.POSITIVE_INFINITY
      const past = yield* upToNow(business, kind, state, seq)
      found.set(business, stateAt(past, first) === undefined ? yield* since(business, kind, first, seq) : past)
    }
    return ({ business, at: instant }: Instant): unknown => {
      const past = found.get(business)
      return past === undefined ? aggregateOfKind(kind).initial : stateAt(past, instant)?.state
    }
  })

  return {
    /** Of each business and instant; what was defined at the very instant is in force. */
    at: <K extends Kind>(
      instants: ReadonlyArray<Instant>,
      kind: K
    ): Effect.Effect<(instant: Instant) => StateOf<K>, ProjectionWaits> =>
      Effect.mapError(at(instants, kind), (error) =>
        error._tag === "ProjectionWaits" ? error : waiting(error)
      ) as Effect.Effect<(instant: Instant) => StateOf<K>, ProjectionWaits>
  }
}
export type PastDefinitions = ReturnType<typeof make>
