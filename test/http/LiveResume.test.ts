/**
 * Coming back to the topics of a contact and of a community after a broken connection, while much goes on: what each app was
 * told before and after is all that happened, once and in order.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { randomUUID } from "node:crypto"
import { connectAs, follow, type LiveClient } from "../support/LiveClient.ts"
import { household, type Server, token } from "../support/LiveWorld.ts"
import { TestServer } from "../support/TestServer.ts"
import * as TestServerLayer from "../support/TestServer.ts"

const purchases = 120
/** The connection breaks when so many were told. */
const toldBefore = 20
const atOnce = 4

/** By the member, paid from the owner's wallet; who is told of it by each topic is told its id. */
const buy = (server: Server, contactId: string) =>
  Effect.map(
    server.request("POST", "/backoffice/v2/purchases", {
      contact: { id: contactId },
      organisation: { id: server.storeId },
      reference_number: randomUUID(),
      transaction_amounts: { total: 0.1 },
      spend_request: { amount: 0.1, restrict_fully_covered: true }
    }),
    ({ body, status }) => {
      assert.strictEqual(status, 201, JSON.stringify(body))
      return body.id as string
    }
  )

const toldOf = (apps: ReadonlyArray<LiveClient>, topic: string, type: string) =>
  apps
    .flatMap((app) => app.events())
    .flatMap((told) =>
      told.topic === topic && told.event.type === type && "purchase_id" in told.event
        ? [{ id: told.event.purchase_id ?? "", position: told.position }]
        : []
    )

const offsetOf = (position: string): number => Number(Buffer.from(position, "base64url").toString().split(".")[1])

layer(TestServerLayer.layer, { excludeTestServices: true })("who comes back with a position", (it) => {
  for (const [feed, type] of [
    ["contact", "purchase.paid"],
    ["community", "community.draw_counted"]
  ] as const) {
    it.effect(`misses nothing of ${feed}/{id} and is told nothing twice, while purchases go on`, () =>
      Effect.gen(function* () {
        const server = yield* TestServer
        const { owner, member } = yield* household(server)
        const topic = `${feed}/${feed === "contact" ? member : owner}`
        const caller = { token: yield* token(server, member) }
        const first = yield* connectAs(server.url, caller)
        yield* follow(first, topic)
        const all = Effect.all(
          Array.from({ length: purchases }, () => buy(server, member)),
          { concurrency: atOnce }
        )
        const buying = yield* Effect.forkChild(all)
        yield* first.until(() => toldOf([first], topic, type).length >= toldBefore)
        first.vanish()
        const after = first.events().at(-1)?.position
        const seen = toldOf([first], topic, type).length
        assert.isBelow(seen, purchases, "it goes on")

        const second = yield* connectAs(server.url, caller)
        yield* follow(second, topic, after)
        const bought = yield* Fiber.join(buying)
        yield* second.until(() => seen + toldOf([second], topic, type).length >= purchases)
        const told = toldOf([first, second], topic, type)
        assert.strictEqual(told.length, purchases)
        assert.sameMembers(
          told.map(({ id }) => id),
          [...bought]
        )
        const places = [...first.events(), ...second.events()].map(({ position }) => offsetOf(position))
        assert.deepStrictEqual(
          places,
          places.toSorted((a, b) => a - b)
        )
        const types = second.frames.map((frame) => frame.type)
        assert.notInclude(types, "reload")
        // Much later the same position leads to the same again, and a last one to nothing.
        const third = yield* connectAs(server.url, caller)
        yield* follow(third, topic, after)
        yield* third.until(() => third.events().length >= second.events().length)
        assert.deepStrictEqual(toldOf([third], topic, type), toldOf([second], topic, type))
        const fourth = yield* connectAs(server.url, caller)
        yield* follow(fourth, topic, second.events().at(-1)?.position)
        yield* buy(server, member)
        yield* fourth.until(() => toldOf([fourth], topic, type).length > 0)
        assert.notInclude(bought, toldOf([fourth], topic, type)[0]?.id)
      })
    )
  }
})
