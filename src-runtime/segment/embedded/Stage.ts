/**
 * A stage of a pipeline is fed with some documents at a time, so that whoever drives it may pause in between. One that has to
 * see everything first gives out what it made at the end.
 */
import type { Document } from "bson"
import type { Collection } from "./Collection.ts"

export interface Stage {
  readonly push: (documents: ReadonlyArray<Document>) => ReadonlyArray<Document>
  /** What it held back. */
  readonly end?: () => Iterable<ReadonlyArray<Document>>
  /** Whether it wants no more. */
  readonly isFull?: () => boolean
}

/** A stage that is known. */
export interface Prepared {
  /** For documents that come in pieces; anew for each run, since it may count or gather. */
  readonly make: () => Stage
  /** For a few documents that are there at once. */
  readonly whole: (documents: ReadonlyArray<Document>) => ReadonlyArray<Document>
}

/** One that looks at each document by itself. */
export const ofAll = (change: Prepared["whole"]): Prepared => {
  const stage: Stage = { push: change }
  return { whole: change, make: () => stage }
}

export type Collections = (name: string) => Collection | undefined

/** Documents in one piece of work. */
export const pieceSize = 512

/** Through all stages from one on. */
export const feed = (
  stages: ReadonlyArray<Stage>,
  from: number,
  documents: ReadonlyArray<Document>
): ReadonlyArray<Document> => {
  let left = documents
  for (let at = from; at < stages.length && left.length > 0; at++) left = stages[at]?.push(left) ?? []
  return left
}

/** What the stages still hold, one after the other. */
export function* finish(stages: ReadonlyArray<Stage>): Generator<ReadonlyArray<Document>> {
  for (const [at, stage] of stages.entries()) {
    for (const documents of stage.end?.() ?? []) {
      yield feed(stages, at + 1, documents)
      if (stages.some((later, place) => place > at && later.isFull?.() === true)) break
    }
  }
}

/** All at once. */
export const through = (
  prepared: ReadonlyArray<Prepared>,
  documents: ReadonlyArray<Document>
): ReadonlyArray<Document> => {
  let left = documents
  for (const stage of prepared) left = stage.whole(left)
  return left
}
