/**
 * What the live hub is told about a kind of topic: whose events it carries and how an event becomes the text that is
 * sent. A topic is a feed and a placement key, so all its events stand in one shard, in one order.
 */
import type { Event } from "#domain/Event.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { Kind, StateOf } from "../journal/Kinds.ts"
import type { Committed } from "../projection/Projection.ts"

/** One event of a topic, encoded once for everybody who follows it. */
export interface Frame {
  readonly text: string
  /** Only these contacts may see it, beside the contact whose topic it is and the business itself; absent: all. */
  readonly audience?: ReadonlyArray<string>
  /** After it somebody may no longer follow the topic: all who do are judged again. */
  readonly changesAccess?: boolean
}

export interface Moment<State> {
  readonly business: Business
  /** After the event; of an event that is sent again after a gap: as it is when it is sent. */
  readonly state: State
  /** What the feed's `moves` come to in events after it that `state` holds already. */
  readonly movedSince: bigint
}

export interface Feed<State = unknown> {
  /** Its topics are `name/key`. */
  readonly name: string
  /** The aggregate of the key whose state its events are told with. */
  readonly follows: Kind
  /** Events of other aggregates are not even decoded. */
  readonly carries: ReadonlyArray<Kind>
  /** What an event adds to the sum that its frames tell: one that is sent again after a gap then tells the sum of then. */
  readonly moves?: (event: Event) => bigint
  /** `undefined` for an event that is of no interest outside. */
  readonly encode: (committed: Committed, topic: string, moment: Moment<State>) => Frame | undefined
}

/** Erases the type of the state at this one place: what a feed follows is what it is given. */
export const defineFeed = <K extends Kind>(feed: Feed<StateOf<K>> & { readonly follows: K }): Feed =>
  feed as unknown as Feed
