/**
 * What businesses have defined (segments, automations, templates, plans, endpoints), for those who act on it with every
 * event: read from the actors once and remembered until a commit, here or elsewhere, says that it has changed. While other
 * runners cannot be heard, what could change there is read each time. What others tell comes a moment after their commit: who
 * judges events by the order of commits asks for what is in force now, which the journal is asked for.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { aggregateOfKind, type Kind, type StateOf } from "../journal/Kinds.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import { Actors } from "./Actors.ts"
import { shardOf } from "./Placement.ts"
import type { RuntimeRefusal } from "./RuntimeRefusal.ts"

/** Businesses whose definitions are remembered. */
const businessesMax = 1_000

export class Definitions extends Context.Service<
  Definitions,
  {
    /** The state of one of the streams of definitions that stand at the business's own key. */
    readonly of: <K extends Kind>(business: string, kind: K) => Effect.Effect<StateOf<K>, RuntimeRefusal>
    /** Of each business, with all that any runner had committed before the call; no query for those that are held here. */
    readonly inForce: <K extends Kind>(
      businesses: ReadonlyArray<string>,
      kind: K
    ) => Effect.Effect<ReadonlyMap<string, StateOf<K>>, ProjectionWaits>
    /**
     * The same by the journal wherever they are held: for whoever does what cannot be undone because something is not defined.
     * A runner that slept while another took its shards does not know it yet, and waits.
     */
    readonly confirmed: <K extends Kind>(
      businesses: ReadonlyArray<string>,
      kind: K
    ) => Effect.Effect<ReadonlyMap<string, StateOf<K>>, ProjectionWaits>
    /** The same as `inForce`, each with how many events of its stream are in it. */
    readonly foldedInForce: (
      businesses: ReadonlyArray<string>,
      kind: Kind
    ) => Effect.Effect<ReadonlyMap<string, Folded>, ProjectionWaits>
    /** Called with a business whose definitions may have changed; `undefined`: that of any. */
    readonly onChanged: (listener: (business: string | undefined) => void) => () => void
  }
>()("koinon/runtime/Definitions") {}

interface Folded {
  readonly state: unknown
  readonly seq: number
}

/** The end of each stream: one look into the index. */
const readEnds =
  "SELECT b.id, e.seq FROM unnest($1::uuid[]) AS b(id) CROSS JOIN LATERAL " +
  "(SELECT max(seq) AS seq FROM event WHERE event.id = b.id AND aggregate = $2::smallint) e WHERE e.seq IS NOT NULL"

const make = Effect.gen(function* () {
  const actors = yield* Actors
  const sql = yield* SqlClient
  /** By business, then by kind. */
  const remembered = new Map<string, Map<Kind, Folded>>()
  const listeners = new Set<(business: string | undefined) => void>()

  const forget = (business: string | undefined): void => {
    if (business === undefined) remembered.clear()
    else remembered.delete(business)
    for (const listener of listeners) listener(business)
  }
  const kindsOf = (business: string): Map<Kind, Folded> => {
    let kinds = remembered.get(business)
    if (kinds === undefined) {
      kinds = new Map()
      if (remembered.size >= businessesMax) remembered.clear()
      remembered.set(business, kinds)
    }
    return kinds
  }

  yield* Effect.acquireRelease(
    Effect.sync(() => [
      actors.onCommitted((turn) => {
        if (turn.key === turn.business && turn.events.length > 0) forget(turn.business)
      }),
      actors.onNotice((notice) => {
        if (notice === undefined) forget(undefined)
        else if ("business" in notice) forget(notice.business)
      }),
      // What was committed where a shard was before may not have been told yet.
      actors.onHeld(() => forget(undefined))
    ]),
    (unsubscribe) => Effect.sync(() => unsubscribe.forEach((leave) => leave()))
  )

  const read = Effect.fnUntraced(function* (business: string, kind: Kind) {
    const kinds = kindsOf(business)
    const known = kinds.get(kind)
    if (known !== undefined) return known
    const { state, seq } = yield* actors.read(business, business, kind)
    const found: Folded = { state, seq }
    // What was forgotten meanwhile may have been read before it changed.
    const isKnowable = actors.holds(shardOf(business)) || actors.hearsOthers()
    if (isKnowable && remembered.get(business) === kinds) kinds.set(kind, found)
    return found
  })

  const waiting = ({ _tag }: { readonly _tag: string }) =>
    new ProjectionWaits({ reason: `the definitions of a business: ${_tag}` })

  /** Those of which the journal has more than is remembered are read anew; it is asked about the doubtful. */
  const following = Effect.fnUntraced(function* (
    businesses: ReadonlyArray<string>,
    kind: Kind,
    doubtful: ReadonlyArray<string>
  ) {
    const found = new Map<string, Folded>()
    const ends = new Map<string, number>()
    if (doubtful.length > 0) {
      const { code } = aggregateOfKind(kind)
      for (const row of yield* sql.unsafe<{ id: string; seq: number | bigint }>(readEnds, [doubtful, code])) {
        ends.set(row.id, Number(row.seq))
      }
    }
    for (const business of businesses) {
      const end = ends.get(business) ?? 0
      let known = yield* read(business, kind)
      if (known.seq < end) {
        forget(business)
        known = yield* read(business, kind)
      }
      // Whoever answered does not hold it any more.
      if (known.seq < end)
        return yield* new ProjectionWaits({ reason: "the definitions of a business are on their way" })
      found.set(business, known)
    }
    return found
  })

  const orWaits = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
    Effect.mapError(effect, (error) => (error instanceof ProjectionWaits ? error : waiting(error)))

  const foldedInForce = (businesses: ReadonlyArray<string>, kind: Kind) =>
    Effect.suspend(() => {
      const elsewhere = businesses.filter((business) => !actors.holds(shardOf(business)))
      return orWaits(following(businesses, kind, elsewhere))
    })

  const statesOf = <K extends Kind, E>(folded: Effect.Effect<ReadonlyMap<string, Folded>, E>) =>
    Effect.map(
      folded,
      (found) => new Map(Array.from(found, ([business, { state }]) => [business, state as StateOf<K>]))
    )

  return Definitions.of({
    foldedInForce,
    confirmed: <K extends Kind>(businesses: ReadonlyArray<string>, kind: K) =>
      statesOf<K, ProjectionWaits>(orWaits(following(businesses, kind, businesses))),
    of: <K extends Kind>(business: string, kind: K) =>
      Effect.map(read(business, kind), ({ state }) => state as StateOf<K>),
    inForce: <K extends Kind>(businesses: ReadonlyArray<string>, kind: K) =>
      statesOf<K, ProjectionWaits>(foldedInForce(businesses, kind)),
    onChanged: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  })
})

export const layer: Layer.Layer<Definitions, never, Actors | SqlClient> = Layer.effect(Definitions, make)
