/**
 * Segments over a database and an embedded store of their own: actors that write, a projector that keeps memberships, and
 * words for definitions. A sink notes each change in a table without a key that would hide a second time.
 */
import type { Condition } from "#domain/segment/Condition.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import type * as Actors from "#runtime/actor/Actors.ts"
import * as Definitions from "#runtime/actor/Definitions.ts"
import * as ContactDirectory from "#runtime/projection/ContactDirectory.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as HistoricalFacts from "#runtime/segment/HistoricalFacts.ts"
import * as LiveMembership from "#runtime/segment/LiveMembership.ts"
import type { SegmentChangeSink } from "#runtime/segment/SegmentChange.ts"
import * as SegmentDatabase from "#runtime/segment/SegmentDatabase.ts"
import * as SegmentFeed from "#runtime/segment/SegmentFeed.ts"
import * as Segments from "#runtime/segment/Segments.ts"
import * as SegmentStore from "#runtime/segment/SegmentStore.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const projector = Layer.unwrap(
  Effect.gen(function* () {
    const feed = yield* SegmentFeed.SegmentFeed
    const live = yield* LiveMembership.LiveMembership
    return Projector.layer([ContactDirectory.contactDirectory, feed.projection, live.projection])
  })
)

/** Notes every change as often as it is told. */
export const witness: SegmentChangeSink = (sql, changes) =>
  Effect.forEach(
    changes,
    ({ id, segmentId, contact, kind, reason, at }) =>
      sql`INSERT INTO witness VALUES (${id}::uuid, ${segmentId}::uuid, ${contact}::uuid, ${kind}, ${reason}, ${BigInt(at)})`,
    { discard: true }
  )

export const witnessTable = Layer.effectDiscard(
  Effect.flatMap(
    SqlClient,
    (sql) =>
      sql`CREATE TABLE IF NOT EXISTS witness (id uuid, segment uuid, contact uuid, kind text, reason text, at bigint)`
  )
).pipe(Layer.orDie)

/** What follows the journal; killed with its scope, and as good as new when it is built again. */
export const followingWith = (sinks: ReadonlyArray<SegmentChangeSink>, definitions = Definitions.layer) =>
  Layer.mergeAll(Segments.layer, ContactDirectory.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(SegmentStore.layer, HistoricalFacts.layer)),
    Layer.provideMerge(projector),
    Layer.provideMerge(Layer.mergeAll(LiveMembership.layer, SegmentFeed.layer)),
    Layer.provide(SegmentDatabase.layer({ url: undefined, database: "koinon" })),
    Layer.provide(Layer.succeed(LiveMembership.SegmentChangeSinks, sinks)),
    Layer.provideMerge(definitions)
  )
export const following = followingWith([witness])

export const segmentSide = following.pipe(Layer.provideMerge(witnessTable), Layer.provideMerge(writeSide))

export const segmentId = (name: string): string => nameUuid("segment of a test", name)

export const definition = (
  sets: ReadonlyArray<ReadonlyArray<Condition>>,
  mode: SegmentDefinition["refresh"]["mode"] = "LIVE"
): SegmentDefinition => ({ sets: sets.map((conditions) => ({ conditions })), refresh: { mode } })

export const save = (name: string, body: SegmentDefinition, business = businessId) =>
  ask({
    business,
    key: business,
    command: { _tag: "SaveSegment", id: segmentId(name), name, body }
  })

/** Waits until what was asked is computed. That the store did not answer in time is no fault here: it is asked again. */
export const computed = Effect.fnUntraced(function* (name: string, version?: number) {
  const segments = yield* Segments.Segments
  const look = Effect.map(segments.status(businessId, segmentId(name)), (status) => {
    const { state, failure = "" } = status
    if (state === "FAILED" && !failure.startsWith("SegmentStoreUnavailable")) {
      throw new Error(`segment ${name} failed: ${failure}`)
    }
    return state === "READY" && (version === undefined || status.version === version) && status
  })
  return yield* eventually(`segment ${name} is computed`, look)
})

/** The numbers of contacts who are in it, sorted. */
export const membersOf = Effect.fnUntraced(function* (name: string, business = businessId) {
  const segments = yield* Segments.Segments
  const { rows } = yield* segments.members(business, segmentId(name), { size: 200, order: "ASC" })
  return rows.map(({ contact }) => Number(contact.slice(-12)))
})

export const tag = (number: number, add: ReadonlyArray<string>, remove: ReadonlyArray<string> = []): Actors.Ask => ({
  business: businessId,
  key: contactId(number),
  command: { _tag: "ChangeTags", add, remove }
})

export interface Witnessed {
  readonly id: string
  readonly contact: number
  readonly kind: string
  readonly reason: string
  readonly at: number
}

/** What the sinks were told of a segment. */
export const witnessed = Effect.fnUntraced(function* (name: string) {
  const sql = yield* SqlClient
  const rows = yield* sql<{ id: string; contact: string; kind: string; reason: string; at: bigint }>`
    SELECT * FROM witness WHERE segment = ${segmentId(name)}::uuid ORDER BY at, contact`
  return rows.map(({ id, contact, kind, reason, at }): Witnessed => ({
    id,
    kind,
    reason,
    at: Number(at),
    contact: Number(contact.slice(-12))
  }))
})

/** How long before an instant the clock is put: the fiber has looked at the table by then, and sleeps until it. */
export const beforehandMs = 1_500

/** The real clock, put to another time. */
export const shifted = () => {
  const real = Clock.Clock.defaultValue()
  let offset = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + offset,
    currentTimeMillis: Effect.sync(() => real.currentTimeMillisUnsafe() + offset),
    currentTimeNanosUnsafe: () => BigInt(real.currentTimeMillisUnsafe() + offset) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(real.currentTimeMillisUnsafe() + offset) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  return {
    clock,
    set: (at: number): void => {
      offset = at - real.currentTimeMillisUnsafe()
    }
  }
}

export const sideAt = (clock: Clock.Clock) =>
  following.pipe(
    Layer.provideMerge(witnessTable),
    Layer.provideMerge(writeSide),
    Layer.provideMerge(Layer.succeed(Clock.Clock, clock))
  )

export const untilTold = (name: string, count: number) =>
  eventually(
    `${count} changes are told`,
    Effect.map(witnessed(name), (told) => told.length >= count && told)
  )
