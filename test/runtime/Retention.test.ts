/** What tables keep of what is over: as long as they say, nothing of what is under way, and nothing that somebody goes on from. */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { membersAt, prunedOf, wasMember } from "#runtime/segment/MemberLists.ts"
import * as SegmentTopics from "#runtime/segment/SegmentTopics.ts"
import * as Notifications from "#runtime/storage/Notifications.ts"
import * as Retention from "#runtime/storage/Retention.ts"
import * as TestDatabase from "../support/TestDatabase.ts"

const dayMs = 24 * 60 * 60_000
const quarter = 91
const longer = 401
const business = "b0000000-0000-4000-8000-000000000001"

const uuid = (family: string, number: number): string => `${family}-0000-4000-8000-${String(number).padStart(12, "0")}`

const everything = Layer.mergeAll(
  Retention.layer,
  SegmentTopics.layer(({ position }) => String(position)).pipe(Layer.provide(Notifications.layer))
).pipe(Layer.provideMerge(TestDatabase.layer))

/** The instant so many days ago, as a parameter. */
const ago = Effect.fnUntraced(function* (days: number) {
  return BigInt((yield* Clock.currentTimeMillis) - days * dayMs)
})
const prune = Effect.flatMap(Retention.Retention, (retention) => retention.prune)
const left = Effect.fnUntraced(function* (table: string, column: string) {
  const sql = yield* SqlClient
  const rows = yield* sql.unsafe<{ value: unknown }>(`SELECT ${column} AS value FROM ${table} ORDER BY 1`)
  return rows.map(({ value }) => value)
})

/** Joins (+) and leaves (-) of contacts with the days that have passed since; positions from 1. */
const stream = Effect.fnUntraced(function* (segment: string, changes: ReadonlyArray<readonly [string, number]>) {
  const sql = yield* SqlClient
  yield* sql.unsafe("INSERT INTO segment_state (business, segment, shard, position) VALUES ($1, $2, 0, $3)", [
    business,
    segment,
    changes.length
  ])
  for (const [index, [what, days]] of changes.entries()) {
    const number = Number(what.slice(1))
    yield* sql.unsafe(
      "INSERT INTO segment_change (business, segment, position, id, contact, joined, reason, at, shard) " +
        "VALUES ($1, $2, $3, gen_random_uuid(), $4, $5, 'EVENT', $6, 0)",
      [business, segment, index + 1, uuid("c0000000", number), what.startsWith("+"), yield* ago(days)]
    )
  }
})
const followed = Effect.fnUntraced(function* (segment: string, after: number) {
  const { follow } = yield* SegmentTopics.SegmentTopics
  const told: Array<string> = []
  const leave = yield* follow({
    business,
    segment,
    after,
    roomy: Effect.void,
    receiver: {
      started: (position) => void told.push(`started ${position}`),
      deliver: (text) => void told.push(text),
      reload: (position, reason) => void told.push(`reload ${position}: ${reason}`)
    }
  })
  leave()
  return told
})

layer(everything, { excludeTestServices: true })("what is over", (it) => {
  it.effect("runs of automations leave a quarter after they ended; one under way stays, however old", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const run = Effect.fnUntraced(function* (number: number, state: string, days: number, endedDays?: number) {
        const ended = endedDays === undefined ? null : yield* ago(endedDays)
        yield* sql.unsafe(
          "INSERT INTO automation_run (id, business, contact, automation, version, trigger, event, event_at, chain, state, " +
            "next_action, actions, task, created_at, changed_at, ended_at) VALUES ($1, $2, $1, $1, 1, 'AWARD', '', 0, '[]', " +
            "$3, 0, 1, $1, $4, $4, $5)",
          [uuid("a0000000", number), business, state, yield* ago(days), ended]
        )
      })
      yield* run(1, "COMPLETED", 500, quarter)
      yield* run(2, "COMPLETED", 500, 89)
      yield* run(3, "WAITING", 500)
      yield* run(4, "SKIPPED", quarter, quarter)
      // More than one statement takes.
      yield* sql.unsafe(
        "INSERT INTO automation_run SELECT gen_random_uuid(), business, contact, automation, version, trigger, event, event_at, " +
          "chain, state, reason, next_action, actions, task, held, created_at, changed_at, ended_at FROM automation_run, " +
          "generate_series(1, 2500) WHERE state = 'SKIPPED'"
      )
      yield* Effect.all([prune, prune], { concurrency: 2 })
      assert.deepStrictEqual(yield* left("automation_run", "id"), [uuid("a0000000", 2), uuid("a0000000", 3)])
    })
  )

  it.effect("AUT-8: the cause of a message that never ends is forgotten, that of an open activity is not", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const old = yield* ago(quarter)
      const recent = yield* ago(1)
      for (const [effect, at] of [
        ["communication/old", old],
        ["communication/recent", recent],
        ["activity/old", old]
      ]) {
        yield* sql.unsafe("INSERT INTO automation_effect (business, effect, cause, at) VALUES ($1, $2, '{}', $3)", [
          business,
          effect,
          at
        ])
      }
      yield* prune
      assert.deepStrictEqual(yield* left("automation_effect", "effect"), ["activity/old", "communication/recent"])
    })
  )

  it.effect("refreshes of segments, decided held changes and runs of plans leave; open ones stay", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const refresh = (number: number, state: string, ended: bigint | null) =>
        sql.unsafe(
          "INSERT INTO segment_run (id, business, segment, version, asked, state, started_at, ended_at) " +
            "VALUES ($1, $2, $2, 1, 'DEMAND', $3, 0, $4)",
          [uuid("5e000000", number), business, state, ended]
        )
      yield* refresh(1, "DONE", yield* ago(quarter))
      yield* refresh(2, "DONE", yield* ago(1))
      yield* refresh(3, "RUNNING", null)
      const held = (number: number, state: string, decided: bigint | null) =>
        sql.unsafe(
          "INSERT INTO held_command (business, id, contact, command, trigger, held_by, state, held_at, expires_at, decided_at) " +
            "VALUES ($1, $2, $2, $2, 'PRIOR_UPDATE', '[]', $3, 0, 0, $4)",
          [business, uuid("4e000000", number), state, decided]
        )
      yield* held(1, "APPROVED", yield* ago(longer))
      yield* held(2, "LAPSED", yield* ago(399))
      yield* held(3, "PENDING", null)
      const plan = (number: number, state: string, due: bigint) =>
        sql.unsafe(
          "INSERT INTO plan_run (id, business, plan, shard, key, series, version, name, template, channel, purpose, segments, " +
            "priority, state, due_at) VALUES ($1, $2, $2, 0, $1::uuid::text, '', 1, '', $2, 'EMAIL', 'MARKETING', '{}', 0, $3, $4)",
          [uuid("91000000", number), business, state, due]
        )
      yield* plan(1, "DONE", yield* ago(longer))
      yield* plan(2, "MISSED", yield* ago(longer))
      yield* plan(3, "SENDING", yield* ago(longer))
      yield* plan(4, "DONE", yield* ago(399))
      yield* prune
      assert.deepStrictEqual(yield* left("segment_run", "id"), [uuid("5e000000", 2), uuid("5e000000", 3)])
      assert.deepStrictEqual(yield* left("held_command", "id"), [uuid("4e000000", 2), uuid("4e000000", 3)])
      assert.deepStrictEqual(yield* left("plan_run", "id"), [uuid("91000000", 3), uuid("91000000", 4)])
    })
  )

  it.effect(
    "AUT-12: messages leave when they ended long ago, and those of a plan not before the run that counts them",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const message = Effect.fnUntraced(function* (number: number, asked: number, ended?: number) {
          const at = yield* ago(asked)
          const state = ended === undefined ? "PENDING" : "COMPLETED"
          yield* sql.unsafe(
            "INSERT INTO communication (business, id, contact, template, name, channel, purpose, state, created_at, updated_at, " +
              "ended_at) VALUES ($1, $2, $1, '', '', 'EMAIL', 'MARKETING', $3, $4, $4, $5)",
            [business, uuid("30000000", number), state, at, ended === undefined ? null : yield* ago(ended)]
          )
          yield* sql.unsafe(
            "INSERT INTO plan_send (communication, business, plan, run_key, state, at) VALUES ($1, $2, $2, 'run', $3, $4)",
            [uuid("30000000", number), business, state, at]
          )
        })
        yield* message(1, longer, longer)
        yield* message(2, longer, 399)
        yield* message(3, 399, 398)
        yield* message(4, longer)
        // More than one statement takes.
        yield* sql.unsafe(
          "INSERT INTO plan_send SELECT gen_random_uuid(), business, plan, run_key, state, reason, viewed, clicked, at FROM " +
            "plan_send, generate_series(1, 2500) WHERE communication = $1",
          [uuid("30000000", 1)]
        )
        yield* Effect.all([prune, prune], { concurrency: 2 })
        const ids = (...numbers: ReadonlyArray<number>) => numbers.map((number) => uuid("30000000", number))
        assert.deepStrictEqual(yield* left("communication", "id"), ids(2, 3, 4))
        assert.deepStrictEqual(yield* left("plan_send", "communication"), ids(3, 4))
      })
  )

  it.effect("SEG-7: joins and leaves go, and who was in at an instant that is kept is told as before", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const segment = uuid("5e900000", 1)
      const contacts = [1, 2, 3, 4].map((number) => uuid("c0000000", number))
      yield* stream(segment, [
        ["+1", 900],
        ["+2", 800],
        ["-2", 700],
        ["+3", 700],
        ["-3", 600],
        ["+3", 500],
        ["+4", 500],
        ["-1", 300],
        ["+2", 200],
        ["-4", 100]
      ])
      const instants = [399, 301, 299, 201, 199, 99, 1]
      const told = Effect.gen(function* () {
        const found = []
        for (const days of instants) {
          const at = Number(yield* ago(days))
          const members = yield* membersAt(sql, business, segment, at)
          for (const contact of contacts) {
            assert.strictEqual(yield* wasMember(sql, business, segment, contact, at), members.has(contact))
          }
          found.push([...members.keys()].toSorted())
        }
        return found
      })
      const before = yield* told
      yield* prune
      assert.deepStrictEqual(yield* told, before)
      assert.deepStrictEqual(yield* left("segment_change", "position"), [1n, 6n, 7n, 8n, 9n, 10n])
      const pruned = yield* prunedOf(sql, business, [segment])
      assert.strictEqual(pruned.position, 7)
      // The instant from which on all is known.
      assert.isAbove(pruned.before, Number(yield* ago(401)))
      assert.isBelow(pruned.before, Number(yield* ago(399)))
      // Who goes on from a position that is kept misses nothing; from another she is told to begin anew.
      assert.deepStrictEqual(yield* followed(segment, 7), ["started 7", "8", "9", "10"])
      assert.deepStrictEqual(yield* followed(segment, 6), [
        "started 10",
        "reload 10: what followed the position is no longer kept"
      ])
    })
  )

  it.effect(
    "a long stream is gone through in steps, by two at once, and a segment that nothing left keeps its place",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const long = uuid("5e900000", 2)
        const recent = uuid("5e900000", 3)
        yield* sql.unsafe("INSERT INTO segment_state (business, segment, shard, position) VALUES ($1, $2, 0, 5000)", [
          business,
          long
        ])
        // Ten contacts who come and go by turns.
        yield* sql.unsafe(
          "INSERT INTO segment_change (business, segment, position, id, contact, joined, reason, at, shard) " +
            "SELECT $1, $2, n, gen_random_uuid(), ('c0000000-0000-4000-8000-' || lpad((n % 10)::text, 12, '0'))::uuid, " +
            "(n / 10) % 2 = 0, 'EVENT', $3::bigint + n, 0 FROM generate_series(1, 5000) n",
          [business, long, yield* ago(500)]
        )
        yield* stream(recent, [
          ["+1", 2],
          ["-1", 1]
        ])
        yield* Effect.all([prune, prune], { concurrency: 2 })
        const of = (segment: string) =>
          sql.unsafe<{ position: bigint }>("SELECT position FROM segment_change WHERE segment = $1 ORDER BY 1", [
            segment
          ])
        assert.deepStrictEqual(
          (yield* of(long)).map(({ position }) => Number(position)),
          [5_000]
        )
        assert.strictEqual((yield* prunedOf(sql, business, [long])).position, 5_000)
        assert.strictEqual((yield* of(recent)).length, 2)
        assert.deepStrictEqual(yield* prunedOf(sql, business, [recent]), { position: 0, before: 0 })
      })
  )
})
