/**
 * The live segments of a business in force together: which of them something new can concern, found by field, event and
 * segment instead of one by one, and what becomes of a contact in all of them at once. Pure; a segment that names another
 * is judged after it, so a change goes through all of them in one step (SEG-5).
 */
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import type { ContactFacts, FactValue, ProfileDocument } from "#domain/segment/Facts.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { isIn, outside, type Standing } from "./Membership.ts"

export interface LiveSegment {
  readonly id: string
  readonly version: number
  readonly judge: ReturnType<typeof compile>
  readonly depends: ReturnType<typeof dependsOn>
}

/** What became of a contact in one segment. */
export interface Outcome {
  readonly segment: string
  readonly before: Standing
  readonly after: Standing
  /** The segment whose change brought this one about, if it was not judged for a reason of its own. */
  readonly through: string | undefined
}

export interface Judged {
  readonly outcomes: ReadonlyArray<Outcome>
  /** Segments that may change with no event, and when. */
  readonly dues: ReadonlyArray<{ readonly segment: string; readonly dueAt: number }>
}

const zoneField = "time_zone"

/** The part of a path that a profile is compared by. */
const rootOf = (path: string): string => {
  const end = path.indexOf(".")
  return end < 0 ? path : path.slice(0, end)
}

/** Those that are named by another come before it. */
const inOrder = (segments: ReadonlyArray<LiveSegment>): ReadonlyArray<LiveSegment> => {
  const byId = new Map(segments.map((segment) => [segment.id, segment]))
  const ordered = new Set<LiveSegment>()
  const visit = (segment: LiveSegment, path: ReadonlySet<string>): void => {
    // A cycle is refused when it is saved; versions of different saves in force together are at most out of order.
    if (ordered.has(segment) || path.has(segment.id)) return
    for (const named of segment.depends.segments) {
      const other = byId.get(named)
      if (other !== undefined) visit(other, new Set([...path, segment.id]))
    }
    ordered.add(segment)
  }
  for (const segment of segments) visit(segment, new Set())
  return [...ordered]
}

const add = (index: Map<string, Array<LiveSegment>>, name: string, segment: LiveSegment): void => {
  const found = index.get(name)
  if (found === undefined) index.set(name, [segment])
  else found.push(segment)
}

export class LiveSet {
  readonly segments: ReadonlyArray<LiveSegment>
  /** Changes whenever any of them does. */
  readonly stamp: number
  readonly #byRoot = new Map<string, Array<LiveSegment>>()
  readonly #byEvent = new Map<string, Array<LiveSegment>>()
  readonly #bySegment = new Map<string, Array<LiveSegment>>()
  readonly #byId: ReadonlyMap<string, LiveSegment>

  constructor(segments: ReadonlyArray<LiveSegment>, stamp: number) {
    this.stamp = stamp
    this.segments = inOrder(segments)
    this.#byId = new Map(segments.map((segment) => [segment.id, segment]))
    for (const segment of this.segments) {
      for (const root of new Set(Array.from(segment.depends.fields, rootOf))) add(this.#byRoot, root, segment)
      for (const type of segment.depends.events) add(this.#byEvent, type, segment)
      for (const id of segment.depends.segments) add(this.#bySegment, id, segment)
    }
  }

  get(id: string): LiveSegment | undefined {
    return this.#byId.get(id)
  }

  /** Those that name the segment. */
  naming(id: string): ReadonlyArray<LiveSegment> {
    return this.#bySegment.get(id) ?? []
  }

  /** Whom new events of these types, and the way from one profile to the next, can concern. */
  concernedBy(
    before: ProfileDocument | undefined,
    after: ProfileDocument | undefined,
    types: Iterable<string>
  ): Set<LiveSegment> {
    if (before === undefined || after === undefined) return new Set(this.segments)
    // Dates and months are those of her zone.
    if (before[zoneField] !== after[zoneField]) return new Set(this.segments)
    const concerned = new Set<LiveSegment>()
    for (const type of types) for (const segment of this.#byEvent.get(type) ?? []) concerned.add(segment)
    for (const [root, segments] of this.#byRoot) {
      if (sameValue(before[root], after[root])) continue
      for (const segment of segments) concerned.add(segment)
    }
    return concerned
  }

  /**
   * Judges a contact in the concerned segments and in those that name one that changes. Without facts there is no such
   * contact (any more): she leaves all, also where she was imported (SEG-5).
   */
  judge(
    facts: ContactFacts | undefined,
    at: number,
    concerned: ReadonlySet<LiveSegment>,
    standings: ReadonlyMap<string, Standing>
  ): Judged {
    const outcomes: Array<Outcome> = []
    const dues: Array<{ segment: string; dueAt: number }> = []
    const moved = new Map<string, Standing>()
    /** By segment: which one's change it has to be judged for. */
    const drawn = new Map<string, string>()
    const standingIn = (id: string): Standing => moved.get(id) ?? standings.get(id) ?? outside
    const memberSince = (id: string): number | undefined => {
      const standing = standingIn(id)
      return isIn(standing) ? standing.since : undefined
    }
    for (const segment of this.segments) {
      const through = drawn.get(segment.id)
      if (!concerned.has(segment) && through === undefined) continue
      const before = standings.get(segment.id) ?? outside
      const verdict = facts === undefined ? undefined : segment.judge(facts, at, memberSince)
      if (verdict?.until !== undefined) dues.push({ segment: segment.id, dueAt: verdict.until })
      const byRule = verdict?.holds ?? false
      const byImport = before.byImport && facts !== undefined
      if (byRule === before.byRule && byImport === before.byImport) continue
      const after: Standing = { byRule, byImport, since: isIn(before) ? before.since : at }
      moved.set(segment.id, after)
      outcomes.push({ segment: segment.id, before, after, through: concerned.has(segment) ? undefined : through })
      if (isIn(before) === isIn(after)) continue
      for (const other of this.naming(segment.id)) if (!drawn.has(other.id)) drawn.set(other.id, segment.id)
    }
    return { outcomes, dues }
  }

  /** Those that name any of the segments, which have changed otherwise. */
  drawnBy(segments: Iterable<string>): Set<LiveSegment> {
    const drawn = new Set<LiveSegment>()
    for (const id of segments) for (const segment of this.naming(id)) drawn.add(segment)
    return drawn
  }
}

type Fact = FactValue | undefined

/** Facts are JSON: plain objects and lists, made anew with each event. */
const sameValue = (left: Fact, right: Fact): boolean => {
  if (left === right) return true
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return false
  const names = Object.keys(left)
  if (names.length !== Object.keys(right).length || Array.isArray(left) !== Array.isArray(right)) return false
  const [one, other] = [left as Readonly<Record<string, Fact>>, right as Readonly<Record<string, Fact>>]
  return names.every((name) => sameValue(one[name], other[name]))
}

export const liveSegment = (id: string, version: number, sets: ConditionSets): LiveSegment => ({
  id,
  version,
  judge: compile(sets),
  depends: dependsOn(sets)
})
