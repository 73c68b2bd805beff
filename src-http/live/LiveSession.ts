/**
 * One socket of the live door, from its first frame to its close: who it is, what it follows, and that it is still there.
 * Frames of a client are answered in order; what is wrong with one is answered and changes nothing. Everything ends with
 * the socket, and the socket ends with the token that opened it.
 *
 *     open ──authenticate──► authenticated ──subscribe──► following ──expiry, silence, slowness, stop──► closed
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import { LiveHub } from "#runtime/live/LiveHub.ts"
import { parsePosition, type Position, positionText } from "#runtime/live/Position.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { CloseEvent, type Socket } from "effect/socket/Socket"
import { AccessTokens } from "../door/AccessTokens.ts"
import { logDefect } from "../door/Defect.ts"
import { toFault } from "../door/Endpoint.ts"
import type { HandlerError } from "../door/Endpoint.ts"
import { type Fault, fault, forbidden, invalid, invalidField, problemJson, unauthorized } from "../door/Fault.ts"
import { Authentication, type Principal } from "../door/Principal.ts"
import { fieldFaults } from "../door/Validation.ts"
import { instant } from "./FeedEvents.ts"
import { feeds } from "./Feeds.ts"
import { LiveLimits } from "./LiveLimits.ts"
import { LiveSockets } from "./LiveSockets.ts"
import { Outbox } from "./Outbox.ts"
import {
  type Authenticate,
  type ClientFrame,
  clientFrames,
  closeCodes,
  parseTopic,
  type ServerFrame,
  type Subscribe
} from "./Protocol.ts"
import { admissionTo } from "./TopicAccess.ts"
import type { Transport } from "./Transport.ts"

/** Topics that one socket may follow at once. */
const topicsMax = 100

const decoders = Object.fromEntries(
  Object.entries(clientFrames).map(([type, schema]) => [
    type,
    Schema.decodeUnknownResult(schema as Schema.Codec<ClientFrame, unknown>)
  ])
)

const parseFrame = (data: string | Uint8Array): Result.Result<ClientFrame, Fault> => {
  if (typeof data !== "string")
    return Result.fail(invalidField("/", "JSON in text frames is spoken here, not binary frames."))
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return Result.fail(fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "The frame is not JSON."))
  }
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined
  const decode = typeof type === "string" && Object.hasOwn(decoders, type) ? decoders[type] : undefined
  if (decode === undefined)
    return Result.fail(invalidField("/type", `One of ${Object.keys(clientFrames).join(", ")} is needed.`))
  return Result.mapError(decode(value, { errors: "all", onExcessProperty: "error" }), (error) =>
    invalid(fieldFaults(error.issue, ""))
  )
}

export interface Connection {
  readonly socket: Socket
  readonly transport: Transport
  /** Given as a sub-protocol. */
  readonly token: string | undefined
  /** Done by whoever wants the socket closed. */
  readonly ending: Deferred.Deferred<CloseEvent>
}

export const session = Effect.fnUntraced(function* ({ socket, transport, token, ending }: Connection) {
  const hub = yield* LiveHub
  const authentication = yield* Authentication
  const tokens = yield* AccessTokens
  const limits = yield* LiveLimits
  const sockets = yield* LiveSockets
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()

  // The handshake is completed by the reader: a write before it would wait for ever.
  const { pull } = yield* socket.reader
  const writer = yield* socket.writer

  const end = (code: number, reason: string): void => {
    outbox.close()
    Deferred.doneUnsafe(ending, Effect.succeed(new CloseEvent(code, reason)))
  }
  const outbox: Outbox = new Outbox(
    transport,
    (text) => void Effect.runSyncExit(writer.write(text)),
    () =>
      end(closeCodes.slowReader, "too slow a reader: more waited for it than is kept; resume from the last position")
  )
  const say = (frame: Exclude<ServerFrame, { readonly type: "error" | "event" }>): void =>
    outbox.push(JSON.stringify(frame))
  const sayProblem = (problem: Fault, topic?: string): void => {
    const about = topic === undefined ? "" : `"topic":${JSON.stringify(topic)},`
    outbox.push(`{"type":"error",${about}"problem":${problemJson(problem, "/live")}}`)
  }

  let principal: Principal | undefined
  let deadline = now() + limits.authenticateWithinMs
  const deadlineMoved = Latch.makeUnsafe(false)
  const following = new Map<string, () => void>()
  const followNothing = Effect.sync(() => {
    outbox.close()
    for (const close of following.values()) close()
    following.clear()
  })
  yield* Effect.addFinalizer(() => followNothing)

  const authenticate = Effect.fnUntraced(function* (given: Omit<typeof Authenticate.Type, "type">) {
    if ((given.token === undefined) === (given.api_key === undefined)) {
      return yield* Effect.fail(invalidField("/", "Either token or api_key is needed."))
    }
    const caller = yield* given.token === undefined
      ? authentication.authenticate({ api_key: given.api_key }, "secret")
      : authentication.authenticate({ authorization: `Bearer ${given.token}` }, "contact")
    if (
      principal !== undefined &&
      (principal.caller !== caller.caller || principal.business.id !== caller.business.id)
    ) {
      return yield* Effect.fail(forbidden("This socket belongs to another caller; open one of its own."))
    }
    const expiresAt = given.token === undefined ? undefined : (yield* tokens.verify(given.token)).expiresAt * 1000
    principal = caller
    deadline = expiresAt ?? Number.POSITIVE_INFINITY
    deadlineMoved.openUnsafe()
    say({ type: "authenticated", ...(expiresAt !== undefined && { expires_at: instant(expiresAt) }) })
  })

  const subscribe = Effect.fnUntraced(function* (
    frame: typeof Subscribe.Type
  ): Effect.fn.Return<void, HandlerError, Actors> {
    const { topic } = frame
    if (principal === undefined) return yield* Effect.fail(unauthorized("Send an authenticate frame first."))
    if (following.has(topic)) {
      return yield* Effect.fail(
        fault(409, "KOINON.ALREADY_SUBSCRIBED", "Already subscribed", "This socket follows the topic already.")
      )
    }
    if (following.size >= topicsMax) {
      return yield* Effect.fail(
        fault(429, "KOINON.TOO_MANY_TOPICS", "Too many topics", `A socket follows at most ${topicsMax} topics.`)
      )
    }
    const after = frame.after === undefined ? undefined : parsePosition(frame.after)
    if (frame.after !== undefined && after === undefined) {
      return yield* Effect.fail(invalidField("/after", "A position as it came with an event or a subscription."))
    }
    const name = parseTopic(topic)
    const admit = yield* admissionTo(principal, name)
    let ended = false
    const close = yield* hub.follow({
      business: principal.business.id,
      feed: feeds[name.feed],
      key: name.key,
      viewer: principal.contactId,
      after,
      admit,
      roomy: outbox.roomy,
      receiver: {
        started: (position: Position) => say({ type: "subscribed", topic, position: positionText(position) }),
        deliver: ({ text }) => {
          sockets.pushed()
          outbox.push(text)
        },
        reload: (position, reason) => say({ type: "reload", topic, position: positionText(position), reason }),
        ended: (problem: Fault) => {
          ended = true
          following.delete(topic)
          sayProblem(problem, topic)
        }
      }
    })
    if (ended) close()
    else following.set(topic, close)
  })

  const answer = (frame: ClientFrame): Effect.Effect<void, HandlerError, Actors> => {
    switch (frame.type) {
      case "authenticate":
        return authenticate(frame)
      case "subscribe":
        return subscribe(frame)
      case "unsubscribe":
        return Effect.sync(() => {
          following.get(frame.topic)?.()
          following.delete(frame.topic)
          say({ type: "unsubscribed", topic: frame.topic })
        })
      case "ping":
        return Effect.sync(() => say({ type: "pong" }))
    }
  }

  const answered = (effect: Effect.Effect<void, HandlerError, Actors>, topic?: string) =>
    effect.pipe(
      Effect.catch((error) => Effect.sync(() => sayProblem(toFault(error), topic))),
      Effect.catchDefect((defect) =>
        Effect.andThen(
          logDefect("a frame of the live door could not be answered", Cause.die(defect)),
          Effect.sync(() => sayProblem(fault(500, "KOINON.INTERNAL", "Internal error", "A fault of ours."), topic))
        )
      )
    )

  const read = Effect.gen(function* () {
    if (token !== undefined) yield* answered(authenticate({ token }))
    while (true) {
      for (const data of yield* pull) {
        const frame = parseFrame(data)
        if (Result.isFailure(frame)) sayProblem(frame.failure)
        else yield* answered(answer(frame.success), "topic" in frame.success ? frame.success.topic : undefined)
      }
      // Who asks without listening to the answers is not asked for more.
      yield* outbox.roomy
    }
  })

  const watchDeadline = Effect.gen(function* () {
    while (deadline > now()) {
      const wait = deadline - now()
      yield* Effect.raceFirst(Number.isFinite(wait) ? Effect.sleep(wait) : Effect.never, deadlineMoved.await)
      yield* deadlineMoved.close
    }
    end(
      closeCodes.notAuthenticated,
      principal === undefined ? `not authenticated within ${limits.authenticateWithinMs} ms` : "the token has expired"
    )
  })

  const beat = Effect.gen(function* () {
    let bytesHeard = transport.bytesHeard()
    let heardAt = now()
    let beatAt = now() + limits.heartbeatIntervalMs
    while (true) {
      yield* Effect.sleep(Math.max(0, Math.min(beatAt, heardAt + limits.silenceMaxMs) - now()))
      if (transport.bytesHeard() !== bytesHeard) {
        bytesHeard = transport.bytesHeard()
        heardAt = now()
      } else if (now() - heardAt >= limits.silenceMaxMs) {
        return end(closeCodes.silent, `nothing was heard for ${limits.silenceMaxMs} ms, not even a pong`)
      }
      if (now() < beatAt) continue
      beatAt = now() + limits.heartbeatIntervalMs
      transport.ping()
      say({ type: "heartbeat" })
    }
  })

  yield* Effect.forkScoped(watchDeadline)
  yield* Effect.forkScoped(beat)
  const closing = yield* Effect.raceFirst(
    Deferred.await(ending),
    Effect.catchTag(read, "SocketError", () => Effect.succeed(undefined))
  )
  if (closing === undefined) return
  yield* followNothing
  yield* writer.write(closing)
  // What still comes in is let pass, until the peer has closed as well.
  yield* Effect.ignore(Effect.timeout(Effect.forever(pull), limits.closeGraceMs))
  transport.destroy()
})
