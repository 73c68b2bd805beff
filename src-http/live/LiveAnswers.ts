/**
 * How the frames of a client are answered: who it is, and what it follows. What is wrong with a frame is answered and
 * changes nothing. What answers is the same for all sockets and made once; of a session it knows what a frame may change.
 */
import { rfc3339 } from "#runtime/projection/Rfc3339.ts"
import type { Actors } from "#runtime/actor/Actors.ts"
import type { Definitions } from "#runtime/actor/Definitions.ts"
import { LiveHub } from "#runtime/live/LiveHub.ts"
import { BusinessHub } from "#runtime/live/BusinessHub.ts"
import { parsePositions } from "#runtime/live/Positions.ts"
import { parsePosition, type Position, positionText } from "#runtime/live/Position.ts"
import type { SegmentTopics } from "#runtime/segment/SegmentTopics.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { AccessTokens } from "../door/AccessTokens.ts"
import { logDefect } from "../door/Defect.ts"
import { type HandlerError, toFault } from "../door/Endpoint.ts"
import { type Fault, fault, forbidden, invalidField, problemJson, unauthorized } from "../door/Fault.ts"
import { Authentication, type Principal } from "../door/Principal.ts"
import { feeds, purchases } from "./Feeds.ts"
import { followSegment } from "./SegmentFeed.ts"
import { LiveLimits } from "./LiveLimits.ts"
import { LiveSockets } from "./LiveSockets.ts"
import type { Outbox } from "./Outbox.ts"
import {
  type Authenticate,
  type ClientFrame,
  parseTopic,
  purchaseTopic,
  type ServerFrame,
  type Subscribe
} from "./Protocol.ts"
import { admissionTo } from "./TopicAccess.ts"

/** What following a topic takes. */
export type Needs = Actors | Definitions | SegmentTopics

/** Topics that one socket may follow at once. */
const topicsMax = 100

/** What sessions are answered with. */
export interface LiveDesk {
  readonly hub: LiveHub["Service"]
  readonly businessHub: BusinessHub["Service"]
  readonly authentication: Authentication["Service"]
  readonly tokens: AccessTokens["Service"]
  readonly sockets: LiveSockets["Service"]
  readonly limits: LiveLimits
  readonly now: () => number
  readonly runFork: <A, E>(effect: Effect.Effect<A, E, Needs>) => Fiber.Fiber<A, E>
}

export const desk = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  return {
    hub: yield* LiveHub,
    businessHub: yield* BusinessHub,
    authentication: yield* Authentication,
    tokens: yield* AccessTokens,
    sockets: yield* LiveSockets,
    limits: yield* LiveLimits,
    now: () => clock.currentTimeMillisUnsafe(),
    runFork: Effect.runForkWith(yield* Effect.context<Needs>())
  } satisfies LiveDesk
})

/** The session that a frame belongs to. */
export interface Session {
  readonly desk: LiveDesk
  readonly outbox: Outbox
  principal: Principal | undefined
  /** It ends then. */
  deadline: number
  readonly followed: ReadonlyMap<string, unknown>
  /** Follows the topic until `close` is called, which is at once where the session has ended meanwhile. */
  readonly keep: (topic: string, close: () => void) => void
  readonly unfollow: (topic: string) => void
}

export const say = ({ outbox }: Session, frame: Exclude<ServerFrame, { readonly type: "error" | "event" }>): void =>
  outbox.push(JSON.stringify(frame))

export const sayProblem = ({ outbox }: Session, problem: Fault, topic?: string): void => {
  const about = topic === undefined ? "" : `"topic":${JSON.stringify(topic)},`
  outbox.push(`{"type":"error",${about}"problem":${problemJson(problem, "/live")}}`)
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

const authenticate = Effect.fnUntraced(function* (session: Session, given: typeof Authenticate.Type) {
  const { authentication, tokens } = session.desk
  const { principal } = session
  if ((given.token === undefined) === (given.api_key === undefined)) {
    return yield* Effect.fail(invalidField("/", "Either token or api_key is needed."))
  }
  const caller = yield* given.token === undefined
    ? authentication.authenticate({ api_key: given.api_key }, "secret")
    : authentication.authenticate({ authorization: `Bearer ${given.token}` }, "contact")
  if (principal !== undefined && (principal.caller !== caller.caller || principal.business.id !== caller.business.id)) {
    return yield* Effect.fail(forbidden("This socket belongs to another caller; open one of its own."))
  }
  const expiresAt = given.token === undefined ? undefined : (yield* tokens.verify(given.token)).expiresAt * 1000
  session.principal = caller
  session.deadline = expiresAt ?? Number.POSITIVE_INFINITY
  say(session, { type: "authenticated", ...(expiresAt !== undefined && { expires_at: rfc3339(expiresAt) }) })
})

const toldTo = (session: Session, topic: string) => ({
  started: (position: string): void => say(session, { type: "subscribed", topic, position }),
  deliver: (text: string): void => {
    session.desk.sockets.pushed()
    session.outbox.push(text)
  },
  reload: (position: string, reason: string): void => say(session, { type: "reload", topic, position, reason })
})

/** What has begun to be followed is the session's to end, whatever interrupts it. */
const kept = <E, R>(
  session: Session,
  topic: string,
  follow: Effect.Effect<() => void, E, R>,
  hasEnded = () => false
): Effect.Effect<void, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.map(restore(follow), (close) => (hasEnded() ? close() : session.keep(topic, close)))
  )

const followPurchases = Effect.fnUntraced(function* (
  session: Session,
  caller: Principal,
  frame: typeof Subscribe.Type
) {
  if (caller.contactId !== undefined) return yield* Effect.fail(forbidden("This topic is not yours to follow."))
  const follow = session.desk.businessHub.follow({
    business: caller.business.id,
    broadcast: purchases,
    after: yield* positionOf(frame, parsePositions),
    roomy: session.outbox.roomy,
    receiver: toldTo(session, frame.topic)
  })
  yield* kept(session, frame.topic, follow)
})

/** Follows a topic about somebody. */
const followTopic = Effect.fnUntraced(function* (
  session: Session,
  principal: Principal,
  frame: typeof Subscribe.Type
): Effect.fn.Return<void, HandlerError, Needs> {
  const { topic } = frame
  const { roomy } = session.outbox
  const after = yield* positionOf(frame, parsePosition)
  const { feed, key } = parseTopic(topic)
  const { started, deliver, reload } = toldTo(session, topic)
  const told = {
    started: (position: Position) => started(positionText(position)),
    deliver,
    reload: (position: Position, reason: string) => reload(positionText(position), reason)
  }
  if (feed === "segment") return yield* kept(session, topic, followSegment(principal, key, after, told, roomy))
  let ended = false
  const follow = session.desk.hub.follow({
    business: principal.business.id,
    feed: feeds[feed],
    key,
    viewer: principal.contactId,
    after,
    admit: yield* admissionTo(principal, { feed, key }),
    roomy,
    receiver: {
      ...told,
      deliver: ({ text }) => deliver(text),
      ended: (problem: Fault) => {
        ended = true
        session.unfollow(topic)
        sayProblem(session, problem, topic)
      }
    }
  })
  yield* kept(session, topic, follow, () => ended)
})

const subscribe = Effect.fnUntraced(function* (
  session: Session,
  frame: typeof Subscribe.Type
): Effect.fn.Return<void, HandlerError, Needs> {
  const { principal, followed } = session
  const { topic } = frame
  if (principal === undefined) return yield* Effect.fail(unauthorized("Send an authenticate frame first."))
  if (followed.has(topic)) {
    return yield* Effect.fail(
      fault(409, "KOINON.ALREADY_SUBSCRIBED", "Already subscribed", "This socket follows the topic already.")
    )
  }
  if (followed.size >= topicsMax) {
    return yield* Effect.fail(
      fault(429, "KOINON.TOO_MANY_TOPICS", "Too many topics", `A socket follows at most ${topicsMax} topics.`)
    )
  }
  yield* topic === purchaseTopic ? followPurchases(session, principal, frame) : followTopic(session, principal, frame)
})

const answerOf = (session: Session, frame: ClientFrame): Effect.Effect<void, HandlerError, Needs> => {
  switch (frame.type) {
    case "authenticate":
      return authenticate(session, frame)
    case "subscribe":
      return subscribe(session, frame)
    case "unsubscribe":
      return Effect.sync(() => {
        session.unfollow(frame.topic)
        say(session, { type: "unsubscribed", topic: frame.topic })
      })
    case "ping":
      return Effect.sync(() => say(session, { type: "pong" }))
  }
}

/** Answers a frame, whatever comes of it. */
export const answer = (session: Session, frame: ClientFrame): Effect.Effect<void, never, Needs> => {
  const topic = "topic" in frame ? frame.topic : undefined
  return answerOf(session, frame).pipe(
    Effect.catch((error) => Effect.sync(() => sayProblem(session, toFault(error), topic))),
    Effect.catchDefect((defect) =>
      Effect.andThen(
        logDefect("a frame of the live door could not be answered", Cause.die(defect)),
        Effect.sync(() =>
          sayProblem(session, fault(500, "KOINON.INTERNAL", "Internal error", "A fault of ours."), topic)
        )
      )
    )
  )
}
