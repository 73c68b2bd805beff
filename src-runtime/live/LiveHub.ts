/**
 * The live hub: hands what is committed to those who follow a topic, right after the commit, never before it. Who comes
 * back with a position is first told what it missed, read from the journal, and then goes on live without a gap or a
 * duplicate: it is entered before the head is read, and what is committed meanwhile is held back until it has caught up.
 *
 *     enter room ─► head of the shard ─► read position..head ─► release what was held ─► live
 *
 * A topic whose actor is on another runner is told from the journal (`Tails`). When its shard moves, those who follow are
 * told to read anew what they show.
 */
import { Actors } from "../actor/Actors.ts"
import { shardOf } from "../actor/Placement.ts"
import { ActorUnavailable, type RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { CommittedTurn } from "../actor/Turn.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import { aggregateOfCode } from "../journal/Kinds.ts"
import type { EventRow } from "../journal/Unit.ts"
import { type DataKey, Sealer } from "../privacy/Sealer.ts"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type { Feed } from "./Feed.ts"
import type { Heads } from "./Heads.ts"
import * as MissedPages from "./MissedPages.ts"
import type { Position } from "./Position.ts"
import type { Committed } from "../projection/Projection.ts"
import * as Tails from "./Tails.ts"
import { type Follower, type Receiver, Room } from "./Room.ts"

/** Events of a shard read for one who comes back; beyond it the topic has to be loaded anew. */
export const resumeEventsMax = 10_000
/** Events of a topic that are kept while it is added up what they move; of more of them the pages are read again. */
const keptEventsMax = 500
/** How soon a topic whose shard has moved is tried again. */
const reopenIntervalMs = 500

export interface Following<E> {
  readonly business: string
  readonly feed: Feed
  readonly key: string
  /** The contact who looks; absent: the business itself. */
  readonly viewer: string | undefined
  readonly after: Position | undefined
  /** Why the topic may not be followed in this state of it; asked again when that may have changed. */
  readonly admit: (state: unknown) => E | undefined
  readonly receiver: Receiver<E>
  /** Succeeds when a further page can be taken. */
  readonly roomy: Effect.Effect<void>
}

export class LiveHub extends Context.Service<
  LiveHub,
  {
    /** Returns once it is live; the effect returned ends it. */
    readonly follow: <E>(following: Following<E>) => Effect.Effect<() => void, E | RuntimeRefusal>
    readonly statistics: () => { readonly topics: number; readonly followers: number }
  }
>()("koinon/runtime/LiveHub") {}

/** Why what was missed is not told, if it is not. */
const reasonToReload = (after: Position, shard: number, head: number): string | undefined => {
  if (after.shard !== shard) return "the position belongs to another topic"
  if (after.offset > head) return "the position is not of this journal"
  if (head - after.offset > resumeEventsMax) return "too much has happened since the position"
  return undefined
}

const make = Effect.gen(function* () {
  const actors = yield* Actors
  const journal = yield* Journal
  const sealer = yield* Sealer
  const codec = new Codec(sealer)
  const missed = yield* MissedPages.make
  const runFork = Effect.runForkWith(yield* Effect.context())
  /** By business and key, then by feed. */
  const rooms = new Map<string, Map<string, Room>>()
  /** By shard: how many of `rooms` are of it, for ten thousand who leave at once cannot each look at all of them. */
  const placesOf = new Map<number, number>()
  /** What opens the events of a place that are read from the journal. */
  const dataKeys = new Map<string, DataKey | undefined>()
  let followers = 0

  const unavailable = (cause: unknown) => new ActorUnavailable({ cause })
  const dataKeyOf = (business: string, key: string) =>
    Effect.map(Effect.mapError(journal.load(business, key, []), unavailable), ({ dataKey }) =>
      dataKey === undefined ? undefined : sealer.unwrap(business, key, dataKey)
    )

  const leave = (room: Room): void => {
    room.holders -= 1
    if (room.holders > 0) return
    const place = `${room.business}/${room.key}`
    const siblings = rooms.get(place)
    if (siblings?.get(room.feed.name) === room) siblings.delete(room.feed.name)
    if (siblings?.size !== 0) return
    rooms.delete(place)
    dataKeys.delete(place)
    placesOf.set(room.shard, (placesOf.get(room.shard) ?? 0) - 1)
    if (!isFollowed(room.shard)) tails.end(room.shard)
  }

  const roomsOf = (shard: number): ReadonlyArray<Room> =>
    [...rooms.values()].flatMap((siblings) => [...siblings.values()].filter((room) => room.shard === shard))
  const isFollowed = (shard: number): boolean => (placesOf.get(shard) ?? 0) > 0

  /** Its state, as of when its events begin to be told. */
  const open = Effect.fnUntraced(function* (room: Room) {
    if (!actors.holds(room.shard)) yield* Effect.mapError(tails.begin(room.shard), unavailable)
    // The shard may have come, or the last follower may have gone, while its end was looked up.
    if (actors.holds(room.shard) || !isFollowed(room.shard)) tails.end(room.shard)
    room.open(yield* actors.read(room.business, room.key, room.feed.follows))
  })

  const enter = (business: string, feed: Feed, key: string): Room => {
    const place = `${business}/${key}`
    let siblings = rooms.get(place)
    if (siblings === undefined) {
      siblings = new Map<string, Room>()
      rooms.set(place, siblings)
      const shard = shardOf(key)
      placesOf.set(shard, (placesOf.get(shard) ?? 0) + 1)
    }
    let room = siblings.get(feed.name)
    if (room === undefined) {
      const opening: Room = new Room(business, feed, key, Deferred.makeUnsafe(), () => {
        followers -= 1
        leave(opening)
      })
      siblings.set(feed.name, opening)
      room = opening
      runFork(
        Effect.onExit(open(opening), (exit) =>
          Effect.sync(() => {
            if (Exit.isFailure(exit)) siblings.delete(feed.name)
            Deferred.doneUnsafe(opening.ready, Exit.asVoid(exit))
          })
        )
      )
    }
    room.holders += 1
    return room
  }

  /** Others go on, and so does the commit: the followers of this topic are told that they missed something. */
  const untold = (room: Room, { offset }: EventRow, cause: unknown): void => {
    runFork(Effect.logError(`an event of ${room.topic} could not be told`, cause))
    for (const { receiver } of room.followers)
      receiver.reload({ shard: room.shard, offset }, "an event could not be told")
  }

  const heard = (turn: Pick<CommittedTurn, "business" | "key" | "events" | "trace">): void => {
    if (rooms.size === 0) return
    const siblings = rooms.get(`${turn.business}/${turn.key}`)
    const business = siblings === undefined ? undefined : actors.business(turn.business)
    if (siblings === undefined || business === undefined) return
    for (const room of siblings.values()) {
      for (const committed of turn.events) {
        try {
          room.heard(committed, business, turn.trace)
        } catch (cause) {
          untold(room, committed.row, cause)
        }
      }
    }
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => actors.onCommitted(heard)),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  /** Events of a shard that another runner wrote. Fails before any of them was told, or tells them all. */
  const read = Effect.fnUntraced(function* (rows: ReadonlyArray<EventRow>) {
    const own = rows.filter(({ business, key }) => rooms.has(`${business}/${key}`))
    for (const { business, key } of own) {
      const place = `${business}/${key}`
      if (dataKeys.get(place) === undefined) dataKeys.set(place, yield* dataKeyOf(business, key))
    }
    for (const row of own) {
      const { business, key } = row
      try {
        heard({ business, key, events: [{ event: codec.readEvent(row, dataKeys.get(`${business}/${key}`)), row }] })
      } catch (cause) {
        for (const room of rooms.get(`${business}/${key}`)?.values() ?? []) untold(room, row, cause)
      }
    }
  })
  const tails = yield* Tails.make(read)

  const headOf = (shard: number): number => (actors.holds(shard) ? actors.committedOffset(shard) : tails.offset(shard))

  /** The shard has come or gone: its topics are told from elsewhere now. */
  const relocate = Effect.fnUntraced(function* (shard: number) {
    tails.end(shard)
    for (const room of roomsOf(shard)) {
      room.reopen()
      yield* Effect.ignore(
        Effect.retry(open(room), {
          while: () => room.holders > 0,
          schedule: Schedule.spaced(reopenIntervalMs)
        })
      )
      for (const follower of room.followers) {
        if (follower.held !== undefined) follower.overflowed = true
        else follower.receiver.reload({ shard, offset: headOf(shard) }, "its actor has moved to another runner")
      }
    }
  })
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      actors.onHeld((shards) => {
        for (const shard of shards) if (isFollowed(shard)) runFork(relocate(shard))
      })
    ),
    (unsubscribe) => Effect.sync(unsubscribe)
  )

  /** The events of a topic in the page after an offset, opened, and where the next page begins. */
  const pagesOf = (room: Room, head: number, roomy: Effect.Effect<void>) => {
    let key: DataKey | undefined
    let keyKnown = false
    return Effect.fnUntraced(function* (at: number) {
      yield* roomy
      const rows = yield* Effect.mapError(missed.read(room.shard, at, head), unavailable)
      const own = rows.filter(
        (row) =>
          row.business === room.business && row.key === room.key && room.carries(aggregateOfCode(row.aggregate).kind)
      )
      if (own.length > 0 && !keyKnown) {
        key = yield* dataKeyOf(room.business, room.key)
        keyKnown = true
      }
      const open = (row: EventRow): Committed => ({ row, event: codec.readEvent(row, key) })
      const events = yield* Effect.try({ try: () => own.map(open), catch: unavailable })
      return { events, next: rows.at(-1)?.offset ?? head }
    })
  }

  /** What all that was missed has moved, and the events themselves unless they are too many. */
  const addUp = Effect.fnUntraced(function* (
    pageAfter: ReturnType<typeof pagesOf>,
    moves: (event: Committed["event"]) => bigint,
    from: number,
    head: number
  ) {
    let moved = 0n
    let kept: Array<Committed> | undefined = []
    for (let at = from; at < head;) {
      const { events, next } = yield* pageAfter(at)
      for (const { event } of events) moved += moves(event)
      kept = kept === undefined || kept.length + events.length > keptEventsMax ? undefined : [...kept, ...events]
      at = next
    }
    return { moved, kept }
  })

  /** Tells a follower what the journal holds of its topic after `from`, up to the head at which it went live in `state`. */
  const replay = Effect.fnUntraced(function* (
    room: Room,
    follower: Follower,
    from: number,
    state: unknown,
    roomy: Effect.Effect<void>
  ) {
    const { feed, topic } = room
    const head = follower.from
    const pageAfter = pagesOf(room, head, roomy)
    const sum = feed.moves === undefined ? undefined : yield* addUp(pageAfter, feed.moves, from, head)
    let movedSince = sum?.moved ?? 0n
    const tell = (committed: Committed): void => {
      movedSince -= feed.moves?.(committed.event) ?? 0n
      const business = actors.business(room.business)
      if (business === undefined) return
      const frame = feed.encode(committed, topic, { business, state, movedSince })
      if (frame !== undefined && room.sees(follower, frame)) follower.receiver.deliver(frame)
    }
    for (let at = from; at < head;) {
      const { events, next } = sum?.kept === undefined ? yield* pageAfter(at) : { events: sum.kept, next: head }
      // She may have lost her place in the meantime; then nothing more is told.
      if (!room.followers.has(follower)) return
      yield* Effect.try({ try: () => events.forEach(tell), catch: unavailable })
      at = next
    }
  })

  /** From held to live: what was committed during the replay goes out in its order. */
  const release = Effect.fnUntraced(function* (room: Room, follower: Follower, roomy: Effect.Effect<void>) {
    for (let held = follower.held ?? []; held.length > 0;) {
      for (const frame of held.splice(0, MissedPages.pageEvents)) follower.receiver.deliver(frame)
      yield* roomy
    }
    follower.held = undefined
    if (!follower.overflowed) return
    follower.from = headOf(room.shard)
    follower.receiver.reload({ shard: room.shard, offset: follower.from }, "too much happened while it caught up")
  })

  return LiveHub.of({
    follow: <E>({ business, feed, key, viewer, after, admit, receiver, roomy }: Following<E>) =>
      Effect.suspend(() => {
        const room = enter(business, feed, key)
        const follower: Follower = { viewer, receiver, admit, from: 0, held: [], overflowed: false }
        let entered = false
        const close = (): void => {
          if (entered && !room.followers.delete(follower)) return
          if (entered) followers -= 1
          entered = true
          leave(room)
        }
        const start = Effect.gen(function* () {
          yield* Deferred.await(room.ready)
          const refused = admit(room.state)
          if (refused !== undefined) return yield* Effect.fail(refused)
          // Nothing else runs between reading the head and going live.
          const head = headOf(room.shard)
          const { state } = room
          const now = { shard: room.shard, offset: head }
          const reason = after === undefined ? undefined : reasonToReload(after, room.shard, head)
          follower.from = head
          room.followers.add(follower)
          followers += 1
          entered = true
          if (after === undefined || reason !== undefined) {
            follower.held = undefined
            receiver.started(now)
            if (reason !== undefined) receiver.reload(now, reason)
            return close
          }
          receiver.started(after)
          yield* replay(room, follower, after.offset, state, roomy)
          yield* release(room, follower, roomy)
          return close
        })
        return Effect.onExit(start, (exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.sync(close)))
      }),
    statistics: () => {
      let topics = 0
      for (const siblings of rooms.values()) topics += siblings.size
      return { topics, followers }
    }
  })
})

export const layer: Layer.Layer<LiveHub, never, Actors | Journal | Sealer | Heads> = Layer.effect(LiveHub, make)
