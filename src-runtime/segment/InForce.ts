/**
 * Which segments of a business are live, each in the version that its members follow: that of its definition, or, while a
 * newer one is being computed, the one before. Read under the lock of whoever judges, and remembered by its stamp.
 */
import type { Definition, Version } from "#domain/definition/Definition.ts"
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Definitions } from "../actor/Definitions.ts"
import { type LiveSegment, liveSegment, LiveSet } from "./LiveSet.ts"

/** Businesses whose live segments are remembered. */
const businessesMax = 1_000

const readStamps = "SELECT business, stamp FROM segment_register WHERE business = ANY ($1::uuid[])"
const readLive = "SELECT segment, version FROM segment_state WHERE business = $1::uuid AND live AND version IS NOT NULL"
const raiseStamp =
  "INSERT INTO segment_register (business, stamp) VALUES ($1::uuid, 1) " +
  "ON CONFLICT (business) DO UPDATE SET stamp = segment_register.stamp + 1"

/** To be said by whoever changes what is in force, in the same transaction. */
export const raise = (sql: SqlClient, business: string): Effect.Effect<void, SqlError> =>
  Effect.asVoid(sql.unsafe(raiseStamp, [business]))

const versionOf = <Body>(definition: Definition<Body> | undefined, version: number): Version<Body> | undefined =>
  definition === undefined ? undefined : [definition, ...definition.earlier].find((each) => each.version === version)

export const make = (definitions: Definitions["Service"]) => {
  const known = new Map<string, LiveSet>()

  const load = Effect.fnUntraced(function* (sql: SqlClient, business: string, stamp: number) {
    const rows = yield* sql.unsafe<{ segment: string; version: number }>(readLive, [business])
    // Kept until the next stamp: with what its rows are of, also where that was saved elsewhere a moment ago.
    const defined = (yield* definitions.inForce([business], "segments")).get(business) ?? {}
    const before = known.get(business)
    const segments: Array<LiveSegment> = []
    for (const { segment: id, version } of rows) {
      const same = before?.get(id)
      const body = versionOf(defined[id], version)?.body
      if (same?.version === version) segments.push(same)
      // A version that is forgotten stands still until the newest, which is on its way, is computed.
      else if (body !== undefined) segments.push(liveSegment(id, version, body.sets))
    }
    const set = new LiveSet(segments, stamp)
    if (known.size >= businessesMax) known.clear()
    known.set(business, set)
    return set
  })

  return {
    /** Of the businesses that have any. */
    of: Effect.fnUntraced(function* (sql: SqlClient, businesses: ReadonlyArray<string>) {
      const stamps = yield* sql.unsafe<{ business: string; stamp: bigint }>(readStamps, [`{${businesses.join(",")}}`])
      const found = new Map<string, LiveSet>()
      for (const { business, stamp } of stamps) {
        const set = known.get(business)
        const current = set?.stamp === Number(stamp) ? set : yield* load(sql, business, Number(stamp))
        if (current.segments.length > 0) found.set(business, current)
      }
      return found
    }),
    /** Of all that are remembered, none has any. */
    isEmpty: (): boolean => known.values().every(({ segments }) => segments.length === 0),
    /** What was read in a transaction that failed was never in force. */
    forget: (business: string): void => void known.delete(business)
  }
}
export type InForce = ReturnType<typeof make>
