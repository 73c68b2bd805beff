/**
 * SEG-3: contacts enter and leave at the exact instant with no event, at midnight of their own zone, over both changes of
 * the clock, and in their order when nobody was there.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Condition } from "#domain/segment/Condition.ts"
import { dayNumber, startOfDay } from "#domain/shared/CalendarDate.ts"
import { Segments } from "#runtime/segment/Segments.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { ask, open, person, writeSide } from "./ReadSide.ts"
import { businessId, contactId, credit } from "./SampleCommands.ts"
import {
  beforehandMs,
  computed,
  definition,
  following,
  membersOf,
  save,
  segmentId,
  shifted,
  sideAt,
  tag,
  untilTold,
  witnessed,
  witnessTable
} from "./MembershipSide.ts"

const zone = "Europe/Nicosia"
const dayMs = 86_400_000
const hourMs = 3_600_000

const birthday: Condition = { type: "ANNIVERSARY", field: "demographics.date_of_birth", operator: "TODAY" }

const nameDay: Condition = { type: "ANNIVERSARY", field: "name_day", operator: "TODAY" }

const named = (number: number, firstName: string) => person(number, { firstName, lastName: "Georgiou" })
const born = (number: number, month: number, day: number) => {
  const asked = person(number)
  if (asked.command._tag !== "RegisterContact") throw new Error("a person is registered")
  const demographics = { dateOfBirth: { year: 1990, month, day } }
  return { ...asked, command: { ...asked.command, profile: { ...asked.command.profile, demographics } } }
}

const taggedFor: Condition = { type: "HAS_BEEN", field: "tags", value: "gold", span: { amount: 30, unit: "DAYS" } }
const livingHereFor: Condition = {
  type: "HAS_BEEN",
  field: "time_zone",
  value: zone,
  span: { amount: 1, unit: "MONTHS" }
}
const creditsOf = (operator: "GREATER" | "EQUAL", value: number): Condition => ({
  type: "COUNT",
  event: "FundsCredited",
  window: { last: { amount: 7, unit: "DAYS" } },
  operator,
  value
})

/** When something last happened to a contact. */
const lastOf = Effect.fnUntraced(function* (number: number, type: string) {
  const sql = yield* SqlClient
  const [row] = yield* sql<{ at: bigint }>`
    SELECT max(at) AS at FROM event WHERE id = ${contactId(number)}::uuid AND type = ${type}`
  return Number(row?.at)
})

const midnight = (year: number, month: number, day: number): number =>
  startOfDay(dayNumber(Date.UTC(year, month - 1, day, 12), zone), zone)

/** Contact 1 has a day of the year, contact 2 another. */
const days = [
  ["a birthday", "an ordinary day", birthday, born(1, 6, 14), born(2, 7, 3), [2026, 6, 14]],
  ["a birthday", "the day that has 25 hours", birthday, born(1, 10, 25), born(2, 11, 3), [2026, 10, 25]],
  ["a birthday", "the day that has 23 hours", birthday, born(1, 3, 28), born(2, 4, 3), [2027, 3, 28]],
  // NAM-1: Saint George is kept on Easter Monday where 23 April is not after Easter.
  ["a name day", "the day of a feast that moves", nameDay, named(1, "Giorgos"), named(2, "Eleni"), [2027, 5, 3]]
] as const

describe("an instant that comes", () => {
  for (const [what, when, condition, one, other, [year, month, day]] of days) {
    it.live(
      `SEG-3: lets ${what} begin at midnight of her zone and end at the next, on ${when}`,
      () => {
        const { clock, set } = shifted()
        const [first, second] = [midnight(year, month, day), midnight(year, month, day + 1)]
        set(first - hourMs)
        return Effect.gen(function* () {
          const segments = yield* Segments
          yield* open
          yield* ask(one)
          yield* ask(other)
          yield* save("remembered", definition([[condition]]))
          yield* computed("remembered")
          assert.isFalse(yield* segments.isMember(businessId, segmentId("remembered"), contactId(1)))
          set(first - beforehandMs)
          const [joined] = yield* untilTold("remembered", 1)
          assert.deepInclude(joined, { contact: 1, kind: "JOINED", reason: "TIME", at: first })
          assert.isTrue(yield* segments.isMember(businessId, segmentId("remembered"), contactId(1)))
          set(second - beforehandMs)
          const [, left] = yield* untilTold("remembered", 2)
          assert.deepInclude(left, { contact: 1, kind: "LEFT", reason: "TIME", at: second })
          assert.isFalse(yield* segments.isMember(businessId, segmentId("remembered"), contactId(1)))
          assert.isFalse(yield* segments.wasMember(businessId, segmentId("remembered"), contactId(1), first - 1))
          assert.isTrue(yield* segments.wasMember(businessId, segmentId("remembered"), contactId(1), first))
        }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
      },
      180_000
    )
  }

  for (const [what, since, spanOf, condition] of [
    ["30 days", "TagsChanged", (at: number) => at + 30 * dayMs, taggedFor],
    // The clock goes back in between: by the calendar it is an hour more.
    ["a month", "ContactRegistered", (at: number) => at + 31 * dayMs + hourMs, livingHereFor]
  ] as const) {
    it.live(
      `SEG-3: lets in who has been for ${what} what it is, exactly then and with nothing else happening`,
      () => {
        const { clock, set } = shifted()
        set(midnight(2026, 10, 1) + 9 * hourMs)
        return Effect.gen(function* () {
          const segments = yield* Segments
          const asked = [businessId, segmentId("long"), contactId(1)] as const
          yield* open
          yield* ask(person(1))
          yield* ask(tag(1, ["gold"]))
          yield* ask(person(2, { code: "C-2" }))
          yield* save(
            "long",
            definition([[condition, { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["gold"] }]])
          )
          yield* computed("long")
          const due = spanOf(yield* lastOf(1, since))
          set(due - beforehandMs)
          assert.isFalse(yield* segments.isMember(...asked))
          const [joined] = yield* untilTold("long", 1)
          assert.deepInclude(joined, { contact: 1, kind: "JOINED", reason: "TIME", at: due })
          assert.isFalse(yield* segments.wasMember(...asked, due - 1))
          assert.deepStrictEqual(yield* membersOf("long"), [1])
        }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
      },
      180_000
    )
  }

  it.live(
    "SEG-3: ends a window of events exactly, for who counts as having had some and for who counts as having had none",
    () => {
      const { clock, set } = shifted()
      set(midnight(2026, 10, 20))
      return Effect.gen(function* () {
        yield* open
        yield* ask(person(1))
        yield* save("busy", definition([[creditsOf("GREATER", 0)]]))
        yield* save("idle", definition([[creditsOf("EQUAL", 0)]]))
        yield* computed("busy")
        yield* computed("idle")
        yield* ask(credit(1, 500n, "one"))
        const paid = yield* lastOf(1, "FundsCredited")
        yield* untilTold("busy", 1)
        set(paid + 7 * dayMs - beforehandMs)
        const moves = (name: string, count: number) =>
          Effect.map(untilTold(name, count), (told) => told.slice(-2).map(({ kind, reason }) => [kind, reason]))
        assert.deepStrictEqual(yield* moves("busy", 2), [
          ["JOINED", "EVENT"],
          ["LEFT", "TIME"]
        ])
        assert.deepStrictEqual(yield* moves("idle", 3), [
          ["LEFT", "EVENT"],
          ["JOINED", "TIME"]
        ])
        for (const name of ["busy", "idle"]) {
          assert.strictEqual((yield* witnessed(name)).at(-1)?.at, paid + 7 * dayMs, name)
        }
        assert.deepStrictEqual([yield* membersOf("busy"), yield* membersOf("idle")], [[], [1]])
      }).pipe(Effect.provide(sideAt(clock)), Effect.scoped)
    },
    180_000
  )

  it.live(
    "SEG-3: what was due while nobody was there is caught up with, each at its own instant, and a read has it done first",
    () => {
      const { clock, set } = shifted()
      const first = startOfDay(dayNumber(Date.UTC(2026, 5, 14, 12), zone), zone)
      set(first - 10 * dayMs)
      const alive = Layer.fresh(following)
      return Effect.gen(function* () {
        yield* open
        yield* ask(born(1, 6, 14))
        yield* Effect.gen(function* () {
          yield* save("birthday", definition([[birthday]]))
          yield* save(
            "never",
            definition([[birthday, { type: "LIST", field: "tags", operator: "HAS_ANY", values: ["x"] }]])
          )
          yield* computed("birthday")
          yield* computed("never")
        }).pipe(Effect.provide(alive, { local: true }))
        set(first + 3 * dayMs)
        yield* ask(tag(1, ["other"]))
        yield* Effect.gen(function* () {
          const segments = yield* Segments
          assert.isFalse(yield* segments.isMember(businessId, segmentId("birthday"), contactId(1)))
          const told = yield* untilTold("birthday", 2)
          assert.deepStrictEqual(
            told.map(({ kind, at }) => [kind, at]),
            [
              ["JOINED", first],
              ["LEFT", first + dayMs]
            ]
          )
          assert.lengthOf(yield* witnessed("never"), 0)
        }).pipe(Effect.provide(alive, { local: true }))
      }).pipe(
        Effect.provide(
          witnessTable.pipe(Layer.provideMerge(writeSide), Layer.provideMerge(Layer.succeed(Clock.Clock, clock)))
        ),
        Effect.scoped
      )
    },
    180_000
  )
})
