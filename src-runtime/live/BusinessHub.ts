/**
 * The live hub for topics of a whole business: hands every committed event of some types to those who follow, whatever
 * contact it is of and wherever its actor lives. Events of one contact come in order; those of different shards in none. Who
 * comes back is told from the journal what was missed, without a gap or a duplicate, or that it has to reload.
 */
import type { Event } from "#domain/Event.ts"
import type { Business } from "#domain/organisation/Business.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import { Actors } from "../actor/Actors.ts"
import { allShards } from "../actor/Placement.ts"
import { ActorUnavailable } from "../actor/RuntimeRefusal.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import type { Committed } from "../projection/Projection.ts"
import { Sealer } from "../privacy/Sealer.ts"
import type { Heads } from "./Heads.ts"
import { type Positions, positionsText } from "./Positions.ts"
import * as Tails from "./Tails.ts"

/** Events of all shards, of any type, between a position and now; beyond it the topic has to be loaded anew. */
const resumeEventsMax = 50_000
/** Offsets of one shard that are looked through at a time. */
const resumePageOffsets = 5_000
/** Frames kept for one who is still being told what it missed. */
const heldFramesMax = 1_000
/** Who comes back at the same moment waits for the others. */
const resumesAtOnceMax = 2
/** How soon it is looked again where a shard ends that has gone, when the journal did not tell. */
const beginIntervalMs = 500

/** A kind of topic: no event of it holds anything personal, so it is read without any key. */
export interface Broadcast {
  readonly name: string
  readonly types: ReadonlySet<Event["_tag"]>
  /** The text that is sent; `undefined` for what is of no interest outside. */
  readonly encode: (committed: Committed, business: Business, position: string) => string | undefined
}

/** Where the frames of one follower go. None of these may wait or throw. */
export interface BroadcastReceiver {
  readonly started: (position: string) => void
  readonly deliver: (text: string) => void
  readonly reload: (position: string, reason: string) => void
}

export interface FollowingBusiness {
  readonly business: string
  readonly broadcast: Broadcast
  readonly after: Positions | undefined
  readonly receiver: BroadcastReceiver
  /** Succeeds when a further page can be taken. */
  readonly roomy: Effect.Effect<void>
}

export class BusinessHub extends Context.Service<
  BusinessHub,
  {
    /** Returns once it is live; the effect returned ends it. */
    readonly follow: (following: FollowingBusiness) => Effect.Effect<() => void, ActorUnavailable>
    readonly followers: () => number
  }
>()("koinon/runtime/BusinessHub") {}

interface Follower {
  readonly business: string
  readonly broadcast: Broadcast
  readonly receiver: BroadcastReceiver
  /** By shard: how far it has been told. A shard that comes here may be told from elsewhere for a moment longer. */
  readonly seen: Array<number>
  /** While it is told what it missed. */
  held: Array<string> | undefined
  overflowed: boolean
}

const make = Effect.gen(function* () {
  const actors = yield* Actors
  const journal = yield* Journal
  const codec = new Codec(yield* Sealer)
  const resuming = yield* Semaphore.make(resumesAtOnceMax)
  const runFork = Effect.runForkWith(yield* Effect.context())
  const followers = new Set<Follower>()
  /** Of the shards held here: up to where every follower has been told. */
  const told = new Map<number, number>()
  const begin = (): void => {
    told.clear()
    for (const shard of allShards) if (actors.holds(shard)) told.set(shard, actors.committedOffset(shard))
  }

  const unavailable = (cause: unknown) => new ActorUnavailable({ cause })

  const hand = (follower: Follower, text: string): void => {
    const { held, receiver } = follower
    if (held === undefined) return receiver.deliver(text)
    if (!follower.overflowed && held.length < heldFramesMax) return void held.push(text)
    follower.overflowed = true
    held.length = 0
  }

  /** All have been told up to the offset of each shard; of one of them, up to that of the event that is being told. */
  const textAt = (row?: EventRow): string =>
    positionsText((shard) => (shard === row?.shard ? row.offset : offsetOf(shard)))

  const heard = (businessId: string, events: ReadonlyArray<Committed>): void => {
    if (followers.size === 0) return
    const business = actors.business(businessId)
    if (business === undefined) return
    for (const committed of events) {
      /** Encoded once for all who follow the same. */
      const texts = new Map<Broadcast, string | undefined>()
      for (const follower of followers) {
        const { broadcast } = follower
        if (follower.business !== businessId || !broadcast.types.has(committed.event._tag)) continue
        const { offset, shard } = committed.row
        if (offset <= (follower.seen[shard] ?? 0)) continue
        follower.seen[shard] = offset
        if (!texts.has(broadcast)) texts.set(broadcast, broadcast.encode(committed, business, textAt(committed.row)))
        const text = texts.get(broadcast)
        if (text !== undefined) hand(follower, text)
      }
    }
  }

  const wanted = (row: EventRow): boolean =>
    [...followers].some(
      ({ business, broadcast }) => business === row.business && (broadcast.types as ReadonlySet<string>).has(row.type)
    )
  const tails = yield* Tails.make((rows) =>
    Effect.try({
      try: () => {
        for (const row of rows) {
          if (wanted(row)) heard(row.business, [{ row, event: codec.readEvent(row, undefined) }])
        }
      },
      catch: unavailable
    })
  )
  const offsetOf = (shard: number): number => told.get(shard) ?? tails.offset(shard)

  begin()
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onCommitted(({ business, shard, events }) => {
        heard(business, events)
        const last = events.at(-1)
        // What was under way as the shard was let go is told as well, but what follows it comes from elsewhere.
        if (last !== undefined && actors.holds(shard)) told.set(shard, last.row.offset)
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  /** Shards come and go while it is looked where others end: what is here now is told by its commits alone. */
  const beginElsewhere = Effect.gen(function* () {
    const isUntold = (shard: number): boolean => !actors.holds(shard) && !tails.isTold(shard)
    for (let rest = allShards.filter(isUntold); rest.length > 0; rest = allShards.filter(isUntold)) {
      yield* Effect.forEach(rest, (shard) => tails.begin(shard), { discard: true })
    }
    for (const shard of allShards) if (actors.holds(shard)) tails.end(shard)
  })
  const endWithTheLast = (): void => {
    if (followers.size === 0) allShards.forEach(tails.end)
  }

  /** What is told from elsewhere now may have been written in between. */
  const relocate = (shards: ReadonlySet<number>) =>
    Effect.gen(function* () {
      for (const shard of shards) if (actors.holds(shard)) tails.end(shard)
      yield* Effect.ignore(
        Effect.retry(beginElsewhere, {
          while: () => followers.size > 0,
          schedule: Schedule.spaced(beginIntervalMs)
        })
      )
      endWithTheLast()
      for (const follower of followers) {
        if (follower.held !== undefined) follower.overflowed = true
        else follower.receiver.reload(textAt(), "actors have moved to another runner")
      }
    })
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onHeld((shards) => {
        begin()
        if (followers.size > 0) runFork(relocate(shards))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  /** Tells what the journal holds between two places, a page of one shard at a time. */
  const replay = Effect.fnUntraced(function* (
    follower: Follower,
    { business: id, broadcast, receiver, roomy }: FollowingBusiness,
    from: Positions,
    to: Positions
  ) {
    const seen = [...from]
    const types = [...broadcast.types]
    for (const shard of allShards) {
      const head = to[shard] ?? 0
      for (let after = seen[shard] ?? 0; after < head;) {
        yield* roomy
        const upTo = Math.min(head, after + resumePageOffsets)
        const { rows } = yield* Effect.mapError(journal.scan([{ shard, after, upTo }], types), unavailable)
        const business = actors.business(id)
        if (business === undefined || !followers.has(follower)) return
        for (const row of rows) {
          seen[shard] = row.offset
          if (row.business !== id) continue
          const text = yield* Effect.try({
            try: () =>
              broadcast.encode(
                { row, event: codec.readEvent(row, undefined) },
                business,
                positionsText((other) => seen[other] ?? 0)
              ),
            catch: unavailable
          })
          if (text !== undefined) receiver.deliver(text)
        }
        after = upTo
        seen[shard] = upTo
      }
    }
  })

  /** Why what was missed is not told, if it is not. */
  const reasonToReload = (after: Positions, now: Positions): string | undefined => {
    if (now.some((offset, shard) => offset < (after[shard] ?? 0))) return "the position is not of this journal"
    const missed = now.reduce((sum, offset, shard) => sum + offset - (after[shard] ?? 0), 0)
    return missed > resumeEventsMax ? "too much has happened since the position" : undefined
  }

  const release = Effect.fnUntraced(function* (follower: Follower, roomy: Effect.Effect<void>) {
    for (let held = follower.held ?? []; held.length > 0;) {
      for (const text of held.splice(0, heldFramesMax)) follower.receiver.deliver(text)
      yield* roomy
    }
    follower.held = undefined
    if (follower.overflowed) follower.receiver.reload(textAt(), "too much happened while it caught up")
  })

  return BusinessHub.of({
    follow: (following) =>
      Effect.suspend(() => {
        const { business, broadcast, after, receiver, roomy } = following
        const follower: Follower = { business, broadcast, receiver, seen: [], held: [], overflowed: false }
        const close = (): void => {
          followers.delete(follower)
          endWithTheLast()
        }
        const start = Effect.gen(function* () {
          yield* Effect.mapError(beginElsewhere, unavailable)
          // Nothing else runs between reading the heads and being entered.
          const now = allShards.map(offsetOf)
          follower.seen.push(...now)
          followers.add(follower)
          const reason = after === undefined ? undefined : reasonToReload(after, now)
          if (after === undefined || reason !== undefined) {
            follower.held = undefined
            receiver.started(positionsText((shard) => now[shard] ?? 0))
            if (reason !== undefined) receiver.reload(textAt(), reason)
            return close
          }
          receiver.started(positionsText((shard) => after[shard] ?? 0))
          yield* resuming.withPermit(replay(follower, following, after, now))
          yield* release(follower, roomy)
          return close
        })
        return Effect.onError(start, () => Effect.sync(close))
      }),
    followers: () => followers.size
  })
})

export const layer: Layer.Layer<BusinessHub, never, Actors | Journal | Sealer | Heads> = Layer.effect(BusinessHub, make)
