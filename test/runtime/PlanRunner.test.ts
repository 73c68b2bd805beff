/** Runs of plans: when they come, whom they reach, and what a crash does to them. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "#runtime/actor/Actors.ts"
import { ActorUnavailable } from "#runtime/actor/RuntimeRefusal.ts"
import { planSends } from "#runtime/communication/PlanSends.ts"
import {
  caughtUp,
  day,
  everything,
  join,
  runsOf,
  sentOf,
  setTime,
  shop,
  states,
  until,
  untilStates,
  uuid,
  working
} from "./PlanWorld.ts"
import { contactId } from "./SampleCommands.ts"

const many = (count: number) => Array.from({ length: count }, () => ({}))
const noon = day("2026-11-22T10:00:00Z")

layer(everything, { excludeTestServices: true })("a plan", (it) => {
  it.effect("AUT-12, SEG-7: writes once to everybody who was a member when its run started", () =>
    working((runner) =>
      Effect.gen(function* () {
        const { business, contacts, plan } = yield* shop(many(5), noon)
        yield* plan({ type: "ONCE", at: noon + 3_600_000 })
        const { looked } = yield* runner()
        yield* looked
        assert.strictEqual((yield* runsOf(business)).length, 0)
        yield* setTime(noon + 3_600_000)
        yield* untilStates(business, "DONE")
        assert.deepStrictEqual(yield* sentOf(business), new Map(contacts.map((contact) => [contact, 1])))
        // Who comes later is not in it, and it does not come again.
        yield* join(business, [contactId(1)])
        yield* setTime(noon + 3_700_000)
        yield* looked
        const [run] = yield* runsOf(business)
        assert.deepInclude(run, { recipients: 5n, requested: 5n, refused: 0n, key: `once ${noon + 3_600_000}` })
        assert.strictEqual((yield* runsOf(business)).length, 1)
      })
    )
  )

  it.effect(
    "CON-5, CON-6: writes as marketing, or as critical if flagged, though its run was written down as mandatory",
    () =>
      working((runner) =>
        Effect.gen(function* () {
          const actors = yield* Actors
          const sql = yield* SqlClient
          const { business, contacts, command, plan, templateBody } = yield* shop(many(1), noon)
          const critical = uuid("7e000000", 2)
          const body = { ...templateBody, purpose: "CRITICAL" } as const
          yield* command({ _tag: "SaveTemplate", id: critical, name: "Recall", body })
          const schedule = { type: "ONCE", at: noon + 1_000 } as const
          yield* plan(schedule)
          yield* plan(schedule, { templateId: critical, override: true }, uuid("91000000", 2))
          yield* setTime(noon + 1_000)
          // Its runs are written down, and fixed before any of them begins.
          yield* sql.unsafe(
            `CREATE FUNCTION was_mandatory() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.purpose = ''MANDATORY''; RETURN NEW; END'`
          )
          yield* sql.unsafe(
            "CREATE TRIGGER was_mandatory BEFORE INSERT ON plan_run FOR EACH ROW EXECUTE FUNCTION was_mandatory()"
          )
          yield* runner()
          yield* untilStates(business, "DONE,DONE")
          yield* sql.unsafe("DROP FUNCTION was_mandatory CASCADE")
          const { state } = yield* actors.read(business, contacts[0] ?? "", "contact")
          assert.deepStrictEqual(state.communications.map(({ purpose }) => purpose).toSorted(), [
            "CRITICAL",
            "MARKETING"
          ])
        })
      )
  )

  it.effect("a run that is no longer kept is neither done again nor written down as missed", () =>
    working((runner) =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const { business, contacts, plan } = yield* shop(many(2), noon)
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        const first = yield* runner()
        yield* untilStates(business, "DONE")
        yield* first.kill
        yield* setTime(noon + 401 * 24 * 3_600_000)
        for (const table of ["plan_run", "plan_send"]) {
          yield* sql.unsafe(`DELETE FROM ${table} WHERE business = $1::uuid`, [business])
        }
        const { looked } = yield* runner()
        yield* looked
        assert.strictEqual(yield* states(business), "")
        assert.deepStrictEqual(yield* sentOf(business), new Map(contacts.map((contact) => [contact, 1])))
      })
    )
  )

  it.effect("AUT-12: writes to nobody twice, wherever in a run its runner is killed", () =>
    working((runner) =>
      Effect.gen(function* () {
        const actors = yield* Actors
        const { business, contacts, plan } = yield* shop(many(450), noon)
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        // Each is killed after so many messages are durable: within a batch, at its end before the place is moved, later.
        for (const lives of [7, 200, 150, 250, 1]) {
          let asked = 0
          let isDead = false
          const mortal: Actors["Service"] = {
            ...actors,
            ask: (ask) =>
              Effect.suspend(() => {
                if (isDead) return Effect.never
                asked += 1
                if (asked < lives) return actors.ask(ask)
                isDead = true
                return Effect.andThen(actors.ask(ask), Effect.never)
              })
          }
          const { kill } = yield* runner(mortal)
          yield* until(Effect.sync(() => isDead))
          yield* kill
          const sent = yield* sentOf(business)
          for (const count of sent.values()) assert.strictEqual(count, 1)
        }
        yield* runner()
        yield* untilStates(business, "DONE")
        assert.deepStrictEqual(yield* sentOf(business), new Map(contacts.toSorted().map((contact) => [contact, 1])))
        const [run] = yield* runsOf(business)
        assert.deepInclude(run, { recipients: 450n, requested: 450n, refused: 0n })
        const sql = yield* SqlClient
        assert.deepStrictEqual(yield* sql.unsafe("SELECT 1 FROM plan_recipient"), [])
      })
    )
  )

  it.effect("AUT-12: writes to nobody twice where two runners do the same run", () =>
    working((runner) =>
      Effect.gen(function* () {
        const { business, contacts, plan } = yield* shop(many(250), noon)
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        yield* runner()
        yield* runner()
        yield* runner()
        yield* untilStates(business, "DONE")
        assert.deepStrictEqual(yield* sentOf(business), new Map(contacts.toSorted().map((contact) => [contact, 1])))
        assert.deepInclude((yield* runsOf(business))[0], { recipients: 250n, requested: 250n })
      })
    )
  )

  it.effect("counts who cannot be asked, and goes on", () =>
    working((runner) =>
      Effect.gen(function* () {
        const { business, plan } = yield* shop(many(3), noon)
        yield* join(business, [uuid("c0ffee00", 1)])
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        yield* runner()
        yield* untilStates(business, "DONE")
        assert.deepInclude((yield* runsOf(business))[0], { recipients: 4n, requested: 3n, refused: 1n })
      })
    )
  )

  it.effect("AUT-12: passes over nobody who could not be asked for a while, however often it tried", () =>
    working((runner) =>
      Effect.gen(function* () {
        const actors = yield* Actors
        const { business, contacts, plan } = yield* shop(many(3), noon)
        const [hers] = contacts
        let tried = 0
        let isBack = false
        const away: Actors["Service"] = {
          ...actors,
          ask: (ask) =>
            Effect.suspend(() => {
              if (ask.key !== hers || isBack) return actors.ask(ask)
              tried += 1
              return Effect.fail(new ActorUnavailable({ cause: "away" }))
            })
        }
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        const { looked } = yield* runner(away)
        yield* until(Effect.sync(() => tried > 0))
        for (let look = 0; look < 15; look += 1) yield* looked
        // Two looks each. It comes again after a moment, two seconds, four, and so on: nine times are four minutes.
        assert.isBelow(tried, 9, "and not at every look")
        assert.strictEqual(yield* states(business), "SENDING")
        isBack = true
        yield* untilStates(business, "DONE")
        assert.deepInclude((yield* runsOf(business))[0], { recipients: 3n, requested: 3n, refused: 0n })
      })
    )
  )

  it.effect("comes again each day at its time, also over a change of the clocks, and once a day", () =>
    working((runner) =>
      Effect.gen(function* () {
        // The clocks of Nicosia go back on 25 October 2026, from 04:00 to 03:00, and 03:30 comes twice.
        const { business, contacts, plan } = yield* shop(many(1), day("2026-10-23T12:00:00Z"))
        yield* plan({ type: "DAILY", time: "03:30", timeZone: "Europe/Nicosia" })
        const { looked } = yield* runner()
        for (const at of ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-26T01:30Z"]) {
          yield* setTime(day(at) - 1_000)
          yield* looked
          yield* setTime(day(at))
          yield* looked
          yield* until(Effect.map(states(business), (found) => !found.includes("ING")))
        }
        const runs = yield* runsOf(business)
        assert.deepStrictEqual(
          runs.map(({ key, state, due_at }) => [key, state, new Date(Number(due_at)).toISOString()]),
          [
            ["2026-10-24", "DONE", "2026-10-24T00:30:00.000Z"],
            ["2026-10-25", "DONE", "2026-10-25T00:30:00.000Z"],
            ["2026-10-26", "DONE", "2026-10-26T01:30:00.000Z"]
          ]
        )
        assert.deepStrictEqual([...(yield* sentOf(business))], [[contacts[0], 3]])
      })
    )
  )

  it.effect("is missed, and says so, where nobody was there at its time", () =>
    working((runner) =>
      Effect.gen(function* () {
        const { business, plan } = yield* shop(many(1), noon)
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 7 * 3_600_000)
        yield* runner()
        yield* untilStates(business, "MISSED")
        assert.strictEqual((yield* sentOf(business)).size, 0)
      })
    )
  )

  it.effect("makes up for nothing of before it was switched on, and stops when it is switched off", () =>
    working((runner) =>
      Effect.gen(function* () {
        const actors = yield* Actors
        const { business, command, plan } = yield* shop(many(450), noon)
        const id = uuid("91000000", 1)
        // 12:00 in Nicosia is now; it was saved a moment later.
        yield* setTime(noon + 1_000)
        yield* plan({ type: "DAILY", time: "12:00", timeZone: "Europe/Nicosia" })
        let asked = 0
        const slow: Actors["Service"] = {
          ...actors,
          ask: (ask) => Effect.suspend(() => (++asked > 250 ? Effect.never : actors.ask(ask)))
        }
        const { looked, kill } = yield* runner(slow)
        yield* looked
        assert.strictEqual((yield* runsOf(business)).length, 0)
        yield* setTime(noon + 24 * 3_600_000)
        yield* until(Effect.sync(() => asked > 250))
        yield* kill
        yield* command({ _tag: "ChangePlanState", id, state: "INACTIVE" })
        const again = yield* runner()
        yield* untilStates(business, "CANCELLED")
        assert.isBelow((yield* sentOf(business)).size, 450)
        yield* command({ _tag: "ChangePlanState", id, state: "ACTIVE" })
        yield* again.looked
        assert.strictEqual(yield* states(business), "CANCELLED")
      })
    )
  )

  it.effect("CON-6: sends what overrides as critical, everything else as marketing, under its run's name", () =>
    working((runner, projector) =>
      Effect.gen(function* () {
        const { business, contacts, plan } = yield* shop(many(1), noon)
        const refused = yield* Effect.flip(plan({ type: "ONCE", at: noon + 1_000 }, { override: true }))
        assert.deepInclude(refused, { _tag: "InvalidDefinition", pointer: "/override" })
        yield* plan({ type: "ONCE", at: noon + 1_000 })
        yield* setTime(noon + 1_000)
        yield* runner()
        yield* untilStates(business, "DONE")
        const actors = yield* Actors
        const { state } = yield* actors.read(business, contacts[0] as string, "contact")
        assert.deepInclude(state.communications[0], { channel: "EMAIL", purpose: "MARKETING", authorized: false })
        const communicationId = state.communications[0]?.id ?? ""
        yield* actors.ask({
          business,
          key: contacts[0] as string,
          command: { _tag: "RejectCommunication", communicationId, reason: "NO_ADDRESS" }
        })
        yield* caughtUp(projector, planSends)
        const sql = yield* SqlClient
        const rows = "SELECT communication, run_key, state, reason FROM plan_send WHERE business = $1::uuid"
        const before = yield* sql.unsafe(rows, [business])
        assert.deepStrictEqual(before, [
          { communication: communicationId, run_key: `once ${noon + 1_000}`, state: "REJECTED", reason: "NO_ADDRESS" }
        ])
        yield* projector.rebuild(planSends.name)
        yield* caughtUp(projector, planSends)
        assert.deepStrictEqual(yield* sql.unsafe(rows, [business]), before)
      })
    )
  )
})
