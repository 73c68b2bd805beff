/**
 * Cursors: results that are handed out in batches, made only as they are asked for. Work on them is cut into pieces, and
 * whoever else waits has its turn in between. A batch is bounded in documents and bytes; of too many cursors, and of those that
 * nobody asked for in a long time, the oldest leave.
 */
import { calculateObjectSize, type Document, Long } from "bson"
import { Refused } from "./Refused.ts"
import { feed, finish, pieceSize, type Prepared, type Stage } from "./Stage.ts"

const cursorsMax = 512
const idleMaxMs = 600_000
export const firstBatchDefault = 101
const batchDocumentsMax = 50_000
/** Below the bound of a document, which a batch is part of. */
const batchBytesMax = 12 * 1024 * 1024
/** After so long others have their turn. */
const sliceMs = 4

/** Gives way to everybody else once its time is over. */
export class Slice {
  #until = performance.now() + sliceMs

  async pause(): Promise<void> {
    if (performance.now() < this.#until) return
    await new Promise<void>((resolve) => void setImmediate(resolve))
    this.#until = performance.now() + sliceMs
  }
}

/** The documents that come out at the end, in pieces; an empty one is a place to pause. */
export function* drive(
  source: Iterable<Document>,
  prepared: ReadonlyArray<Prepared>
): Generator<ReadonlyArray<Document>> {
  const stages: ReadonlyArray<Stage> = prepared.map((stage) => stage.make())
  let piece: Array<Document> = []
  const isFull = (): boolean => stages.some((stage) => stage.isFull?.() === true)
  for (const document of source) {
    piece.push(document)
    if (piece.length < pieceSize) continue
    yield feed(stages, 0, piece)
    piece = []
    if (isFull()) break
  }
  yield feed(stages, 0, piece)
  yield* finish(stages)
}

export class Cursor {
  readonly namespace: string
  readonly #pieces: Iterator<ReadonlyArray<Document>>
  #waiting: Array<Document> = []
  #isOver = false
  usedAt = performance.now()
  /** Somebody is reading on: two at once would mix up what they get. */
  isBusy = false

  constructor(namespace: string, pieces: Iterator<ReadonlyArray<Document>>) {
    this.namespace = namespace
    this.#pieces = pieces
  }

  get isExhausted(): boolean {
    return this.#isOver && this.#waiting.length === 0
  }

  async next(count: number | undefined, slice: Slice): Promise<ReadonlyArray<Document>> {
    const most = Math.min(count ?? batchDocumentsMax, batchDocumentsMax)
    const batch: Array<Document> = []
    let bytes = 0
    let at = 0
    for (;;) {
      if (at === this.#waiting.length) {
        this.#waiting = []
        at = 0
        await this.#more(slice)
        if (this.#waiting.length === 0) break
      }
      if (batch.length >= most) break
      const document = this.#waiting[at] as Document
      bytes += calculateObjectSize(document)
      if (bytes > batchBytesMax && batch.length > 0) break
      batch.push(document)
      at += 1
    }
    this.#waiting = at === 0 ? this.#waiting : this.#waiting.slice(at)
    this.usedAt = performance.now()
    return batch
  }

  async #more(slice: Slice): Promise<void> {
    while (!this.#isOver && this.#waiting.length === 0) {
      const { done, value } = this.#pieces.next()
      if (done === true) this.#isOver = true
      else this.#waiting.push(...value)
      await slice.pause()
    }
  }
}

export class Cursors {
  readonly #open = new Map<string, Cursor>()
  #last = 0

  get size(): number {
    return this.#open.size
  }

  /** The first batch, under a number to ask for the next one with; 0 if there is none. */
  async begin(cursor: Cursor, count: number, isSingle: boolean, slice: Slice): Promise<Document> {
    const firstBatch = count === 0 ? [] : await cursor.next(count, slice)
    const id = isSingle || cursor.isExhausted ? Long.ZERO : this.#keep(cursor)
    return { ok: 1, cursor: { id, ns: cursor.namespace, firstBatch } }
  }

  async more(id: unknown, namespace: string, count: number | undefined, slice: Slice): Promise<Document> {
    const name = String(id)
    const cursor = this.#open.get(name)
    if (cursor === undefined || cursor.namespace !== namespace) {
      throw new Refused("CursorNotFound", `cursor id ${name} not found`)
    }
    if (cursor.isBusy) throw new Refused("OperationFailed", `cursor id ${name} is being read`)
    cursor.isBusy = true
    try {
      const nextBatch = await cursor.next(count, slice)
      if (cursor.isExhausted) this.#open.delete(name)
      return { ok: 1, cursor: { id: cursor.isExhausted ? Long.ZERO : Long.fromString(name), ns: namespace, nextBatch } }
    } catch (fault) {
      this.#open.delete(name)
      throw fault
    } finally {
      cursor.isBusy = false
    }
  }

  kill(ids: ReadonlyArray<unknown>): Document {
    const names = ids.map(String)
    const killed = names.filter((name) => this.#open.delete(name))
    const missing = names.filter((name) => !killed.includes(name))
    const longs = (all: ReadonlyArray<string>) => all.map((name) => Long.fromString(name))
    return {
      ok: 1,
      cursorsKilled: longs(killed),
      cursorsNotFound: longs(missing),
      cursorsAlive: [],
      cursorsUnknown: []
    }
  }

  #keep(cursor: Cursor): Long {
    const now = performance.now()
    for (const [name, { usedAt, isBusy }] of this.#open) {
      const isOld = now - usedAt > idleMaxMs || this.#open.size >= cursorsMax
      if (isOld && !isBusy) this.#open.delete(name)
      else if (!isBusy) break
    }
    this.#last += 1
    this.#open.set(String(this.#last), cursor)
    return Long.fromNumber(this.#last)
  }
}
