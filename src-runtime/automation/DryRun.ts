/**
 * What automations would have done in a time that has passed, without doing any of it (AUT-10): the journal is read from its
 * beginning, each contact is folded as she was, and every event of the time is asked which actions it would have set off. It
 * reads and counts, and the same question gets the same answer.
 *
 * Segments are judged as live, by their rules as they are now: at each event, and at each instant at which time changes who
 * is in. The answer names those that are not. Where it matters since when she is in one, she is followed from her first day,
 * for that is since when its rule has held. What decides about a command is asked about what came of it, as it would have been
 * before: by the profile that stood then, and what had happened to her, and where she was in, until then (Judges.ts). A saved
 * version that judged the command itself is taken at its word; any other sees in the profile what was patched then. Not looked
 * into: commands that came to nothing, imports, refreshes on demand and by schedule, and what the actions would have caused.
 */
import { community as communityAggregate } from "#domain/community/Community.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { filterFor } from "#domain/automation/EventFilter.ts"
import { priorToTriggers, type Trigger, triggersOf } from "#domain/automation/Trigger.ts"
import type { Judge, Verdict } from "#domain/automation/Judges.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Definitions } from "#domain/definition/Definition.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile, type Predicate } from "#domain/segment/Evaluate.ts"
import { type ContactFacts, type EventDocument, eventDocuments, profileDocument } from "#domain/segment/Facts.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import * as Effect from "effect/Effect"
import { allShards } from "../actor/Placement.ts"
import { type Codec, Unreadable } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import { makeBreath } from "../projection/Breath.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import type { Committed } from "../projection/Projection.ts"
import { Comparison, type Difference } from "./DryRunDifference.ts"
import { type Firing, Reckoning, type Tally } from "./DryRunTally.ts"
import { eventsOfContacts } from "../segment/EventsOfContacts.ts"
import * as SegmentRules from "./SegmentRules.ts"

/** Events read at a time. */
const eventsAtOnce = 5_000
/** Instants at which one contact is looked at with no event, at most: beyond them the answer says that it is not complete. */
const instantsMax = 1_000

/** An automation that is asked about; `saved`: it is this version of one that was saved. */
export interface Asked extends AutomationDefinition {
  readonly saved?: Judge
}

export interface Question {
  readonly business: Business
  /** One, or two that are to be compared. */
  readonly definitions: ReadonlyArray<Asked>
  readonly segments: Definitions<SegmentDefinition>
  /** Epoch milliseconds; `until` excluded. */
  readonly from: number
  readonly until: number
}

export interface DryRun {
  /** Whether time was followed to its end for every contact. */
  readonly isComplete: boolean
  /** Segments that are named, and those that they name, whose members do not follow their rule at once as is judged here. */
  readonly assumedLive: ReadonlyArray<string>
  readonly results: ReadonlyArray<Tally>
  /** Of two. */
  readonly difference?: Difference
}
/** A contact on her way through the journal. */
interface Walker {
  state: ContactState
  /** That she owns. */
  community: CommunityState
  readonly events: Array<EventDocument>
  /** In which segments she is and how long that is sure to last; unknown before the time that is asked about. */
  standing: SegmentRules.Standing | undefined
  /** At how many instants she was looked at. */
  instants: number
}

/** By the type of the event, as a run would be asked; none if it is for everybody. */
const filtersOf = ({ filter, trigger }: AutomationDefinition) => {
  if (filter === undefined) return undefined
  const compiled = new Map<string, Predicate>()
  return (eventType: string): Predicate => {
    const known = compiled.get(eventType) ?? compile(filterFor(filter, trigger, eventType))
    compiled.set(eventType, known)
    return known
  }
}

const isPriorTo = ({ trigger }: AutomationDefinition): boolean => priorToTriggers.has(trigger)

/** What was known of her before a command was carried out. */
interface Earlier {
  readonly events: ReadonlyArray<EventDocument>
  readonly members: ReadonlyMap<string, number>
}

/** What somebody is judged for: an event, or an instant. */
interface Occasion {
  readonly triggers: ReadonlyArray<Trigger>
  readonly firing: Firing
  /** Of what a command made, for those who judge that before; and by whom it was judged then. */
  readonly earlier?: Earlier | undefined
  readonly judgedBy?: ReadonlyArray<Verdict> | undefined
}

/** What that very version said when the command was judged. */
const saidBy = ({ saved, ...definition }: Asked, judgedBy: ReadonlyArray<Verdict> = []): boolean | undefined =>
  saved === undefined || !isPriorTo(definition)
    ? undefined
    : judgedBy.find(({ automationId, version }) => automationId === saved.automationId && version === saved.version)
        ?.holds

export const make = (journal: Journal["Service"], keys: DataKeys["Service"], codec: Codec) => {
  /** The events of a business in one shard, in the order of their commits. */
  const walk = Effect.fnUntraced(function* (
    business: string,
    { shard, offset: head }: { readonly shard: number; readonly offset: number },
    breath: Effect.Effect<void>,
    visit: (committed: Committed) => Effect.Effect<void>
  ) {
    for (let after = 0; after < head; after += eventsAtOnce) {
      const upTo = Math.min(head, after + eventsAtOnce)
      const { rows, shardsWithHoles } = yield* journal.scan([{ shard, after, upTo }], eventsOfContacts)
      // A row that is gone: nothing may be counted on that.
      if (shardsWithHoles.length > 0) {
        return yield* Effect.die(
          new Unreadable({ row: `shard ${shard}/${after + 1}..${upTo}`, reason: "an event is missing" })
        )
      }
      const own = rows.filter((row) => row.business === business && row.key !== business)
      const keyOf = yield* keys.ofRows(own)
      for (const row of own) {
        yield* visit({ row, event: codec.readEvent(row, keyOf(row)) })
        yield* breath
      }
    }
  })

  return Effect.fnUntraced(function* (question: Question): Effect.fn.Return<DryRun, JournalUnavailable> {
    const { business, definitions, segments, from, until } = question
    const filters = definitions.map(filtersOf)
    const dependencies = definitions.map(({ filter = [] }) => dependsOn(filter))
    const triggering = definitions.flatMap(({ segmentId }) => segmentId ?? [])
    const rules = SegmentRules.rulesOf(
      [...triggering, ...dependencies.flatMap(({ segments: named }) => [...named])],
      segments
    )
    const assumedLive = rules.flatMap(({ id }) => {
      const segment = segments[id]
      return segment === undefined || SegmentRules.isFollowed(segment) ? [] : [id]
    })
    const kept = new Set([...dependencies, ...rules.map(({ depends }) => depends)].flatMap(({ events }) => [...events]))
    const looksAtSegments = triggering.length > 0
    /** Since when somebody is in a segment is known of who was followed until then. */
    const remembers = [...dependencies, ...rules.map(({ depends }) => depends)].some(({ tenure }) => tenure)
    const looksAtTime = looksAtSegments && rules.some(({ depends }) => depends.time)
    const reckonings = definitions.map((definition) => new Reckoning(definition))
    const [first, second] = definitions
    const comparison = first === undefined || second === undefined ? undefined : new Comparison(first, second)
    const breath = makeBreath()
    let isComplete = true

    const factsOf = ({ state, community, events }: Walker): ContactFacts | undefined =>
      state.id === "" ? undefined : { profile: profileDocument(business, state, community), events }
    const nobody = () => undefined
    const standingOf = (walker: Walker, facts: ContactFacts | undefined, at: number) => {
      const before = (id: string): number | undefined => walker.standing?.members.get(id)
      return facts === undefined
        ? Effect.succeed(SegmentRules.nowhere)
        : SegmentRules.standingOf(rules, facts, at, nobody, before, breath)
    }

    const isCalled = (
      { trigger, segmentId }: AutomationDefinition,
      { triggers }: Occasion,
      before: SegmentRules.Standing,
      after: SegmentRules.Standing
    ): boolean => {
      if (segmentId === undefined) return triggers.includes(trigger)
      const is = after.members.has(segmentId)
      return before.members.has(segmentId) !== is && is === (trigger === "SEGMENT_JOINED")
    }

    const earlierOf = Effect.fnUntraced(function* (walker: Walker, at: number): Effect.fn.Return<Earlier> {
      const { members } = yield* standingOf(walker, factsOf(walker), at)
      return { events: [...walker.events], members }
    })

    const passes = (
      filter: Predicate | undefined,
      facts: ContactFacts | undefined,
      { events = facts?.events ?? [], members }: Partial<Earlier> & Pick<Earlier, "members">,
      at: number
    ): boolean =>
      filter === undefined ||
      (facts !== undefined && filter({ profile: facts.profile, events }, at, (id) => members.get(id)).holds)

    /** By what she is now, after what she was. */
    const judge = Effect.fnUntraced(function* (walker: Walker, occasion: Occasion) {
      const { firing } = occasion
      const facts = factsOf(walker)
      const before = walker.standing ?? SegmentRules.nowhere
      const after = yield* standingOf(walker, facts, firing.at)
      if (looksAtSegments || remembers) walker.standing = after
      if (firing.at < from) return
      const fired = definitions.map((definition, index) => {
        const reckoning = reckonings[index]
        if (reckoning === undefined || !isCalled(definition, occasion, before, after)) return false
        reckoning.considered += 1
        const known = (isPriorTo(definition) ? occasion.earlier : undefined) ?? after
        const said = saidBy(definition, occasion.judgedBy)
        const holds = said ?? passes(filters[index]?.(firing.event), facts, known, firing.at)
        if (holds) reckoning.fire(firing, business.timeZone)
        return holds
      })
      if (!fired.includes(true)) return
      comparison?.add(fired[0] === fired[1] ? "both" : fired[0] === true ? "onlyFirst" : "onlySecond", firing)
    })

    /** Through every instant at which time may have changed where she is, as the timers of live segments would. */
    const goOn = Effect.fnUntraced(function* (walker: Walker, upTo: number, last: Omit<Firing, "event" | "at">) {
      walker.standing ??= yield* standingOf(walker, factsOf(walker), Math.min(from - 1, upTo))
      for (let { due } = walker.standing; due <= upTo; { due } = walker.standing) {
        walker.instants += 1
        if (walker.instants > instantsMax) {
          isComplete = false
          walker.standing = { ...walker.standing, due: Number.POSITIVE_INFINITY }
        } else yield* judge(walker, { triggers: [], firing: { ...last, event: "TIME", at: due } })
      }
    })

    const follow = Effect.fnUntraced(function* (walker: Walker, committed: Committed) {
      const { row, event } = committed
      const place = { contact: row.key, shard: row.shard, offset: row.offset }
      const triggers = row.at >= from ? triggersOf(event) : []
      const isFollowed = remembers || (row.at >= from && looksAtSegments)
      if (isFollowed) yield* goOn(walker, row.at, place)
      const isAskedBefore = definitions.some((each) => isPriorTo(each) && triggers.includes(each.trigger))
      const earlier = isAskedBefore ? yield* earlierOf(walker, row.at) : undefined
      if (row.aggregate === contactAggregate.code) {
        walker.state = contactAggregate.evolve(walker.state, event as ContactEvent)
      }
      if (row.aggregate === communityAggregate.code) {
        walker.community = communityAggregate.evolve(walker.community, event as CommunityEvent)
      }
      for (const document of eventDocuments(committed)) if (kept.has(document.type)) walker.events.push(document)
      if (isFollowed || definitions.some(({ trigger }) => triggers.includes(trigger))) {
        const judgedBy = "judgedBy" in event ? event.judgedBy : undefined
        yield* judge(walker, { triggers, firing: { ...place, event: event._tag, at: row.at }, earlier, judgedBy })
      }
    })

    for (const head of yield* journal.heads(allShards)) {
      const walkers = new Map<string, Walker>()
      yield* walk(business.id, head, breath, (committed) => {
        const { key, at } = committed.row
        if (at >= until) return Effect.void
        const walker = walkers.get(key) ?? {
          state: contactAggregate.initial,
          community: communityAggregate.initial,
          events: [],
          standing: undefined,
          instants: 0
        }
        walkers.set(key, walker)
        return follow(walker, committed)
      })
      if (!looksAtTime) continue
      for (const [contact, walker] of walkers) yield* goOn(walker, until - 1, { contact, ...head })
    }

    const results = reckonings.map(({ tally }) => tally)
    const answer = { results, isComplete, assumedLive: assumedLive.toSorted() }
    return comparison === undefined ? answer : { ...answer, difference: comparison.difference }
  })
}
