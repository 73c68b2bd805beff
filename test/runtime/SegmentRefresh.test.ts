/**
 * SEG-2, SEG-6: refreshes on demand, by schedule and never; what a preview says is what a refresh gives, now and at an
 * instant that has passed; imported members stay whatever the rule says; recipients are told of a refresh in the
 * transaction that takes it over.
 */
import { assert, layer } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { localTime } from "#domain/shared/CalendarDate.ts"
import { type SegmentExport, SegmentExportNotice } from "#runtime/segment/SegmentExportNotice.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open, writeSide } from "./ReadSide.ts"
import { businessId, contactId, credit, register } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"
import {
  computed,
  definition,
  following,
  membersOf,
  save,
  segmentId,
  tag,
  witnessed,
  witnessTable
} from "./MembershipSide.ts"

const zone = "Europe/Nicosia"
const tagged = (value: string): Condition => ({ type: "LIST", field: "tags", operator: "HAS_ANY", values: [value] })
const memberOf = (name: string): Condition => ({ type: "MEMBER", segment: segmentId(name) })

/** How often it had failed, and when it was to be tried again. */
interface Failed {
  readonly failures: number
  readonly retry_at: bigint
}

const told: Array<SegmentExport> = []
/** Written down where the mails would be, in whatever transaction that is; the first time it fails after that. */
const notice = Layer.effect(
  SegmentExportNotice,
  Effect.map(
    SqlClient,
    (sql) => (asked: SegmentExport) =>
      Effect.gen(function* () {
        told.push(asked)
        yield* sql`CREATE TABLE IF NOT EXISTS mail (run uuid)`
        yield* sql`INSERT INTO mail VALUES (${asked.id}::uuid)`
        if (told.length === 1) yield* sql`SELECT 1 / 0`
      })
  )
)

const numbersOf = (group: { readonly sample: ReadonlyArray<{ readonly contact: string }> }) =>
  group.sample.map(({ contact }) => Number(contact.slice(-12))).toSorted((left, right) => left - right)

const side = following.pipe(Layer.provide(notice), Layer.provideMerge(witnessTable), Layer.provideMerge(writeSide))

layer(side, { excludeTestServices: true })("a segment that is refreshed", (it) => {
  it.effect("SEG-2, SEG-6: on demand, it is what its preview said, and stays so until it is asked again", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      yield* open
      for (let number = 1; number <= 4; number++) yield* ask(register(number))
      yield* ask(tag(1, ["vip"]))
      const body = definition([[tagged("vip")]], "ON_DEMAND")
      yield* save("asked for", body)
      // Until somebody has looked at its mode, it counts as asked for.
      const state = Effect.map(segments.status(businessId, segmentId("asked for")), (status) => status.state)
      for (let found = yield* state; found !== "NEVER_COMPUTED"; found = yield* state) {
        assert.strictEqual(found, "COMPUTING")
        yield* Effect.promise(() => new Promise((resolve) => void setImmediate(resolve)))
      }
      const before = yield* segments.preview(businessId, body.sets, { sampleSize: 10 })
      assert.deepStrictEqual([before.count, ...numbersOf(before)], [1, 1])
      assert.deepStrictEqual(yield* membersOf("asked for"), [])
      yield* segments.refresh(businessId, segmentId("asked for"))
      yield* computed("asked for", 1)
      assert.deepStrictEqual(yield* membersOf("asked for"), [1])
      yield* ask(tag(2, ["vip"]))
      assert.deepStrictEqual(yield* membersOf("asked for"), [1])
      yield* segments.refresh(businessId, segmentId("asked for"))
      yield* computed("asked for", 1)
      assert.deepStrictEqual(yield* membersOf("asked for"), [1, 2])
      const reasons = (yield* witnessed("asked for")).map(({ contact, kind, reason }) => [contact, kind, reason])
      assert.deepStrictEqual(reasons, [
        [1, "JOINED", "REFRESH"],
        [2, "JOINED", "REFRESH"]
      ])
    })
  )

  it.effect("SEG-6: at an instant that has passed, a preview says who was in then, also of another segment", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      const sets = [{ conditions: [tagged("past")] }]
      yield* save("past", definition([[tagged("past")]]))
      yield* computed("past")
      yield* ask(tag(3, ["past"]))
      assert.isTrue(yield* segments.isMember(businessId, segmentId("past"), contactId(3)))
      // The next event is of a later millisecond.
      const clock = yield* Clock.Clock
      const then = clock.currentTimeMillisUnsafe()
      while (clock.currentTimeMillisUnsafe() <= then) yield* Effect.yieldNow
      yield* ask(tag(3, [], ["past"]))
      yield* ask(tag(4, ["past"]))
      assert.isTrue(yield* segments.isMember(businessId, segmentId("past"), contactId(4)))
      const look = { sampleSize: 10, at: then }
      assert.deepStrictEqual(numbersOf(yield* segments.preview(businessId, sets, look)), [3])
      assert.deepStrictEqual(numbersOf(yield* segments.preview(businessId, sets, { sampleSize: 10 })), [4])
      const named = [{ conditions: [memberOf("past")] }]
      assert.deepStrictEqual(numbersOf(yield* segments.preview(businessId, named, look)), [3])
      const { onlyFirst, onlySecond, both } = yield* segments.difference(
        businessId,
        sets,
        [{ conditions: [tagged("vip")] }],
        { sampleSize: 10 }
      )
      assert.deepStrictEqual([numbersOf(onlyFirst), numbersOf(onlySecond), numbersOf(both)], [[4], [1, 2], []])
    })
  )

  it.effect("SEG-2: a schedule computes it when its time has come, once, and its recipients are told", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      const sql = yield* SqlClient
      // Far from now, so that it does not come by itself meanwhile.
      const isNight = localTime(yield* Clock.currentTimeMillis, zone).minutes < 10 * 60
      const hour = isNight ? 16 : 4
      const body: SegmentDefinition = {
        sets: [{ conditions: [tagged("vip")] }],
        refresh: { mode: "SCHEDULED", cron: `0 ${hour} * * *`, timeZone: zone },
        export: { recipients: ["list@example.com"], format: "CSV" }
      }
      yield* save("nightly", body)
      const wait = Effect.promise(() => new Promise((resolve) => void setImmediate(resolve)))
      const scheduled = Effect.gen(function* () {
        for (;;) {
          const { nextRefreshAt, refreshedAt } = yield* segments.status(businessId, segmentId("nightly"))
          if (nextRefreshAt !== undefined) return { nextRefreshAt, refreshedAt }
          yield* wait
        }
      })
      const first = yield* scheduled
      assert.isUndefined(first.refreshedAt)
      assert.strictEqual(localTime(first.nextRefreshAt, zone).minutes, hour * 60)
      assert.deepStrictEqual(yield* membersOf("nightly"), [])
      // The time has come.
      yield* sql`UPDATE segment_state SET next_run_at = 1 WHERE segment = ${segmentId("nightly")}::uuid`
      for (let at = first; at.refreshedAt === undefined; at = yield* scheduled) yield* wait
      assert.deepStrictEqual(yield* membersOf("nightly"), [1, 2])
      assert.isAbove((yield* scheduled).nextRefreshAt, yield* Clock.currentTimeMillis)
      // The first time it could not be written down, so that the refresh was not taken over either.
      assert.lengthOf(told, 2)
      const runs = yield* sql<{ id: string; state: string }>`
        SELECT id, state FROM segment_run WHERE segment = ${segmentId("nightly")}::uuid ORDER BY started_at`
      assert.deepStrictEqual(
        runs.map(({ id, state }) => [id, state]),
        [[told[1]?.id, "DONE"]]
      )
      assert.deepStrictEqual(yield* sql`SELECT run FROM mail`, [{ run: told[1]?.id }])
      assert.lengthOf(yield* witnessed("nightly"), 2)
      assert.deepInclude(told[1], { segmentId: segmentId("nightly"), format: "CSV", recipients: ["list@example.com"] })
    })
  )

  it.effect(
    "SEG-2: one that cannot be computed is tried again ever more rarely, leaves one row, and holds up no other",
    () =>
      Effect.gen(function* () {
        const segments = yield* Segments
        const sql = yield* SqlClient
        const id = segmentId("broken")
        yield* sql.unsafe(
          `ALTER TABLE segment_state ADD CONSTRAINT broken CHECK (segment <> '${id}'::uuid OR version IS NULL)`
        )
        yield* sql`CREATE TABLE failed (failures integer, retry_at bigint)`
        yield* sql.unsafe(
          `CREATE FUNCTION note_failure() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO failed VALUES (NEW.failures, NEW.retry_at); RETURN NULL; END'`
        )
        yield* sql.unsafe(
          `CREATE TRIGGER note_failure AFTER UPDATE ON segment_state FOR EACH ROW
            WHEN (NEW.segment = '${id}'::uuid AND NEW.failures > OLD.failures) EXECUTE FUNCTION note_failure()`
        )
        yield* save("broken", definition([[tagged("vip")]]))
        const [first, second] = yield* eventually(
          "it has failed twice",
          Effect.map(sql<Failed>`SELECT * FROM failed ORDER BY failures`, (rows) => rows.length >= 2 && rows)
        )
        assert.deepStrictEqual([first?.failures, second?.failures], [1, 2])
        assert.isAtLeast(Number((second?.retry_at ?? 0n) - (first?.retry_at ?? 0n)), 2_000)
        assert.strictEqual((yield* segments.status(businessId, id)).state, "FAILED")
        // A third try that begins now takes the row of the second away before it writes its own.
        yield* eventually(
          "there is a row of it",
          Effect.map(sql`SELECT 1 FROM segment_run WHERE segment = ${id}::uuid`, (rows) => {
            assert.isAtMost(rows.length, 1)
            return rows.length === 1
          })
        )
        yield* save("whole", definition([[tagged("vip")]]))
        yield* computed("whole", 1)
        yield* sql`ALTER TABLE segment_state DROP CONSTRAINT broken`
        // Asked for, it does not wait for its turn.
        yield* sql`UPDATE segment_state SET retry_at = ${BigInt((yield* Clock.currentTimeMillis) + 3_600_000)} WHERE segment = ${id}::uuid`
        yield* segments.refresh(businessId, id)
        while ((yield* segments.status(businessId, id)).state !== "READY") yield* Effect.yieldNow
        assert.deepStrictEqual(yield* membersOf("broken"), yield* membersOf("whole"))
      })
  )

  it.effect("SEG-6: imported members stay whatever the rule says, and those that name the segment follow", () =>
    Effect.gen(function* () {
      const segments = yield* Segments
      yield* save("by hand", definition([[tagged("vip")]], "NEVER"))
      yield* computed("by hand")
      yield* save("hand in hand", definition([[memberOf("by hand")]]))
      yield* computed("hand in hand")
      assert.deepStrictEqual(yield* membersOf("by hand"), [])
      const references = [
        { kind: "id", value: contactId(4) },
        { kind: "code", value: "c-3" },
        { kind: "email", value: "nobody@example.com" }
      ] as const
      const [third, fourth] = [{ kind: "code", value: "c-3" } as const, { kind: "id", value: contactId(4) } as const]
      // CIM-4: a row that names two people is nobody's; nor does one make a guess at who was meant.
      const twofold = [
        [third, fourth],
        [references[2], third]
      ]
      assert.deepStrictEqual(yield* segments.importMembers(businessId, segmentId("by hand"), twofold), [
        { verdict: "AMBIGUOUS" },
        { verdict: "NOT_FOUND" }
      ])
      const rows = references.map((each) => [each])
      const verdicts = yield* segments.importMembers(businessId, segmentId("by hand"), rows)
      assert.deepStrictEqual(
        verdicts.map(({ verdict }) => verdict),
        ["ADDED", "ADDED", "NOT_FOUND"]
      )
      assert.deepStrictEqual(yield* membersOf("hand in hand"), [3, 4])
      yield* ask(credit(4, 100n, "import-1"))
      assert.deepStrictEqual(yield* membersOf("by hand"), [3, 4])
      // Saved anew as a live one, by its rule she is in as well; taken from the file, she stays by it.
      yield* save("by hand", definition([[tagged("past")]]))
      yield* computed("by hand", 2)
      assert.deepStrictEqual(yield* membersOf("by hand"), [3, 4])
      assert.isTrue(yield* segments.removeMember(businessId, segmentId("by hand"), contactId(4)))
      assert.isTrue(yield* segments.removeMember(businessId, segmentId("by hand"), contactId(3)))
      assert.isFalse(yield* segments.removeMember(businessId, segmentId("by hand"), contactId(3)))
      assert.deepStrictEqual(yield* membersOf("by hand"), [4])
      assert.deepStrictEqual(yield* membersOf("hand in hand"), [4])
    })
  )
})
