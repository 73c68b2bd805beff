/**
 * `koinon serve` as a user would start it, in a process of its own: how it is spawned, where it listens, when it is ready,
 * and how far its views have come. It ends with the scope that started it.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { fileURLToPath } from "node:url"
import { BenchFailed, hasExited, outputOf, stop } from "./Peer.ts"

export interface Secrets {
  readonly masterSecret: string
  readonly apiKey: string
}

export const makeSecrets = (): Secrets => ({
  masterSecret: `ms_${randomBytes(32).toString("base64url")}`,
  apiKey: `sk_${randomBytes(32).toString("base64url")}`
})

export interface Launch extends Secrets {
  readonly dataDirectory: string
  readonly nodeFlags: ReadonlyArray<string>
  /** An outside database instead of the embedded one. */
  readonly databaseUrl?: string
  /** One of several runners on that database, which find it at this port. */
  readonly runnerPort?: number
}

export interface KoinonProcess {
  readonly port: number
  readonly processId: number
  /** Succeeds with the milliseconds since it was spawned once `/health/ready` answers 200. */
  readonly ready: Effect.Effect<number, BenchFailed>
  /** Succeeds when its views have read all of the journal. */
  readonly followed: (timeoutMs: number) => Effect.Effect<void, BenchFailed>
}

const repository = fileURLToPath(new URL("../", import.meta.url))
const startTimeoutMs = 60_000
const pollMs = 5
/** Health answers are kept for half a second, so asking more often tells nothing. */
const viewsPollMs = 250

const Readiness = Schema.Struct({
  checks: Schema.Array(
    Schema.Struct({ name: Schema.String, observed: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)) })
  )
})
const decodeReadiness = Schema.decodeUnknownSync(Readiness)

const environmentOf = ({ dataDirectory, masterSecret, apiKey, databaseUrl, runnerPort }: Launch) => {
  const { DATABASE_URL: _outside, ...surroundings } = process.env
  return {
    ...surroundings,
    PORT: "0",
    KOINON_DATA_DIR: dataDirectory,
    KOINON_MASTER_SECRET: masterSecret,
    KOINON_BOOTSTRAP_API_KEY: apiKey,
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...(runnerPort === undefined ? {} : { KOINON_RUNNER_PORT: String(runnerPort) })
  }
}

export const start = Effect.fn("KoinonProcess.start")(function* (launch: Launch) {
  const spawnedAt = yield* Clock.currentTimeMillis
  const words = ["src/main.ts", "serve", ...(launch.runnerPort === undefined ? [] : ["--cluster"])]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [...launch.nodeFlags, ...words], {
        cwd: repository,
        env: environmentOf(launch),
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    stop
  )
  const output = outputOf(child)
  child.on("error", (cause) => {
    output.text += cause.message
  })
  const stillRuns = Effect.suspend(() =>
    hasExited(child) ? Effect.fail(new BenchFailed({ message: `koinon serve ended\n${output.text}` })) : Effect.void
  )
  const within = <A>(timeoutMs: number, what: string, effect: Effect.Effect<A, BenchFailed>) =>
    Effect.timeoutOrElse(effect, {
      duration: timeoutMs,
      orElse: () => Effect.fail(new BenchFailed({ message: `koinon serve ${what}\n${output.text}` }))
    })
  const listening = Effect.gen(function* () {
    for (;;) {
      yield* stillRuns
      const port = /listening on http:\/\/[\w.]+:(\d+)\s/.exec(output.text)?.[1]
      if (port !== undefined) return Number(port)
      yield* Effect.sleep(pollMs)
    }
  })
  const port = yield* within(startTimeoutMs, "named no address", listening)

  const health = Effect.promise(async () => {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
      return { status: response.status, body: await response.text() }
    } catch {
      return { status: 0, body: "" }
    }
  })
  const ready = Effect.gen(function* () {
    for (;;) {
      yield* stillRuns
      if ((yield* health).status === 200) return (yield* Clock.currentTimeMillis) - spawnedAt
      yield* Effect.sleep(pollMs)
    }
  })
  const behind = (body: string): boolean =>
    decodeReadiness(JSON.parse(body)).checks.some(
      ({ name, observed = {} }) => name === "projections" && Object.values(observed).some((lag) => lag !== 0)
    )
  const followed = Effect.gen(function* () {
    for (;;) {
      yield* stillRuns
      const { status, body } = yield* health
      if (status === 200 && !behind(body)) return
      yield* Effect.sleep(viewsPollMs)
    }
  })
  return {
    port,
    processId: child.pid ?? 0,
    ready: within(startTimeoutMs, "was never ready", ready),
    followed: (timeoutMs) => within(timeoutMs, "did not catch up with its journal", followed)
  } satisfies KoinonProcess
})
