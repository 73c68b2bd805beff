/**
 * (h) and (i): what a journal costs that is large. Journals of several sizes stand side by side, and every round goes
 * through all of them, so that what the machine does meanwhile falls on all sizes alike. First without a door, then, with
 * the views caught up, started as `koinon serve` and asked over HTTP.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { commandsInFlight } from "./DurableCommands.ts"
import type { GrowthAnswers } from "./GrowthProcess.ts"
import { type Launch, makeSecrets } from "./KoinonProcess.ts"
import * as KoinonServer from "./KoinonServer.ts"
import type { LoadAnswers } from "./LoadProcess.ts"
import { forkPeer, type Peer } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import { measureRounds, overHttp, type Question } from "./Question.ts"
import { growthKey, type GrowthDraw, type JournalSize, type LoadRow } from "./Results.ts"
import { commandsEach, debitRequest, faultOf } from "./WalletDebits.ts"
import { wallets } from "./World.ts"

/** Beyond it a run of seconds meets every contact once or never, and measures cold activation: that is (f). */
const drawnFromAllMax = 100_000
/** The views may take so long to read a journal, at least and for each contact. */
const followMinMs = 30_000
const followMsEach = 5

const counted = (contacts: number): string => contacts.toLocaleString("en-US")
const drawsOf = (contacts: number): ReadonlyArray<readonly [GrowthDraw, number, string]> => [
  ["set", Math.min(wallets, contacts), `${counted(Math.min(wallets, contacts))} wallets of ${counted(contacts)}`],
  ...(contacts > wallets && contacts <= drawnFromAllMax
    ? [["all", contacts, `any of ${counted(contacts)} wallets`] as const]
    : [])
]

interface Ground {
  readonly plan: Plan
  readonly say: (text: string) => void
  readonly launchOf: (contacts: number) => Launch
}

const fill = Effect.fnUntraced(function* (growth: Peer<GrowthAnswers>, contacts: number) {
  // The first ones are for the compiler.
  const first = Math.min(wallets, contacts)
  yield* growth.ask("fill", { from: 0, contacts: first })
  const rest = contacts - first
  const seconds = rest === 0 ? undefined : yield* growth.ask("fill", { from: first, contacts: rest })
  yield* growth.ask("settle", undefined)
  return seconds === undefined ? undefined : rest / seconds
})

/** Fills the journals; debits without a door where that was asked for. */
const withoutDoors = Effect.fnUntraced(function* ({ plan, say, launchOf }: Ground) {
  const questions: Array<Question> = []
  const written = new Map<number, number | undefined>()
  for (const contacts of plan.growth) {
    say(`writing ${counted(contacts)} contacts`)
    const { dataDirectory, masterSecret } = launchOf(contacts)
    const growth = yield* forkPeer<GrowthAnswers>("./GrowthProcess.ts", { words: [dataDirectory, masterSecret] })
    written.set(contacts, yield* fill(growth, contacts))
    const postmasterId = yield* growth.ask("postmasterId", undefined)
    for (const [draw, among, name] of drawsOf(contacts)) {
      questions.push({
        key: growthKey("commands", draw, contacts),
        letter: "h",
        name: `durable commands, ${name}, ${commandsInFlight} in flight`,
        processIds: [growth.processId],
        postmasterId,
        run: (each) => growth.ask("debit", { among, cold: draw === "all", ...each })
      })
    }
  }
  const rows = plan.only.includes("h") ? yield* measureRounds(plan.shorter, questions, say) : []
  return { rows, written }
}, Effect.scoped)

/** How many contacts a second the views read that have read none yet. */
const catchUp = Effect.fnUntraced(function* (launch: Launch, contacts: number) {
  const server = yield* KoinonServer.start(launch)
  const startedAt = yield* Clock.currentTimeMillis
  yield* server.followed(followMinMs + contacts * followMsEach)
  const tookMs = (yield* Clock.currentTimeMillis) - startedAt
  return {
    settings: server.settings,
    followedPerSecond: contacts > wallets ? (contacts * 1000) / Math.max(1, tookMs) : undefined
  }
}, Effect.scoped)

const startOnce = Effect.fnUntraced(function* (launch: Launch) {
  const server = yield* KoinonServer.start(launch)
  return yield* server.ready
}, Effect.scoped)

const throughDoors = Effect.fnUntraced(function* ({ plan, say, launchOf }: Ground, load: Peer<LoadAnswers>) {
  const questions: Array<Question> = []
  for (const contacts of plan.growth) {
    const launch = launchOf(contacts)
    const server = yield* KoinonServer.start(launch)
    yield* server.ready
    const { port, processId, postmasterId } = server
    const ask = overHttp({ ports: [port], processIds: [processId], postmasterId, journal: server }, load)
    for (const [draw, among, name] of drawsOf(contacts)) {
      questions.push(
        yield* ask({
          key: growthKey("http", draw, contacts),
          letter: "h",
          name: `HTTP debits, ${name}`,
          connections: plan.httpConnections,
          texts: [debitRequest(launch.apiKey)],
          among,
          commandsEach,
          faultOf
        })
      )
    }
  }
  return yield* measureRounds(plan.shorter, questions, say)
}, Effect.scoped)

/** Below `folder`; everything that was started has ended when it returns. */
export const measureGrowth = Effect.fn("Growth.measureGrowth")(function* (
  plan: Plan,
  folder: string,
  say: (text: string) => void
) {
  const secrets = makeSecrets()
  const ground: Ground = {
    plan,
    say,
    launchOf: (contacts) => ({ ...secrets, dataDirectory: join(folder, `growth-${contacts}`), nodeFlags: [] })
  }
  const { rows, written } = yield* withoutDoors(ground)
  const sizes: Array<JournalSize> = []
  let postgres: Readonly<Record<string, string>> = {}
  for (const contacts of plan.growth) {
    say(`(i) the views read ${counted(contacts)} contacts`)
    const launch = ground.launchOf(contacts)
    const { settings, followedPerSecond } = yield* catchUp(launch, contacts)
    postgres = settings
    const startMs: Array<number> = []
    for (let index = 0; plan.only.includes("i") && index < plan.shorter.rounds; index += 1) {
      say(`(i) start ${index + 1} of ${plan.shorter.rounds} with ${counted(contacts)} contacts`)
      startMs.push(yield* startOnce(launch))
    }
    sizes.push({ contacts, writtenPerSecond: written.get(contacts), followedPerSecond, startMs })
  }
  if (!plan.only.includes("h")) return { rows, sizes, postgres }
  const load = yield* forkPeer<LoadAnswers>("./LoadProcess.ts")
  const served: ReadonlyArray<LoadRow> = yield* throughDoors(ground, load)
  return { rows: [...rows, ...served], sizes, postgres }
}, Effect.scoped)
