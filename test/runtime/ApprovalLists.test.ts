/** AUT-1, AUT-5: what waits to be decided is listed by what waits, however much was decided before. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import * as Approvals from "#runtime/automation/Approvals.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { businessId } from "./SampleCommands.ts"

const decided = 20_000
const waiting = 4
const otherBusinessId = "b0000000-0000-4000-8000-00000000000f"

/** The last of them wait. */
const held =
  "INSERT INTO held_command (business, id, contact, command, trigger, held_by, state, held_at, expires_at, decided_at) " +
  "SELECT $1::uuid, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'PRIOR_TO_UPDATE', '[]', " +
  "CASE WHEN n > $2::integer THEN 'PENDING' ELSE 'APPROVED' END, n, n + 1, CASE WHEN n > $2::integer THEN NULL ELSE n END " +
  "FROM generate_series(1, $2::integer + $3::integer) n"
const runs =
  "INSERT INTO automation_run (id, business, contact, automation, version, trigger, event, event_at, chain, state, next_action, " +
  "actions, task, created_at, changed_at, held_at, expires_at, decided_at) " +
  "SELECT gen_random_uuid(), $1::uuid, gen_random_uuid(), gen_random_uuid(), 1, 'TAGS_CHANGED', '', n, '[]', " +
  "CASE WHEN n > $2::integer THEN 'WAITING' ELSE 'COMPLETED' END, 0, 1, gen_random_uuid(), n, n, n, n + 1, " +
  "CASE WHEN n > $2::integer THEN NULL ELSE n END FROM generate_series(1, $2::integer + $3::integer) n"

const rowsRead = Effect.gen(function* () {
  const sql = yield* SqlClient
  const [row] = yield* sql.unsafe<{ read: bigint }>(
    "SELECT sum(pg_stat_get_xact_tuples_fetched(c.oid) + pg_stat_get_xact_tuples_returned(c.oid)) AS read FROM pg_class c " +
      "WHERE c.relname LIKE 'automation\\_run%' OR c.relname LIKE 'held\\_command%'"
  )
  return Number(row?.read ?? 0)
})

layer(Layer.provideMerge(Approvals.layer, TestDatabase.layer), { excludeTestServices: true })(
  "the list of what waits to be decided",
  (it) => {
    it.effect("AUT-1, AUT-5: reads only what waits, and a page of all only the page, though far more was decided", () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const approvals = yield* Approvals.Approvals
        for (const fill of [held, runs]) {
          yield* sql.unsafe(fill, [businessId, decided, waiting])
          yield* sql.unsafe(fill, [otherBusinessId, 0, decided])
        }
        yield* sql.unsafe("ANALYZE held_command")
        yield* sql.unsafe("ANALYZE automation_run")
        const listed = (query: Pick<Approvals.ApprovalQuery, "state" | "size" | "order" | "includeTotal">) =>
          sql.withTransaction(
            Effect.gen(function* () {
              const before = yield* rowsRead
              const page = yield* approvals.list({ business: businessId, ...query })
              assert.isBelow((yield* rowsRead) - before, 100 * waiting)
              return page
            })
          )
        for (const order of ["ASC", "DESC"] as const) {
          const pending = yield* listed({ state: "PENDING", size: 200, order, includeTotal: true })
          assert.deepStrictEqual([pending.rows.length, pending.total], [2 * waiting, 2 * waiting])
          assert.lengthOf((yield* listed({ size: 10, order })).rows, 10)
        }
        // One that never waited is in no list, and not found.
        const [other] = yield* sql.unsafe<{ id: string }>(
          "UPDATE automation_run SET held_at = NULL WHERE id = (SELECT id FROM automation_run " +
            "WHERE business = $1::uuid AND state = 'COMPLETED' LIMIT 1) RETURNING id",
          [businessId]
        )
        assert.isUndefined(yield* approvals.find(businessId, other?.id ?? ""))
        const all = yield* approvals.list({ business: businessId, size: 1, order: "ASC", includeTotal: true })
        assert.strictEqual(all.total, 2 * (decided + waiting) - 1)
      })
    )
  }
)
