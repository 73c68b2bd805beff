/** AUT-11: an event is told once and in its time: what nobody wanted then is never told, and costs webhooks next to nothing. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { Projector } from "#runtime/projection/Projector.ts"
import { eventually } from "../support/Eventually.ts"
import { receiver } from "../support/Receiver.ts"
import { ask, open, person } from "./ReadSide.ts"
import { credited, endpoint, series, webhookSide } from "./WebhookWorld.ts"

layer(webhookSide(), { excludeTestServices: true })("what no endpoint wants", (it) => {
  it.effect("AUT-11: is passed over without a look at how far webhooks were told", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const projector = yield* Projector
      yield* open
      yield* ask(person(1))
      const to = yield* receiver()
      yield* endpoint(1, to.url, ["purchase.posted"])
      const passed = Effect.andThen(credited(1), projector.waitFor("webhooks"))
      yield* sql.withTransaction(Effect.andThen(sql`LOCK TABLE webhook_mark IN ACCESS EXCLUSIVE MODE`, passed))
      assert.isEmpty(yield* series(1))
    }).pipe(Effect.scoped)
  )

  it.effect("AUT-11: is not told when it is wanted later and the projection is read from zero", () =>
    Effect.gen(function* () {
      const projector = yield* Projector
      yield* ask(person(2))
      const to = yield* receiver()
      yield* endpoint(2, to.url, ["purchase.posted"])
      yield* credited(2)
      yield* projector.waitFor("webhooks")
      yield* endpoint(2, to.url)
      yield* projector.rebuild("webhooks")
      yield* projector.waitFor("webhooks")
      assert.isEmpty(yield* series(2))
      yield* credited(2)
      yield* eventually(
        "what is wanted now is told",
        Effect.map(series(2), (found) => found.some(({ state }) => state === "DONE"))
      )
      assert.deepStrictEqual(
        (yield* series(2)).map(({ sequence }) => sequence),
        [1]
      )
      // Nor again what was told, however often it is read.
      yield* projector.rebuild("webhooks")
      yield* projector.waitFor("webhooks")
      assert.deepStrictEqual(
        to.received.map(({ body }) => body.sequence),
        [1]
      )
    }).pipe(Effect.scoped)
  )
})
