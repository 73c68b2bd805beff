/**
 * What several runners know of each other's contacts: live segments, previews and topics are right for what was committed
 * before, whichever of them committed it and whichever is asked (SEG-3, SEG-6).
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { connectAs, follow, type LiveClient } from "../support/LiveClient.ts"
import * as Shop from "../support/Shop.ts"
import type { Parsed, TestServer } from "../support/TestServer.ts"
import { holdsAll, ofBusiness, personOn, twoRunners } from "../support/TwoRunners.ts"

type Server = TestServer["Service"]

const segments = "/backoffice/v2/segments"
/** Of each kind, so that a race would show. */
const times = 12

const named = (value: string) => ({ conditions: [{ type: "TEXT", field: "last_name", operator: "IS", value }] })

const liveSegment = Effect.fnUntraced(function* (server: Server, lastName: string) {
  const body = { name: `Segment ${randomUUID()}`, sets: [named(lastName)], refresh: { mode: "LIVE" } }
  const { id } = bodyOf(yield* server.request("POST", segments, body), 201)
  yield* eventually(
    "it is computed",
    Effect.map(
      server.request("GET", `${segments}/${id}`),
      (response) => bodyOf(response, 200).membership.state === "READY"
    )
  )
  return id as string
})

const rename = (server: Server, { id }: Shop.Person, last_name: string) =>
  Effect.map(server.request("PUT", `/backoffice/v2/contacts/${id}`, { last_name }), (response) => bodyOf(response, 200))

const membersOf = (server: Server, segment: string) =>
  Effect.map(server.request("GET", `${segments}/${segment}/members?size=200`), (response): ReadonlyArray<string> =>
    bodyOf(response, 200).content.map((member: Parsed) => member.contact.id)
  )

const segmentsOf = (server: Server, { id }: Shop.Person) =>
  Effect.map(server.request("GET", `/backoffice/v2/contacts/${id}/segments`), (response): ReadonlyArray<string> =>
    bodyOf(response, 200).content.map((segment: Parsed) => segment.id)
  )

const buy = (server: Server, who: Shop.Person) =>
  Effect.map(
    Shop.made(
      server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, who, { spend_request: undefined }))
    ),
    ({ id }) => id as string
  )

const told = (client: LiveClient, type: string, name: string) =>
  client.events().flatMap(({ event }: Parsed) => (event.type === type ? [event[name] as string] : []))

describe("live segments of two runners", () => {
  it.live("SEG-3: whoever changes is in or out before the next read, whoever holds her and whoever is asked", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const [home, away] = ofBusiness(first, second)
      const segment = yield* liveSegment(away, "Seferi")
      const people = [yield* personOn(home, away), yield* personOn(away, home)]
      for (let time = 0; time < times; time++) {
        // Each door changes each of them, and each door is asked first of what the other has done.
        const [changed, asked] = time % 4 < 2 ? [home, away] : [away, home]
        for (const who of people) {
          const isIn = time % 2 === 0
          yield* rename(changed, who, isIn ? "Σεφέρη" : "Other")
          yield* rename(changed, who, isIn ? "Seferi" : "Elyti")
          assert.strictEqual((yield* segmentsOf(asked, who)).includes(segment), isIn, `she herself, ${time}`)
          assert.strictEqual((yield* membersOf(asked, segment)).includes(who.id), isIn, `all of them, ${time}`)
          assert.strictEqual((yield* segmentsOf(changed, who)).includes(segment), isIn, `where it was changed, ${time}`)
        }
      }
      const { content } = bodyOf(yield* home.request("GET", `${segments}/${segment}/changes?size=200`), 200)
      const kinds = Map.groupBy(content as ReadonlyArray<Parsed>, ({ contact }) => contact.id as string)
      for (const who of people) {
        assert.deepStrictEqual(
          kinds.get(who.id)?.map(({ kind }) => kind),
          Array.from({ length: times }, (_, time) => (time % 2 === 0 ? "JOINED" : "LEFT"))
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("SEG-3: one whose shard moves while she joins and leaves is in it as her last change says", () =>
    Effect.gen(function* () {
      const { first, second, stopFirst } = yield* twoRunners()
      const segment = yield* liveSegment(second, "Seferi")
      const who = yield* personOn(first, second)
      const last = Effect.gen(function* () {
        for (let time = 0; time < times * 2; time++) yield* renamed(second, who, time % 2 === 0 ? "Elyti" : "Seferi")
      })
      yield* Effect.all([last, stopFirst], { concurrency: 2 })
      yield* holdsAll(second)
      assert.include(yield* segmentsOf(second, who), segment)
      yield* renamed(second, who, "Elyti")
      assert.notInclude(yield* membersOf(second, segment), who.id)
    }).pipe(Effect.scoped)
  )
})

/** As a client does it whose runner goes: again, under the same key, until it is answered. */
const renamed = (server: Server, { id }: Shop.Person, last_name: string) => {
  const headers = { "idempotency-key": randomUUID() }
  const once = server.request("PUT", `/backoffice/v2/contacts/${id}`, { last_name }, headers)
  return eventually(
    "she is renamed",
    Effect.map(once, ({ status }) => status === 200)
  )
}

describe("topics of two runners", () => {
  it.live("the topics of a segment and of all purchases tell what the other runner commits, in order and once", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const segment = yield* liveSegment(first, "Kavafi")
      const people = [yield* personOn(first, second), yield* personOn(second, first)]
      const desks = yield* Effect.forEach([first, second], ({ url, apiKey }) => connectAs(url, { api_key: apiKey }))
      const positions = yield* Effect.forEach(desks, (desk) =>
        Effect.all([follow(desk, `segment/${segment}`), follow(desk, "purchase")])
      )
      const bought: Array<string> = []
      for (let time = 0; time < times; time++) {
        for (const who of people) {
          const isIn = time % 2 === 0
          yield* rename(isIn ? second : first, who, isIn ? "Kavafi" : "Other")
          // What is undone before anybody looks is no change.
          assert.strictEqual((yield* segmentsOf(second, who)).includes(segment), isIn)
          bought.push(yield* buy(time % 2 === 0 ? first : second, who))
        }
      }
      const all = people.length * times
      for (const desk of desks) {
        yield* desk.until(() => desk.events().length >= all * 2)
        assert.sameMembers(told(desk, "purchase.posted", "purchase_id"), bought)
        for (const { id } of people) {
          const kinds = desk
            .events()
            .flatMap(({ event, topic }: Parsed) =>
              event.contact_id === id && topic !== "purchase" ? [event.type] : []
            )
          assert.deepStrictEqual(
            kinds,
            Array.from({ length: times }, (_, time) => (time % 2 === 0 ? "segment.joined" : "segment.left"))
          )
        }
      }
      // A position of one runner is one of the other's as well.
      const again = yield* connectAs(first.url, { api_key: first.apiKey })
      yield* follow(again, `segment/${segment}`, positions[1]?.[0])
      yield* follow(again, "purchase", positions[1]?.[1])
      yield* again.until(() => again.events().length >= all * 2)
      assert.sameMembers(told(again, "purchase.posted", "purchase_id"), bought)
      assert.lengthOf(told(again, "segment.joined", "contact_id"), all / 2)
    }).pipe(Effect.scoped)
  )
})

describe("the segment stores of two runners", () => {
  it.live("SEG-6: a preview at either sees what the other committed before it was asked", () =>
    Effect.gen(function* () {
      const { first, second } = yield* twoRunners()
      const all = named("Elyti")
      const count = { type: "COUNT", event: "FundsCredited", operator: "GREATER_OR_EQUAL", value: 1 }
      const credited = { conditions: [...all.conditions, count] }
      const found = (server: Server, set: object = all) =>
        Effect.map(
          server.request("POST", `${segments}/preview`, { sets: [set] }),
          (response) => bodyOf(response, 200).count
        )
      for (let time = 1; time <= times; time++) {
        const [door, asked] = time % 2 === 0 ? [first, second] : [second, first]
        const who = yield* Shop.person(door, { last_name: "Elyti" })
        assert.strictEqual(yield* found(asked), time)
        assert.strictEqual(yield* found(door), time)
        yield* Shop.credit(door, who, 10)
        assert.strictEqual(yield* found(asked, credited), time)
      }
      const explained = yield* personOn(first, second)
      yield* rename(first, explained, "Elyti")
      const segment = yield* liveSegment(first, "Elyti")
      const why = bodyOf(
        yield* second.request("GET", `${segments}/${segment}/contacts/${explained.code}/explanation`),
        200
      )
      assert.deepInclude(why, { member: true, holds: true })
      assert.lengthOf(yield* membersOf(second, segment), times + 1)
    }).pipe(Effect.scoped)
  )
})
