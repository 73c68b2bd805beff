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
import { ask, open, person, writeSide } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { computed, definition, following, save, segmentId, tag, witnessed, witnessTable } from "./MembershipSide.ts"
import { eventually } from "../support/Eventually.ts"

const zone = "Europe/Nicosia"
const dayMs = 86_400_000
const hourMs = 3_600_000
/** How long before an instant the clock is put: the fiber has looked at the table by then, and sleeps until it. */
const beforehandMs = 1_500

/** The real clock, put to another time. */
const shifted = () => {
  const real = Clock.Clock.defaultValue()
  let offset = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + offset,
    currentTimeMillis: Effect.sync(() => real.currentTimeMillisUnsafe() + offset),
    currentTimeNanosUnsafe: () => BigInt(real.currentTimeMillisUnsafe() + offset) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(real.currentTimeMillisUnsafe() + offset) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: real.monotonicTimeNanos,
    sleep: (duration) => real.sleep(duration)
  }
  return {
    clock,
    set: (at: number): void => {
      offset = at - real.currentTimeMillisUnsafe()
    }
  }
}

const birthday: Condition = { type: "ANNIVERSARY", field: "demographics.date_of_birth", operator: "TODAY" }

const born = (number: number, month: number, day: number) => {
  const asked = person(number)
  if (asked.command._tag !== "RegisterContact") throw new Error("a person is registered")
  const demographics = { dateOfBirth: { year: 1990, month, day } }
  return { ...asked, command: { ...asked.command, profile: { ...asked.command.profile, demographics } } }
}

const untilTold = (name: string, count: number) =>
  eventually(
    `${count} changes are told`,
    Effect.map(witnessed(name), (told) => told.length >= count && told)
  )

/** A day of the year on which the zone's clock is changed, and one on which it is not. */
const days = [
  ["an ordinary day", 2026, 6, 14],
  ["the day that has 25 hours", 2026, 10, 25],
  ["the day that has 23 hours", 2027, 3, 28]
] as const

describe("an instant that comes", () => {
  for (const [what, year, month, day] of days) {
    it.live(
      `SEG-3: lets a birthday begin at midnight of her zone and end at the next, on ${what}`,
      () => {
        const { clock, set } = shifted()
        const first = startOfDay(dayNumber(Date.UTC(year, month - 1, day, 12), zone), zone)
        const second = startOfDay(dayNumber(first + dayMs / 2, zone) + 1, zone)
        set(first - hourMs)
        return Effect.gen(function* () {
          const segments = yield* Segments
          yield* open
          yield* ask(born(1, month, day))
          yield* ask(born(2, month + 1, 3))
          yield* save("birthday", definition([[birthday]]))
          yield* computed("birthday")
          assert.isFalse(yield* segments.isMember(businessId, segmentId("birthday"), contactId(1)))
          set(first - beforehandMs)
          const [joined] = yield* untilTold("birthday", 1)
          assert.deepInclude(joined, { contact: 1, kind: "JOINED", reason: "TIME", at: first })
          assert.isTrue(yield* segments.isMember(businessId, segmentId("birthday"), contactId(1)))
          set(second - beforehandMs)
          const [, left] = yield* untilTold("birthday", 2)
          assert.deepInclude(left, { contact: 1, kind: "LEFT", reason: "TIME", at: second })
          assert.isFalse(yield* segments.isMember(businessId, segmentId("birthday"), contactId(1)))
          assert.isFalse(yield* segments.wasMember(businessId, segmentId("birthday"), contactId(1), first - 1))
          assert.isTrue(yield* segments.wasMember(businessId, segmentId("birthday"), contactId(1), first))
        }).pipe(
          Effect.provide(
            following.pipe(
              Layer.provideMerge(witnessTable),
              Layer.provideMerge(writeSide),
              Layer.provideMerge(Layer.succeed(Clock.Clock, clock))
            )
          ),
          Effect.scoped
        )
      },
      180_000
    )
  }

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
