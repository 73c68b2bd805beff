/**
 * The outbox: written with what calls for it or not at all, done once for an id, in order within a lane, sealed at rest, and
 * only by the runner that holds the shard (AUT-1, AUT-11: order and no loss).
 */
import { assert, layer } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "#runtime/actor/Actors.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import type { Outcome } from "#runtime/outbox/Task.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import {
  done,
  enqueue,
  isIn,
  numberOf,
  outboxSide,
  runner,
  storedText,
  task,
  taskId,
  view,
  working
} from "./OutboxWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId, otherBusinessId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const range = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)

layer(outboxSide, { excludeTestServices: true })("the outbox", (it) => {
  it.effect("what is enqueued in a transaction that fails was never there, and what is committed is done", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const attempted = yield* working(() => Effect.succeed(done))
      const failing = sql.withTransaction(Effect.andThen(enqueue(task(1, 1)), Effect.fail("no")))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(failing)))
      yield* sql.withTransaction(enqueue(task(2, 1)))
      yield* eventually("task 2 is done", isIn(2, "DONE"))
      assert.deepStrictEqual(attempted, [2])
      assert.isUndefined(yield* view(1))
    }).pipe(Effect.scoped)
  )

  it.effect("the same id is one task, also when it was done long ago", () =>
    Effect.gen(function* () {
      const attempted = yield* working(() => Effect.succeed(done))
      yield* enqueue(task(10, 1), task(10, 1))
      yield* eventually("it is done", isIn(10, "DONE"))
      yield* enqueue(task(10, 1), task(11, 1))
      yield* eventually("the next is done", isIn(11, "DONE"))
      assert.deepStrictEqual(attempted, [10, 11])
    }).pipe(Effect.scoped)
  )

  it.effect("a lane keeps its order one at a time, and lanes go on beside each other", () =>
    Effect.gen(function* () {
      const gates = yield* Effect.forEach([0, 1, 2], () => Deferred.make<void>())
      const underWay = new Set<number>()
      let together = 0
      const order: Array<number> = []
      yield* working((task) =>
        Effect.gen(function* () {
          const number = numberOf(task)
          const lane = Math.floor((number - 20) / 100)
          assert.isFalse(underWay.has(lane), "two tasks of one lane")
          underWay.add(lane)
          together = Math.max(together, underWay.size)
          if (number % 100 === 20) yield* Deferred.await(gates[lane] as Deferred.Deferred<void>)
          order.push(number)
          underWay.delete(lane)
          return done
        })
      )
      yield* enqueue(...range(0, 40).flatMap((nth) => [0, 1, 2].map((lane) => task(20 + lane * 100 + nth, lane + 1))))
      yield* eventually(
        "all three begin",
        Effect.sync(() => together === 3)
      )
      for (const gate of gates.toReversed()) yield* Deferred.succeed(gate, undefined)
      yield* eventually(
        "all is done",
        Effect.sync(() => order.length === 120)
      )
      for (const lane of [0, 1, 2]) {
        const ofLane = order.filter((number) => Math.floor((number - 20) / 100) === lane)
        assert.deepStrictEqual(ofLane, range(20 + lane * 100, 40))
      }
    }).pipe(Effect.scoped)
  )

  it.effect("what is dead frees its lane, says why, and goes on where it stood or from its beginning", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      let isBroken = true
      const seen: Array<unknown> = []
      const attempted = yield* working((task) => {
        if (numberOf(task) !== 400) return Effect.succeed(done)
        seen.push(task.body)
        const body = task.body as { readonly step?: number }
        if (body.step === undefined) return Effect.succeed({ _tag: "Continue", body: { number: 400, step: 1 } })
        return Effect.succeed(isBroken ? { _tag: "Dead", reason: "410 Gone", log: { status: 410 } } : done)
      })
      yield* enqueue(task(400, 1), task(401, 1))
      yield* eventually("the next is done", isIn(401, "DONE"))
      assert.deepInclude(yield* view(400), { state: "DEAD", attempts: 2 })
      const attempts = yield* outbox.attempts(businessId, taskId(400))
      assert.deepStrictEqual(
        attempts.map(({ number, outcome, reason, log }) => ({ number, outcome, reason, log })),
        [
          { number: 1, outcome: "CONTINUE", reason: undefined, log: undefined },
          { number: 2, outcome: "DEAD", reason: "410 Gone", log: { status: 410 } }
        ]
      )
      isBroken = false
      assert.isFalse(yield* outbox.resume(otherBusinessId, taskId(400)))
      assert.isTrue(yield* outbox.resume(businessId, taskId(400)))
      yield* eventually("it is done", isIn(400, "DONE"))
      assert.deepStrictEqual(seen.at(-1), { number: 400, step: 1 })
      assert.isFalse(yield* outbox.resume(businessId, taskId(400)))
      const before = seen.length
      assert.isTrue(yield* outbox.replay(businessId, taskId(400)))
      yield* eventually(
        "it is done again",
        Effect.sync(() => seen.length === before + 2)
      )
      assert.deepStrictEqual(seen.slice(before), [{ number: 400 }, { number: 400, step: 1 }])
      assert.deepStrictEqual(
        attempted.filter((number) => number === 401),
        [401]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("what is cancelled is not attempted, and an attempt under way does not undo that", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const gate = yield* Deferred.make<void>()
      const attempted = yield* working(() => Effect.as(Deferred.await(gate), done))
      yield* enqueue(task(500, 1), task(501, 1), task(502, 1))
      yield* eventually(
        "the first is under way",
        Effect.sync(() => attempted.length === 1)
      )
      assert.isTrue(yield* outbox.cancel(businessId, taskId(500)))
      assert.isTrue(yield* outbox.cancel(businessId, taskId(501)))
      yield* Deferred.succeed(gate, undefined)
      yield* eventually("the last is done", isIn(502, "DONE"))
      assert.deepStrictEqual(attempted, [500, 502])
      assert.deepInclude(yield* view(500), { state: "CANCELLED" })
      assert.isFalse(yield* outbox.cancel(businessId, taskId(502)))
    }).pipe(Effect.scoped)
  )

  it.effect("an attempt that throws or hangs is a failure like others, and harms no neighbour", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const options = { attemptMaxMs: 500, maxAttempts: 2, backoff: { firstMs: 1, mostMs: 1 } }
      yield* working((task) => {
        if (numberOf(task) === 600) return Effect.die(new TypeError("eleni@example.com is undefined"))
        return numberOf(task) === 601 ? Effect.never : Effect.succeed(done)
      }, options)
      yield* enqueue(task(600, 1), task(601, 2), task(602, 3))
      yield* eventually(
        "both are dead",
        Effect.zipWith(isIn(600, "DEAD"), isIn(601, "DEAD"), (one, two) => one && two)
      )
      yield* eventually("the third is done", isIn(602, "DONE"))
      const reasons = yield* Effect.forEach([600, 601], (number) => outbox.attempts(businessId, taskId(number)))
      assert.deepStrictEqual(
        reasons.flat().map(({ reason }) => reason),
        [...Array(2).fill("it threw TypeError"), ...Array(2).fill("it took longer than 500 ms")]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a list goes page by page, with what filters it, and shows no other business's", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      yield* enqueue(...range(700, 5).map((number) => task(number, 77)), task(705, 77, { business: otherBusinessId }))
      const query = { business: businessId, queue: "webhook", key: contactId(77), order: "ASC", size: 3 } as const
      const first = yield* outbox.list({ ...query, includeTotal: true })
      const second = yield* outbox.list({ ...query, after: first.next })
      assert.strictEqual(first.total, 5)
      assert.deepStrictEqual(
        [...first.rows, ...second.rows].map(({ body }) => body),
        range(700, 5).map((number) => ({ number }))
      )
      assert.lengthOf((yield* outbox.list({ ...query, state: "DEAD" })).rows, 0)
      assert.isUndefined(yield* outbox.get(businessId, taskId(705)))
      for (const number of range(700, 6))
        yield* outbox.cancel(number === 705 ? otherBusinessId : businessId, taskId(number))
    })
  )
})

layer(outboxSide, { excludeTestServices: true })("at rest", (it) => {
  it.effect("bodies, results and logs are sealed, for a contact by her key, for others by the business's", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* open
      yield* ask(person(1))
      const secret = "eleni.secret@example.com"
      const told = { _tag: "Done", result: { to: secret }, log: { body: secret } } as const
      yield* enqueue(task(1, 1, { body: { number: 1, to: secret } }))
      yield* enqueue(task(2, 0, { key: businessId, body: { number: 2, to: secret } }))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* working((task): Effect.Effect<Outcome> => {
            const isFirst = task.attempt === 1
            return Effect.succeed(
              isFirst ? { _tag: "Continue", body: { ...(task.body as object), also: secret } } : told
            )
          })
          yield* eventually(
            "both are done",
            Effect.zipWith(isIn(1, "DONE"), isIn(2, "DONE"), (one, two) => one && two)
          )
        })
      )
      assert.notInclude(yield* storedText, "secret")
      assert.deepStrictEqual((yield* view(1))?.body, { number: 1, to: secret, also: secret })
      const outbox = yield* Outbox
      const attempts = yield* outbox.attempts(businessId, taskId(2))
      assert.deepInclude(attempts[1], { result: { to: secret }, log: { body: secret } })
      const kinds = yield* sql<{ by: string }>`SELECT substr(body, 1, 1) AS by FROM outbox_task ORDER BY position`
      assert.deepStrictEqual(
        kinds.map(({ by }) => by),
        ["k", "b"]
      )
    })
  )

  it.effect("what was altered is never done: it dies saying so, and its lane goes on", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* enqueue(task(10, 1), task(11, 1), task(12, 1))
      yield* sql`UPDATE outbox_task SET body = (SELECT body FROM outbox_task WHERE id = ${taskId(11)}::uuid) WHERE id = ${taskId(10)}::uuid`
      const attempted = yield* working(() => Effect.succeed(done))
      yield* eventually("the last is done", isIn(12, "DONE"))
      assert.deepStrictEqual(attempted, [11, 12])
      const outbox = yield* Outbox
      assert.match((yield* outbox.attempts(businessId, taskId(10)))[0]?.reason ?? "", /cannot be trusted/)
    }).pipe(Effect.scoped)
  )

  it.effect("what is sealed under a data key that was altered dies saying so, and everybody else's is done", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const actors = yield* Actors
      yield* actors.ask(person(71))
      yield* enqueue(task(20, 71), task(21, 1))
      // As a runner finds it that has not had the key in memory.
      const keys = yield* Layer.build(Layer.fresh(DataKeys.layer))
      const { outbox } = yield* runner(allShards).pipe(Effect.provide(keys))
      yield* sql`UPDATE data_key SET wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) WHERE key = ${contactId(71)}::uuid`
      const attempted = yield* working(() => Effect.succeed(done)).pipe(Effect.provideService(Outbox, outbox))
      yield* eventually("the other one is done", isIn(21, "DONE"))
      yield* eventually("hers is dead", isIn(20, "DEAD"))
      assert.deepStrictEqual(attempted, [21])
      const [last] = yield* outbox.attempts(businessId, taskId(20))
      assert.match(last?.reason ?? "", /cannot be trusted: .*data key was altered/)
    }).pipe(Effect.scoped)
  )
})

layer(outboxSide, { excludeTestServices: true })("when a runner dies or another one comes", (it) => {
  it.effect("killed between effect and settling, the task is done again with the same id and body", () =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      const life = yield* Scope.make()
      yield* Scope.provide(
        working((task) =>
          Effect.andThen(
            Effect.sync(() => void ids.push(task.id)),
            Effect.never
          )
        ),
        life
      )
      yield* enqueue(task(1, 1), task(2, 1))
      yield* eventually(
        "the effect was had",
        Effect.sync(() => ids.length === 1)
      )
      yield* Scope.close(life, Exit.void)
      yield* working((task) =>
        Effect.as(
          Effect.sync(() => void ids.push(task.id)),
          done
        )
      )
      yield* eventually("all is done", isIn(2, "DONE"))
      assert.deepStrictEqual(ids, [taskId(1), taskId(1), taskId(2)])
    }).pipe(Effect.scoped)
  )

  it.effect("of two runners each does what it holds, and a shard that moves is gone on with once", () =>
    Effect.gen(function* () {
      const contacts = range(100, 40)
      const even = allShards.filter((shard) => shard % 2 === 0)
      const left = yield* runner(even)
      const right = yield* runner(allShards.filter((shard) => shard % 2 === 1))
      const seen = { left: new Array<number>(), right: new Array<number>() }
      const gate = yield* Deferred.make<void>()
      const working = (side: "left" | "right") =>
        ({ left, right })[side].outbox.work("webhook", {
          concurrency: 4,
          attempt: (task) =>
            Effect.andThen(
              Effect.sync(() => void seen[side].push(numberOf(task))),
              numberOf(task) < 2_000 ? Effect.succeed(done) : Effect.as(Deferred.await(gate), done)
            )
        })
      yield* working("left")
      yield* working("right")
      yield* left.outbox.enqueue(contacts.map((contact) => task(1_000 + contact, contact)))
      yield* eventually(
        "all is done",
        Effect.sync(() => seen.left.length + seen.right.length === 40)
      )
      const isEven = (number: number): boolean => shardOf(contactId(number - 1_000)) % 2 === 0
      assert.isTrue(seen.left.every(isEven) && !seen.right.some(isEven))
      assert.isAbove(seen.left.length, 0)
      yield* eventually(
        "nothing is left to be settled",
        Effect.map(left.outbox.statistics, (all) => all.every(({ waiting }) => waiting === 0))
      )

      // One is under way where its shard was, more wait behind it.
      const contact = contacts.find((each) => shardOf(contactId(each)) % 2 === 0) as number
      yield* left.outbox.enqueue(range(2_000, 3).map((number) => task(number, contact)))
      yield* eventually(
        "the first is under way",
        Effect.sync(() => seen.left.includes(2_000))
      )
      yield* left.placed.release(new Set([shardOf(contactId(contact))]))
      yield* right.placed.take([shardOf(contactId(contact))])
      yield* eventually(
        "it is begun again elsewhere",
        Effect.sync(() => seen.right.includes(2_000))
      )
      yield* Deferred.succeed(gate, undefined)
      yield* eventually("all is done", isIn(2_002, "DONE"))
      assert.deepStrictEqual(
        [seen.left, seen.right].map((numbers) => numbers.filter((number) => number >= 2_000)),
        [[2_000], [2_000, 2_001, 2_002]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("many lanes and more tasks than are read at a time are all done, in order, and counted", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox
      const byContact = new Map<string, Array<number>>()
      yield* outbox.work("webhook", {
        concurrency: 16,
        attempt: (task) =>
          Effect.sync(() => {
            byContact.set(task.key, [...(byContact.get(task.key) ?? []), numberOf(task)])
            return done
          })
      })
      // One contact with a long row of them in front of everybody else.
      const before = (yield* outbox.statistics).find(({ queue }) => queue === "webhook")?.meter.done ?? 0
      yield* outbox.enqueue(range(10_000, 1_100).map((number) => task(number, 1)))
      yield* outbox.enqueue(range(20_000, 1_500).map((number) => task(number, 10 + (number % 300))))
      yield* eventually(
        "all is done",
        Effect.map(outbox.statistics, (all) => {
          const found = all.find(({ queue }) => queue === "webhook")
          // What a runner has counted is in the table too: the other way round, a scrape would show more than there is.
          assert.isAtMost((found?.meter.done ?? 0) - before, 2_600 - (found?.waiting ?? 0))
          return found?.waiting === 0 && found.meter.done === before + 2_600
        })
      )
      assert.lengthOf([...byContact.values()].flat(), 2_600)
      for (const numbers of byContact.values())
        assert.deepStrictEqual(
          numbers,
          numbers.toSorted((a, b) => a - b)
        )
      const after = (yield* outbox.statistics).find(({ queue }) => queue === "webhook")
      assert.deepInclude(after, { waiting: 0, due: 0, dead: 0, lagMs: 0 })
      assert.strictEqual(after?.meter.done, before + 2_600)
    }).pipe(Effect.scoped)
  )
})
