/**
 * Who is in segments by their rules, on facts as of an instant and not as memberships are kept: for what is judged after the
 * event. Each segment is judged once for a contact and an instant, those that another names before it.
 */
import type { Definition, Definitions } from "#domain/definition/Definition.ts"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import type { MemberSince } from "#domain/segment/Reference.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import * as Effect from "effect/Effect"
import { type LiveSegment, liveSegment, LiveSet } from "../segment/LiveSet.ts"

/** Its members follow its rule with each commit; those of any other are as they were computed last, or came from a file. */
export const isFollowed = ({ state, body }: Definition<SegmentDefinition>): boolean =>
  state === "ACTIVE" && body.refresh.mode === "LIVE"

/** Those that are named, and those that they name in turn, as far as they are judged by their rules. */
export const rulesOf = (
  named: Iterable<string>,
  segments: Definitions<SegmentDefinition>,
  isJudged: (segment: Definition<SegmentDefinition>) => boolean = () => true
): ReadonlyArray<LiveSegment> => {
  const found = new Map<string, LiveSegment>()
  const open = [...named]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const definition = Object.hasOwn(segments, id) ? segments[id] : undefined
    if (definition === undefined || found.has(id) || !isJudged(definition)) continue
    const { version, body } = definition
    const rule = liveSegment(id, version, body.sets)
    found.set(id, rule)
    open.push(...rule.depends.segments)
  }
  return new LiveSet([...found.values()], 0).segments
}

export interface Standing {
  /** The segments that she is in, each with since when. */
  readonly members: ReadonlyMap<string, number>
  /** The first instant after at which time alone may change that; `Infinity` if it never does. */
  readonly due: number
}

export const nowhere: Standing = { members: new Map(), due: Number.POSITIVE_INFINITY }

/**
 * `anyway` says of a segment since when she is in it whatever its rule says, or although it has none; `before`, since when she
 * was in it just before. Who was not comes to be in it now.
 */
export const standingOf: (
  rules: ReadonlyArray<LiveSegment>,
  facts: ContactFacts,
  at: number,
  anyway: MemberSince,
  before: MemberSince,
  breath: Effect.Effect<void>
) => Effect.Effect<Standing> = Effect.fnUntraced(function* (rules, facts, at, anyway, before, breath) {
  const members = new Map<string, number>()
  let due = Number.POSITIVE_INFINITY
  const memberSince: MemberSince = (id) => members.get(id) ?? anyway(id)
  for (const { id, judge } of rules) {
    const { holds, until = Number.POSITIVE_INFINITY } = judge(facts, at, memberSince)
    if (holds) members.set(id, anyway(id) ?? before(id) ?? at)
    due = Math.min(due, until)
    yield* breath
  }
  return { members, due }
})
