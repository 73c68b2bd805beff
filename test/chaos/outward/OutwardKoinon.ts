/**
 * A real Koinon with all that it tells the world: a mail server, a receiver of webhooks, an embedded segment store. Each
 * strike kills one or two of them, most in the middle of what they do: the process as a mail is taken or a webhook arrives,
 * the mail server at a point of a mail, the store while it is asked. The receiver lives; it fails now and then.
 */
import { type Received, receiver } from "../../support/Receiver.ts"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { execFile } from "node:child_process"
import { appendFileSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Webhook } from "standardwebhooks"
import type { Chance } from "../Chance.ts"
import { freshDirectory, KoinonProcess } from "../KoinonProcess.ts"
import { killServer, stopImmediately } from "../PostgresProcess.ts"
import type { Strike } from "../Target.ts"
import { Desk } from "./Desk.ts"
import { type DyingAt, MailProcess } from "./MailProcess.ts"
import { type Ask, establish, type Standing } from "./Standing.ts"
import { type StoredDocuments, storedDocuments } from "./StoredDocuments.ts"

export type Victim = "process" | "store" | "mail" | "database"

/** A killing that is done. `at`: epoch milliseconds. */
export interface Kill {
  readonly victim: Victim
  readonly at: number
}

const faults: ReadonlyArray<readonly [victims: ReadonlyArray<Victim>, weight: number]> = [
  [["process"], 32],
  [["store"], 24],
  [["mail"], 24],
  [["database"], 10],
  [["mail", "process"], 8],
  [["store", "mail"], 6],
  // Both of what is called a store: what the segments are asked of, and what the journal is in.
  [["store", "database"], 6]
]
const dyingAts: ReadonlyArray<DyingAt | "NOW"> = ["DATA", "UNWRITTEN", "WRITTEN", "NOW"]
/** For a chosen instant it is waited so long; then it is any instant. */
const instantWithinMs = 2_000
const loadAfterKillMsMax = 400
/** So long a mail server is away at most. */
const mailAwayMsMax = 1_500
const deathWithinMs = 60_000
const stopTimeoutMs = 60_000
const rebuildTimeoutMs = 300_000
const fillTimeoutMs = 300_000
const pollMs = 5
const askTimeoutMs = 12_000
const askWithinMs = 120_000
const askAgainMs = 100
const campaignProbability = 0.2
const changeProbability = 0.5
const decideProbability = 0.5
/** Of first deliveries: those answered 500, and those never answered. */
const refusedEvery = 17
const droppedEvery = 23

const repository = fileURLToPath(new URL("../../../", import.meta.url))
const storeDeath = fileURLToPath(new URL("./StoreDeath.ts", import.meta.url))

type Hooks = Effect.Success<ReturnType<typeof receiver>>

/** What surrounds it, and outlives every kill of it. */
interface Surroundings {
  readonly dataDirectory: string
  readonly mail: MailProcess
  readonly hooks: Hooks
  readonly scope: Scope.Closeable
}

/** Written by what the store's thread is watched by. */
const deathsIn = (dataDirectory: string): string => join(dataDirectory, "chaos-store-deaths")
/** Where the process makes what is temporary: the socket of its segment store is in there. */
const temporaryIn = (dataDirectory: string): string => join(dataDirectory, "tmp")

export class OutwardKoinon extends KoinonProcess {
  readonly mail: MailProcess
  readonly desk: Desk
  readonly kills: Array<Kill> = []
  /** Ids of webhooks that arrived without a signature of ours. */
  readonly unsigned = new Set<string>()
  /** Whom they were aimed at a chosen instant. */
  aimed = 0
  readonly #environment: Readonly<Record<string, string>>
  readonly #hooks: Hooks
  readonly #scope: Scope.Closeable
  readonly #hookListeners = new Set<() => void>()
  readonly #campaigns: Array<Promise<void>> = []
  #standing: Standing | undefined
  #verifier: Webhook | undefined

  private constructor({ dataDirectory, mail, hooks, scope }: Surroundings) {
    const environment = {
      SMTP_URL: mail.url,
      KOINON_WEBHOOK_ALLOWED: "127.0.0.1",
      KOINON_CHAOS_DEATHS: deathsIn(dataDirectory),
      TMPDIR: temporaryIn(dataDirectory)
    }
    super(dataDirectory, { nodeArguments: ["--import", storeDeath], environment })
    this.#environment = environment
    this.mail = mail
    this.desk = new Desk((method, path, body) => this.ask(method, path, body))
    this.#hooks = hooks
    this.#scope = scope
    let count = 0
    hooks.behave((response, received, nth) => {
      this.#verify(received)
      for (const listener of this.#hookListeners) listener()
      count += 1
      if (nth === 1 && count % refusedEvery === 0) return void response.writeHead(500).end()
      if (nth === 1 && count % droppedEvery === 0) return void response.socket?.destroy()
      response.writeHead(204).end()
    })
  }

  static async begin(): Promise<OutwardKoinon> {
    const dataDirectory = await freshDirectory()
    appendFileSync(deathsIn(dataDirectory), "")
    mkdirSync(temporaryIn(dataDirectory), { mode: 0o700 })
    const scope = Effect.runSync(Scope.make())
    const hooks = await Effect.runPromise(Scope.provide(receiver(), scope))
    const mail = await MailProcess.open(join(dataDirectory, "chaos-mail.jsonl"))
    const koinon = new OutwardKoinon({ dataDirectory, mail, hooks, scope })
    await koinon.served.start()
    koinon.#standing = await establish(koinon.ask, hooks.url)
    koinon.#verifier = new Webhook(koinon.standing.secret)
    return koinon
  }

  get standing(): Standing {
    if (this.#standing === undefined) throw new Error("nothing stands yet")
    return this.#standing
  }

  /** All webhooks that arrived, with their repetitions, in that order. */
  get received(): ReadonlyArray<Received> {
    return this.#hooks.received
  }

  /** Deaths of the store's thread, also those that were not meant. */
  get storeDeaths(): number {
    return readFileSync(deathsIn(this.dataDirectory), "utf8").split("\n").length - 1
  }

  killsOf(victim: Victim): number {
    return this.kills.filter((kill) => kill.victim === victim).length
  }

  /** Until it is answered, under the same key each time. */
  readonly ask: Ask = async (method, path, body) => {
    const key = `chaos-${crypto.randomUUID()}`
    const deadline = performance.now() + askWithinMs
    let heard = "nothing"
    while (performance.now() < deadline) {
      const answer = await fetch(`${this.door()}${path}`, {
        method,
        headers: { api_key: this.apiKey, "content-type": "application/json", "idempotency-key": key },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(askTimeoutMs)
      }).catch(() => undefined)
      const said = await answer?.text().catch(() => undefined)
      if (answer?.ok === true && said !== undefined) return JSON.parse(said) as Readonly<Record<string, unknown>>
      if (answer !== undefined) heard = `${answer.status} ${said}`
      await pause(askAgainMs)
    }
    throw new Error(`${method} ${path} was answered ${heard} for ${askWithinMs} ms`)
  }

  override async strike(chance: Chance): Promise<Strike> {
    if (chance.happens(campaignProbability)) this.#campaign()
    if (chance.happens(changeProbability)) this.desk.begin(this.desk.change(this.standing.changing))
    if (chance.happens(decideProbability)) this.desk.begin(this.desk.decideAll())
    const victims = pickWeighted(chance)
    const goOnMs = chance.integer(0, loadAfterKillMsMax)
    const done: Array<string> = []
    const over: Array<Promise<void>> = [pause(goOnMs)]
    for (const victim of victims) done.push(await this.#kill(victim, chance, over))
    const struckAt = performance.now()
    const fault = done.join(" and ")
    return { fault, struckAt, affectedShards: undefined, over: all(over), oddities: [] }
  }

  override async mend(): Promise<void> {
    await super.mend()
    if (!this.mail.isRunning) await this.mail.start()
  }

  /** Until all that was told to be sent has been taken note of. */
  async campaignsAsked(): Promise<number> {
    await Promise.all(this.#campaigns)
    return this.#campaigns.length
  }

  /** All that its segment store holds, once that has caught up with the journal. */
  async storedDocuments(): Promise<StoredDocuments> {
    const deadline = performance.now() + fillTimeoutMs
    while (true) {
      const { projections } = await this.ask("GET", "/backoffice/v2/status")
      const views = projections as ReadonlyArray<{ readonly name: string; readonly lag_events: number }>
      const lag = views.find(({ name }) => name === "segment_store")?.lag_events
      if (lag === 0) return storedDocuments(temporaryIn(this.dataDirectory))
      if (performance.now() > deadline) throw new Error(`the segment store is ${lag} events behind for too long`)
      await pause(askAgainMs)
    }
  }

  /** Stopped in order, has views read again from the journal, and is started again. */
  async rebuild(views: ReadonlyArray<string>): Promise<void> {
    await this.served.stop(stopTimeoutMs)
    const { DATABASE_URL: _outside, KOINON_MASTER_SECRET: _secret, ...surroundings } = process.env
    const env = { ...surroundings, ...this.#environment, KOINON_DATA_DIR: this.dataDirectory }
    for (const view of views) {
      await promisify(execFile)(process.execPath, ["src/main.ts", "rebuild", view], {
        cwd: repository,
        env: { ...env, KOINON_BOOTSTRAP_API_KEY: this.apiKey },
        timeout: rebuildTimeoutMs
      })
    }
    await this.served.start()
  }

  override async close(options: { readonly keepData: boolean }): Promise<void> {
    this.mail.killNow()
    await Effect.runPromise(Scope.close(this.#scope, Exit.void))
    await super.close(options)
  }

  /** As it arrives: a signature holds for minutes only. */
  #verify({ id, text, headers }: Received): void {
    try {
      this.#verifier?.verify(text, headers)
    } catch {
      this.unsigned.add(id)
    }
  }

  #campaign(): void {
    const asked = this.ask("POST", `/backoffice/v2/plans/${this.standing.plan}/send_now`).then(() => undefined)
    // Whoever waits for it hears of its failure.
    asked.catch(() => undefined)
    this.#campaigns.push(asked)
  }

  async #kill(victim: Victim, chance: Chance, over: Array<Promise<void>>): Promise<string> {
    switch (victim) {
      case "process":
        return this.#killProcess(chance)
      case "store":
        return this.#killStore()
      case "mail":
        return this.#killMail(chance, over)
      case "database":
        return this.#killDatabase(chance)
    }
  }

  #note(victim: Victim, isAimed = false): void {
    this.kills.push({ victim, at: Date.now() })
    if (isAimed) this.aimed += 1
  }

  /** At once, or in the instant in which a mail was taken or a webhook arrives: between that and our taking note of it. */
  async #killProcess(chance: Chance): Promise<string> {
    const instant = chance.pick(["now", "mail", "webhook"])
    const isAimed =
      instant === "now"
        ? false
        : await new Promise<boolean>((resolve) => {
            let forget = (): void => undefined
            const end = (isAimed: boolean): void => {
              clearTimeout(timer)
              forget()
              if (isAimed) this.served.killNow()
              resolve(isAimed)
            }
            const timer = setTimeout(() => end(false), instantWithinMs)
            const come = (): void => end(true)
            if (instant === "mail") forget = this.mail.onceTaken(come)
            else {
              this.#hookListeners.add(come)
              forget = () => this.#hookListeners.delete(come)
            }
          })
    this.served.killNow()
    this.#note("process", isAimed)
    await this.served.ended()
    return isAimed ? `process at a ${instant}` : "process"
  }

  /** Its processes, or as by `pg_ctl stop -m immediate`; the running Koinon starts it again, and it recovers. */
  #killDatabase(chance: Chance): string {
    const isStopped = chance.happens(0.5)
    if (isStopped) stopImmediately(this.cluster)
    else killServer(this.cluster)
    this.#note("database")
    return isStopped ? "database at once" : "database"
  }

  async #killStore(): Promise<string> {
    const before = this.storeDeaths
    const deadline = performance.now() + deathWithinMs
    this.served.signal("SIGUSR2")
    while (this.storeDeaths === before) {
      if (!this.served.isRunning || performance.now() > deadline) return "store (it lives)"
      await pause(pollMs)
    }
    this.#note("store")
    return "store"
  }

  async #killMail(chance: Chance, over: Array<Promise<void>>): Promise<string> {
    const at = chance.pick(dyingAts)
    const awayMs = chance.integer(0, mailAwayMsMax)
    const isAimed = at === "NOW" ? false : await this.mail.killAt(at, instantWithinMs)
    this.mail.killNow()
    this.#note("mail", isAimed)
    await this.mail.ended()
    over.push(pause(awayMs).then(() => this.mail.start()))
    return isAimed ? `mail at ${at}` : "mail"
  }
}

const all = async (promises: ReadonlyArray<Promise<void>>): Promise<void> => {
  await Promise.all(promises)
}

const pickWeighted = (chance: Chance): ReadonlyArray<Victim> => {
  let rest = chance.next() * faults.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [victims, weight] of faults) {
    rest -= weight
    if (rest < 0) return victims
  }
  return ["process"]
}
