/**
 * Which filling of the segment store is there, and whether it is complete. Each emptying begins a generation under a name
 * that never comes again; its mark names the ends of the journal at that time, and until the cursors are there nobody is
 * answered. Whoever reads looks at the mark afterwards: what was read of a store that was emptied meanwhile is refused, also
 * where another runner has emptied it. The mark goes first and comes last; one runner at a time empties.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import { allShards } from "../actor/Placement.ts"
import * as ProjectionCursors from "../projection/ProjectionCursors.ts"
import { type SegmentDatabase, SegmentStoreUnavailable } from "./SegmentDatabase.ts"

export const segmentStoreName = "segment_store"

type Use = SegmentDatabase["Service"]["use"]

/** Of a store from before there were generations. */
const unnamed = ""

/** Advisory lock of PostgreSQL under which the store is emptied. */
const emptyingLock = 7_946_023

const unavailable = (reason: string) => new SegmentStoreUnavailable({ operation: "wait", reason })

export const readMark = (use: Use) => use("load", ({ written }) => written.findOne({ _id: segmentStoreName }))

/** Runs it where nobody else empties the store; who finds somebody at it comes again. */
export const alone = <A, E>(sql: SqlClient, work: Effect.Effect<A, E>) =>
  sql.withTransaction(
    Effect.gen(function* () {
      const [row] = yield* sql.unsafe<{ got: boolean }>("SELECT pg_try_advisory_xact_lock($1::bigint) AS got", [
        BigInt(emptyingLock)
      ])
      if (row?.got !== true) return yield* unavailable("another runner empties it")
      return yield* work
    })
  )

/** Empties the store and begins a generation; to be run `alone`. */
export const begin = Effect.fnUntraced(function* (
  use: Use,
  sql: SqlClient,
  given: { readonly by: string; readonly rebuild: number }
): Effect.fn.Return<void, SegmentStoreUnavailable | SqlError> {
  const generation = randomUUID()
  yield* use("reset", async ({ written, cursors, profiles, events }) => {
    await written.deleteMany({})
    await cursors.deleteMany({})
    for (const each of [profiles, events]) await each.drop()
    await profiles.createIndex({ business: 1 })
    await events.createIndex({ contact: 1, at: 1 })
    await cursors.insertMany(allShards.map((shard) => ({ _id: shard, offset: 0, generation })))
  })
  // Read now: whatever the store has ever held lies before them.
  const fills = yield* ProjectionCursors.make(sql).heads
  yield* use("reset", ({ written }) =>
    written.insertOne({ _id: segmentStoreName, ...given, generation, fills: [...fills] })
  )
})

/** The generation that is there, and whether it holds all that was committed when it was begun. */
const look = (use: Use) =>
  use("look", async ({ written, cursors }) => {
    const mark = await written.findOne({ _id: segmentStoreName })
    if (mark === null) return undefined
    const { generation = unnamed, fills = [] } = mark
    const stored = await cursors.find().toArray()
    const offsets = new Map(
      stored.flatMap((cursor) => ((cursor.generation ?? unnamed) === generation ? [[cursor._id, cursor.offset]] : []))
    )
    return { generation, isFull: fills.every(({ shard, offset }) => (offsets.get(shard) ?? 0) >= offset) }
  })

/** Whether nothing is missing that a rebuild took away. */
export const isFull = (use: Use) => Effect.map(look(use), (found) => found?.isFull === true)

/** Sees to it that nobody is answered from a store that is half filled. */
export const guard = (use: Use) => {
  /** The generation that is known to be full; full once, it stays so. */
  let known: string | undefined
  /** Before anything is read; looked at afresh, for a long question is not begun on what is gone. */
  const full = Effect.flatMap(look(use), (found) =>
    found?.isFull === true
      ? Effect.sync(() => (known = found.generation))
      : Effect.fail(unavailable("it is being filled"))
  )
  /** After everything was read. */
  const still = (generation: string) =>
    Effect.flatMap(readMark(use), (mark) => {
      if (mark !== null && (mark.generation ?? unnamed) === generation) return Effect.void
      known = undefined
      return Effect.fail(unavailable("it was emptied meanwhile"))
    })
  const once = <A, E>(question: Effect.Effect<A, E>) =>
    Effect.flatMap(
      Effect.suspend(() => (known === undefined ? full : Effect.succeed(known))),
      (generation) => Effect.tap(question, () => still(generation))
    )
  return {
    full,
    still,
    /** Asked once more where what was known to be full is gone: what has followed may be full by now. */
    during: <A, E>(question: Effect.Effect<A, E>) =>
      Effect.suspend(() => {
        const before = known
        return Effect.catch(once(question), (error) =>
          before !== undefined && known === undefined ? once(question) : Effect.fail(error)
        )
      })
  }
}
