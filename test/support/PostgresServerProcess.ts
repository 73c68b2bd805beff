/**
 * A Koinon that is nothing but its embedded PostgreSQL, in a process of its own so that a test can kill it. Run as a
 * program it starts the server on the data directory given, prints one line of JSON about how that went, and stops the
 * server on SIGTERM. Imported, it starts such processes and sees to it that none of them, nor their servers, survive.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Effect, Redacted, Schema } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"

const Report = Schema.fromJsonString(
  Schema.Union([
    Schema.Struct({ url: Schema.String, adopted: Schema.Boolean, processId: Schema.Int }),
    Schema.Struct({ failed: Schema.String })
  ])
)
type Report = typeof Report.Type

export interface ServerProcess {
  readonly report: Report
  readonly processId: number
  /** Sends the signal and waits for the process's end. */
  readonly end: (signal: "SIGTERM" | "SIGKILL") => Promise<void>
}

const parseReport = Schema.decodeSync(Report)
/** For a process that has to begin, make a cluster and start it while much else goes on. */
const reportTimeoutMs = 100_000

export const spawnServer = (
  dataDirectory: string,
  options: { readonly program?: string; readonly environment?: Record<string, string> } = {}
) =>
  Effect.acquireRelease(
    Effect.tryPromise(async (): Promise<ServerProcess> => {
      const child = spawn(process.execPath, [options.program ?? fileURLToPath(import.meta.url), dataDirectory], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...options.environment }
      })
      const signal = AbortSignal.timeout(reportTimeoutMs)
      const ended = once(child, "exit", { signal }).then(([code]) => {
        throw new Error(`The process ended with code ${code} before it said anything`)
      })
      const [line] = (await Promise.race([once(createInterface(child.stdout), "line", { signal }), ended])) as [string]
      ended.catch(() => undefined)
      return {
        report: parseReport(line),
        processId: child.pid ?? 0,
        end: async (signal) => {
          if (child.exitCode !== null || child.signalCode !== null) return
          const ended = once(child, "exit")
          child.kill(signal)
          await ended
        }
      }
    }).pipe(Effect.orDie),
    (running) => Effect.promise(() => running.end("SIGTERM"))
  )

const program = Effect.gen(function* () {
  const dataDirectory = process.argv[2] ?? ""
  const started = yield* PostgresServer.start({ dataDirectory, durable: process.env["DURABLE"] === "yes" }).pipe(
    Effect.result
  )
  const report: Report =
    started._tag === "Failure"
      ? { failed: started.failure.message }
      : {
          url: Redacted.value(PostgresServer.url(started.success)),
          adopted: started.success.adopted,
          processId: started.success.processId
        }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  if (started._tag === "Success") return yield* Effect.never
}).pipe(Effect.scoped)

if (import.meta.main) NodeRuntime.runMain(program)
