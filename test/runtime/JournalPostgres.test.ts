/** What only a real database shows: who waits for whom at the fence, over two connections, and rows that cannot be sent. */
import type * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import { randomUUID } from "node:crypto"
import type { Journal } from "#runtime/journal/Journal.ts"
import type { Batch } from "#runtime/journal/Unit.ts"
import { eventually } from "../support/Eventually.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { batch, command, event, fenceOf, unit } from "./JournalRows.ts"
import { connectPostgres } from "./JournalStores.ts"

type Connected = { readonly journal: Journal["Service"]; readonly sql: PgClient.PgClient }
const [owner, rival] = [randomUUID(), randomUUID()]

const two = Effect.gen(function* () {
  const database = yield* TestDatabase.create
  const first = yield* connectPostgres(database)
  const second = yield* connectPostgres(database)
  const fence = fenceOf(yield* first.journal.takeOver(owner, [1, 2]))
  return { first, second, fence }
})

/** Does something in a transaction that stays open until it is told to end. */
const held = Effect.fnUntraced(function* <A, E>({ sql }: Connected, effect: Effect.Effect<A, E>) {
  const done = yield* Latch.make(false)
  const end = yield* Latch.make(false)
  const fiber = yield* Effect.forkChild(sql.withTransaction(effect.pipe(Effect.tap(done.open), Effect.tap(end.await))))
  yield* done.await
  return Effect.andThen(end.open, Fiber.join(fiber))
})

/** Until the server says that somebody waits for a lock. */
const someoneWaits = ({ sql }: Connected) =>
  eventually(
    "somebody waits for a lock",
    Effect.map(
      sql.unsafe<object>(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
      ),
      (rows) => rows.length > 0
    )
  )

const write = (fence: Batch["fence"]): Batch => batch([unit({ command: command(), events: [event()] })], fence)

describe("the fence over two connections (P5)", () => {
  it.live("a takeover waits for a commit under way, and counts what it wrote", () =>
    Effect.gen(function* () {
      const { first, second, fence } = yield* two
      const underWay = write(fence.slice(0, 1))
      const end = yield* held(first, first.journal.commit(underWay))
      const taking = yield* Effect.forkChild(second.journal.takeOver(rival, [1, 2]))
      yield* someoneWaits(first)
      assert.isUndefined(taking.pollUnsafe())
      yield* end
      const holds = yield* Fiber.join(taking)
      assert.deepStrictEqual(
        holds.find(({ shard }) => shard === 1),
        { shard: 1, epoch: 2, lastOffset: 1 }
      )
      assert.isTrue(yield* second.journal.hasBatch(underWay.id))
    })
  )

  it.live("a commit waits for a takeover under way, and then stores nothing", () =>
    Effect.gen(function* () {
      const { first, second, fence } = yield* two
      const end = yield* held(second, second.journal.takeOver(rival, [1]))
      const late = write(fence)
      const committing = yield* Effect.forkChild(Effect.flip(first.journal.commit(late)))
      yield* someoneWaits(second)
      yield* end
      assert.strictEqual((yield* Fiber.join(committing))._tag, "Fenced")
      assert.isFalse(yield* second.journal.hasBatch(late.id))
      assert.deepStrictEqual(yield* second.journal.shardEvents([{ shard: 1, offset: 0 }], 10), [])
    })
  )

  it.live("a retake waits for the commit whose answer was lost: then whether it happened is final (P2)", () =>
    Effect.gen(function* () {
      const { first, second, fence } = yield* two
      const lost = write(fence)
      const end = yield* held(first, first.journal.commit(lost))
      const asking = yield* Effect.forkChild(
        Effect.andThen(second.journal.retake(owner, [1, 2]), second.journal.hasBatch(lost.id))
      )
      yield* someoneWaits(second)
      yield* end
      assert.isTrue(yield* Fiber.join(asking))
      assert.strictEqual((yield* Effect.flip(first.journal.commit(write(fence))))._tag, "Fenced")
    })
  )

  it.live("commits to other shards do not wait for each other, nor for a takeover of another", () =>
    Effect.gen(function* () {
      const { first, second, fence } = yield* two
      const end = yield* held(first, second.journal.hasBatch(randomUUID()))
      const endOther = yield* held(first, first.journal.commit(write(fence.filter(([shard]) => shard === 1))))
      yield* second.journal.takeOver(rival, [2])
      const other = batch([unit({ shard: 2, events: [event({ shard: 2 })] })], [[2, 2]])
      yield* second.journal.commit(other)
      yield* endOther
      yield* end
      assert.isTrue(yield* first.journal.hasBatch(other.id))
    })
  )
})

describe("a row that the database can never take", () => {
  const poisons = {
    "an id that is no UUID": unit({ command: command({ id: "no uuid at all" }) }),
    "a number beyond its column": unit({ events: [event({ seq: 2 ** 40 })] }),
    "a character that no text may hold": unit({ command: command({ fingerprint: "\u0000" }) })
  }
  for (const [name, poison] of Object.entries(poisons)) {
    it.live(`${name}, is poisonous and not a broken connection: nobody tries it for ever`, () =>
      Effect.gen(function* () {
        const { first, fence } = yield* two
        const refused = yield* Effect.flip(first.journal.commit(batch([poison, unit({ command: command() })], fence)))
        assert.strictEqual(refused._tag, "Poisonous")
        yield* first.journal.commit(write(fence))
      })
    )
  }
})
