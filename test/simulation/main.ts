/** `npm run simulate`: seeded worlds, one after the other, over as many processes as there are cores. */
import { fork } from "node:child_process"
import { once } from "node:events"
import { availableParallelism } from "node:os"
import * as Mutants from "./Mutants.ts"
import { regressions } from "./Regressions.ts"
import { runProgram } from "../support/Program.ts"

const progressEvery = 500
const failuresMax = 3

const wholeNumber = (name: string, text: string, least: number): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least) throw new Error(`--${name} takes a whole number from ${least} on`)
  return number
}

/** Loaded late: a mutant has to be there before the product is. */
const load = () => import("./Report.ts")

interface Told {
  readonly seeds: number
  readonly failure?: string
}

interface Settings {
  readonly from: number
  readonly seeds: number
  readonly isLiveness: boolean
}

/** Every `stride`th seed, until some have failed. */
const runSeeds = async (settings: Settings, stride: number, tell: (told: Told) => void): Promise<void> => {
  const { failureOf, run } = await load()
  const { from, seeds, isLiveness } = settings
  let failures = 0
  let since = 0
  for (let seed = from; seed < from + seeds && failures < failuresMax; seed += stride) {
    const failure = failureOf(seed, run(seed, isLiveness), isLiveness)
    since += 1
    if (failure === undefined && since < progressEvery) continue
    if (failure !== undefined) failures += 1
    tell({ seeds: since, ...(failure !== undefined && { failure: failure.text }) })
    since = 0
  }
  tell({ seeds: since })
}

const oneSeed = async (seed: number, isLiveness: boolean): Promise<number> => {
  const { failureOf, run } = await load()
  const result = run(seed, isLiveness)
  process.stdout.write(`${result.story.join("\n")}\nseed ${seed}, history ${result.hash}\n`)
  const failure = failureOf(seed, result, isLiveness)
  if (failure === undefined) return 0
  process.stdout.write(`\n${failure.text}\n`)
  return 1
}

const manySeeds = async (settings: Settings, workers: number): Promise<number> => {
  const began = performance.now()
  let done = 0
  let failures = 0
  const hear = ({ seeds, failure }: Told): void => {
    done += seeds
    const perSecond = Math.round(done / ((performance.now() - began) / 1_000))
    process.stderr.write(`${done} of ${settings.seeds} seeds, ${perSecond}/s\n`)
    if (failure === undefined) return
    failures += 1
    process.stdout.write(`${failure}\n\n`)
  }
  const shares = Array.from({ length: workers }, async (_, worker) => {
    const share = { ...settings, from: settings.from + worker, seeds: settings.seeds - worker }
    const child = fork(import.meta.filename, ["--share", JSON.stringify({ ...share, stride: workers })])
    child.on("message", (told) => hear(told as Told))
    const [code] = await once(child, "exit")
    if (code !== 0) throw new Error(`a worker ended with ${String(code)}`)
  })
  await Promise.all(shares)
  process.stdout.write(`${done} seeds from ${settings.from}, ${failures} failures\n`)
  return failures === 0 ? 0 : 1
}

/** What kills the mutant first, in one line of JSON. */
const oneMutant = async (name: string, { from, seeds, isLiveness }: Settings): Promise<number> => {
  if (!Mutants.isMutant(name))
    throw new Error(`there is no such mutant: ${Object.keys(Mutants.mutants).join("\n                   ")}`)
  const mutant = Mutants.apply(name)
  const { run } = await load()
  if (!mutant.applied()) throw new Error(`the mutant "${name}" is stale: its file is not part of the simulation`)
  for (let seed = from; seed < from + seeds; seed++) {
    const { violation } = run(seed, isLiveness)
    if (violation === undefined) continue
    process.stdout.write(`${JSON.stringify({ seed, ...violation })}\n`)
    return 1
  }
  return 0
}

const usage = `npm run simulate -- [options]

Runs Koinon in seeded worlds in which everything fails that can, and checks what is promised after each.

  --seeds 2000     how many worlds
  --from 1         the first of them
  --seed 7         only this one, with its whole story; SEED=7 is the same
  --liveness       asks for everything once more when the faults are over
  --mutant "name"  takes that guard out of the product first, and ends at the first seed that misses it:
                   ${Object.keys(Mutants.mutants).join("\n                   ")}
  --workers N      processes, as many as there are cores if not told
  --help           this text

Progress goes to stderr, failures to stdout. Exit 0: everything held; 1: something did not; 2: it could not be tried.
`

await runProgram({
  name: "simulate",
  usage,
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    liveness: { type: "boolean", default: false },
    workers: { type: "string", default: String(availableParallelism()) },
    mutant: { type: "string" },
    share: { type: "string" }
  },
  run: async (values) => {
    if (values.share !== undefined) {
      const share = JSON.parse(values.share) as Settings & { readonly stride: number }
      await runSeeds(share, share.stride, (told) => void process.send?.(told))
      process.disconnect()
      return 0
    }
    const isLiveness = values.liveness
    const seed = values.seed ?? process.env["SEED"]
    if (seed !== undefined) return oneSeed(wholeNumber("seed", seed, 0), isLiveness)
    const settings = {
      from: wholeNumber("from", values.from, 0),
      seeds: wholeNumber("seeds", values.seeds, 1),
      isLiveness
    }
    if (values.mutant !== undefined) return oneMutant(values.mutant, settings)
    const { run } = await load()
    for (const { seed: known, showed } of regressions) {
      if (run(known).violation !== undefined) process.stdout.write(`seed ${known} shows it again: ${showed}\n`)
    }
    return manySeeds(settings, Math.min(settings.seeds, wholeNumber("workers", values.workers, 1)))
  }
})
