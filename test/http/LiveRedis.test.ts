/**
 * Two runners that hear of each other's commits over Redis, and an app at each: whichever of them is asked, and wherever the
 * contact lives, both apps are told what is committed, once and in order, and what told the runners came through Redis.
 */
import { assert, describe, it } from "@effect/vitest"
import { shardOf } from "#runtime/actor/Placement.ts"
import { headsIn } from "#runtime/live/Heads.ts"
import * as Effect from "effect/Effect"
import { Redis } from "ioredis"
import { eventually } from "../support/Eventually.ts"
import { connectAs, follow, type LiveClient } from "../support/LiveClient.ts"
import * as Shop from "../support/Shop.ts"
import { answers, notTested, redisUrl } from "../support/TestRedis.ts"
import { personOn, twoRunners } from "../support/TwoRunners.ts"

const credits = 20

/** All that runners say to each other through this Redis, also those of others. */
const overheard = Effect.gen(function* () {
  const redis = yield* Effect.acquireRelease(
    Effect.sync(() => new Redis(redisUrl)),
    (client) => Effect.sync(() => client.disconnect())
  )
  const messages: Array<string> = []
  redis.on("message", (_channel: string, message: string) => void messages.push(message))
  yield* Effect.promise(() => redis.subscribe("koinon:heads"))
  return messages
})

const amounts = (app: LiveClient, topic: string) =>
  app
    .events()
    .flatMap((told) => (told.topic === topic && told.event.type === "wallet.credited" ? [told.event.amount] : []))

describe.skipIf(!answers)("apps at two runners with one Redis", () => {
  it.live("are told of a contact of either runner, whichever of them is asked, once and in order", () =>
    Effect.gen(function* () {
      const messages = yield* overheard
      const { first, second } = yield* twoRunners({ REDIS_URL: redisUrl })
      const people = [yield* personOn(first, second), yield* personOn(second, first)]
      const apps = yield* Effect.forEach([first, second], ({ url, apiKey }) => connectAs(url, { api_key: apiKey }))
      const topics = people.map(({ id }) => `wallet/${id}`)
      for (const app of apps) for (const topic of topics) yield* follow(app, topic)
      for (let nth = 1; nth <= credits; nth++) {
        for (const who of people) yield* Shop.credit(nth % 2 === 0 ? first : second, who, nth)
      }
      const wanted = Array.from({ length: credits }, (_, index) => index + 1)
      for (const app of apps) {
        yield* app.until(() => topics.every((topic) => amounts(app, topic).length >= credits))
        for (const topic of topics) assert.deepStrictEqual(amounts(app, topic), wanted)
      }
      // Each runner has told the other of its own, under its own name: the last may be heard here after the apps have heard it.
      for (const [index, { actors }] of [first, second].entries()) {
        const shard = shardOf(people[index]?.id ?? "")
        const heads = () =>
          messages
            .filter((message) => message.startsWith(`${actors.runner} `))
            .flatMap((message) => headsIn(message, "an app"))
            .flatMap(([of, offset]) => (of === shard ? [offset] : []))
        yield* eventually(
          `the head of shard ${shard} over Redis`,
          Effect.sync(() => Math.max(...heads()) === actors.committedOffset(shard))
        )
      }
    }).pipe(Effect.scoped)
  )
})
if (!answers) notTested("whether apps at two runners are told through it")
