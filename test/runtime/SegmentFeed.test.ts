/**
 * How the segment store follows the journal (P9): what was written as it happened equals what a rebuild writes, whenever the
 * projector or the store died in between, and facts of the past equal what the store held then. On the embedded store, or on
 * a MongoDB when `MONGODB_URL` is set.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { ContactFacts } from "#domain/segment/Facts.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { HistoricalFacts } from "#runtime/segment/HistoricalFacts.ts"
import { SegmentDatabase, SegmentStoreUnavailable } from "#runtime/segment/SegmentDatabase.ts"
import { SegmentFeed } from "#runtime/segment/SegmentFeed.ts"
import { segmentStoreName } from "#runtime/segment/SegmentGeneration.ts"
import { SegmentStore } from "#runtime/segment/SegmentStore.ts"
import { ask, open, person, withoutPatience, writeSide } from "./ReadSide.ts"
import {
  businessId,
  changeEmail,
  contactId,
  credit,
  openBusiness,
  otherBusinessId,
  purchase,
  transfer
} from "./SampleCommands.ts"
import { filled, onEmbedded, segmentSide, storedDocuments, withFollower, withoutProjector } from "./SegmentSide.ts"
import { eventually } from "../support/Eventually.ts"

/** Contacts on many shards who register, get money, change, buy and send each other some. */
const fill = (from: number, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => from + index),
    (number) =>
      Effect.gen(function* () {
        yield* ask(person(number, { lastName: `Γεωργίου ${number}`, email: `eleni.${number}@example.com` }))
        yield* ask(credit(number, BigInt(1_000 + number), `credit-${number}`))
        if (number % 3 === 0) yield* ask(changeEmail(number, `changed.${number}@example.com`))
        if (number % 2 === 0) yield* ask(purchase(number, number, 200n))
        if (number > from) yield* ask(transfer(number, number - 1, 5n, `transfer-${number}`))
      }),
    { concurrency: 16, discard: true }
  )

const profilesStored = Effect.gen(function* () {
  const { profiles } = (yield* SegmentDatabase).collections()
  return yield* Effect.promise(() => profiles.estimatedDocumentCount())
})

/** A thread that died is begun anew, connected to, and filled, three times over, beside whatever else is tested. */
const refillTimeoutMs = 120_000

layer(segmentSide, { excludeTestServices: true })("a segment store that follows", (it) => {
  it.effect("P9: rebuilt from zero equals live, document by document, also with another one in between", () =>
    Effect.gen(function* () {
      const projector = yield* Projector
      yield* open
      yield* fill(1, 120)
      yield* filled
      const live = yield* storedDocuments
      assert.strictEqual(yield* profilesStored, 120)
      assert.isAbove(live.length, 120 * 3)
      yield* projector.rebuild(segmentStoreName)
      yield* filled
      assert.deepStrictEqual(yield* storedDocuments, live)

      yield* Effect.all([fill(200, 40), projector.rebuild(segmentStoreName)], { concurrency: 2 })
      yield* filled
      const mixed = yield* storedDocuments
      yield* projector.rebuild(segmentStoreName)
      yield* filled
      assert.deepStrictEqual(yield* storedDocuments, mixed)
    })
  )

  it.effect("a question that waits sees what was answered before it, each time", () =>
    Effect.gen(function* () {
      const store = yield* SegmentStore
      for (let number = 300; number < 320; number++) {
        yield* ask(person(number, { email: `new.${number}@example.com` }))
        yield* ask(credit(number, 777n, `credit-${number}`))
        yield* store.caughtUp()
        const facts = (yield* store.facts(businessId, [contactId(number)])).get(contactId(number))
        assert.strictEqual(facts?.profile["email"], `new.${number}@example.com`)
        assert.deepInclude(facts?.profile["wallet"], { balance: 777 })
        assert.deepStrictEqual(
          facts?.events.map(({ type }) => type),
          ["ContactRegistered", "FundsCredited"]
        )
        const credits = yield* store.facts(businessId, [contactId(number)], new Set(["FundsCredited"]))
        assert.lengthOf(credits.get(contactId(number))?.events ?? [], 1)
      }
    })
  )

  it.effect("finds and counts by a pipeline, in batches, and nobody of another business", () =>
    Effect.gen(function* () {
      const store = yield* SegmentStore
      yield* ask(openBusiness(otherBusinessId))
      yield* ask(person(900, { email: "elsewhere@example.com" }, otherBusinessId))
      yield* store.caughtUp()
      const all = yield* Stream.runCollect(store.matching(businessId, []))
      assert.strictEqual(all.length, yield* store.count(businessId, []))
      assert.strictEqual(new Set(all).size, all.length)
      assert.notInclude([...all], contactId(900))
      assert.strictEqual(yield* store.count(otherBusinessId, []), 1)
      assert.strictEqual(yield* store.count(otherBusinessId, [{ $match: { business: businessId } }]), 0)
      const rich = [{ $match: { "wallet.balance": { $gte: 777 }, email: { $regex: "^new" } } }]
      assert.strictEqual(yield* store.count(businessId, rich), 20)
      assert.lengthOf([...(yield* Stream.runCollect(store.matching(businessId, rich)))], 20)
      assert.strictEqual((yield* store.facts(otherBusinessId, [contactId(1), contactId(900)])).size, 1)
      assert.strictEqual((yield* store.facts(businessId, [contactId(12_345)])).size, 0)
    })
  )

  it.effect("a question that is refused says so without naming a value, and harms nobody", () =>
    Effect.gen(function* () {
      const store = yield* SegmentStore
      const refused = yield* Effect.flip(store.count(businessId, [{ $match: { $nothing: "secret" } }]))
      assert.instanceOf(refused, SegmentStoreUnavailable)
      assert.notInclude(JSON.stringify(refused), "secret")
      const stream = yield* Effect.flip(Stream.runCollect(store.matching(businessId, [{ $out: "x" }])))
      assert.strictEqual(stream._tag, "SegmentStoreUnavailable")
      assert.isAbove(yield* store.count(businessId, []), 0)
    })
  )

  it.effect("facts of the past: at the end those of the store, and at each step those of that instant", () =>
    Effect.gen(function* () {
      const store = yield* SegmentStore
      const history = yield* HistoricalFacts
      yield* store.caughtUp()
      const histories = yield* Stream.runCollect(history.streamOf(businessId))
      const contacts = histories.map(({ contact }) => contact)
      assert.strictEqual(contacts.length, yield* store.count(businessId, []))
      const stored = yield* store.facts(businessId, contacts)
      for (const { contact, facts } of histories) {
        const { profile, events } = stored.get(contact) ?? {}
        assert.deepStrictEqual(facts, { profile, events })
      }

      const [first] = histories.filter(({ contact }) => contact === contactId(2))
      const steps = [...(first?.steps() ?? [])]
      assert.isUndefined(steps[0]?.before)
      assert.deepStrictEqual(steps.at(-1)?.after, first?.facts)
      for (const [index, step] of steps.entries()) {
        assert.deepStrictEqual(step.before, steps[index - 1]?.after)
        assert.lengthOf(step.after?.events ?? [], (step.before?.events.length ?? 0) + step.documents.length)
      }
      const credited = steps.find(({ event }) => event._tag === "FundsCredited")
      const until = (credited?.at ?? 0) + 1
      const earlier = yield* Stream.runCollect(history.streamOf(businessId, { until }))
      const then: ContactFacts | undefined = earlier.find(({ contact }) => contact === contactId(2))?.facts
      assert.isTrue(then?.events.every(({ at }) => at < until))
      const later = yield* Stream.runCollect(history.streamOf(businessId, { from: until }))
      const told = [...(later.find(({ contact }) => contact === contactId(2))?.steps() ?? [])]
      assert.isTrue(told.every(({ at }) => at >= until))
      assert.isDefined(told[0]?.before)
    })
  )
})

layer(withoutProjector, { excludeTestServices: true })("a projector into the segment store that dies", (it) => {
  it.effect("P9: killed between documents and cursor, 20 times, it leaves no gap and changes nothing twice", () =>
    Effect.gen(function* () {
      yield* open
      yield* fill(1, 60)
      let deaths = 0
      for (let life = 0; life < 20; life++) {
        const died = yield* Latch.make(false)
        yield* Effect.all(
          [
            // The documents are there, and their cursor never is.
            withFollower(
              () => died.await,
              ({ use }) => ({
                use: (operation, question) =>
                  operation === "move"
                    ? Effect.andThen(
                        Effect.sync(() => {
                          deaths += 1
                          died.openUnsafe()
                        }),
                        Effect.never
                      )
                    : use(operation, question)
              })
            ),
            fill(1_000 + life * 3, 3)
          ],
          { concurrency: 2 }
        )
        // In every fourth life some of it is done.
        if (life % 4 === 3) yield* withFollower(() => filled)
      }
      assert.isAtLeast(deaths, 20)
      const survived = yield* withFollower(() => Effect.andThen(filled, storedDocuments))
      const rebuilt = yield* withFollower((projector) =>
        Effect.gen(function* () {
          yield* projector.rebuild(segmentStoreName)
          yield* filled
          return yield* storedDocuments
        })
      )
      assert.deepStrictEqual(survived, rebuilt)
      assert.strictEqual(yield* profilesStored, 120)
    })
  )

  it.effect("two at once write each event once, and neither takes back what the other knows", () =>
    Effect.gen(function* () {
      yield* withFollower((first) =>
        withFollower((second) =>
          Effect.gen(function* () {
            yield* fill(2_000, 30)
            yield* first.waitFor(segmentStoreName)
            yield* second.waitFor(segmentStoreName)
          })
        )
      )
      const together = yield* storedDocuments
      yield* withFollower((projector) => Effect.andThen(projector.rebuild(segmentStoreName), filled))
      assert.deepStrictEqual(yield* storedDocuments, together)
    })
  )

  it.effect("a store that is away is waited for and shows as lag, and is filled once it is back", () =>
    Effect.gen(function* () {
      let isAway = true
      yield* withFollower(
        (projector) =>
          Effect.gen(function* () {
            yield* fill(3_000, 2)
            const refused = yield* Effect.flip(withoutPatience(projector.waitFor(segmentStoreName)))
            assert.strictEqual(refused._tag, "ProjectionBehind")
            const status = yield* eventually(
              "it says what it waits for",
              Effect.map(projector.status, ([only]) => only?.reason !== undefined && only)
            )
            assert.deepInclude(status, { projection: segmentStoreName, state: "RUNNING" })
            assert.isAbove(status.lagEvents, 0)
            assert.match(status.reason ?? "", /^SinkFailed: \w+ gone$/)
            isAway = false
            yield* projector.waitFor(segmentStoreName)
            assert.deepInclude((yield* projector.status)[0], { state: "RUNNING", lagEvents: 0 })
          }),
        ({ use }) => ({
          use: (operation, question) =>
            Effect.suspend(() =>
              isAway
                ? Effect.fail(new SegmentStoreUnavailable({ operation, reason: "gone" }))
                : use(operation, question)
            )
        })
      )
    })
  )

  it.effect("what other code takes over while this one runs is left to it, and waited for", () =>
    Effect.gen(function* () {
      const { written, profiles } = (yield* SegmentDatabase).collections()
      const mark = (by: string) =>
        Effect.promise(() => written.updateOne({ _id: segmentStoreName }, { $set: { by } }, { upsert: true }))
      yield* withFollower(() =>
        Effect.gen(function* () {
          const { sink } = (yield* SegmentFeed).projection
          yield* filled
          const own = (yield* Effect.promise(() => written.findOne({ _id: segmentStoreName })))?.by ?? ""
          yield* mark("newer code")
          yield* Effect.promise(() => profiles.insertOne({ _id: "of newer code" }))
          const refused = yield* Effect.flip(sink.load)
          assert.deepInclude(refused, { _tag: "SinkFailed", isTransient: true })
          assert.isNotNull(yield* Effect.promise(() => profiles.findOne({ _id: "of newer code" })))
          yield* Effect.promise(() => profiles.deleteOne({ _id: "of newer code" }))
          yield* mark(own)
          assert.isAbove((yield* sink.load).length, 0)
        })
      )
    })
  )

  it.effect("documents that other code has written are emptied out and written anew", () =>
    Effect.gen(function* () {
      const { profiles, written } = (yield* SegmentDatabase).collections()
      const before = yield* storedDocuments
      yield* Effect.promise(async () => {
        await written.updateOne({ _id: segmentStoreName }, { $set: { by: "older code" } })
        await profiles.insertOne({ _id: "left over" })
      })
      yield* withFollower(() => filled)
      assert.deepStrictEqual(yield* storedDocuments, before)
    })
  )

  it.effect("documents of another journal, or of what a restored one has lost, are emptied out and written anew", () =>
    Effect.gen(function* () {
      const { cursors, events } = (yield* SegmentDatabase).collections()
      const before = yield* storedDocuments
      yield* Effect.promise(async () => {
        await cursors.updateOne({ _id: 7 }, { $set: { offset: 1_000_000 } })
        await events.insertOne({ _id: "7/1000000" })
      })
      yield* withFollower(() => filled)
      assert.deepStrictEqual(yield* storedDocuments, before)
    })
  )

  it.effect("documents of another journal that has come exactly as far are emptied out and written anew", () =>
    Effect.gen(function* () {
      /** The same to the same people, each time in a journal of its own, by another amount. */
      const told = (amount: bigint) =>
        Effect.gen(function* () {
          yield* open
          for (let number = 1; number <= 20; number++) {
            yield* ask(person(number, {}))
            yield* ask(credit(number, amount, `credit-${number}`))
          }
          return yield* withFollower((projector) =>
            Effect.gen(function* () {
              yield* filled
              const found = yield* storedDocuments
              yield* projector.rebuild(segmentStoreName)
              yield* filled
              return { found, rebuilt: yield* storedDocuments }
            })
          )
        }).pipe(Effect.provide(Layer.fresh(writeSide), { local: true }))
      yield* told(1n)
      const { found, rebuilt } = yield* told(2n)
      assert.deepStrictEqual(found, rebuilt)
    })
  )
})

layer(writeSide, { excludeTestServices: true })("an embedded segment store that dies", (it) => {
  it.effect(
    "P9: is filled again from zero at once, and shows nothing of what it lost before it is",
    () =>
      onEmbedded((embedded) =>
        Effect.gen(function* () {
          const store = yield* SegmentStore
          yield* open
          yield* fill(1, 60)
          yield* filled
          const before = yield* storedDocuments
          for (let death = 0; death < 3; death++) {
            yield* embedded.kill
            // A question either finds everything, or is refused.
            const counted = Effect.andThen(store.caughtUp(), store.count(businessId, []))
            const found = Effect.map(Effect.option(counted), Option.getOrUndefined)
            assert.strictEqual(yield* eventually("it answers again", found), 60)
            assert.deepStrictEqual(yield* storedDocuments, before)
          }
        })
      ),
    refillTimeoutMs
  )
})
