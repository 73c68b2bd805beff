/** The live hub over a store in memory: nothing before its commit, no gap and no duplicate for who comes back, bounds. */
import { assert, describe, it } from "@effect/vitest"
import { Actors } from "#runtime/actor/Actors.ts"
import * as ActorsLayer from "#runtime/actor/Actors.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import { Journal, JournalUnavailable } from "#runtime/journal/Journal.ts"
import { defineFeed } from "#runtime/live/Feed.ts"
import * as Heads from "#runtime/live/Heads.ts"
import * as LiveHub from "#runtime/live/LiveHub.ts"
import { parsePosition, type Position, positionText } from "#runtime/live/Position.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import { type Connection, connect } from "./FaultyJournal.ts"
import { businessId, contactId, credit as creditOf, openBusiness, register } from "./SampleCommands.ts"
import { gate, quiet, until } from "./Waiting.ts"

const sealer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))
let encoded = 0

/** Tells every credit by its lot, with the number of lots there are. */
const lots = defineFeed({
  name: "lots",
  follows: "contact",
  carries: ["contact"],
  encode: ({ event, row }, topic, { state }) => {
    if (event._tag !== "FundsCredited") return undefined
    encoded += 1
    return { text: `${topic} ${event.lotId} ${state.lots.length} ${row.offset}` }
  }
})

const runner = Effect.fnUntraced(function* (connection: Connection = connect(JournalMemory.emptyStore())) {
  /** `unreadable`: the journal cannot be read back. Reading it back begins with `beforeRead`. */
  const faults: { unreadable: boolean; beforeRead: Effect.Effect<void> } = {
    unreadable: false,
    beforeRead: Effect.void
  }
  let reads = 0
  const journal = Layer.succeed(Journal, {
    ...connection.journal,
    shardEvents: (after, rowsMax) =>
      faults.unreadable
        ? Effect.fail(new JournalUnavailable({ operation: "shardEvents", cause: "a fault of the test" }))
        : Effect.andThen(
            Effect.suspend(() => {
              reads += 1
              return faults.beforeRead
            }),
            connection.journal.shardEvents(after, rowsMax)
          )
  })
  const layer = LiveHub.layer.pipe(
    Layer.provideMerge(ActorsLayer.layer),
    Layer.provide(Layer.mergeAll(journal, sealer, Heads.alone))
  )
  const context = yield* Layer.build(layer)
  const actors = Context.get(context, Actors)
  yield* actors.ask(openBusiness())
  yield* actors.ask(register(1))
  const credit = (lotId: string = randomUUID(), number = 1) => actors.ask(creditOf(number, 1n, lotId))
  return {
    actors,
    business: businessId,
    contact: contactId(1),
    credit,
    hub: Context.get(context, LiveHub.LiveHub),
    connection,
    faults,
    reads: () => reads
  }
})
type Runner = Effect.Success<ReturnType<typeof runner>>

/** A follower who writes down what it is told. */
const follower = (after?: Position, roomy: Effect.Effect<void> = Effect.void) => {
  const heard: Array<string> = []
  const at: { position: Position | undefined } = { position: undefined }
  return {
    heard,
    at,
    told: () => heard.flatMap((text) => text.split(" ")[1] ?? []),
    following: ({ business, contact }: Runner, admit: (state: unknown) => string | undefined = () => undefined) => ({
      business,
      feed: lots,
      key: contact,
      viewer: undefined,
      after,
      admit,
      roomy,
      receiver: {
        started: (position: Position) => void (at.position = position),
        deliver: ({ text }: { readonly text: string }) => void heard.push(text),
        reload: (position: Position, reason: string) => {
          at.position = position
          heard.push(`RELOAD ${reason}`)
        },
        ended: (reason: string) => void heard.push(`ENDED ${reason}`)
      }
    })
  }
}

const offsetOf = (text: string | undefined): number => Number(text?.split(" ")[3])

describe("the live hub", () => {
  it.effect("tells nothing before the commit, and then at once", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const { connection, credit, hub } = given
      const one = follower()
      yield* hub.follow(one.following(given))
      const held = yield* gate
      connection.around = held.hold
      yield* Effect.forkChild(credit("lot-1"))
      yield* until(() => held.arrived() > 0)
      yield* quiet
      assert.deepStrictEqual(one.told(), [])
      yield* held.open
      yield* until(() => one.told().length === 1)
    })
  )

  it.effect("encodes an event once, however many follow, and stops when nobody does", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const { credit, hub } = given
      const followers = Array.from({ length: 50 }, () => follower())
      const ends = yield* Effect.forEach(followers, (each) => hub.follow(each.following(given)))
      assert.deepStrictEqual(hub.statistics(), { topics: 1, followers: 50 })
      encoded = 0
      yield* credit("lot-1")
      assert.strictEqual(encoded, 1)
      for (const each of followers) assert.deepStrictEqual(each.told(), ["lot-1"])
      for (const end of ends) {
        end()
        end()
      }
      assert.deepStrictEqual(hub.statistics(), { topics: 0, followers: 0 })
      yield* credit("lot-2")
      assert.strictEqual(encoded, 1)
    })
  )

  it.effect("tells a crowd in order, each of them all of it, and who comes meanwhile what comes after", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const crowd = Array.from({ length: 1_000 }, () => follower())
      yield* Effect.forEach(crowd, (each) => given.hub.follow(each.following(given)))
      const sent = Array.from({ length: 20 }, (_, index) => `lot-${index}`)
      yield* Effect.forEach(sent, (lot) => given.credit(lot), { concurrency: sent.length, discard: true })
      // The last of the crowd has not heard of it yet.
      assert.isBelow(crowd.at(-1)?.told().length ?? 0, sent.length)
      const late = follower()
      yield* given.hub.follow(late.following(given))
      yield* given.credit("last")
      yield* until(() => late.told().length > 0 && crowd.at(-1)?.told().length === sent.length + 1)
      assert.deepStrictEqual(late.told(), ["last"])
      for (const each of crowd) assert.deepStrictEqual(each.told(), [...sent, "last"])
    })
  )

  it.live("lets a crowd reload that cannot be told as fast as things happen, instead of keeping all of it", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const crowd = Array.from({ length: 5_000 }, () => follower())
      yield* Effect.forEach(crowd, (each) => given.hub.follow(each.following(given)))
      const burst = Array.from({ length: 200 }, () => undefined)
      const isTold = () => crowd.at(-1)?.heard.some((text) => text.startsWith("RELOAD")) === true
      for (let bursts = 0; bursts < 50 && !isTold(); bursts++) {
        yield* Effect.forEach(burst, () => given.credit(), { concurrency: burst.length, discard: true })
      }
      yield* given.credit("last")
      yield* until(() => crowd.at(-1)?.told().at(-1) === "last")
      for (const each of crowd) {
        const reloads = each.heard.filter((text) => text.startsWith("RELOAD"))
        assert.isAtLeast(reloads.length, 1)
        assert.strictEqual(each.told().at(-1), "last")
      }
    })
  )

  it.effect("tells the state as it is after each event", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      yield* given.credit("lot-1")
      const one = follower()
      yield* given.hub.follow(one.following(given))
      yield* Effect.all([given.credit("lot-2"), given.credit("lot-3")], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        one.heard.map((text) => text.split(" ").slice(1, 3).join(" ")),
        ["lot-2 2", "lot-3 3"]
      )
    })
  )

  it.effect(
    "tells who comes back all that it missed and goes on without gap or duplicate, whatever commits meanwhile",
    () =>
      Effect.gen(function* () {
        const given = yield* runner()
        const { credit, hub } = given
        const before = follower()
        const end = yield* hub.follow(before.following(given))
        yield* credit("lot-0")
        end()
        const after = { shard: shardOf(given.contact), offset: offsetOf(before.heard.at(-1)) }
        const missed = Array.from({ length: 1_200 }, (_, index) => `missed-${index}`)
        yield* Effect.forEach(missed, (lot) => credit(lot), { concurrency: 100, discard: true })
        // It reads slowly, a page at a time, and each time something new is committed.
        const meanwhile: Array<string> = []
        const slowly = Effect.suspend(() => {
          const lot = `meanwhile-${meanwhile.length}`
          if (meanwhile.length >= 5) return Effect.void
          meanwhile.push(lot)
          return Effect.asVoid(Effect.orDie(credit(lot)))
        })
        const one = follower(after, slowly)
        yield* hub.follow(one.following(given))
        yield* credit("live")
        assert.deepStrictEqual(one.told().toSorted(), [...missed, ...meanwhile, "live"].toSorted())
        const offsets = one.heard.map(offsetOf)
        assert.deepStrictEqual(
          offsets,
          offsets.toSorted((a, b) => a - b)
        )
        assert.isAbove(meanwhile.length, 2)
      })
  )

  it.effect("reads the journal a few times for a crowd that comes back at once, and tells each what it missed", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const shard = shardOf(given.contact)
      const lots = Array.from({ length: 1_200 }, (_, index) => `lot-${index}`)
      yield* Effect.forEach(lots, (lot) => given.credit(lot), { concurrency: 100, discard: true })
      const all = follower({ shard, offset: 0 })
      yield* given.hub.follow(all.following(given))
      const offsets = all.heard.map(offsetOf)
      const crowd = Array.from({ length: 300 }, (_, index) => {
        const offset = index * 4 + 1
        return { offset, one: follower({ shard, offset }) }
      })
      const readOn = yield* Latch.make(false)
      given.faults.beforeRead = readOn.await
      const before = given.reads()
      const following = yield* Effect.forkChild(
        Effect.forEach(crowd, ({ one }) => given.hub.follow(one.following(given)), { concurrency: "unbounded" })
      )
      yield* until(() => crowd.every(({ one }) => one.at.position !== undefined))
      yield* given.credit("meanwhile")
      yield* readOn.open
      yield* Fiber.join(following)
      yield* given.credit("live")
      yield* until(() => crowd.every(({ one }) => one.told().at(-1) === "live"))
      for (const { offset, one } of crowd) {
        const missed = offsets.filter((each) => each > offset)
        assert.deepStrictEqual(one.heard.map(offsetOf).slice(0, -2), missed)
        assert.deepStrictEqual(one.told().slice(-2), ["meanwhile", "live"])
      }
      assert.isBelow(given.reads() - before, 20)
    })
  )

  it.effect("does not tell one contact of another in the same shard", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const { actors, contact, credit, hub } = given
      let neighbour = 2
      while (shardOf(contactId(neighbour)) !== shardOf(contact)) neighbour += 1
      yield* actors.ask(register(neighbour))
      const start = { shard: shardOf(contact), offset: 0 }
      yield* credit("mine")
      yield* credit("hers", neighbour)
      const one = follower(start)
      yield* hub.follow(one.following(given))
      yield* credit("hers-2", neighbour)
      yield* credit("mine-2")
      assert.deepStrictEqual(one.told(), ["mine", "mine-2"])
    })
  )

  it.live("tells who was away for too long, or comes from elsewhere, to reload, and goes on from there", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const { contact, credit, hub } = given
      const shard = shardOf(contact)
      const toggle = (blocked: boolean) =>
        given.actors.ask({ business: given.business, key: contact, command: { _tag: "ChangeSpendBlock", blocked } })
      while (given.actors.committedOffset(shard) <= LiveHub.resumeEventsMax) {
        const burst = Array.from({ length: 200 }, (_, index) => index % 2 === 0)
        yield* Effect.forEach(burst, toggle, { concurrency: burst.length, discard: true })
      }
      const positions: ReadonlyArray<readonly [Position, RegExp]> = [
        [{ shard, offset: 0 }, /too much has happened/],
        [{ shard, offset: 1_000_000_000 }, /not of this journal/],
        [{ shard: (shard + 1) % 64, offset: 1 }, /another topic/]
      ]
      for (const [after, reason] of positions) {
        const one = follower(after)
        yield* hub.follow(one.following(given))
        assert.match(one.heard[0] ?? "", reason)
        assert.strictEqual(one.at.position?.offset, given.actors.committedOffset(shard))
        yield* credit(`after ${one.heard[0]}`.replaceAll(" ", "-"))
        assert.lengthOf(one.heard, 2)
      }
    })
  )

  it.effect(
    "keeps a bounded number of events for who catches up slowly; beyond it that one has to reload",
    () =>
      Effect.gen(function* () {
        const given = yield* runner()
        const { credit, hub } = given
        yield* credit("first")
        const readOn = yield* Latch.make(false)
        const one = follower({ shard: shardOf(given.contact), offset: 0 }, readOn.await)
        yield* Effect.forkChild(hub.follow(one.following(given)))
        yield* until(() => one.at.position !== undefined)
        yield* Effect.forEach(Array.from({ length: 1_200 }), () => credit(), { concurrency: 100, discard: true })
        yield* readOn.open
        yield* until(() => one.heard.some((text) => text.startsWith("RELOAD")))
        assert.match(one.heard.at(-1) ?? "", /too much happened/)
        assert.strictEqual(one.at.position?.offset, given.actors.committedOffset(shardOf(given.contact)))
        yield* credit("live")
        assert.strictEqual(one.told().at(-1), "live")
      }),
    180_000
  )

  it.effect("refuses by the state at the moment of entering, and leaves nothing behind", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      const one = follower()
      const refused = yield* Effect.flip(given.hub.follow(one.following(given, () => "no")))
      assert.strictEqual(refused, "no")
      assert.deepStrictEqual(given.hub.statistics(), { topics: 0, followers: 0 })
    })
  )

  it.effect("says so when the journal cannot be read, and works again when it can", () =>
    Effect.gen(function* () {
      const given = yield* runner()
      yield* given.credit("first")
      const start = { shard: shardOf(given.contact), offset: 0 }
      given.faults.unreadable = true
      const failing = yield* Effect.flip(given.hub.follow(follower(start).following(given)))
      assert.strictEqual(typeof failing === "string" ? failing : failing._tag, "ActorUnavailable")
      assert.deepStrictEqual(given.hub.statistics(), { topics: 0, followers: 0 })
      given.faults.unreadable = false
      const one = follower(start)
      yield* given.hub.follow(one.following(given))
      assert.deepStrictEqual(one.told(), ["first"])
    })
  )
})

describe("a position", () => {
  it("comes back as it was given out, and nothing else is one", () => {
    const position = { shard: 63, offset: 123_456_789 }
    assert.deepStrictEqual(parsePosition(positionText(position)), position)
    for (const text of ["", "!", "MS4", "LTEuMQ", positionText(position).slice(2)]) {
      assert.isTrue(parsePosition(text) === undefined || /^\d+\.\d+$/.test(Buffer.from(text, "base64url").toString()))
    }
  })
})
