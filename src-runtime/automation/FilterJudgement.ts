/**
 * Whether the filters of automations held when something happened (AUT-6): on what the contact was and had done by then, and
 * in the segments that she was in by then, however late it is asked and whatever has happened since (SEG-3). What a live
 * segment says follows from its rule, so that nobody waits for memberships; of the others it is known who joined and left when.
 *
 * The segment store has her events, and her profile if nothing has been committed since that changes what is asked of it;
 * otherwise the journal tells what she was. Whoever is not registered any more passes no filter.
 */
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { community as communityAggregate } from "#domain/community/Community.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import type { Definitions } from "#domain/definition/Definition.ts"
import { type Dependencies, dependsOn } from "#domain/segment/Dependencies.ts"
import { compile, type Predicate } from "#domain/segment/Evaluate.ts"
import { placeOf } from "#domain/segment/FactAccess.ts"
import { typesAside } from "#domain/segment/FactChanges.ts"
import { type ContactFacts, type EventDocument, profileDocument } from "#domain/segment/Facts.ts"
import { peopleFields } from "#domain/segment/PeopleFacts.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { PastDefinitions } from "../actor/PastDefinitions.ts"
import type { Codec } from "../journal/Codec.ts"
import type { Journal } from "../journal/Journal.ts"
import { makeBreath } from "../projection/Breath.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import { recordset } from "../projection/Projection.ts"
import type { Position } from "../projection/ProjectionCursors.ts"
import { ProjectionWaits } from "../projection/ViewRefusal.ts"
import type { LiveSegment } from "../segment/LiveSet.ts"
import type { StoredFacts } from "../segment/SegmentStore.ts"
import * as ContactsThen from "./ContactsThen.ts"
import type { FilterFacts } from "./FilterFacts.ts"
import * as SegmentRules from "./SegmentRules.ts"

/** Filters judged at once. */
const filtersAtOnceMax = 500

/** What had happened: the event at the position and all before it, or all until an instant. */
export interface AsOf {
  readonly position: Position | undefined
  readonly until: number
}

export interface Question extends AsOf {
  readonly business: string
  readonly contact: string
  readonly at: number
  readonly filter: ConditionSets
}

/** With what it looks at. */
interface Looked extends Question {
  readonly holds: Predicate
  readonly depends: Dependencies
  readonly rules: ReadonlyArray<LiveSegment>
}

/**
 * Backwards from how it is now: what came first after the instant says how it was before. Who is in by a file and by the
 * rule at once is in no change; she is taken to have been in the file if she is now, or if her removal came next.
 */
const readStandings =
  "SELECT r.number, r.segment, coalesce(NOT next.joined, m.contact IS NOT NULL) AS was_in, last.at AS since, " +
  "coalesce(m.by_import, false) OR coalesce(next.reason = 'REMOVAL', false) AS by_import " +
  "FROM json_to_recordset($1::json) AS r(number integer, contact uuid, segment uuid, at bigint) " +
  "LEFT JOIN segment_member m ON m.business = $2::uuid AND m.segment = r.segment AND m.contact = r.contact " +
  "LEFT JOIN LATERAL (SELECT c.joined, c.reason FROM segment_change c WHERE c.business = $2::uuid " +
  "AND c.contact = r.contact AND c.segment = r.segment AND c.at > r.at ORDER BY c.position LIMIT 1) next ON true " +
  "LEFT JOIN LATERAL (SELECT CASE WHEN c.joined THEN c.at END AS at FROM segment_change c WHERE c.business = $2::uuid " +
  "AND c.contact = r.contact AND c.segment = r.segment AND c.at <= r.at ORDER BY c.position DESC LIMIT 1) last ON true"
interface StandingRow {
  readonly number: number
  readonly segment: string
  readonly was_in: boolean
  /** Of her last join by then, unless she left after it. */
  readonly since: bigint | null
  readonly by_import: boolean
}

const nothing: Definitions<SegmentDefinition> = {}

const hadHappened = ({ until, position }: AsOf, event: EventDocument): boolean =>
  event.at <= until && event.sequence <= (position?.offset ?? Number.POSITIVE_INFINITY)

/** Of the profile, itself and by the rules of live segments. */
const fieldsOf = ({ depends, rules }: Looked): ReadonlySet<string> =>
  new Set([depends, ...rules.map((rule) => rule.depends)].flatMap(({ fields }) => [...fields]))

const peopleRoots: ReadonlySet<string> = new Set(peopleFields.map(({ name }) => name))
/** Who is in a community, and on what terms, is in no event of the contact's own. */
const asksForPeople = (question: Looked): boolean =>
  [...fieldsOf(question)].some((path) => peopleRoots.has(placeOf(path)[0] ?? ""))

interface Options {
  readonly definitions: PastDefinitions
  readonly facts: FilterFacts["Service"]
  readonly journal: Journal["Service"]
  readonly codec: Codec
  readonly keys: DataKeys["Service"]
}

export const make = ({ definitions, facts, ...reading }: Options) => {
  const contacts = ContactsThen.make(reading, contactAggregate)
  const communities = ContactsThen.make(reading, communityAggregate)
  const away = ({ _tag }: { readonly _tag: string }) => new ProjectionWaits({ reason: `the journal: ${_tag}` })

  /** Filters, and the rules of live segments as they were at each instant: made once for all that is asked of them. */
  const looked = Effect.fnUntraced(function* (questions: ReadonlyArray<Question>) {
    const filters = new Map(
      Array.from(new Set(questions.map(({ filter }) => filter)), (filter) => [
        filter,
        { holds: compile(filter), depends: dependsOn(filter), rulesIn: new Map<unknown, ReadonlyArray<LiveSegment>>() }
      ])
    )
    const named = questions.filter(({ filter }) => (filters.get(filter)?.depends.segments.size ?? 0) > 0)
    const segmentsAt = named.length === 0 ? undefined : yield* definitions.at(named, "segments")
    return questions.flatMap((question): ReadonlyArray<Looked> => {
      const made = filters.get(question.filter)
      if (made === undefined) return []
      const { holds, depends, rulesIn } = made
      const segments = depends.segments.size > 0 ? (segmentsAt?.(question) ?? nothing) : nothing
      const rules = rulesIn.get(segments) ?? SegmentRules.rulesOf(depends.segments, segments, SegmentRules.isFollowed)
      rulesIn.set(segments, rules)
      return [{ ...question, holds, depends, rules }]
    })
  })

  /** Of those who are asked about their people: the communities as they were, by the number of the question. */
  const communitiesOf = Effect.fnUntraced(function* (
    sql: SqlClient,
    business: string,
    questions: ReadonlyArray<Looked>
  ) {
    const asking = [...questions.entries()].filter(([, question]) => asksForPeople(question))
    if (asking.length === 0) return new Map<number, CommunityState>()
    const moments = asking.map(([, question]) => ({ ...question, known: undefined }))
    const found = yield* ContactsThen.seqsAt(sql, business, communityAggregate.code, moments)
    const versions = asking.map(([, { contact }], index) => ({ contact, seq: found[index]?.seq ?? 0 }))
    const states = yield* Effect.mapError(communities.statesOf(business, versions), away)
    return new Map(
      asking.flatMap(([number], index) => {
        const version = versions[index]
        const state = version && states.get(ContactsThen.nameOf(version))
        return state === undefined ? [] : [[number, state] as const]
      })
    )
  })

  /** Of each question the facts as they were; `undefined` for who was not, or is not any more, registered. */
  const factsOf = Effect.fnUntraced(function* (
    sql: SqlClient,
    business: string,
    questions: ReadonlyArray<Looked>,
    stored: ReadonlyMap<string, StoredFacts>
  ) {
    const moments = questions.map((question) => {
      const [fields, seq] = [fieldsOf(question), stored.get(question.contact)?.seq]
      return {
        ...question,
        known: seq === undefined || fields.size === 0 ? undefined : { seq, typesAside: typesAside(fields) },
        people: asksForPeople(question)
      }
    })
    const found = yield* ContactsThen.seqsAt(sql, business, contactAggregate.code, moments)
    const versions = questions.map(({ contact, position }, index) => {
      // Who joins a segment is there: if not by then, the clocks of two runners disagree.
      const now = position === undefined ? stored.get(contact)?.seq : undefined
      return { contact, seq: found[index]?.seq ?? now }
    })
    const others = versions.flatMap(({ contact, seq }, index) =>
      seq !== undefined &&
      (moments[index]?.people === true || (moments[index]?.known !== undefined && !(found[index]?.isKnown ?? true)))
        ? [{ contact, seq }]
        : []
    )
    const states = yield* Effect.mapError(contacts.statesOf(business, others), away)
    const owned = yield* communitiesOf(sql, business, questions)
    return questions.map((question, index): ContactFacts | undefined => {
      const { contact } = question
      const [seq, known] = [versions[index]?.seq, stored.get(contact)]
      if (seq === undefined || known === undefined) return undefined
      const state = states.get(ContactsThen.nameOf({ contact, seq }))
      // Nobody's people stand there where nobody asks for them.
      const community = owned.get(index) ?? communityAggregate.initial
      const profile = state === undefined ? known.profile : profileDocument({ id: business }, state, community)
      return { profile, events: known.events.filter((event) => hadHappened(question, event)) }
    })
  })

  /**
   * By number of the question and segment: since when she was in it as far as its rule has no say, by a file or as of a
   * refresh; and since when at all, as it was noted by then.
   */
  const standingsOf = Effect.fnUntraced(function* (sql: SqlClient, business: string, questions: ReadonlyArray<Looked>) {
    const asked = questions.flatMap(({ contact, at, depends, rules }, number) => {
      const segments = [depends, ...rules.map((rule) => rule.depends)].flatMap((each) => [...each.segments])
      return Array.from(new Set(segments), (segment) => ({ number, contact, segment, at }))
    })
    const found = { anyway: new Map<string, number>(), noted: new Map<string, number>() }
    if (asked.length === 0) return found
    for (const row of yield* sql.unsafe<StandingRow>(readStandings, [recordset(asked), business])) {
      const isRuled = questions[row.number]?.rules.some(({ id }) => id === row.segment) ?? false
      const name = `${row.number}/${row.segment}`
      if (row.since !== null) found.noted.set(name, Number(row.since))
      if (row.was_in && (row.by_import || !isRuled)) {
        found.anyway.set(name, found.noted.get(name) ?? questions[row.number]?.at ?? 0)
      }
    }
    return found
  })

  const judgeSome = Effect.fnUntraced(function* (
    sql: SqlClient,
    business: string,
    questions: ReadonlyArray<Looked>,
    upTo: ReadonlyArray<Position>
  ) {
    const types = questions.flatMap(({ depends, rules }) =>
      [depends, ...rules.map((rule) => rule.depends)].flatMap(({ events }) => [...events])
    )
    const those = [...new Set(questions.map(({ contact }) => contact))]
    const stored = yield* facts.of(business, those, upTo, new Set(types))
    const then = yield* factsOf(sql, business, questions, stored)
    const standings = yield* standingsOf(sql, business, questions)
    const breath = makeBreath()
    const answers: Array<boolean> = []
    for (const [number, { holds, at, rules }] of questions.entries()) {
      const known = then[number]
      const anyway = (segment: string): number | undefined => standings.anyway.get(`${number}/${segment}`)
      const noted = (segment: string): number | undefined => standings.noted.get(`${number}/${segment}`)
      const { members } =
        known === undefined
          ? SegmentRules.nowhere
          : yield* SegmentRules.standingOf(rules, known, at, anyway, noted, breath)
      const memberSince = (segment: string): number | undefined => members.get(segment) ?? anyway(segment)
      answers.push(known !== undefined && holds(known, at, memberSince).holds)
      yield* breath
    }
    return answers
  })

  /** One answer for each question, in their order; `upTo`: what the store has to hold. */
  return Effect.fnUntraced(function* (
    sql: SqlClient,
    questions: ReadonlyArray<Question>,
    upTo: (questions: ReadonlyArray<Question>) => ReadonlyArray<Position>
  ) {
    const held = new Map<Question, boolean>()
    for (const [business, those] of Map.groupBy(questions, (each) => each.business)) {
      for (let begin = 0; begin < those.length; begin += filtersAtOnceMax) {
        const some = those.slice(begin, begin + filtersAtOnceMax)
        const holds = yield* judgeSome(sql, business, yield* looked(some), upTo(some))
        for (const [index, question] of some.entries()) held.set(question, holds[index] ?? false)
      }
    }
    return questions.map((question) => held.get(question) ?? false)
  })
}
