/**
 * What automations would have done in a time that has passed, without doing any of it (AUT-10): the journal is read from its
 * beginning, each contact is folded as she was, and every event of the time is asked which actions it would have set off. It
 * reads and counts, and the same question gets the same answer.
 *
 * Not looked into: joins and leaves that an instant or an import brought about, and what the actions would have caused.
 */
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import type { Action, AutomationDefinition } from "#domain/automation/Automation.ts"
import { triggersOf } from "#domain/automation/Trigger.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import type { Definitions } from "#domain/definition/Definition.ts"
import { aggregates } from "#domain/Domain.ts"
import type { Business } from "#domain/organisation/Business.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile, type Predicate } from "#domain/segment/Evaluate.ts"
import { type ContactFacts, type EventDocument, eventDocuments, profileDocument } from "#domain/segment/Facts.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { dayNumber } from "#domain/shared/CalendarDate.ts"
import * as Effect from "effect/Effect"
import { allShards } from "../actor/Placement.ts"
import { type Codec, Unreadable } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable } from "../journal/Journal.ts"
import { members, tagOf } from "../journal/Kinds.ts"
import { makeBreath } from "../projection/Breath.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import type { Committed } from "../projection/Projection.ts"

/** Events read at a time. */
const eventsAtOnce = 5_000
/** Firings told of one by one, the first of them. */
const sampleMax = 100

const types = [
  ...members(aggregates.contact.Event.ast),
  ...members(aggregates.community.Event.ast),
  ...members(aggregates.purchase.Event.ast)
].map(tagOf)

export interface Question {
  readonly business: Business
  /** One, or two that are to be compared. */
  readonly definitions: ReadonlyArray<AutomationDefinition>
  readonly segments: Definitions<SegmentDefinition>
  /** Epoch milliseconds; `until` excluded. */
  readonly from: number
  readonly until: number
}

export interface Firing {
  readonly contact: string
  readonly event: string
  readonly at: number
  readonly shard: number
  readonly offset: number
}

interface Tally {
  /** Happenings of the trigger, whether or not the filter held. */
  readonly considered: number
  readonly fired: number
  readonly actions: { readonly [Type in Action["_tag"]]?: number }
  /** By date of the business's zone. */
  readonly days: { readonly [date: string]: number }
  readonly sample: ReadonlyArray<Firing>
}

export interface DryRun {
  readonly results: ReadonlyArray<Tally>
  /** Of two: what only one of them would have acted on, and both. */
  readonly difference?: {
    readonly onlyFirst: Group
    readonly onlySecond: Group
    readonly both: Group
  }
}
interface Group {
  readonly count: number
  readonly sample: ReadonlyArray<Firing>
}

const dateOf = (at: number, timeZone: string): string =>
  new Date(dayNumber(at, timeZone) * 86_400_000).toISOString().slice(0, 10)

const earlier = (left: Firing, right: Firing): number =>
  left.at - right.at || left.shard - right.shard || left.offset - right.offset

/** Whom it would have run for, in the order of their dates; a bounded number is kept. */
class Firings {
  count = 0
  #kept: Array<Firing> = []

  add(firing: Firing): void {
    this.count += 1
    this.#kept.push(firing)
    if (this.#kept.length >= sampleMax * 4) this.#kept = this.sample
  }

  get sample(): Array<Firing> {
    return this.#kept.toSorted(earlier).slice(0, sampleMax)
  }

  get group(): Group {
    return { count: this.count, sample: this.sample }
  }
}

class Reckoning {
  considered = 0
  readonly firings = new Firings()
  readonly days = new Map<string, number>()
  readonly actions: ReadonlyArray<Action>

  constructor(definition: AutomationDefinition) {
    this.actions = definition.actions
  }

  fire(firing: Firing, timeZone: string): void {
    this.firings.add(firing)
    const date = dateOf(firing.at, timeZone)
    this.days.set(date, (this.days.get(date) ?? 0) + 1)
  }

  get tally(): Tally {
    const actions: Record<string, number> = {}
    for (const { _tag } of this.actions) actions[_tag] = (actions[_tag] ?? 0) + this.firings.count
    const days = Object.fromEntries([...this.days].toSorted(([left], [right]) => (left < right ? -1 : 1)))
    return { considered: this.considered, fired: this.firings.count, actions, days, sample: this.firings.sample }
  }
}

/** A contact on her way through the journal. */
interface Walker {
  state: ContactState
  readonly events: Array<EventDocument>
}

/** Whether somebody was in a segment, by its rule as it is now; a segment that is gone has nobody. */
const membership = (segments: Definitions<SegmentDefinition>) => {
  const compiled = new Map<string, Predicate>()
  const isIn = (id: string, facts: ContactFacts, at: number): boolean => {
    const sets = segments[id]?.body.sets
    if (sets === undefined) return false
    const predicate = compiled.get(id) ?? compile(sets)
    compiled.set(id, predicate)
    return predicate(facts, at, (other) => isIn(other, facts, at)).holds
  }
  return isIn
}

/** The types of events that anything asked looks at. */
const askedTypes = ({ definitions, segments }: Question): ReadonlySet<string> => {
  const found = new Set<string>()
  const seen = new Set<string>()
  const look = (sets: ConditionSets | undefined): void => {
    if (sets === undefined) return
    const { events, segments: named } = dependsOn(sets)
    for (const type of events) found.add(type)
    for (const id of named) lookInto(id)
  }
  const lookInto = (id: string): void => {
    if (seen.has(id)) return
    seen.add(id)
    look(segments[id]?.body.sets)
  }
  for (const { filter, segmentId } of definitions) {
    look(filter)
    if (segmentId !== undefined) lookInto(segmentId)
  }
  return found
}

export const make = (journal: Journal["Service"], keys: DataKeys["Service"], codec: Codec) => {
  /** The events of a business in one shard, in the order of their commits. */
  const walk = Effect.fnUntraced(function* (
    business: string,
    { shard, offset: head }: { readonly shard: number; readonly offset: number },
    breath: Effect.Effect<void>,
    visit: (committed: Committed) => void
  ) {
    for (let after = 0; after < head; after += eventsAtOnce) {
      const upTo = Math.min(head, after + eventsAtOnce)
      const { rows, shardsWithHoles } = yield* journal.scan([{ shard, after, upTo }], types)
      // A row that is gone: nothing may be counted on that.
      if (shardsWithHoles.length > 0) {
        return yield* Effect.die(
          new Unreadable({ row: `shard ${shard}/${after + 1}..${upTo}`, reason: "an event is missing" })
        )
      }
      const own = rows.filter((row) => row.business === business && row.key !== business)
      const keyOf = yield* keys.ofRows(own)
      for (const row of own) {
        visit({ row, event: codec.readEvent(row, keyOf(row)) })
        yield* breath
      }
    }
  })

  return Effect.fnUntraced(function* (question: Question): Effect.fn.Return<DryRun, JournalUnavailable> {
    const { business, definitions, segments, from, until } = question
    const isIn = membership(segments)
    const kept = askedTypes(question)
    const reckonings = definitions.map((definition) => new Reckoning(definition))
    const filters = definitions.map(({ filter }) => (filter === undefined ? undefined : compile(filter)))
    const groups = { onlyFirst: new Firings(), onlySecond: new Firings(), both: new Firings() }

    const factsOf = ({ state, events }: Walker): ContactFacts | undefined =>
      state.id === "" ? undefined : { profile: profileDocument(business, state), events }
    const isCalled = (
      definition: AutomationDefinition,
      committed: Committed,
      was: boolean,
      after: ContactFacts | undefined
    ): boolean => {
      const { trigger, segmentId } = definition
      if (segmentId === undefined) return triggersOf(committed.event).includes(trigger)
      const { at } = committed.row
      const is = after !== undefined && isIn(segmentId, after, at)
      return was !== is && is === (trigger === "SEGMENT_JOINED")
    }
    const breath = makeBreath()
    const looksAtSegments = definitions.some(({ segmentId }) => segmentId !== undefined)

    /** Asked before the event is added: the list of events grows, and is not copied for each of them. */
    const membershipsOf = (before: ContactFacts | undefined, at: number): ReadonlyArray<boolean> =>
      before === undefined
        ? []
        : definitions.map(({ segmentId }) => segmentId !== undefined && isIn(segmentId, before, at))

    const judge = (committed: Committed, wasIn: ReadonlyArray<boolean>, after: ContactFacts | undefined): void => {
      const { row, event } = committed
      const firing = { contact: row.key, event: event._tag, at: row.at, shard: row.shard, offset: row.offset }
      const fired = definitions.map((definition, index) => {
        const reckoning = reckonings[index]
        if (reckoning === undefined || !isCalled(definition, committed, wasIn[index] === true, after)) return false
        reckoning.considered += 1
        const filter = filters[index]
        const holds =
          filter === undefined || (after !== undefined && filter(after, row.at, (id) => isIn(id, after, row.at)).holds)
        if (holds) reckoning.fire(firing, business.timeZone)
        return holds
      })
      if (fired.length < 2 || !fired.includes(true)) return
      groups[fired[0] === fired[1] ? "both" : fired[0] === true ? "onlyFirst" : "onlySecond"].add(firing)
    }

    for (const head of yield* journal.heads(allShards)) {
      const walkers = new Map<string, Walker>()
      yield* walk(business.id, head, breath, (committed) => {
        const { row, event } = committed
        if (row.at >= until) return
        const walker = walkers.get(row.key) ?? { state: contactAggregate.initial, events: [] }
        walkers.set(row.key, walker)
        const isAsked = row.at >= from && (looksAtSegments || triggersOf(event).length > 0)
        const before = isAsked && looksAtSegments ? factsOf(walker) : undefined
        const wasIn = membershipsOf(before, row.at)
        if (row.aggregate === contactAggregate.code) {
          walker.state = contactAggregate.evolve(walker.state, event as ContactEvent)
        }
        for (const document of eventDocuments(committed)) if (kept.has(document.type)) walker.events.push(document)
        if (isAsked) judge(committed, wasIn, factsOf(walker))
      })
    }

    const results = reckonings.map(({ tally }) => tally)
    if (definitions.length < 2) return { results }
    const { onlyFirst, onlySecond, both } = groups
    return { results, difference: { onlyFirst: onlyFirst.group, onlySecond: onlySecond.group, both: both.group } }
  })
}
