/**
 * The embedded segment store: an in-process server of the MongoDB wire protocol on a thread of its own, reached through a unix
 * socket in a folder that nobody else may enter. It holds everything in memory and forgets it when it ends. A thread that
 * dies is started again, empty, under the same address: who fills it finds out by its cursors, which are gone as well.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { Worker } from "node:worker_threads"

/** `sun_path` without its closing zero byte; macOS has four bytes less than Linux. */
const socketPathBytesMax = process.platform === "linux" ? 107 : 103
/** Its ending tells the driver that it is no host. */
const socketName = "s.sock"
const restartDelayMs = 100
const youngGenerationMebibytes = 64

export class EmbeddedStoreFailed extends Schema.TaggedError<EmbeddedStoreFailed>()("EmbeddedStoreFailed", {
  message: Schema.String
}) {}

export interface EmbeddedStore {
  readonly url: string
  /** Called as soon as everything is gone, before there is an empty one in its place. */
  readonly onLost: (listener: () => void) => () => void
  /** Ends its thread as an exhausted memory would. */
  readonly kill: Effect.Effect<void>
}

/** A short path, and a folder (0700) of its own: the parent of a socket decides who may connect. */
const folder = Effect.acquireRelease(
  Effect.promise(async () => {
    const made = await fs.mkdtemp(path.join(tmpdir(), "koinon-"))
    if (Buffer.byteLength(path.join(made, socketName)) <= socketPathBytesMax) return made
    await fs.rm(made, { recursive: true, force: true })
    return fs.mkdtemp("/tmp/koinon-")
  }),
  (made) => Effect.promise(() => fs.rm(made, { recursive: true, force: true }))
)

interface Thread {
  readonly worker: Worker
  /** Why it ended. */
  readonly ended: Promise<string>
}

const startThread = (socket: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        await fs.rm(socket, { force: true })
        const worker = new Worker(new URL("./ServerThread.ts", import.meta.url), {
          workerData: { path: socket },
          // What arrives is kept: it should be looked at seldom while it is young, and never for long.
          resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMebibytes }
        })
        const ended = new Promise<string>((resolve) => {
          worker.once("error", (error) => resolve(error instanceof Error ? error.name : "it threw"))
          worker.once("exit", (code) => resolve(`it ended with ${code}`))
        })
        const listening = new Promise<undefined>((resolve) => void worker.once("message", () => resolve(undefined)))
        const failure = await Promise.race([listening, ended])
        if (failure !== undefined) throw new Error(failure)
        return { worker, ended }
      },
      catch: (cause) =>
        new EmbeddedStoreFailed({
          message: `The embedded segment store did not start: ${cause instanceof Error ? cause.message : "it threw"}.`
        })
    }),
    ({ worker }) => Effect.promise(() => worker.terminate())
  )

/** Until the scope closes. */
export const start: Effect.Effect<EmbeddedStore, EmbeddedStoreFailed, Scope.Scope> = Effect.gen(function* () {
  const socket = path.join(yield* folder, socketName)
  const listeners = new Set<() => void>()
  const first: Thread = yield* startThread(socket)
  let current = first
  const lost = (): void => {
    // As they are now: whoever asks the next store because of it listens anew.
    const told = [...listeners]
    for (const listener of told) listener()
  }
  const supervised = Effect.fnUntraced(function* (running: Thread) {
    current = running
    const reason = yield* Effect.promise(() => running.ended)
    lost()
    yield* Effect.logError("the embedded segment store has ended and is started again, empty", reason)
  })
  const again = Effect.scoped(Effect.flatMap(startThread(socket), supervised)).pipe(
    Effect.catchTag("EmbeddedStoreFailed", (failed) => {
      // It may have listened, and been written to, before that was known here.
      lost()
      return Effect.logError(failed.message)
    }),
    Effect.repeat(Schedule.spaced(restartDelayMs))
  )
  yield* Effect.forkScoped(Effect.andThen(supervised(first), again))
  return {
    url: `mongodb://${encodeURIComponent(socket)}/?directConnection=true&retryWrites=false`,
    onLost: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    kill: Effect.promise(() => current.worker.terminate())
  }
})
