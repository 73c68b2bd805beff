/** What the clock does must not decide what is promised: set back, it opens no month twice and holds nothing up (P8, P16). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, history, isAtRest, start } from "./Runners.ts"
import {
  businessId,
  contactId,
  credit,
  debit,
  openBusiness,
  purchase,
  register,
  share,
  transfer
} from "./SampleCommands.ts"
import { until } from "./Waiting.ts"

/** In the business's zone the month ends at 22:00. */
const lateNovember = Date.UTC(2026, 10, 30, 21, 59, 30)
const earlyDecember = Date.UTC(2026, 10, 30, 22, 0, 30)
const owner = `2/${contactId(1)}`
const community = `3/${contactId(1)}`

/** Whether a snapshot stands at the very end of a stream. */
const endsInSnapshot = (store: JournalMemory.Store, stream: string): boolean =>
  store.snapshots.get(stream)?.seq === store.streams.get(stream)?.at(-1)?.seq

describe("when the clock is set back", () => {
  it.effect("a message that is sent then is delivered at once, and not when the old time has come again (P8)", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(lateNovember)
      const store = JournalMemory.emptyStore()
      // Every message goes through the inbox.
      const runner = yield* start(store, { cascadeTurnsMax: 1 })
      yield* runner.actors.ask(openBusiness())
      for (const number of [1, 2]) yield* runner.actors.ask(register(number))
      yield* runner.actors.ask(credit(1, 100n, "opening"))
      yield* TestClock.setTime(lateNovember - 60_000)
      const asked = askNow(runner, transfer(1, 2, 40n, "gift"))
      yield* until(() => asked.replies.length === 1)
      assert.strictEqual(ending(asked.replies[0]), "done")
      yield* until(() => store.streams.get(`2/${contactId(2)}`)?.some(({ type }) => type === "FundsCredited"))
      assert.isTrue(isAtRest(store, lateNovember))
    })
  )

  it.effect("across the end of a month, a snapshot that nothing follows remembers how late it was (P16)", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(lateNovember)
      const store = JournalMemory.emptyStore()
      const first = yield* start(store)
      yield* first.actors.ask(openBusiness())
      for (const number of [1, 2]) yield* first.actors.ask(register(number))
      yield* first.actors.ask(credit(1, 100_000n, "opening"))
      yield* first.actors.ask(share(1, 2, 500n))
      yield* first.actors.ask(purchase(2, 1, 500n))
      yield* TestClock.setTime(earlyDecember)
      for (let number = 2; !endsInSnapshot(store, community); number++) yield* first.actors.ask(purchase(2, number, 1n))
      for (let count = 0; !endsInSnapshot(store, owner); count++)
        yield* first.actors.ask(debit(1, 1n, `debit-${count}`))
      yield* first.stop
      yield* TestClock.setTime(lateNovember)
      const second = yield* start(store)
      // In memory, so that the draw is judged together with the purchase.
      for (const kind of ["contact", "community"] as const) yield* second.actors.read(businessId, contactId(1), kind)
      yield* Effect.exit(second.actors.ask(purchase(2, 1_000, 500n)))
      const months = new Map<string, bigint>()
      for (const { event } of yield* history(store, "community", contactId(1))) {
        if (event._tag === "DrawCounted") months.set(event.month, (months.get(event.month) ?? 0n) + event.amount)
      }
      assert.strictEqual(months.get("2026-11"), 500n)
    })
  )
})
