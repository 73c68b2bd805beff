/**
 * What is asked of the segment store, whichever it is: the same driver, the same words, the same answers. The embedded store
 * is held to it always, a MongoDB when `MONGODB_URL` names one (see `SegmentStores.ts`).
 */
import { assert, it } from "@effect/vitest"
import type { Document } from "mongodb"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { layerOf, SegmentDatabase } from "#runtime/segment/SegmentDatabase.ts"
import { codeOf, overEachStore } from "./SegmentStores.ts"

interface Row extends Document {
  readonly _id: string
}

const rows = (count: number): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, number) => ({
    _id: `id-${String(number).padStart(6, "0")}`,
    number,
    third: number % 3
  }))

overEachStore("talking to it", ({ withDatabase }) => {
  it("shakes hands and answers a ping", () =>
    withDatabase(async (database) => {
      const hello = await database.command({ hello: 1 })
      assert.isTrue(hello["isWritablePrimary"])
      assert.isAtLeast(hello["maxWireVersion"] as number, 21)
      assert.strictEqual(hello["maxBsonObjectSize"], 16 * 1024 * 1024)
      assert.strictEqual((await database.command({ ping: 1 }))["ok"], 1)
    }))

  it("says that it does not know a command, and goes on", () =>
    withDatabase(async (database) => {
      assert.strictEqual(await codeOf(database.command({ koinonize: 1 })), 59)
      assert.strictEqual((await database.command({ ping: 1 }))["ok"], 1)
    }))

  it("serves many clients at once, each with its own answers", () =>
    withDatabase(async (database, client) => {
      const counted = database.collection<Row>("counted")
      await Promise.all(
        Array.from({ length: 50 }, async (_, writer) => {
          for (let each = 0; each < 10; each++) await counted.insertOne({ _id: `${writer}/${each}`, writer })
          const own = await counted.find({ writer }).toArray()
          assert.lengthOf(own, 10)
        })
      )
      assert.strictEqual(await client.db(database.databaseName).collection("counted").estimatedDocumentCount(), 500)
    }))
})

overEachStore("writing", ({ withDatabase }) => {
  it("inserts, finds, changes and deletes", () =>
    withDatabase(async (database) => {
      const found = database.collection<Row>("found")
      await found.insertMany([...rows(10)])
      assert.deepStrictEqual(await found.findOne({ _id: "id-000003" }), { _id: "id-000003", number: 3, third: 0 })
      const one = await found.updateOne({ _id: "id-000003" }, { $set: { name: "Ελένη" }, $inc: { number: 40 } })
      assert.deepInclude(one, { matchedCount: 1, modifiedCount: 1, upsertedCount: 0 })
      const many = await found.updateMany({ third: 1 }, { $unset: { third: "" } })
      assert.strictEqual(many.modifiedCount, 3)
      assert.deepStrictEqual(await found.findOne({ _id: "id-000003" }), {
        _id: "id-000003",
        number: 43,
        third: 0,
        name: "Ελένη"
      })
      assert.lengthOf(await found.find({ third: null }).toArray(), 3)
      assert.strictEqual((await found.deleteOne({ third: 0 })).deletedCount, 1)
      assert.strictEqual((await found.deleteMany({ third: { $in: [0, 2] } })).deletedCount, 6)
      assert.strictEqual(await found.estimatedDocumentCount(), 3)
      await found.drop()
      assert.deepStrictEqual(await found.find().toArray(), [])
    }))

  it("gives an id to what has none, and does not let one be changed", () =>
    withDatabase(async (database) => {
      const made = database.collection("made")
      const { insertedId } = await made.insertOne({ name: "Νίκη" })
      assert.deepStrictEqual((await made.findOne({ _id: insertedId }))?.["name"], "Νίκη")
      assert.strictEqual(await codeOf(made.updateOne({ _id: insertedId }, { $set: { _id: "other" } })), 66)
    }))

  it("upserts: what is there is replaced, what is not is made, with what is said for that alone", () =>
    withDatabase(async (database) => {
      const upserted = database.collection<Row>("upserted")
      const put = (number: number) => upserted.replaceOne({ _id: "a" }, { number }, { upsert: true })
      assert.strictEqual((await put(1)).upsertedId, "a")
      assert.deepInclude(await put(2), { matchedCount: 1, upsertedCount: 0 })
      assert.deepStrictEqual(await upserted.findOne({}), { _id: "a", number: 2 })
      const update = { $set: { seen: true }, $setOnInsert: { first: 1 } }
      for (let each = 0; each < 2; each++) await upserted.updateOne({ _id: "b", kind: "x" }, update, { upsert: true })
      assert.deepStrictEqual(await upserted.findOne({ _id: "b" }), { _id: "b", kind: "x", seen: true, first: 1 })
    }))

  it("leaves out what is undefined, in a command as it is as well", () =>
    withDatabase(async (database, _, url) => {
      const documents = [{ _id: "a", gone: undefined, inner: { gone: undefined } }]
      const write = Effect.flatMap(SegmentDatabase, ({ use }) =>
        use("write", ({ command }) => command({ insert: "partial", documents }))
      ).pipe(Effect.provide(layerOf(Redacted.make(url), database.databaseName)))
      await Effect.runPromise(write)
      assert.deepStrictEqual(await database.collection<Row>("partial").findOne({}), { _id: "a", inner: {} })
    }))

  it("counts as changed what is different afterwards, and refuses what cannot be done to a value", () =>
    withDatabase(async (database) => {
      const changed = database.collection<Row>("changed")
      await changed.insertMany([
        { _id: "a", number: 1, text: "x" },
        { _id: "b", number: 2 }
      ])
      const { matchedCount, modifiedCount } = await changed.updateMany({}, { $set: { number: 2 } })
      assert.deepStrictEqual([matchedCount, modifiedCount], [2, 1])
      assert.strictEqual((await changed.updateOne({ _id: "a" }, { $unset: { none: "" } })).modifiedCount, 0)
      const refused: ReadonlyArray<readonly [update: Document, code: number]> = [
        [{ $inc: { text: 1 } }, 14],
        [{ $inc: { number: "1" } }, 14],
        [{ $set: { number: 3 }, $inc: { number: 1 } }, 40],
        [{ $set: "number" }, 9]
      ]
      for (const [update, code] of refused) {
        assert.strictEqual(await codeOf(changed.updateOne({ _id: "a" }, update)), code, JSON.stringify(update))
      }
      assert.deepStrictEqual(await changed.findOne({ _id: "a" }), { _id: "a", number: 2, text: "x" })
    }))

  it("changes a document by stages", () =>
    withDatabase(async (database) => {
      const staged = database.collection<Row>("staged")
      await staged.insertOne({ _id: "a", left: 3, right: 4, gone: 1 })
      await staged.updateOne({ _id: "a" }, [{ $set: { sum: { $add: ["$left", "$right"] } } }, { $unset: "gone" }])
      assert.deepStrictEqual(await staged.findOne({}), { _id: "a", left: 3, right: 4, sum: 7 })
    }))

  it("keeps what is unique so: E11000 for the second, alone and among many, and the rest is written", () =>
    withDatabase(async (database) => {
      const unique = database.collection<Row>("unique")
      await unique.createIndex({ email: 1 }, { unique: true })
      await unique.createIndex({ business: 1, number: 1 }, { unique: true })
      await unique.insertMany([
        { _id: "a", email: "a@example.com", business: "x", number: 1 },
        { _id: "b", email: "b@example.com", business: "y", number: 1 }
      ])
      assert.strictEqual(await codeOf(unique.insertOne({ _id: "a" })), 11_000)
      assert.strictEqual(await codeOf(unique.insertOne({ _id: "c", email: "a@example.com" })), 11_000)
      assert.strictEqual(await codeOf(unique.updateOne({ _id: "b" }, { $set: { email: "a@example.com" } })), 11_000)
      assert.strictEqual(await codeOf(unique.updateOne({ _id: "b" }, { $set: { business: "x" } })), 11_000)
      assert.deepInclude(await unique.findOne({ _id: "b" }), { email: "b@example.com", business: "y" })

      const some = ["d", "a", "e", "b", "f"].map((id, number) => ({ _id: id, email: id, business: "z", number }))
      const refused = await unique.insertMany(some, { ordered: false }).then(
        () => undefined,
        (cause: { readonly code: number; readonly writeErrors: ReadonlyArray<{ code: number; index: number }> }) =>
          cause
      )
      assert.strictEqual(refused?.code, 11_000)
      assert.deepStrictEqual(
        refused?.writeErrors.map(({ code, index }) => [code, index]),
        [
          [11_000, 1],
          [11_000, 3]
        ]
      )
      assert.strictEqual(await unique.estimatedDocumentCount(), 5)
      // In order nothing is written behind the first that fails.
      const rest = ["g", "a", "h"].map((id, number) => ({ _id: id, email: `${id}2`, business: "v", number }))
      assert.strictEqual(await codeOf(unique.insertMany(rest)), 11_000)
      assert.isNull(await unique.findOne({ _id: "h" }))
      assert.isNotNull(await unique.findOne({ _id: "g" }))
    }))

  it("lets no older write undo a newer one: an upsert on a bound that does not hold is a duplicate", () =>
    withDatabase(async (database) => {
      const profiles = database.collection<Row>("profiles")
      const put = (seq: number) =>
        profiles.bulkWrite(
          [{ replaceOne: { filter: { _id: "a", _seq: { $lte: seq } }, replacement: { _seq: seq }, upsert: true } }],
          { ordered: false }
        )
      await put(3)
      assert.strictEqual(await codeOf(put(2)), 11_000)
      await put(3)
      await put(4)
      assert.deepStrictEqual(await profiles.findOne({}), { _id: "a", _seq: 4 })
    }))

  it("refuses a document of more than 16 MiB, and takes one of just under", () =>
    withDatabase(async (database) => {
      const large = database.collection<Row>("large")
      await large.insertOne({ _id: "under", text: "x".repeat(16 * 1024 * 1024 - 64) })
      assert.lengthOf(
        ((await large.findOne({ _id: "under" }))?.["text"] as string | undefined) ?? "",
        16 * 1024 * 1024 - 64
      )
      assert.notStrictEqual(
        await codeOf(large.insertOne({ _id: "over", text: "x".repeat(16 * 1024 * 1024) })),
        "it was done"
      )
      assert.notStrictEqual(
        await codeOf(large.updateOne({ _id: "under" }, { $set: { more: "x".repeat(1024) } })),
        "it was done"
      )
      assert.strictEqual(await large.estimatedDocumentCount(), 1)
    }))
})

overEachStore("reading", ({ withDatabase }) => {
  it("hands out a long result in batches, each document once, while others write", () =>
    withDatabase(async (database) => {
      const long = database.collection<Row>("long")
      const all = rows(7_321)
      await long.insertMany([...all])
      const seen: Array<string> = []
      for await (const { _id } of long.find({}, { batchSize: 100, projection: { _id: 1 } })) {
        seen.push(_id)
        if (seen.length === 500) await long.updateMany({}, { $set: { touched: true } })
      }
      assert.sameMembers(
        seen,
        all.map(({ _id }) => _id)
      )
      const cursor = long.find({}, { batchSize: 10 })
      await cursor.next()
      // One that is closed has no id any more.
      const { id } = cursor
      assert.isDefined(id)
      assert.isFalse(id?.isZero())
      await cursor.close()
      assert.strictEqual(await codeOf(database.command({ getMore: id, collection: "long" })), 43)
    }))

  it("sorts over all kinds of values, up and down, skips and limits", () =>
    withDatabase(async (database) => {
      const sorted = database.collection<Row>("sorted")
      const values = [3, "b", null, { a: 1 }, true, "Ω", -1, false, "a", [9, 0]]
      await sorted.insertMany([...values.map((value, number) => ({ _id: `${number}`, value })), { _id: "none" }])
      const up = (await sorted.find().sort({ value: 1, _id: 1 }).toArray()).map(({ _id }) => _id)
      assert.deepStrictEqual(up, ["2", "none", "6", "9", "0", "8", "1", "5", "3", "7", "4"])
      const down = await sorted
        .find({ value: { $ne: null } })
        .sort({ value: -1 })
        .skip(1)
        .limit(3)
        .toArray()
      assert.deepStrictEqual(
        down.map(({ _id }) => _id),
        ["7", "3", "5"]
      )
      const many = database.collection<Row>("many")
      await many.insertMany(rows(20_000).toReversed())
      const page = await many.find().sort({ third: 1, number: -1 }).skip(6_666).limit(3).toArray()
      assert.deepStrictEqual(
        page.map(({ number }) => number as number),
        [0, 19_999 - (19_999 % 3) + 1, 19_999 - (19_999 % 3) - 2]
      )
    }))

  it("counts, and tells distinct values", () =>
    withDatabase(async (database) => {
      const counted = database.collection<Row>("counted")
      await counted.insertMany([...rows(300)])
      await counted.insertOne({ _id: "list", third: [2, 7] })
      assert.sameMembers(await counted.distinct("third"), [0, 1, 2, 7])
      assert.strictEqual((await database.command({ count: "counted", query: { third: 2 } }))["n"], 101)
      assert.deepStrictEqual(await counted.aggregate([{ $match: { third: 7 } }, { $count: "n" }]).toArray(), [{ n: 1 }])
      assert.deepStrictEqual(await counted.aggregate([{ $match: { third: 8 } }, { $count: "n" }]).toArray(), [])
    }))

  it("lists collections that were written to", () =>
    withDatabase(async (database) => {
      await database.collection<Row>("one").insertOne({ _id: "a" })
      await database.collection<Row>("two").createIndex({ at: 1 })
      const names = (await database.listCollections().toArray()).map(({ name }) => name)
      assert.sameMembers(names, ["one", "two"])
    }))
})
