/**
 * A segment store that is emptied and filled again while it is asked: nobody is answered from a part of it, and whoever dies
 * in the middle is followed by somebody who goes on. On the embedded store, or on a MongoDB when `MONGODB_URL` is set.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { SqlClient } from "effect/sql/SqlClient"
import * as Projector from "#runtime/projection/Projector.ts"
import * as Rebuilds from "#runtime/projection/Rebuilds.ts"
import * as EmbeddedStore from "#runtime/segment/embedded/EmbeddedStore.ts"
import * as SegmentDatabaseModule from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import { guard, segmentStoreName } from "#runtime/segment/SegmentGeneration.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import { ask, open, person, withoutPatience, writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { filled, storedDocuments, withFollower, withoutProjector } from "./SegmentSide.ts"
import { eventually } from "../support/Eventually.ts"

const { SegmentDatabase } = SegmentDatabaseModule

const people = 60
/** Rebuilds in a row, for who is first is chance. */
const rounds = 5

const register = (from: number, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => from + index),
    (number) => ask(person(number, { email: `eleni.${number}@example.com` })),
    { concurrency: 8, discard: true }
  )

const rebuilds = Effect.map(SqlClient, Rebuilds.make)

/** Asked for once more; the runner that looks finds it within a second. */
const askAgain = Effect.gen(function* () {
  const { ask, numberOf } = yield* rebuilds
  const known = yield* numberOf(segmentStoreName)
  yield* ask(segmentStoreName, known, 0)
  return known + 1
})

const isDone = (number: number) =>
  Effect.gen(function* () {
    const told = yield* (yield* rebuilds).told
    return told.some((each) => each.number === number && each.isDone && each.view === segmentStoreName)
  })

const generation = Effect.gen(function* () {
  const { written } = (yield* SegmentDatabase).collections()
  return (yield* Effect.promise(() => written.findOne({ _id: segmentStoreName })))?.generation
})

/** Emptied since: another filling is there. */
const begun = (before: string | undefined) =>
  eventually(
    "it is emptied",
    Effect.map(generation, (found) => found !== undefined && found !== before && found)
  )

/** A follower, and a store that is asked through it, whose documents are held back where the gate is closed. */
const withGate = <A, E, R>(
  use: (gate: Latch.Latch) => Effect.Effect<A, E, R | Projector.Projector | SegmentStore.SegmentStore>
) =>
  Effect.gen(function* () {
    const gate = yield* Latch.make(true)
    const real = yield* SegmentDatabase
    const gated = Layer.succeed(SegmentDatabase, {
      ...real,
      use: (operation, question) =>
        operation === "write"
          ? Effect.andThen(gate.await, real.use(operation, question))
          : real.use(operation, question)
    })
    const projector = Layer.unwrap(
      Effect.map(SegmentFeed.SegmentFeed, ({ projection }) => Projector.layer([projection]))
    ).pipe(Layer.provideMerge(SegmentFeed.layer))
    const store = SegmentStore.layer.pipe(Layer.provideMerge(projector), Layer.provide(gated))
    return yield* Effect.provide(use(gate), Layer.fresh(store), { local: true })
  })

layer(withoutProjector, { excludeTestServices: true })("a segment store that is rebuilt while it is asked", (it) => {
  it.effect(
    "answers nobody from a part of it, and holds the same documents afterwards, and what was committed since",
    () =>
      withGate(
        Effect.fnUntraced(function* (gate) {
          const store = yield* SegmentStore.SegmentStore
          yield* open
          yield* register(1, people)
          yield* filled
          assert.strictEqual(yield* store.count(businessId, []), people)
          const before = yield* storedDocuments
          const former = yield* generation
          yield* gate.close
          const number = yield* askAgain
          yield* begun(former)
          const refusals = yield* Effect.all([
            Effect.flip(store.count(businessId, [])),
            Effect.flip(store.facts(businessId, [contactId(1)])),
            Effect.flip(store.zones(businessId)),
            Effect.flip(Stream.runCollect(store.matching(businessId, [])))
          ])
          for (const refused of refusals) assert.strictEqual(refused._tag, "SegmentStoreUnavailable")
          const behind = yield* Effect.flip(withoutPatience(store.caughtUp()))
          assert.strictEqual(behind._tag, "ProjectionBehind")
          const [status] = yield* (yield* Projector.Projector).status
          assert.strictEqual(status?.state, "FILLING")
          assert.isFalse(yield* isDone(number))
          yield* gate.open
          yield* eventually("it is done", isDone(number))
          assert.deepStrictEqual(yield* storedDocuments, before)
          yield* register(people + 1, 1)
          yield* filled
          assert.strictEqual(yield* store.count(businessId, []), people + 1)
        })
      )
  )

  it.effect("a question that lasts over a rebuild is refused at its end, whatever it has found", () =>
    withGate(
      Effect.fnUntraced(function* () {
        const store = yield* SegmentStore.SegmentStore
        yield* filled
        const [arrived, goOn] = [yield* Latch.make(false), yield* Latch.make(false)]
        const asking = yield* store.matching(businessId, []).pipe(
          Stream.runForEach(() => Effect.andThen(arrived.open, goOn.await)),
          Effect.forkChild
        )
        yield* arrived.await
        yield* eventually("it is done", isDone(yield* askAgain))
        yield* goOn.open
        const exit = yield* Fiber.await(asking)
        assert.isTrue(Exit.isFailure(exit))
        assert.strictEqual(yield* store.count(businessId, []), people + 1)
      })
    )
  )

  it.effect("readers elsewhere, who have not heard of it, are refused as well", () =>
    withGate(
      Effect.fnUntraced(function* (gate) {
        yield* filled
        const { use } = yield* SegmentDatabase
        const elsewhere = guard(use)
        const count = elsewhere.during(use("count", ({ profiles }) => profiles.estimatedDocumentCount()))
        assert.strictEqual(yield* count, people + 1)
        const former = yield* generation
        yield* gate.close
        const number = yield* askAgain
        yield* begun(former)
        assert.strictEqual((yield* Effect.flip(count))._tag, "SegmentStoreUnavailable")
        yield* gate.open
        yield* eventually("it is done", isDone(number))
        assert.strictEqual(yield* count, people + 1)
        // Nobody asked during the next one: what was known to be full is gone, and what has followed is full.
        yield* eventually("it is done again", isDone(yield* askAgain))
        assert.strictEqual(yield* count, people + 1)
      })
    )
  )

  it.effect("killed in the middle of it, the next one goes on and does not begin anew", () =>
    Effect.gen(function* () {
      const before = yield* storedDocuments
      const emptied = yield* withGate(
        Effect.fnUntraced(function* (gate) {
          yield* filled
          const former = yield* generation
          yield* gate.close
          yield* askAgain
          return yield* begun(former)
        })
      )
      const number = yield* (yield* rebuilds).numberOf(segmentStoreName)
      yield* withFollower(() => eventually("it is done", isDone(number)))
      assert.deepStrictEqual(yield* storedDocuments, before)
      assert.strictEqual(yield* generation, emptied)
    })
  )

  it.effect("killed while it was emptied, the next one empties it again", () =>
    Effect.gen(function* () {
      const before = yield* storedDocuments
      const { cursors, profiles, written } = (yield* SegmentDatabase).collections()
      const former = yield* generation
      yield* Effect.promise(async () => {
        await written.deleteMany({})
        await cursors.deleteMany({})
        await profiles.deleteMany({})
      })
      yield* withFollower(() => filled)
      assert.deepStrictEqual(yield* storedDocuments, before)
      assert.notStrictEqual(yield* generation, former)
    })
  )
})

/** Behind an address, as a MongoDB is: shared, so that whoever empties it has to do it alone. */
const shared = Layer.unwrap(
  Effect.map(EmbeddedStore.start, ({ url }) => SegmentDatabaseModule.layerOf(Redacted.make(url), "koinon"))
).pipe(Layer.provideMerge(writeSide))

layer(shared, { excludeTestServices: true })("a segment store that several runners share", (it) => {
  it.effect("is emptied once for all of them, by whoever is first, and all go on from there", () =>
    withFollower((first) =>
      withFollower((second) =>
        Effect.gen(function* () {
          assert.strictEqual((yield* SegmentDatabase).kind, "MONGODB")
          yield* open
          yield* register(1, people)
          yield* first.waitFor(segmentStoreName)
          yield* second.waitFor(segmentStoreName)
          const before = yield* storedDocuments
          for (let round = 0; round < rounds; round++) {
            const former = yield* generation
            const number = yield* askAgain
            const emptied = yield* begun(former)
            yield* eventually("it is done", isDone(number))
            yield* first.waitFor(segmentStoreName)
            yield* second.waitFor(segmentStoreName)
            assert.deepStrictEqual(yield* storedDocuments, before)
            assert.strictEqual(yield* generation, emptied)
          }
        })
      )
    )
  )
})
