/**
 * One socket of the live door, from its first frame to its close: who it is, what it follows, and that it is still there.
 * Frames of a client are answered in order; what is wrong with one is answered and changes nothing. Everything ends with
 * the socket, and the socket ends with the token that opened it.
 *
 *     open ──authenticate──► authenticated ──subscribe──► following ──expiry, silence, slowness, stop──► closed
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import type { Definitions } from "#runtime/actor/Definitions.ts"
import { LiveHub } from "#runtime/live/LiveHub.ts"
import { BusinessHub } from "#runtime/live/BusinessHub.ts"
import { parsePositions } from "#runtime/live/Positions.ts"
import { parsePosition, type Position, positionText } from "#runtime/live/Position.ts"
import type { SegmentTopics } from "#runtime/segment/SegmentTopics.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
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
import { feeds, purchases } from "./Feeds.ts"
import { followSegment } from "./SegmentFeed.ts"
import { LiveLimits } from "./LiveLimits.ts"
import { LiveSockets } from "./LiveSockets.ts"
import { Outbox } from "./Outbox.ts"
import {
  type Authenticate,
  type ClientFrame,
  clientFrames,
  closeCodes,
  parseTopic,
  purchaseTopic,
  type ServerFrame,
  type Subscribe
} from "./Protocol.ts"
import { admissionTo } from "./TopicAccess.ts"
import type { Transport } from "./Transport.ts"

/** What following a topic takes. */
type Needs = Actors | Definitions | SegmentTopics

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

/** Where a client left off, if it says so. */
const positionOf = <A>(
  { after }: typeof Subscribe.Type,
  parse: (text: string) => A | undefined
): Effect.Effect<A | undefined, Fault> => {
  const position = after === undefined ? undefined : parse(after)
  return after !== undefined && position === undefined
    ? Effect.fail(invalidField("/after", "A position as it came with an event or a subscription of this topic."))
    : Effect.succeed(position)
}

export interface Connection {
  readonly socket: Socket
  readonly transport: Transport
  /** Given as a sub-protocol. */
  readonly token: string | undefined
  /** Done by whoever wants the socket closed; without an event when it is. */
  readonly ending: Deferred.Deferred<CloseEvent | undefined>
}

export const session = Effect.fnUntraced(function* ({ socket, transport, token, ending }: Connection) {
  const hub = yield* LiveHub
  const businessHub = yield* BusinessHub
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
    say({ type: "authenticated", ...(expiresAt !== undefined && { expires_at: instant(expiresAt) }) })
  })

  const deliver = (text: string): void => {
    sockets.pushed()
    outbox.push(text)
  }

  const followPurchases = Effect.fnUntraced(function* (caller: Principal, frame: typeof Subscribe.Type) {
    if (caller.contactId !== undefined) return yield* Effect.fail(forbidden("This topic is not yours to follow."))
    const { topic } = frame
    return yield* businessHub.follow({
      business: caller.business.id,
      broadcast: purchases,
      after: yield* positionOf(frame, parsePositions),
      roomy: outbox.roomy,
      receiver: {
        started: (position) => say({ type: "subscribed", topic, position }),
        deliver,
        reload: (position, reason) => say({ type: "reload", topic, position, reason })
      }
    })
  })

  const subscribe = Effect.fnUntraced(function* (
    frame: typeof Subscribe.Type
  ): Effect.fn.Return<void, HandlerError, Needs> {
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
    if (topic === purchaseTopic) return void following.set(topic, yield* followPurchases(principal, frame))
    const after = yield* positionOf(frame, parsePosition)
    const { feed, key } = parseTopic(topic)
    const told = {
      started: (position: Position) => say({ type: "subscribed", topic, position: positionText(position) }),
      deliver,
      reload: (position: Position, reason: string) =>
        say({ type: "reload", topic, position: positionText(position), reason })
    }
    if (feed === "segment") {
      return void following.set(topic, yield* followSegment(principal, key, after, told, outbox.roomy))
    }
    const admit = yield* admissionTo(principal, { feed, key })
    let ended = false
    const close = yield* hub.follow({
      business: principal.business.id,
      feed: feeds[feed],
      key,
      viewer: principal.contactId,
      after,
      admit,
      roomy: outbox.roomy,
      receiver: {
        ...told,
        deliver: ({ text }) => deliver(text),
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

  const answer = (frame: ClientFrame): Effect.Effect<void, HandlerError, Needs> => {
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

  const answered = (effect: Effect.Effect<void, HandlerError, Needs>, topic?: string) =>
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

  let bytesHeard = transport.bytesHeard()
  let heardAt = now()
  let beatAt = heardAt + limits.heartbeatIntervalMs
  /** Whether it is time to go, whether the peer is there, and to say that this one is. */
  const look = (at: number): void => {
    if (at >= deadline) {
      const { authenticateWithinMs } = limits
      const reason =
        principal === undefined ? `not authenticated within ${authenticateWithinMs} ms` : "the token has expired"
      return end(closeCodes.notAuthenticated, reason)
    }
    if (transport.bytesHeard() !== bytesHeard) {
      bytesHeard = transport.bytesHeard()
      heardAt = at
    } else if (at - heardAt >= limits.silenceMaxMs) {
      return end(closeCodes.silent, `nothing was heard for ${limits.silenceMaxMs} ms, not even a pong`)
    }
    if (at < beatAt) return
    beatAt = at + limits.heartbeatIntervalMs
    transport.ping()
    say({ type: "heartbeat" })
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => sockets.attend(look)),
    (leave) => Effect.sync(leave)
  )

  // It ends with the connection, or when somebody wants it to.
  const reading = yield* Effect.catchTag(read, "SocketError", () => Effect.succeed(undefined)).pipe(
    Effect.onExit((exit) => Effect.sync(() => void Deferred.doneUnsafe(ending, exit))),
    Effect.forkScoped
  )
  const closing = yield* Deferred.await(ending)
  if (closing === undefined) return
  yield* Fiber.interrupt(reading)
  yield* followNothing
  yield* writer.write(closing)
  // What still comes in is let pass, until the peer has closed as well.
  yield* Effect.ignore(Effect.timeout(Effect.forever(pull), limits.closeGraceMs))
  transport.destroy()
})
