/**
 * Child processes that answer questions over IPC. A child lives as long as the scope that forked it: asked to end, and
 * killed when it does not; and it ends by itself when its parent is gone.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"

/** The bench cannot go on; the message says why. */
export class BenchFailed extends Schema.TaggedError<BenchFailed>()("BenchFailed", { message: Schema.String }) {}

/** What a child answers, by name. Input and answer are JSON. */
export type Answers = Readonly<Record<string, (input: never) => Promise<unknown>>>

export interface Peer<Q extends Answers> {
  readonly processId: number
  readonly ask: <Name extends keyof Q>(
    name: Name,
    input: Parameters<Q[Name]>[0]
  ) => Effect.Effect<Awaited<ReturnType<Q[Name]>>, BenchFailed>
}

interface Question {
  readonly id: number
  readonly name: string
  readonly input: unknown
}
interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

const stopTimeoutMs = 20_000
const outputKeptCharacters = 4_000

export const hasExited = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null

/** Asks the process to end, and kills it when it does not. */
export const stop = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        if (hasExited(child)) return resolve()
        const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs)
        child.once("exit", () => {
          clearTimeout(timer)
          resolve()
        })
        child.kill("SIGTERM")
      })
  )

/** The last words of a process, for when it fails. */
export const outputOf = (child: ChildProcess): { text: string } => {
  const seen = { text: "" }
  const keep = (chunk: Buffer): void => {
    seen.text = (seen.text + chunk.toString("utf8")).slice(-outputKeptCharacters)
  }
  child.stdout?.on("data", keep)
  child.stderr?.on("data", keep)
  return seen
}

export const forkPeer = <Q extends Answers>(
  file: string,
  options: { readonly words?: ReadonlyArray<string>; readonly nodeFlags?: ReadonlyArray<string> } = {}
) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        fork(fileURLToPath(new URL(file, import.meta.url)), options.words ?? [], {
          execArgv: [...(options.nodeFlags ?? [])],
          stdio: ["ignore", "pipe", "pipe", "ipc"]
        })
      ),
      stop
    ),
    (child): Peer<Q> => {
      const output = outputOf(child)
      const waiting = new Map<number, (reply: Reply) => void>()
      let asked = 0
      child.on("message", (reply) => waiting.get((reply as Reply).id)?.(reply as Reply))
      child.on("error", () => undefined)
      child.once("exit", () => {
        for (const [id, settle] of waiting) settle({ id, failure: `${file} ended\n${output.text}` })
      })
      return {
        processId: child.pid ?? 0,
        ask: (name, input) =>
          Effect.callback((resume) => {
            const id = ++asked
            const settle = (reply: Reply): void => {
              waiting.delete(id)
              resume(
                reply.failure === undefined
                  ? Effect.succeed(reply.value as never)
                  : Effect.fail(new BenchFailed({ message: `${String(name)}: ${reply.failure}` }))
              )
            }
            if (hasExited(child)) return settle({ id, failure: `${file} ended\n${output.text}` })
            waiting.set(id, settle)
            child.send({ id, name: String(name), input } satisfies Question)
          })
      }
    }
  )

/** In the child: answers the parent until that lets go. */
export const answerParent = (answers: Answers, whenLetGo: () => void): void => {
  process.on("message", (message) => {
    const { id, name, input } = message as Question
    const answer = answers[name] as ((input: unknown) => Promise<unknown>) | undefined
    const reply = (rest: Omit<Reply, "id">): void => {
      if (process.connected) process.send?.({ id, ...rest } satisfies Reply)
    }
    Promise.resolve(input)
      .then((given) => (answer === undefined ? Promise.reject(new Error("no such question")) : answer(given)))
      .then((value) => reply({ value }))
      .catch((cause: unknown) => reply({ failure: cause instanceof Error ? cause.message : String(cause) }))
  })
  process.once("disconnect", whenLetGo)
}
