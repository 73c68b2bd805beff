/** The command line of the bench: progress on stderr, tables or JSON on stdout, exit code 1 when it could not measure. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { fileURLToPath } from "node:url"
import { BenchFailed } from "./Peer.ts"
import { planOf, usage } from "./Plan.ts"
import { report } from "./Report.ts"
import { run } from "./Runner.ts"

const folder = new URL("results/", import.meta.url)

/** One line that changes in a terminal, a line each elsewhere. */
const progress = () => {
  const { stderr } = process
  return {
    say: (text: string): void => void stderr.write(stderr.isTTY ? `\r\u001B[K${text}` : `${text}\n`),
    clear: (): void => void (stderr.isTTY && stderr.write("\r\u001B[K"))
  }
}

const program = Effect.gen(function* () {
  const plan = yield* Effect.try({
    try: () => planOf(process.argv.slice(2)),
    catch: (cause) => new BenchFailed({ message: cause instanceof Error ? cause.message : String(cause) })
  })
  if (plan === undefined) return yield* Console.log(usage)
  const { say, clear } = progress()
  const results = yield* Effect.ensuring(run(plan, folder, say), Effect.sync(clear))
  yield* Console.log(plan.json ? JSON.stringify(results, undefined, 2) : report(results))
  if (!plan.json) yield* Console.log(`Written to ${fileURLToPath(folder)}`)
})

NodeRuntime.runMain(
  Effect.catchTag(program, "BenchFailed", ({ message }) =>
    Effect.andThen(
      Console.error(`The bench could not measure: ${message}`),
      Effect.sync(() => {
        process.exitCode = 1
      })
    )
  )
)
