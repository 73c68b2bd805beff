/** Plans for the day of each contact: her birthday and her name day, by the clocks of her zone. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "#runtime/actor/Actors.ts"
import { anniversaries } from "#runtime/communication/Anniversaries.ts"
import { planSends } from "#runtime/communication/PlanSends.ts"
import { caughtUp, day, everything, runsOf, sentOf, setTime, shop, states, until, uuid, working } from "./PlanWorld.ts"

const noon = day("2026-11-22T10:00:00Z")
const born = (year: number, month: number, ofMonth: number) => ({
  demographics: { dateOfBirth: { year, month, day: ofMonth } }
})

interface Shop {
  readonly business: string
  readonly contacts: ReadonlyArray<string>
}

/** All that is due has been done. */
const over = ({ business }: Shop, looked: Effect.Effect<void>) =>
  Effect.andThen(looked, until(Effect.map(states(business), (found) => !found.includes("ING"))))

/** Goes to a time, and says by their numbers who has had a message when all that is due then has been done. */
const goingTo = (of: Shop, looked: Effect.Effect<void>) =>
  Effect.fnUntraced(function* (at: string) {
    yield* setTime(day(at))
    yield* over(of, looked)
    const sent = yield* sentOf(of.business)
    return of.contacts.flatMap((contact, index) => (sent.has(contact) ? [index] : []))
  })

layer(everything, { excludeTestServices: true })("a plan for the day of each contact", (it) => {
  const moveTo = Effect.fnUntraced(function* (business: string, contact: string, timeZone: string) {
    const actors = yield* Actors
    yield* actors.ask({ business, key: contact, command: { _tag: "UpdateContact", timeZone, profile: {} } })
  })

  it.effect("comes at the local time of her zone, on her day, once", () =>
    working((runner) =>
      Effect.gen(function* () {
        // 8 March 2026: the clocks of New York skip from 02:00 to 03:00.
        const people = [born(1990, 3, 8), born(1985, 3, 8), born(1970, 3, 9), {}, born(2000, 3, 8)]
        const { business, contacts, plan } = yield* shop(people, day("2026-03-06T12:00:00Z"))
        yield* moveTo(business, contacts[1] as string, "America/New_York")
        yield* moveTo(business, contacts[4] as string, "Pacific/Auckland")
        yield* plan({ type: "BIRTHDAY", time: "02:30" })
        const { looked } = yield* runner()
        const passing = goingTo({ business, contacts }, looked)
        assert.deepStrictEqual(yield* passing("2026-03-07T13:29:00Z"), [])
        // 02:30 of the 8th in Auckland, thirteen hours ahead.
        assert.deepStrictEqual(yield* passing("2026-03-07T13:30:00Z"), [4])
        assert.deepStrictEqual(yield* passing("2026-03-08T00:29:00Z"), [4])
        assert.deepStrictEqual(yield* passing("2026-03-08T00:30:00Z"), [0, 4])
        assert.deepStrictEqual(yield* passing("2026-03-08T06:59:00Z"), [0, 4])
        // 02:30 does not come in New York: at 03:00, when the gap is over.
        assert.deepStrictEqual(yield* passing("2026-03-08T07:00:00Z"), [0, 1, 4])
        // She moves west after her message: her day comes again there, the message does not.
        yield* moveTo(business, contacts[0] as string, "America/Los_Angeles")
        yield* passing("2026-03-08T10:00:00Z")
        assert.deepStrictEqual(yield* passing("2026-03-09T00:30:00Z"), [0, 1, 2, 4])
        assert.deepStrictEqual([...(yield* sentOf(business)).values()], [1, 1, 1, 1])
      })
    )
  )

  it.effect("moves with her: what was still to come comes by the clocks of where she is, and only there", () =>
    working((runner) =>
      Effect.gen(function* () {
        const people = [born(1990, 5, 10), born(1991, 5, 10), born(1992, 5, 10)]
        const { business, contacts, plan } = yield* shop(people, day("2026-05-09T12:00:00Z"))
        yield* plan({ type: "BIRTHDAY", time: "09:00" })
        const { looked } = yield* runner()
        const passing = goingTo({ business, contacts }, looked)
        yield* moveTo(business, contacts[1] as string, "America/New_York")
        yield* moveTo(business, contacts[2] as string, "America/New_York")
        // Back before her hour has come anywhere.
        yield* moveTo(business, contacts[2] as string, "Europe/Nicosia")
        assert.deepStrictEqual(yield* passing("2026-05-10T05:59:00Z"), [])
        assert.deepStrictEqual(yield* passing("2026-05-10T06:00:00Z"), [0, 2])
        // Further west with four hours to go: a zone in which nobody lived until now.
        yield* setTime(day("2026-05-10T09:00:00Z"))
        yield* moveTo(business, contacts[1] as string, "America/Denver")
        assert.deepStrictEqual(yield* passing("2026-05-10T13:00:00Z"), [0, 2])
        assert.deepStrictEqual(yield* passing("2026-05-10T14:59:00Z"), [0, 2])
        assert.deepStrictEqual(yield* passing("2026-05-10T15:00:00Z"), [0, 1, 2])
        assert.deepStrictEqual([...(yield* sentOf(business)).values()], [1, 1, 1])
      })
    )
  )

  it.effect("comes at the hour of where she was, if it was past where she went; and to nobody in both", () =>
    working((runner) =>
      Effect.gen(function* () {
        const people = [born(1990, 5, 10), born(1991, 5, 10), born(1992, 5, 10), born(1993, 5, 11)]
        const { business, contacts, plan } = yield* shop(people, day("2026-05-09T12:00:00Z"))
        yield* plan({ type: "BIRTHDAY", time: "09:00" })
        const { looked } = yield* runner()
        const passing = goingTo({ business, contacts }, looked)
        for (const each of [1, 2, 3]) yield* moveTo(business, contacts[each] as string, "America/New_York")
        assert.deepStrictEqual(yield* passing("2026-05-10T06:00:00Z"), [0])
        // At noon in Cyprus, where the hour is over: nobody is left behind in New York.
        yield* setTime(day("2026-05-10T09:00:00Z"))
        for (const each of [1, 2, 3]) yield* moveTo(business, contacts[each] as string, "Europe/Nicosia")
        yield* moveTo(business, contacts[0] as string, "America/New_York")
        assert.deepStrictEqual(yield* passing("2026-05-10T12:59:00Z"), [0])
        assert.deepStrictEqual(yield* passing("2026-05-10T13:00:00Z"), [0, 1, 2])
        assert.deepStrictEqual(yield* passing("2026-05-11T06:00:00Z"), [0, 1, 2, 3])
        yield* passing("2026-05-11T13:00:00Z")
        assert.deepStrictEqual([...(yield* sentOf(business)).values()], [1, 1, 1, 1])
      })
    )
  )

  it.effect("is made up for when it was missed, for those whose day it was, and to nobody twice", () =>
    working((runner) =>
      Effect.gen(function* () {
        const people = [born(1990, 5, 10), born(1991, 5, 11), born(1992, 5, 10)]
        const { business, contacts, plan, command } = yield* shop(people, day("2026-05-09T12:00:00Z"))
        const id = uuid("91000000", 1)
        yield* plan({ type: "BIRTHDAY", time: "09:00" }, { window: { until: day("2026-05-12T00:00:00Z") } })
        yield* moveTo(business, contacts[2] as string, "America/New_York")
        yield* setTime(day("2026-05-10T14:00:00Z"))
        const { looked, makeUp } = yield* runner()
        const allOver = over({ business, contacts }, looked)
        yield* allOver
        assert.strictEqual(yield* states(business), "MISSED,DONE", "nine o'clock was eight hours ago in Cyprus")
        const [missed, done] = yield* runsOf(business)
        // She is at home again, and has had her message.
        yield* moveTo(business, contacts[2] as string, "Europe/Nicosia")
        yield* setTime(day("2026-05-11T05:00:00Z"))
        for (const _ of [1, 2]) assert.strictEqual(yield* makeUp(business, id, missed?.id ?? ""), missed?.id)
        assert.strictEqual(yield* makeUp(business, id, done?.id ?? ""), done?.id)
        assert.isUndefined(yield* makeUp(business, id, uuid("91000000", 2)))
        yield* allOver
        assert.strictEqual(yield* states(business), "DONE,DONE")
        assert.deepStrictEqual(yield* sentOf(business), new Map([0, 2].map((of) => [contacts[of], 1])))
        // The other's day was missed as well, and the window is over.
        yield* setTime(day("2026-05-12T01:00:00Z"))
        yield* allOver
        const late = (yield* runsOf(business)).find(({ state }) => state === "MISSED")
        const refused = yield* Effect.flip(makeUp(business, id, late?.id ?? ""))
        assert.deepInclude(refused, { _tag: "PlanNotRun", why: "No run begins outside of its window." })
        yield* command({ _tag: "ChangePlanState", id, state: "INACTIVE" })
        assert.deepInclude(yield* Effect.flip(makeUp(business, id, late?.id ?? "")), { why: "It is switched off." })
      })
    )
  )

  it.effect("NAM-1: reaches leap-day children on the 28th, and name days by feast or as she has said", () =>
    working((runner, projector) =>
      Effect.gen(function* () {
        const people = [
          born(1996, 2, 29),
          { firstName: "Γιώργος", lastName: "Α" },
          { firstName: "George", lastName: "Β", demographics: { nameDay: { month: 11, day: 3 } } },
          { firstName: "Maria", lastName: "Γ" },
          { firstName: "Kassianos", lastName: "Δ" }
        ]
        const { business, contacts, plan } = yield* shop(people, day("2027-02-27T12:00:00Z"))
        yield* caughtUp(projector, anniversaries)
        yield* plan({ type: "BIRTHDAY", time: "09:00" })
        yield* plan({ type: "NAME_DAY", time: "09:00" }, {}, uuid("91000000", 2))
        const { looked } = yield* runner()
        const sql = yield* SqlClient
        const reached = Effect.fnUntraced(function* (at: string) {
          yield* setTime(day(at))
          yield* over({ business, contacts }, looked)
          yield* caughtUp(projector, planSends)
          const rows = yield* sql.unsafe<{ key: string; count: bigint }>(
            "SELECT run_key AS key, count(*) AS count FROM plan_send WHERE business = $1::uuid GROUP BY run_key, plan ORDER BY 1",
            [business]
          )
          return rows.map(({ key, count }) => `${key.slice(0, 10)}: ${count}`)
        })
        // A common year: both the birthday and Saint Cassian come on the 28th.
        assert.deepStrictEqual(yield* reached("2027-02-28T07:00:00Z"), ["2027-02-28: 1", "2027-02-28: 1"])
        assert.deepStrictEqual(
          [...(yield* sentOf(business)).keys()].toSorted(),
          [contacts[0], contacts[4]].toSorted((left = "", right = "") => (left < right ? -1 : 1))
        )
        // Easter is 2 May 2027, so Saint George is kept on the 3rd.
        yield* reached("2027-04-23T06:00:00Z")
        assert.isFalse((yield* sentOf(business)).has(contacts[1] as string))
        yield* reached("2027-05-03T06:00:00Z")
        assert.isTrue((yield* sentOf(business)).has(contacts[1] as string))
        assert.isFalse((yield* sentOf(business)).has(contacts[2] as string))
        yield* reached("2027-11-03T07:00:00Z")
        assert.isTrue((yield* sentOf(business)).has(contacts[2] as string))
        assert.isFalse((yield* sentOf(business)).has(contacts[3] as string))
      })
    )
  )

  it.effect("P9: finds the days in a view that a rebuild makes the same", () =>
    working((_, projector) =>
      Effect.gen(function* () {
        const people = [born(1990, 3, 8), { firstName: "Γιώργος", lastName: "Α" }, {}]
        const { business, contacts } = yield* shop(people, noon)
        const actors = yield* Actors
        const profile = { firstName: "Nikos", lastName: "Α" }
        yield* actors.ask({ business, key: contacts[1] as string, command: { _tag: "UpdateContact", profile } })
        yield* moveTo(business, contacts[0] as string, "Pacific/Apia")
        yield* caughtUp(projector, anniversaries)
        const sql = yield* SqlClient
        const rows = sql.unsafe(
          "SELECT contact, time_zone, former_zone, birthday, name_day, feast FROM contact_anniversary WHERE business = $1::uuid ORDER BY contact",
          [business]
        )
        const before = yield* rows
        assert.deepInclude(before[0], {
          contact: contacts[0],
          time_zone: "Pacific/Apia",
          former_zone: "Europe/Nicosia"
        })
        assert.deepStrictEqual(before[1], {
          contact: contacts[1],
          time_zone: "Europe/Nicosia",
          former_zone: null,
          birthday: null,
          name_day: null,
          feast: "Saint Nicholas"
        })
        yield* projector.rebuild(anniversaries.name)
        yield* caughtUp(projector, anniversaries)
        assert.deepStrictEqual(yield* rows, before)
      })
    )
  )
})
