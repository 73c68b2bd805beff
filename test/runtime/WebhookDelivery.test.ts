/**
 * AUT-11 against receivers that are slow, hang, fail, ask for patience, redirect, close midway or never end: each delivery
 * arrives, in order for its contact, while other contacts and endpoints flow; and what must not be called is not called.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import type { lookup } from "node:dns"
import { Projector } from "#runtime/projection/Projector.ts"
import type { SegmentChange } from "#runtime/segment/SegmentChange.ts"
import { SqlClient } from "effect/sql/SqlClient"
import { shardOf } from "#runtime/actor/Placement.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import * as Calling from "#runtime/webhook/Calling.ts"
import { conditionsOf } from "#runtime/webhook/Deliveries.ts"
import { isPublic, Targets } from "#runtime/webhook/Targets.ts"
import { Webhooks } from "#runtime/webhook/Webhooks.ts"
import { type Behaviour, ok, receiver } from "../support/Receiver.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"
import { credited, endpoint, endpointId, Notices, series, switched, webhookSide } from "./WebhookWorld.ts"
import { eventually } from "../support/Eventually.ts"

const arrived = (to: { readonly kept: () => ReadonlyArray<unknown> }, count: number) =>
  eventually(
    `${count} have arrived`,
    Effect.sync(() => to.kept().length >= count)
  )

/** Only a receiver that is to be given up takes longer, however much else the machine does. */
const timeoutMs = 5_000
/** For a call that has to end before. */
const callMaxMs = 60_000

const contacts = (from: number, count: number) => Array.from({ length: count }, (_, index) => from + index)
const registered = (...numbers: ReadonlyArray<number>) =>
  Effect.forEach(numbers, (number) => ask(person(number)), { concurrency: 8, discard: true })

/** The first try of each delivery goes wrong in this way. */
const firstGoesWrong: Readonly<Record<string, Behaviour>> = {
  "answers 500": (response) => void response.writeHead(500).end("no"),
  "hangs without an answer": () => undefined,
  "is slower than is waited for": (response) => void setTimeout(() => response.writeHead(200).end(), 2 * timeoutMs),
  "closes without an answer": (response) => void response.socket?.destroy(),
  "closes midway": (response) => {
    response.writeHead(200, { "content-length": "1000" })
    response.write("half", () => response.socket?.destroy())
  },
  "never ends its answer": (response) => {
    response.writeHead(200)
    response.write("and so on")
  },
  "redirects to loopback": (response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  "answers what is no HTTP": (response) => void response.socket?.end("SSH-2.0-OpenSSH_9.9\r\n")
}

layer(webhookSide({ timeoutMs }), { excludeTestServices: true })("a receiver that", (it) => {
  let number = 0
  it.effect("is there", () => open)

  for (const [what, wrong] of Object.entries(firstGoesWrong)) {
    it.effect(`${what} is sent it again until it takes it, in order for each contact`, () =>
      Effect.gen(function* () {
        number += 1
        const first = number * 100
        const to = yield* receiver((response, received, nth) =>
          nth === 1 && received.body.sequence === 1 ? wrong(response, received, nth) : ok(response, received, nth)
        )
        yield* registered(first, first + 1)
        yield* endpoint(number, to.url)
        for (const amount of [1n, 2n, 3n]) {
          yield* credited(first, amount)
          yield* credited(first + 1, amount)
        }
        yield* arrived(to, 6)
        for (const contact of [first, first + 1]) {
          const own = to.received.filter(({ body }) => body.contact_id === contactId(contact))
          assert.deepStrictEqual(
            own.map(({ body }) => body.sequence),
            [1, 1, 2, 3]
          )
          // A repetition is the same message under the same id.
          assert.strictEqual(own[0]?.id, own[1]?.id)
          assert.strictEqual(own[0]?.text, own[1]?.text)
        }
        yield* switched(number, "INACTIVE")
      }).pipe(Effect.scoped)
    )
  }

  it.effect("sends more than is kept has taken it, and no more is read of it", () =>
    Effect.gen(function* () {
      number += 1
      let isOpen = true
      const to = yield* receiver((response) => {
        response.writeHead(200)
        const more = (): void => {
          if (response.writable && isOpen) response.write("x".repeat(16_384), () => setImmediate(more))
        }
        response.on("close", () => (isOpen = false))
        more()
      })
      yield* registered(5_000)
      yield* endpoint(number, to.url)
      yield* credited(5_000)
      yield* eventually(
        "it is done",
        Effect.map(series(number), ([delivery]) => delivery?.state === "DONE")
      )
      yield* eventually(
        "its connection is closed",
        Effect.sync(() => !isOpen)
      )
      assert.lengthOf(to.received, 1)
      const outbox = yield* Outbox
      const [delivery] = yield* series(number)
      const [attempt] = yield* outbox.attempts(businessId, delivery?.id ?? "")
      const log = attempt?.log as { readonly response: { readonly body: string } }
      assert.lengthOf(log.response.body, 4_096)
    }).pipe(Effect.scoped)
  )

  it.effect("asks for patience by Retry-After gets it", () =>
    Effect.gen(function* () {
      number += 1
      const at: Array<number> = []
      const to = yield* receiver((response, received, nth) => {
        at.push(performance.now())
        if (nth > 2) return ok(response, received, nth)
        const header = nth === 1 ? "1" : new Date(Date.now() + 2_000).toUTCString()
        response.writeHead(nth === 1 ? 429 : 503, { "retry-after": header }).end()
      })
      yield* registered(5_100)
      yield* endpoint(number, to.url)
      yield* credited(5_100)
      yield* eventually(
        "it has arrived",
        Effect.sync(() => at.length === 3)
      )
      const [first = 0, second = 0, third = 0] = at
      // One clock counts whole milliseconds, the other does not.
      assert.isAtLeast(second - first, 990)
      // A date has whole seconds.
      assert.isAtLeast(third - second, 900)
    }).pipe(Effect.scoped)
  )

  it.effect("fails for one contact holds up neither her neighbours nor another endpoint", () =>
    Effect.gen(function* () {
      number += 2
      let isBroken = true
      const bad = contactId(6_000)
      const to = yield* receiver((response, received, nth) =>
        isBroken && received.body.contact_id === bad ? void response.writeHead(500).end() : ok(response, received, nth)
      )
      const other = yield* receiver()
      const hanging = yield* receiver(() => undefined)
      yield* registered(...contacts(6_000, 20))
      yield* endpoint(number, to.url)
      yield* endpoint(number - 1, other.url)
      yield* endpoint(999, hanging.url)
      for (const contact of [...contacts(6_000, 20), ...contacts(6_000, 20)]) yield* credited(contact)
      yield* arrived(other, 40)
      yield* eventually(
        "all neighbours have theirs",
        Effect.sync(() => to.kept().filter(({ body }) => body.contact_id !== bad).length === 38)
      )
      isBroken = false
      yield* arrived(to, 40)
      const own = to.kept().filter(({ body }) => body.contact_id === bad)
      assert.deepStrictEqual(
        own.map(({ body }) => body.sequence),
        [1, 2]
      )
      yield* switched(999, "INACTIVE")
    }).pipe(Effect.scoped)
  )
})

layer(webhookSide({ disableAfterMs: 300 }), { excludeTestServices: true })("an endpoint", (it) => {
  it.effect("that is gone is switched off at once, and one that fails for too long too: with notice and reason", () =>
    Effect.gen(function* () {
      const notices = yield* Notices
      const webhooks = yield* Webhooks
      yield* open
      yield* registered(1)
      const gone = yield* receiver((response) => void response.writeHead(410).end())
      const broken = yield* receiver((response) => void response.writeHead(500).end())
      const fine = yield* receiver()
      yield* endpoint(1, gone.url)
      yield* endpoint(2, broken.url)
      yield* endpoint(3, fine.url)
      yield* credited(1)
      yield* credited(1)
      yield* eventually(
        "two notices",
        Effect.sync(() => notices.length === 2)
      )
      assert.sameDeepMembers(
        notices.map(({ endpoint, reason }) => [endpoint.id, reason]),
        [
          [endpointId(1), "it answered 410 Gone"],
          [endpointId(2), "it failed for too long: it answered 500"]
        ]
      )
      const health = yield* webhooks.health(businessId)
      assert.deepInclude(health.get(endpointId(1)), {
        disabledFor: "it answered 410 Gone",
        lastFailure: "it answered 410"
      })
      assert.isUndefined(health.get(endpointId(3)))
      // What waited is withheld, and so is what is new; switched on again, it can be replayed.
      yield* eventually(
        "all is withheld",
        Effect.map(series(2), (all) => all.every(({ state }) => state === "WITHHELD"))
      )
      assert.lengthOf(gone.received, 1)
      broken.behave(ok)
      yield* credited(1)
      yield* arrived(fine, 3)
      yield* switched(2, "ACTIVE")
      const request = { id: randomUUID(), business: businessId, fingerprint: "", at: yield* Clock.currentTimeMillis }
      const conditions = conditionsOf(businessId, endpointId(2), { onlyMissed: true })
      const { replayed } = yield* webhooks.deliveries.replay.from(request, conditions, "all", undefined)
      assert.strictEqual(replayed, 3)
      yield* eventually(
        "all are delivered",
        Effect.map(series(2), (all) => all.every(({ state }) => state === "DONE"))
      )
      assert.lengthOf(notices, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("is told of segments in the transaction that writes the membership, or not at all", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { sink } = yield* Webhooks
      yield* registered(50)
      const to = yield* receiver()
      yield* endpoint(50, to.url, "*")
      const change = (kind: "JOINED" | "LEFT", position: number): SegmentChange => ({
        id: randomUUID(),
        business: businessId,
        segmentId: "regulars",
        position,
        contact: contactId(50),
        kind,
        reason: "EVENT",
        at: Date.now() + 1_000,
        shard: shardOf(contactId(50))
      })
      const failing = Effect.andThen(sink(sql, [change("JOINED", 1)]), Effect.fail("no"))
      yield* Effect.flip(sql.withTransaction(failing))
      yield* sql.withTransaction(sink(sql, [change("JOINED", 1), change("LEFT", 2)]))
      yield* arrived(to, 2)
      assert.deepStrictEqual(
        to.received.map(({ body }) => [body.type, body.sequence, body.data]),
        [
          ["segment.joined", 1, { segment_id: "regulars", reason: "EVENT" }],
          ["segment.left", 2, { segment_id: "regulars", reason: "EVENT" }]
        ]
      )
      yield* switched(50, "INACTIVE")
    }).pipe(Effect.scoped)
  )

  it.effect("is told nothing twice when the projection is read from zero, and numbers go on without a gap", () =>
    Effect.gen(function* () {
      const projector = yield* Projector
      yield* registered(60)
      const to = yield* receiver()
      yield* endpoint(60, to.url)
      for (const amount of [1n, 2n, 3n]) yield* credited(60, amount)
      yield* arrived(to, 3)
      yield* projector.rebuild("webhooks")
      yield* credited(60, 4n)
      yield* arrived(to, 4)
      yield* projector.waitFor("webhooks")
      yield* eventually(
        "all is done",
        Effect.map(series(60), (all) => all.every(({ state }) => state === "DONE"))
      )
      assert.deepStrictEqual(
        to.received.map(({ body }) => [body.sequence, body.data["amount"]]),
        [
          [1, 0.01],
          [2, 0.02],
          [3, 0.03],
          [4, 0.04]
        ]
      )
    }).pipe(Effect.scoped)
  )
})

/** Answers as a name server would, one after another. */
const resolving = (...answers: ReadonlyArray<string>): typeof lookup => {
  let asked = 0
  return ((_name: string, _options: object, callback: (...given: ReadonlyArray<unknown>) => void) => {
    const address = answers[Math.min(asked++, answers.length - 1)] ?? ""
    callback(null, [{ address, family: address.includes(":") ? 6 : 4 }])
  }) as unknown as typeof lookup
}

describe("at connect time", () => {
  const privates = [
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "fd00::1",
    "fe80::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::"
  ]

  it.effect("a name that leads inside gets no connection, whatever it led to when it was saved", () =>
    Effect.gen(function* () {
      const to = yield* receiver()
      for (const address of privates) {
        assert.isFalse(isPublic(address), address)
        const targets = new Targets([], resolving(address))
        const url = `https://rebound.example.com:${to.port}/hooks`
        // As it was judged at save.
        assert.isUndefined(targets.objectionTo(url))
        const call = yield* Calling.make(targets)
        const called = yield* call(url, {}, "{}", callMaxMs)
        assert.deepStrictEqual(called, { failure: "its name leads to no address on the internet" }, address)
      }
      assert.lengthOf(to.received, 0)
      for (const address of ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
        assert.isTrue(isPublic(address), address)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "an address in numbers is judged as well, and what the operator lists may be called by name or network",
    () =>
      Effect.gen(function* () {
        const to = yield* receiver()
        const call = (targets: Targets, url: string) =>
          Effect.flatMap(Calling.make(targets), (call) => call(url, {}, "{}", callMaxMs))
        for (const host of ["127.0.0.1", "[::ffff:127.0.0.1]", "2130706433", "localhost"]) {
          const called = yield* call(new Targets([]), `http://${host}:${to.port}/`)
          assert.property(called, "failure", host)
        }
        assert.lengthOf(to.received, 0)
        const byName = new Targets(["hooks.internal"], resolving("127.0.0.1"))
        assert.deepInclude(yield* call(byName, `http://hooks.internal:${to.port}/`), { status: 204 })
        const byNetwork = new Targets(["127.0.0.0/8"])
        assert.deepInclude(yield* call(byNetwork, `http://127.0.0.1:${to.port}/`), { status: 204 })
        assert.lengthOf(to.received, 2)
      }).pipe(Effect.scoped)
  )
})
