/**
 * A real Koinon in a child process with a data directory of its own, to be killed: the process, its embedded PostgreSQL
 * with all that belongs to it, or both. Whatever was started here is stopped when it is closed, and also when this process
 * ends in another way.
 */
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync, readlinkSync, rmSync } from "node:fs"
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export type Fault = "application" | "database" | "both"
export const faults: ReadonlyArray<Fault> = ["application", "database", "both"]

const startTimeoutMs = 60_000
const stopTimeoutMs = 30_000
/** The killed may still be letting go of their files. */
const removalsMax = 5
const pollIntervalMs = 20
const outputKeptCharacters = 20_000

const repository = fileURLToPath(new URL("../../", import.meta.url))
/** Whatever follows the address ends it, so that one cut off at the end of a chunk is not taken for whole. */
const listening = /listening on (http:\/\/[\w.:[\]-]*\w)\s/
const storeLine = /^\s+Store\s+([0-9a-f-]{36})\s/m

const killHard = (processId: number): void => {
  try {
    process.kill(processId, "SIGKILL")
  } catch {
    // It was gone before.
  }
}

/** The processes that a process has started itself. */
const childrenOf = (processId: number): ReadonlyArray<number> => {
  const words = (text: string): ReadonlyArray<number> => text.split(/\s+/).filter(Boolean).map(Number)
  try {
    return process.platform === "linux"
      ? words(readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8"))
      : words(execFileSync("pgrep", ["-P", String(processId)], { encoding: "utf8" }))
  } catch {
    return []
  }
}

export class KoinonProcess {
  readonly dataDirectory: string
  readonly apiKey = `chaos-${randomBytes(24).toString("hex")}`
  #child: ChildProcess | undefined
  #output = ""
  #url = ""
  #storeId = ""
  readonly #lastResort = () => {
    this.#killEverything()
    rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: removalsMax })
  }

  private constructor(dataDirectory: string) {
    this.dataDirectory = dataDirectory
    process.once("exit", this.#lastResort)
  }

  static async open(): Promise<KoinonProcess> {
    const koinon = new KoinonProcess(await realpath(await mkdtemp(join(tmpdir(), "koinon-chaos-"))))
    await koinon.start()
    return koinon
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

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Starts it, again if need be, and waits until it listens. */
  async start(): Promise<void> {
    const { DATABASE_URL: _outside, KOINON_MASTER_SECRET: _secret, ...surroundings } = process.env
    this.#url = ""
    let printed = ""
    const child = spawn(process.execPath, ["src/main.ts", "serve"], {
      cwd: repository,
      env: {
        ...surroundings,
        PORT: "0",
        KOINON_DATA_DIR: this.dataDirectory,
        KOINON_BOOTSTRAP_API_KEY: this.apiKey
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.#child = child
    const keep = (chunk: Buffer): void => {
      printed += chunk.toString("utf8")
      this.#output = (this.#output + chunk.toString("utf8")).slice(-outputKeptCharacters)
      if (this.#url !== "") return
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
        throw new Error(`Koinon did not start on ${this.dataDirectory}:\n${this.#output}`)
      }
      await pause(pollIntervalMs)
    }
  }

  async kill(fault: Fault): Promise<void> {
    if (fault !== "database") killHard(this.#child?.pid ?? 0)
    if (fault !== "application") this.#killServer()
    if (fault !== "database") await this.#ended()
  }

  /** How to reach its database, while that runs. */
  async databaseUrl(): Promise<Redacted.Redacted> {
    const server = await Effect.runPromise(PostgresCluster.postmaster(this.#cluster))
    if (server === undefined) throw new Error(`no PostgreSQL runs on ${this.#cluster}`)
    const { socketDirectory, port, processId } = server
    return PostgresServer.url({ socketDirectory, port, processId, database: "koinon", user: "koinon", adopted: true })
  }

  async masterSecret(): Promise<string> {
    const secrets = JSON.parse(await readFile(join(this.dataDirectory, "secrets.json"), "utf8")) as {
      readonly masterSecret: string
    }
    return secrets.masterSecret
  }

  /** Stops all of it in order; the data is swept away unless somebody wants to look at it. */
  async close(options: { readonly keepData: boolean }): Promise<void> {
    if (this.isRunning) {
      this.#child?.kill("SIGTERM")
      const timer = setTimeout(() => killHard(this.#child?.pid ?? 0), stopTimeoutMs)
      await this.#ended()
      clearTimeout(timer)
    }
    this.#killEverything()
    process.removeListener("exit", this.#lastResort)
    if (!options.keepData) await rm(this.dataDirectory, { recursive: true, force: true })
  }

  get #cluster(): string {
    return join(this.dataDirectory, "postgres")
  }

  async #ended(): Promise<void> {
    while (this.isRunning) await pause(pollIntervalMs)
  }

  /** The postmaster that runs on our cluster; a left-over file may name a stranger by now. */
  #postmaster(): number | undefined {
    try {
      const processId = Number.parseInt(readFileSync(join(this.#cluster, "postmaster.pid"), "utf8"), 10)
      if (!(processId > 0)) return undefined
      const isOurs =
        process.platform === "linux"
          ? readlinkSync(`/proc/${processId}/cwd`) === this.#cluster
          : execFileSync("ps", ["-o", "command=", "-p", String(processId)], { encoding: "utf8" }).includes(
              this.#cluster
            )
      return isOurs ? processId : undefined
    } catch {
      return undefined
    }
  }

  /** First the parent, so that it starts nothing anew, then its children. */
  #killServer(): void {
    const postmaster = this.#postmaster()
    if (postmaster === undefined) return
    const children = childrenOf(postmaster)
    for (const processId of [postmaster, ...children]) killHard(processId)
  }

  #killEverything(): void {
    if (this.isRunning) killHard(this.#child?.pid ?? 0)
    this.#killServer()
  }
}
