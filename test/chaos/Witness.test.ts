/** What the witness in the database says of commits that are in order, and of one that is not (P5). */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestDatabase from "../support/TestDatabase.ts"
import { isReplaced, query, shardsOf, testimony, watch } from "./Witness.ts"

const [one, other] = ["a0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000002"] as const
const [stream, batch] = ["c0000000-0000-4000-8000-000000000001", "e0000000-0000-4000-8000-000000000001"] as const
const shard = 5

describe("the witness", () => {
  it.live("knows who holds a shard, and finds what somebody wrote who did not hold it (P5)", () =>
    Effect.gen(function* () {
      const { url } = yield* TestDatabase.create
      const ask = (text: string) => Effect.promise(() => query(url, text))
      yield* Effect.promise(() => watch(url))
      const [user] = (yield* ask("SELECT session_user::text AS name")) as ReadonlyArray<{ readonly name: string }>
      const holds = (owner: string, epoch: number) =>
        ask(
          `INSERT INTO shard_epoch VALUES (${shard}, ${epoch}, '${owner}')
           ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch, owner = excluded.owner`
        )
      const writes = (runner: string, offset: number) =>
        ask(
          `WITH b AS (INSERT INTO batch VALUES ('${batch.slice(0, -1)}${offset}', '${runner}', 0))
           INSERT INTO event VALUES ('${stream}', 2, ${offset}, '${stream}', '${stream}', ${shard}, ${offset}, '', 1, '', 0, 0)`
        )
      yield* holds(one, 1)
      yield* writes(one, 1)
      const held = yield* Effect.promise(() => shardsOf(url, user?.name ?? ""))
      assert.deepStrictEqual(held, [{ shard, owner: one }])
      yield* holds(other, 2)
      yield* writes(other, 2)
      assert.isTrue(yield* Effect.promise(() => isReplaced(url, [one])))
      assert.deepStrictEqual(yield* Effect.promise(() => testimony(url)), { events: 2, strangers: [] })
      yield* writes(one, 3)
      const { events, strangers } = yield* Effect.promise(() => testimony(url))
      assert.strictEqual(events, 3)
      assert.deepStrictEqual(strangers, [
        `event 3 of shard ${shard} was committed by runner ${one}, and ${other} held it`
      ])
    })
  )
})
