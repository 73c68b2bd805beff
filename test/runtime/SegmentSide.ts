/** The segment store beside the write side: filled by a projector of its own that can be killed, and read as it stands. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import * as Projector from "#runtime/projection/Projector.ts"
import * as EmbeddedStore from "#runtime/segment/embedded/EmbeddedStore.ts"
import * as HistoricalFacts from "#runtime/segment/HistoricalFacts.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as SegmentGeneration from "#runtime/segment/SegmentGeneration.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import { writeSide } from "./ReadSide.ts"

const given = process.env["MONGODB_URL"]

const dropped = Layer.effectDiscard(
  Effect.gen(function* () {
    const { collections } = yield* SegmentDatabase.SegmentDatabase
    yield* Effect.addFinalizer(() => Effect.ignore(Effect.tryPromise(() => collections().command({ dropDatabase: 1 }))))
  })
)

/**
 * A MongoDB when one is named, each time with a database that nobody else uses, for its cursors are those of one journal;
 * the embedded store otherwise.
 */
const database =
  given === undefined || given === ""
    ? SegmentDatabase.layer({ url: undefined, database: "koinon" })
    : Layer.unwrap(
        Effect.sync(() => {
          const name = `koinon_test_${randomBytes(6).toString("hex")}`
          return Layer.provideMerge(dropped, SegmentDatabase.layer({ url: Redacted.make(given), database: name }))
        })
      )

/** Everything but a projector. */
export const withoutProjector = Layer.mergeAll(HistoricalFacts.layer, database).pipe(Layer.provideMerge(writeSide))

const projector = Layer.unwrap(
  Effect.map(SegmentFeed.SegmentFeed, ({ projection }) => Projector.layer([projection]))
).pipe(Layer.provideMerge(SegmentFeed.layer))

export const segmentSide = SegmentStore.layer.pipe(Layer.provideMerge(projector), Layer.provideMerge(withoutProjector))

/** Works with a projector, and a store behind it, that are dead afterwards; the documents stay. */
export const withFollower = <A, E, R>(
  use: (projector: Projector.Projector["Service"]) => Effect.Effect<A, E, R>,
  change: (
    database: SegmentDatabase.SegmentDatabase["Service"]
  ) => Partial<SegmentDatabase.SegmentDatabase["Service"]> = () => ({})
) =>
  Effect.gen(function* () {
    const real = yield* SegmentDatabase.SegmentDatabase
    const changed = Layer.succeed(SegmentDatabase.SegmentDatabase, { ...real, ...change(real) })
    const follower = Layer.fresh(projector.pipe(Layer.provide(changed)))
    return yield* Effect.flatMap(Projector.Projector, use).pipe(Effect.provide(follower, { local: true }))
  })

/** All documents, in one order. */
export const storedDocuments = Effect.gen(function* () {
  const { events, profiles } = (yield* SegmentDatabase.SegmentDatabase).collections()
  return yield* Effect.promise(async () => {
    const all = [...(await profiles.find().toArray()), ...(await events.find().toArray())]
    return all
      .map((document) => JSON.stringify(document, Object.keys(document).toSorted().concat(nestedNames(document))))
      .toSorted()
  })
})

const nestedNames = (value: unknown): ReadonlyArray<string> => {
  if (typeof value !== "object" || value === null) return []
  if (Array.isArray(value)) return value.flatMap(nestedNames)
  return Object.entries(value).flatMap(([name, inner]) => [name, ...nestedNames(inner)])
}

/** Until the store holds everything. */
export const filled = Effect.flatMap(Projector.Projector, (all) => all.waitFor(SegmentGeneration.segmentStoreName))

/** Works on an embedded store that can be killed. */
export const onEmbedded = <A, E, R>(use: (store: EmbeddedStore.EmbeddedStore) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(EmbeddedStore.start, (store) =>
    Effect.provide(
      use(store),
      Layer.fresh(
        SegmentStore.layer.pipe(
          Layer.provideMerge(projector),
          Layer.provideMerge(SegmentDatabase.layerOf(store, "koinon"))
        )
      ),
      { local: true }
    )
  )
