/** Shards that move between runners which both go on: in good order, or taken over (P5, P8, P12). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Actors, type Ask } from "#runtime/actor/Actors.ts"
import { Identification, layer as identification, medium } from "#runtime/actor/Identification.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import type { Notice } from "#runtime/journal/Notice.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { lostBefore } from "./FaultyJournal.ts"
import { askNow, ending, history, isAtRest, sealerLayer, start } from "./Runners.ts"
import type { Runner } from "./Runners.ts"
import {
  businessId,
  changeEmail,
  contactId,
  createPool,
  credit,
  debit,
  openBusiness,
  register,
  transfer
} from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

/** Two contacts on different shards; the second runner begins with those of contact 2. */
const [here, there] = [shardOf(contactId(1)), shardOf(contactId(2))]
const elsewhere = allShards.filter((shard) => shard !== there)

const twoRunners = Effect.gen(function* () {
  const store = JournalMemory.emptyStore()
  const first = yield* start(store)
  yield* first.actors.ask(openBusiness())
  for (const number of [1, 2]) {
    yield* first.actors.ask(register(number))
    yield* first.actors.ask(credit(number, 100n, `opening-${number}`))
  }
  const second = yield* start(store, { shards: [] })
  return { store, first, second }
})

const balance = (runner: Runner, number: number) =>
  Effect.map(runner.actors.read(businessId, contactId(number), "contact"), ({ state }) =>
    state.lots.reduce((sum, lot) => sum + lot.remaining, 0n)
  )
const refusal = (asked: ReturnType<Runner["actors"]["ask"]>) => Effect.map(Effect.flip(asked), ({ _tag }) => _tag)

const moveThere = Effect.fnUntraced(function* ({ first, second }: { readonly first: Runner; readonly second: Runner }) {
  yield* first.placed.release(new Set([there]))
  yield* second.placed.take([there])
})

describe("a shard that moves in good order (P12)", () => {
  it.effect("is served by the one who took it, the others where they were", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      assert.notStrictEqual(here, there)
      yield* moveThere({ first, second })
      assert.strictEqual(yield* refusal(first.actors.ask(debit(2, 1n, "late"))), "ShardMoved")
      assert.strictEqual(yield* refusal(second.actors.ask(debit(1, 1n, "too early"))), "ShardMoved")
      yield* second.actors.ask(debit(2, 30n, "there"))
      yield* first.actors.ask(debit(1, 40n, "here"))
      assert.deepStrictEqual([yield* balance(first, 1), yield* balance(second, 2)], [60n, 70n])
      assert.deepStrictEqual([first.actors.holds(there), second.actors.holds(there)], [false, true])
      assert.strictEqual(first.actors.statistics().committer.shardsLost, 0)
    })
  )

  it.effect("answers what was decided before, turns away what was not, and loses neither", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      const held = yield* gate
      first.connection.around = held.hold
      const decided = [askNow(first, debit(2, 1n, "one")), askNow(first, debit(2, 1n, "two"))]
      yield* until(() => held.arrived() === 1)
      const releasing = yield* Effect.forkChild(first.placed.release(new Set([there])), { startImmediately: true })
      const late = askNow(first, debit(2, 1n, "late"))
      assert.strictEqual(ending(late.replies[0]), "ShardMoved")
      assert.isUndefined(releasing.pollUnsafe())
      yield* held.open
      yield* until(() => releasing.pollUnsafe() !== undefined)
      assert.deepStrictEqual(
        decided.map(({ replies }) => ending(replies[0])),
        ["done", "done"]
      )
      yield* second.placed.take([there])
      assert.strictEqual(yield* balance(second, 2), 98n)
    })
  )

  it.effect("does not wait for the shards that stay", () =>
    Effect.gen(function* () {
      const { first } = yield* twoRunners
      const held = yield* gate
      first.connection.around = held.hold
      const staying = askNow(first, debit(1, 1n, "stays"))
      yield* until(() => held.arrived() === 1)
      yield* first.placed.release(new Set([there]))
      assert.strictEqual(ending(staying.replies[0]), "waiting")
      yield* held.open
      yield* until(() => staying.replies.length === 1)
      assert.strictEqual(ending(staying.replies[0]), "done")
    })
  )

  it.effect("brings along what was left undone, before anything new (P8)", () =>
    Effect.gen(function* () {
      const { store, first, second } = yield* twoRunners
      yield* moveThere({ first, second })
      yield* second.placed.release(new Set([there]))
      // Nobody holds the shard of the receiver now: the gift waits in the inbox.
      const gift = askNow(first, transfer(1, 2, 25n, "gift"))
      yield* until(() => !isAtRest(store))
      yield* second.placed.take([there])
      yield* second.actors.ask(debit(2, 125n, "all of it"))
      yield* until(() => isAtRest(store))
      first.placed.look()
      yield* until(() => gift.replies.length === 1)
      assert.strictEqual(ending(gift.replies[0]), "done")
      assert.strictEqual(yield* balance(second, 2), 0n)
    })
  )

  it.effect("brings it along in order, also to one who is just reading what else is undone (P8)", () =>
    Effect.gen(function* () {
      const { store, first } = yield* twoRunners
      yield* first.placed.release(new Set([there]))
      askNow(first, transfer(1, 2, 10n, "first"))
      yield* until(() => !isAtRest(store))
      yield* quiet
      const [before, after] = [yield* gate, yield* gate]
      let reads = 0
      first.connection.aroundDue = (due) => {
        reads += 1
        return Effect.tap(due, () => (reads === 1 ? before : after).pass)
      }
      first.placed.look()
      yield* until(() => reads === 1)
      const taking = yield* Effect.forkChild(first.placed.take([there]), { startImmediately: true })
      yield* quiet
      yield* before.open
      yield* until(() => reads === 2)
      askNow(first, transfer(1, 2, 20n, "second"))
      yield* quiet
      yield* after.open
      yield* until(() => taking.pollUnsafe() !== undefined && isAtRest(store))
      const received = (yield* history(store, "contact", contactId(2))).flatMap(({ event }) =>
        event._tag === "FundsCredited" ? [event.amount] : []
      )
      assert.deepStrictEqual(received, [100n, 10n, 20n])
    })
  )
})

describe("a message to another runner's shard", () => {
  it.effect("is announced once it is durable, found there by looking, and its answer comes back (WAL-8)", () =>
    Effect.gen(function* () {
      const { store, first, second } = yield* twoRunners
      yield* moveThere({ first, second })
      first.placed.onSentElsewhere((shard) => {
        assert.isAbove(store.inbox.size, 0)
        assert.strictEqual(shard, there)
        second.placed.look()
      })
      second.placed.onSentElsewhere((shard) => {
        assert.strictEqual(shard, here)
        first.placed.look()
      })
      yield* first.actors.ask(transfer(1, 2, 25n, "gift"))
      assert.deepStrictEqual([yield* balance(first, 1), yield* balance(second, 2)], [75n, 125n])
    })
  )
})

describe("a shard that is taken over (P5)", () => {
  it.effect("is lost alone: the runner that had it goes on with all others", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      yield* first.actors.ask(debit(2, 1n, "wakes it"))
      yield* second.placed.take([there])
      yield* second.actors.ask(debit(2, 50n, "of the new owner"))
      const stale: ReadonlyArray<Ask> = [debit(2, 1n, "stale"), debit(1, 1n, "fine")]
      const asked = stale.map((ask) => askNow(first, ask))
      yield* until(() => asked.every(({ replies }) => replies.length === 1))
      assert.deepStrictEqual(
        asked.map(({ replies }) => ending(replies[0])),
        ["ShardMoved", "done"]
      )
      assert.deepStrictEqual([yield* balance(first, 1), yield* balance(second, 2)], [99n, 49n])
      const { shards, shardsLost } = first.actors.statistics().committer
      assert.deepStrictEqual([shards, shardsLost], [elsewhere.length, 1])
    })
  )

  it.effect(
    "takes nothing along of a commit that did happen, though nobody was told, and the others go on (P1, P2)",
    () =>
      Effect.gen(function* () {
        const { first, second } = yield* twoRunners
        // Both contacts in one commit: it is durable, the shard of the second goes, and the answer is lost.
        const taken = Effect.orDie(second.placed.take([there]))
        const from = first.connection.sent.length
        first.connection.around = (commit, _batch, number) =>
          number === from + 1 ? Effect.andThen(Effect.andThen(commit, taken), lostBefore) : commit
        const asked = askNow(first, transfer(1, 2, 30n, "gift"))
        yield* until(() => asked.replies.length === 1)
        assert.strictEqual(ending(asked.replies[0]), "done")
        yield* first.actors.ask(debit(1, 20n, "afterwards"))
        yield* second.actors.ask(debit(2, 10n, "there"))
        assert.deepStrictEqual([yield* balance(first, 1), yield* balance(second, 2)], [50n, 120n])
        assert.strictEqual(first.connection.sent.length, from + 2)
      })
  )

  it.effect("may come back, and is read anew", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      yield* first.actors.ask(debit(2, 1n, "wakes it"))
      yield* second.placed.take([there])
      yield* second.actors.ask(debit(2, 50n, "of the new owner"))
      assert.strictEqual(yield* refusal(first.actors.ask(debit(2, 1n, "stale"))), "ShardMoved")
      yield* first.placed.take([there])
      yield* first.actors.ask(debit(2, 9n, "back again"))
      assert.strictEqual(yield* balance(first, 2), 40n)
      assert.strictEqual(first.actors.statistics().committer.shardsLost, 0)
    })
  )
})

describe("a shard that comes back while its past is not over", () => {
  it.effect("waits for what was decided before it left, and is served then (P6)", () =>
    Effect.gen(function* () {
      const { first } = yield* twoRunners
      const held = yield* gate
      first.connection.around = held.hold
      const before = askNow(first, debit(2, 1n, "before"))
      yield* until(() => held.arrived() === 1)
      const releasing = yield* Effect.forkChild(first.placed.release(new Set([there])), { startImmediately: true })
      const taking = yield* Effect.forkChild(first.placed.take([there]), { startImmediately: true })
      yield* quiet
      assert.isFalse(first.actors.holds(there))
      yield* held.open
      yield* until(() => releasing.pollUnsafe() !== undefined && taking.pollUnsafe() !== undefined)
      assert.strictEqual(ending(before.replies[0]), "done")
      yield* first.actors.ask(debit(2, 9n, "after"))
      assert.strictEqual(yield* balance(first, 2), 90n)
    })
  )

  it.effect("keeps nothing of what was decided here while it was another's, unknown to this runner (P5)", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      const held = yield* gate
      const from = first.connection.sent.length
      first.connection.around = (commit, _batch, number) => (number === from + 1 ? held.hold(commit) : commit)
      const stale = [askNow(first, debit(2, 1n, "on its way")), askNow(first, debit(2, 1n, "behind it"))]
      yield* until(() => held.arrived() === 1)
      yield* second.placed.take([there])
      yield* second.actors.ask(debit(2, 100n, "all of it"))
      const taking = yield* Effect.forkChild(first.placed.take([there]), { startImmediately: true })
      yield* held.open
      yield* until(() => taking.pollUnsafe() !== undefined)
      assert.deepStrictEqual(
        stale.map(({ replies }) => ending(replies[0])),
        ["ShardMoved", "ShardMoved"]
      )
      assert.strictEqual(yield* balance(first, 2), 0n)
    })
  )
})

describe("what a runner remembers of others", () => {
  it.effect("a change of a business is in effect everywhere before it is told", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      const told: Array<Notice | undefined> = []
      second.actors.onNotice((notice) => void told.push(notice))
      yield* Effect.forkScoped(second.placed.hearOthers)
      yield* until(() => second.actors.hearsOthers() && told.length >= 2)
      yield* first.actors.ask(createPool({ id: "coffee" }))
      yield* until(() => told.some((notice) => notice !== undefined))
      assert.deepStrictEqual(told.at(-1), { business: businessId })
      assert.deepStrictEqual(Object.keys(second.actors.business(businessId)?.pools ?? {}), ["coffee"])
    })
  )

  it.effect("a value that was given up anywhere is told, and nothing else of the contact (UNQ)", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      const told: Array<Notice | undefined> = []
      // A runner that has not begun to listen hears all there is: that of the beginning is not to be taken for this.
      yield* Effect.forkScoped(second.placed.hearOthers, { startImmediately: true })
      yield* until(() => second.actors.hearsOthers())
      second.actors.onNotice((notice) => void told.push(notice))
      yield* first.actors.ask(changeEmail(1, "another@example.com"))
      yield* until(() => told.some((notice) => notice !== undefined && "released" in notice))
      assert.lengthOf(
        told.filter((notice) => notice !== undefined),
        1
      )
      assert.notInclude(JSON.stringify(told), "example.com")
    })
  )

  it.effect("while others are not heard, it says so", () =>
    Effect.gen(function* () {
      const { second } = yield* twoRunners
      assert.isTrue(second.actors.hearsOthers())
      second.connection.isReachable = false
      yield* Effect.forkScoped(second.placed.hearOthers)
      yield* until(() => !second.actors.hearsOthers())
    })
  )

  it.effect("is not the value of a commit that is heard of late: somebody else may have it by now (CIM-4)", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners
      const { actors, connection } = first
      const { identify } = yield* Identification.pipe(
        Effect.provide(identification),
        Effect.provideService(Actors, actors),
        Effect.provideService(Journal, connection.journal),
        Effect.provide(sealerLayer)
      )
      const givenUp = Effect.andThen(
        second.placed.take([there]),
        Effect.suspend(() => second.actors.ask(changeEmail(2, "later@example.com")))
      )
      const from = connection.sent.length
      connection.around = (commit, _batch, number) =>
        number === from + 1 ? Effect.andThen(Effect.andThen(commit, Effect.orDie(givenUp)), lostBefore) : commit
      yield* actors.ask(changeEmail(2, "for.a.moment@example.com"))
      const found = yield* Effect.flip(identify(businessId, [medium("email", "for.a.moment@example.com")]))
      assert.strictEqual(found._tag, "NotIdentified")
    })
  )
})
