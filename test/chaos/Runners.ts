/**
 * Several `koinon serve --cluster` on one PostgreSQL that the run starts itself and that anything may happen to. Each
 * runner reaches it through a proxy of its own, signs in with a role of its own and goes by a clock of its own, so that
 * each can be cut off, recognised and misled alone. `Nemesis` decides what happens.
 */
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { cp, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { takePort } from "../support/Ports.ts"
import { CuttingProxy } from "./CuttingProxy.ts"
import { Disk } from "./Disk.ts"
import { killServer, stopImmediately } from "./PostgresProcess.ts"
import { ServeProcess } from "./ServeProcess.ts"
import { query, watch } from "./Witness.ts"

const stopTimeoutMs = 60_000
const removalsMax = 5
/** A door that is known to be closed is tried all the same now and then. */
const closedDoorEvery = 6
/** While a runner starts it has no address yet. */
const nobody = "http://127.0.0.1:9"
const shiftedClock = fileURLToPath(new URL("./ShiftedClock.ts", import.meta.url))

export interface Runner {
  readonly name: string
  /** What it signs in to the database as. */
  readonly role: string
  readonly process: ServeProcess
  readonly proxy: CuttingProxy
  readonly clockFile: string
  /** Stopped in the middle of whatever it did. */
  isFrozen: boolean
}

const residentBytes = (processId: number): ReadonlyArray<number> => {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${processId}/status`, "utf8"))?.[1]
    return kibibytes === undefined ? [] : [Number(kibibytes) * 1024]
  } catch {
    return []
  }
}

export class Runners {
  readonly dataDirectory: string
  readonly apiKey = `chaos-${randomBytes(24).toString("hex")}`
  readonly secret = randomBytes(32).toString("hex")
  readonly all: Array<Runner> = []
  disk: Disk | undefined
  /** Why there is none. */
  noDisk = "it was not asked for"
  #offsetMs = 0
  #asked = 0
  #opened = 0
  #server: PostgresServer.Running | undefined
  readonly #scope = Effect.runSync(Scope.make())
  readonly #lastResort = () => {
    for (const { process } of this.all) process.killNow()
    killServer(this.cluster)
    this.disk?.unmount()
    rmSync(this.dataDirectory, { recursive: true, force: true, maxRetries: removalsMax })
  }

  private constructor(dataDirectory: string) {
    this.dataDirectory = dataDirectory
    process.once("exit", this.#lastResort)
  }

  /** With a disk that can be filled if that is wished and allowed; its time begins so far from the true one. */
  static async open(count: number, options: { readonly wantsDisk: boolean; readonly offsetMs: number }) {
    const runners = new Runners(await realpath(await mkdtemp(join(tmpdir(), "koinon-chaos-"))))
    try {
      if (options.wantsDisk) {
        const disk = await Disk.mount(runners.#database)
        if (typeof disk === "string") runners.noDisk = disk
        else runners.disk = disk
      }
      const dataDirectory = runners.#database
      runners.#server = await Effect.runPromise(Scope.provide(PostgresServer.start({ dataDirectory }), runners.#scope))
      runners.#offsetMs = options.offsetMs
      for (let number = 1; number <= count; number++) await runners.#add(number)
      // The first one makes the tables.
      await runners.all[0]?.process.start()
      await watch(runners.url())
      await Promise.all(runners.all.slice(1).map(({ process }) => process.start()))
      return runners
    } catch (cause) {
      await runners.close({ keepData: false })
      throw cause
    }
  }

  get cluster(): string {
    return join(this.#database, "postgres")
  }

  get storeId(): string {
    return this.all[0]?.process.storeId ?? ""
  }

  get output(): string {
    return this.all.map(({ name, process }) => `--- ${name}\n${process.output}`).join("\n")
  }

  /** The time that all runners go by, give or take a few seconds. */
  now(): number {
    return Date.now() + this.#offsetMs
  }

  /** Sets every clock, each a little beside the others. */
  setClocks(offsetMs: number, skewsMs: ReadonlyArray<number> = []): void {
    this.#offsetMs = offsetMs
    for (const [index, { clockFile }] of this.all.entries()) {
      writeFileSync(clockFile, String(offsetMs + (skewsMs[index] ?? 0)))
    }
  }

  doors(): ReadonlyArray<string> {
    return this.all.map(({ process }) => process.url).filter((url) => url !== "")
  }

  /** One after the other, and those that cannot answer now only now and then. */
  door(): string {
    this.#asked += 1
    if (this.#asked % closedDoorEvery !== 0) return this.openDoor()
    return this.all[this.#asked % this.all.length]?.process.url || nobody
  }

  openDoor(): string {
    this.#opened += 1
    const open = this.all.filter(({ process, isFrozen }) => process.isRunning && process.url !== "" && !isFrozen)
    return open[this.#opened % open.length]?.process.url ?? nobody
  }

  /** Straight to the server, beside the proxies. */
  url(database?: string): Redacted.Redacted {
    if (this.#server === undefined) throw new Error("the database has not been started")
    return PostgresServer.url(this.#server, database)
  }

  async databaseUrl(): Promise<Redacted.Redacted> {
    return this.url()
  }

  async masterSecret(): Promise<string> {
    return this.secret
  }

  async memoryBytes(): Promise<ReadonlyArray<number>> {
    return this.all.flatMap(({ process: { processId } }) => (processId === undefined ? [] : residentBytes(processId)))
  }

  killDatabase(): void {
    killServer(this.cluster)
  }

  stopDatabase(): void {
    stopImmediately(this.cluster)
  }

  /** Starts whoever is down and wakes whoever sleeps. */
  async mend(): Promise<void> {
    await this.disk?.free()
    await Promise.all(
      this.all.map(async (runner) => {
        if (runner.isFrozen) runner.process.signal("SIGCONT")
        runner.isFrozen = false
        if (!runner.process.isRunning) await runner.process.start()
      })
    )
  }

  /** All runners end in order, and the database stays. */
  async stopRunners(): Promise<void> {
    for (const { process } of this.all) process.signal("SIGCONT")
    await Promise.all(this.all.map(({ process }) => process.stop(stopTimeoutMs)))
  }

  async close(options: { readonly keepData: boolean }): Promise<void> {
    await this.stopRunners()
    for (const { proxy } of this.all) proxy.close()
    await Effect.runPromise(Scope.close(this.#scope, Exit.void))
    killServer(this.cluster)
    process.removeListener("exit", this.#lastResort)
    // What stands on a disk in memory would go with it.
    if (options.keepData && this.disk !== undefined) await cp(this.#database, this.#kept, { recursive: true })
    this.disk?.unmount()
    if (!options.keepData) await rm(this.dataDirectory, { recursive: true, force: true })
  }

  get #kept(): string {
    return join(this.dataDirectory, "database.kept")
  }

  get #database(): string {
    return join(this.dataDirectory, "database")
  }

  async #add(number: number): Promise<void> {
    const name = `runner ${number}`
    const role = `runner_${number}`
    await query(this.url(), `CREATE ROLE ${role} LOGIN SUPERUSER`)
    const socket = join(this.#server?.socketDirectory ?? "", `.s.PGSQL.${this.#server?.port ?? 0}`)
    const proxy = await CuttingProxy.open(() => socket)
    const clockFile = join(this.dataDirectory, `${role}.clock`)
    writeFileSync(clockFile, String(this.#offsetMs))
    const process = new ServeProcess({
      flags: ["--cluster"],
      nodeArguments: ["--import", shiftedClock],
      environment: {
        DATABASE_URL: `postgresql://${role}@127.0.0.1:${proxy.port}/koinon`,
        KOINON_MASTER_SECRET: this.secret,
        KOINON_BOOTSTRAP_API_KEY: this.apiKey,
        KOINON_DATA_DIR: join(this.dataDirectory, role),
        KOINON_RUNNER_HOST: "127.0.0.1",
        KOINON_RUNNER_PORT: String(await takePort()),
        KOINON_CHAOS_CLOCK: clockFile,
        PORT: "0"
      }
    })
    this.all.push({ name, role, process, proxy, clockFile, isFrozen: false })
  }
}
