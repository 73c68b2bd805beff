/** The mail server of a run: a process that is killed and started again on the same port; what it has taken is in a file. */
import { type ChildProcess, fork } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

/** At which point of the next mail it kills itself. */
export type DyingAt = "DATA" | "UNWRITTEN" | "WRITTEN"
export type FromMail = { readonly _tag: "Taken" } | { readonly _tag: "Listening"; readonly port: number }

export interface TakenMail {
  /** Epoch milliseconds. */
  readonly at: number
  readonly to: ReadonlyArray<string>
  readonly raw: string
}

const program = fileURLToPath(new URL("./MailProgram.ts", import.meta.url))
const startTimeoutMs = 60_000
const pollMs = 10
const startAgainMs = 100

export class MailProcess {
  readonly #file: string
  readonly #listeners = new Set<() => void>()
  #port = 0
  #child: ChildProcess | undefined

  private constructor(file: string) {
    this.#file = file
  }

  static async open(file: string): Promise<MailProcess> {
    const mail = new MailProcess(file)
    await mail.start()
    return mail
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.#port}`
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** On the port that it had before, which somebody may hold for a moment. */
  async start(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs
    while (!(await this.#started(deadline))) {
      if (performance.now() > deadline) throw new Error(`no mail server listens on ${this.#port}`)
      await pause(startAgainMs)
    }
  }

  async #started(deadline: number): Promise<boolean> {
    const child = fork(program, [String(this.#port), this.#file], { stdio: "ignore" })
    this.#child = child
    const state = { isListening: false }
    child.on("message", (said: FromMail) => {
      if (said._tag === "Taken") return this.#listeners.forEach((listener) => listener())
      this.#port = said.port
      state.isListening = true
    })
    while (!state.isListening && this.isRunning && performance.now() < deadline) await pause(pollMs)
    return state.isListening
  }

  /** Calls back once, when the next mail has been taken and that was said. */
  onceTaken(listener: () => void): () => void {
    const once = (): void => {
      this.#listeners.delete(once)
      listener()
    }
    this.#listeners.add(once)
    return () => this.#listeners.delete(once)
  }

  killNow(): void {
    this.#child?.kill("SIGKILL")
  }

  async ended(): Promise<void> {
    while (this.isRunning) await pause(pollMs)
  }

  /** At that point of the next mail; at once, when none comes in time. True: at that point. */
  async killAt(at: DyingAt, withinMs: number): Promise<boolean> {
    this.#child?.send(at)
    const deadline = performance.now() + withinMs
    while (this.isRunning && performance.now() < deadline) await pause(pollMs)
    const isInMail = !this.isRunning
    this.killNow()
    await this.ended()
    return isInMail
  }

  /** All that was taken so far, in that order. */
  taken(): ReadonlyArray<TakenMail> {
    if (!existsSync(this.#file)) return []
    const lines = readFileSync(this.#file, "utf8").split("\n").filter(Boolean)
    return lines.map((line) => JSON.parse(line) as TakenMail)
  }
}
