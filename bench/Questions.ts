/**
 * The questions (a) to (g), (k) and (s) with what answers them, started in the scope that asks: which process is measured,
 * which PostgreSQL works for it, and how a load is put on it.
 */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { type BareHttpAnswers, bareRequests } from "./BareHttp.ts"
import type { DirectAnswers } from "./DirectProcess.ts"
import { commandsInFlight } from "./DurableCommands.ts"
import { makeSecrets } from "./KoinonProcess.ts"
import * as KoinonServer from "./KoinonServer.ts"
import type { LiveAnswers } from "./LivePushes.ts"
import type { LoadAnswers } from "./LoadProcess.ts"
import { forkPeer, type Peer } from "./Peer.ts"
import type { Letter, Plan } from "./Plan.ts"
import { overHttp, type Question } from "./Question.ts"
import type { Spread } from "./RowLocks.ts"
import * as SharedPurchases from "./SharedPurchases.ts"
import type { StockAnswers } from "./StockEntities.ts"
import * as WalletDebits from "./WalletDebits.ts"
import { seed, wallets } from "./World.ts"

const spreads: ReadonlyArray<readonly [Spread, string]> = [
  ["spread", "1,000 wallets"],
  ["hot", "one wallet"]
]

const bareHttp = Effect.fnUntraced(function* (plan: Plan, load: Peer<LoadAnswers>) {
  const bare = yield* forkPeer<BareHttpAnswers>("./BareHttp.ts")
  const port = yield* bare.ask("listen", undefined)
  yield* load.ask("prepare", { name: "a", ports: [port], texts: bareRequests, status: 201 })
  const question: Question = {
    key: "a",
    letter: "a",
    name: `bare node:http, JSON POST, ${plan.httpConnections} connections`,
    processIds: [bare.processId],
    run: (each) => load.ask("run", { name: "a", connections: plan.httpConnections, ...each })
  }
  return [question]
})

const rowLocks = Effect.fnUntraced(function* (plan: Plan, direct: Peer<DirectAnswers>, postmasterId: number) {
  const questions: Array<Question> = []
  for (const [spread, wallets] of spreads) {
    const connections = yield* direct.ask("connectionsFor", { spread, durationMs: plan.poolTrialMs })
    questions.push({
      key: `b.${spread}`,
      letter: "b",
      name: `PL/pgSQL row lock, ${wallets}, pool of ${connections}`,
      processIds: [direct.processId],
      postmasterId,
      run: (each) => direct.ask("debitRows", { spread, connections, ...each })
    })
  }
  return questions
})

const stockEntities = Effect.fnUntraced(function* (plan: Plan, url: string, postmasterId: number) {
  const stock = yield* forkPeer<StockAnswers>("./StockEntities.ts", { words: [url] })
  const questions: Array<Question> = []
  for (const [spread, wallets] of spreads) {
    const inFlight = yield* stock.ask("inFlightFor", { spread, durationMs: plan.poolTrialMs })
    questions.push({
      key: `s.${spread}`,
      letter: "s",
      name: `stock persisted entities, ${wallets}, ${inFlight} in flight`,
      processIds: [stock.processId],
      postmasterId,
      run: (each) => stock.ask("debitEntities", { spread, inFlight, ...each })
    })
  }
  return questions
})

const durableCommands = (direct: Peer<DirectAnswers>, postmasterId: number): ReadonlyArray<Question> =>
  spreads.map(([spread, wallets]) => ({
    key: `c.${spread}`,
    letter: "c",
    name: `durable commands, ${wallets}, ${commandsInFlight} in flight`,
    processIds: [direct.processId],
    postmasterId,
    run: (each) => direct.ask("debitWallets", { spread, ...each })
  }))

export interface Arena {
  readonly questions: ReadonlyArray<Question>
  readonly direct: Peer<DirectAnswers> | undefined
  readonly server: KoinonServer.KoinonServer | undefined
  readonly live: Peer<LiveAnswers> | undefined
  /** Settings of the database that was measured. */
  readonly postgres: Readonly<Record<string, string>>
}

/** Starts what the plan needs, below `folder`. */
export const prepare = Effect.fnUntraced(function* (plan: Plan, folder: string, say: (text: string) => void) {
  const wants = (...some: ReadonlyArray<Letter>): boolean => some.some((letter) => plan.only.includes(letter))
  const nodeFlags = plan.profile ? ["--cpu-prof", "--cpu-prof-dir=.koinon/profiles"] : []
  const questions: Array<Question> = []
  const load = yield* forkPeer<LoadAnswers>("./LoadProcess.ts")
  let direct: Peer<DirectAnswers> | undefined
  let server: KoinonServer.KoinonServer | undefined
  const live = wants("k") ? yield* forkPeer<LiveAnswers>("./LivePushes.ts") : undefined
  let postgres: Readonly<Record<string, string>> = {}

  if (wants("a")) questions.push(...(yield* bareHttp(plan, load)))
  if (wants("b", "s", "c", "f", "g")) {
    say("starting the runtime on an embedded PostgreSQL of its own")
    const words = [join(folder, "direct")]
    direct = yield* forkPeer<DirectAnswers>("./DirectProcess.ts", { words, nodeFlags: ["--expose-gc", ...nodeFlags] })
    const found = yield* direct.ask("postgres", undefined)
    postgres = found.settings
    say("registering contacts")
    yield* direct.ask("seed", { residents: wants("f", "g") ? plan.residentContacts : 0 })
    if (wants("b")) {
      say("finding the better pool for (b)")
      questions.push(...(yield* rowLocks(plan, direct, found.processId)))
    }
    if (wants("s")) {
      say("starting the entities of (s)")
      questions.push(...(yield* stockEntities(plan, found.url, found.processId)))
    }
    if (wants("c")) questions.push(...durableCommands(direct, found.processId))
  }
  if (wants("d", "e", "k")) {
    say("filling a data directory and starting koinon serve on it")
    const launch = { ...makeSecrets(), dataDirectory: join(folder, "served"), nodeFlags }
    yield* seed(launch.dataDirectory, launch.masterSecret)
    const started = yield* KoinonServer.start(launch)
    server = started
    if (direct === undefined) postgres = started.settings
    const { processId, postmasterId, port } = started
    const ask = overHttp({ ports: [port], processIds: [processId], postmasterId, journal: started }, load)
    const connections = plan.httpConnections
    if (wants("d")) {
      const { commandsEach, faultOf, debitRequest } = WalletDebits
      const texts = [debitRequest(started.apiKey)]
      for (const [spread, name] of spreads) {
        const among = spread === "hot" ? 1 : wallets
        const title = `HTTP wallet debits, ${name}`
        questions.push(
          yield* ask({ key: `d.${spread}`, letter: "d", name: title, connections, texts, among, commandsEach, faultOf })
        )
      }
    }
    if (wants("e")) {
      const { commandsEach, faultOf } = SharedPurchases
      const texts = SharedPurchases.purchaseRequests(started)
      const name = "HTTP shared purchases"
      questions.push(yield* ask({ key: "e", letter: "e", name, connections, texts, commandsEach, faultOf }))
    }
  }
  return { questions, direct, server, live, postgres } satisfies Arena
})
