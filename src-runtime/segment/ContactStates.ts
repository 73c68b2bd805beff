/**
 * The folded states of contacts and of the communities that they own, for whoever follows the journal outside their actors: an
 * event is folded into the state that is remembered, or that the journal gives for many at once. What the journal gives may be
 * ahead of the events that are being followed; those are then passed over, for they are in it. The least recently used leave.
 */
import { community } from "#domain/community/Community.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import { type CommunityState, initial as nobody } from "#domain/community/CommunityState.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal, JournalUnavailable, LoadedStream } from "../journal/Journal.ts"
import { restore } from "../actor/Resident.ts"
import type { Committed } from "../projection/Projection.ts"
import type { DataKeys } from "../projection/DataKeys.ts"
import type { DataKey } from "../privacy/Sealer.ts"

/** States kept in memory, one to four kilobytes each. */
const statesMax = 10_000
/** Streams loaded in one question. */
const loadedAtOnce = 250

export interface Folded {
  readonly business: string
  readonly contact: string
  /** Of the last event in the state. */
  seq: number
  state: ContactState
  /** The same of the community that she owns. */
  communitySeq: number
  community: CommunityState
}

/** Of which streams the events are folded. */
const foldedAggregates: ReadonlySet<number> = new Set([contact.code, community.code])

/** The last event that is known of the stream in which the event stands. */
const seqBefore = (folded: Folded, { aggregate }: Committed["row"]): number =>
  aggregate === contact.code ? folded.seq : folded.communitySeq

const nameOf = (business: string, contact: string): string => `${business}/${contact}`

export class ContactStates {
  readonly #journal: Journal["Service"]
  readonly #codec: Codec
  readonly #keys: DataKeys["Service"]
  readonly #states = new Map<string, Folded>()

  constructor(journal: Journal["Service"], codec: Codec, keys: DataKeys["Service"]) {
    this.#journal = journal
    this.#codec = codec
    this.#keys = keys
  }

  forgetAll(): void {
    this.#states.clear()
  }

  /** The contacts that the events changed, each once, with at least those events in their states. */
  follow(events: ReadonlyArray<Committed>): Effect.Effect<ReadonlyArray<Folded>, JournalUnavailable> {
    const own = events.filter(({ row }) => foldedAggregates.has(row.aggregate))
    const touched = new Map<string, Folded>()
    const missing = new Map<string, Set<string>>()
    for (const { row } of own) {
      const name = nameOf(row.business, row.key)
      if (touched.has(name)) continue
      const known = this.#states.get(name) ?? this.#newborn(row)
      // Somebody else may have followed the contact in between.
      if (known === undefined || seqBefore(known, row) < row.seq - 1)
        missing.set(row.business, (missing.get(row.business) ?? new Set()).add(row.key))
      else touched.set(name, known)
    }
    const fold = (): ReadonlyArray<Folded> => {
      for (const committed of own) this.#fold(touched, committed)
      this.#remember(touched)
      return [...touched.values()]
    }
    if (missing.size === 0) return Effect.sync(fold)
    const load = Effect.forEach(
      missing,
      ([business, contacts]) =>
        Effect.map(this.loadAll(business, [...contacts]), (loaded) => {
          for (const each of loaded) touched.set(nameOf(business, each.contact), each)
        }),
      { discard: true }
    )
    return Effect.map(load, fold)
  }

  /** As they are now, from the journal. */
  loadAll(business: string, contacts: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<Folded>, JournalUnavailable> {
    const pages = Array.from({ length: Math.ceil(contacts.length / loadedAtOnce) }, (_, page) =>
      contacts.slice(page * loadedAtOnce, (page + 1) * loadedAtOnce)
    )
    return Effect.map(
      Effect.forEach(pages, (page) => this.#loadPage(business, page, false)),
      (loaded) => loaded.flat()
    )
  }

  #loadPage(
    business: string,
    contacts: ReadonlyArray<string>,
    withoutSnapshots: boolean
  ): Effect.Effect<ReadonlyArray<Folded>, JournalUnavailable> {
    const streams = contacts.flatMap((id) => Array.from(foldedAggregates, (aggregate) => ({ aggregate, id })))
    const load = Effect.all([
      this.#journal.load(business, contacts[0] ?? business, streams, { withoutSnapshots }),
      this.#keys.ofRows(contacts.map((key) => ({ business, key })))
    ])
    return Effect.flatMap(load, ([loaded, keyOf]) => {
      // A snapshot of another version, or a damaged one: all events instead (P14).
      if (loaded.streams.some(({ snapshot }) => snapshot !== undefined && !this.#codec.trusts(snapshot))) {
        return this.#loadPage(business, contacts, true)
      }
      const byStream = new Map(loaded.streams.map((stream) => [`${stream.id}/${stream.aggregate}`, stream]))
      return Effect.sync(() =>
        contacts.flatMap((id): ReadonlyArray<Folded> => {
          const [own, owned] = [byStream.get(`${id}/${contact.code}`), byStream.get(`${id}/${community.code}`)]
          if (own === undefined || owned === undefined) return []
          return [this.#restored(business, own, owned, keyOf({ business, key: id }))]
        })
      )
    })
  }

  #restored(business: string, own: LoadedStream, owned: LoadedStream, key: DataKey | undefined): Folded {
    const { state, seq } = restore(this.#codec, own, key)
    const people = restore(this.#codec, owned, key)
    return {
      business,
      contact: own.id,
      seq,
      state: state as ContactState,
      communitySeq: people.seq,
      community: people.state as CommunityState
    }
  }

  /** Of a first event nothing has to be known. */
  #newborn({ aggregate, business, key, seq }: Committed["row"]): Folded | undefined {
    if (aggregate !== contact.code || seq !== 1) return undefined
    return { business, contact: key, seq: 0, state: initial, communitySeq: 0, community: nobody }
  }

  #fold(touched: ReadonlyMap<string, Folded>, { event, row }: Committed): void {
    const folded = touched.get(nameOf(row.business, row.key))
    const before = folded === undefined ? row.seq : seqBefore(folded, row)
    if (folded === undefined || row.seq <= before) return
    if (row.seq !== before + 1) throw new Error(`the state of a contact lacks events before ${row.seq}`)
    if (row.aggregate === contact.code) {
      folded.state = contact.evolve(folded.state, event as ContactEvent)
      folded.seq = row.seq
    } else {
      folded.community = community.evolve(folded.community, event as CommunityEvent)
      folded.communitySeq = row.seq
    }
  }

  #remember(touched: ReadonlyMap<string, Folded>): void {
    for (const [name, folded] of touched) {
      // Last in the map is most recently used.
      this.#states.delete(name)
      this.#states.set(name, folded)
    }
    for (const name of this.#states.keys()) {
      if (this.#states.size <= statesMax) return
      this.#states.delete(name)
    }
  }
}
