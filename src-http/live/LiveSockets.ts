/**
 * The sockets that are open on this runner: how many there may be, who looks whether they are still there, and how all of
 * them are told that it stops. One fiber looks after all sockets, for ten thousand sleeping ones are most of what idle
 * sockets cost. Whoever stops the server first lets `farewell` end, so that every client hears why and nobody waits for a
 * silent one.
 */
import { makeBreath } from "#runtime/projection/Breath.ts"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import { LiveLimits } from "./LiveLimits.ts"

/** How long clients get to answer the farewell. */
const farewellMs = 1_000
/** How often all are looked at: so late, at most, is what is due. More often where something is due sooner. */
const lookIntervalMs = 1_000
const looksUntilDue = 20
/** Sockets that are looked at before it is asked whether others have waited long enough. */
const looksAtOnce = 64

/** A socket, to those who look after all of them. None of these may throw or wait. */
export interface LiveSocket {
  /** Called every now and then, with the time. */
  readonly look: (now: number) => void
  /** The server stops: it says so and leaves. */
  readonly stop: () => void
  /** It has not left. */
  readonly destroy: () => void
}

export class LiveSockets extends Context.Service<
  LiveSockets,
  {
    /** Whether one more may enter. */
    readonly hasRoom: () => boolean
    /** Keeps a place, and is looked at, until it leaves. */
    readonly enter: (socket: LiveSocket) => void
    readonly leave: (socket: LiveSocket) => void
    readonly count: () => number
    /** An event goes to a socket. */
    readonly pushed: () => void
    readonly pushes: () => number
    /** No more are let in, all are told, and all are gone when it ends. */
    readonly farewell: Effect.Effect<void>
  }
>()("koinon/http/LiveSockets") {}

const make = Effect.fnUntraced(function* (settingMax: number) {
  const limits = yield* LiveLimits
  const socketsMax = Math.min(limits.socketsMax, settingMax)
  const open = new Set<LiveSocket>()
  const empty = yield* Latch.make(true)
  let stopping = false
  let pushes = 0
  const { authenticateWithinMs, heartbeatIntervalMs, silenceMaxMs } = limits
  const soonest = Math.min(authenticateWithinMs, heartbeatIntervalMs, silenceMaxMs)
  // Who came together beats together: what is due of thousands leaves room for others in between.
  const lookAtAll = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const breath = makeBreath()
    let looked = 0
    for (const socket of open) {
      socket.look(now)
      looked += 1
      if (looked % looksAtOnce === 0) yield* breath
    }
  })
  yield* lookAtAll.pipe(
    Effect.delay(Math.min(lookIntervalMs, Math.ceil(soonest / looksUntilDue))),
    Effect.forever,
    Effect.forkScoped
  )
  return LiveSockets.of({
    hasRoom: () => !stopping && open.size < socketsMax,
    enter: (socket) => {
      open.add(socket)
      empty.closeUnsafe()
    },
    leave: (socket) => {
      open.delete(socket)
      if (open.size === 0) empty.openUnsafe()
    },
    count: () => open.size,
    pushed: () => {
      pushes += 1
    },
    pushes: () => pushes,
    farewell: Effect.gen(function* () {
      stopping = true
      for (const socket of open) socket.stop()
      yield* Effect.ignore(Effect.timeout(empty.await, farewellMs))
      for (const socket of open) socket.destroy()
    })
  })
})

/** With as many sockets as an operator allows, or the fewer that there may be at all. */
export const layer = (settingMax: number): Layer.Layer<LiveSockets> => Layer.effect(LiveSockets, make(settingMax))

/** Put on top of the doors: it ends before them. */
export const farewell: Layer.Layer<never, never, LiveSockets> = Layer.effectDiscard(
  Effect.flatMap(LiveSockets, (sockets) => Effect.addFinalizer(() => sockets.farewell))
)
