/**
 * What an update makes of a document: operators on whole fields, stages or a whole new one. The stored document is never
 * touched.
 */
import { type Document, Decimal128, Long, ObjectId } from "bson"
import * as Allowed from "./Allowed.ts"
import { keyOf } from "./Keys.ts"
import { Refused } from "./Refused.ts"
import { through } from "./Stage.ts"
import { prepare } from "./Stages.ts"

const depthMax = 100

const tooLarge = (): Refused => new Refused("BadValue", "a whole number of 2^53 or more")

/**
 * Sums and comparisons would pass over it in silence: amounts are whole numbers below 2^53, and nothing else of the kind is
 * taken in.
 */
const storable = (value: unknown, depth: number): void => {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) throw tooLarge()
    return
  }
  if (value instanceof Long) throw tooLarge()
  if (value instanceof Decimal128) throw new Refused("BadValue", "a decimal number: amounts are whole numbers")
  if (depth > depthMax) throw new Refused("BadValue", "it is nested too deeply")
  if (Array.isArray(value)) for (const each of value) storable(each, depth + 1)
  else if (Object.getPrototypeOf(value) === Object.prototype) {
    for (const name in value) {
      if (name.startsWith("$")) throw new Refused("BadValue", `the name ${name} of a field`)
      storable((value as Document)[name], depth + 1)
    }
  }
}

/** As it is to be stored, with an `_id`. */
export const toStore = (document: unknown): Document => {
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new Refused("TypeMismatch", "only documents can be stored")
  }
  storable(document, 0)
  if (!("_id" in document)) return { _id: new ObjectId(), ...document }
  if (Array.isArray(document._id)) throw new Refused("BadValue", "an _id cannot be an array")
  return document
}

export interface Change {
  readonly isReplacement: boolean
  /** Of the document as it is, or of what an insertion begins with. */
  readonly apply: (document: Document, isInsertion: boolean) => Document
}

type Operator = (present: unknown, given: unknown, isInsertion: boolean) => unknown

/** What each makes of a field; of none that is there `undefined`, and none stays behind it. */
const operators: Readonly<Record<string, Operator>> = {
  $set: (_, given) => given,
  $setOnInsert: (present, given, isInsertion) => (isInsertion ? given : present),
  $unset: () => undefined,
  $inc: (present = 0, given) => {
    if (typeof present !== "number" || typeof given !== "number") {
      throw new Refused("TypeMismatch", "$inc needs numbers")
    }
    return present + given
  }
}

interface FieldChange {
  readonly field: string
  readonly operator: Operator
  readonly given: unknown
}

const fieldChanges = (name: string, body: unknown): ReadonlyArray<FieldChange> => {
  const operator = operators[name]
  if (operator === undefined || typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Refused("FailedToParse", `${name} needs a document`)
  }
  return Object.entries(body).map(([field, given]) => {
    if (field === "_id") throw new Refused("ImmutableField", "the (immutable) field '_id' would be altered")
    if (field === "" || field.includes(".")) throw new Refused("BadValue", `'${field}': only whole fields are changed`)
    return { field, operator, given }
  })
}

/** Fields that are new stand in the order of their names. */
const byOperators = (given: Document): Change => {
  const changes = Object.entries(given)
    .flatMap(([name, body]) => fieldChanges(name, body))
    .toSorted((left, right) => (left.field < right.field ? -1 : 1))
  if (new Set(changes.map(({ field }) => field)).size < changes.length) {
    throw new Refused("ConflictingUpdateOperators", "a field is changed twice")
  }
  return {
    isReplacement: false,
    apply: (document, isInsertion) => {
      const after: Document = { ...document }
      for (const { field, operator, given } of changes) {
        const value = operator(after[field], given, isInsertion)
        if (value === undefined) delete after[field]
        else after[field] = value
      }
      return after
    }
  }
}

const byStages = (pipeline: ReadonlyArray<Document>): Change => {
  const stages = prepare(pipeline, () => undefined)
  return {
    isReplacement: false,
    apply: (document) => {
      const [after] = through(stages, [document])
      if (after === undefined) throw new Refused("BadValue", "nothing is left of the document")
      return after
    }
  }
}

export const changeOf = (given: unknown): Change => {
  const checked = Allowed.checkUpdate(given)
  if (Array.isArray(checked)) return byStages(checked as ReadonlyArray<Document>)
  const body = checked as Document
  if (Object.keys(body)[0]?.startsWith("$") === true) return byOperators(body)
  return {
    isReplacement: true,
    // It is as good as a copy: nobody else has what came in a message.
    apply: (document) => ("_id" in body || !("_id" in document) ? body : { _id: document["_id"], ...body })
  }
}

/** Changed as asked, with its `_id` as it was. */
export const changed = (change: Change, before: Document): Document => {
  const after = toStore(change.apply(before, false))
  if (keyOf(after["_id"]) !== keyOf(before["_id"])) {
    throw new Refused("ImmutableField", "the (immutable) field '_id' would be altered")
  }
  return after
}

/** What a filter says that the document is, for an upsert that found none. */
const seedOf = (filter: Document): Document => {
  const seed: Document = {}
  for (const [name, condition] of Object.entries(filter)) {
    if (name === "$and" && Array.isArray(condition)) {
      for (const each of condition as ReadonlyArray<Document>) Object.assign(seed, seedOf(each))
    } else if (!name.startsWith("$") && !name.includes(".")) {
      const isOperators =
        typeof condition === "object" &&
        condition !== null &&
        Object.keys(condition as Document)[0]?.startsWith("$") === true
      const value: unknown = isOperators ? (condition as Document)["$eq"] : condition
      if (value !== undefined) seed[name] = value
    }
  }
  return seed
}

export const inserted = (change: Change, filter: Document): Document => {
  const seed = seedOf(filter)
  // A whole document takes nothing from the filter but its `_id`.
  const own = change.isReplacement ? ("_id" in seed ? { _id: seed["_id"] } : {}) : seed
  return toStore(change.apply(own, true))
}
