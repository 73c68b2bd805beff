/**
 * One topic that somebody follows: the state its events are told with, and the followers. An event is folded and encoded
 * once, in the tick of its commit, and handed to the followers in that order: at once to the first of them, and to a crowd
 * in slices, so that neither the commit's answer nor anybody else waits for the last of ten thousand.
 *
 *     opening --state read--> open ... last follower leaves: the hub drops it
 */
import type { Business } from "#domain/organisation/Business.ts"
import type * as Deferred from "effect/Deferred"
import type { View } from "../actor/Actors.ts"
import { shardOf } from "../actor/Placement.ts"
import type { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import { aggregateOfCode, aggregateOfKind, type Kind } from "../journal/Kinds.ts"
import type { Trace } from "../observability/Trace.ts"
import type { Committed } from "../projection/Projection.ts"
import type { Feed, Frame } from "./Feed.ts"
import type { Position } from "./Position.ts"

/** Frames kept for a follower who is still being told what it missed. */
const heldFramesMax = 1_000
/** Frames that wait until the crowd has been handed those before; beyond it all have to reload. */
const tellingMax = 1_000
/** Followers who are handed a frame before others get their turn. */
const sliceFollowers = 100

/** Where the frames of one follower go. None of these may wait or throw. */
export interface Receiver<E> {
  /** It follows from here on; said before anything else. */
  readonly started: (position: Position) => void
  readonly deliver: (frame: Frame) => void
  /** What lies between its position and this one is not told: it has to read what it shows anew. */
  readonly reload: (position: Position, reason: string) => void
  /** It may no longer follow. */
  readonly ended: (reason: E) => void
}

export interface Follower {
  /** Who looks: a contact, or the business itself. */
  readonly viewer: string | undefined
  readonly receiver: Receiver<never>
  /** Judges whether it may (still) follow. */
  readonly admit: (state: unknown) => unknown
  /** Frames up to this offset are told otherwise. */
  from: number
  /** While it is told what it missed. */
  held: Array<Frame> | undefined
  overflowed: boolean
}

/** On its way to the followers: a frame, or without one that they have to reload. */
interface Telling {
  readonly frame: Frame | undefined
  readonly offset: number
  /** After its event: who may still follow is judged by this. */
  readonly state: unknown
  /** The push to all of them, where the commit is traced. */
  readonly push: Trace | undefined
}

export class Room {
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly feed: Feed
  readonly topic: string
  readonly ready: Deferred.Deferred<void, RuntimeRefusal>
  readonly followers = new Set<Follower>()
  /** Who needs it: followers, and those about to be. */
  holders = 0
  #view: View<unknown> | undefined
  #unfolded: Array<Committed> = []
  /** Its state is being read anew: what is heard meanwhile is folded afterwards, and told by a reload. */
  #isReopening = false
  #telling: Array<Telling> = []
  readonly #refused: () => void

  /** `refused` is called for each follower who may no longer follow and has been told. */
  constructor(business: string, feed: Feed, key: string, ready: Room["ready"], refused: () => void) {
    this.business = business
    this.feed = feed
    this.key = key
    this.shard = shardOf(key)
    this.topic = `${feed.name}/${key}`
    this.ready = ready
    this.#refused = refused
  }

  get state(): unknown {
    return this.#view?.state
  }

  carries(kind: Kind): boolean {
    return this.feed.carries.includes(kind)
  }

  /** The committed state; what was heard while it was read may be in it. */
  open(view: View<unknown>): void {
    this.#isReopening = false
    this.#view = view
    for (const committed of this.#unfolded) this.#fold(committed)
    this.#unfolded = []
  }

  /** Until `open`, the old state stands for those who ask for it, and nothing is folded onto it. */
  reopen(): void {
    this.#isReopening = true
  }

  heard(committed: Committed, business: Business, trace?: Trace): void {
    this.#fold(committed)
    if (this.#view === undefined || this.#isReopening || this.followers.size === 0) return
    if (!this.carries(aggregateOfCode(committed.row.aggregate).kind)) return
    const { state } = this.#view
    const frame = this.feed.encode(committed, this.topic, { business, state, movedSince: 0n })
    if (frame === undefined) return
    const { offset } = committed.row
    if (this.#telling.length < tellingMax)
      this.#telling.push({ frame, offset, state, push: trace?.child("push", { "koinon.feed": this.feed.name }) })
    else this.#telling.splice(1, tellingMax, { frame: undefined, offset, state, push: undefined })
    if (this.#telling.length === 1) this.#tell(this.followers.values())
  }

  sees(follower: Follower, { audience }: Frame): boolean {
    const { viewer } = follower
    return audience === undefined || viewer === undefined || viewer === this.key || audience.includes(viewer)
  }

  #hand(follower: Follower, { frame, offset }: Telling): void {
    if (offset <= follower.from || (frame !== undefined && !this.sees(follower, frame))) return
    const { held, receiver } = follower
    if (held === undefined) {
      if (frame !== undefined) return receiver.deliver(frame)
      return receiver.reload({ shard: this.shard, offset }, "more happened than could be told to all who follow")
    }
    if (frame !== undefined && !follower.overflowed && held.length < heldFramesMax) return void held.push(frame)
    follower.overflowed = true
    held.length = 0
  }

  /** Goes on with the first frame where it stopped, then with the next. */
  #tell(rest: Iterator<Follower>): void {
    let followers = rest
    let room = sliceFollowers
    for (let telling = this.#telling[0]; telling !== undefined; telling = this.#telling[0]) {
      for (let next = followers.next(); next.done !== true; next = followers.next()) {
        this.#hand(next.value, telling)
        room -= 1
        if (room > 0) continue
        const interrupted = followers
        return void setImmediate(() => this.#tell(interrupted))
      }
      if (telling.frame === undefined || telling.frame.changesAccess === true) this.#judgeAgain(telling)
      telling.push?.end({ "koinon.followers": this.followers.size })
      this.#telling.shift()
      followers = this.followers.values()
    }
  }

  #judgeAgain({ state, offset }: Telling): void {
    for (const follower of this.followers) {
      // Who came later was judged by what was true then.
      const reason = offset <= follower.from ? undefined : follower.admit(state)
      if (reason === undefined) continue
      this.followers.delete(follower)
      follower.receiver.ended(reason as never)
      this.#refused()
    }
  }

  #fold(committed: Committed): void {
    const { row, event } = committed
    const aggregate = aggregateOfKind(this.feed.follows)
    if (row.aggregate !== aggregate.code || row.id !== this.key) return
    if (this.#view === undefined || this.#isReopening) this.#unfolded.push(committed)
    else if (row.seq > this.#view.seq) this.#view = { state: aggregate.evolve(this.#view.state, event), seq: row.seq }
  }
}
