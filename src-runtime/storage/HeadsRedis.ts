/**
 * Redis as the way between runners: a connection that publishes and one that is subscribed. A Redis that is away is no
 * fault: meanwhile the journal is looked at. The driver is loaded only when it is used.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type HeadChannel, HeadsUntold } from "../live/Heads.ts"

const channelNameDefault = "koinon:heads"
/** A message that Redis has not taken in this time is given up. */
const sendWithinMs = 1_000
/** How often a lost connection is tried again. */
const reconnectIntervalMs = 500

const untold = (cause: unknown) => new HeadsUntold({ cause })

/** Runners that hear each other name the same channel. Its connections are named after it. */
export const channel = (
  url: string,
  channelName = channelNameDefault
): Effect.Effect<HeadChannel, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { Redis } = yield* Effect.promise(() => import("ioredis"))
    const connect = (connectionName: string) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const redis = new Redis(url, {
            connectionName,
            enableOfflineQueue: false,
            maxRetriesPerRequest: 0,
            commandTimeout: sendWithinMs,
            retryStrategy: () => reconnectIntervalMs
          })
          // Whoever sends or hears is told by the failure of that.
          redis.on("error", () => undefined)
          return redis
        }),
        (redis) => Effect.sync(() => redis.disconnect())
      )
    const publisher = yield* connect(`${channelName}:told`)
    const subscriber = yield* connect(`${channelName}:heard`)
    return {
      name: "Redis",
      send: (message) =>
        Effect.asVoid(Effect.tryPromise({ try: () => publisher.publish(channelName, message), catch: untold })),
      hear: (listening, heard) =>
        Effect.callback<never, HeadsUntold>((resume) => {
          const onMessage = (_: string, message: string): void => heard(message)
          const onClose = (): void => resume(Effect.fail(untold("the connection is closed")))
          const begin = (): void => {
            subscriber.subscribe(channelName).then(listening, (cause: unknown) => resume(Effect.fail(untold(cause))))
          }
          subscriber.on("message", onMessage)
          subscriber.once("close", onClose)
          if (subscriber.status === "ready") begin()
          else subscriber.once("ready", begin)
          return Effect.sync(() => {
            subscriber.off("message", onMessage)
            subscriber.off("close", onClose)
            subscriber.off("ready", begin)
          })
        })
    }
  })
