/** Two runners over one database, in this process. A test says on which of them somebody lives, and may stop the first. */
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { eventually } from "./Eventually.ts"
import * as Shop from "./Shop.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { startRunner, type TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]
type Environment = Readonly<Record<string, string>>

export const heldBy = ({ actors }: Server): ReadonlyArray<number> => allShards.filter(actors.holds)

/** Shards move within seconds; a value that is not reached in time fails the test. */
export const until = (what: string, holds: () => boolean) => eventually(what, Effect.sync(holds))

const allHeldOnce = (servers: ReadonlyArray<Server>): boolean =>
  servers.reduce((count, server) => count + heldBy(server).length, 0) === allShards.length

/** All shards are held, and each of the runners has some of them. */
export const shared = (...servers: ReadonlyArray<Server>) =>
  until("all have shards", () => servers.every((server) => heldBy(server).length > 0) && allHeldOnce(servers))

export const holdsAll = (server: Server) => until("it has all", () => heldBy(server).length === allShards.length)

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
