/** AUT-11: an endpoint hears of a contact in order, cause before effect, also where the effect is known first. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { shardOf } from "#runtime/actor/Placement.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import type { SegmentChange } from "#runtime/segment/SegmentChange.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { eventually } from "../support/Eventually.ts"
import { receiver } from "../support/Receiver.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { credited, endpoint, series, webhookSide } from "./WebhookWorld.ts"

layer(webhookSide(), { excludeTestServices: true })("an endpoint", (it) => {
  it.effect(
    "AUT-11: tells of a join after what caused it, and of what follows in its order, however late that is",
    () =>
      Effect.gen(function* () {
        yield* open
        const sql = yield* SqlClient
        const { sink } = yield* Webhooks
        const projector = yield* Projector
        yield* ask(person(51))
        const to = yield* receiver()
        yield* endpoint(51, to.url, ["wallet.credited", "segment.joined", "segment.left"])
        const contact = contactId(51)
        const shard = shardOf(contact)
        const change = (kind: "JOINED" | "LEFT", position: number, upTo?: number): SegmentChange => ({
          id: randomUUID(),
          business: businessId,
          segmentId: "buyers",
          position,
          contact,
          kind,
          reason: upTo === undefined ? "TIME" : "EVENT",
          at: Date.now() + 1_000,
          shard,
          upTo
        })
        const head = Effect.map(
          sql<{ head: bigint }>`SELECT max(shard_offset) AS head FROM event WHERE shard = ${shard}`,
          ([row]) => Number(row?.head ?? 0)
        )
        yield* projector.waitFor("webhooks")
        const before = yield* head
        const arrived = (count: number) =>
          eventually(
            `${count} have arrived`,
            Effect.sync(() => to.kept().length >= count)
          )
        const numbered = Effect.map(series(51), (all) => all.map(({ type, sequence }) => [type, sequence]))
        // The event that causes it is still to come; what no event causes waits behind it.
        yield* sql.withTransaction(sink(sql, [change("JOINED", 1, before + 1)]))
        yield* sql.withTransaction(sink(sql, [change("LEFT", 2)]))
        assert.deepStrictEqual(yield* numbered, [])
        yield* credited(51)
        yield* arrived(3)
        assert.deepStrictEqual(yield* numbered, [
          ["wallet.credited", 1],
          ["segment.joined", 2],
          ["segment.left", 3]
        ])
        // What nobody is told of lets it go as well.
        yield* sql.withTransaction(sink(sql, [change("JOINED", 3, (yield* head) + 1)]))
        yield* ask({ business: businessId, key: contact, command: { _tag: "ChangeTags", add: ["vip"], remove: [] } })
        yield* arrived(4)
      }).pipe(Effect.scoped)
  )
})
