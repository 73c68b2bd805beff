/**
 * Who joins or leaves a segment, on the way to the endpoints. It is taken note of in the transaction that writes the
 * membership, and gets its numbers once the events up to the one that caused it have theirs (AUT-11): cause before effect.
 * Until then it waits in a table, behind what waits of the same contact; so it waits no longer than those events do, and a
 * change that no event caused does not wait at all.
 */
import type { EventType } from "#domain/webhook/EventType.ts"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { recordset } from "../projection/Projection.ts"
import type { SegmentChange, SegmentChangeSink } from "../segment/SegmentChange.ts"
import { type Occurrence, tell } from "./Telling.ts"
import { deliveriesOf, type Sources, webhooksName } from "./WebhookFeed.ts"

/** Changes told in one transaction, at most. */
const atOnceMax = 1_000
/** Between two looks, while something waits or was taken note of a moment ago: its transaction may still be open. */
const lookEveryMs = 20
const looksMax = 50
/** Otherwise: what a runner left behind that is gone, another one tells. */
const idleLookMs = 1_000
/** Name of the advisory lock of whoever tells: two would give the changes of one contact their numbers in any order. */
const tellingLock = 0x5e63

/** How far events have their numbers: also where the projection is read from zero, as far as it had come before. */
const toldUpTo =
  "SELECT c.shard, greatest(c.shard_offset, coalesce(m.shard_offset, 0)) AS up_to FROM projection_cursor c " +
  `LEFT JOIN webhook_mark m ON m.shard = c.shard WHERE c.projection = '${webhooksName}'`
const readTold = `${toldUpTo} AND c.shard = ANY ($1::smallint[])`
const readWaiting =
  "SELECT contact, max(shard_offset) AS up_to FROM webhook_waiting WHERE contact = ANY ($1::uuid[]) GROUP BY contact"
const insertWaiting =
  "INSERT INTO webhook_waiting (name, business, contact, type, segment, reason, at, shard, shard_offset) " +
  "SELECT name, business, contact, type, segment, reason, at, shard, shard_offset FROM json_to_recordset($1::json) AS " +
  "r(nth integer, name text, business uuid, contact uuid, type text, segment text, reason text, at bigint, shard smallint, " +
  "shard_offset bigint) ORDER BY nth"
const readReady =
  `WITH told AS (${toldUpTo}) SELECT w.number, w.name, w.business, w.contact, w.type, w.segment, w.reason, w.at ` +
  "FROM webhook_waiting w JOIN told t ON t.shard = w.shard WHERE w.shard_offset <= t.up_to ORDER BY w.number " +
  `LIMIT ${atOnceMax}`
const deleteTold = "DELETE FROM webhook_waiting WHERE number = ANY ($1::bigint[])"
const readIsAny = "SELECT EXISTS (SELECT 1 FROM webhook_waiting) AS waits"
const tryLock = `SELECT pg_try_advisory_xact_lock(${tellingLock}) AS taken`

interface Row {
  readonly number: bigint
  readonly name: string
  readonly business: string
  readonly contact: string
  readonly type: EventType
  readonly segment: string
  readonly reason: string
  readonly at: bigint
}

const typeOf = ({ kind }: SegmentChange): EventType => (kind === "JOINED" ? "segment.joined" : "segment.left")
const nameOf = ({ id }: SegmentChange): string => `segment/${id}`

const occurrenceOf = (change: SegmentChange): Occurrence => {
  const { business, contact, at, segmentId: segment_id, reason } = change
  return { name: nameOf(change), business, contact, type: typeOf(change), at, data: { segment_id, reason } }
}
const occurrenceAgain = ({ name, business, contact, type, at, segment: segment_id, reason }: Row): Occurrence => ({
  name,
  business,
  contact,
  type,
  at: Number(at),
  data: { segment_id, reason }
})

export const make = Effect.fnUntraced(function* (
  sql: SqlClient,
  { definitions, outbox, clock }: Pick<Sources, "definitions" | "outbox" | "clock">
) {
  /** Opened when something may wait. */
  const wake = yield* Latch.make(false)

  /** Up to where each has to wait; those that need not are not among them. Whoever writes memberships locks the contact. */
  const waitsOf = Effect.fnUntraced(function* (within: SqlClient, changes: ReadonlyArray<SegmentChange>) {
    const shards = [...new Set(changes.map(({ shard }) => shard))]
    const contacts = [...new Set(changes.map(({ contact }) => contact))]
    const told = new Map(
      (yield* within.unsafe<{ shard: number; up_to: bigint }>(readTold, [shards])).map((row) => [
        row.shard,
        Number(row.up_to)
      ])
    )
    const last = new Map(
      (yield* within.unsafe<{ contact: string; up_to: bigint }>(readWaiting, [`{${contacts.join(",")}}`])).map(
        (row) => [row.contact, Number(row.up_to)]
      )
    )
    const waits = new Map<SegmentChange, number>()
    for (const change of changes) {
      const { contact, shard, upTo = 0 } = change
      const before = last.get(contact)
      if (before === undefined && upTo <= (told.get(shard) ?? 0)) continue
      const until = Math.max(upTo, before ?? 0)
      last.set(contact, until)
      waits.set(change, until)
    }
    return waits
  })

  const sink = Effect.fnUntraced(function* (
    within: SqlClient,
    changes: ReadonlyArray<SegmentChange>
  ): Effect.fn.Return<void, SqlError> {
    // Unreachable definitions undo the changes, which are tried again.
    const deliveries = yield* Effect.orDie(deliveriesOf(definitions, changes.map(occurrenceOf)))
    if (deliveries.length === 0) return
    const wanted = new Set(deliveries.map(({ name }) => name))
    const waits = yield* waitsOf(
      within,
      changes.filter((change) => wanted.has(nameOf(change)))
    )
    const waiting = new Set(Array.from(waits.keys(), nameOf))
    const ready = deliveries.filter(({ name }) => !waiting.has(name))
    yield* tell(within, outbox, ready, clock.currentTimeMillisUnsafe())
    if (waits.size === 0) return
    const rows = Array.from(waits, ([change, shard_offset], nth) => {
      const { business, contact, segmentId: segment, reason, at, shard } = change
      return {
        nth,
        name: nameOf(change),
        business,
        contact,
        type: typeOf(change),
        segment,
        reason,
        at,
        shard,
        shard_offset
      }
    })
    yield* within.unsafe(insertWaiting, [recordset(rows)])
    wake.openUnsafe()
  }) satisfies SegmentChangeSink

  /** Tells what need not wait any longer; says whether something still does. */
  const look = sql.withTransaction(
    Effect.gen(function* () {
      const [any] = yield* sql.unsafe<{ waits: boolean }>(readIsAny)
      if (any?.waits !== true) return false
      const [lock] = yield* sql.unsafe<{ taken: boolean }>(tryLock)
      if (lock?.taken !== true) return true
      const rows = yield* sql.unsafe<Row>(readReady)
      if (rows.length === 0) return true
      const deliveries = yield* deliveriesOf(definitions, rows.map(occurrenceAgain))
      yield* tell(sql, outbox, deliveries, clock.currentTimeMillisUnsafe())
      yield* sql.unsafe(deleteTold, [`{${rows.map(({ number }) => number).join(",")}}`])
      return true
    })
  )

  let looks = 0
  const step = Effect.gen(function* () {
    const stays = yield* Effect.catch(look, (error) =>
      Effect.as(Effect.logWarning("joins and leaves of segments wait to be told", error._tag), false)
    )
    looks = stays ? looksMax : looks - 1
    if (looks > 0) return yield* Effect.sleep(lookEveryMs)
    const isWoken = yield* Effect.raceFirst(Effect.as(wake.await, true), Effect.as(Effect.sleep(idleLookMs), false))
    yield* wake.close
    looks = isWoken ? looksMax : 1
  })
  yield* Effect.forkScoped(Effect.forever(step))

  return { sink: sink as SegmentChangeSink }
})
