import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { contact } from "#domain/contact/Contact.ts"
import { contactDecider } from "#domain/contact/ContactDecider.ts"
import { disengage, engage, review } from "#domain/contact/Engagement.ts"
import type { InteractionLog } from "#domain/contact/Interaction.ts"
import { counted, emptyLog, lastDay, stateOn, uncounted } from "#domain/contact/Interaction.ts"
import { dayNumber, startOfDay } from "#domain/shared/CalendarDate.ts"
import { bakery, credited, dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"

const { given } = scenario(contactDecider, { contact })

const today = dayNumber(noon, bakery.timeZone)
const midnight = (day: number): number => startOfDay(day, bakery.timeZone)
const transfer = (at: number): ContactEvent =>
  credited(`lot-${at}`, 1n, { reason: "TRANSFER", counts: true, counterpartId: "anna", transferId: `t-${at}`, at })
const changed = (from: ContactState["interactionState"], to: ContactState["interactionState"], at: number) =>
  ({ _tag: "InteractionStateChanged", from, to, at }) as const
const armed = (firesAt: number, at: number) => ({ _tag: "TimerArmed", name: "interaction", firesAt, at }) as const
const fired = { _tag: "ReviewInteraction" } as const

/** The contact after a counting transaction and all that followed from it. */
const engaged = (at: number, before: ContactState = given(registered("eleni")).states.contact): ContactState =>
  [transfer(at), ...engage(before, at, turnAt(at)).events].reduce(contact.evolve, before)

describe("the interaction state", () => {
  it("INT-1: is Never Engaged for a new contact, and time does not change that", () => {
    const { states, when } = given(registered("eleni"))
    assert.strictEqual(states.contact.interactionState, "NEVER_ENGAGED")
    when(fired, turnAt(noon + 400 * dayMs))
      .journals()
      .arms()
  })

  it("INT-4: is Engaged up to 60 whole days, Dormant from 61, Resting from 121", () => {
    const log = counted(emptyLog, 1_000)
    const states = [0, 60, 61, 120, 121, 9_999].map((age) => stateOn(log, 1_000 + age))
    assert.deepStrictEqual(states, ["ENGAGED", "ENGAGED", "DORMANT", "DORMANT", "RESTING", "RESTING"])
  })

  it("INT-4: is dated in the business's zone wherever she lives, so that what stops counting is found again", () => {
    const at = startOfDay(today, bakery.timeZone) + 3_600_000
    const before = engaged(at)
    const moved = contact.evolve(before, {
      _tag: "ContactUpdated",
      timeZone: "America/Los_Angeles",
      profile: before.profile,
      at: at + 1
    })
    assert.deepStrictEqual(moved.interactions.days, [today])
    const { events } = disengage(moved, at, turnAt(at + 2))
    assert.deepStrictEqual(events, [changed("ENGAGED", "NEVER_ENGAGED", at + 2)])
  })

  it("INT-3: does not count what lies in the future", () => {
    assert.strictEqual(stateOn(counted(emptyLog, 1_000), 999), "NEVER_ENGAGED")
  })

  it("INT-2: becomes Engaged with the first transaction that counts, and waits for the midnight that opens day 61", () => {
    const before = given(registered("eleni")).states.contact
    const { events, timers } = engage(before, noon, turnAt(noon))
    assert.deepStrictEqual(events, [changed("NEVER_ENGAGED", "ENGAGED", noon), armed(midnight(today + 61), noon)])
    assert.deepStrictEqual(timers, [{ name: "interaction", at: midnight(today + 61), command: fired }])
  })

  it("INT-2: says nothing more when the next one counts, as the timer that stands will look again", () => {
    const state = engaged(noon)
    assert.deepStrictEqual(engage(state, noon + dayMs, turnAt(noon + dayMs)), { events: [], timers: [] })
  })

  it("INT-5: turns Dormant and Resting at the local midnights that open day 61 and 121, one event each", () => {
    const [day61, day121] = [midnight(today + 61), midnight(today + 121)]
    const dormant = review(engaged(noon), turnAt(day61))
    assert.deepStrictEqual(dormant.events, [changed("ENGAGED", "DORMANT", day61), armed(day121, day61)])
    const resting = review(dormant.events.reduce(contact.evolve, engaged(noon)), turnAt(day121))
    assert.deepStrictEqual(resting, { events: [changed("DORMANT", "RESTING", day121)], timers: [] })
  })

  it("INT-5: has the same history when its timer fires late", () => {
    const late = midnight(today + 130) + 5_000
    assert.deepStrictEqual(review(engaged(noon), turnAt(late)).events, [
      changed("ENGAGED", "DORMANT", midnight(today + 61)),
      changed("DORMANT", "RESTING", midnight(today + 121))
    ])
  })

  it("INT-5: has the same history when a transaction comes before a timer that is late", () => {
    const late = midnight(today + 70)
    const { events } = engage(engaged(noon), late, turnAt(late))
    assert.deepStrictEqual(events.slice(0, 2), [
      changed("ENGAGED", "DORMANT", midnight(today + 61)),
      changed("DORMANT", "ENGAGED", late)
    ])
  })

  it("INT-5: moves its timer on when something counted meanwhile", () => {
    const state = engaged(noon + 40 * dayMs, engaged(noon))
    const first = midnight(today + 61)
    assert.deepStrictEqual(review(state, turnAt(first)).events, [armed(midnight(today + 101), first)])
  })

  it("INT-3: goes back, as far as Never Engaged, when what counted is cancelled", () => {
    const second = noon + 70 * dayMs
    const state = engaged(second, engaged(noon))
    const cancelled = disengage(state, second, turnAt(second + 1))
    assert.deepStrictEqual(cancelled.events[0], changed("ENGAGED", "DORMANT", second + 1))
    const only = disengage(engaged(noon), noon, turnAt(noon + 1))
    assert.deepStrictEqual(only.events, [changed("ENGAGED", "NEVER_ENGAGED", noon + 1)])
  })

  it("INT-2: is not touched by a manual journal, which is an adjustment", () => {
    given(registered("eleni"))
      .when({ _tag: "PostJournal", entryId: "e1", action: "CREDIT", amount: 5n, currency: "EUR" })
      .leaves(({ contact }) => assert.strictEqual(contact.interactionState, "NEVER_ENGAGED"))
      .arms()
  })
})

const Step = Schema.Struct({
  days: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 70 })),
  cancels: Schema.Boolean,
  which: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
})
const Steps = Schema.Array(Step).check(Schema.isMaxLength(30))

/** All dates that count, kept for ever: what the compacted log has to agree with. */
const replay = (steps: typeof Steps.Type, visit: (log: InteractionLog, dates: Array<number>, day: number) => void) => {
  let log = emptyLog
  let day = 20_000
  const dates: Array<number> = []
  for (const { days, cancels, which } of steps) {
    day += days
    const cancelled = cancels ? dates.splice(-1 - (which % Math.max(1, dates.length)), 1)[0] : undefined
    if (cancelled !== undefined) log = uncounted(log, cancelled)
    else {
      dates.push(day)
      log = counted(log, day)
    }
    visit(log, dates, day)
  }
}
const stateOf = (dates: ReadonlyArray<number>, day: number): string => {
  if (dates.length === 0) return "NEVER_ENGAGED"
  const age = day - Math.max(...dates)
  return age <= 60 ? "ENGAGED" : age <= 120 ? "DORMANT" : "RESTING"
}

describe("the interaction log", () => {
  it("INT-3: keeps of dates that can only mean Resting how many there were, and the last of them", () => {
    const log = [0, 10, 20, 131, 140].reduce(counted, emptyLog)
    assert.deepStrictEqual(log, { days: [20, 131, 140], counts: [1, 1, 1], olderCount: 2, olderLastDay: 10 })
    assert.strictEqual(lastDay([140, 131, 20].reduce(uncounted, log), 140), 10)
    assert.isUndefined(lastDay([140, 131, 20, 10, 0].reduce(uncounted, log), 140))
  })

  it.prop("INT-3: tells the same state as all dates would, now and on any later day", { steps: Steps }, ({ steps }) => {
    replay(steps, (log, dates, day) => {
      for (const later of [0, 1, 30, 60, 61, 120, 121, 500]) {
        assert.strictEqual(stateOn(log, day + later), stateOf(dates, day + later))
      }
    })
  })

  it.prop("INT-3: stays small: no more dates than the rule looks back on", { steps: Steps }, ({ steps }) => {
    replay(steps, (log) => {
      assert.isAtMost(log.days.length, 121)
      assert.strictEqual(log.days.length, log.counts.length)
    })
  })

  it.prop("INT-5: leaves the journal saying on every date what the dates say", { steps: Steps }, ({ steps }) => {
    let state = given(registered("eleni")).states.contact
    let at = noon
    for (const { days } of steps) {
      at += days * dayMs
      state = engaged(at, state)
      const due = review(state, turnAt(at + 130 * dayMs)).events
      const later = due.reduce(contact.evolve, state)
      assert.strictEqual(later.interactionState, "RESTING")
      assert.strictEqual(state.interactionState, stateOn(state.interactions, dayNumber(at, bakery.timeZone)))
    }
  })
})
