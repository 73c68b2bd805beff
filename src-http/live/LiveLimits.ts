/** How many sockets the live door holds and how long it waits for them. A reference, so that a test need not wait as long. */
import * as Context from "effect/Context"

export interface LiveLimits {
  /** Open sockets on this runner. */
  readonly socketsMax: number
  /** A socket that has not said who it is by then is closed. */
  readonly authenticateWithinMs: number
  /** The server says that it is there this often, and pings. */
  readonly heartbeatIntervalMs: number
  /** A peer of whom nothing was heard for so long, not even a pong, is closed. */
  readonly silenceMaxMs: number
  /** A closed socket gets so long to answer the close before the connection ends. */
  readonly closeGraceMs: number
}

export const LiveLimits = Context.Reference<LiveLimits>("koinon/http/LiveLimits", {
  defaultValue: () => ({
    socketsMax: 1_000_000,
    authenticateWithinMs: 10_000,
    heartbeatIntervalMs: 25_000,
    silenceMaxMs: 60_000,
    closeGraceMs: 5_000
  })
})
