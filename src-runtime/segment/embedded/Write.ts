/** Insertions, updates and deletions, many in one command: each takes effect whole or not at all, and says so by its place. */
import { calculateObjectSize, type Document, deserialize } from "bson"
import * as Allowed from "./Allowed.ts"
import { decode, inspect, reading, Stored } from "./Bytes.ts"
import type { Collection } from "./Collection.ts"
import type { Slice } from "./Cursors.ts"
import * as Filter from "./Filter.ts"
import { isPlain, keyOf } from "./Keys.ts"
import { compare } from "./Order.ts"
import { Refused } from "./Refused.ts"
import { changed, changeOf, inserted, toStore } from "./Update.ts"
import { documentBytesMax } from "./Wire.ts"

/** Statements of one command. */
export const batchMax = 100_000

interface Outcome {
  readonly n: number
  readonly nModified?: number
  readonly upserted?: unknown
}

/** In order, and after the first that fails no more; or, unordered, all of them. */
export const each = async (
  statements: unknown,
  ordered: unknown,
  slice: Slice,
  run: (statement: Document, isAmongFew: boolean) => Outcome
): Promise<Document> => {
  if (!Array.isArray(statements) || statements.length === 0 || statements.length > batchMax) {
    throw new Refused("BadValue", `a command needs 1 to ${batchMax} statements`)
  }
  let n = 0
  let nModified: number | undefined
  const upserted: Array<Document> = []
  const writeErrors: Array<Document> = []
  for (const [index, statement] of (statements as ReadonlyArray<Document>).entries()) {
    try {
      const outcome = run(statement, statements.length <= fewMax)
      n += outcome.n
      if (outcome.nModified !== undefined) nModified = (nModified ?? 0) + outcome.nModified
      if ("upserted" in outcome) upserted.push({ index, _id: outcome.upserted })
    } catch (fault) {
      const refused = fault instanceof Refused ? fault : new Refused("OperationFailed", "the statement failed")
      writeErrors.push({ index, code: refused.code, errmsg: refused.message, ...refused.details })
      if (ordered !== false) break
    }
    await slice.pause()
  }
  return {
    ok: 1,
    n,
    ...(nModified !== undefined && { nModified }),
    ...(upserted.length > 0 && { upserted }),
    ...(writeErrors.length > 0 && { writeErrors })
  }
}

/** A command is hardly longer than one document may be: one that is too long has few beside it. */
const fewMax = 256

const bounded = (document: Document): Document => {
  if (calculateObjectSize(document) > documentBytesMax) {
    throw new Refused("BSONObjectTooLarge", `a document of more than ${documentBytesMax} bytes`)
  }
  return document
}

/** What a statement that came as bytes says of a document to be kept as bytes; `undefined` where it has to be decoded. */
const keysOf = (collection: Collection, given: unknown): Document | undefined => {
  const { keyFields } = collection
  if (keyFields === undefined || !Buffer.isBuffer(given) || given.length > documentBytesMax) return undefined
  const keys = inspect(given, keyFields)
  return keys !== undefined && "_id" in keys ? keys : undefined
}

/** Without the message that it came in. One of many that stay shares its memory with others; one that is replaced does not. */
const keptAmongOthers = (bytes: Buffer): Stored => Stored.ofBytes(Buffer.from(bytes))
const keptAlone = (bytes: Buffer): Stored => {
  const own = Buffer.allocUnsafeSlow(bytes.length)
  own.set(bytes)
  return Stored.ofBytes(own)
}

export const insert = (collection: Collection, document: Document, isAmongFew: boolean): Outcome => {
  const keys = keysOf(collection, document)
  if (keys !== undefined) {
    collection.insert(keys, keptAmongOthers(document as Buffer))
    return { n: 1 }
  }
  const stored = toStore(Buffer.isBuffer(document) ? decode(document) : document)
  collection.insert(isAmongFew ? bounded(stored) : stored)
  return { n: 1 }
}

/** What a projection asks for: one document by its `_id`, and perhaps a number in it that is not above another. */
const isSimple = (filter: Document): boolean =>
  isPlain(filter["_id"]) && Object.entries(filter).every(([name, condition]) => name === "_id" || isBound(condition))

const isBound = (condition: unknown): boolean =>
  isPlain(condition) ||
  (typeof condition === "object" &&
    condition !== null &&
    Object.keys(condition).join() === "$lte" &&
    typeof (condition as Document)["$lte"] === "number")

const passes = (document: Document, filter: Document): boolean =>
  Object.entries(filter).every(([name, condition]) => {
    const value: unknown = document[name]
    return isPlain(condition)
      ? value === condition
      : typeof value === "number" && value <= ((condition as Document)["$lte"] as number)
  })

function* matching(collection: Collection, filter: Document): Generator<Document> {
  // Without compiling anything; a list, of which one value would do, is left to what is compiled.
  if (isSimple(filter)) {
    const document = collection.get(keyOf(filter["_id"]))
    const isList = document !== undefined && Object.keys(filter).some((name) => Array.isArray(document[name]))
    if (!isList) {
      if (document !== undefined && passes(document, filter)) yield document
      return
    }
  }
  const compiled = Filter.compile(filter)
  for (const document of Filter.candidates([compiled], collection)) if (compiled.test(document)) yield document
}

const heed = (statement: Document, ...known: ReadonlyArray<string>): void => {
  for (const name of Object.keys(statement)) {
    if (!known.includes(name)) throw new Refused("InvalidOptions", `the option '${name}' is not known here`)
  }
}

/** A whole document in place of the one with its `_id`, or where there is none: both may stay bytes. */
const replacedAsBytes = (collection: Collection, statement: Document): Outcome | undefined => {
  const { q, u, upsert, multi, ...others } = statement
  const after = keysOf(collection, u)
  if (after === undefined || upsert !== true || multi === true || Object.keys(others).length > 0) return undefined
  const filter = Allowed.checkFilter(decode(q as Buffer))
  if (!isSimple(filter) || filter["_id"] !== after["_id"]) return undefined
  const id = keyOf(after["_id"])
  const names = [...new Set([...(collection.keyFields ?? []), ...Object.keys(filter)])]
  const before = collection.partOf(id, names)
  if (before !== undefined && names.some((name) => Array.isArray(before[name]))) return undefined
  if (before === undefined || !passes(before, filter)) {
    collection.insert(after, keptAlone(u as Buffer))
    return { n: 1, nModified: 0, upserted: after["_id"] }
  }
  collection.replace(before, after, keptAlone(u as Buffer))
  return { n: 1, nModified: 1 }
}

export const update = (collection: Collection, given: Document, isAmongFew: boolean): Outcome => {
  const asBytes = Buffer.isBuffer(given)
    ? replacedAsBytes(collection, deserialize(given, { ...reading, raw: true }))
    : undefined
  return asBytes ?? updateDecoded(collection, Buffer.isBuffer(given) ? decode(given) : given, isAmongFew)
}

const updateDecoded = (collection: Collection, statement: Document, isAmongFew: boolean): Outcome => {
  heed(statement, "q", "u", "upsert", "multi", "hint")
  const filter = Allowed.checkFilter(statement["q"])
  const change = changeOf(statement["u"])
  const isMulti = statement["multi"] === true
  if (isMulti && change.isReplacement) {
    throw new Refused("FailedToParse", "multi update is not supported for replacement-style update")
  }
  // All of them before the first is changed: what an update makes is not found again by it.
  const found: Array<Document> = []
  for (const document of matching(collection, filter)) {
    found.push(document)
    if (!isMulti) break
  }
  if (found.length === 0 && statement["upsert"] === true) {
    const made = inserted(change, filter)
    const document = change.isReplacement && !isAmongFew ? made : bounded(made)
    collection.insert(document)
    return { n: 1, nModified: 0, upserted: document["_id"] }
  }
  let nModified = 0
  for (const before of found) {
    const after = changed(change, before)
    if (compare(before, after) === 0) continue
    collection.replace(before, change.isReplacement && !isAmongFew ? after : bounded(after))
    nModified += 1
  }
  return { n: found.length, nModified }
}

export const remove = (collection: Collection, statement: Document): Outcome => {
  heed(statement, "q", "limit", "hint")
  const found: Array<Document> = []
  for (const document of matching(collection, Allowed.checkFilter(statement["q"]))) {
    found.push(document)
    if (statement["limit"] === 1) break
  }
  for (const document of found) collection.remove(document)
  return { n: found.length }
}
