/**
 * The documents of one collection, by `_id`, with hash maps for what they are looked up by. Documents are never changed,
 * only replaced, so that whoever is reading holds what was there.
 *
 * A document is kept as it came (see `Bytes`) until somebody reads it, and as what it says from then on, up to a bound:
 * beyond it every scan reads the bytes anew, which takes longer, and the store holds a million contacts.
 *
 * Guarantees: a value that a unique index covers is there once; a replacement that fails leaves the old document. An index
 * is asked for by equality alone; everything else is a scan.
 */
import type { Document } from "bson"
import { Stored } from "./Bytes.ts"
import { fieldOf, type Key, keyOf } from "./Keys.ts"
import { Refused } from "./Refused.ts"

export interface IndexDefinition {
  readonly name: string
  readonly fields: ReadonlyArray<string>
  readonly unique: boolean
}

interface HashIndex extends IndexDefinition {
  /** By value of the first field (of all together, where it is unique): one document's key, or several. */
  readonly entries: Map<Key, Ids>
}

/** Most stand alone or with few: a set for each would be most of what an index weighs. */
type Ids = Key | Array<Key> | Set<Key>
const listMax = 16

const countIn = (ids: Ids | undefined): number =>
  ids === undefined ? 0 : Array.isArray(ids) ? ids.length : ids instanceof Set ? ids.size : 1

/** An index on several fields is looked up by its first; a unique one of several has no use beside its promise. */
const isLookup = ({ unique, fields }: IndexDefinition): boolean => !unique || fields.length === 1

/** The keys under which a document stands in an index: one for each element of an array, as in MongoDB. */
const keysIn = (index: IndexDefinition, document: Document): ReadonlyArray<Key> => {
  if (index.unique && index.fields.length > 1) {
    return [JSON.stringify(index.fields.map((field) => keyOf(fieldOf(document, field))))]
  }
  const value = fieldOf(document, index.fields[0] ?? "_id")
  if (!Array.isArray(value)) return [keyOf(value)]
  return value.length === 0 ? [keyOf(value)] : [...new Set(value.map(keyOf))]
}

const isSame = (left: ReadonlyArray<Key>, right: ReadonlyArray<Key>): boolean =>
  left.length === right.length && left.every((key, index) => key === right[index])

/** Of documents that are kept as what they say, in the bytes that they came as; in memory they weigh several times as much. */
const openedBytesMaxDefault = 96 * 1024 * 1024

export class Collection {
  readonly name: string
  readonly #openedBytesMax: number
  #openedBytes = 0
  readonly #documents = new Map<Key, Stored>()
  readonly #indexes = new Map<string, HashIndex>()
  /** `_id` and what it is looked up by; `undefined` where that lies deeper than a document's own fields. */
  #keyFields: ReadonlyArray<string> | undefined = ["_id"]

  constructor(name: string, openedBytesMax = openedBytesMaxDefault) {
    this.name = name
    this.#openedBytesMax = openedBytesMax
  }

  get indexes(): ReadonlyArray<IndexDefinition> {
    return [{ name: "_id_", fields: ["_id"], unique: true }, ...this.#indexes.values()]
  }

  get size(): number {
    return this.#documents.size
  }

  /** Names of the fields without which a document cannot be put here; `undefined` where it has to be whole. */
  get keyFields(): ReadonlyArray<string> | undefined {
    return this.#keyFields
  }

  /** All that are there while somebody reads on. */
  *all(): Generator<Document> {
    for (const stored of this.#documents.values()) yield this.#read(stored)
  }

  get(id: Key): Document | undefined {
    const stored = this.#documents.get(id)
    return stored && this.#read(stored)
  }

  /** Some of the fields of a document, or more of them. */
  partOf(id: Key, names: ReadonlyArray<string>): Document | undefined {
    const stored = this.#documents.get(id)
    return stored && (stored.only(names) ?? this.#read(stored))
  }

  /** False if it is there already. */
  addIndex(definition: IndexDefinition): boolean {
    const known = this.#indexes.get(definition.name)
    if (known !== undefined) {
      if (known.unique === definition.unique && known.fields.join() === definition.fields.join()) return false
      throw new Refused("IndexOptionsConflict", `an index of the name ${definition.name} is different`)
    }
    const index: HashIndex = { ...definition, entries: new Map() }
    for (const [id, stored] of this.#documents) {
      const document = this.#read(stored)
      this.#check(index, keysIn(index, document), id)
      this.#enter(index, keysIn(index, document), id)
    }
    this.#indexes.set(index.name, index)
    const fields = ["_id", ...[...this.#indexes.values()].flatMap((each) => each.fields)]
    this.#keyFields = fields.some((field) => field.includes(".")) ? undefined : [...new Set(fields)]
    return true
  }

  /** Of a document that comes as bytes, its key fields have to be given. */
  insert(document: Document, stored: Stored = Stored.of(document)): void {
    const id = keyOf(document["_id"])
    if (this.#documents.has(id)) throw duplicate(this.name, "_id_", { _id: document["_id"] })
    const keys = this.#keysOf(document)
    for (const [index, own] of keys) this.#check(index, own, id)
    for (const [index, own] of keys) this.#enter(index, own, id)
    this.#put(id, stored)
  }

  /** In place of the one with the same `_id`; of both the key fields will do. */
  replace(before: Document, after: Document, stored: Stored = Stored.of(after)): void {
    const id = keyOf(before["_id"])
    for (const [index, own] of this.#keysOf(after)) {
      if (!isSame(keysIn(index, before), own)) this.#check(index, own, id)
    }
    for (const index of this.#indexes.values()) {
      const [old, own] = [keysIn(index, before), keysIn(index, after)]
      if (isSame(old, own)) continue
      this.#leave(index, old, id)
      this.#enter(index, own, id)
    }
    this.#put(id, stored)
  }

  remove(document: Document): void {
    const id = keyOf(document["_id"])
    for (const index of this.#indexes.values()) this.#leave(index, keysIn(index, document), id)
    this.#put(id, undefined)
  }

  /** Whether equality of the field can be looked up. */
  knows(field: string): boolean {
    return field === "_id" || this.#lookupOf(field) !== undefined
  }

  /** How many documents stand under the values, at most. */
  countOf(field: string, values: ReadonlyArray<unknown>): number {
    if (field === "_id") return values.length
    let count = 0
    for (const value of values) count += countIn(this.#lookupOf(field)?.entries.get(keyOf(value)))
    return count
  }

  /** The documents of which the field equals the value. */
  at(field: string, value: unknown): ReadonlyArray<Document> {
    const key = keyOf(value)
    const ids = field === "_id" ? key : this.#lookupOf(field)?.entries.get(key)
    if (ids === undefined) return []
    const found: Array<Document> = []
    for (const id of typeof ids === "object" && ids !== null ? ids : [ids]) {
      const document = this.get(id)
      if (document !== undefined) found.push(document)
    }
    return found
  }

  /** The documents of which the field equals one of the values, each once. */
  *under(field: string, values: ReadonlyArray<unknown>): Generator<Document> {
    const entries = field === "_id" ? undefined : this.#lookupOf(field)?.entries
    const seen = values.length > 1 ? new Set<Key>() : undefined
    for (const value of values) {
      const key = keyOf(value)
      const ids = entries === undefined ? key : entries.get(key)
      if (ids === undefined) continue
      // A copy: the list may change while somebody reads on. A set may be changed under its reader.
      for (const id of Array.isArray(ids) ? [...ids] : ids instanceof Set ? ids : [ids]) {
        if (seen?.has(id) === true) continue
        seen?.add(id)
        const document = this.get(id)
        if (document !== undefined) yield document
      }
    }
  }

  #read(stored: Stored): Document {
    const before = stored.openedBytes
    const document = stored.read(this.#openedBytes < this.#openedBytesMax)
    this.#openedBytes += stored.openedBytes - before
    return document
  }

  #put(id: Key, stored: Stored | undefined): void {
    this.#openedBytes -= this.#documents.get(id)?.openedBytes ?? 0
    if (stored === undefined) this.#documents.delete(id)
    else this.#documents.set(id, stored)
  }

  #lookupOf(field: string): HashIndex | undefined {
    for (const index of this.#indexes.values()) if (index.fields[0] === field && isLookup(index)) return index
    return undefined
  }

  #keysOf(document: Document): ReadonlyArray<readonly [HashIndex, ReadonlyArray<Key>]> {
    return [...this.#indexes.values()].map((index) => [index, keysIn(index, document)])
  }

  #check(index: HashIndex, keys: ReadonlyArray<Key>, id: Key): void {
    if (!index.unique) return
    for (const key of keys) {
      const holder = index.entries.get(key)
      if (holder !== undefined && holder !== id) throw duplicate(this.name, index.name)
    }
  }

  #enter(index: HashIndex, keys: ReadonlyArray<Key>, id: Key): void {
    for (const key of keys) {
      const there = index.entries.get(key)
      if (there === undefined) index.entries.set(key, id)
      else if (there instanceof Set) there.add(id)
      else if (!Array.isArray(there)) index.entries.set(key, [there, id])
      else if (there.length < listMax) there.push(id)
      else index.entries.set(key, new Set([...there, id]))
    }
  }

  #leave(index: HashIndex, keys: ReadonlyArray<Key>, id: Key): void {
    for (const key of keys) {
      const there = index.entries.get(key)
      if (there instanceof Set) there.delete(id)
      const left = Array.isArray(there) ? there.filter((other) => other !== id) : there === id ? [] : there
      if (left === undefined || countIn(left) === 0) index.entries.delete(key)
      else index.entries.set(key, left)
    }
  }
}

const duplicate = (collection: string, index: string, keyValue?: Document): Refused =>
  new Refused("DuplicateKey", `E11000 duplicate key error collection: ${collection} index: ${index}`, {
    ...(keyValue !== undefined && { keyPattern: { _id: 1 }, keyValue })
  })
