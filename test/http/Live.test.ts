/** The live feed over real sockets: what is committed is seen at once by those who may see it, and by nobody else. */
import { assert, layer } from "@effect/vitest"
import { positionText } from "#runtime/live/Position.ts"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { connectAs, follow, isA, type LiveClient } from "../support/LiveClient.ts"
import { credit, credits, entries, household, join, joined, person, type Server, token } from "../support/LiveWorld.ts"
import { TestServer } from "../support/TestServer.ts"
import * as TestServerLayer from "../support/TestServer.ts"

const buy = (server: Server, contactId: string, amount: number) =>
  server.request("POST", "/backoffice/v2/purchases", {
    contact: { id: contactId },
    organisation: { id: server.storeId },
    reference_number: randomUUID(),
    transaction_amounts: { total: amount },
    spend_request: { amount, restrict_fully_covered: true }
  })

const types = (client: LiveClient, topic: string) =>
  client
    .events()
    .filter((told) => told.topic === topic)
    .map((told) => told.event.type)

layer(TestServerLayer.layer, { excludeTestServices: true })("the live door", (it) => {
  it.effect(
    "tells both apps of a shared purchase at once: the member's contact, the owner's wallet, the community",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { owner, member } = yield* household(server)
        const hers = yield* connectAs(server.url, { token: yield* token(server, member) })
        const his = yield* connectAs(server.url, { token: yield* token(server, owner) })
        yield* follow(hers, `contact/${member}`)
        yield* follow(hers, `community/${owner}`)
        yield* follow(his, `wallet/${owner}`)
        yield* follow(his, `community/${owner}`)

        const { status, body } = yield* buy(server, member, 12.5)
        assert.strictEqual(status, 201, JSON.stringify(body))

        yield* hers.until(() => types(hers, `contact/${member}`).includes("purchase.paid"))
        yield* his.until(() => types(his, `wallet/${owner}`).length > 0 && types(his, `community/${owner}`).length > 0)
        const paid = hers.events().find(({ event }) => event.type === "purchase.paid")?.event
        assert.include(paid, { purchase_id: body.id, currency_code: "EUR", total: 12.5, balance: 0 })
        assert.deepInclude(paid, { shared: { community_id: owner, draw_id: drawOf(his), amount: 12.5 } })
        const debited = his.events().find(({ event }) => event.type === "wallet.debited")?.event
        assert.include(debited, { amount: 12.5, reason: "WALLET_SHARING", counterpart_id: member, balance: 87.5 })
        for (const app of [hers, his]) {
          const counted = app.events().find(({ event }) => event.type === "community.draw_counted")?.event
          assert.include(counted, { person_id: member, amount: 12.5, remaining: 17.5, purchase_id: body.id })
        }
      })
  )

  it.effect("gives the room of the month back to all who look when the purchase is cancelled (SHR-2, SHR-9)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { owner, member } = yield* household(server)
      const his = yield* connectAs(server.url, { token: yield* token(server, owner) })
      const begin = yield* follow(his, `community/${owner}`)
      yield* follow(his, `wallet/${owner}`)
      const { body } = yield* buy(server, member, 10)
      yield* server.request("POST", `/backoffice/v2/purchases/${body.id}/cancel`)
      yield* his.until(
        () => types(his, `community/${owner}`).length === 2 && types(his, `wallet/${owner}`).length === 2
      )
      assert.deepStrictEqual(types(his, `wallet/${owner}`), ["wallet.debited", "wallet.returned"])
      const uncounted = his.events().find(({ event }) => event.type === "community.draw_uncounted")?.event
      assert.include(uncounted, { amount: 10, remaining: 30 })
      // Who follows from before it is told what was left then.
      const late = yield* connectAs(server.url, { token: yield* token(server, owner) })
      yield* follow(late, `community/${owner}`, begin)
      yield* late.until(() => types(late, `community/${owner}`).includes("community.draw_uncounted"))
      const counted = late.events().find(({ event }) => event.type === "community.draw_counted")?.event
      assert.include(counted, { amount: 10, remaining: 20 })
      const returned = his.events().find(({ event }) => event.type === "wallet.returned")?.event
      assert.include(returned, { amount: 10, balance: 100 })
    })
  )

  it.effect("shows what a member draws to the owner and to her, and to no other member", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { owner, member } = yield* household(server)
      const other = yield* person(server, "Nikos")
      yield* joined(server, owner, other)
      const his = yield* connectAs(server.url, { token: yield* token(server, owner) })
      const others = yield* connectAs(server.url, { token: yield* token(server, other) })
      const topic = `community/${owner}`
      yield* follow(his, topic)
      yield* follow(others, topic)
      yield* buy(server, member, 5)
      yield* buy(server, other, 6)
      yield* his.until(() => types(his, topic).length === 2)
      yield* others.until(() => types(others, topic).length > 0)
      const [told] = others.events()
      assert.include(told?.event, { type: "community.draw_counted", person_id: other, amount: 6 })
      assert.lengthOf(others.events(), 1)
    })
  )

  it.effect(
    "misses nothing and repeats nothing for who comes back after a broken connection, while money goes on moving",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const owner = yield* person(server, "Maria")
        const api_key = server.apiKey
        const topic = `wallet/${owner}`
        const first = yield* connectAs(server.url, { api_key })
        yield* follow(first, topic)
        const sent = Array.from({ length: 1_500 }, () => randomUUID())
        yield* Effect.forkChild(Effect.orDie(credits(server, owner, sent)))
        yield* first.until(() => entries(first).length >= 300)
        first.vanish()
        const seen = entries(first)

        const after = first.events().at(-1)?.position
        const second = yield* connectAs(server.url, { api_key })
        yield* follow(second, topic, after)
        yield* second.until(() => seen.length + entries(second).length >= sent.length)
        const all = [...seen, ...entries(second)]
        assert.strictEqual(all.length, sent.length)
        assert.deepStrictEqual(all.toSorted(), sent.toSorted())
        const positions = [...first.events(), ...second.events()].map(({ position }) => offsetOf(position))
        assert.deepStrictEqual(
          positions,
          positions.toSorted((a, b) => a - b)
        )
        const balances = [...first.events(), ...second.events()].map(({ event }) =>
          "balance" in event ? event.balance : undefined
        )
        const amount = balances[0] ?? 0
        assert.isAbove(amount, 0)
        assert.deepStrictEqual(
          balances,
          sent.map((_, index) => Math.round(amount * 100 * (index + 1)) / 100)
        )
        assert.notInclude(
          second.frames.map(({ type }) => type),
          "reload"
        )
      })
  )

  it.effect("says that a client must reload when its position is none of this journal, and goes on from there", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const contact = yield* person(server, "Christos")
      const app = yield* connectAs(server.url, { api_key: server.apiKey })
      const topic = `wallet/${contact}`
      const here = yield* follow(app, topic)
      app.say({ type: "unsubscribe", topic })
      yield* app.hear(isA("unsubscribed", topic))
      const [shard, offset] = Buffer.from(here, "base64url").toString().split(".").map(Number)
      const future = positionText({ shard: shard ?? 0, offset: (offset ?? 0) + 1_000_000 })
      app.say({ type: "subscribe", topic, after: future })
      const reload = yield* app.hear(isA("reload", topic))
      assert.match(reload.reason, /not of this journal/)
      yield* credit(server, contact)
      yield* app.until(() => entries(app).length === 1)
    })
  )

  it.effect("refuses what is not the caller's: another wallet, a community she is not in, a contact of nobody", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const eleni = yield* person(server, "Eleni")
      const stranger = yield* person(server, "Stranger")
      const app = yield* connectAs(server.url, { token: yield* token(server, eleni) })
      for (const topic of [
        `wallet/${stranger}`,
        `contact/${stranger}`,
        `community/${stranger}`,
        `contact/${randomUUID()}`
      ]) {
        app.say({ type: "subscribe", topic })
        const { problem } = yield* app.hear(isA("error", topic))
        assert.include(problem, { status: 403, error: "KOINON.FORBIDDEN" }, topic)
      }
      const back = yield* connectAs(server.url, { api_key: server.apiKey })
      const topic = `wallet/${randomUUID()}`
      back.say({ type: "subscribe", topic })
      assert.strictEqual((yield* back.hear(isA("error", topic))).problem.status, 404)
    })
  )

  it.effect("ends the community's feed for a member who is removed, in the moment she is (COM-4)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const { owner, member } = yield* household(server)
      const app = yield* connectAs(server.url, { token: yield* token(server, member) })
      const topic = `community/${owner}`
      yield* follow(app, topic)
      const business = server.businessId
      yield* server.actors.ask({ business, key: owner, command: { _tag: "LeaveCommunity", memberId: member } })
      assert.strictEqual((yield* app.hear(isA("error", topic))).problem.status, 403)
      assert.deepStrictEqual(types(app, topic), ["community.person_left"])
      yield* join(server, owner, yield* person(server, "Nikos"))
      app.say({ type: "ping" })
      yield* app.hear(isA("pong"))
      assert.lengthOf(types(app, topic), 1)
    })
  )
})

const drawOf = (app: LiveClient): string => {
  const event = app.events().find(({ event }) => event.type === "community.draw_counted")?.event
  return event?.type === "community.draw_counted" ? event.draw_id : ""
}

const offsetOf = (position: string): number => Number(Buffer.from(position, "base64url").toString().split(".")[1])
