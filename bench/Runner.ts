/**
 * The rounds: every measure once in each, one after the other, so that what the machine does meanwhile falls on all of
 * them. Each is warmed up, then driven in a closed loop for its rate, then in an open loop below that rate for its
 * latencies.
 */
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { barsOf } from "./Bars.ts"
import { chart } from "./Chart.ts"
import { measureGrowth } from "./Growth.ts"
import { measureIdleSockets } from "./IdleSockets.ts"
import { debitsPerSecond, subscribers } from "./LivePushes.ts"
import * as Machine from "./Machine.ts"
import { BenchFailed } from "./Peer.ts"
import type { Letter, Plan } from "./Plan.ts"
import { residentMebibytes } from "./Processor.ts"
import { measureRounds } from "./Question.ts"
import { prepare } from "./Questions.ts"
import type { ColdRound, MemoryRound, PushRound, Results } from "./Results.ts"
import { measureSegments } from "./Segments.ts"
import { measureMemberships } from "./Memberships.ts"
import { measureRunners } from "./Runners.ts"

/** (k) asks at an even rate and not as fast as it can: it takes longer until every compiler has seen the code. */
const warmUpFactor = 2

const clearing = { recursive: true, force: true, maxRetries: 5 } as const

/** Nothing below the folder runs any more and the folder is gone, however the run ended. */
const clear = (folder: string) =>
  Effect.gen(function* () {
    for (const name of yield* Effect.promise(() => readdir(folder))) {
      const left = yield* PostgresCluster.postmaster(join(folder, name, "postgres"))
      // Only where its own process was killed: everybody else has stopped his server before.
      if (left !== undefined) yield* Effect.ignore(Effect.try(() => process.kill(left.processId, "SIGQUIT")))
    }
    yield* Effect.promise(() => rm(folder, clearing))
  })

const folderOf = Effect.acquireRelease(Effect.promise(Machine.makeDataFolder), clear)

/** (a) to (g), (k) and (s). What it started has ended when it returns. */
const measureArena = Effect.fnUntraced(function* (plan: Plan, folder: string, say: (text: string) => void) {
  const { questions, direct, server, live, postgres } = yield* prepare(plan, folder, say)
  const cold: Array<ColdRound> = []
  const memory: Array<MemoryRound> = []
  const pushes: Array<PushRound> = []
  const push = Effect.fnUntraced(function* (durationMs: number) {
    if (live === undefined || server === undefined) return []
    const load = { durationMs, ratePerSecond: debitsPerSecond, connections: plan.httpConnections }
    const found = yield* live.ask("push", { port: server.port, apiKey: server.apiKey, ...load })
    return [{ subscribers, debitsPerSecond, ...found }]
  })
  if (live !== undefined) say("warming up · (k) live pushes")
  yield* push(plan.firstWarmUpMs * warmUpFactor)
  const rows = yield* measureRounds(plan, questions, say, (at) =>
    Effect.gen(function* () {
      if (direct !== undefined && plan.only.includes("f")) {
        say(`${at} · (f) cold activation`)
        cold.push(yield* direct.ask("activate", { contacts: plan.coldContacts }))
      }
      if (direct !== undefined && plan.only.includes("g")) {
        say(`${at} · (g) memory of a resident contact`)
        memory.push(yield* direct.ask("reside", { contacts: plan.residentContacts }))
      }
      if (live !== undefined) {
        say(`${at} · (k) live pushes`)
        pushes.push(...(yield* push(plan.tailMs)))
      }
    })
  )
  const serverMebibytes = server === undefined ? undefined : residentMebibytes(server.processId)
  return { rows, cold, memory, pushes, postgres, serverMebibytes }
}, Effect.scoped)

/** Everything that the plan asks for, a part at a time, each with the machine to itself. */
const measureAll = Effect.fnUntraced(function* (plan: Plan, folder: string, say: (text: string) => void) {
  const asks = (...some: ReadonlyArray<Letter>): boolean => some.some((letter) => plan.only.includes(letter))
  const arena = yield* measureArena(plan, folder, say)
  const growth = asks("h", "i") ? yield* measureGrowth(plan, folder, say) : { rows: [], sizes: [], postgres: {} }
  const runners = asks("j") ? yield* measureRunners(plan, folder, say) : { rows: [], unavailable: [], postgres: {} }
  const segments = asks("l") ? yield* measureSegments(plan, folder, say) : []
  const memberships = asks("m") ? yield* measureMemberships(plan, folder, say) : []
  const sockets = asks("n") ? yield* measureIdleSockets(plan, folder, say) : []
  return {
    ...arena,
    segments,
    memberships,
    sockets,
    rows: [...arena.rows, ...growth.rows, ...runners.rows],
    sizes: growth.sizes,
    // One version with one configuration, whoever started it.
    postgres: { ...runners.postgres, ...growth.postgres, ...arena.postgres },
    unavailable: runners.unavailable
  }
})

/** The chart that is kept is that of a whole table; any other is as fleeting as the figures. */
const write = (results: Results, to: URL) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(to, { recursive: true })
      await writeFile(new URL("latest.json", to), `${JSON.stringify(results, undefined, 2)}\n`)
      await writeFile(new URL(results.plan.whole ? "rates.svg" : "latest.svg", to), chart(results))
    },
    catch: (cause) => new BenchFailed({ message: `${to.pathname} cannot be written: ${String(cause)}` })
  })

/** Measures what the plan asks for and writes figures and chart to the folder `to`; everything it started has ended when it returns. */
export const run = Effect.fn("Runner.run")(function* (plan: Plan, to: URL, say: (text: string) => void) {
  const startedAt = yield* Clock.currentTimeMillis
  const folder = yield* folderOf
  const machine = yield* Effect.promise(() => Machine.describe(folder))
  const found = yield* measureAll(plan, folder, say)
  const results: Results = {
    startedAt: DateTime.formatIso(DateTime.makeUnsafe(startedAt)),
    tookSeconds: Math.round(((yield* Clock.currentTimeMillis) - startedAt) / 1000),
    plan,
    machine,
    ...found,
    bars: barsOf(found)
  }
  yield* write(results, to)
  return results
}, Effect.scoped)
