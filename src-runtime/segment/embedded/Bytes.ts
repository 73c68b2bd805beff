/**
 * Documents that stay the bytes they came as until somebody looks into them: most of what a store is fed is asked for much
 * later, or never. What has to be known at once (that it may be stored, its `_id`, what it is looked up by) is read from the
 * bytes in one walk that makes nothing. Whatever is unusual is not understood here, and left to the decoder.
 */
import { type Document, deserialize } from "bson"

const depthMax = 100
const documentBytesMin = 5
const dollar = 0x24

const kinds = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  int32: 0x10,
  int64: 0x12
} as const

/** Whole numbers of 64 bits whose upper half is outside of these are 2^53 or more. */
const upperMax = 2 ** 21

/** Bytes that end too early, or hold what is not understood. */
const unusual = -1

/** Numbers of 64 bits become plain ones where they fit; what does not stays a `Long` and is refused when it is to be stored. */
export const reading = { promoteLongs: true, promoteValues: true, promoteBuffers: false, bsonRegExp: true } as const

const isWhole = (view: DataView, at: number): boolean => {
  const upper = view.getInt32(at + 4, true)
  return upper >= -upperMax && upper < upperMax && !(upper === -upperMax && view.getUint32(at, true) === 0)
}

/** Where the value ends; `unusual` where it is not understood, or may not be stored. */
const endOf = (kind: number, bytes: Buffer, view: DataView, at: number, end: number, depth: number): number => {
  switch (kind) {
    case kinds.double: {
      const value = at + 8 <= end ? view.getFloat64(at, true) : Number.MAX_VALUE
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? unusual : at + 8
    }
    case kinds.string: {
      const length = at + 4 <= end ? view.getInt32(at, true) : 0
      return length > 0 && at + 4 + length <= end && bytes[at + 3 + length] === 0 ? at + 4 + length : unusual
    }
    case kinds.document:
    case kinds.array:
      return walk(bytes, view, at, end, depth + 1)
    case kinds.boolean:
      return (bytes[at] as number) > 1 ? unusual : at + 1
    case kinds.null:
      return at
    case kinds.date:
      return at + 8
    case kinds.int32:
      return at + 4
    case kinds.int64:
      return at + 8 <= end && isWhole(view, at) ? at + 8 : unusual
    default:
      return unusual
  }
}

/** Through one document; where it ends, or `unusual`. Its fields are told, if somebody wants to hear of them. */
const walk = (
  bytes: Buffer,
  view: DataView,
  start: number,
  end: number,
  depth: number,
  field?: (kind: number, nameAt: number, nameEnd: number, at: number, valueEnd: number) => void
): number => {
  const size = start + documentBytesMin <= end ? view.getInt32(start, true) : 0
  const last = start + size - 1
  if (depth > depthMax || size < documentBytesMin || last >= end || bytes[last] !== 0) return unusual
  let at = start + 4
  while (at < last) {
    const kind = bytes[at] as number
    const nameAt = at + 1
    let nameEnd = nameAt
    while (nameEnd < last && bytes[nameEnd] !== 0) nameEnd += 1
    if (nameEnd >= last || bytes[nameAt] === dollar) return unusual
    const next = endOf(kind, bytes, view, nameEnd + 1, last, depth)
    if (next === unusual || next > last) return unusual
    field?.(kind, nameAt, nameEnd, nameEnd + 1, next)
    at = next
  }
  return at === last ? last + 1 : unusual
}

const plainAt = (kind: number, bytes: Buffer, view: DataView, at: number, end: number): unknown => {
  switch (kind) {
    case kinds.string:
      return bytes.toString("utf8", at + 4, end - 1)
    case kinds.double:
      return view.getFloat64(at, true)
    case kinds.int32:
      return view.getInt32(at, true)
    case kinds.int64:
      return Number(view.getBigInt64(at, true))
    case kinds.boolean:
      return bytes[at] === 1
    case kinds.null:
      return null
    default:
      return undefined
  }
}

const isNamed = (bytes: Buffer, name: Buffer, at: number, end: number): boolean =>
  end - at === name.length && bytes.compare(name, 0, name.length, at, end) === 0

/** A name as bytes; those of indexes and filters are few. */
const nameBytes = new Map<string, Buffer>()
const namesMax = 1_000
const bytesOfName = (name: string): Buffer => {
  let bytes = nameBytes.get(name)
  if (bytes === undefined) {
    if (nameBytes.size >= namesMax) nameBytes.clear()
    bytes = Buffer.from(name)
    nameBytes.set(name, bytes)
  }
  return bytes
}

/**
 * The named fields of a document that may be stored as it is, as far as it has them; `undefined` where it has to be decoded
 * to know: it holds what is unusual, or one of the fields is no plain value.
 */
export const inspect = (bytes: Buffer, names: ReadonlyArray<string>): Document | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const wanted = names.map(bytesOfName)
  const found: Document = {}
  let isPlain = true
  const end = walk(bytes, view, 0, bytes.length, 0, (kind, nameAt, nameEnd, at, valueEnd) => {
    for (const [index, name] of wanted.entries()) {
      if (!isNamed(bytes, name, nameAt, nameEnd)) continue
      const value = plainAt(kind, bytes, view, at, valueEnd)
      if (value === undefined) isPlain = false
      found[names[index] as string] = value
    }
  })
  return end === bytes.length && isPlain ? found : undefined
}

/** A document of a collection: its bytes, or what they say, if it was made here or somebody has looked and it may be kept. */
export class Stored {
  #bytes: Buffer | undefined
  #document: Document | undefined
  /** Bytes that it came as and is not any more: what it weighs is several times as much. */
  openedBytes = 0

  private constructor(bytes: Buffer | undefined, document: Document | undefined) {
    this.#bytes = bytes
    this.#document = document
  }

  static ofBytes(bytes: Buffer): Stored {
    return new Stored(bytes, undefined)
  }

  static of(document: Document): Stored {
    return new Stored(undefined, document)
  }

  /** What it says; where that is not to be kept it is read from the bytes again the next time. */
  read(isToBeKept: boolean): Document {
    if (this.#document !== undefined) return this.#document
    const bytes = this.#bytes as Buffer
    const document = decode(bytes)
    if (isToBeKept) {
      this.openedBytes = bytes.length
      this.#document = document
      this.#bytes = undefined
    }
    return document
  }

  /** Some of its fields, if bytes that were not read yet tell them. */
  only(names: ReadonlyArray<string>): Document | undefined {
    return this.#bytes && inspect(this.#bytes, names)
  }
}

export const decode = (bytes: Buffer): Document => deserialize(bytes, reading)
