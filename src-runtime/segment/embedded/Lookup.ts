/**
 * `$lookup`: for each document those of another collection whose field equals one of its own, through a pipeline of their
 * own. They are found by the hash map of that field; without one, by a map made for the run.
 */
import type { Document } from "bson"
import type { Collection } from "./Collection.ts"
import { fieldOf, type Key, keyOf } from "./Keys.ts"
import { Refused } from "./Refused.ts"
import { type Collections, type Prepared, through } from "./Stage.ts"

type Prepare = (pipeline: ReadonlyArray<Document>, collections: Collections) => ReadonlyArray<Prepared>

/** How the documents that equal a value are found. */
const finder = (collection: Collection, field: string): ((value: unknown) => ReadonlyArray<Document>) => {
  if (collection.knows(field)) return (value) => collection.at(field, value)
  const map = new Map<Key, Array<Document>>()
  for (const document of collection.all()) {
    const value = fieldOf(document, field)
    for (const each of new Set(Array.isArray(value) ? value.map(keyOf) : [keyOf(value)])) {
      const there = map.get(each)
      if (there === undefined) map.set(each, [document])
      else there.push(document)
    }
  }
  return (value) => map.get(keyOf(value)) ?? []
}

export const lookup = (body: Document, collections: Collections, prepare: Prepare): Prepared => {
  const { from, as, localField, foreignField, pipeline = [], ...others } = body
  const [other] = Object.keys(others)
  const names = [from, as, localField, foreignField] as ReadonlyArray<unknown>
  if (other !== undefined || names.some((name) => typeof name !== "string" || name === "" || name.startsWith("$"))) {
    throw new Refused("FailedToParse", other ?? "$lookup needs from, localField, foreignField and as")
  }
  const stages = prepare(pipeline as ReadonlyArray<Document>, collections)
  const belonging = (find: ReturnType<typeof finder>, document: Document): ReadonlyArray<Document> => {
    const value = fieldOf(document, localField as string)
    const found = Array.isArray(value) ? [...new Set(value.flatMap(find))] : find(value)
    return through(stages, found)
  }
  const joiner = (): Prepared["whole"] => {
    const joined = collections(from as string)
    const find = joined === undefined ? () => [] : finder(joined, foreignField as string)
    return (documents) => documents.map((document) => ({ ...document, [as as string]: belonging(find, document) }))
  }
  return { make: () => ({ push: joiner() }), whole: (documents) => joiner()(documents) }
}
