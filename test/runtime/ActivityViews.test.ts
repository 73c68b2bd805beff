/** P9 for what people are to do and what waits for their approval: read as it happens, or all at once, it is the same rows. */
import { assert, layer } from "@effect/vitest"
import type { ContactCommand } from "#domain/contact/ContactCommand.ts"
import { activityList } from "#runtime/automation/ActivityList.ts"
import { heldCommands } from "#runtime/automation/HeldCommands.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { ask, open, person, writeSide } from "./ReadSide.ts"
import { businessId, contactId, register } from "./SampleCommands.ts"

const readSide = Layer.provideMerge(Projector.layer([activityList, heldCommands]), writeSide)

const rowsOf = (table: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(sql.unsafe<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY row`), (rows) =>
      rows.map(({ row }) => row)
    )
  )
const counted = (table: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql.unsafe<{ state: string; count: number }>(
        `SELECT state, count(*)::int AS count FROM ${table} GROUP BY state ORDER BY state`
      ),
      (rows) => rows.map(({ state, count }) => [state, count])
    )
  )

const asked = (number: number, command: ContactCommand) =>
  ask({ business: businessId, key: contactId(number), command })

/** Read while it happens, then from zero, then from zero while more happens. */
const agrees = Effect.fnUntraced(function* <E, R>(
  view: string,
  table: string,
  happen: (number: number) => Effect.Effect<unknown, E, R>
) {
  const projector = yield* Projector.Projector
  for (const number of [1, 2, 3, 4]) {
    yield* happen(number)
    yield* projector.waitFor(view)
  }
  const live = yield* rowsOf(table)
  yield* projector.rebuild(view)
  yield* projector.waitFor(view)
  assert.deepStrictEqual(yield* rowsOf(table), live)
  const more = Effect.forEach([5, 6, 7, 8], happen, { discard: true })
  yield* Effect.all([more, projector.rebuild(view)], { concurrency: 2 })
  yield* projector.waitFor(view)
  const mixed = yield* rowsOf(table)
  assert.lengthOf(mixed, 2 * live.length)
  assert.includeMembers(mixed, live)
  yield* projector.rebuild(view)
  yield* projector.waitFor(view)
  assert.deepStrictEqual(yield* rowsOf(table), mixed)
})

layer(readSide, { excludeTestServices: true })("what is to be done and to be approved", (it) => {
  it.effect("P9: activities that are open, moved, done and cancelled are the same rows after a rebuild", () =>
    Effect.gen(function* () {
      yield* open
      yield* agrees("activity", "activity", (number) =>
        Effect.gen(function* () {
          yield* ask(person(number))
          const activities = Array.from({ length: 5 }, () => randomUUID())
          for (const [nth, activityId] of activities.entries()) {
            const dueAt = nth === 0 ? {} : { dueAt: nth * 1_000 }
            yield* asked(number, {
              _tag: "ScheduleActivity",
              activityId,
              type: "CALL",
              subject: `Call ${nth}`,
              ...dueAt
            })
          }
          const [first = "", second = "", third = "", fourth = ""] = activities
          yield* asked(number, { _tag: "ChangeActivity", activityId: first, dueAt: 7_000, assignee: "desk" })
          yield* asked(number, { _tag: "ChangeActivity", activityId: second, assignee: "till" })
          yield* asked(number, { _tag: "CloseActivity", activityId: second, outcome: "DONE" })
          yield* asked(number, { _tag: "CloseActivity", activityId: third, outcome: "DONE" })
          yield* asked(number, { _tag: "CloseActivity", activityId: fourth, outcome: "CANCELLED" })
        })
      )
      assert.deepStrictEqual(yield* counted("activity"), [
        ["CANCELLED", 8],
        ["DONE", 16],
        ["OPEN", 16]
      ])
    })
  )

  it.effect("P9, AUT-5: commands that wait, that were approved and that were rejected are the same rows", () =>
    Effect.gen(function* () {
      const judgedBy = [{ automationId: "screening", version: 1 }]
      const body = { trigger: "PRIOR_TO_CREATION", actions: [{ _tag: "HOLD" }] } as const
      yield* ask({
        business: businessId,
        key: businessId,
        command: { _tag: "SaveAutomation", id: "screening", name: "Screening", body }
      })
      const hold = Effect.fnUntraced(function* (number: number) {
        const registration = register(number).command
        if (registration._tag !== "RegisterContact") throw new Error("a registration is one")
        const heldId = randomUUID()
        const key = contactId(number)
        const held = { command: { ...registration, judgedBy }, generated: [], heldBy: judgedBy }
        const command = { _tag: "HoldCommand", heldId, ...held } as const
        // Whoever sent it is told to come back.
        const told = yield* Effect.flip(ask({ business: businessId, key, id: randomUUID(), fingerprint: "1", command }))
        assert.strictEqual(told._tag, "StillRunning")
        return { heldId, key }
      })
      yield* agrees("held_commands", "held_command", (nth) =>
        Effect.gen(function* () {
          yield* hold(nth * 10)
          for (const [each, _tag] of [
            [1, "ApproveHeld"],
            [2, "RejectHeld"]
          ] as const) {
            const { heldId, key } = yield* hold(nth * 10 + each)
            yield* ask({ business: businessId, key, command: { _tag, heldId } })
          }
        })
      )
      assert.deepStrictEqual(yield* counted("held_command"), [
        ["APPROVED", 8],
        ["PENDING", 8],
        ["REJECTED", 8]
      ])
    })
  )
})
