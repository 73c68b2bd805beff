/** `koinon serve`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { serve } from "../Serve.ts"
import { load } from "../Settings.ts"

const cluster = Flag.Boolean("cluster").pipe(
  Flag.withDescription("Share the shards with other runners on the same DATABASE_URL"),
  Flag.withDefault(false)
)

/** A stop takes so long at most. What was answered is durable, so what has not ended by then may be cut off. */
const stopMaxMs = 10_000

const stopInTime = Effect.sync(() => {
  const cutOff = (): void => {
    process.stderr.write(
      `koinon: not everything had ended ${stopMaxMs / 1000} s after the stop was asked for; cut off.\n`
    )
    process.exit(1)
  }
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => void setTimeout(cutOff, stopMaxMs).unref())
})

export const serveVerb = Command.make("serve", { cluster }, (flags) =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const settings = yield* load
    yield* stopInTime
    return yield* Layer.launch(serve(settings, startedAt, flags.cluster))
  })
).pipe(
  Command.withDescription(
    "Open the doors: HTTP, WebSocket, and the embedded database unless DATABASE_URL is set. koinon settings lists what can be set"
  ),
  Command.withExamples([
    { command: "koinon serve", description: "One runner, with a database inside" },
    {
      command: "PORT=8081 KOINON_RUNNER_PORT=7947 KOINON_DATA_DIR=.koinon-2 koinon serve --cluster",
      description: "A second runner; DATABASE_URL, KOINON_MASTER_SECRET and KOINON_BOOTSTRAP_API_KEY as for the first"
    }
  ])
)
