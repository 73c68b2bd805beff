/**
 * (b) What one would build instead: a table of balances, a PL/pgSQL function that locks the row, checks the balance,
 * moves it and writes the entry under a unique id, called through a pooled client. It gets what helps it: prepared
 * statements, room in the pages for updates in place, and the better of two pool sizes, found anew for each spread.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as Database from "#runtime/storage/Database.ts"
import type * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import { drive, type Load, type Send } from "./Loop.ts"
import { wallets } from "./World.ts"

export type Spread = "spread" | "hot"

const poolSizes = [32, 64]
const balance = 1_000_000_000_000n
/** Debits a wallet by a sum, under an id of its own. */
export const debitStatement = "SELECT bench.debit($1::int, $2::uuid, $3::bigint)"

/** What the table says was taken so far. */
export const takenStatement = `SELECT (count(*) * ${balance} - sum(balance))::text AS taken FROM bench.wallet`

const definitions = [
  "CREATE SCHEMA bench",
  "CREATE TABLE bench.wallet (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)",
  `CREATE TABLE bench.entry (
     id uuid PRIMARY KEY, wallet int NOT NULL, amount bigint NOT NULL, balance bigint NOT NULL, at timestamptz NOT NULL
   )`,
  `CREATE FUNCTION bench.debit(of_wallet int, entry_id uuid, taken bigint) RETURNS bigint LANGUAGE plpgsql AS $$
   DECLARE remaining bigint;
   BEGIN
     SELECT balance - taken INTO remaining FROM bench.wallet WHERE id = of_wallet FOR UPDATE;
     IF remaining IS NULL OR remaining < 0 THEN RAISE EXCEPTION 'not enough funds'; END IF;
     UPDATE bench.wallet SET balance = remaining WHERE id = of_wallet;
     INSERT INTO bench.entry VALUES (entry_id, of_wallet, -taken, remaining, now());
     RETURN remaining;
   END $$`,
  `INSERT INTO bench.wallet SELECT id, ${balance} FROM generate_series(0, ${wallets - 1}) AS id`
]

/** One pool at a time, kept until another size is asked for: PostgreSQL has only so many connections. */
const makePools = (server: PostgresServer.Running) => {
  let current: { readonly size: number; readonly sql: PgClient.PgClient; readonly scope: Scope.Closeable } | undefined
  const close = Effect.suspend(() => {
    const closing = current
    current = undefined
    return closing === undefined ? Effect.void : Scope.close(closing.scope, Exit.void)
  })
  const ofSize = Effect.fnUntraced(function* (size: number) {
    if (current?.size === size) return current.sql
    yield* close
    const scope = yield* Scope.make()
    const layer = Layer.fresh(Database.layer({ source: { server }, connectionsMax: size }))
    const sql = Context.get(yield* Layer.buildWithScope(layer, scope), PgClient.PgClient)
    current = { size, sql, scope }
    return sql
  })
  return { close, ofSize }
}

export const make = Effect.fnUntraced(function* (server: PostgresServer.Running) {
  const sql = yield* PgClient.PgClient
  for (const definition of definitions) yield* sql.unsafe(definition)
  const run = Effect.runCallbackWith(yield* Effect.context())
  const pools = makePools(server)
  yield* Effect.addFinalizer(() => pools.close)

  const debit = Effect.fnUntraced(function* (spread: Spread, connections: number, load: Load) {
    const pool = yield* pools.ofSize(connections)
    const send: Send = (_slot, done) => {
      const wallet = spread === "hot" ? 0 : Math.floor(Math.random() * wallets)
      run(pool.unsafe(debitStatement, [wallet, randomUUID(), 1n]), {
        onExit: (exit) => done(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : undefined)
      })
    }
    return yield* Effect.promise(() => drive(connections, load, send))
  })

  return {
    /** The pool size that is faster here. */
    connectionsFor: Effect.fnUntraced(function* (spread: Spread, durationMs: number) {
      const found: Array<{ readonly connections: number; readonly ratePerSecond: number }> = []
      for (const connections of poolSizes) {
        yield* debit(spread, connections, { durationMs })
        found.push({ connections, ...(yield* debit(spread, connections, { durationMs })) })
      }
      return found.toSorted((left, right) => right.ratePerSecond - left.ratePerSecond)[0]?.connections ?? 0
    }),
    debit,
    taken: Effect.map(sql.unsafe<{ readonly taken: string }>(takenStatement), ([row]) => Number(row?.taken)),
    close: pools.close
  }
})
