/**
 * SEG-1, SEG-3, SEG-5: for how long a contact has been a member of another segment, and for how long who she is. Who has been one long enough enters at the
 * exact instant, who has been one for too long leaves at it, whether she came to be one by an event or by a refresh; and a
 * refresh leaves those who stay as they were.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, changeEmail, contactId } from "./SampleCommands.ts"
import {
  beforehandMs,
  computed,
  definition,
  membersOf,
  save,
  segmentId,
  shifted,
  sideAt,
  tag,
  untilTold
} from "./MembershipSide.ts"
import { eventually } from "../support/Eventually.ts"

const dayMs = 86_400_000
const start = Date.UTC(2026, 9, 1, 9)

const gold: Condition = { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["gold"] }
const memberFor = (name: string, operator: "AT_LEAST" | "LESS_THAN", days: number): Condition => ({
  type: "MEMBER",
  segment: segmentId(name),
  for: { operator, span: { amount: days, unit: "DAYS" } }
})

const sinceOf = (name: string, number: number) =>
  Effect.flatMap(Segments, (segments) => segments.memberSince(businessId, segmentId(name), contactId(number)))

/** Asked for, and computed. */
const refreshed = Effect.fnUntraced(function* (name: string) {
  const segments = yield* Segments
  const before = (yield* segments.status(businessId, segmentId(name))).refreshedAt ?? 0
  yield* segments.refresh(businessId, segmentId(name))
  yield* eventually(
    `${name} is refreshed`,
    Effect.map(segments.status(businessId, segmentId(name)), (status) => (status.refreshedAt ?? 0) > before)
  )
})
const samples = ({ sample }: { readonly sample: ReadonlyArray<{ readonly contact: string }> }) =>
  sample.map(({ contact }) => Number(contact.slice(-12))).toSorted((left, right) => left - right)

describe("a segment of who has been in another for some time", () => {
  it.live(
    "SEG-3, SEG-5: follows a live one, lets in and out at the exact instant, and says since when",
    () => {
      const { clock, set } = shifted()
      set(start)
      return Effect.gen(function* () {
        const segments = yield* Segments
        yield* open
        yield* ask(person(1))
        yield* save("gold", definition([[gold]]))
        yield* save("long gold", definition([[memberFor("gold", "AT_LEAST", 30)]]))
        yield* save("new gold", definition([[memberFor("gold", "LESS_THAN", 30)]]))
        for (const name of ["gold", "long gold", "new gold"]) yield* computed(name)
        yield* ask(tag(1, ["gold"]))
        const [joined] = yield* untilTold("new gold", 1)
        const since = yield* sinceOf("gold", 1)
        assert.isDefined(since)
        assert.deepInclude(joined, { contact: 1, kind: "JOINED", at: since })
        const due = (since ?? 0) + 30 * dayMs
        const why = segments.why(businessId, [{ conditions: [memberFor("gold", "AT_LEAST", 30)] }], contactId(1))
        assert.deepNestedInclude((yield* why)?.[0]?.conditions[0], { holds: false, actual: since, until: due })

        set(due - beforehandMs)
        assert.deepStrictEqual([yield* membersOf("long gold"), yield* membersOf("new gold")], [[], [1]])
        const [entered] = yield* untilTold("long gold", 1)
        assert.deepInclude(entered, { contact: 1, kind: "JOINED", reason: "TIME", at: due })
        const [, left] = yield* untilTold("new gold", 2)
        assert.deepInclude(left, { contact: 1, kind: "LEFT", reason: "TIME", at: due })
        assert.deepNestedInclude((yield* why)?.[0]?.conditions[0], { holds: true, actual: since })

        // Who comes back begins anew.
        yield* ask(tag(1, [], ["gold"]))
        yield* untilTold("long gold", 2)
        yield* ask(tag(1, ["gold"]))
        yield* untilTold("new gold", 3)
        assert.deepStrictEqual([yield* membersOf("long gold"), yield* membersOf("new gold")], [[], [1]])
        assert.isAtLeast((yield* sinceOf("gold", 1)) ?? 0, due)
      }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
    },
    180_000
  )

  it.live(
    "SEG-2, SEG-6: is refreshed to what its preview says, counts from the first refresh that she stayed in since, and is known of the past",
    () => {
      const { clock, set } = shifted()
      set(start)
      return Effect.gen(function* () {
        const segments = yield* Segments
        const now = Effect.map(Clock.Clock, (each) => each.currentTimeMillisUnsafe())
        yield* open
        for (const number of [1, 2, 3]) yield* ask(person(number, { code: `C-${number}` }))
        yield* ask(tag(1, ["gold"]))
        yield* ask(tag(3, ["gold"]))
        yield* save("asked", definition([[gold]], "ON_DEMAND"))
        const loyal = definition([[memberFor("asked", "AT_LEAST", 7)]], "ON_DEMAND")
        yield* save("loyal", loyal)
        yield* save("loyal now", definition([[memberFor("asked", "AT_LEAST", 7)]]))
        yield* computed("loyal now")
        yield* refreshed("asked")
        const since = yield* sinceOf("asked", 1)
        assert.isDefined(since)
        yield* refreshed("loyal")
        assert.deepStrictEqual(yield* membersOf("loyal"), [])

        set(start + 5 * dayMs)
        const fifth = yield* now
        yield* ask(tag(2, ["gold"]))
        yield* ask(tag(3, [], ["gold"]))
        yield* refreshed("asked")
        assert.deepStrictEqual(yield* membersOf("asked"), [1, 2])
        assert.strictEqual(yield* sinceOf("asked", 1), since)
        assert.isAtLeast((yield* sinceOf("asked", 2)) ?? 0, fifth)

        const due = (since ?? 0) + 7 * dayMs
        set(due - beforehandMs)
        const [entered] = yield* untilTold("loyal now", 1)
        assert.deepInclude(entered, { contact: 1, kind: "JOINED", reason: "TIME", at: due })
        yield* eventually(
          "it has come",
          Effect.map(now, (at) => at >= due)
        )
        const look = { sampleSize: 10 }
        assert.deepStrictEqual(samples(yield* segments.preview(businessId, loyal.sets, look)), [1])
        yield* refreshed("loyal")
        assert.deepStrictEqual(yield* membersOf("loyal"), [1])

        const past = (sets: typeof loyal.sets, at: number) => segments.preview(businessId, sets, { ...look, at })
        const fresh = definition([[memberFor("asked", "LESS_THAN", 7)]]).sets
        assert.deepStrictEqual(samples(yield* past(fresh, fifth - 1)), [1, 3])
        assert.deepStrictEqual(samples(yield* past(loyal.sets, due - 1)), [])
        assert.deepStrictEqual(samples(yield* past(loyal.sets, due)), [1])
        assert.deepStrictEqual(samples(yield* past(fresh, due)), [2])
      }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
    },
    180_000
  )
})

const mail = (state: "THERE" | "UNCHANGED"): Condition => ({
  type: "HAS_BEEN",
  field: "email",
  state,
  span: { amount: 30, unit: "DAYS" }
})

describe("a segment of who has been who she is for some time", () => {
  it.live(
    "SEG-2, SEG-3: lets in exactly then who has kept her mail, lets out who changes it, and is refreshed to its preview",
    () => {
      const { clock, set } = shifted()
      set(start)
      return Effect.gen(function* () {
        const segments = yield* Segments
        const sql = yield* SqlClient
        const changedAt = Effect.map(
          sql<{ at: bigint }>`
            SELECT max(at) AS at FROM event WHERE id = ${contactId(1)}::uuid AND type = 'ContactUpdated'`,
          ([row]) => Number(row?.at)
        )
        yield* open
        yield* ask(person(1))
        yield* ask(person(2, { code: "C-2" }))
        yield* ask(changeEmail(1, "one@example.com"))
        const since = yield* changedAt
        const kept = definition([[mail("UNCHANGED")]])
        yield* save("kept", kept)
        yield* save("there", definition([[mail("THERE")]]))
        yield* save("asked", { ...kept, refresh: { mode: "ON_DEMAND" } })
        yield* computed("kept")
        yield* computed("there")
        const due = since + 30 * dayMs
        const why = segments.why(businessId, kept.sets, contactId(1))
        assert.deepNestedInclude((yield* why)?.[0]?.conditions[0], { holds: false, actual: since, until: due })
        set(due - beforehandMs)
        const [entered] = yield* untilTold("kept", 1)
        assert.deepInclude(entered, { contact: 1, kind: "JOINED", reason: "TIME", at: due })
        assert.deepStrictEqual(yield* membersOf("there"), [1])

        assert.deepStrictEqual(samples(yield* segments.preview(businessId, kept.sets, { sampleSize: 10 })), [1])
        yield* refreshed("asked")
        assert.deepStrictEqual(yield* membersOf("asked"), [1])
        const past = (at: number) => segments.preview(businessId, kept.sets, { sampleSize: 10, at })
        assert.deepStrictEqual(samples(yield* past(due - 1)), [])
        assert.deepStrictEqual(samples(yield* past(due)), [1])

        yield* ask(changeEmail(1, "another@example.com"))
        const [, left] = yield* untilTold("kept", 2)
        assert.deepInclude(left, { contact: 1, kind: "LEFT", reason: "EVENT" })
        assert.deepStrictEqual([yield* membersOf("kept"), yield* membersOf("there")], [[], [1]])
        assert.deepNestedInclude((yield* why)?.[0]?.conditions[0], { holds: false, actual: yield* changedAt })
        yield* refreshed("asked")
        assert.deepStrictEqual(yield* membersOf("asked"), [])
      }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
    },
    180_000
  )
})
