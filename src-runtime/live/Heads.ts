/**
 * How runners tell each other that shards have moved on: "shard and last offset", never what happened. Whoever follows
 * something of another runner reads the journal when it hears, so a message that is lost or late delays a push and loses
 * nothing. A view that somebody waits for on another runner is named the same way. Over Redis where there is one, else over
 * the database's own notifications.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { Actors } from "../actor/Actors.ts"
import { shardCount } from "../actor/Placement.ts"

/** Commits of so long are told in one message. */
const gatherMs = 3
/** How soon a channel that has failed is tried again. */
const retryIntervalMs = 500

/** The channel between runners does not work for now. */
export class HeadsUntold extends Schema.TaggedError<HeadsUntold>()("HeadsUntold", { cause: Schema.Defect() }) {}

/** A way to all runners, this one among them. */
export interface HeadChannel {
  readonly name: string
  readonly send: (message: string) => Effect.Effect<void, HeadsUntold>
  /** Calls `listening` when nothing is missed from then on; ends only by failing. */
  readonly hear: (listening: () => void, heard: (message: string) => void) => Effect.Effect<never, HeadsUntold>
}

export class Heads extends Context.Service<
  Heads,
  {
    /** Called with the last offset of a shard that another runner has written. */
    readonly onMoved: (listener: (shard: number, offset: number) => void) => () => void
    /** Tells the others that a view of what they write is waited for here. */
    readonly askFor: (view: string) => void
    /** Called with the view that is waited for on another runner. */
    readonly onAsked: (listener: (view: string) => void) => () => void
    /** False while something may be missed: then the journal has to be looked at. */
    readonly areHeard: () => boolean
  }
>()("koinon/runtime/Heads") {}

/** "runner shard:offset shard:offset ?view …": 64 shards and a few views, far below what a notification may hold. */
const messageOf = (runner: string, heads: ReadonlyMap<number, number>, views: ReadonlySet<string>): string =>
  [
    runner,
    ...Array.from(heads, ([shard, offset]) => `${shard}:${offset}`),
    ...Array.from(views, (view) => `?${view}`)
  ].join(" ")

/** Heads of a message of another runner; what is not understood is passed over, since looking at the journal heals it. */
export const headsIn = (message: string, runner: string): ReadonlyArray<readonly [shard: number, offset: number]> => {
  const [from, ...words] = message.split(" ")
  if (from === runner) return []
  return words.flatMap((word) => {
    const match = /^(\d{1,3}):(\d{1,15})$/.exec(word)
    const shard = Number(match?.[1])
    return match === null || shard >= shardCount ? [] : [[shard, Number(match[2])] as const]
  })
}

/** Views that another runner waits for. */
export const viewsIn = (message: string, runner: string): ReadonlyArray<string> => {
  const [from, ...words] = message.split(" ")
  return from === runner ? [] : words.flatMap((word) => (/^\?\w+$/.test(word) ? [word.slice(1)] : []))
}

const make = Effect.fn("Heads.make")(function* (channel: HeadChannel) {
  const actors = yield* Actors
  const listeners = new Set<(shard: number, offset: number) => void>()
  const askedListeners = new Set<(view: string) => void>()
  const moved = new Map<number, number>()
  const asked = new Set<string>()
  const anyMoved = yield* Latch.make(false)
  let heard = false

  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onCommitted(({ shard, events }) => {
        const last = events.at(-1)
        if (last === undefined) return
        moved.set(shard, last.row.offset)
        anyMoved.openUnsafe()
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  const tell = Effect.gen(function* () {
    yield* anyMoved.await
    yield* Effect.sleep(gatherMs)
    yield* anyMoved.close
    const message = messageOf(actors.runner, moved, asked)
    moved.clear()
    asked.clear()
    yield* channel.send(message)
  })
  const untilItWorks = (work: Effect.Effect<unknown, HeadsUntold>, what: string) =>
    work.pipe(
      Effect.catch(() =>
        Effect.andThen(Effect.logWarning(`${what} over ${channel.name} for now`), Effect.sleep(retryIntervalMs))
      ),
      Effect.forever,
      Effect.forkScoped
    )
  yield* untilItWorks(tell, "other runners cannot be told of commits")
  const hearing = channel.hear(
    () => {
      heard = true
    },
    (message) => {
      for (const [shard, offset] of headsIn(message, actors.runner)) {
        for (const listener of listeners) listener(shard, offset)
      }
      for (const view of viewsIn(message, actors.runner)) for (const listener of askedListeners) listener(view)
    }
  )
  yield* untilItWorks(
    Effect.onExit(hearing, () =>
      Effect.sync(() => {
        heard = false
      })
    ),
    "commits of other runners are not heard"
  )
  return Heads.of({
    onMoved: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    askFor: (view) => {
      asked.add(view)
      anyMoved.openUnsafe()
    },
    onAsked: (listener) => {
      askedListeners.add(listener)
      return () => askedListeners.delete(listener)
    },
    areHeard: () => heard
  })
})

/** A runner that has no others: nothing moves elsewhere. */
export const alone: Layer.Layer<Heads> = Layer.succeed(Heads, {
  onMoved: () => () => undefined,
  askFor: () => undefined,
  onAsked: () => () => undefined,
  areHeard: () => true
})

export const layer = <R>(channel: Effect.Effect<HeadChannel, never, R>) =>
  Layer.effect(Heads, Effect.flatMap(channel, make)) satisfies Layer.Layer<
    Heads,
    never,
    Actors | Exclude<R, Scope.Scope>
  >
