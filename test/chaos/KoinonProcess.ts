/**
 * A real Koinon in a child process with a data directory of its own, to be killed: the process, its embedded PostgreSQL
 * with all that belongs to it, or both. Whatever was started here is stopped when it is closed, and also when this process
 * ends in another way.
 */
import * as PostgresCluster from "#runtime/storage/PostgresCluster.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { rmSync } from "node:fs"
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { Chance } from "./Chance.ts"
import { killServer } from "./PostgresProcess.ts"
import { type Launch, ServeProcess } from "./ServeProcess.ts"
import type { Strike, Target } from "./Target.ts"

type Fault = "application" | "database" | "both"
const faults: ReadonlyArray<Fault> = ["application", "database", "both"]

const stopTimeoutMs = 60_000
/** The killed may still be letting go of their files. */
const removalsMax = 5
/** Load goes on for a while after the kill, so that requests also meet what is no longer there. */
const loadAfterKillMsMax = 400

export const freshDirectory = async (): Promise<string> => realpath(await mkdtemp(join(tmpdir(), "koinon-chaos-")))

export class KoinonProcess implements Target {
  readonly dataDirectory: string
  readonly apiKey = `chaos-${randomBytes(24).toString("hex")}`
  protected readonly served: ServeProcess
  readonly #lastResort = () => {
    this.#killEverything()
    rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: removalsMax })
  }

  protected constructor(dataDirectory: string, launch: Partial<Launch> = {}) {
    this.dataDirectory = dataDirectory
    this.served = new ServeProcess({
      ...launch,
      environment: {
        ...launch.environment,
        PORT: "0",
        KOINON_DATA_DIR: dataDirectory,
        KOINON_BOOTSTRAP_API_KEY: this.apiKey
      }
    })
    process.once("exit", this.#lastResort)
  }

  static async open(launch: Partial<Launch> = {}): Promise<KoinonProcess> {
    const koinon = new KoinonProcess(await freshDirectory(), launch)
    await koinon.served.start()
    return koinon
  }

  get url(): string {
    return this.served.url
  }

  get storeId(): string {
    return this.served.storeId
  }

  get processId(): number {
    const { processId } = this.served
    if (processId === undefined) throw new Error("Koinon does not run")
    return processId
  }

  signal(signal: "SIGUSR2"): void {
    this.served.signal(signal)
  }

  get output(): string {
    return this.served.output
  }

  now(): number {
    return Date.now()
  }

  door(): string {
    return this.served.url
  }

  openDoor(): string {
    return this.served.url
  }

  doors(): ReadonlyArray<string> {
    return [this.served.url]
  }

  async strike(chance: Chance): Promise<Strike> {
    const fault = chance.pick(faults)
    const goOnMs = chance.integer(0, loadAfterKillMsMax)
    const struckAt = performance.now()
    if (fault !== "database") this.served.killNow()
    if (fault !== "application") killServer(this.cluster)
    if (fault !== "database") await this.served.ended()
    return { fault, struckAt, affectedShards: undefined, over: pause(goOnMs), oddities: [] }
  }

  /** A PostgreSQL that died alone is started again by the running Koinon. */
  async mend(): Promise<void> {
    if (!this.served.isRunning) await this.served.start()
  }

  /** How to reach its database, while that runs. */
  async databaseUrl(): Promise<Redacted.Redacted> {
    const server = await Effect.runPromise(PostgresCluster.postmaster(this.cluster))
    if (server === undefined) throw new Error(`no PostgreSQL runs on ${this.cluster}`)
    const { socketDirectory, port, processId } = server
    return PostgresServer.url({ socketDirectory, port, processId, database: "koinon", user: "koinon", adopted: true })
  }

  async masterSecret(): Promise<string> {
    const secrets = JSON.parse(await readFile(join(this.dataDirectory, "secrets.json"), "utf8")) as {
      readonly masterSecret: string
    }
    return secrets.masterSecret
  }

  async memoryBytes(): Promise<ReadonlyArray<number>> {
    return []
  }

  /** Stops all of it in order; the data is swept away unless somebody wants to look at it. */
  async close(options: { readonly keepData: boolean }): Promise<void> {
    await this.served.stop(stopTimeoutMs)
    this.#killEverything()
    process.removeListener("exit", this.#lastResort)
    if (!options.keepData) await rm(this.dataDirectory, { recursive: true, force: true })
  }

  protected get cluster(): string {
    return join(this.dataDirectory, "postgres")
  }

  #killEverything(): void {
    this.served.killNow()
    killServer(this.cluster)
  }
}
