/**
 * What segments are asked of: the profile of every contact and a document for each thing that happened to her, in the segment
 * store behind the official driver. Whoever has to see what was committed before waits for it first (`caughtUp`). A business
 * is part of every question. While the store is filled again from nothing, whoever asks is refused, never answered from a part
 * of it. What it holds is clear text: erasing a contact has to clear it there as well.
 */
import type { ContactFacts, EventDocument, ProfileDocument } from "#domain/segment/Facts.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { Document } from "mongodb"
import type { Position } from "../projection/ProjectionCursors.ts"
import { Projector } from "../projection/Projector.ts"
import type { ProjectionBehind, ViewUnavailable } from "../projection/ViewRefusal.ts"
import { reasonOf, type SegmentCollections, SegmentDatabase, SegmentStoreUnavailable } from "./SegmentDatabase.ts"
import { communitySeqField, seqField } from "./SegmentFeed.ts"
import * as SegmentGeneration from "./SegmentGeneration.ts"
import { segmentStoreName } from "./SegmentGeneration.ts"

/** Contacts asked for at once. */
const contactsAtOnce = 5_000
/** How often it is said how far a store is that is being filled. */
const progressIntervalMs = 5_000
/** Ids in one answer of the store. */
const idsAtOnce = 20_000

/** `seq` events of the contact's own stream are in the profile. */
export interface StoredFacts extends ContactFacts {
  readonly seq: number
}

export type Pipeline = ReadonlyArray<Document>

export class SegmentStore extends Context.Service<
  SegmentStore,
  {
    readonly kind: "EMBEDDED" | "MONGODB"
    /** Of those that are registered; the events of the types that are named, or all of them, oldest first. */
    readonly facts: (
      business: string,
      contacts: ReadonlyArray<string>,
      types?: ReadonlySet<string>
    ) => Effect.Effect<ReadonlyMap<string, StoredFacts>, SegmentStoreUnavailable>
    /** The contacts that come out of a pipeline on the profiles. */
    readonly matching: (business: string, pipeline: Pipeline) => Stream.Stream<string, SegmentStoreUnavailable>
    /** All zones that contacts of the business live in. */
    readonly zones: (business: string) => Effect.Effect<ReadonlyArray<string>, SegmentStoreUnavailable>
    readonly count: (business: string, pipeline: Pipeline) => Effect.Effect<number, SegmentStoreUnavailable>
    /** Returns once the store holds what is committed up to the positions, or was before the call. At most a second. */
    readonly caughtUp: (upTo?: ReadonlyArray<Position>) => Effect.Effect<void, ProjectionBehind | ViewUnavailable>
  }
>()("koinon/runtime/SegmentStore") {}

/** Texts stand folded beside it for the store's own sake. */
const eventOf = (stored: EventDocument): EventDocument => {
  if (!("folded" in stored)) return stored
  const { folded: _, ...event } = stored
  return event
}

const bySequence = (left: EventDocument, right: EventDocument): number => left.sequence - right.sequence

const make = Effect.gen(function* () {
  const { collections, kind, lost, use } = yield* SegmentDatabase
  const projector = yield* Projector
  const { during, full, still } = SegmentGeneration.guard(use)

  const onProfiles = ({ profiles }: SegmentCollections, business: string, pipeline: Pipeline, last: Document) =>
    profiles.aggregate([{ $match: { business } }, ...pipeline, last], { batchSize: idsAtOnce })

  const factsOf = (business: string, contacts: ReadonlyArray<string>, types: ReadonlySet<string> | undefined) =>
    use("facts", async ({ profiles, events }) => {
      const filter = {
        contact: { $in: contacts },
        business,
        ...(types !== undefined && { type: { $in: [...types] } })
      }
      const [found, happened] = await Promise.all([
        profiles.find({ _id: { $in: contacts }, business }, { batchSize: idsAtOnce }).toArray(),
        types?.size === 0 ? [] : events.find(filter, { batchSize: idsAtOnce }).toArray()
      ])
      const byContact = new Map<string, Array<EventDocument>>(found.map(({ _id }) => [_id, []]))
      for (const event of happened as ReadonlyArray<unknown> as ReadonlyArray<EventDocument>) {
        byContact.get(event.contact)?.push(eventOf(event))
      }
      return found.map(({ [seqField]: seq, [communitySeqField]: _, ...profile }): readonly [string, StoredFacts] => [
        profile._id,
        {
          seq: Number(seq),
          profile: profile as ProfileDocument,
          events: (byContact.get(profile._id) ?? []).toSorted(bySequence)
        }
      ])
    })

  // An embedded store begins empty, and a large journal takes its time.
  const progress = Effect.gen(function* () {
    for (;;) {
      yield* Effect.sleep(progressIntervalMs)
      const status = (yield* projector.status).find(({ projection }) => projection === segmentStoreName)
      if (status?.state !== "FILLING") return
      yield* Effect.logInfo(`the segment store is being filled: ${status.lagEvents} events to go`)
    }
  })
  yield* Effect.forkScoped(Effect.ignore(progress))

  return SegmentStore.of({
    kind,
    facts: Effect.fn("SegmentStore.facts")(function* (business, contacts, types) {
      const found = new Map<string, StoredFacts>()
      for (let at = 0; at < contacts.length; at += contactsAtOnce) {
        const some = yield* during(factsOf(business, contacts.slice(at, at + contactsAtOnce), types))
        for (const [contact, facts] of some) found.set(contact, facts)
      }
      return found
    }),
    matching: (business, pipeline) => {
      const batches = async function* () {
        const cursor = onProfiles(collections(), business, pipeline, { $project: { _id: 1 } })
        try {
          while (await cursor.hasNext()) {
            yield cursor.readBufferedDocuments().map(({ _id }) => String(_id))
          }
        } finally {
          await cursor.close()
        }
      }
      const found = Stream.flattenIterable(
        Stream.fromAsyncIterable(
          { [Symbol.asyncIterator]: batches },
          (cause) => new SegmentStoreUnavailable({ operation: "matching", reason: reasonOf(cause) })
        )
      ).pipe(Stream.interruptWhen(lost))
      // It may have begun on one filling and ended on another: who came out is known at its end.
      return Stream.unwrap(
        Effect.map(full, (generation) => Stream.concat(found, Stream.fromEffectDrain(still(generation))))
      )
    },
    zones: Effect.fn("SegmentStore.zones")((business) =>
      during(
        use("zones", async ({ profiles }) => {
          const found: ReadonlyArray<unknown> = await profiles.distinct("time_zone", { business })
          return found.filter((zone) => typeof zone === "string")
        })
      )
    ),
    count: Effect.fn("SegmentStore.count")((business, pipeline) =>
      during(
        use("count", async (from) => {
          const [counted] = await onProfiles(from, business, pipeline, { $count: "n" }).toArray()
          return (counted?.["n"] as number | undefined) ?? 0
        })
      )
    ),
    caughtUp: (upTo) => projector.waitFor(segmentStoreName, upTo)
  })
})

export const layer: Layer.Layer<SegmentStore, never, SegmentDatabase | Projector> = Layer.effect(SegmentStore, make)
