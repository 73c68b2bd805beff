/**
 * How runners hear of each other's commits, over the database's notifications and over Redis: the same contract for both.
 * Two runners with journals of their own in memory; the way between them is real.
 */
import { assert, describe, it } from "@effect/vitest"
import { Actors } from "#runtime/actor/Actors.ts"
import * as ActorsLayer from "#runtime/actor/Actors.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import * as Heads from "#runtime/live/Heads.ts"
import * as HeadsPostgres from "#runtime/storage/HeadsPostgres.ts"
import * as HeadsRedis from "#runtime/storage/HeadsRedis.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Scope } from "effect/Scope"
import { Redis } from "ioredis"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { answers, notTested, redisUrl } from "../support/TestRedis.ts"
import { connect } from "./FaultyJournal.ts"
import { businessId, contactId, openBusiness, register } from "./SampleCommands.ts"

const until = (what: string, holds: () => boolean) => eventually(what, Effect.sync(holds))

type Channel = Effect.Effect<Heads.HeadChannel, never, Scope>

const runner = Effect.fnUntraced(function* (channel: Channel) {
  const journal = Layer.succeed(Journal, connect(JournalMemory.emptyStore()).journal)
  const sealer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))
  const layer = Heads.layer(channel).pipe(
    Layer.provideMerge(ActorsLayer.layer),
    Layer.provide(Layer.merge(journal, sealer))
  )
  const context = yield* Layer.build(layer)
  const heads = Context.get(context, Heads.Heads)
  const moved: Array<readonly [number, number]> = []
  heads.onMoved((shard, offset) => void moved.push([shard, offset]))
  const asked: Array<string> = []
  heads.onAsked((view) => void asked.push(view))
  return { actors: Context.get(context, Actors), heads, moved, asked }
})

type Runner = Effect.Success<ReturnType<typeof runner>>

const greeting = "greeting"

/** Two, once each hears what the other says: a connection to say it through may come later than the one to hear through. */
const acquainted = Effect.fnUntraced(function* (channel: Channel) {
  const [here, there] = [yield* runner(channel), yield* runner(channel)]
  yield* until("both hear", () => here.heads.areHeard() && there.heads.areHeard())
  yield* until("each hears the other", () => {
    for (const { heads } of [here, there]) heads.askFor(greeting)
    return here.asked.length > 0 && there.asked.length > 0
  })
  return { here, there }
})

const views = ({ asked }: Runner) => asked.filter((view) => view !== greeting)

interface Way {
  readonly channel: Channel
  /** Ends the connections that listen. */
  readonly cut: Effect.Effect<unknown, unknown>
}

const contract = (name: string, way: Effect.Effect<Way, unknown, Scope>, isThere: boolean): void => {
  describe.skipIf(!isThere)(`runners that hear each other over ${name}`, () => {
    it.live("are told how far a shard has got, and not of what they did themselves", () =>
      Effect.gen(function* () {
        const { channel } = yield* way
        const { here, there } = yield* acquainted(channel)
        yield* here.actors.ask(openBusiness())
        yield* here.actors.ask(register(1))
        const [business, contact] = [shardOf(businessId), shardOf(contactId(1))]
        const isTold = (shard: number): boolean =>
          there.moved.some(([moved, offset]) => moved === shard && offset === here.actors.committedOffset(shard))
        yield* until("the other is told of both", () => isTold(business) && isTold(contact))
        assert.deepStrictEqual(here.moved, [])
      }).pipe(Effect.scoped)
    )

    it.live("are told which view the other waits for, and not which they wait for themselves", () =>
      Effect.gen(function* () {
        const { channel } = yield* way
        const { here, there } = yield* acquainted(channel)
        here.heads.askFor("contact_directory")
        here.heads.askFor("live_segments")
        there.heads.askFor("catalogue")
        yield* until("both are told", () => views(there).length >= 2 && views(here).length >= 1)
        assert.deepStrictEqual([views(there), views(here)], [["contact_directory", "live_segments"], ["catalogue"]])
        assert.deepStrictEqual([there.moved, here.moved], [[], []])
      }).pipe(Effect.scoped)
    )

    it.live("know when they cannot hear, and hear again", () =>
      Effect.gen(function* () {
        const { channel, cut } = yield* way
        const { here, there } = yield* acquainted(channel)
        yield* cut
        yield* until("the silence is noticed", () => !there.heads.areHeard())
        yield* until("it hears again", there.heads.areHeard)
        yield* here.actors.ask(openBusiness())
        let number = 0
        yield* Effect.whileLoop({
          while: () => there.moved.length === 0,
          body: () => here.actors.ask(register((number += 1))),
          step: () => undefined
        })
        assert.isNotEmpty(there.moved)
      }).pipe(Effect.scoped)
    )
  })
}

const overDatabase: Effect.Effect<Way, unknown, Scope> = Effect.gen(function* () {
  const database = yield* TestDatabase.create
  const client = PgClient.layer(database)
  const sql = Context.get(yield* Layer.build(client), PgClient.PgClient)
  return {
    channel: Effect.flatMap(Layer.build(client).pipe(Effect.orDie), (context) =>
      Effect.provideContext(HeadsPostgres.channel, context)
    ),
    cut: sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE 'LISTEN%'`
  }
})

const overRedis: Effect.Effect<Way, unknown, Scope> = Effect.gen(function* () {
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => new Redis(redisUrl)),
    (client) => Effect.sync(() => client.disconnect())
  )
  // Others use the same Redis: neither are they heard here, nor is any connection of theirs ended.
  const name = `koinon:test:${randomUUID()}`
  return {
    channel: HeadsRedis.channel(redisUrl, name),
    cut: Effect.promise(async () => {
      const clients = String(await redis.call("CLIENT", "LIST", "TYPE", "pubsub")).split("\n")
      for (const client of clients) {
        const id = / name=(\S+) /.exec(client)?.[1] === `${name}:heard` ? /^id=(\d+) /.exec(client)?.[1] : undefined
        if (id !== undefined) await redis.client("KILL", "ID", Number(id))
      }
    })
  }
})

contract("the database's notifications", overDatabase, true)
contract("Redis", overRedis, answers)
if (!answers) notTested("how runners hear of each other's commits through it")

describe("a message between runners", () => {
  it("that is not understood says nothing, and one's own neither", () => {
    assert.deepStrictEqual(Heads.headsIn("a 1:20 63:7", "b"), [
      [1, 20],
      [63, 7]
    ])
    assert.deepStrictEqual(Heads.headsIn("a 1:20", "a"), [])
    assert.deepStrictEqual(Heads.headsIn("a 64:1 x 1 :3 2:x 3:-1", "b"), [])
    assert.deepStrictEqual(Heads.headsIn("", "b"), [])
    assert.deepStrictEqual(Heads.viewsIn("a 1:20 ?live_segments", "b"), ["live_segments"])
    assert.deepStrictEqual(Heads.viewsIn("a 1:20 ?live_segments", "a"), [])
    assert.deepStrictEqual(Heads.viewsIn("a ? ?- live_segments ??x", "b"), [])
  })
})
