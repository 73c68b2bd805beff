/**
 * What is said over `GET /live`, a WebSocket of JSON text frames. Every frame that a client sends is strict: what is not
 * described here is answered with an `error` frame and changes nothing. Safe to share with clients.
 *
 *     client  authenticate (first) · subscribe · unsubscribe · ping
 *     server  authenticated · subscribed · event … · reload · unsubscribed · error · pong · heartbeat
 *
 * A token may also come as the sub-protocol `koinon.bearer.<token>`; it never stands in the URL. Instants are RFC 3339.
 * Who keeps the position of the last event and subscribes `after` it misses nothing, or is told to `reload`.
 */
import * as Schema from "effect/Schema"
import { FeedEvent } from "./FeedEvents.ts"

/** Bytes of a frame that a client sends, at most. */
export const frameBytesMax = 16 * 1024
/** The sub-protocol that carries a token; offer `koinon` before it, so that the token is not sent back. */
export const bearerProtocol = "koinon.bearer."

/** Why the server closes a socket, beside 1001 when it stops. */
export const closeCodes = { goingAway: 1001, notAuthenticated: 4401, slowReader: 4408, silent: 4409 } as const

export const feedNames = ["contact", "community", "wallet", "segment"] as const
export type FeedName = (typeof feedNames)[number]

/**
 * `contact/{id}`, `wallet/{id}` (a wallet has its contact's id), `community/{id}` (its owner's), `segment/{id}`, or `purchase`:
 * every purchase of the business.
 */
const Topic = Schema.String.check(
  Schema.isPattern(
    /^purchase$|^(contact|community|wallet|segment)\/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    {
      message:
        "contact/{id}, community/{id}, wallet/{id}, segment/{id} or purchase is needed, with the id in lower case."
    }
  )
)
/** Opaque; of one topic. */
const Position = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(1_024))
const Secret = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(4_096))

/** One of the two: a contact's access token, or the secret key of a business. Again with a fresh token, before it expires. */
export const Authenticate = Schema.Struct({
  type: Schema.Literal("authenticate"),
  token: Schema.optionalKey(Secret),
  api_key: Schema.optionalKey(Secret)
})
export const Subscribe = Schema.Struct({
  type: Schema.Literal("subscribe"),
  topic: Topic,
  after: Schema.optionalKey(Position)
})
const Unsubscribe = Schema.Struct({ type: Schema.Literal("unsubscribe"), topic: Topic })
const Ping = Schema.Struct({ type: Schema.Literal("ping") })

/** By `type`, so that a fault is named against the frame that was meant. */
export const clientFrames = {
  authenticate: Authenticate,
  subscribe: Subscribe,
  unsubscribe: Unsubscribe,
  ping: Ping
} as const
export type ClientFrame = typeof Authenticate.Type | typeof Subscribe.Type | typeof Unsubscribe.Type | typeof Ping.Type

const Problem = {
  status: Schema.Int,
  title: Schema.String,
  detail: Schema.String,
  error: Schema.String,
  message: Schema.String,
  instance: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Unknown),
  faults: Schema.optionalKey(Schema.Array(Schema.Struct({ pointer: Schema.String, rule: Schema.String })))
}

export const ServerFrame = Schema.Union([
  /** Without `expires_at` it does not expire: a secret key. */
  Schema.Struct({ type: Schema.Literal("authenticated"), expires_at: Schema.optionalKey(Schema.String) }),
  /** What follows begins after `position`. */
  Schema.Struct({ type: Schema.Literal("subscribed"), topic: Topic, position: Position }),
  Schema.Struct({ type: Schema.Literal("event"), topic: Topic, position: Position, event: FeedEvent }),
  /** What happened up to `position` is not told: read it, then go on from here. */
  Schema.Struct({ type: Schema.Literal("reload"), topic: Topic, position: Position, reason: Schema.String }),
  Schema.Struct({ type: Schema.Literal("unsubscribed"), topic: Topic }),
  /** A problem as the HTTP doors answer it; `topic` when it ends or refuses a subscription. */
  Schema.Struct({
    type: Schema.Literal("error"),
    topic: Schema.optionalKey(Schema.String),
    problem: Schema.Struct({ type: Schema.String, ...Problem })
  }),
  Schema.Struct({ type: Schema.Literal("pong") }),
  Schema.Struct({ type: Schema.Literal("heartbeat") })
])
export type ServerFrame = typeof ServerFrame.Type

/** The topic of all purchases of a business. */
export const purchaseTopic = "purchase"

export interface TopicName {
  readonly feed: FeedName
  readonly key: string
}

/** The parts of a valid topic about somebody. */
export const parseTopic = (topic: string): TopicName => {
  const [feed, key] = topic.split("/")
  return { feed: feed as FeedName, key: key ?? "" }
}
