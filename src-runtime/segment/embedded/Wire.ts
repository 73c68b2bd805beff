/**
 * The MongoDB wire protocol as far as a driver speaks it to a standalone server: OP_MSG both ways, and the OP_QUERY that an
 * older handshake begins with. Bytes become requests and replies become bytes; nothing here knows what a command means.
 *
 * Bounds: a message 48 MB, a document 16 MiB, as the handshake says. What is torn, too long or of another kind is `Malformed`:
 * whoever sent it cannot be answered, since nothing says where its next message would begin.
 */
import { type Document, deserialize, serialize } from "bson"
import { decode, reading } from "./Bytes.ts"

export const messageBytesMax = 48_000_000
export const documentBytesMax = 16 * 1024 * 1024
/** A command may wrap a document of the greatest size. */
const commandBytesMax = documentBytesMax + 16 * 1024
const headerBytes = 16
const documentBytesMin = 5
const sequencesMax = 16

const opReply = 1
const opQuery = 2004
const opMsg = 2013
const checksumPresent = 1
const moreToCome = 2
/** The upper half of the flags may be passed over when they are not understood; these may not. */
const requiredFlags = 0xffff

export class Malformed extends Error {
  override readonly name = "Malformed"
}

export interface Request {
  readonly id: number
  /** The command's name is its first field; arrays that were sent apart from it are fields again. */
  readonly command: Document
  /** False when the sender does not listen. */
  readonly wantsReply: boolean
  readonly isLegacy: boolean
}

/** Of these commands the statements stay bytes, which whoever stores them may keep. */
const withStatements: Readonly<Record<string, string>> = { insert: "documents", update: "updates" }

const bytesAt = (bytes: Buffer, at: number, end: number, bytesMax: number): Buffer => {
  const size = at + documentBytesMin <= end ? bytes.readInt32LE(at) : 0
  if (size < documentBytesMin || size > bytesMax || at + size > end) throw new Malformed("a document out of bounds")
  return bytes.subarray(at, at + size)
}

const decoded = (read: () => Document): Document => {
  try {
    return read()
  } catch {
    throw new Malformed("a document that is not BSON")
  }
}

/** A command's name is its first field. */
const commandOf = (bytes: Buffer): Document => {
  const { name } = nameAt(bytes, 5, bytes.length)
  const statements = Object.hasOwn(withStatements, name) ? withStatements[name] : undefined
  if (statements === undefined) return decoded(() => decode(bytes))
  return decoded(() => deserialize(bytes, { ...reading, fieldsAsRaw: { [statements]: true } }))
}

const nameAt = (bytes: Buffer, at: number, end: number): { name: string; next: number } => {
  const zero = bytes.indexOf(0, at)
  if (zero < 0 || zero >= end) throw new Malformed("a name without an end")
  return { name: bytes.toString("utf8", at, zero), next: zero + 1 }
}

/** Documents that were sent beside the command, under the name of the field that they stand for. */
const sequenceAt = (
  bytes: Buffer,
  at: number,
  end: number
): { name: string; documents: Array<Buffer>; next: number } => {
  const size = at + 4 <= end ? bytes.readInt32LE(at) : 0
  if (size < 5 || at + size > end) throw new Malformed("a sequence out of bounds")
  const { name, next: first } = nameAt(bytes, at + 4, at + size)
  const documents: Array<Buffer> = []
  let next = first
  while (next < at + size) {
    const found = bytesAt(bytes, next, at + size, documentBytesMax)
    documents.push(found)
    next += found.length
  }
  return { name, documents, next }
}

/** Beside a command that does not keep its statements as bytes, they are documents like any other. */
const whole = (command: Document, sequences: Readonly<Record<string, ReadonlyArray<Buffer>>>): Document => {
  const statements = withStatements[Object.keys(command)[0] ?? ""]
  return Object.fromEntries(
    Object.entries(sequences).map(([name, documents]) => [
      name,
      name === statements ? documents : documents.map((bytes) => decoded(() => decode(bytes)))
    ])
  )
}

const messageOf = (bytes: Buffer, id: number): Request => {
  if (bytes.length < headerBytes + 4) throw new Malformed("a message without flags")
  const flags = bytes.readUInt32LE(headerBytes)
  if ((flags & requiredFlags & ~(checksumPresent | moreToCome)) !== 0) throw new Malformed("flags nobody knows")
  const end = bytes.length - ((flags & checksumPresent) === 0 ? 0 : 4)
  let command: Document | undefined
  const sequences: Record<string, ReadonlyArray<Buffer>> = {}
  let at = headerBytes + 4
  let count = 0
  while (at < end) {
    const kind = bytes[at]
    if (kind === 0 && command === undefined) {
      const found = bytesAt(bytes, at + 1, end, commandBytesMax)
      command = commandOf(found)
      at += 1 + found.length
    } else if (kind === 1 && (count += 1) <= sequencesMax) {
      const found = sequenceAt(bytes, at + 1, end)
      sequences[found.name] = found.documents
      at = found.next
    } else throw new Malformed("a section nobody knows")
  }
  if (command === undefined) throw new Malformed("a message without a command")
  return {
    id,
    command: count === 0 ? command : { ...command, ...whole(command, sequences) },
    wantsReply: (flags & moreToCome) === 0,
    isLegacy: false
  }
}

const queryOf = (bytes: Buffer, id: number): Request => {
  const { next } = nameAt(bytes, headerBytes + 4, bytes.length)
  const found = bytesAt(bytes, next + 8, bytes.length, commandBytesMax)
  const document = decoded(() => decode(found))
  const command = (document["$query"] as Document | undefined) ?? document
  return { id, command, wantsReply: true, isLegacy: true }
}

const requestOf = (bytes: Buffer): Request => {
  const id = bytes.readInt32LE(4)
  switch (bytes.readInt32LE(12)) {
    case opMsg:
      return messageOf(bytes, id)
    case opQuery:
      return queryOf(bytes, id)
    default:
      throw new Malformed("an operation nobody knows")
  }
}

/** Cuts the bytes of one connection into requests. */
export class Requests {
  #chunks: Array<Buffer> = []
  #bytes = 0
  /** Of the message that is arriving; 0 while that is not known. */
  #wanted = 0

  /** Only when it is needed, so that a long message is not copied once for each of its pieces. */
  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  /** The requests that are complete with these bytes. Throws `Malformed`. */
  *take(chunk: Buffer): Generator<Request> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      if (this.#wanted === 0 && this.#bytes >= 4) {
        this.#wanted = this.#joined().readInt32LE(0)
        if (this.#wanted < headerBytes || this.#wanted > messageBytesMax) throw new Malformed("a length out of bounds")
      }
      if (this.#wanted === 0 || this.#bytes < this.#wanted) return
      const all = this.#joined()
      const rest = all.subarray(this.#wanted)
      const message = all.subarray(0, this.#wanted)
      this.#chunks = rest.length === 0 ? [] : [rest]
      this.#bytes = rest.length
      this.#wanted = 0
      yield requestOf(message)
    }
  }
}

let lastReply = 0

export const replyTo = (request: Request, document: Document): Buffer => {
  const body = serialize(document, { ignoreUndefined: true })
  const prefix = request.isLegacy ? headerBytes + 20 : headerBytes + 5
  const bytes = Buffer.alloc(prefix + body.length)
  lastReply = (lastReply + 1) & 0x7fffffff
  bytes.writeInt32LE(bytes.length, 0)
  bytes.writeInt32LE(lastReply, 4)
  bytes.writeInt32LE(request.id, 8)
  bytes.writeInt32LE(request.isLegacy ? opReply : opMsg, 12)
  // One document is returned; all other fields of the older reply are zero.
  if (request.isLegacy) bytes.writeInt32LE(1, headerBytes + 16)
  bytes.set(body, prefix)
  return bytes
}
