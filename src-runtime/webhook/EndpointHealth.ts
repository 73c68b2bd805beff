/**
 * How endpoints fare: since when each has been failing, and which was switched off for it. Written when it begins to fail
 * and when it recovers, not with each call.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"

export interface Health {
  readonly failingSince: number | undefined
  readonly lastFailureAt: number | undefined
  readonly lastFailure: string | undefined
  readonly disabledAt: number | undefined
  readonly disabledFor: string | undefined
}

export const unknownHealth: Health = {
  failingSince: undefined,
  lastFailureAt: undefined,
  lastFailure: undefined,
  disabledAt: undefined,
  disabledFor: undefined
}

/** Another runner may have seen it fail: a success is noted at least this often. */
const recoveredAgainMs = 60_000
const rememberedMax = 10_000

interface Row {
  readonly endpoint: string
  readonly failing_since: bigint | null
  readonly last_failure_at: bigint | null
  readonly last_failure: string | null
  readonly disabled_at: bigint | null
  readonly disabled_for: string | null
}

const noteFailure =
  "INSERT INTO webhook_health (business, endpoint, failing_since, last_failure_at, last_failure) " +
  "VALUES ($1::uuid, $2::uuid, $3::bigint, $3::bigint, $4) ON CONFLICT (business, endpoint) DO UPDATE SET " +
  "failing_since = coalesce(webhook_health.failing_since, excluded.failing_since), " +
  "last_failure_at = excluded.last_failure_at, last_failure = excluded.last_failure RETURNING failing_since"

const noteRecovery =
  "UPDATE webhook_health SET failing_since = NULL WHERE business = $1::uuid AND endpoint = $2::uuid AND failing_since IS NOT NULL"

const noteDisabled =
  "INSERT INTO webhook_health (business, endpoint, disabled_at, disabled_for) VALUES ($1::uuid, $2::uuid, $3::bigint, $4) " +
  "ON CONFLICT (business, endpoint) DO UPDATE SET disabled_at = excluded.disabled_at, disabled_for = excluded.disabled_for, " +
  "failing_since = NULL"

const optional = (at: bigint | null): number | undefined => (at === null ? undefined : Number(at))

export const make = (sql: SqlClient) => {
  /** By endpoint: when it was last noted that it works. */
  const recovered = new Map<string, number>()

  return {
    /** Since when it has been failing. */
    failed: (business: string, endpoint: string, now: number, why: string) => {
      recovered.delete(endpoint)
      return Effect.map(
        sql.unsafe<{ failing_since: bigint }>(noteFailure, [business, endpoint, BigInt(now), why]),
        ([row]) => Number(row?.failing_since ?? now)
      )
    },
    succeeded: (business: string, endpoint: string, now: number) => {
      if (now - (recovered.get(endpoint) ?? 0) < recoveredAgainMs) return Effect.void
      if (recovered.size >= rememberedMax) recovered.clear()
      recovered.set(endpoint, now)
      return Effect.asVoid(sql.unsafe(noteRecovery, [business, endpoint]))
    },
    disabled: (business: string, endpoint: string, now: number, why: string) =>
      Effect.asVoid(sql.unsafe(noteDisabled, [business, endpoint, BigInt(now), why])),
    of: (business: string) =>
      Effect.map(
        sql.unsafe<Row>(
          "SELECT endpoint, failing_since, last_failure_at, last_failure, disabled_at, disabled_for FROM webhook_health " +
            "WHERE business = $1::uuid",
          [business]
        ),
        (rows) =>
          new Map(
            rows.map((row): readonly [string, Health] => [
              row.endpoint,
              {
                failingSince: optional(row.failing_since),
                lastFailureAt: optional(row.last_failure_at),
                lastFailure: row.last_failure ?? undefined,
                disabledAt: optional(row.disabled_at),
                disabledFor: row.disabled_for ?? undefined
              }
            ])
          )
      )
  }
}
export type EndpointHealth = ReturnType<typeof make>
