/**
 * The parts that keep memberships, put together: the projection that the projector runs, the timers and the refresher of
 * this runner, and what by-hand changes need. They stand below the projector and have to wait for its views, so it is
 * handed to them once it is there.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { Definitions } from "../actor/Definitions.ts"
import type { Projection } from "../projection/Projection.ts"
import * as EvaluationOf from "./Evaluation.ts"
import * as Imports from "./Imports.ts"
import * as InForce from "./InForce.ts"
import * as LateStore from "./LateStore.ts"
import * as LiveFacts from "./LiveFacts.ts"
import * as LiveSegments from "./LiveSegments.ts"
import * as Refresher from "./Refresher.ts"
import type { SegmentChangeSink } from "./SegmentChange.ts"
import { SegmentExportNotice } from "./SegmentExportNotice.ts"
import * as SegmentTimers from "./SegmentTimers.ts"
import * as Takeover from "./Takeover.ts"

/** What follows from changes, written with them; in the order given. */
export const SegmentChangeSinks = Context.Reference<ReadonlyArray<SegmentChangeSink>>(
  "koinon/runtime/SegmentChangeSinks",
  { defaultValue: () => [] }
)

export class LiveMembership extends Context.Service<
  LiveMembership,
  {
    readonly projection: Projection
    readonly evaluation: EvaluationOf.Evaluation
    readonly timers: SegmentTimers.SegmentTimers
    readonly imports: ReturnType<typeof Imports.make>
    readonly wakeRefresher: () => void
    /** Without the store everybody waits. */
    readonly handStore: (store: LateStore.Store) => void
    /** Contacts that are kept in memory. */
    readonly contacts: () => number
  }
>()("koinon/runtime/LiveMembership") {}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const actors = yield* Actors
  const definitions = yield* Definitions
  const { store, hand } = LateStore.make()
  const sinks = yield* SegmentChangeSinks
  const notice = yield* SegmentExportNotice
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()

  const inForce = InForce.make(definitions)
  const facts = LiveFacts.make(actors, store)
  const evaluation = EvaluationOf.make(sql, store, (business) => actors.business(business)?.timeZone ?? "UTC")
  const timers = yield* SegmentTimers.make({ sql, actors, inForce, facts, sinks })
  const refresher = yield* Refresher.make({
    sql,
    actors,
    definitions,
    store,
    evaluation,
    takeOver: Takeover.make({ sql, inForce, facts, sinks, now }),
    notice,
    taken: () => timers.wake(0)
  })
  const projection = LiveSegments.make({
    inForce,
    facts,
    sinks,
    timers,
    wakeRefresher: refresher.wake
  })
  return LiveMembership.of({
    projection,
    evaluation,
    timers,
    imports: Imports.make({ sql, store, inForce, facts, sinks, now }),
    wakeRefresher: refresher.wake,
    handStore: hand,
    contacts: facts.contacts
  })
})

export const layer: Layer.Layer<LiveMembership, never, SqlClient | Actors | Definitions> = Layer.effect(
  LiveMembership,
  make
)
