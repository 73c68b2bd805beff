/**
 * Views that are to be read again while the server serves: what was asked for is a row that every runner looks at, and what
 * each has done of it another, so that nobody has to be there at the same time. Emptying is left to who keeps the view.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"

/** The views that may be read again while somebody reads them: whoever does is refused until it is there. */
export const liveRebuilds: ReadonlyArray<string> = ["segment_store"]

export interface Asked {
  readonly view: string
  readonly number: number
  readonly askedAt: number
}

/** How far a runner is with what was asked for. */
export interface Told {
  readonly view: string
  readonly runner: string
  readonly number: number
  readonly events: number
  readonly isDone: boolean
}

const readAsked = "SELECT view, number, asked_at FROM rebuild_asked"
const readNumber = "SELECT number FROM rebuild_asked WHERE view = $1"
const readTold = "SELECT view, runner, number, events, done FROM rebuild_told"
/** Who knows of fewer than there are asks for nothing new. */
const ask =
  "INSERT INTO rebuild_asked (view, number, asked_at) VALUES ($1, 1, $3::bigint) ON CONFLICT (view) DO UPDATE " +
  "SET number = rebuild_asked.number + 1, asked_at = excluded.asked_at WHERE rebuild_asked.number = $2::bigint"
const tell =
  "INSERT INTO rebuild_told (view, runner, number, events, done, told_at) " +
  "VALUES ($1, $2::uuid, $3::bigint, $4::bigint, $5::boolean, $6::bigint) ON CONFLICT (view, runner) DO UPDATE " +
  "SET number = excluded.number, events = excluded.events, done = excluded.done, told_at = excluded.told_at"
/** Of runners that are gone. */
const forget = "DELETE FROM rebuild_told WHERE view = $1 AND number < $2::bigint"

export const make = (sql: SqlClient) => ({
  all: Effect.map(sql.unsafe<{ view: string; number: bigint; asked_at: bigint }>(readAsked), (rows) =>
    rows.map(({ view, number, asked_at }): Asked => ({ view, number: Number(number), askedAt: Number(asked_at) }))
  ),
  /** How often it was asked for. */
  numberOf: (view: string) =>
    Effect.map(sql.unsafe<{ number: bigint }>(readNumber, [view]), ([row]) => Number(row?.number ?? 0)),
  /** Once more than `known`, unless somebody else has done so meanwhile. */
  ask: (view: string, known: number, now: number) => Effect.asVoid(sql.unsafe(ask, [view, BigInt(known), BigInt(now)])),
  told: Effect.map(
    sql.unsafe<{ view: string; runner: string; number: bigint; events: bigint; done: boolean }>(readTold),
    (rows) =>
      rows.map(({ view, runner, number, events, done }): Told => ({
        view,
        runner,
        number: Number(number),
        events: Number(events),
        isDone: done
      }))
  ),
  tell: ({ view, runner, number, events, isDone }: Told, now: number) =>
    Effect.andThen(
      sql.unsafe(forget, [view, BigInt(number)]),
      Effect.asVoid(sql.unsafe(tell, [view, runner, BigInt(number), BigInt(events), isDone, BigInt(now)]))
    )
})

export class Rebuilds extends Context.Service<Rebuilds, ReturnType<typeof make>>()("koinon/runtime/Rebuilds") {}

export const layer: Layer.Layer<Rebuilds, never, SqlClient> = Layer.effect(Rebuilds, Effect.map(SqlClient, make))
