/** The topic of all purchases of a business: every one is told, whoever bought and wherever her actor lives, and to nobody else. */
import { assert, describe, it } from "@effect/vitest"
import { parsePositions, positionsText } from "#runtime/live/Positions.ts"
import * as Effect from "effect/Effect"
import { connectAs, follow, isA, type LiveClient } from "../support/LiveClient.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { start, startRunner, type TestServer } from "../support/TestServer.ts"
import { persistently } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

const topic = "purchase"

/** A purchase that nothing is spent on, so that it is posted at once. */
const buy = Effect.fnUntraced(function* (server: Server, who: Shop.Person, total = 10) {
  const receipt = Shop.receipt(server, who, { transaction_amounts: { total }, spend_request: undefined })
  return (yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", receipt))).id as string
})

/** The purchases that were told, in order. */
const told = (client: LiveClient) =>
  client.events().flatMap(({ event }) => (event.type === "purchase.posted" ? [event.purchase_id] : []))

const buyers = (server: Server, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => Shop.person(server))

describe("the topic of all purchases", () => {
  it.live("tells each with who bought, where and for how much, and when it is cancelled", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const people = yield* buyers(server, 5)
      const desk = yield* connectAs(server.url, { api_key: server.apiKey })
      yield* follow(desk, topic)
      const bought = yield* Effect.forEach(people, (who, number) => buy(server, who, 10 + number))
      yield* desk.until(() => told(desk).length === people.length)
      assert.sameMembers([...told(desk)], bought)
      for (const [number, { id }] of people.entries()) {
        const found = desk.events().find(({ event }) => "contact_id" in event && event.contact_id === id)?.event
        assert.deepInclude(found, { total: 10 + number, currency_code: "EUR", organisation_id: server.storeId })
      }
      yield* Shop.made(server.request("POST", `/backoffice/v2/purchases/${bought[0]}/cancel`, {}))
      yield* desk.until(() => desk.events().some(({ event }) => event.type === "purchase.cancelled"))
    }).pipe(Effect.scoped)
  )

  it.live("tells as much of one that a shared wallet paid, at once and to whoever comes back", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const [owner, member] = yield* buyers(server, 2)
      assert.isDefined(owner)
      assert.isDefined(member)
      yield* Shop.credit(server, owner, 100)
      yield* Shop.share(server, owner, member)
      const desk = yield* connectAs(server.url, { api_key: server.apiKey })
      const position = yield* follow(desk, topic)
      const bought = yield* Shop.made(
        server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member, { spend_request: {} }))
      )
      assert.isAbove(bought.rewards.spend as number, 0)
      yield* desk.until(() => told(desk).length === 1)
      const again = yield* connectAs(server.url, { api_key: server.apiKey })
      yield* follow(again, topic, position)
      yield* again.until(() => told(again).length === 1)
      const { net, tax, total } = bought.transaction_amounts
      assert.isNumber(total, JSON.stringify({ net, tax, total }))
      for (const client of [desk, again]) {
        const event = client.events().find((each) => each.event.type === "purchase.posted")?.event
        assert.deepInclude(event, { total, currency_code: "EUR", organisation_id: server.storeId })
      }
    }).pipe(Effect.scoped)
  )

  it.live("is for the secret key of the business: no contact may follow it, and no other business hears of it", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const [who] = yield* buyers(server, 1)
      assert.isDefined(who)
      const { secretKey } = yield* Shop.otherBusiness(server)
      const app = yield* connectAs(server.url, { token: who.token })
      app.say({ type: "subscribe", topic })
      assert.strictEqual((yield* app.hear(isA("error", topic))).problem.status, 403)
      const other = yield* connectAs(server.url, { api_key: secretKey })
      yield* follow(other, topic)
      const desk = yield* connectAs(server.url, { api_key: server.apiKey })
      yield* follow(desk, topic)
      yield* buy(server, who)
      yield* desk.until(() => told(desk).length === 1)
      other.say({ type: "ping" })
      yield* other.hear(isA("pong"))
      assert.deepStrictEqual(other.events(), [])
    }).pipe(Effect.scoped)
  )

  it.live("is resumed from any event without a gap or a duplicate, while more happens", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const people = yield* buyers(server, 8)
      const desk = yield* connectAs(server.url, { api_key: server.apiKey })
      yield* follow(desk, topic)
      const rounds = Effect.forEach([1, 2, 3], () =>
        Effect.forEach(people, (who) => buy(server, who), { concurrency: 8 })
      )
      const [, late] = yield* Effect.all(
        [
          rounds,
          Effect.gen(function* () {
            yield* desk.until(() => told(desk).length >= 5)
            const seen = desk.events().slice(0, 5)
            const again = yield* connectAs(server.url, { api_key: server.apiKey })
            yield* follow(again, topic, seen[4]?.position)
            return { again, seen }
          })
        ],
        { concurrency: 2 }
      )
      yield* desk.until(() => told(desk).length === 24)
      yield* late.again.until(() => told(late.again).length === 19)
      const before = late.seen.flatMap(({ event }) => ("purchase_id" in event ? [event.purchase_id] : []))
      assert.sameMembers([...before, ...told(late.again)], [...told(desk)])
    }).pipe(Effect.scoped)
  )

  it.live("refuses a position that is none, and has one of another journal loaded anew", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const desk = yield* connectAs(server.url, { api_key: server.apiKey })
      desk.say({ type: "subscribe", topic, after: "a.1.2" })
      assert.strictEqual((yield* desk.hear(isA("error", topic))).problem.status, 400)
      yield* follow(
        desk,
        topic,
        positionsText(() => 9_999)
      )
      assert.include((yield* desk.hear(isA("reload", topic))).reason, "not of this journal")
    }).pipe(Effect.scoped)
  )

  it.live("tells of purchases at another runner as well", () =>
    Effect.gen(function* () {
      const database = yield* TestDatabase.create
      const first = persistently(yield* startRunner(database))
      const second = persistently(yield* startRunner(database))
      const desk = yield* connectAs(second.url, { api_key: second.apiKey })
      const position = yield* follow(desk, topic)
      const people = yield* buyers(first, 12)
      const bought = yield* Effect.forEach(people, (who) => buy(first, who))
      // Shards may still be on their way between the two: who is told to reload resumes where she was told.
      const resumed = yield* connectAs(first.url, { api_key: first.apiKey })
      yield* follow(resumed, topic, position)
      yield* resumed.until(() => resumed.frames.some(isA("reload", topic)) || told(resumed).length === 12)
      yield* desk.until(() => desk.frames.some(isA("reload", topic)) || told(desk).length === 12)
      for (const client of [desk, resumed]) {
        if (!client.frames.some(isA("reload", topic))) assert.sameMembers([...told(client)], bought)
      }
      // She who was told to reload goes on from there: what was bought before that is in what she reads then.
      const reloads = () => desk.frames.filter(isA("reload", topic)).length
      for (let isTold = false; !isTold;) {
        const before = reloads()
        const more = yield* Effect.forEach(people, (who) => buy(second, who))
        const areTold = () => more.every((id) => told(desk).includes(id))
        yield* desk.until(() => areTold() || reloads() > before)
        isTold = areTold()
      }
    }).pipe(Effect.scoped)
  )
})

describe("a position over all shards", () => {
  it("comes back as it was given out, and anything else is none", () => {
    const text = positionsText((shard) => shard * 1_000_003)
    assert.deepStrictEqual(
      parsePositions(text),
      Array.from({ length: 64 }, (_, shard) => shard * 1_000_003)
    )
    for (const other of ["", "a", "b" + text.slice(1), `${text}.1`, text.replace("a.", "a.-"), text.toUpperCase()]) {
      assert.isUndefined(parsePositions(other), other)
    }
  })
})
