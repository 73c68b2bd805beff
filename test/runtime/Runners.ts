/**
 * Runners for tests of the runtime: any number of them over one store in memory, each through a connection of its own
 * that a test can disturb or cut. A crash leaves the store as it is and everything else unfinished.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Actors from "#runtime/actor/Actors.ts"
import { CascadeTurnsMax } from "#runtime/actor/Cascade.ts"
import { allShards } from "#runtime/actor/Placement.ts"
import type { Reply } from "#runtime/actor/Pending.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { aggregateOfKind, type Kind, type StateOf } from "#runtime/journal/Kinds.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import type { EventRow } from "#runtime/journal/Unit.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import type { Connection } from "./FaultyJournal.ts"
import * as FaultyJournal from "./FaultyJournal.ts"

export const sealerLayer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))

export interface Runner {
  readonly actors: Actors.Actors["Service"]
  /** Moves its shards. */
  readonly placed: Actors.Placed
  readonly connection: Connection
  /** Nothing of it reaches the store from here on, and nothing is drained; whoever waits for it waits in vain. */
  readonly crash: Effect.Effect<void>
  /** Ends it in good order. */
  readonly stop: Effect.Effect<void>
}

export interface RunnerOptions {
  /** Turns that commit together, at most; 1 sends every message through the inbox. The runtime's own bound if absent. */
  readonly cascadeTurnsMax?: number
  /** Those that it begins with; all if absent. */
  readonly shards?: ReadonlyArray<number>
}

/** Starts a runner through a connection. It ends with its test as in a crash, since what a test holds would never drain. */
export const startThrough = Effect.fnUntraced(function* (connection: Connection, options: RunnerOptions = {}) {
  const scope = yield* Scope.make()
  const crash = Effect.sync(() => {
    connection.cut()
    // In the background, and with a clock of its own: it waits a while for what will never be durable.
    Effect.runFork(Scope.close(scope, Exit.void))
  })
  yield* Effect.addFinalizer(() => crash)
  const journal = Layer.succeed(Journal, connection.journal)
  const { cascadeTurnsMax, shards = allShards } = options
  const bound = cascadeTurnsMax === undefined ? Layer.empty : Layer.succeed(CascadeTurnsMax, cascadeTurnsMax)
  const { actors, placed } = yield* Actors.make(shards).pipe(
    Effect.provide(yield* Layer.buildWithScope(Layer.mergeAll(journal, sealerLayer, bound), scope)),
    Scope.provide(scope)
  )
  return { actors, placed, connection, crash, stop: Scope.close(scope, Exit.void) } satisfies Runner
})

export const start = (store: Store, options?: RunnerOptions) => startThrough(FaultyJournal.connect(store), options)

/** What came of an ask so far; `replies` grows when it is answered. */
export interface Asked {
  readonly replies: ReadonlyArray<Reply>
}

/** Asks at once, in this very tick, and does not wait. */
export const askNow = (runner: Runner, ask: Actors.Ask): Asked => {
  const replies: Array<Reply> = []
  runner.actors.askWith(ask, (reply) => void replies.push(reply))
  return { replies }
}

/** Nothing is due that is not done; timers stand for later. */
export const isAtRest = (store: Store, now = 0): boolean =>
  [...store.inbox.values()].every((row) => row.deliverAt > now || row.failure !== undefined)

/** A word for how it ended: "done", or the tag of the refusal. */
export const ending = (reply: Reply | undefined): string => {
  if (reply === undefined) return "waiting"
  if (reply._tag === "Failed") return reply.refusal._tag
  return reply.outcome._tag === "Success" ? "done" : reply.outcome.failure._tag
}

/** The events of a stream and the state after each, folded from what is stored and nothing else. */
export const history = Effect.fnUntraced(function* <K extends Kind>(store: Store, kind: K, id: string, key = id) {
  const sealer = yield* Sealer.Sealer
  const codec = new Codec(sealer)
  const aggregate = aggregateOfKind(kind)
  const wrapped = store.dataKeys.get(key)
  const dataKey = wrapped && sealer.unwrap(wrapped.business, key, wrapped.wrapped)
  let state = aggregate.initial
  return (store.streams.get(`${aggregate.code}/${id}`) ?? []).map((row: EventRow) => {
    const event = codec.readEvent(row, dataKey)
    state = aggregate.evolve(state, event)
    return { row, event, state: state as StateOf<K> }
  })
}, Effect.provide(sealerLayer))
