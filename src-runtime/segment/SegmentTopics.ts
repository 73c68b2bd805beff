/**
 * Who follows the joins and leaves of a segment: told right after they are durable, in the order of its stream, wherever
 * they were written (the database tells all runners). Who comes back with a position is first told what it missed.
 *
 *     enter ─► read position..end, page by page ─► live: the room reads once for everybody
 */
import type { SegmentChange } from "./SegmentChange.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Notifications } from "../storage/Notifications.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import { changesAfter, prunedOf, statusOf } from "./MemberLists.ts"
import { placeOf } from "./Membership.ts"
import { changeChannel } from "./SegmentChange.ts"

/** Changes read for one who comes back; beyond it the members have to be loaded anew. */
const resumeChangesMax = 10_000
const pageChanges = 500
/** Whatever nobody was told of is looked for as often; a lost connection is tried again as soon. */
const lookIntervalMs = 1_000

export interface SegmentReceiver {
  /** It follows from here on; said before anything else. */
  readonly started: (position: number) => void
  readonly deliver: (text: string) => void
  /** What lies between its position and this one is not told. */
  readonly reload: (position: number, reason: string) => void
}

export interface SegmentFollowing {
  readonly business: string
  readonly segment: string
  readonly after: number | undefined
  readonly receiver: SegmentReceiver
  /** Succeeds when a further page can be taken. */
  readonly roomy: Effect.Effect<void>
}

export class SegmentTopics extends Context.Service<
  SegmentTopics,
  {
    /** Returns once it is live; the effect returned ends it. */
    readonly follow: (following: SegmentFollowing) => Effect.Effect<() => void, ViewUnavailable>
    readonly followers: () => number
  }
>()("koinon/runtime/SegmentTopics") {}

interface Room {
  readonly business: string
  readonly segment: string
  readonly wake: Latch.Latch
  readonly followers: Set<SegmentReceiver>
  /** Everybody who is live has been told up to here. */
  position: number
  holders: number
  end: () => void
}

/** Says a change as those who follow hear it; the same text for all of them. */
export type Encode = (change: SegmentChange) => string

const make = Effect.fnUntraced(function* (encode: Encode) {
  const sql = yield* SqlClient
  const notifications = yield* Notifications
  const rooms = new Map<string, Room>()
  const runFork = Effect.runForkWith(yield* Effect.context())
  const unavailable = (cause: unknown) => new ViewUnavailable({ view: "SegmentTopics", cause })

  /** What is new goes to all who are live; one reading for everybody. */
  const tell = Effect.fnUntraced(function* (room: Room) {
    for (;;) {
      const changes = yield* changesAfter(sql, room.business, room.segment, room.position, pageChanges)
      for (const change of changes) {
        const text = encode(change)
        for (const receiver of room.followers) receiver.deliver(text)
        room.position = change.position
      }
      if (changes.length < pageChanges) return
    }
  })
  const attend = (room: Room) =>
    Effect.forever(
      Effect.gen(function* () {
        yield* Effect.raceFirst(room.wake.await, Effect.sleep(lookIntervalMs))
        yield* room.wake.close
        yield* tell(room)
      }).pipe(
        Effect.catch((error) =>
          Effect.andThen(
            Effect.logWarning("changes of a segment cannot be read", error._tag),
            Effect.sleep(lookIntervalMs)
          )
        )
      )
    )

  const enter = Effect.fnUntraced(function* (business: string, segment: string) {
    const place = placeOf(business, segment)
    const known = rooms.get(place)
    if (known !== undefined) {
      known.holders += 1
      return known
    }
    const { position } = yield* Effect.mapError(statusOf(sql, business, segment), unavailable)
    // Somebody else may have opened it meanwhile.
    const opened = rooms.get(place)
    if (opened !== undefined) {
      opened.holders += 1
      return opened
    }
    const room: Room = {
      business,
      segment,
      position,
      holders: 1,
      wake: Latch.makeUnsafe(true),
      followers: new Set(),
      end: () => undefined
    }
    const fiber = runFork(attend(room))
    room.end = () => {
      fiber.interruptUnsafe()
      rooms.delete(place)
    }
    rooms.set(place, room)
    return room
  })

  const heard = (topic: string | undefined): void => {
    if (topic !== undefined) return void rooms.get(topic)?.wake.openUnsafe()
    for (const room of rooms.values()) room.wake.openUnsafe()
  }
  yield* Effect.forkScoped(notifications.listen(changeChannel, heard))
  yield* Effect.addFinalizer(() => Effect.sync(() => rooms.forEach((room) => room.end())))

  const missed = Effect.fnUntraced(function* (after: number, { business, segment, position }: Room) {
    if (after > position) return "the position is not of this segment"
    if (position - after > resumeChangesMax) return "too much has happened since the position"
    const pruned = yield* Effect.mapError(prunedOf(sql, business, [segment]), unavailable)
    return after < pruned.position ? "what followed the position is no longer kept" : undefined
  })

  /** Page by page until there is no gap to what the room tells next. */
  const catchUp = Effect.fnUntraced(function* (room: Room, from: number, { receiver, roomy }: SegmentFollowing) {
    let position = from
    while (position < room.position) {
      yield* roomy
      const read = changesAfter(sql, room.business, room.segment, position, pageChanges)
      const changes = yield* Effect.mapError(read, unavailable)
      for (const change of changes) {
        if (change.position > room.position) break
        receiver.deliver(encode(change))
        position = change.position
      }
      if (changes.length === 0) break
    }
    // Nothing else runs between the look at the room's position and going live.
    room.followers.add(receiver)
  })

  return SegmentTopics.of({
    follow: Effect.fnUntraced(function* (following) {
      const { business, segment, after, receiver } = following
      const room = yield* enter(business, segment)
      let isOpen = true
      const close = (): void => {
        if (!isOpen) return
        isOpen = false
        room.followers.delete(receiver)
        room.holders -= 1
        if (room.holders === 0) room.end()
      }
      const reason =
        after === undefined ? undefined : yield* Effect.onError(missed(after, room), () => Effect.sync(close))
      if (after === undefined || reason !== undefined) {
        // Nothing else runs between reading the position and going live.
        receiver.started(room.position)
        if (reason !== undefined) receiver.reload(room.position, reason)
        room.followers.add(receiver)
        return close
      }
      receiver.started(after)
      yield* Effect.onError(catchUp(room, after, following), () => Effect.sync(close))
      return close
    }),
    followers: () => {
      let followers = 0
      for (const room of rooms.values()) followers += room.followers.size
      return followers
    }
  })
})

export const layer = (encode: Encode): Layer.Layer<SegmentTopics, never, SqlClient | Notifications> =>
  Layer.effect(SegmentTopics, make(encode))
