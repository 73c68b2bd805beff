/**
 * One `koinon serve` in a child process: started, started again, signalled and killed. What it printed is kept, so that a
 * run that fails can show it. It knows nothing of databases.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const startTimeoutMs = 120_000
const pollIntervalMs = 20
const outputKeptCharacters = 20_000

const repository = fileURLToPath(new URL("../../", import.meta.url))
/** Whatever follows the address ends it, so that one cut off at the end of a chunk is not taken for whole. */
const listening = /listening on (http:\/\/[\w.:[\]-]*\w)\s/
const storeLine = /^\s+Store\s+([0-9a-f-]{36})\s/m

export const killHard = (processId: number): void => {
  try {
    process.kill(processId, "SIGKILL")
  } catch {
    // It was gone before.
  }
}

export interface Launch {
  readonly environment: Readonly<Record<string, string>>
  /** Of Node itself, before the program. */
  readonly nodeArguments?: ReadonlyArray<string>
  /** After `serve`. */
  readonly flags?: ReadonlyArray<string>
}

export class ServeProcess {
  readonly #launch: Launch
  #child: ChildProcess | undefined
  #output = ""
  #url = ""
  #storeId = ""

  constructor(launch: Launch) {
    this.#launch = launch
  }

  get url(): string {
    return this.#url
  }

  get storeId(): string {
    return this.#storeId
  }

  /** The end of what it has printed. */
  get output(): string {
    return this.#output
  }

  get processId(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Of the last one that has ended by itself. */
  get exitCode(): number | undefined {
    return this.#child?.exitCode ?? undefined
  }

  /** Starts it, again if need be, and waits until it listens. */
  async start(): Promise<void> {
    const { DATABASE_URL: _outside, KOINON_MASTER_SECRET: _secret, ...surroundings } = process.env
    const { environment, nodeArguments = [], flags = [] } = this.#launch
    this.#url = ""
    let printed = ""
    const child = spawn(process.execPath, [...nodeArguments, "src/main.ts", "serve", ...flags], {
      cwd: repository,
      env: { ...surroundings, ...environment },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.#child = child
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString("utf8")).slice(-outputKeptCharacters)
      if (this.#url !== "") return
      printed += chunk.toString("utf8")
      const store = storeLine.exec(printed)?.[1]
      const url = listening.exec(printed)?.[1]
      if (store === undefined || url === undefined) return
      this.#storeId = store
      this.#url = url
    }
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    child.on("error", (cause) => {
      this.#output += `\n${cause.message}`
    })
    const deadline = performance.now() + startTimeoutMs
    while (this.#url === "") {
      if (!this.isRunning || performance.now() > deadline) {
        throw new Error(`Koinon did not start in ${startTimeoutMs} ms:\n${this.#output}`)
      }
      await pause(pollIntervalMs)
    }
  }

  signal(signal: "SIGTERM" | "SIGSTOP" | "SIGCONT" | "SIGUSR2"): void {
    if (this.isRunning) this.#child?.kill(signal)
  }

  /** Without waiting for its end. */
  killNow(): void {
    if (this.isRunning) killHard(this.#child?.pid ?? 0)
  }

  async kill(): Promise<void> {
    this.killNow()
    await this.ended()
  }

  async ended(): Promise<void> {
    while (this.isRunning) await pause(pollIntervalMs)
  }

  /** Asks it to end, and insists when it has not within the time. Tells whether it went by itself. */
  async stop(withinMs: number): Promise<boolean> {
    this.signal("SIGTERM")
    const deadline = performance.now() + withinMs
    while (this.isRunning && performance.now() < deadline) await pause(pollIntervalMs)
    if (!this.isRunning) return true
    await this.kill()
    return false
  }
}
