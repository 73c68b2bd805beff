/**
 * A runner that stays, in this process, and one that leaves it everything: it is stopped, or lives in a process of its own
 * that is killed. What the leaving one holds is what the staying one does not.
 */
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ServeProcess } from "../chaos/ServeProcess.ts"
import { eventually } from "./Eventually.ts"
import * as Shop from "./Shop.ts"
import * as TestDatabase from "./TestDatabase.ts"
import { bootstrapApiKey, freePort, masterSecret, startRunner, type TestServer } from "./TestServer.ts"
import { heldBy, holdsAll, twoRunners, until } from "./TwoRunners.ts"

type Server = TestServer["Service"]
type Environment = Readonly<Record<string, string>>

export type Leaving = "STOPPED" | "KILLED"

const stopped = (environment: Environment) =>
  Effect.map(twoRunners(environment), ({ database, second, stopFirst }) => ({
    database,
    staying: second,
    leave: stopFirst
  }))

const killed = Effect.fnUntraced(function* (environment: Environment) {
  const database = yield* TestDatabase.create
  const staying = yield* startRunner(database, environment)
  yield* holdsAll(staying)
  const dataDirectory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "koinon-leaving-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const leaving = new ServeProcess({
    environment: {
      PORT: "0",
      KOINON_RUNNER_PORT: String(yield* freePort),
      DATABASE_URL: Redacted.value(database.url),
      KOINON_DATA_DIR: dataDirectory,
      KOINON_BOOTSTRAP_API_KEY: bootstrapApiKey,
      KOINON_MASTER_SECRET: masterSecret,
      ...environment
    },
    flags: ["--cluster"]
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => leaving.start()),
    () => Effect.promise(() => leaving.kill())
  )
  yield* until("each has its half", () => heldBy(staying).length === allShards.length / 2)
  return { database, staying, leave: Effect.promise(() => leaving.kill()) }
})

/** Both, and what makes the one leave: it returns when that is gone, and what it held may still be on its way. */
export const leavingRunner = (how: Leaving, environment: Environment = {}) =>
  how === "STOPPED" ? stopped(environment) : killed(environment)

/** The staying one as a business sees it that the leaving one holds. */
export const businessElsewhere = Effect.fnUntraced(function* (server: Server) {
  for (;;) {
    const { id, secretKey } = yield* Shop.otherBusiness(server)
    if (server.actors.holds(shardOf(id))) continue
    // Opened elsewhere, it is heard of here a moment later.
    const known = Effect.map(
      server.request("GET", "/backoffice/v2/contacts?size=1", undefined, { api_key: secretKey }),
      ({ status }) => status === 200
    )
    yield* eventually("its key is known here", known)
    return {
      ...server,
      businessId: id,
      apiKey: secretKey,
      request: (method, path, body, headers) => server.request(method, path, body, { api_key: secretKey, ...headers })
    } satisfies Server
  }
})
