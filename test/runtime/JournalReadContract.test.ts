/** The journal's contract, the reading half: the inbox, loading, paging, tenancy, scans and forgetting. Held against every store. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { allShards } from "#runtime/actor/Placement.ts"
import { batch, business, command, event, events, message, otherBusiness, snapshot, unit } from "./JournalRows.ts"
import { emptyStore, overEachStore } from "./JournalStores.ts"

const start = Effect.gen(function* () {
  const { first } = yield* emptyStore
  yield* first.takeOver(randomUUID(), [1, 2])
  return first
})

const ids = (rows: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> => rows.map((row) => row.id)
const seqs = (rows: ReadonlyArray<{ readonly seq: number }>): ReadonlyArray<number> => rows.map((row) => row.seq)

overEachStore("the inbox (P8)", (it) => {
  it.effect("hands out what is due in the order in which it came, by batch and within a batch", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const mail = Array.from({ length: 6 }, (_, index) => message({ deliverAt: 1_000 - index }))
      yield* journal.commit(batch([unit({ inbox: mail.slice(0, 3) }), unit({ inbox: mail.slice(3, 4) })]))
      yield* journal.commit(batch([unit({ inbox: mail.slice(4) })]))
      const { rows } = yield* journal.due(1_000, allShards, 10)
      assert.deepStrictEqual(rows, mail)
      assert.deepStrictEqual(ids((yield* journal.due(1_000, allShards, 4)).rows), ids(mail.slice(0, 4)))
    })
  )

  it.effect("keeps back what is not due and tells when the next comes", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const [now, soon, later] = [message(), message({ deliverAt: 5_000 }), message({ deliverAt: 9_000 })]
      yield* journal.commit(batch([unit({ inbox: [later, now, soon] })]))
      assert.deepStrictEqual(yield* journal.due(4_999, allShards, 10), { rows: [now], nextAt: 5_000 })
      assert.deepStrictEqual(yield* journal.due(5_000, allShards, 10), { rows: [now, soon], nextAt: 9_000 })
      assert.deepStrictEqual(yield* journal.due(9_000, allShards, 10), { rows: [later, now, soon], nextAt: undefined })
    })
  )

  it.effect("keeps one message of each id, the first", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const mail = message()
      yield* journal.commit(batch([unit({ inbox: [mail] })]))
      yield* journal.commit(batch([unit({ inbox: [{ ...mail, command: "other" }] })]))
      assert.deepStrictEqual((yield* journal.due(1_000, allShards, 10)).rows, [mail])
    })
  )

  it.effect("loses a message in the commit that does it, and not if that commit fails (P2)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const mail = message()
      const row = command()
      yield* journal.commit(batch([unit({ inbox: [mail], command: row })]))
      yield* Effect.flip(journal.commit(batch([unit({ done: mail.id, command: row })])))
      assert.deepStrictEqual(ids((yield* journal.due(1_000, allShards, 10)).rows), [mail.id])
      yield* journal.commit(batch([unit({ done: mail.id })]))
      assert.deepStrictEqual(yield* journal.due(1_000, allShards, 10), { rows: [], nextAt: undefined })
    })
  )

  it.effect("hands out nothing that was parked, and counts it apart (P15)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const [bad, good, older] = [message(), message({ deliverAt: 900 }), message({ deliverAt: 800 })]
      const [timer, badTimer] = [message({ deliverAt: 3_000 }), message({ deliverAt: 2_000 })]
      yield* journal.commit(batch([unit({ inbox: [bad, good, older, timer, badTimer] })]))
      yield* journal.park(bad.id, "the turn threw")
      yield* journal.park(badTimer.id, "the turn threw")
      assert.deepStrictEqual(yield* journal.due(1_000, allShards, 10), { rows: [good, older], nextAt: 3_000 })
      assert.deepStrictEqual(yield* journal.backlog(1_000), { due: 2, parked: 1, oldestDueAt: 800 })
      assert.deepStrictEqual(yield* journal.backlog(700), { due: 0, parked: 0, oldestDueAt: undefined })
    })
  )
})

overEachStore("loading", (it) => {
  const stored = Effect.gen(function* () {
    const journal = yield* start
    const key = randomUUID()
    const contact = events(5, { key })
    const community = events(2, { key, id: contact[0]?.id as string, aggregate: 3, offset: 6 })
    yield* journal.commit(batch([unit({ key, events: [...contact, ...community], dataKey: Buffer.from("wrapped") })]))
    return { journal, key, contact, community, id: contact[0]?.id as string }
  })

  it.effect("gives the events of each stream asked for, in sequence, and the data key", () =>
    Effect.gen(function* () {
      const { journal, key, contact, community, id } = yield* stored
      const absent = { aggregate: 4, id: randomUUID() }
      const loaded = yield* journal.load(business, key, [{ aggregate: 3, id }, absent, { aggregate: 2, id }])
      assert.deepStrictEqual(loaded.streams, [
        { aggregate: 3, id, snapshot: undefined, events: community, lastAt: 1_000 },
        { ...absent, snapshot: undefined, events: [], lastAt: 0 },
        { aggregate: 2, id, snapshot: undefined, events: contact, lastAt: 1_000 }
      ])
      assert.strictEqual(Buffer.from(loaded.dataKey ?? []).toString(), "wrapped")
    })
  )

  it.effect("starts from a snapshot and goes on with the events after it, or with all of them when told to", () =>
    Effect.gen(function* () {
      const { journal, key, contact, id } = yield* stored
      const kept = snapshot({ id, seq: 3 })
      yield* journal.saveSnapshots([kept, snapshot({ aggregate: 4 })])
      const stream = [{ aggregate: 2, id }]
      const [tail] = (yield* journal.load(business, key, stream)).streams
      assert.deepStrictEqual(tail, { aggregate: 2, id, snapshot: kept, events: contact.slice(3), lastAt: 1_000 })
      const newest = snapshot({ id, seq: contact.length })
      yield* journal.saveSnapshots([newest])
      // Also where no event is left to tell when the last one was (P16).
      const [all] = (yield* journal.load(business, key, stream)).streams
      assert.deepStrictEqual(all, { aggregate: 2, id, snapshot: newest, events: [], lastAt: 1_000 })
      const [whole] = (yield* journal.load(business, key, stream, { withoutSnapshots: true })).streams
      assert.deepStrictEqual(whole, { aggregate: 2, id, snapshot: undefined, events: contact, lastAt: 1_000 })
    })
  )

  it.effect("gives another business nothing: no event, no snapshot, no data key (decision 12)", () =>
    Effect.gen(function* () {
      const { journal, key, id } = yield* stored
      yield* journal.saveSnapshots([snapshot({ id, seq: 3 })])
      const stream = { aggregate: 2, id }
      for (const options of [undefined, { withoutSnapshots: true }]) {
        assert.deepStrictEqual(yield* journal.load(otherBusiness, key, [stream], options), {
          streams: [{ ...stream, snapshot: undefined, events: [], lastAt: 0 }],
          dataKey: undefined
        })
      }
      assert.deepStrictEqual(yield* journal.streamEvents(otherBusiness, stream, 100, 10), [])
    })
  )

  it.effect("never goes back to an older snapshot, but takes one of a new version of the state", () =>
    Effect.gen(function* () {
      const { journal, key, id } = yield* stored
      const kept = Effect.map(
        journal.load(business, key, [{ aggregate: 2, id }]),
        (loaded) => loaded.streams[0]?.snapshot
      )
      yield* journal.saveSnapshots([snapshot({ id, seq: 4 })])
      yield* journal.saveSnapshots([snapshot({ id, seq: 2, body: "older" })])
      yield* journal.saveSnapshots([snapshot({ id, seq: 4, body: "the same" })])
      assert.deepStrictEqual(yield* kept, snapshot({ id, seq: 4 }))
      yield* journal.saveSnapshots([snapshot({ id, seq: 5 })])
      assert.deepStrictEqual(yield* kept, snapshot({ id, seq: 5 }))
      yield* journal.saveSnapshots([snapshot({ id, seq: 3, stateVersion: 2 })])
      assert.deepStrictEqual(yield* kept, snapshot({ id, seq: 3, stateVersion: 2 }))
    })
  )
})

overEachStore("paging", (it) => {
  it.effect("goes through a shard by offset, without a gap and without another shard (decision 8)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const rows = events(5)
      const others = events(2, { shard: 2 })
      const fence = [
        [1, 1],
        [2, 1]
      ] as const
      yield* journal.commit(batch([unit({ events: [...rows, ...others] })], fence))
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 1, offset: 0 }], 2), rows.slice(0, 2))
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 1, offset: 2 }], 10), rows.slice(2))
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 2, offset: 1 }], 10), others.slice(1))
      assert.deepStrictEqual(yield* journal.shardEvents([{ shard: 1, offset: 5 }], 10), [])
    })
  )

  it.effect("goes through a stream from its newest event back", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const rows = events(5)
      const stream = { aggregate: 2, id: rows[0]?.id as string }
      yield* journal.commit(batch([unit({ events: rows })]))
      const page = (beforeSeq: number, rowsMax: number) =>
        Effect.map(journal.streamEvents(business, stream, beforeSeq, rowsMax), seqs)
      assert.deepStrictEqual(yield* page(2 ** 31 - 1, 2), [5, 4])
      assert.deepStrictEqual(yield* page(4, 2), [3, 2])
      assert.deepStrictEqual(yield* page(2, 2), [1])
    })
  )

  it.effect(
    "goes both ways through what happened at a key in streams of their own, and through nothing else (FED-1)",
    () =>
      Effect.gen(function* () {
        const journal = yield* start
        const key = randomUUID()
        const rows = ["PurchaseRefused", "FundsCredited", "CommandHeld", "HeldApproved", "PurchaseRefused"].map(
          (type, index) => event({ key, type, offset: index + 1 })
        )
        yield* journal.commit(batch([unit({ key, events: [...rows, event({ type: "HeldLapsed", offset: 6 })] })]))
        const page = (offset: number, order: "ASC" | "DESC", of = business) =>
          Effect.map(journal.asideEvents(of, key, { offset, order }, 3), (found) => found.map((row) => row.offset))
        assert.deepStrictEqual(yield* page(Number.MAX_SAFE_INTEGER, "DESC"), [5, 4, 3])
        assert.deepStrictEqual(yield* page(3, "DESC"), [1])
        assert.deepStrictEqual(yield* page(0, "ASC"), [1, 3, 4])
        assert.deepStrictEqual(yield* page(4, "ASC"), [5])
        assert.deepStrictEqual(yield* page(0, "ASC", otherBusiness), [])
      })
  )

  it.effect("finds events by their places in their streams, within one business (decision 12)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const [first, second] = [events(3), events(2, { offset: 4 })] as const
      yield* journal.commit(batch([unit({ events: [...first, ...second] })]))
      const wanted = [...first.slice(1, 2), ...second.slice(0, 1)]
      const nowhere = { aggregate: 2, id: randomUUID(), seq: 1 }
      const places = [...wanted.map(({ aggregate, id, seq }) => ({ aggregate, id, seq })), nowhere]
      assert.sameDeepMembers([...(yield* journal.eventsAt(business, places))], wanted)
      assert.deepStrictEqual(yield* journal.eventsAt(otherBusiness, places), [])
    })
  )

  it.effect("lists each business once: the streams that are a business itself (decision 12)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const own = (id: string, offset: number) => events(2, { id, business: id, key: id, aggregate: 1, offset })
      yield* journal.commit(
        batch([unit({ events: [...own(business, 1), ...own(otherBusiness, 3), event({ offset: 5 })] })])
      )
      assert.sameMembers([...(yield* journal.businessIds)], [business, otherBusiness])
    })
  )
})

overEachStore("forgetting", (it) => {
  it.effect("lets go of old batches, a few at a time, and keeps young ones and every command (P2)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const rows = Array.from({ length: 3 }, () => command({ at: 10 }))
      const old = rows.map((row) => ({ ...batch([unit({ command: row })]), at: 10 }))
      const young = { ...batch([unit({ command: command({ at: 500 }) })]), at: 500 }
      for (const each of [...old, young]) yield* journal.commit(each)
      assert.strictEqual(yield* journal.forgetBatches(500, 2), 2)
      assert.strictEqual(yield* journal.forgetBatches(500, 2), 1)
      assert.strictEqual(yield* journal.forgetBatches(500, 2), 0)
      for (const { id } of old) assert.isFalse(yield* journal.hasBatch(id))
      assert.isTrue(yield* journal.hasBatch(young.id))
      for (const { id } of rows) assert.isDefined(yield* journal.command(id))
    })
  )
})

overEachStore("a scan", (it) => {
  it.effect("brings the events of some types within its ranges, in order, and names the shards with a hole (P14)", () =>
    Effect.gen(function* () {
      const journal = yield* start
      const rows = [1, 2, 3, 5].map((offset) => event({ shard: 1, offset, type: offset === 2 ? "Unwanted" : "Wanted" }))
      yield* journal.commit(batch([unit({ events: rows })]))
      const upTo = (last: number) => journal.scan([{ shard: 1, after: 0, upTo: last }], ["Wanted"])
      const whole = yield* upTo(3)
      assert.deepStrictEqual(
        whole.rows.map(({ offset }) => offset),
        [1, 3]
      )
      assert.deepStrictEqual(whole.shardsWithHoles, [])
      assert.deepStrictEqual((yield* upTo(5)).shardsWithHoles, [1])
    })
  )
})
