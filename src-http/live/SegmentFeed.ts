/** The feed of a segment: who joined and who left, by id, with why. It is the business's own: no contact follows one. */
import { rfc3339 } from "#runtime/projection/Rfc3339.ts"
import type { Definitions } from "#runtime/actor/Definitions.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import { type Position, positionText } from "#runtime/live/Position.ts"
import type { SegmentChange } from "#runtime/segment/SegmentChange.ts"
import { SegmentTopics } from "#runtime/segment/SegmentTopics.ts"
import * as Effect from "effect/Effect"
import { definedBy } from "../door/Defined.ts"
import { type Fault, forbidden, invalidField, notFound } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"
import { viewFault } from "../door/Views.ts"
import { present } from "../resource/Fields.ts"
import type { FeedEvent } from "./FeedEvents.ts"

/** Tells positions of one segment from those of others; not where anything stands. */
const positionOf = (segment: string, offset: number): Position => ({ shard: shardOf(segment), offset })

export const encodeChange = (change: SegmentChange): string => {
  const { segmentId, position, kind, at, contact, reason, because } = change
  const event: FeedEvent = present({
    type: kind === "JOINED" ? ("segment.joined" as const) : ("segment.left" as const),
    at: rfc3339(at),
    contact_id: contact,
    reason,
    because
  })
  const place = positionText(positionOf(segmentId, position))
  return JSON.stringify({ type: "event", topic: `segment/${segmentId}`, position: place, event })
}

interface Told {
  readonly started: (position: Position) => void
  readonly deliver: (text: string) => void
  readonly reload: (position: Position, reason: string) => void
}

/** Follows a segment for whoever may; the effect returned ends it. */
export const followSegment = Effect.fnUntraced(function* (
  principal: Principal,
  segment: string,
  after: Position | undefined,
  told: Told,
  roomy: Effect.Effect<void>
): Effect.fn.Return<() => void, Fault | RuntimeRefusal, Definitions | SegmentTopics> {
  const { business, contactId } = principal
  if (contactId !== undefined) return yield* Effect.fail(forbidden("This topic is not yours to follow."))
  const all = yield* definedBy(business, "segments")
  if (!Object.hasOwn(all, segment)) return yield* Effect.fail(notFound("segment", segment))
  if (after !== undefined && after.shard !== shardOf(segment)) {
    return yield* Effect.fail(invalidField("/after", "It is a position of another topic."))
  }
  const topics = yield* SegmentTopics
  const receiver = {
    started: (offset: number) => told.started(positionOf(segment, offset)),
    deliver: told.deliver,
    reload: (offset: number, reason: string) => told.reload(positionOf(segment, offset), reason)
  }
  const following = { business: business.id, segment, after: after?.offset, receiver, roomy }
  return yield* Effect.mapError(topics.follow(following), viewFault)
})
