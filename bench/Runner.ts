/**
 * The rounds: every measure once in each, one after the other, so that what the machine does meanwhile falls on all of
 * them. Each is warmed up, then driven in a closed loop for its rate, then in an open loop below that rate for its
 * latencies.
 */
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { barsOf } from "./Bars.ts"
import type { Observation } from "./Loop.ts"
import * as Machine from "./Machine.ts"
import { BenchFailed } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import { postgresSeconds, processSeconds, residentMebibytes } from "./Processor.ts"
import { type Arena, prepare, type Question } from "./Questions.ts"
import type { ColdRound, MemoryRound, Results, Round } from "./Results.ts"

const clearing = { recursive: true, force: true, maxRetries: 5 } as const

/** Nothing below the folder runs any more and the folder is gone, however the run ended. */
const clear = (folder: string) =>
  Effect.gen(function* () {
    for (const name of ["direct", "served"]) {
      const left = yield* PostgresCluster.postmaster(join(folder, name, "postgres"))
      // Only where its own process was killed: everybody else has stopped his server before.
      if (left !== undefined) yield* Effect.ignore(Effect.try(() => process.kill(left.processId, "SIGQUIT")))
    }
    yield* Effect.promise(() => rm(folder, clearing))
  })

const folderOf = Effect.acquireRelease(Effect.promise(Machine.makeDataFolder), clear)

const spent = ({ processId, postmasterId }: Question) => ({
  node: processSeconds(processId),
  postgres: postmasterId === undefined ? undefined : postgresSeconds(postmasterId)
})
const difference = (after: number | undefined, before: number | undefined): number | undefined =>
  after === undefined || before === undefined ? undefined : after - before

/** Without what came along only to be checked. */
const bare = ({ completed, ratePerSecond, answered, p50Ms, p99Ms, maxMs }: Observation): Observation => ({
  completed,
  ratePerSecond,
  answered,
  p50Ms,
  p99Ms,
  maxMs
})

const measure = Effect.fnUntraced(function* (plan: Plan, question: Question) {
  yield* question.run({ durationMs: plan.warmUpMs })
  const before = spent(question)
  const { batches, ...whole } = yield* question.run({ durationMs: plan.closedMs })
  const after = spent(question)
  const closed = bare(whole)
  const offeredPerSecond = closed.ratePerSecond * plan.openShare
  const open = bare(yield* question.run({ durationMs: plan.openMs, ratePerSecond: offeredPerSecond }))
  return {
    closed,
    open,
    offeredPerSecond,
    nodeSeconds: difference(after.node, before.node),
    postgresSeconds: difference(after.postgres, before.postgres),
    ...(batches === undefined ? {} : { batches })
  } satisfies Round
})

const measureAll = Effect.fnUntraced(function* (plan: Plan, arena: Arena, say: (text: string) => void) {
  const { questions, direct } = arena
  const rounds = new Map<Question, Array<Round>>(questions.map((question) => [question, []]))
  const cold: Array<ColdRound> = []
  const memory: Array<MemoryRound> = []
  for (const question of questions) {
    say(`warming up · (${question.letter}) ${question.name}`)
    yield* question.run({ durationMs: plan.firstWarmUpMs })
  }
  for (let round = 1; round <= plan.rounds; round += 1) {
    const at = `round ${round} of ${plan.rounds}`
    for (const question of questions) {
      say(`${at} · (${question.letter}) ${question.name}`)
      rounds.get(question)?.push(yield* measure(plan, question))
    }
    if (direct !== undefined && plan.only.includes("f")) {
      say(`${at} · (f) cold activation`)
      cold.push(yield* direct.ask("activate", { contacts: plan.coldContacts }))
    }
    if (direct !== undefined && plan.only.includes("g")) {
      say(`${at} · (g) memory of a resident contact`)
      memory.push(yield* direct.ask("reside", { contacts: plan.residentContacts }))
    }
  }
  const rows = questions.map((question) => {
    const { key, letter, name } = question
    return { key, letter, name, rounds: rounds.get(question) ?? [] }
  })
  return { rows, cold, memory }
})

const write = (file: URL, results: Results) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(new URL(".", file), { recursive: true })
      await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`)
    },
    catch: (cause) => new BenchFailed({ message: `${file.pathname} cannot be written: ${String(cause)}` })
  })

/** Measures what the plan asks for and writes it to `file`; everything it started has ended when it returns. */
export const run = Effect.fn("Runner.run")(function* (plan: Plan, file: URL, say: (text: string) => void) {
  const startedAt = yield* Clock.currentTimeMillis
  const folder = yield* folderOf
  const machine = yield* Effect.promise(() => Machine.describe(folder))
  const arena = yield* prepare(plan, folder, say)
  const found = yield* measureAll(plan, arena, say)
  const results: Results = {
    startedAt: DateTime.formatIso(DateTime.makeUnsafe(startedAt)),
    tookSeconds: Math.round(((yield* Clock.currentTimeMillis) - startedAt) / 1000),
    plan,
    machine,
    postgres: arena.postgres,
    ...found,
    serverMebibytes: arena.server === undefined ? undefined : residentMebibytes(arena.server.processId),
    bars: barsOf(found)
  }
  yield* write(file, results)
  return results
}, Effect.scoped)
