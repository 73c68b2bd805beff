/**
 * Looks at sets of conditions without a trace: who would be in now, or would have been at an instant, how two differ, and
 * why a contact is in or is not. What is said of now is what a refresh at this moment would give (SEG-6), by the same query.
 */
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { explain } from "#domain/segment/Explain.ts"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import * as Effect from "effect/Effect"
import type { Semaphore } from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { JournalUnavailable } from "../journal/Journal.ts"
import { NoLongerKept, type ProjectionBehind, type ViewUnavailable } from "../projection/ViewRefusal.ts"
import type { SegmentStoreUnavailable } from "./SegmentDatabase.ts"
import { type Evaluation, type Members, memberSinceOf, membersOf } from "./Evaluation.ts"
import type { HistoricalFacts } from "./HistoricalFacts.ts"
import { membersAt, prunedOf } from "./MemberLists.ts"
import type { Store } from "./LateStore.ts"

/** Contacts shown of a group. */
const sampleMax = 100

export interface Group {
  /** Exact. */
  readonly count: number
  /** Ids of contacts, the first that were found. */
  readonly sample: ReadonlyArray<string>
}

export interface Difference {
  readonly onlyFirst: Group
  readonly onlySecond: Group
  readonly both: Group
}

class Counted {
  count = 0
  readonly sample: Array<string> = []
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  add(contact: string): void {
    this.count += 1
    if (this.sample.length < this.#most) this.sample.push(contact)
  }

  get group(): Group {
    return { count: this.count, sample: this.sample }
  }
}

type Unread =
  | NoLongerKept
  | SqlError
  | SegmentStoreUnavailable
  | ProjectionBehind
  | ViewUnavailable
  | JournalUnavailable

interface Options {
  readonly sql: SqlClient
  readonly store: Store
  readonly history: HistoricalFacts["Service"]
  readonly evaluation: Evaluation
  readonly looks: Semaphore
}

export const make = ({ sql, store, history, evaluation, looks }: Options) => {
  const namedAt = Effect.fnUntraced(function* (business: string, sets: ConditionSets, at: number | undefined) {
    const named = new Map<string, Members>()
    for (const id of dependsOn(sets).segments) {
      named.set(id, yield* at === undefined ? membersOf(sql, business, id) : membersAt(sql, business, id, at))
    }
    if (at !== undefined && named.size > 0) {
      // Looked at afterwards: nothing went while it was read, or it is said.
      const { before } = yield* prunedOf(sql, business, [...named.keys()])
      if (at < before) return yield* new NoLongerKept({ asked: "INSTANT" })
    }
    return named
  })

  /** Who was in at a past instant: every contact is folded up to it. */
  const matchingAt = (business: string, sets: ConditionSets, at: number) =>
    Stream.unwrap(
      Effect.map(namedAt(business, sets, at), (named) => {
        const judge = compile(sets)
        // What happened in the instant itself has happened.
        return history.streamOf(business, { until: at + 1 }).pipe(
          Stream.filter(({ contact, facts }) => judge(facts, at, memberSinceOf(contact, named)).holds),
          Stream.map(({ contact }) => contact)
        )
      })
    )

  const matching = (
    business: string,
    sets: ConditionSets,
    now: number,
    at: number | undefined
  ): Stream.Stream<string, Unread> =>
    at !== undefined
      ? matchingAt(business, sets, at)
      : Stream.unwrap(
          Effect.map(namedAt(business, sets, undefined), (named) => evaluation.matching(business, sets, now, named))
        )

  /** What is asked of the past waits for its turn. */
  const inTurn = <A, E>(at: number | undefined, look: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    at === undefined ? look : looks.withPermit(look)

  return {
    /** The store holds what has to be seen. */
    preview: Effect.fnUntraced(function* (
      business: string,
      sets: ConditionSets,
      now: number,
      at: number | undefined,
      sampleSize: number
    ) {
      const found = new Counted(Math.min(sampleSize, sampleMax))
      const every = Stream.runForEach(matching(business, sets, now, at), (contact) =>
        Effect.sync(() => found.add(contact))
      )
      yield* inTurn(at, every)
      return found.group
    }),
    difference: Effect.fnUntraced(function* (
      business: string,
      first: ConditionSets,
      second: ConditionSets,
      now: number,
      at: number | undefined,
      sampleSize: number
    ) {
      const most = Math.min(sampleSize, sampleMax)
      const rest = new Set<string>()
      const ofFirst = Stream.runForEach(matching(business, first, now, at), (contact) =>
        Effect.sync(() => rest.add(contact))
      )
      const [both, onlyFirst, onlySecond] = [new Counted(most), new Counted(most), new Counted(most)]
      const ofSecond = Stream.runForEach(matching(business, second, now, at), (contact) =>
        Effect.sync(() => (rest.delete(contact) ? both : onlySecond).add(contact))
      )
      yield* inTurn(at, Effect.andThen(ofFirst, ofSecond))
      for (const contact of rest) onlyFirst.add(contact)
      return { onlyFirst: onlyFirst.group, onlySecond: onlySecond.group, both: both.group } satisfies Difference
    }),
    /** Condition by condition; `undefined`: there is no such contact. */
    why: Effect.fnUntraced(function* (business: string, sets: ConditionSets, contact: string, now: number) {
      const facts: ContactFacts | undefined = (yield* store.facts(business, [contact])).get(contact)
      if (facts === undefined) return undefined
      const named = yield* namedAt(business, sets, undefined)
      return explain(sets, facts, now, memberSinceOf(contact, named))
    })
  }
}
