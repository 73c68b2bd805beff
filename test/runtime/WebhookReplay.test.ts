/** AUT-11: deliveries are sent again from a cursor on, in order for each contact, each request once, and a series ends. */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { conditionsOf } from "#runtime/webhook/Deliveries.ts"
import * as Replay from "#runtime/webhook/Replay.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { eventually } from "../support/Eventually.ts"
import { receiver } from "../support/Receiver.ts"
import { ask as command, open, person } from "./ReadSide.ts"
import { businessId } from "./SampleCommands.ts"
import { credited, endpoint, endpointId, series, webhookSide } from "./WebhookWorld.ts"

const arrived = (to: { readonly received: ReadonlyArray<unknown> }, count: number) =>
  eventually(
    `${count} have arrived`,
    Effect.sync(() => to.received.length >= count)
  )

layer(webhookSide({}), { excludeTestServices: true })("deliveries that are sent again", (it) => {
  it.effect("AUT-11: go on behind the last by a cursor, and a repeated request tells nothing twice", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* open
      yield* command(person(1))
      const to = yield* receiver()
      yield* endpoint(1, to.url)
      for (let credit = 0; credit < 5; credit += 1) yield* credited(1)
      const done = eventually(
        "all are delivered",
        Effect.map(series(1), (all) => all.length === 5 && all.every(({ state }) => state === "DONE"))
      )
      yield* done
      const replay = Replay.make(sql, yield* Outbox, 2)
      const conditions = conditionsOf(businessId, endpointId(1), {})
      const at = yield* Clock.currentTimeMillis
      const requestOf = (fingerprint: string, id: string = randomUUID()) => ({
        id,
        business: businessId,
        fingerprint,
        at
      })
      const first = requestOf("first")
      const ask = (request: typeof first, cursor?: string) => replay.from(request, conditions, "all", cursor)
      const one = yield* ask(first)
      assert.deepInclude(one, { replayed: 2, isRepeated: false })
      yield* arrived(to, 7)
      yield* done
      // Again, and twice at once: the answer of before.
      const again = yield* Effect.all([ask(first), ask(first)], { concurrency: 2 })
      assert.deepStrictEqual(again, [
        { ...one, isRepeated: true },
        { ...one, isRepeated: true }
      ])
      const twins = yield* Effect.forEach([1, 2], () => ask({ ...first, id: endpointId(9) }, one.next), {
        concurrency: 2
      })
      assert.lengthOf(
        twins.filter(({ isRepeated }) => isRepeated),
        1
      )
      assert.deepStrictEqual(
        twins.map(({ replayed }) => replayed),
        [2, 2]
      )
      yield* arrived(to, 9)
      yield* done
      // What happens meanwhile is not sent again: the series ends.
      yield* credited(1)
      yield* arrived(to, 10)
      const last = yield* ask(requestOf(""), twins[0]?.next)
      assert.deepStrictEqual(last, { replayed: 1, isRepeated: false })
      yield* arrived(to, 11)
      assert.deepStrictEqual(
        to.received.map(({ body }) => body.sequence),
        [1, 2, 3, 4, 5, 1, 2, 3, 4, 6, 5]
      )
      const refusals = [
        yield* Effect.flip(ask({ ...first, fingerprint: "another" })),
        yield* Effect.flip(replay.from(requestOf(""), conditions, "of another endpoint", one.next)),
        yield* Effect.flip(ask(requestOf(""), "nonsense"))
      ]
      assert.deepStrictEqual(
        refusals.map(({ _tag }) => _tag),
        ["CommandIdReused", "CursorInvalid", "CursorInvalid"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect(
    "AUT-11: are in order for each contact, wherever a series breaks off, though all happened at one instant",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const { test } = yield* Webhooks
        const to = yield* receiver()
        yield* endpoint(2, to.url)
        // The same twice at once is one.
        for (const name of ["a", "b", "c", "d", "e", "f"]) {
          const twins = yield* Effect.all(
            [test(businessId, endpointId(2), name), test(businessId, endpointId(2), name)],
            {
              concurrency: 2
            }
          )
          assert.strictEqual(twins[0], twins[1])
        }
        const done = eventually(
          "all are delivered",
          Effect.map(series(2), (all) => all.length === 6 && all.every(({ state }) => state === "DONE"))
        )
        yield* done
        assert.deepStrictEqual(
          to.received.map(({ body }) => body.sequence),
          [1, 2, 3, 4, 5, 6]
        )
        const at = yield* Clock.currentTimeMillis
        yield* sql.unsafe("UPDATE webhook_delivery SET at = $1::bigint WHERE endpoint = $2::uuid", [at, endpointId(2)])
        const replay = Replay.make(sql, yield* Outbox, 2)
        const conditions = conditionsOf(businessId, endpointId(2), {})
        let cursor: string | undefined
        do {
          const request = { id: randomUUID(), business: businessId, fingerprint: "", at }
          const answer = yield* replay.from(request, conditions, "all", cursor)
          yield* done
          cursor = answer.next
        } while (cursor !== undefined)
        assert.deepStrictEqual(
          to.received.slice(6).map(({ body }) => body.sequence),
          [1, 2, 3, 4, 5, 6]
        )
      }).pipe(Effect.scoped)
  )
})
