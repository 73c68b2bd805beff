/** The bounds of a mailbox and of the lane (architecture 4): what does not fit is refused at once, and what is late is dropped. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { askNow, ending, start } from "./Runners.ts"
import type { Asked, Runner } from "./Runners.ts"
import { businessId, changeEmail, contactId, credit, debit, openBusiness, register } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const mailboxSize = 256
const unitsInFlight = 8_192

const bakery = Effect.fnUntraced(function* (contacts: number) {
  const store = JournalMemory.emptyStore()
  const runner = yield* start(store)
  yield* runner.actors.ask(openBusiness())
  for (let number = 1; number <= contacts; number++) yield* runner.actors.ask(register(number))
  return { store, runner }
})

const lots = (runner: Runner, number: number) =>
  Effect.map(runner.actors.read(businessId, contactId(number), "contact"), ({ state }) =>
    state.lots.map((lot) => lot.lotId)
  )

const tally = (asked: ReadonlyArray<Asked>) => {
  const counts: Record<string, number> = {}
  for (const { replies } of asked) {
    const word = ending(replies[0])
    counts[word] = (counts[word] ?? 0) + 1
  }
  return counts
}

describe("a mailbox", () => {
  it.effect(
    "that is full refuses the next command at once and tells when to come again; other keys notice nothing (P11)",
    () =>
      Effect.gen(function* () {
        const { runner } = yield* bakery(2)
        const held = yield* gate
        runner.connection.around = held.hold
        const crowd = Array.from({ length: mailboxSize + 10 }, (_, index) => askNow(runner, credit(1, 1n, `${index}`)))
        const other = askNow(runner, credit(2, 1n, "other"))
        assert.deepStrictEqual(tally(crowd), { waiting: mailboxSize, MailboxFull: 10 })
        const [refused] = crowd.at(-1)?.replies ?? []
        assert.isTrue(
          refused?._tag === "Failed" && refused.refusal._tag === "MailboxFull" && refused.refusal.retryAfterMs > 0
        )
        yield* held.open
        yield* until(() => other.replies.length === 1 && tally(crowd)["waiting"] === undefined)
        assert.deepStrictEqual(tally([...crowd, other]), { done: mailboxSize + 1, MailboxFull: 10 })
        yield* runner.actors.ask(credit(1, 1n, "there is room again"))
      })
  )

  it.effect(
    "counts what is refused nowhere: a refused command leaves no trace and can be sent again under its id (P2)",
    () =>
      Effect.gen(function* () {
        const { runner, store } = yield* bakery(1)
        const held = yield* gate
        runner.connection.around = held.hold
        const id = "a0000000-0000-4000-8000-000000000001"
        for (let index = 0; index < mailboxSize; index++) askNow(runner, credit(1, 1n, `${index}`))
        const refused = askNow(runner, { ...credit(1, 1n, "again"), id })
        assert.deepStrictEqual(tally([refused]), { MailboxFull: 1 })
        yield* held.open
        yield* until(() => runner.actors.statistics().committer.waiting === 0)
        assert.isFalse(store.commands.has(id))
        assert.isFalse((yield* runner.actors.ask({ ...credit(1, 1n, "again"), id })).replayed)
      })
  )

  it.effect("drops a command whose deadline passed before its turn, and executes the one beside it", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery(1)
      yield* runner.crash
      const next = yield* start(store)
      const held = yield* gate
      next.connection.aroundLoad = (load) => Effect.andThen(held.pass, load)
      yield* TestClock.setTime(1_000)
      const late = askNow(next, { ...credit(1, 1n, "late"), deadlineAt: 1_500 })
      const patient = askNow(next, { ...credit(1, 1n, "patient"), deadlineAt: 2_000 })
      yield* TestClock.setTime(2_000)
      yield* held.open
      yield* until(() => patient.replies.length === 1)
      assert.deepStrictEqual(
        [late, patient].map(({ replies }) => ending(replies[0])),
        ["DeadlinePassed", "done"]
      )
      assert.deepStrictEqual(yield* lots(next, 1), ["patient"])
    })
  )

  it.effect("drops it as well when the deadline passes while a failed commit is made good", () =>
    Effect.gen(function* () {
      const { runner } = yield* bakery(2)
      yield* runner.actors.ask(changeEmail(2, "taken@example.com"))
      const held = yield* gate
      runner.connection.around = held.hold
      askNow(runner, changeEmail(1, "taken@example.com"))
      const late = askNow(runner, { ...credit(1, 1n, "late"), deadlineAt: 1_500 })
      yield* until(() => held.arrived() === 1)
      yield* TestClock.setTime(2_000)
      yield* held.open
      yield* until(() => late.replies.length === 1)
      assert.strictEqual(ending(late.replies[0]), "DeadlinePassed")
      assert.deepStrictEqual(yield* lots(runner, 1), [])
    })
  )

  it.effect("that cannot be loaded refuses everyone in it, and works again when the journal does", () =>
    Effect.gen(function* () {
      const { runner, store } = yield* bakery(1)
      yield* runner.crash
      const next = yield* start(store)
      next.connection.isReachable = false
      const asked = [askNow(next, credit(1, 1n, "a")), askNow(next, debit(1, 1n, "b"))]
      const reading = yield* Effect.exit(lots(next, 1))
      assert.strictEqual(reading._tag, "Failure")
      assert.deepStrictEqual(tally(asked), { ActorUnavailable: 2 })
      next.connection.isReachable = true
      yield* next.actors.ask(credit(1, 1n, "c"))
      assert.deepStrictEqual(yield* lots(next, 1), ["c"])
    })
  )
})

describe("the lane", () => {
  const contacts = 40
  const overfill = Effect.gen(function* () {
    const { runner, store } = yield* bakery(contacts)
    const held = yield* gate
    runner.connection.around = held.hold
    const crowd: Array<Asked> = []
    for (let number = 1; number <= contacts; number++) {
      for (let index = 0; index < mailboxSize; index++) crowd.push(askNow(runner, credit(number, 1n, `${index}`)))
    }
    yield* until(() => held.arrived() === 1)
    return { runner, store, held, crowd }
  })

  it.live("decides no more than it may hold; the rest waits undecided, and all of it is done in the end (P11)", () =>
    Effect.gen(function* () {
      const { runner, held, crowd } = yield* overfill
      assert.strictEqual(runner.actors.statistics().committer.waiting, unitsInFlight)
      yield* held.open
      yield* until(() => tally(crowd)["waiting"] === undefined)
      assert.deepStrictEqual(tally(crowd), { done: contacts * mailboxSize })
    })
  )

  it.live("that loses its shards leaves nobody waiting, not even those who had no room in it (P5)", () =>
    Effect.gen(function* () {
      const { store, held, crowd } = yield* overfill
      yield* start(store)
      yield* held.open
      yield* quiet
      yield* until(() => tally(crowd)["waiting"] === undefined)
      assert.deepStrictEqual(tally(crowd), { ShardMoved: contacts * mailboxSize })
    })
  )

  it.live("bounds accepted work as well: what it cannot hold is refused, not queued without end (P11)", () =>
    Effect.gen(function* () {
      const { runner, held } = yield* overfill
      const refused = yield* Effect.flip(runner.actors.accept(credit(1, 1n, "accepted")))
      assert.strictEqual(refused._tag, "MailboxFull")
      yield* held.open
    })
  )
})
