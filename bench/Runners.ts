/**
 * (j) One, two and three runners of `koinon serve --cluster` on one database, with debits spread over their doors in turn,
 * so that most of them arrive at a runner that does not hold the wallet. The database is a new one on `DATABASE_URL`, or
 * an embedded PostgreSQL of the bench's own. Where `koinon serve` knows no `--cluster` there is nothing to measure.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { createServer, type AddressInfo } from "node:net"
import { join } from "node:path"
import * as KoinonProcess from "./KoinonProcess.ts"
import { journalAt, type JournalView } from "./KoinonServer.ts"
import type { LoadAnswers } from "./LoadProcess.ts"
import { BenchFailed, forkPeer } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import { measureRounds, overHttp, type Question } from "./Question.ts"
import { type LoadRow, runnersKey, type Unavailable } from "./Results.ts"
import { commandsEach, debitRequest, faultOf } from "./WalletDebits.ts"
import { seedAt, wallets } from "./World.ts"

/** Shards may take so long to find their place after a runner has come. */
const settleTimeoutMs = 60_000
const settlePauseMs = 500
const settleTrialMs = 500
const refused = /unrecogni[sz]ed flag[^\n]*--cluster/i

interface Outside {
  readonly url: Redacted.Redacted
  /** Where its processes can be seen. */
  readonly postmasterId?: number
}

const failed = (cause: unknown) =>
  new BenchFailed({ message: `the database of the runners: ${cause instanceof Error ? cause.message : String(cause)}` })

/** A database that nobody else has on the server of `DATABASE_URL`; gone with the scope. */
const ownDatabase = Effect.fnUntraced(function* (address: string) {
  const name = `koinon_bench_${process.pid}`
  const query = (text: string) =>
    Effect.scoped(
      Effect.flatMap(
        PgConnection.make({ url: Redacted.make(address), applicationName: "koinon bench" }),
        (connection) => connection.query(text)
      )
    )
  yield* Effect.acquireRelease(Effect.mapError(query(`CREATE DATABASE ${name}`), failed), () =>
    Effect.ignore(query(`DROP DATABASE ${name} WITH (FORCE)`))
  )
  const url = new URL(address)
  url.pathname = `/${name}`
  return { url: Redacted.make(url.toString()) } satisfies Outside
})

const embedded = (dataDirectory: string) =>
  Effect.map(Effect.mapError(PostgresServer.start({ dataDirectory }), failed), (server): Outside => ({
    url: PostgresServer.url(server),
    postmasterId: server.processId
  }))

const freePort = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        server.close(() => resolve(port))
      })
    })
)

/** After a runner has come, requests may be refused for a moment: the run begins when none is any more. */
const settled = (question: Question) =>
  question.run({ durationMs: settleTrialMs }).pipe(
    Effect.retry({ schedule: Schedule.spaced(settlePauseMs) }),
    Effect.timeoutOrElse({
      duration: settleTimeoutMs,
      orElse: () => Effect.fail(new BenchFailed({ message: `${question.name}: the shards never came to rest` }))
    })
  )

const measured = Effect.fnUntraced(function* (plan: Plan, folder: string, say: (text: string) => void) {
  const address = process.env["DATABASE_URL"]
  const outside: Outside = yield* address === undefined ? embedded(join(folder, "outside")) : ownDatabase(address)
  const secrets = KoinonProcess.makeSecrets()
  say("filling the database of the runners")
  yield* seedAt(outside.url, secrets.masterSecret)
  const journal: JournalView = yield* journalAt(outside.url)
  const load = yield* forkPeer<LoadAnswers>("./LoadProcess.ts")
  const runners: Array<KoinonProcess.KoinonProcess> = []
  const rows: Array<LoadRow> = []
  for (let count = 1; count <= plan.runners; count += 1) {
    say(`(j) starting runner ${count}`)
    const runner = yield* KoinonProcess.start({
      ...secrets,
      dataDirectory: join(folder, `runner-${count}`),
      nodeFlags: [],
      databaseUrl: Redacted.value(outside.url),
      runnerPort: yield* freePort
    })
    yield* runner.ready
    runners.push(runner)
    const served = {
      ports: runners.map(({ port }) => port),
      processIds: runners.map(({ processId }) => processId),
      postmasterId: outside.postmasterId,
      journal
    }
    const question = yield* overHttp(
      served,
      load
    )({
      key: runnersKey(count),
      letter: "j",
      name: `HTTP debits, ${count} ${count === 1 ? "runner" : "runners"}`,
      connections: plan.httpConnections * count,
      texts: [debitRequest(secrets.apiKey)],
      among: wallets,
      commandsEach,
      faultOf
    })
    yield* settled(question)
    rows.push(...(yield* measureRounds(plan.shorter, [question], say)))
  }
  return { rows, postgres: journal.settings }
}, Effect.scoped)

/** Below `folder`; everything that was started has ended when it returns. */
export const measureRunners = (plan: Plan, folder: string, say: (text: string) => void) =>
  measured(plan, folder, say).pipe(
    Effect.map((found) => ({ ...found, unavailable: new Array<Unavailable>() })),
    Effect.catchTag("BenchFailed", (failure) => {
      if (!refused.test(failure.message)) return Effect.fail(failure)
      const unavailable: Unavailable = { letter: "j", reason: "this koinon serve does not know --cluster" }
      return Effect.succeed({ rows: new Array<LoadRow>(), postgres: {}, unavailable: [unavailable] })
    })
  )
