/**
 * What each runner says of itself, every few seconds, and what all of them say together. For people who look: nothing is
 * decided by it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "../actor/Actors.ts"
import { shardCount } from "../actor/Placement.ts"

const tellIntervalMs = 2_000
/** Who has said nothing for longer is gone. */
const silenceMaxMs = 10_000
/** And forgotten, after longer still. */
const forgottenAfterMs = 60 * 60_000

export interface Present {
  readonly id: string
  /** Where other runners reach it; absent for one that is alone. */
  readonly address: string | undefined
  readonly version: string
  readonly startedAt: number
  readonly seenAt: number
  readonly isSilent: boolean
  /** Of all shards, those that it writes by the journal's own word. */
  readonly shards: number
  readonly residentGroups: number
  readonly unitsWaiting: number
  /** How long the commit under way was under way when it last spoke. */
  readonly commitUnderWayMs: number
}

interface Row {
  readonly id: string
  readonly address: string | null
  readonly version: string
  readonly started_at: bigint
  readonly seen_at: bigint
  readonly resident_groups: number
  readonly units_waiting: number
  readonly commit_since: bigint | null
  readonly owned: bigint
}

const tell =
  "INSERT INTO runner (id, address, version, started_at, seen_at, shards, resident_groups, units_waiting, commit_since) " +
  "VALUES ($1::uuid, $2::text, $3::text, $4::bigint, $5::bigint, $6::integer, $7::integer, $8::integer, $9::bigint) " +
  "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, shards = excluded.shards, " +
  "resident_groups = excluded.resident_groups, units_waiting = excluded.units_waiting, " +
  "commit_since = excluded.commit_since"

const readAll =
  "SELECT r.*, (SELECT count(*) FROM shard_epoch s WHERE s.owner = r.id) AS owned FROM runner r ORDER BY started_at, id"

export interface Runners {
  readonly runners: ReadonlyArray<Present>
  readonly shards: number
  /** Shards whose last owner is gone, or that nobody has ever taken. */
  readonly shardsWithoutRunner: number
}

export class Presence extends Context.Service<
  Presence,
  { readonly runners: Effect.Effect<Runners, PresenceUnknown> }
>()("koinon/runtime/Presence") {}

export class PresenceUnknown extends Schema.TaggedError<PresenceUnknown>()("PresenceUnknown", {
  cause: Schema.Defect()
}) {}

const make = Effect.fnUntraced(function* (options: { readonly address: string | undefined; readonly version: string }) {
  const { address, version } = options
  const sql = yield* SqlClient
  const actors = yield* Actors
  const clock = yield* Clock.Clock
  const now = (): number => clock.currentTimeMillisUnsafe()
  const startedAt = now()

  const speak = Effect.suspend(() => {
    const { runner, residentGroups, committer } = actors.statistics()
    const { shards, waiting, stalledSince } = committer
    const at = now()
    return sql.unsafe(tell, [
      runner,
      address ?? null,
      version,
      BigInt(startedAt),
      BigInt(at),
      shards,
      residentGroups,
      waiting,
      stalledSince === undefined ? null : BigInt(stalledSince)
    ])
  })
  const forget = Effect.suspend(() =>
    sql.unsafe("DELETE FROM runner WHERE seen_at < $1::bigint", [BigInt(now() - forgottenAfterMs)])
  )
  const leave = Effect.suspend(() => sql.unsafe("DELETE FROM runner WHERE id = $1::uuid", [actors.runner]))
  const quietly = (effect: Effect.Effect<unknown, unknown>) =>
    Effect.catch(effect, () => Effect.logWarning("this runner could not say that it is there"))

  yield* Effect.addFinalizer(() => quietly(leave))
  yield* quietly(Effect.andThen(forget, speak))
  yield* Effect.forkScoped(Effect.forever(Effect.delay(quietly(speak), tellIntervalMs)))

  const presentOf = (row: Row): Present => {
    const seenAt = Number(row.seen_at)
    return {
      id: row.id,
      address: row.address ?? undefined,
      version: row.version,
      startedAt: Number(row.started_at),
      seenAt,
      isSilent: now() - seenAt > silenceMaxMs,
      shards: Number(row.owned),
      residentGroups: row.resident_groups,
      unitsWaiting: row.units_waiting,
      commitUnderWayMs: row.commit_since === null ? 0 : Math.max(0, seenAt - Number(row.commit_since))
    }
  }
  return Presence.of({
    runners: Effect.andThen(speak, sql.unsafe<Row>(readAll)).pipe(
      Effect.mapBoth({
        onFailure: (cause) => new PresenceUnknown({ cause }),
        onSuccess: (rows) => {
          const runners = rows.map(presentOf)
          const held = runners.reduce((sum, { isSilent, shards }) => sum + (isSilent ? 0 : shards), 0)
          return { runners, shards: shardCount, shardsWithoutRunner: shardCount - held }
        }
      })
    )
  })
})

export const layer = (options: {
  readonly address: string | undefined
  readonly version: string
}): Layer.Layer<Presence, never, SqlClient | Actors> => Layer.effect(Presence, make(options))
