/** Two runners over one database, in this process. A test says on which of them somebody lives, and may stop the first. */
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { eventually } from "./Eventually.ts"
import * as Shop from "./Shop.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { type Response, startRunner, type TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]
type Environment = Readonly<Record<string, string>>

export const heldBy = ({ actors }: Server): ReadonlyArray<number> => allShards.filter(actors.holds)

/** Shards move within seconds; a value that is not reached in time fails the test. */
export const until = (what: string, holds: () => boolean) => eventually(what, Effect.sync(holds))

/** Both have the half that they keep: with less of it, shards are still on their way. */
export const shared = (...servers: readonly [Server, Server]) =>
  until("each has its half", () => servers.every((server) => heldBy(server).length === allShards.length / 2))

export const holdsAll = (server: Server) => until("it has all", () => heldBy(server).length === allShards.length)

const isOnItsWay = ({ body, status }: Response): boolean =>
  status === 503 || (status === 202 && body.state === "RUNNING") || body?.error === "KOINON.STILL_RUNNING"

/**
 * That runner as a client uses it who minds no shard on its way between runners: it asks again, under the same key, until
 * there is an answer.
 */
export const persistently = (server: Server): Server => {
  const request: Server["request"] = (method, path, body, headers) => {
    const key = method === "GET" ? {} : { "idempotency-key": randomUUID() }
    return eventually(
      `${method} ${path} is answered`,
      Effect.map(
        server.request(method, path, body, { ...key, ...headers }),
        (response) => !isOnItsWay(response) && response
      )
    )
  }
  return {
    ...server,
    request,
    requestAs: (token, method, path, body) =>
      request(method, path, body, { api_key: undefined, authorization: `Bearer ${token}` })
  }
}

/** Two in this process. The first can be stopped, which hands over what it holds. */
export const twoRunners = (environment: Environment = {}) =>
  Effect.gen(function* () {
    const database = yield* TestDatabase.create
    const scope = yield* Effect.acquireRelease(Scope.make(), (each) => Scope.close(each, Exit.void))
    const first = yield* Scope.provide(startRunner(database, environment), scope)
    const second = yield* startRunner(database, environment)
    yield* shared(first, second)
    return { database, first, second, stopFirst: Scope.close(scope, Exit.void) }
  })

/** Somebody whose actor is on that runner. */
export const personOn = Effect.fnUntraced(function* (
  server: Server,
  through: Server,
  fields: Readonly<Record<string, unknown>> = {}
) {
  for (;;) {
    const someone = yield* Shop.person(through, fields)
    if (server.actors.holds(shardOf(someone.id))) return someone
  }
})

/** The runner that holds the business, and the one that does not. */
export const ofBusiness = (first: Server, second: Server): readonly [home: Server, away: Server] =>
  first.actors.holds(shardOf(first.businessId)) ? [first, second] : [second, first]
