/** Questions that MongoDB would answer and the embedded segment store must refuse by name, in every place they may stand. */
import type { Collection, Document } from "mongodb"

export const refusedStages: ReadonlyArray<Document> = [
  { $out: "other" },
  { $merge: { into: "other" } },
  { $unionWith: "other" },
  { $facet: { a: [] } },
  { $group: { _id: null } },
  { $graphLookup: {} },
  { $sample: { size: 1 } },
  { $redact: "$$KEEP" },
  { $geoNear: {} },
  { $search: {} },
  { $currentOp: {} },
  { $listSessions: {} },
  { $changeStream: {} },
  { $documents: [] },
  { $unwind: "$a" },
  { $setWindowFields: {} },
  { $densify: {} },
  { $nothing: {} }
]

const names =
  "$function $accumulator $where $jsonSchema $text $near $geoWithin $rand $sampleRate $toDate $dateToString $convert $toDecimal " +
  "$getField $setField $map $zip $range $concat $split $regexFind $substrCP $meta $comment $bitsAllSet $mod $type " +
  "$elemMatch $objectToArray $mergeObjects $sum $avg $max $min $pow $sqrt $divide $subtract $cond $cmp $toLower $push $first $last $not2"
const refusedUpdates = "$min $max $mul $rename $push $addToSet $pull $pullAll $pop $bit".split(" ")
export const refusedOperators: ReadonlyArray<string> = names.split(" ")

/** Each question, and what it is. */
export const overEachOperation = async <Row extends Document>(
  collection: Collection<Row>,
  check: (what: unknown, asked: Promise<unknown>) => Promise<void>
): Promise<void> => {
  const aggregate = (...pipeline: ReadonlyArray<Document>) => collection.aggregate([...pipeline]).toArray()
  const inside = (pipeline: ReadonlyArray<Document>) => ({
    $lookup: { from: "other", localField: "_id", foreignField: "a", as: "b", pipeline }
  })
  for (const stage of refusedStages) {
    await check(stage, aggregate(stage))
    await check(stage, aggregate({ $match: {} }, stage))
    await check(["within", stage], aggregate(inside([stage])))
  }
  for (const operator of refusedOperators) {
    const expression = { [operator]: "$five" }
    const filters: ReadonlyArray<Document> = [
      { $expr: expression },
      { $expr: { $and: [true, { $eq: [expression, 1] }] } },
      { $or: [{ five: { [operator]: 1 } }] },
      { [operator]: "this" }
    ]
    for (const filter of filters) {
      await check(filter, collection.find(filter as never).toArray())
      await check(["within", filter], aggregate(inside([{ $match: filter }])))
    }
    await check(["update", filters[0]], collection.updateMany(filters[0] as never, { $set: { six: 6 } } as never))
    await check(["delete", filters[2]], collection.deleteMany(filters[2] as never))
    await check(["stage", expression], collection.updateMany({}, [{ $set: { six: expression } }]))
  }
  for (const operator of refusedUpdates) {
    await check(operator, collection.updateMany({}, { [operator]: { five: 1 } }))
  }
  await check("rename", collection.updateMany({}, { $currentDate: { a: true } } as never))
  await check("let", aggregate({ $lookup: { from: "other", as: "b", let: { a: 1 }, pipeline: [] } }))
}
