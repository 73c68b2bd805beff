/**
 * What is known of the contacts whom something happens to, kept in memory while it happens: folded on with each committed
 * event, and read from the segment store and the actor when it is not there. What is here is never older than what the
 * caller was handed; a bounded number of contacts and events, the least recently used leave.
 */
import { community as communityAggregate } from "#domain/community/Community.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { contact as contactAggregate } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import {
  type ContactFacts,
  type EventDocument,
  eventDocuments,
  type ProfileDocument,
  profileDocument
} from "#domain/segment/Facts.ts"
import * as Effect from "effect/Effect"
import type { Actors } from "../actor/Actors.ts"
import { shardOf } from "../actor/Placement.ts"
import type { Committed } from "../projection/Projection.ts"
import { placeOf, type Standing } from "./Membership.ts"
import type { Store } from "./LateStore.ts"

const contactsMax = 10_000
/** Events of all of them together, some hundred bytes each. */
const eventsMax = 400_000
/** Contacts read at once from their actors. */
const readsAtOnceMax = 8

/** A contact and what was committed about her, in order; nothing: only what she is, is asked. */
export interface Touched {
  readonly business: string
  readonly contact: string
  readonly committed: ReadonlyArray<Committed>
}

/** What she was and is; `before` is unknown where nothing can be said of the difference. */
export interface Known {
  readonly business: string
  readonly contact: string
  readonly before: ProfileDocument | undefined
  /** Absent: there is no such contact. */
  readonly facts: ContactFacts | undefined
  /** Of the events that are new. */
  readonly types: ReadonlySet<string>
}

interface Due {
  readonly segment: string
  readonly dueAt: number
}

interface Entry {
  state: ContactState
  /** Of the contact's stream: events up to it are in `state`. */
  seq: number
  /** The same of the community that she owns. */
  community: CommunityState
  communitySeq: number
  profile: ProfileDocument | undefined
  readonly events: Array<EventDocument>
  /** Events of the shard up to this offset are in `events`, */
  upTo: number
  /** and some of those up to this one: the store may have been read while it read on. */
  readonly loadedTo: number
  /** By segment: when it is looked at again, as the table has it. */
  readonly dues: Map<string, number>
  /** How she stands in all segments, as the table has it; `undefined`: it is to be read. */
  standings: ReadonlyMap<string, Standing> | undefined
  /** Of the live set that `dues` and `standings` are about: whoever changes them otherwise raises it. */
  stamp: number
}

const nothing: ReadonlySet<string> = new Set()

/** Of one shard: the last place before what was handed over, and the last place of it. */
interface Handed {
  readonly before: number
  readonly last: number
}

const handedOf = (touched: ReadonlyArray<Touched>): ReadonlyMap<number, Handed> => {
  const handed = new Map<number, Handed>()
  for (const { committed } of touched) {
    for (const { row } of committed) {
      const { before, last } = handed.get(row.shard) ?? { before: row.offset - 1, last: row.offset }
      handed.set(row.shard, { before: Math.min(before, row.offset - 1), last: Math.max(last, row.offset) })
    }
  }
  return handed
}

export const make = (actors: Actors["Service"], store: Store) => {
  /** By business and contact, the least recently used first. */
  const entries = new Map<string, Entry>()
  let eventsKept = 0
  /** By shard: what the store is waited for, until it has been reached. */
  const awaited = new Map<number, number>()

  /**
   * How far the store has to have read. An actor tells what she is now: where more is committed than the caller was handed,
   * its events have to be there as well, or she would be judged as she never was. That place does not move while it is
   * waited for, however often. Otherwise the caller has everything from its first event on.
   */
  const endOf = (shard: number, handed: Handed | undefined): number => {
    const committed = actors.committedOffset(shard)
    if (handed !== undefined && committed <= handed.last) return handed.before
    const end = Math.max(awaited.get(shard) ?? committed, handed?.before ?? 0)
    awaited.set(shard, end)
    return end
  }

  const forget = (place: string): void => {
    eventsKept -= entries.get(place)?.events.length ?? 0
    entries.delete(place)
  }
  const keep = (place: string, entry: Entry): void => {
    forget(place)
    entries.set(place, entry)
    eventsKept += entry.events.length
  }
  /** After a batch, so that whoever is in it is there to be judged. */
  const letGo = (): void => {
    for (const oldest of entries.keys()) {
      if (entries.size <= contactsMax && eventsKept <= eventsMax) return
      forget(oldest)
    }
  }

  const profileOf = (
    business: string,
    { state, community }: Pick<Entry, "state" | "community">
  ): ProfileDocument | undefined => {
    const known = actors.business(business)
    return known === undefined || state.id === "" ? undefined : profileDocument(known, state, community)
  }

  const read = Effect.fnUntraced(function* (
    { business, contact }: Touched,
    facts: ContactFacts | undefined,
    upTo: number
  ) {
    const { contact: own, community: owned } = yield* actors.readOwner(business, contact)
    const states = { state: own.state, community: owned.state }
    const events = [...(facts?.events ?? [])]
    const last = events.at(-1)
    const entry: Entry = {
      ...states,
      seq: own.seq,
      communitySeq: owned.seq,
      profile: profileOf(business, states),
      events,
      upTo,
      loadedTo: last?.sequence ?? 0,
      dues: new Map(),
      standings: undefined,
      stamp: -1
    }
    return entry
  })

  /** From the store, once it holds all that the caller was not handed, and from the actors. */
  const load = Effect.fnUntraced(function* (missing: ReadonlyArray<Touched>, handed: ReadonlyMap<number, Handed>) {
    const ends = new Map<number, number>()
    const byBusiness = new Map<string, Array<Touched>>()
    for (const touched of missing) {
      const shard = shardOf(touched.contact)
      ends.set(shard, ends.get(shard) ?? endOf(shard, handed.get(shard)))
      const siblings = byBusiness.get(touched.business)
      if (siblings === undefined) byBusiness.set(touched.business, [touched])
      else siblings.push(touched)
    }
    yield* store.caughtUp(Array.from(ends, ([shard, offset]) => ({ shard, offset })))
    for (const shard of ends.keys()) awaited.delete(shard)
    for (const [business, those] of byBusiness) {
      const found = yield* store.facts(
        business,
        those.map(({ contact }) => contact)
      )
      const loaded = yield* Effect.forEach(
        those,
        (touched) => read(touched, found.get(touched.contact), ends.get(shardOf(touched.contact)) ?? 0),
        { concurrency: readsAtOnceMax }
      )
      those.forEach(({ contact }, index) => keep(placeOf(business, contact), loaded[index] as Entry))
    }
  })

  const factsOf = ({ profile, events }: Entry): ContactFacts | undefined =>
    profile === undefined ? undefined : { profile, events }

  const forgetWritten = (entry: Entry): void => {
    entry.dues.clear()
    entry.standings = undefined
  }
  /** What is known of the tables holds for one live set. */
  const entryAt = (business: string, contact: string, stamp: number): Entry | undefined => {
    const entry = entries.get(placeOf(business, contact))
    if (entry !== undefined && entry.stamp !== stamp) {
      forgetWritten(entry)
      entry.stamp = stamp
    }
    return entry
  }

  const entryOf = ({ business, contact }: Touched): Entry | undefined => entries.get(placeOf(business, contact))

  /** Whether what was committed follows on what is known, without a gap. */
  const goesOn = (touched: Touched): boolean => {
    const entry = entryOf(touched)
    const follows = (aggregate: number, seq: number): boolean => {
      const next = touched.committed.find(({ row }) => row.aggregate === aggregate)
      return next === undefined || next.row.seq <= seq + 1
    }
    return (
      entry !== undefined &&
      follows(contactAggregate.code, entry.seq) &&
      follows(communityAggregate.code, entry.communitySeq)
    )
  }

  /** What is new is folded on; what is known already leaves the difference open. */
  const fold = ({ business, contact, committed }: Touched, entry: Entry): Known => {
    const before = entry.profile
    const types = new Set<string>()
    let isRepeated = false
    for (const each of committed) {
      const { row, event } = each
      if (row.offset <= entry.upTo) {
        isRepeated = true
        continue
      }
      entry.upTo = row.offset
      if (row.aggregate === contactAggregate.code && row.seq > entry.seq) {
        entry.state = contactAggregate.evolve(entry.state, event as ContactEvent)
        entry.seq = row.seq
      }
      if (row.aggregate === communityAggregate.code && row.seq > entry.communitySeq) {
        entry.community = communityAggregate.evolve(entry.community, event as CommunityEvent)
        entry.communitySeq = row.seq
      }
      for (const document of eventDocuments(each)) {
        if (row.offset <= entry.loadedTo && entry.events.some(({ _id }) => _id === document._id)) continue
        entry.events.push(document)
        eventsKept += 1
        types.add(document.type)
        if (row.offset < entry.loadedTo) entry.events.sort((left, right) => left.sequence - right.sequence)
      }
    }
    // Whoever was handed it first may have failed, and with it what was to be written.
    if (isRepeated) forgetWritten(entry)
    entry.profile = profileOf(business, entry)
    return { business, contact, before: isRepeated ? undefined : before, facts: factsOf(entry), types }
  }

  return {
    /**
     * Contacts of shards that are held here, each with all that was committed about her from the first of their events on.
     * What was handed over before leaves the difference open.
     */
    touch: Effect.fnUntraced(function* (touched: ReadonlyArray<Touched>) {
      const warm = new Map<Touched, Entry | undefined>()
      for (const each of touched) if (goesOn(each)) warm.set(each, entryOf(each))
      let missing = touched.filter((each) => !warm.has(each))
      // While it is read, whatever was there may be forgotten, or be somebody else's reading by now.
      while (missing.length > 0) {
        yield* load(missing, handedOf(touched))
        missing = touched.filter((each) => entryOf(each) === undefined)
      }
      const known: Array<Known> = []
      for (const each of touched) {
        const place = placeOf(each.business, each.contact)
        const entry = entries.get(place)
        if (entry === undefined) throw new Error("a contact was let go with nobody else at work")
        const folded = fold(each, entry)
        known.push(warm.get(each) === entry ? folded : { ...folded, before: undefined })
        entries.delete(place)
        entries.set(place, entry)
      }
      letGo()
      return known
    }),
    /**
     * Of whomever, wherever she lives, as the store has them if they are not in memory; nothing is kept. For who has the
     * business to itself and has waited for the store.
     */
    peek: Effect.fnUntraced(function* (business: string, contacts: ReadonlyArray<string>) {
      const absent = contacts.filter((contact) => !entries.has(placeOf(business, contact)))
      const read = absent.length === 0 ? undefined : yield* store.facts(business, absent)
      return contacts.map((contact): Known => {
        const entry = entries.get(placeOf(business, contact))
        const facts = entry === undefined ? read?.get(contact) : factsOf(entry)
        return { business, contact, before: undefined, facts, types: nothing }
      })
    }),
    /** Those of the instants that the table does not have yet; from now on they count as written. */
    newDues: (business: string, contact: string, stamp: number, dues: ReadonlyArray<Due>): ReadonlyArray<Due> => {
      const entry = entryAt(business, contact, stamp)
      if (entry === undefined) return dues
      const unknown = dues.filter(({ segment, dueAt }) => dueAt < (entry.dues.get(segment) ?? Number.POSITIVE_INFINITY))
      for (const { segment, dueAt } of unknown) entry.dues.set(segment, dueAt)
      return unknown
    },
    /** How she stands, if that is known. */
    standingsOf: (business: string, contact: string, stamp: number): ReadonlyMap<string, Standing> | undefined =>
      entryAt(business, contact, stamp)?.standings,
    /** As it was read, or is written now. */
    keepStandings: (
      business: string,
      contact: string,
      stamp: number,
      standings: ReadonlyMap<string, Standing>
    ): void => {
      const entry = entryAt(business, contact, stamp)
      if (entry !== undefined) entry.standings = standings
    },
    /** Their rows are gone. */
    dropDues: (business: string, contact: string, segments: Iterable<string>): void => {
      const entry = entries.get(placeOf(business, contact))
      for (const segment of segments) entry?.dues.delete(segment)
    },
    /** What was folded on cannot be taken back: who failed to act on it begins anew. */
    forget: (business: string, contact: string): void => forget(placeOf(business, contact)),
    forgetAll: (): void => {
      entries.clear()
      eventsKept = 0
    },
    contacts: (): number => entries.size
  }
}
export type LiveFacts = ReturnType<typeof make>
