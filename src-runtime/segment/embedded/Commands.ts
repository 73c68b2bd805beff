/**
 * The commands of the embedded segment store. What is not here is answered with CommandNotFound, and an option that would
 * change what a command means is refused: nothing is ever passed over that a MongoDB server would have heeded.
 */
import { type Document, Long } from "bson"
import * as Allowed from "./Allowed.ts"
import { Collection, type IndexDefinition } from "./Collection.ts"
import { Cursor, Cursors, drive, firstBatchDefault, Slice } from "./Cursors.ts"
import * as Filter from "./Filter.ts"
import { fieldOf, type Key, keyOf } from "./Keys.ts"
import { Refused } from "./Refused.ts"
import { prepare } from "./Stages.ts"
import { documentBytesMax, messageBytesMax } from "./Wire.ts"
import * as Write from "./Write.ts"

/** What a server of MongoDB 7.0 speaks. */
const wireVersionMax = 21
const indexesMax = 32

type Handler = (command: Document, slice: Slice) => Document | Promise<Document>

/** Said with every command, and of no consequence to a server alone with one copy of its data in memory. */
const harmless: ReadonlySet<string> = new Set([
  "$db",
  "lsid",
  "$clusterTime",
  "$readPreference",
  "readConcern",
  "writeConcern",
  "comment",
  "maxTimeMS",
  "apiVersion",
  "allowDiskUse",
  "hint",
  "noCursorTimeout",
  "bypassDocumentValidation"
])

const text = (value: unknown, what: string): string => {
  if (typeof value !== "string" || value === "" || value.includes("\0") || value.includes("$")) {
    throw new Refused("InvalidNamespace", `${what} has to be a name`)
  }
  return value
}

const heed = (command: Document, ...known: ReadonlyArray<string>): void => {
  for (const [name, value] of Object.entries(command)) {
    if (harmless.has(name) || known.includes(name) || value === undefined) continue
    throw new Refused("InvalidOptions", `the option '${name}' is not known here`)
  }
}

const wholeNumber = (value: unknown, name: string): number | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw new Refused("BadValue", `${name} has to be a whole number`)
  }
  return value
}

const indexOf = (given: unknown): IndexDefinition => {
  const { key, name, unique, v: _, background: _1, ...others } = given as Document
  const fields = Object.keys((key ?? {}) as Document)
  const isPlain = Object.values((key ?? {}) as Document).every((direction) => direction === 1 || direction === -1)
  const [other] = Object.keys(others)
  if (fields.length === 0 || !isPlain || typeof name !== "string" || other !== undefined) {
    throw new Refused("CannotCreateIndex", other === undefined ? "an index of that kind" : `an index with '${other}'`)
  }
  return { name, fields, unique: unique === true }
}

export class Store {
  readonly #databases = new Map<string, Map<string, Collection>>()
  readonly cursors = new Cursors()
  readonly #handlers: ReadonlyMap<string, Handler>

  constructor() {
    const handlers: Record<string, Handler> = {
      hello: this.#hello,
      isMaster: this.#hello,
      ismaster: this.#hello,
      ping: () => ({ ok: 1 }),
      endSessions: () => ({ ok: 1 }),
      insert: this.#insert,
      update: this.#update,
      delete: this.#delete,
      find: this.#find,
      aggregate: this.#aggregate,
      getMore: this.#getMore,
      killCursors: this.#killCursors,
      count: this.#count,
      distinct: this.#distinct,
      createIndexes: this.#createIndexes,
      drop: this.#drop,
      listCollections: this.#listCollections
    }
    this.#handlers = new Map(Object.entries(handlers))
  }

  /** The answer, or that it was refused and why; whatever else goes wrong says no more than its name. */
  async answer(command: Document): Promise<Document> {
    const name = Object.keys(command)[0] ?? ""
    try {
      const handler = this.#handlers.get(name)
      if (handler === undefined) throw new Refused("CommandNotFound", `no such command: '${name}'`)
      return await handler(command, new Slice())
    } catch (fault) {
      if (fault instanceof Refused) return fault.reply
      // mingo's own words about an expression that it does not take.
      const message = fault instanceof Error ? `${fault.name}: ${fault.message}` : "it failed"
      return new Refused("OperationFailed", message.slice(0, 500)).reply
    }
  }

  #collections(command: Document): Map<string, Collection> {
    const name = text(command["$db"], "a database")
    let database = this.#databases.get(name)
    if (database === undefined) {
      database = new Map()
      this.#databases.set(name, database)
    }
    return database
  }

  /** Made when it is first written to. */
  #written(command: Document, name: unknown): Collection {
    const collections = this.#collections(command)
    const wanted = text(name, "a collection")
    let collection = collections.get(wanted)
    if (collection === undefined) {
      collection = new Collection(wanted)
      collections.set(wanted, collection)
    }
    return collection
  }

  /** One that is not there is empty. */
  #read(command: Document, name: unknown): Collection {
    return this.#collections(command).get(text(name, "a collection")) ?? new Collection(String(name))
  }

  readonly #hello: Handler = () => ({
    helloOk: true,
    isWritablePrimary: true,
    ismaster: true,
    maxBsonObjectSize: documentBytesMax,
    maxMessageSizeBytes: messageBytesMax,
    maxWriteBatchSize: Write.batchMax,
    minWireVersion: 0,
    maxWireVersion: wireVersionMax,
    readOnly: false,
    ok: 1
  })

  readonly #insert: Handler = (command, slice) => {
    heed(command, "insert", "documents", "ordered")
    const collection = this.#written(command, command["insert"])
    return Write.each(command["documents"], command["ordered"], slice, (document, isAmongFew) =>
      Write.insert(collection, document, isAmongFew)
    )
  }

  readonly #update: Handler = (command, slice) => {
    heed(command, "update", "updates", "ordered")
    const collection = this.#written(command, command["update"])
    return Write.each(command["updates"], command["ordered"], slice, (update, isAmongFew) =>
      Write.update(collection, update, isAmongFew)
    )
  }

  readonly #delete: Handler = (command, slice) => {
    heed(command, "delete", "deletes", "ordered")
    const collection = this.#written(command, command["delete"])
    return Write.each(command["deletes"], command["ordered"], slice, (removal) => Write.remove(collection, removal))
  }

  /** The filters in front say where to look. */
  #cursor(command: Document, name: string, pipeline: ReadonlyArray<Document>): Cursor {
    const collection = this.#read(command, name)
    const collections = this.#collections(command)
    const filters: Array<Filter.Filter> = []
    for (const stage of pipeline) {
      if (!("$match" in stage)) break
      filters.push(Filter.compile(stage["$match"] as Document))
    }
    const source = Filter.candidates(filters, collection)
    const stages = prepare(pipeline, (other) => collections.get(other))
    return new Cursor(`${String(command["$db"])}.${name}`, drive(source, stages))
  }

  readonly #find: Handler = (command, slice) => {
    heed(command, "find", "filter", "sort", "projection", "skip", "limit", "batchSize", "singleBatch")
    const { sort, projection, find } = command
    const [skip = 0, limit = 0] = [wholeNumber(command["skip"], "skip"), wholeNumber(command["limit"], "limit")]
    const isGiven = (value: unknown): boolean => Object.keys(value ?? {}).length > 0
    const pipeline = Allowed.checkPipeline([
      { $match: Allowed.checkFilter(command["filter"]) },
      ...(isGiven(sort) ? [{ $sort: sort as Document }] : []),
      ...(skip > 0 ? [{ $skip: skip }] : []),
      ...(limit > 0 ? [{ $limit: limit }] : []),
      ...(isGiven(projection) ? [{ $project: projection as Document }] : [])
    ])
    const cursor = this.#cursor(command, text(find, "a collection"), pipeline)
    const size = wholeNumber(command["batchSize"], "batchSize") ?? firstBatchDefault
    return this.cursors.begin(cursor, size, command["singleBatch"] === true, slice)
  }

  readonly #aggregate: Handler = (command, slice) => {
    heed(command, "aggregate", "pipeline", "cursor")
    const pipeline = Allowed.checkPipeline(command["pipeline"])
    const cursor = this.#cursor(command, text(command["aggregate"], "a collection"), pipeline)
    const size =
      wholeNumber((command["cursor"] as Document | undefined)?.["batchSize"], "batchSize") ?? firstBatchDefault
    return this.cursors.begin(cursor, size, false, slice)
  }

  readonly #getMore: Handler = (command, slice) => {
    heed(command, "getMore", "collection", "batchSize")
    const namespace = `${String(command["$db"])}.${text(command["collection"], "a collection")}`
    return this.cursors.more(command["getMore"], namespace, wholeNumber(command["batchSize"], "batchSize"), slice)
  }

  readonly #killCursors: Handler = (command) => {
    heed(command, "killCursors", "cursors")
    const ids: unknown = command["cursors"]
    if (!Array.isArray(ids)) throw new Refused("TypeMismatch", "cursors has to be an array")
    return this.cursors.kill(ids)
  }

  readonly #count: Handler = async (command, slice) => {
    heed(command, "count", "query", "skip", "limit", "fields")
    const name = text(command["count"], "a collection")
    const filter = Allowed.checkFilter(command["query"])
    const [skip = 0, limit = 0] = [wholeNumber(command["skip"], "skip"), wholeNumber(command["limit"], "limit")]
    if (Object.keys(filter).length === 0 && skip === 0 && limit === 0) {
      return { ok: 1, n: this.#read(command, name).size }
    }
    const pipeline = [
      { $match: filter },
      ...(skip > 0 ? [{ $skip: skip }] : []),
      ...(limit > 0 ? [{ $limit: limit }] : []),
      { $count: "n" }
    ]
    const [found] = await this.#cursor(command, name, pipeline).next(1, slice)
    return { ok: 1, n: (found?.["n"] as number | undefined) ?? 0 }
  }

  readonly #distinct: Handler = async (command, slice) => {
    heed(command, "distinct", "key", "query")
    const name = text(command["distinct"], "a collection")
    const { key } = command
    if (typeof key !== "string") throw new Refused("TypeMismatch", "key has to be the name of a field")
    const cursor = this.#cursor(command, name, [{ $match: Allowed.checkFilter(command["query"]) }])
    const values = new Map<Key, unknown>()
    while (!cursor.isExhausted) {
      for (const document of await cursor.next(undefined, slice)) {
        const value = fieldOf(document, key)
        if (value === undefined) continue
        for (const each of Array.isArray(value) ? (value as ReadonlyArray<unknown>) : [value])
          values.set(keyOf(each), each)
      }
    }
    return { ok: 1, values: [...values.values()] }
  }

  readonly #createIndexes: Handler = (command) => {
    heed(command, "createIndexes", "indexes", "commitQuorum")
    const collection = this.#written(command, command["createIndexes"])
    const given: unknown = command["indexes"]
    if (!Array.isArray(given) || given.length === 0) throw new Refused("BadValue", "indexes has to be an array")
    const numIndexesBefore = collection.indexes.length
    if (numIndexesBefore + given.length > indexesMax) throw new Refused("CannotCreateIndex", "too many indexes")
    for (const definition of given.map(indexOf)) if (definition.name !== "_id_") collection.addIndex(definition)
    return { ok: 1, numIndexesBefore, numIndexesAfter: collection.indexes.length }
  }

  readonly #drop: Handler = (command) => {
    heed(command, "drop")
    const name = text(command["drop"], "a collection")
    if (!this.#collections(command).delete(name)) throw new Refused("NamespaceNotFound", "ns not found")
    return { ok: 1, ns: `${String(command["$db"])}.${name}` }
  }

  readonly #listCollections: Handler = (command) => {
    heed(command, "listCollections", "filter", "nameOnly", "cursor", "authorizedCollections")
    const filter = Filter.compile(Allowed.checkFilter(command["filter"])).test
    const firstBatch = [...this.#collections(command).keys()]
      .map((name) => ({ name, type: "collection", options: {}, info: { readOnly: false } }))
      .filter(filter)
    return { ok: 1, cursor: { id: Long.ZERO, ns: `${String(command["$db"])}.$cmd.listCollections`, firstBatch } }
  }
}
