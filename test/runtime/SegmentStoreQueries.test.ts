/**
 * The contract of the segment store, what is asked of it: what each stage and operator that segments use means, with null,
 * missing, lists and instants; the same on the embedded store and on a MongoDB (see `SegmentStores.ts`).
 */
import { assert, it } from "@effect/vitest"
import type { Collection, Document } from "mongodb"
import { overEachStore } from "./SegmentStores.ts"

interface Row extends Document {
  readonly _id: string
}

const people: ReadonlyArray<Row> = [
  { _id: "full", age: 30, name: "Ελένη", tags: ["gold", "new"], wallet: { balance: 500 }, at: 1_700_000_000_000 },
  { _id: "null", age: null, name: null, tags: [], wallet: { balance: null } },
  { _id: "none" },
  { _id: "zero", age: 0, name: "", tags: ["gold"], wallet: { balance: 0 }, at: 0 },
  { _id: "text", age: "30", name: "anna", tags: "gold", wallet: "none" },
  { _id: "list", age: [10, 40], name: ["x", "Anna"], people: [{ role: "owner", since: 5 }, { role: "guest" }] }
]

const nested: ReadonlyArray<Row> = [
  { _id: "inner", rows: [[{ at: 1 }, 2], { at: 3 }] },
  { _id: "flat", rows: [{ at: 1 }, 2] },
  { _id: "empty", rows: [] },
  { _id: "emptier", rows: [[]] }
]

overEachStore("filters", ({ withDatabase }) => {
  const matches = (
    cases: ReadonlyArray<readonly [filter: Document, expected: ReadonlyArray<string>]>,
    rows: ReadonlyArray<Row> = people
  ) =>
    withDatabase(async (database) => {
      const all = database.collection<Row>("people")
      await all.insertMany([...rows])
      for (const [filter, expected] of cases) {
        const found = (await all.find(filter as never).toArray()).map(({ _id }) => _id)
        assert.sameMembers(found, [...expected], JSON.stringify(filter))
      }
    })

  it("compare within one kind of values; null and missing are equal to null alone", () =>
    matches([
      [{ age: 30 }, ["full"]],
      [{ age: { $eq: null } }, ["null", "none"]],
      [{ age: { $ne: null } }, ["full", "zero", "text", "list"]],
      [{ age: { $ne: 30 } }, ["null", "none", "zero", "text", "list"]],
      [{ age: { $gte: 0 } }, ["full", "zero", "list"]],
      [{ age: { $lt: 30 } }, ["zero", "list"]],
      [{ age: { $gt: "2" } }, ["text"]],
      [{ age: { $gte: 20, $lt: 35 } }, ["full", "list"]],
      [{ age: { $in: [0, "30", null] } }, ["zero", "text", "null", "none"]],
      [{ age: { $nin: [0, null] } }, ["full", "text", "list"]],
      [{ _id: { $in: [] } }, []],
      [{ at: { $gte: 1_600_000_000_000, $lt: 1_800_000_000_000 } }, ["full"]],
      [{ at: { $lte: 0 } }, ["zero"]]
    ]))

  it("look into documents and lists", () =>
    matches([
      [{ "wallet.balance": { $gte: 0 } }, ["full", "zero"]],
      [{ "wallet.balance": null }, ["null", "none", "text", "list"]],
      [{ tags: "gold" }, ["full", "zero", "text"]],
      [{ tags: { $in: ["new", "old"] } }, ["full"]],
      [{ tags: { $all: ["gold", "new"] } }, ["full"]],
      [{ tags: { $nin: ["gold"] } }, ["null", "none", "list"]],
      [{ "tags.0": { $exists: true } }, ["full", "zero"]],
      [{ "tags.0": { $exists: false } }, ["null", "none", "text", "list"]],
      [{ tags: { $exists: false } }, ["none", "list"]],
      [{ "people.role": "guest" }, ["list"]],
      [{ "people.since": { $gt: 4 } }, ["list"]]
    ]))

  it("look into lists within lists by place alone, and meet nothing where a place is not taken", () =>
    matches(
      [
        [{ "rows.at": 1 }, ["flat"]],
        [{ "rows.at": 3 }, ["inner"]],
        [{ "rows.at": null }, []],
        [{ "rows.0.at": 1 }, ["inner", "flat"]],
        [{ "rows.0.1": 2 }, ["inner"]],
        [{ "rows.0": 2 }, []],
        [{ "rows.1": 2 }, ["flat"]],
        // A document in the list has no field of that name.
        [{ "rows.2": null }, ["inner", "flat"]],
        [{ "rows.1": { $exists: false } }, ["empty", "emptier"]],
        [{ $expr: { $eq: ["$rows.at", [3]] } }, ["inner"]],
        [{ $expr: { $eq: ["$rows.at", []] } }, ["empty", "emptier"]]
      ],
      nested
    ))

  it("find patterns anywhere in a text, and in no other value", () =>
    matches([
      [{ name: { $regex: "^Ελ" } }, ["full"]],
      [{ name: { $regex: "ANNA", $options: "i" } }, ["text", "list"]],
      [{ name: /nna$/ }, ["text", "list"]],
      [{ name: { $regex: String.raw`νη\z` } }, ["full"]],
      [{ age: { $regex: "3" } }, ["text"]]
    ]))

  it("join conditions", () =>
    matches([
      [{ $and: [{ age: { $gte: 0 } }, { tags: "gold" }] }, ["full", "zero"]],
      [{ $or: [{ age: 0 }, { name: "anna" }] }, ["zero", "text"]],
      [{ $nor: [{ age: { $gte: 0 } }, { age: null }] }, ["text"]],
      [{ $expr: { $gt: ["$age", 20] } }, ["full", "text", "list"]],
      [{ $expr: { $eq: ["$age", null] } }, ["null"]]
    ]))
})

/** Of `$switch`; its field would make it a promise to some. */
const branch = (condition: unknown, outcome: unknown): Document =>
  Object.fromEntries(
    Object.entries({ case: condition, outcome }).map(([name, value]) => [name === "case" ? name : "then", value])
  )

const one = async (collection: Collection<Row>, expression: unknown): Promise<boolean> =>
  (await collection.find({ $expr: expression }).toArray()).length === 1

overEachStore("expressions", ({ withDatabase }) => {
  it("mean the same as in MongoDB, where missing is not null and all values have an order", () =>
    withDatabase(async (database) => {
      const single = database.collection<Row>("single")
      await single.insertOne({
        _id: "a",
        five: 5,
        none: null,
        text: "$five",
        tags: ["x", "y"],
        empty: [],
        events: [
          { type: "A", at: 10, amount: 3 },
          { type: "B", at: 20 },
          { type: "A", at: 30, amount: 4 }
        ]
      })
      const typed = (type: string) => ({
        $filter: { input: "$events", as: "event", cond: { $eq: ["$$event.type", { $literal: type }] } }
      })
      const sum = {
        $reduce: { input: "$events", initialValue: 0, in: { $add: ["$$value", { $ifNull: ["$$this.amount", 0] }] } }
      }
      const since = {
        $switch: {
          branches: [branch({ $eq: ["$five", 4] }, "four"), branch("$five", "some")],
          default: "none"
        }
      }
      const truths: ReadonlyArray<unknown> = [
        { $eq: ["$five", 5] },
        { $eq: ["$none", null] },
        { $lt: ["$missing", "$none"] },
        { $lt: ["$none", "$five"] },
        { $lt: ["$five", "$text"] },
        { $lt: ["$text", "$events"] },
        { $eq: ["$text", { $literal: "$five" }] },
        { $eq: [{ $ifNull: ["$missing", "$none", 7] }, 7] },
        { $isNumber: "$five" },
        { $in: ["$five", { $literal: [4, 5] }] },
        { $eq: [{ $size: typed("A") }, 2] },
        { $eq: [sum, 7] },
        { $eq: [{ $add: ["$five", 1, { $multiply: ["$five", 100] }] }, 506] },
        { $eq: [{ $add: ["$five", "$missing"] }, null] },
        { $eq: [{ $let: { vars: { found: { $arrayElemAt: [typed("A"), -1] } }, in: "$$found.at" } }, 30] },
        { $eq: [{ $ifNull: [{ $arrayElemAt: [typed("C"), 0] }, "nobody"] }, "nobody"] },
        { $setIsSubset: [["x"], "$tags"] },
        { $eq: [{ $size: { $setIntersection: ["$tags", ["y", "z"]] } }, 1] },
        { $eq: [since, "some"] },
        { $eq: ["$events.at", [10, 20, 30]] },
        { $and: [] },
        { $not: [{ $or: [] }] },
        { $regexMatch: { input: "$text", regex: { $literal: "^.five" } } },
        { $regexMatch: { input: { $ifNull: ["$missing", "$text"] }, regex: { $literal: "(?i)FIVE\\z" } } }
      ]
      for (const truth of truths) assert.isTrue(await one(single, truth), JSON.stringify(truth))
      const untruths: ReadonlyArray<unknown> = [
        { $eq: ["$missing", null] },
        { $eq: ["$tags", "x"] },
        { $isNumber: "$none" },
        { $isNumber: "$missing" },
        { $setIsSubset: [["x", "z"], "$tags"] },
        { $gt: [{ $size: "$empty" }, 0] },
        { $and: ["$five", 0] },
        { $or: [null, false, "$missing"] },
        { $regexMatch: { input: "$text", regex: { $literal: "^five" } } },
        { $regexMatch: { input: "$missing", regex: { $literal: "" } } },
        { $regexMatch: { input: "$none", regex: { $literal: "" } } }
      ]
      for (const untruth of untruths) assert.isFalse(await one(single, untruth), JSON.stringify(untruth))
    }))

  it("refuse what has no answer instead of giving one", () =>
    withDatabase(async (database) => {
      const single = database.collection<Row>("single")
      await single.insertOne({ _id: "a", five: 5 })
      for (const wrong of [
        { $size: "$five" },
        { $size: "$missing" },
        { $in: [1, "$five"] },
        { $add: ["$five", "text"] },
        { $setIsSubset: ["$missing", [1]] },
        { $switch: { branches: [branch(false, 1)] } },
        { $eq: ["$$nobody", 1] },
        { $regexMatch: { input: "$five", regex: "5" } },
        { $regexMatch: { input: "five", regex: "(" } },
        { $eq: [1] }
      ]) {
        const refused = await one(single, wrong).then(
          () => false,
          () => true
        )
        assert.isTrue(refused, JSON.stringify(wrong))
      }
    }))
})

overEachStore("pipelines", ({ withDatabase }) => {
  it("join each profile with its events, filtered, in order and cut to what is asked", () =>
    withDatabase(async (database) => {
      const profiles = database.collection<Row>("profiles")
      const events = database.collection<Row>("events")
      for (const isIndexed of [false, true]) {
        if (isIndexed) await events.createIndex({ contact: 1, at: 1 })
        else {
          await profiles.insertMany(["a", "b", "c"].map((id) => ({ _id: id, business: "x" })))
          await events.insertMany([
            { _id: "0/2", contact: "a", type: "T", at: 20, sequence: 2, own: { x: 1, y: 2 } },
            { _id: "0/1", contact: "a", type: "T", at: 10, sequence: 1 },
            { _id: "0/3", contact: "a", type: "U", at: 30, sequence: 3 },
            { _id: "1/1", contact: "b", type: "T", at: 40, sequence: 1 }
          ])
        }
        const lookup = {
          from: "events",
          localField: "_id",
          foreignField: "contact",
          as: "events",
          pipeline: [
            { $match: { type: { $in: ["T"] }, at: { $lte: 30 } } },
            { $sort: { sequence: 1 } },
            { $project: { _id: 0, at: 1, "own.x": 1 } }
          ]
        }
        const joined = await profiles
          .aggregate([{ $match: { business: "x" } }, { $lookup: lookup }, { $sort: { _id: 1 } }])
          .toArray()
        assert.deepStrictEqual(joined, [
          { _id: "a", business: "x", events: [{ at: 10 }, { at: 20, own: { x: 1 } }] },
          { _id: "b", business: "x", events: [] },
          { _id: "c", business: "x", events: [] }
        ])
        const counted = await profiles
          .aggregate([
            { $lookup: lookup },
            { $match: { $expr: { $eq: [{ $size: "$events" }, 2] } } },
            { $project: { _id: 1 } }
          ])
          .toArray()
        assert.deepStrictEqual(counted, [{ _id: "a" }])
      }
    }))

  it("find by lists of thousands, by an indexed field as by any other", () =>
    withDatabase(async (database) => {
      const many = database.collection<Row>("many")
      await many.createIndex({ group: 1 })
      await many.insertMany(
        Array.from({ length: 9_000 }, (_, number) => ({ _id: `${number}`, group: number % 3_000, other: number }))
      )
      const wanted = Array.from({ length: 2_500 }, (_, number) => number * 2)
      assert.lengthOf(await many.find({ group: { $in: wanted } }).toArray(), 1_500 * 3)
      assert.lengthOf(await many.find({ other: { $in: wanted } }).toArray(), 2_500)
      assert.lengthOf(await many.find({ _id: { $in: wanted.map(String) } }).toArray(), 2_500)
      await many.updateMany({ group: 7 }, { $set: { group: [1, 2] } })
      await many.deleteMany({ group: 2, other: { $lt: 3_000 } })
      assert.lengthOf(await many.find({ group: 2 }).toArray(), 2 + 2)
      assert.lengthOf(await many.find({ group: 7 }).toArray(), 0)
    }))
})
