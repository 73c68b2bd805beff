/**
 * AUT-11: what becomes of deliveries while their endpoint is changed, switched off and on, or deleted: each event that it
 * asked for has its number and is sent, or can be; and nothing is kept of an endpoint that is gone.
 */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"
import { Definitions } from "#runtime/actor/Definitions.ts"
import { retentionMs } from "#runtime/outbox/Outbox.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import { conditionsOf } from "#runtime/webhook/Deliveries.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { eventually } from "../support/Eventually.ts"
import { ok, receiver } from "../support/Receiver.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { credited, endpoint, endpointId, Notices, series, switched, webhookSide } from "./WebhookWorld.ts"

const arrived = (to: { readonly kept: () => ReadonlyArray<unknown> }, count: number) =>
  eventually(
    `${count} have arrived`,
    Effect.sync(() => to.kept().length >= count)
  )

const all = (number: number, state: string, count: number) =>
  eventually(
    `${count} are ${state}`,
    Effect.map(series(number), (found) => found.length === count && found.every((each) => each.state === state))
  )

const deleted = (number: number) =>
  ask({ business: businessId, key: businessId, command: { _tag: "DeleteEndpoint", id: endpointId(number) } })

const missed = Effect.fnUntraced(function* (number: number) {
  const { deliveries } = yield* Webhooks
  const request = { id: randomUUID(), business: businessId, fingerprint: "", at: yield* Clock.currentTimeMillis }
  const conditions = conditionsOf(businessId, endpointId(number), { onlyMissed: true })
  return yield* deliveries.replay.from(request, conditions, "missed", undefined)
})

const stateOf = (number: number) =>
  Effect.gen(function* () {
    const definitions = yield* Definitions
    return (yield* definitions.of(businessId, "endpoints"))[endpointId(number)]?.state
  })

const kept = Effect.gen(function* () {
  const sql = yield* SqlClient
  const rows = yield* sql.unsafe<{ endpoint: string }>(
    "SELECT endpoint FROM webhook_sequence UNION SELECT endpoint FROM webhook_health ORDER BY endpoint"
  )
  return rows.map((row) => row.endpoint)
})

/** Long enough that only an old failure is too long ago. */
const disableAfterMs = 60_000

layer(webhookSide({ disableAfterMs }), { excludeTestServices: true })("an endpoint that", (it) => {
  it.effect(
    "AUT-11: is switched off and on again while events come misses none: numbers go on, and a replay fills them",
    () =>
      Effect.gen(function* () {
        yield* open
        yield* ask(person(1))
        const to = yield* receiver()
        yield* endpoint(1, to.url)
        for (let round = 0; round < 5; round++) {
          yield* Effect.all([credited(1), switched(1, round % 2 === 0 ? "INACTIVE" : "ACTIVE"), credited(1)], {
            concurrency: 3
          })
        }
        yield* switched(1, "ACTIVE")
        yield* credited(1)
        const projector = yield* Projector
        yield* projector.waitFor("webhooks")
        yield* eventually(
          "nothing waits",
          Effect.map(series(1), (found) => found.length === 11 && found.every(({ state }) => state !== "WAITING"))
        )
        const { replayed } = yield* missed(1)
        yield* all(1, "DONE", 11)
        assert.deepStrictEqual(
          to.received.map(({ body }) => body.sequence).toSorted((left, right) => left - right),
          [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        )
        // What is sent again is in order among itself.
        const again = to.received.slice(11 - replayed).map(({ body }) => body.sequence)
        assert.deepStrictEqual(
          again,
          again.toSorted((left, right) => left - right)
        )
      }).pipe(Effect.scoped)
  )

  it.effect("is told nothing twice of the time when it was off, though the projection is read from zero", () =>
    Effect.gen(function* () {
      const projector = yield* Projector
      yield* ask(person(10))
      const to = yield* receiver()
      yield* endpoint(10, to.url)
      yield* switched(10, "INACTIVE")
      yield* credited(10)
      yield* all(10, "WITHHELD", 1)
      yield* switched(10, "ACTIVE")
      yield* projector.rebuild("webhooks")
      yield* credited(10)
      yield* arrived(to, 1)
      yield* projector.waitFor("webhooks")
      assert.deepStrictEqual(
        (yield* series(10)).map(({ sequence, state }) => [sequence, state === "WITHHELD"]),
        [
          [1, true],
          [2, false]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("AUT-11: has been off for longer than what it misses is kept has the numbers of it, and nothing else", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { sink, deliveries } = yield* Webhooks
      yield* ask(person(15))
      const to = yield* receiver()
      yield* endpoint(15, to.url, ["segment.joined", "wallet.credited"])
      yield* switched(15, "INACTIVE")
      const definitions = yield* Definitions
      const { stateSince = 0 } = (yield* definitions.of(businessId, "endpoints"))[endpointId(15)] ?? {}
      const joined = (position: number, at: number) =>
        ({
          id: randomUUID(),
          business: businessId,
          segmentId: randomUUID(),
          position,
          contact: contactId(15),
          kind: "JOINED",
          reason: "TIME",
          at,
          shard: 0
        }) as const
      const changes = [-1, 0, 1].map((ms) => joined(ms + 2, stateSince + retentionMs + ms))
      yield* sql.withTransaction(sink(sql, changes))
      yield* all(15, "WITHHELD", 1)
      const tasks = yield* sql.unsafe("SELECT id FROM outbox_task WHERE queue = 'webhook' AND key = $1::uuid", [
        contactId(15)
      ])
      assert.lengthOf(tasks, 1)
      yield* switched(15, "ACTIVE")
      yield* credited(15)
      yield* arrived(to, 1)
      assert.strictEqual(to.received[0]?.body.sequence, 4)
      const page = yield* deliveries.series(businessId, endpointId(15), {
        size: 10,
        order: "ASC",
        contact: contactId(15)
      })
      assert.deepStrictEqual(
        page.rows.map(({ last, ranges }) => [last, ranges.map(({ from }) => from)]),
        [[4, [1, 4]]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("moves while its old address answers 410 stays on, and its new one is sent what the old one refused", () =>
    Effect.gen(function* () {
      yield* ask(person(20))
      const answers: Array<() => void> = []
      const old = yield* receiver((response) => void answers.push(() => void response.writeHead(410).end()))
      const to = yield* receiver()
      yield* endpoint(20, old.url)
      yield* credited(20)
      yield* arrived(old, 1)
      yield* endpoint(20, to.url)
      for (const answer of answers) answer()
      yield* arrived(to, 1)
      yield* all(20, "DONE", 1)
      assert.strictEqual(yield* stateOf(20), "ACTIVE")
    }).pipe(Effect.scoped)
  )

  it.effect("has failed for days elsewhere is given its own days at a new address", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const notices = yield* Notices
      yield* ask(person(30))
      const old = yield* receiver((response) => void response.writeHead(500).end())
      const to = yield* receiver((response, received, nth) =>
        nth === 1 ? void response.writeHead(500).end() : ok(response, received, nth)
      )
      const since = (yield* Clock.currentTimeMillis) - 2 * disableAfterMs
      const health =
        "INSERT INTO webhook_health (business, endpoint, failing_since) VALUES ($1::uuid, $2::uuid, $3::bigint)"
      yield* sql.unsafe(health, [businessId, endpointId(30), BigInt(since)])
      yield* endpoint(30, old.url)
      yield* endpoint(30, to.url)
      yield* credited(30)
      yield* all(30, "DONE", 1)
      assert.strictEqual(yield* stateOf(30), "ACTIVE")
      assert.isEmpty(notices.filter((notice) => notice.endpoint.id === endpointId(30)))
    }).pipe(Effect.scoped)
  )

  it.effect("is switched off while deliveries wait for their turn is sent none of those any more", () =>
    Effect.gen(function* () {
      const numbers = Array.from({ length: 80 }, (_, index) => 100 + index)
      yield* Effect.forEach(numbers, (number) => ask(person(number)), { concurrency: 8 })
      const answers: Array<() => void> = []
      const to = yield* receiver((response, received, nth) => void answers.push(() => ok(response, received, nth)))
      yield* endpoint(50, to.url)
      yield* Effect.forEach(numbers, (number) => credited(number), { concurrency: 80 })
      yield* arrived(to, 64)
      yield* switched(50, "INACTIVE")
      const calls = to.received.length
      for (const answer of answers) answer()
      yield* eventually(
        "nothing waits",
        Effect.map(series(50), (found) => found.length === 80 && found.every(({ state }) => state !== "WAITING"))
      )
      assert.lengthOf(to.received, calls)
      const states = Map.groupBy(yield* series(50), ({ state }) => state)
      assert.deepStrictEqual([states.get("DONE")?.length, states.get("WITHHELD")?.length], [calls, 80 - calls])
    }).pipe(Effect.scoped)
  )

  it.effect(
    "is deleted while its deliveries wait is sent no more, and nothing is kept of it but what it was sent",
    () =>
      Effect.gen(function* () {
        const { forget } = yield* Webhooks
        const sql = yield* SqlClient
        yield* ask(person(40))
        const to = yield* receiver((response) => void response.writeHead(500).end())
        yield* endpoint(40, to.url)
        yield* endpoint(41, to.url, "*")
        yield* credited(40)
        yield* arrived(to, 2)
        // Many contacts, so that more than one statement is needed.
        yield* sql.unsafe(
          "INSERT INTO webhook_sequence (business, endpoint, contact, last) " +
            "SELECT $1::uuid, $2::uuid, gen_random_uuid(), 1 FROM generate_series(1, 2500)",
          [businessId, endpointId(40)]
        )
        yield* deleted(40)
        yield* all(40, "DEAD", 1)
        const before = yield* kept
        assert.includeMembers([...before], [endpointId(40), endpointId(41)])
        yield* forget
        assert.deepStrictEqual(
          yield* kept,
          before.filter((id) => id !== endpointId(40))
        )
      }).pipe(Effect.scoped)
  )
})
