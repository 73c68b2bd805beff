/** The journal's contract, the writing half: the fence, and what is unique. Held against every store. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { allShards } from "#runtime/actor/Placement.ts"
import { claimName } from "#runtime/journal/Unit.ts"
import { batch, business, claim, command, event, events, fenceOf, message, otherBusiness, unit } from "./JournalRows.ts"
import { emptyStore, overEachStore } from "./JournalStores.ts"

const [owner, rival] = [randomUUID(), randomUUID()]

overEachStore("the fence (P5)", (it) => {
  it.effect("raises the epoch of each shard taken over and tells where its journal ends", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      const fresh = yield* first.takeOver(owner, [1, 2])
      assert.sameDeepMembers(
        [...fresh],
        [
          { shard: 1, epoch: 1, lastOffset: 0 },
          { shard: 2, epoch: 1, lastOffset: 0 }
        ]
      )
      yield* first.commit(batch([unit({ events: events(3) })]))
      assert.deepStrictEqual(yield* second.takeOver(rival, [1]), [{ shard: 1, epoch: 2, lastOffset: 3 }])
    })
  )

  it.effect("stores nothing at all of a batch with one stale epoch", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      const fence = fenceOf(yield* first.takeOver(owner, [1, 2]))
      yield* second.takeOver(rival, [2])
      const row = command()
      const taken = claim("a")
      const mail = message()
      const stale = batch(
        [unit({ command: row, events: [event()], inbox: [mail], takes: [taken], dataKey: Buffer.from("key") })],
        fence
      )
      assert.strictEqual((yield* Effect.flip(first.commit(stale)))._tag, "Fenced")
      assert.isUndefined(yield* second.command(row.id))
      assert.deepStrictEqual(yield* second.shardEvents([{ shard: 1, offset: 0 }], 10), [])
      assert.strictEqual((yield* second.holders([taken])).size, 0)
      assert.deepStrictEqual((yield* second.due(2_000, allShards, 10)).rows, [])
      assert.isFalse(yield* second.hasBatch(stale.id))
    })
  )

  it.effect("goes before every other objection: who lost the shard hears of no conflict", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      yield* first.takeOver(owner, [1])
      const row = event()
      yield* second.takeOver(rival, [1])
      yield* second.commit(batch([unit({ events: [row] })], [[1, 2]]))
      const refused = yield* Effect.flip(first.commit(batch([unit({ events: [row] })], [[1, 1]])))
      assert.strictEqual(refused._tag, "Fenced")
    })
  )

  it.effect("knows no shard that nobody has taken", () =>
    Effect.gen(function* () {
      const { first } = yield* emptyStore
      const refused = yield* Effect.flip(first.commit(batch([unit({ events: [event()] })], [[1, 1]])))
      assert.strictEqual(refused._tag, "Fenced")
    })
  )

  it.effect("lets an owner retake what is hers, which shuts out her own older commits", () =>
    Effect.gen(function* () {
      const { first } = yield* emptyStore
      yield* first.takeOver(owner, [1, 2])
      const holds = yield* first.retake(owner, [1, 2])
      assert.sameDeepMembers(
        [...fenceOf(holds)],
        [
          [1, 2],
          [2, 2]
        ]
      )
      assert.strictEqual((yield* Effect.flip(first.commit(batch([unit({ events: [event()] })]))))._tag, "Fenced")
      yield* first.commit(batch([unit({ events: [event()] })], [[1, 2]]))
    })
  )

  it.effect("lets an owner retake only what is still hers, and leaves the rival in peace", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      yield* first.takeOver(owner, [1, 2])
      const held = fenceOf(yield* second.takeOver(rival, [2]))
      assert.deepStrictEqual(fenceOf(yield* first.retake(owner, [1, 2])), [[1, 2]])
      yield* second.commit(batch([unit({ events: [event({ shard: 2 })] })], held))
    })
  )

  it.effect("keeps the id of each batch that happened, and only of those", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      yield* first.takeOver(owner, [1])
      const done = batch([unit({ events: [event()] })])
      const refused = batch([unit({ events: [event({ offset: 1 })] })])
      yield* first.commit(done)
      yield* Effect.flip(first.commit(refused))
      assert.isTrue(yield* second.hasBatch(done.id))
      assert.isFalse(yield* second.hasBatch(refused.id))
    })
  )
})

overEachStore("what is unique", (it) => {
  const start = Effect.gen(function* () {
    const { first } = yield* emptyStore
    yield* first.takeOver(owner, [1])
    return first
  })

  it.effect("is the sequence number in a stream, and the conflict names it (P5)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const row = event()
      yield* journal.commit(batch([unit({ events: [row] })]))
      const again = unit({ events: [{ ...row, offset: 2 }, event({ offset: 3 })] })
      assert.strictEqual((yield* Effect.flip(journal.commit(batch([again]))))._tag, "Conflicting")
      const conflicts = yield* journal.conflicts([again])
      assert.deepStrictEqual([...conflicts.events], [`2/${row.id}/1`])
      assert.lengthOf(yield* journal.shardEvents([{ shard: 1, offset: 0 }], 10), 1)
    })
  )

  it.effect("is the offset in a shard", () =>
    Effect.gen(function* () {
      const journal = yield* start
      yield* journal.commit(batch([unit({ events: [event()] })]))
      const refused = yield* Effect.flip(journal.commit(batch([unit({ events: [event()] })])))
      assert.strictEqual(refused._tag, "Conflicting")
    })
  )

  it.effect("is the id of a command, and the conflict tells its first outcome (P2, P7)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const row = command()
      yield* journal.commit(batch([unit({ command: row })]))
      const again = unit({ command: { ...row, fingerprint: "other" }, events: [event()] })
      assert.strictEqual((yield* Effect.flip(journal.commit(batch([again]))))._tag, "Conflicting")
      assert.deepStrictEqual((yield* journal.conflicts([again])).commands.get(row.id), row)
      assert.deepStrictEqual(yield* journal.command(row.id), row)
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 1, offset: 0 }], 10), [])
    })
  )

  it.effect("is the id of a command also within one batch", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const row = command()
      const twice = batch([unit({ command: row }), unit({ command: row })])
      assert.strictEqual((yield* Effect.flip(journal.commit(twice)))._tag, "Conflicting")
      assert.isUndefined(yield* journal.command(row.id))
    })
  )

  it.effect("is a claimed value, and the conflict tells who holds it (CIM-1, UNQ-3)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const held = claim("eleni")
      yield* journal.commit(batch([unit({ takes: [held] })]))
      const wanted = unit({ takes: [claim("free"), claim("eleni")], events: [event()] })
      assert.strictEqual((yield* Effect.flip(journal.commit(batch([wanted]))))._tag, "Conflicting")
      const conflicts = yield* journal.conflicts([wanted])
      assert.deepStrictEqual([...conflicts.claims], [[claimName(held), held.holder]])
      assert.deepStrictEqual([...(yield* journal.holders(wanted.takes))], [[claimName(held), held.holder]])
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 1, offset: 0 }], 10), [])
    })
  )

  it.effect("tells apart the same value of another kind or another business (UNQ-3)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const values = [claim("a"), claim("a", { kind: "code" }), claim("a", { scope: otherBusiness })]
      yield* journal.commit(batch([unit({ takes: values })]))
      assert.strictEqual((yield* journal.holders(values)).size, 3)
    })
  )

  it.effect("is free again after its holder let go of it, and nobody else can let go of it", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const held = claim("eleni")
      const wanted = claim("eleni")
      yield* journal.commit(batch([unit({ takes: [held] })]))
      yield* journal.commit(batch([unit({ releases: [wanted] })]))
      assert.strictEqual((yield* Effect.flip(journal.commit(batch([unit({ takes: [wanted] })]))))._tag, "Conflicting")
      yield* journal.commit(batch([unit({ releases: [held] })]))
      yield* journal.commit(batch([unit({ takes: [wanted] })]))
      assert.deepStrictEqual([...(yield* journal.holders([held]))], [[claimName(held), wanted.holder]])
    })
  )

  it.effect("is not both released and taken in one batch: a commit sees the values as they were before it", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const held = claim("eleni")
      yield* journal.commit(batch([unit({ takes: [held] })]))
      const swap = batch([unit({ releases: [held] }), unit({ takes: [claim("eleni")] })])
      assert.strictEqual((yield* Effect.flip(journal.commit(swap)))._tag, "Conflicting")
      const fleeting = claim("maria")
      yield* journal.commit(batch([unit({ takes: [fleeting] }), unit({ releases: [fleeting] })]))
      assert.isTrue((yield* journal.holders([fleeting])).has(claimName(fleeting)))
    })
  )

  it.effect("is the data key of a contact: a second one is never stored over it", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const key = randomUUID()
      const make = (text: string) => batch([unit({ key, dataKey: Buffer.from(text) })])
      yield* journal.commit(make("first"))
      assert.strictEqual((yield* Effect.flip(journal.commit(make("second"))))._tag, "Conflicting")
      const loaded = yield* journal.load(business, key, [])
      assert.strictEqual(Buffer.from(loaded.dataKey ?? []).toString(), "first")
    })
  )
})

overEachStore("a command left open", (it) => {
  it.effect("is settled once by a later commit, and the outcome is what a repetition finds", () =>
    Effect.gen(function* () {
      const { first, second } = yield* emptyStore
      yield* first.takeOver(owner, [1])
      const row = command({ outcome: null })
      yield* first.commit(batch([unit({ command: row })]))
      assert.deepStrictEqual(yield* second.command(row.id), row)
      yield* first.commit(batch([unit({ settles: [{ id: row.id, outcome: "settled" }] })]))
      assert.deepStrictEqual(yield* second.command(row.id), { ...row, outcome: "settled" })
    })
  )
})
