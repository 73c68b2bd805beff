/**
 * The questions with what answers them, started in the scope that asks: which process is measured, which PostgreSQL works
 * for it, and how a load is put on it.
 */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { type BareHttpAnswers, bareRequests } from "./BareHttp.ts"
import type { DirectAnswers } from "./DirectProcess.ts"
import { commandsInFlight } from "./DurableCommands.ts"
import * as KoinonServer from "./KoinonServer.ts"
import type { LoadAnswers } from "./LoadProcess.ts"
import type { Load, Observation } from "./Loop.ts"
import { BenchFailed, forkPeer, type Peer } from "./Peer.ts"
import type { Letter, Plan } from "./Plan.ts"
import type { Batches, LoadKey } from "./Results.ts"
import type { Spread } from "./RowLocks.ts"
import * as SharedPurchases from "./SharedPurchases.ts"
import type { StockAnswers } from "./StockEntities.ts"
import * as WalletDebits from "./WalletDebits.ts"

export interface Question {
  readonly key: LoadKey
  readonly letter: Letter
  readonly name: string
  readonly processId: number
  readonly postmasterId?: number
  readonly run: (load: Load) => Effect.Effect<Observation & { readonly batches?: Batches }, BenchFailed>
}

const created = 201
const spreads: ReadonlyArray<readonly [Spread, string]> = [
  ["spread", "1,000 wallets"],
  ["hot", "one wallet"]
]

const bareHttp = Effect.fnUntraced(function* (plan: Plan, load: Peer<LoadAnswers>) {
  const bare = yield* forkPeer<BareHttpAnswers>("./BareHttp.ts")
  const port = yield* bare.ask("listen", undefined)
  yield* load.ask("prepare", { name: "a", port, texts: bareRequests, status: created })
  const question: Question = {
    key: "a",
    letter: "a",
    name: `bare node:http, JSON POST, ${plan.httpConnections} connections`,
    processId: bare.processId,
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
      processId: direct.processId,
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
      processId: stock.processId,
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
    processId: direct.processId,
    postmasterId,
    run: (each) => direct.ask("debitWallets", { spread, ...each })
  }))

interface OverHttp {
  readonly key: LoadKey
  readonly letter: Letter
  readonly name: string
  readonly texts: ReadonlyArray<string>
  readonly commandsEach: number
  readonly faultOf: (body: string) => string | undefined
}

/** Answers are believed only as far as the journal bears them out: every request must have left its commands there. */
const overHttp = (plan: Plan, server: KoinonServer.KoinonServer, load: Peer<LoadAnswers>) =>
  Effect.fnUntraced(function* ({ key, letter, name, texts, commandsEach, faultOf }: OverHttp) {
    yield* load.ask("prepare", { name: key, port: server.port, texts, status: created })
    const question: Question = {
      key,
      letter,
      name: `${name}, ${plan.httpConnections} connections`,
      processId: server.processId,
      postmasterId: server.postmasterId,
      run: Effect.fnUntraced(function* (each) {
        const from = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const observation = yield* Effect.mapError(
          load.ask("run", { name: key, connections: plan.httpConnections, ...each }),
          ({ message }) => new BenchFailed({ message: `${name}: ${message}` })
        )
        const batches = yield* server.batchesSince(from)
        const fault = faultOf(observation.lastBody)
        if (fault !== undefined) return yield* new BenchFailed({ message: `${name}: ${fault}` })
        if (batches.commands < observation.answered * commandsEach) {
          const message = `${name}: ${observation.answered} answers, but the journal holds ${batches.commands} commands`
          return yield* new BenchFailed({ message })
        }
        return { ...observation, batches }
      })
    }
    return question
  })

export interface Arena {
  readonly questions: ReadonlyArray<Question>
  readonly direct: Peer<DirectAnswers> | undefined
  readonly server: KoinonServer.KoinonServer | undefined
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
  if (wants("d", "e")) {
    say("filling a data directory and starting koinon serve on it")
    server = yield* KoinonServer.start(join(folder, "served"), nodeFlags)
    if (direct === undefined) postgres = server.settings
    const ask = overHttp(plan, server, load)
    if (wants("d")) {
      for (const [spread, wallets] of spreads) {
        const name = `HTTP wallet debits, ${wallets}`
        const { commandsEach, faultOf } = WalletDebits
        const texts = WalletDebits.debitRequests(server, spread)
        questions.push(yield* ask({ key: `d.${spread}`, letter: "d", name, texts, commandsEach, faultOf }))
      }
    }
    if (wants("e")) {
      const { commandsEach, faultOf } = SharedPurchases
      const texts = SharedPurchases.purchaseRequests(server)
      questions.push(yield* ask({ key: "e", letter: "e", name: "HTTP shared purchases", texts, commandsEach, faultOf }))
    }
  }
  return { questions, direct, server, postgres } satisfies Arena
})
