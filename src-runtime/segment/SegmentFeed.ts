/**
 * How the segment store is filled: a projection that writes a document for each event, under its position in the journal, and
 * the profile of each contact that changed, and only then its cursors. Written again, the same events make no difference: a
 * document that is there stays, and a profile gives way to none that knows less.
 */
import { community } from "#domain/community/Community.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { Event } from "#domain/Event.ts"
import { eventForms } from "#domain/segment/EventForms.ts"
import { eventDocuments, foldedEvent, profileDocument } from "#domain/segment/Facts.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { SqlClient } from "effect/sql/SqlClient"
import type { Document } from "mongodb"
import { allShards } from "../actor/Placement.ts"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import { members, tagOf } from "../journal/Kinds.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import type { Committed } from "../projection/Projection.ts"
import { CursorMoved, type Move, type Position } from "../projection/ProjectionCursors.ts"
import { type OutsideProjection, SinkFailed } from "../projection/ProjectionSink.ts"
import * as Rebuilds from "../projection/Rebuilds.ts"
import { ContactStates, type Folded } from "./ContactStates.ts"
import {
  type SegmentCollections,
  SegmentDatabase,
  type SegmentStoreUnavailable,
  type StoredDocument
} from "./SegmentDatabase.ts"
import * as SegmentGeneration from "./SegmentGeneration.ts"
import { segmentStoreName } from "./SegmentGeneration.ts"

/** Field of a profile that says which of the contact's events is the last in it. */
export const seqField = "_seq"
/** The same of the community that she owns. */
export const communitySeqField = "_community_seq"

/** Raised when documents are made differently than before: a store that holds older ones is emptied and filled anew. */
const documentsVersion = 7
const writtenBy = `documents ${documentsVersion}, contact ${contact.stateVersion}, community ${community.stateVersion}`

/**
 * What comes together is written together, and a contact to whom much happens once: memberships do not wait for it, and
 * whoever reads the store hurries it.
 */
const gatherMs = 500
/** Whoever rests longer under load falls behind what this runner remembers of its commits, and has to read it back. */
const restMaxMs = 250
const batchEventsMax = 8_000

/** Documents in one command: made and coded in a few milliseconds, and then others have their turn. */
const pageSize = 100
const pagesOf = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / pageSize) }, (_, page) =>
    all.slice(page * pageSize, (page + 1) * pageSize)
  )

/** Of a store that is found: the last places of each shard that are compared with the journal's. */
const comparedMax = 8
const placeId = ({ shard, offset }: Position): string => `${shard}/${offset}`

const duplicateKey = 11_000

interface Written {
  readonly code?: unknown
}

/** Whatever was there already was there rightly. */
const isDuplicate = (error: Written | undefined): boolean => error?.code === duplicateKey

const butDuplicates = (cause: unknown): void => {
  const errors: unknown = (cause as { readonly writeErrors?: unknown }).writeErrors
  const all = (Array.isArray(errors) ? errors : [errors]) as ReadonlyArray<Written | undefined>
  if (all.length === 0 || !all.every(isDuplicate)) throw cause
}

interface Upsert {
  readonly filter: { readonly _id: string }
  readonly replacement: StoredDocument
}

/** Both streams stand in one shard in one order, so of two profiles the later one has no less of either. */
const upsertOf = ({ business, seq, state, communitySeq, community }: Folded): Upsert => {
  const filter = { _id: state.id, [seqField]: { $lte: seq }, [communitySeqField]: { $lte: communitySeq } }
  const profile = profileDocument({ id: business }, state, community)
  return { filter, replacement: { ...profile, [seqField]: seq, [communitySeqField]: communitySeq } }
}

/** All that a contact and her community are folded from, and all that becomes a document. */
export const factTypes: ReadonlyArray<Event["_tag"]> = [
  ...new Set([...[contact, community].flatMap(({ Event }) => members(Event.ast).map(tagOf)), ...eventForms.keys()])
] as ReadonlyArray<Event["_tag"]>

export class SegmentFeed extends Context.Service<SegmentFeed, { readonly projection: OutsideProjection }>()(
  "koinon/runtime/SegmentFeed"
) {}

const failed = (error: SegmentStoreUnavailable): SinkFailed =>
  new SinkFailed({ reason: `${error.operation} ${error.reason}`, isTransient: true })

const make = Effect.gen(function* () {
  const database = yield* SegmentDatabase
  const { use } = database
  const journal = yield* Journal
  const sql = yield* SqlClient
  const asked = Rebuilds.make(sql).numberOf(segmentStoreName)
  const states = new ContactStates(journal, new Codec(yield* Sealer), yield* DataKeys)

  /** The filling that the cursors in memory are of. */
  let generation: string | undefined
  const mark = SegmentGeneration.readMark(use)

  const empty = Effect.flatMap(asked, (rebuild) => SegmentGeneration.begin(use, sql, { by: writtenBy, rebuild }))
  /** An embedded store is emptied by nobody else. */
  const alone = <A, E>(work: Effect.Effect<A, E>) =>
    database.kind === "EMBEDDED" ? work : SegmentGeneration.alone(sql, work)
  const reset = alone(empty)

  /** Of a store in order there is one for each shard; only in those from before there were generations some may be missing. */
  const readCursors = (of: string | undefined) =>
    use("load", async ({ cursors }) => {
      const found = (await cursors.find().toArray()).filter((cursor) => cursor.generation === of)
      const offsets = new Map(found.map(({ _id, offset }) => [_id, offset]))
      const missing = allShards.filter((shard) => !offsets.has(shard))
      if (missing.length > 0 && of !== undefined) return undefined
      if (missing.length > 0) {
        const rows = missing.map((shard) => ({ _id: shard, offset: 0 }))
        await cursors.insertMany(rows, { ordered: false }).catch(butDuplicates)
      }
      return allShards.map((shard): Position => ({ shard, offset: offsets.get(shard) ?? 0 }))
    })

  /**
   * What stands before the cursors is what this journal has there. A store that followed another, or what a restored backup
   * does not hold any more, is beyond its end, or has other things to tell of the same places.
   */
  const isOfThisJournal = Effect.fnUntraced(function* (positions: ReadonlyArray<Position>) {
    const ranges = positions
      .filter(({ offset }) => offset > 0)
      .map(({ shard, offset }) => ({ shard, after: Math.max(0, offset - comparedMax), upTo: offset }))
    if (ranges.length === 0) return true
    const { rows, shardsWithHoles } = yield* journal.scan(ranges, [...eventForms.keys()])
    if (shardsWithHoles.length > 0) return false
    const ids = rows.map(placeId)
    const found = yield* use("load", ({ events }) =>
      events.find({ _id: { $in: ids } }, { projection: { contact: 1, type: 1, at: 1 } }).toArray()
    )
    const stored = new Map(found.map(({ _id, contact, type, at }) => [_id, { contact, type, at: Number(at) }]))
    return rows.every((row) => Equal.equals(stored.get(placeId(row)), { contact: row.key, type: row.type, at: row.at }))
  })

  /** How often a store was lost; the next one begins empty. */
  let losses = 0
  yield* Effect.acquireRelease(
    Effect.sync(() => database.onLost(() => void (losses += 1))),
    (unsubscribe) => Effect.sync(unsubscribe)
  )
  /** After how many losses the store was found to be of this code and this journal, or was made so. */
  let ownSince = -1
  /** The store as this code writes it and as it was asked for, with all its cursors, or nothing. */
  const inOrder = Effect.gen(function* () {
    const found = yield* mark
    // Somebody runs other code: two who take it from each other under way would never come to an end.
    if (found !== null && found.by !== writtenBy && ownSince === losses) {
      return yield* new SinkFailed({ reason: "other code writes it", isTransient: true })
    }
    // Another number, not a lower one: a restored journal may have been asked less often.
    if (found?.by !== writtenBy || (found.rebuild ?? 0) !== (yield* asked)) return undefined
    const positions = yield* readCursors(found.generation)
    return positions && { generation: found.generation, positions }
  })
  /** Emptied by whoever is first; who comes after finds that it is done. */
  const emptyUnlessDone = Effect.flatMap(inOrder, (found) => (found === undefined ? empty : Effect.void))
  const read = Effect.gen(function* () {
    const found = (yield* inOrder) ?? (yield* Effect.andThen(alone(emptyUnlessDone), inOrder))
    if (found === undefined) return yield* new SinkFailed({ reason: "it is being emptied", isTransient: true })
    generation = found.generation
    return found.positions
  })
  const load = Effect.gen(function* () {
    const lossesBefore = losses
    let positions = yield* read
    if (ownSince !== lossesBefore && !(yield* isOfThisJournal(positions))) {
      yield* reset
      positions = yield* read
    }
    ownSince = lossesBefore
    return positions
  })

  /** As one command; where that is not taken, for it may be too long, as the driver cuts it. */
  const put = async ({ command }: SegmentCollections, plain: Document, cut: () => Promise<unknown>): Promise<void> => {
    const answer = await command({ ...plain, ordered: false }).catch(() => undefined)
    const errors = (answer?.["writeErrors"] ?? []) as ReadonlyArray<Written>
    if (answer === undefined || !errors.every(isDuplicate)) await cut().catch(butDuplicates)
  }
  const putEvents = async (to: SegmentCollections, committed: ReadonlyArray<Committed>) => {
    const documents = committed.flatMap(eventDocuments).map(foldedEvent) as Array<StoredDocument>
    if (documents.length === 0) return
    await put(to, { insert: to.events.collectionName, documents }, () =>
      to.events.insertMany(documents, { ordered: false })
    )
  }
  const putProfiles = async (to: SegmentCollections, changed: ReadonlyArray<Folded>) => {
    const upserts = changed.map(upsertOf)
    await put(
      to,
      {
        update: to.profiles.collectionName,
        updates: upserts.map(({ filter, replacement }) => ({ q: filter, u: replacement, upsert: true }))
      },
      () =>
        to.profiles.bulkWrite(
          upserts.map((upsert) => ({ replaceOne: { ...upsert, upsert: true } })),
          { ordered: false }
        )
    )
  }

  const pageTurn = yield* Semaphore.make(1)
  /** One page is made while the store takes the ones before. */
  const writePages = <A>(
    all: ReadonlyArray<A>,
    put: (to: SegmentCollections, page: ReadonlyArray<A>) => Promise<void>,
    pause: Effect.Effect<void>
  ): Effect.Effect<void, SegmentStoreUnavailable> =>
    Effect.forEach(
      pagesOf(all),
      (page) =>
        Effect.andThen(
          pageTurn.withPermit(pause),
          use("write", (to) => put(to, page))
        ),
      { concurrency: "unbounded", discard: true }
    )
  /** What is remembered of contacts is ahead of a store that was emptied. */
  let remembered: string | undefined
  const write = Effect.fnUntraced(function* (committed: ReadonlyArray<Committed>, pause: Effect.Effect<void>) {
    if (remembered !== generation) states.forgetAll()
    remembered = generation
    const changed = yield* states.follow(committed)
    const known = changed.filter(({ state }) => state.id !== "")
    yield* Effect.all([writePages(committed, putEvents, pause), writePages(known, putProfiles, pause)], {
      concurrency: 2
    })
  })

  const move = (moves: ReadonlyArray<Move>, of: string | undefined) => {
    const updates = moves.map(({ shard, before, after }) => ({
      // Of a store that was emptied meanwhile there are none of these.
      q: { _id: shard, offset: before, generation: of ?? null },
      u: { offset: after, ...(of !== undefined && { generation: of }) }
    }))
    return Effect.flatMap(
      use("move", ({ command, cursors }) => command({ update: cursors.collectionName, updates, ordered: false })),
      ({ n }) => (n === moves.length ? Effect.void : Effect.fail(new CursorMoved()))
    )
  }

  const asSinkFailed = <A, E, R>(effect: Effect.Effect<A, E | SegmentStoreUnavailable, R>) =>
    Effect.mapError(effect, (error) =>
      (error as { readonly _tag?: unknown })._tag === "SegmentStoreUnavailable"
        ? failed(error as SegmentStoreUnavailable)
        : (error as E)
    )

  return SegmentFeed.of({
    projection: {
      name: segmentStoreName,
      types: factTypes,
      opensPersonalData: true,
      everyShard: database.kind === "EMBEDDED",
      gatherMs,
      restMaxMs,
      batchEventsMax,
      sink: {
        load: asSinkFailed(load),
        reset: asSinkFailed(reset),
        apply: Effect.fnUntraced(function* (moves, committed, pause) {
          // Of the filling that it began with: another may have begun when it is written.
          const of = generation
          if (committed.length > 0) yield* asSinkFailed(write(committed, pause))
          yield* asSinkFailed(move(moves, of))
        }),
        onLost: database.onLost,
        isFull: SegmentGeneration.isFull(use)
      }
    }
  })
})

export const layer: Layer.Layer<SegmentFeed, never, SegmentDatabase | SqlClient | Journal | Sealer | DataKeys> =
  Layer.effect(SegmentFeed, make)
