/**
 * What was known of contacts in the past: the journal is read from its beginning, shard by shard, and folded contact by
 * contact, as the segment store was when it followed. For previews at a past instant and for dry runs over history; nothing is
 * kept, and nothing is written. Memory holds a share of one shard at a time.
 */
import { community } from "#domain/community/Community.ts"
import type { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { initial } from "#domain/contact/ContactState.ts"
import type { Event } from "#domain/Event.ts"
import { type ContactFacts, eventDocuments, type EventDocument, profileDocument } from "#domain/segment/Facts.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { allShards } from "../actor/Placement.ts"
import { Codec, Unreadable } from "../journal/Codec.ts"
import { Journal, type JournalUnavailable, type Place } from "../journal/Journal.ts"
import type { EventRow } from "../journal/Unit.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import { othersFirst } from "../projection/Breath.ts"
import { factTypes } from "./SegmentFeed.ts"

/** Offsets read at a time. */
const offsetsAtOnce = 2_000
/** Offsets of a shard whose contacts are held at once: a longer shard is read several times, some contacts at each. */
const offsetsHeldMax = 100_000
/** Contacts folded before whoever is told of them takes a turn. */
const contactsAtOnce = 16

export interface Period {
  /** Only steps from here on are told, epoch milliseconds. */
  readonly from?: number | undefined
  /** What happened at this instant or later has not happened. */
  readonly until?: number | undefined
}

export interface HistoricalStep {
  readonly event: Event
  readonly at: number
  /** What the event is as a fact; none if nobody may ask for it. */
  readonly documents: ReadonlyArray<EventDocument>
  /** Absent before she was registered. */
  readonly before: ContactFacts | undefined
  readonly after: ContactFacts | undefined
}

export interface ContactHistory {
  readonly contact: string
  /** All that had happened by the end of the period. */
  readonly facts: ContactFacts
  /** One after the other, in order; each is made as it is asked for. */
  readonly steps: () => Iterable<HistoricalStep>
}

export class HistoricalFacts extends Context.Service<
  HistoricalFacts,
  {
    /** Every contact that was registered by the end of the period, each once, in no order. */
    readonly streamOf: (business: string, period?: Period) => Stream.Stream<ContactHistory, JournalUnavailable>
  }
>()("koinon/runtime/HistoricalFacts") {}

interface Happened {
  readonly event: Event
  readonly row: EventRow
}

interface Folding {
  state: typeof initial
  community: typeof nobody
  readonly documents: Array<EventDocument>
}

const fold = (folding: Folding, { event, row }: Happened): ReadonlyArray<EventDocument> => {
  if (row.aggregate === contact.code) folding.state = contact.evolve(folding.state, event as ContactEvent)
  if (row.aggregate === community.code) folding.community = community.evolve(folding.community, event as CommunityEvent)
  const documents = eventDocuments({ event, row })
  folding.documents.push(...documents)
  return documents
}

const factsOf = (business: string, { state, community, documents }: Folding): ContactFacts | undefined =>
  state.id === ""
    ? undefined
    : { profile: profileDocument({ id: business }, state, community), events: documents.slice() }

const historyOf = (business: string, happened: ReadonlyArray<Happened>, from: number): ContactHistory | undefined => {
  const all: Folding = { state: initial, community: nobody, documents: [] }
  for (const each of happened) fold(all, each)
  const facts = factsOf(business, all)
  if (facts === undefined) return undefined
  const steps = function* (): Generator<HistoricalStep> {
    const folding: Folding = { state: initial, community: nobody, documents: [] }
    let before: ContactFacts | undefined
    for (const each of happened) {
      const isTold = each.row.at >= from
      if (isTold && before === undefined) before = factsOf(business, folding)
      const documents = fold(folding, each)
      if (!isTold) continue
      const after = factsOf(business, folding)
      yield { event: each.event, at: each.row.at, documents, before, after }
      before = after
    }
  }
  return { contact: facts.profile._id, facts, steps }
}

/** Which of the shares of a shard a contact belongs to. */
const shareOf = (key: string, shares: number): number => Number.parseInt(key.slice(-6), 16) % shares

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)

  const rowsByContact = Effect.fnUntraced(function* (
    business: string,
    { shard, offset: head }: Place,
    isWanted: (row: EventRow) => boolean
  ) {
    const found = new Map<string, Array<EventRow>>()
    for (let after = 0; after < head; after += offsetsAtOnce) {
      const range = { shard, after, upTo: Math.min(head, after + offsetsAtOnce) }
      const { rows, shardsWithHoles } = yield* journal.scan([range], factTypes)
      // A row that is gone: nothing may be built on that.
      if (shardsWithHoles.length > 0) {
        return yield* Effect.die(
          new Unreadable({ row: `shard ${shard}/${after + 1}..${range.upTo}`, reason: "an event is missing" })
        )
      }
      for (const row of rows) {
        if (row.business !== business || !isWanted(row)) continue
        const own = found.get(row.key)
        if (own === undefined) found.set(row.key, [row])
        else own.push(row)
      }
    }
    return found
  })

  const share = Effect.fnUntraced(function* (
    business: string,
    place: Place,
    number: number,
    shares: number,
    period: Period
  ) {
    const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = period
    const isWanted = (row: EventRow): boolean => row.at < until && shareOf(row.key, shares) === number
    const found = yield* rowsByContact(business, place, isWanted)
    const keyOf = yield* keys.ofRows([...found.keys()].map((key) => ({ business, key })))
    return { from, found, keyOf }
  })

  const streamOf = (business: string, period: Period = {}) =>
    Stream.fromEffect(journal.heads(allShards)).pipe(
      Stream.flattenIterable,
      Stream.flatMap((place) => {
        const shares = Math.ceil(place.offset / offsetsHeldMax)
        return Stream.fromIterable(Array.from({ length: shares }, (_, number) => ({ place, number, shares })))
      }),
      Stream.mapEffect(({ place, number, shares }) => share(business, place, number, shares, period)),
      Stream.flatMap(({ from, found, keyOf }) =>
        Stream.fromIterable(
          {
            // One contact is opened at a time, and let go again.
            *[Symbol.iterator]() {
              for (const [key, rows] of found) {
                const dataKey = keyOf({ business, key })
                const happened = rows.map((row): Happened => ({ row, event: codec.readEvent(row, dataKey) }))
                found.delete(key)
                const history = historyOf(business, happened, from)
                if (history !== undefined) yield history
              }
            }
          },
          { chunkSize: contactsAtOnce }
        )
      ),
      // Folding is work without a pause, and whoever is asked beside it waits no longer than for a few contacts.
      Stream.mapArrayEffect((histories) => Effect.as(othersFirst, histories))
    )

  return HistoricalFacts.of({ streamOf })
})

export const layer: Layer.Layer<HistoricalFacts, never, Journal | Sealer | DataKeys> = Layer.effect(
  HistoricalFacts,
  make
)
