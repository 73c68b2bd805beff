/**
 * The apps of a run with many subscribers, and the till that debits their wallets: a process of its own, so that what they
 * cost is not the server's. Every app has a socket and a wallet, remembers where it was told to be, and counts what it was
 * told; the till remembers what it was answered. What one was told and the other answered has to be the same.
 */
import { randomUUID } from "node:crypto"
import { Agent, request } from "node:http"
import { setTimeout as pause } from "node:timers/promises"
import { WebSocket } from "ws"

export interface Town {
  readonly port: number
  readonly apiKey: string
  /** Ids of contacts: an app each, which follows her wallet. */
  readonly contacts: ReadonlyArray<string>
}

export type Step =
  | ({ readonly tag: "town" } & Town)
  /** So many more apps follow. */
  | { readonly tag: "subscribe"; readonly count: number }
  | { readonly tag: "debit"; readonly ratePerSecond: number; readonly durationMs: number }
  /** All are cut off at once and come back, while the till goes on. */
  | { readonly tag: "storm"; readonly ratePerSecond: number }
  | { readonly tag: "count" }

export interface Debited {
  readonly debits: number
  readonly failed: number
  /** Times that the till was told to come again, and did. */
  readonly putOff: number
  /** From the instant at which a debit was due until its app was told. */
  readonly pushedP50Ms: number
  readonly pushedP99Ms: number
  /** From the answer until the app was told; below nothing, where the app was told first. */
  readonly afterAnswerP99Ms: number
}
export interface Stormed extends Debited {
  readonly allBackMs: number
  /** Attempts to connect that were refused or broke. */
  readonly refused: number
}
/** Over all apps, for the whole run. */
export interface Counted {
  readonly answered: number
  readonly told: number
  /** Answered and not told. */
  readonly missed: number
  readonly twice: number
  readonly disordered: number
  readonly reloads: number
  readonly following: number
}
export type Done = { readonly tag: "done"; readonly found: Debited | Stormed | Counted | undefined }

/** Apps that connect at once, but for a storm. */
const connectingMax = 64
const connectTimeoutMs = 120_000
const tillConnections = 64
/** An app that was not let in tries again after a random part of this, and longer each time. */
const retryFirstMs = 50
const retryMostMs = 2_000
/** What was pushed arrives this long after the last debit. */
const settleMaxMs = 60_000
/** Whoever is told to come again waits so long. */
const putOffMs = 200
const lookIntervalMs = 10

interface Frame {
  readonly type: string
  readonly topic?: string
  readonly position?: string
  readonly event?: { readonly type: string; readonly entry_id?: string }
}

/** To an app it is an opaque word; to this test it says in which order things stand in the journal. */
const offsetOf = (position: string): number => Number(Buffer.from(position, "base64url").toString().split(".")[1])

class App {
  readonly wallet: string
  position: string | undefined
  reloads = 0
  isFollowing = false
  /** Entries, in the order in which they were told. */
  readonly told: Array<string> = []
  readonly offsets: Array<number> = []
  #socket: WebSocket | undefined
  readonly #pushed: (entry: string) => void

  constructor(wallet: string, pushed: (entry: string) => void) {
    this.wallet = wallet
    this.#pushed = pushed
  }

  /** Resolves when it follows; rejects when it was not let in. */
  follow({ port, apiKey }: Town): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, {
        perMessageDeflate: false,
        handshakeTimeout: connectTimeoutMs
      })
      this.#socket = socket
      const say = (frame: object): void => socket.send(JSON.stringify(frame))
      socket.on("open", () => say({ type: "authenticate", api_key: apiKey }))
      socket.on("error", reject)
      socket.on("close", () => {
        this.isFollowing = false
        reject(new Error("it was closed"))
      })
      socket.on("message", (data: Buffer) => {
        const { type, position, event } = JSON.parse(data.toString()) as Frame
        if (type === "authenticated") {
          const after = this.position === undefined ? {} : { after: this.position }
          return say({ type: "subscribe", topic: `wallet/${this.wallet}`, ...after })
        }
        if (position !== undefined) this.position = position
        if (type === "subscribed") {
          this.isFollowing = true
          resolve()
        } else if (type === "reload") this.reloads += 1
        else if (type === "error") reject(new Error(data.toString()))
        else if (event?.type === "wallet.debited") {
          const entry = event.entry_id ?? ""
          this.told.push(entry)
          this.offsets.push(offsetOf(position ?? ""))
          this.#pushed(entry)
        }
      })
    })
  }

  cut(): void {
    this.isFollowing = false
    this.#socket?.removeAllListeners("close").terminate()
  }
}

const at = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

class Crowd {
  readonly #town: Town
  readonly #apps: Array<App> = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: tillConnections })
  readonly #pushedAt = new Map<string, number>()
  readonly #answers: Array<{ readonly app: App; readonly entry: string; readonly dueAt: number; readonly at: number }> =
    []
  #failed = 0
  #putOff = 0

  constructor(town: Town) {
    this.#town = town
  }

  async subscribe(count: number): Promise<void> {
    const more = this.#town.contacts
      .slice(this.#apps.length, this.#apps.length + count)
      .map((contact) => new App(contact, (entry) => void this.#pushedAt.set(entry, performance.now())))
    this.#apps.push(...more)
    const waiting = [...more]
    const lane = async (): Promise<void> => {
      for (let app = waiting.pop(); app !== undefined; app = waiting.pop()) await app.follow(this.#town)
    }
    await Promise.all(Array.from({ length: connectingMax }, lane))
  }

  async debit(ratePerSecond: number, isOver: (elapsedMs: number) => boolean): Promise<Debited> {
    const from = this.#answers.length
    const [failedBefore, putOffBefore] = [this.#failed, this.#putOff]
    const startedAt = performance.now()
    const asked: Array<Promise<void>> = []
    for (let nth = 0; ; nth++) {
      const dueAt = startedAt + (nth * 1_000) / ratePerSecond
      const wait = dueAt - performance.now()
      if (wait > 0) await pause(wait)
      if (isOver(performance.now() - startedAt)) break
      asked.push(this.#take(this.#apps[Math.floor(Math.random() * this.#apps.length)] as App, dueAt))
    }
    await Promise.all(asked)
    const own = this.#answers.slice(from)
    await this.#until(() => own.every(({ entry }) => this.#pushedAt.has(entry)))
    const told = own.flatMap(({ entry, dueAt, at: answeredAt }) => {
      const pushedAt = this.#pushedAt.get(entry)
      return pushedAt === undefined ? [] : [{ pushed: pushedAt - dueAt, after: pushedAt - answeredAt }]
    })
    const pushed = Float64Array.from(told, (each) => each.pushed).toSorted()
    const after = Float64Array.from(told, (each) => each.after).toSorted()
    return {
      debits: own.length,
      failed: this.#failed - failedBefore,
      putOff: this.#putOff - putOffBefore,
      pushedP50Ms: at(pushed, 0.5),
      pushedP99Ms: at(pushed, 0.99),
      afterAnswerP99Ms: at(after, 0.99)
    }
  }

  async storm(ratePerSecond: number): Promise<Stormed> {
    let isBack = false
    const debiting = this.debit(ratePerSecond, () => isBack)
    const startedAt = performance.now()
    let refused = 0
    for (const app of this.#apps) app.cut()
    const comeBack = async (app: App): Promise<void> => {
      for (let retryMs = retryFirstMs; ; retryMs = Math.min(retryMostMs, retryMs * 2)) {
        try {
          return await app.follow(this.#town)
        } catch {
          refused += 1
          app.cut()
          await pause(Math.random() * retryMs)
        }
      }
    }
    await Promise.all(this.#apps.map(comeBack))
    const allBackMs = performance.now() - startedAt
    isBack = true
    return { ...(await debiting), allBackMs, refused }
  }

  count(): Counted {
    let [missed, twice, disordered, reloads, told, following] = [0, 0, 0, 0, 0, 0]
    const byApp = Map.groupBy(this.#answers, ({ app }) => app)
    for (const app of this.#apps) {
      const entries = new Set(app.told)
      told += entries.size
      twice += app.told.length - entries.size
      missed += (byApp.get(app) ?? []).filter(({ entry }) => !entries.has(entry)).length
      disordered += app.offsets.filter((offset, nth) => !(offset > (app.offsets[nth - 1] ?? 0))).length
      reloads += app.reloads
      following += app.isFollowing ? 1 : 0
    }
    return { answered: this.#answers.length, told, missed, twice, disordered, reloads, following }
  }

  async #until(holds: () => boolean): Promise<void> {
    const until = performance.now() + settleMaxMs
    while (!holds() && performance.now() < until) await pause(lookIntervalMs)
  }

  /** Until it is answered, under one key; who is told to come again does. */
  async #take(app: App, dueAt: number): Promise<void> {
    const key = randomUUID()
    const until = performance.now() + settleMaxMs
    while (!(await this.#debited(app, dueAt, key))) {
      if (performance.now() > until) return void (this.#failed += 1)
      this.#putOff += 1
      await pause(putOffMs)
    }
  }

  /** Whether it is known what became of it. */
  #debited(app: App, dueAt: number, key: string): Promise<boolean> {
    const { port, apiKey } = this.#town
    const body = JSON.stringify({ action: "DEBIT", amount: 0.01, currency_code: "EUR", notes: "live" })
    const headers = {
      api_key: apiKey,
      "content-type": "application/json",
      "content-length": body.length,
      "idempotency-key": key
    }
    const path = `/backoffice/v2/wallets/${app.wallet}/journals`
    return new Promise((resolve) => {
      const failed = (): void => {
        this.#failed += 1
        resolve(true)
      }
      const asking = request(
        { agent: this.#agent, host: "127.0.0.1", port, method: "POST", path, headers },
        (answer) => {
          const parts: Array<Buffer> = []
          answer.on("data", (part: Buffer) => parts.push(part))
          answer.on("end", () => {
            const text = Buffer.concat(parts).toString()
            const isPutOff = answer.statusCode === 202 || answer.statusCode === 503
            if (isPutOff || text.includes("KOINON.STILL_RUNNING")) return resolve(false)
            if (answer.statusCode !== 201) return failed()
            const { id } = JSON.parse(text) as { readonly id: string }
            this.#answers.push({ app, entry: id, dueAt, at: performance.now() })
            resolve(true)
          })
        }
      )
      // The server may end a quiet connection at the very moment at which it is used again.
      asking.on("error", () => (asking.reusedSocket ? resolve(false) : failed()))
      asking.end(body)
    })
  }
}

let crowd: Crowd | undefined

const take = async (step: Step): Promise<Done["found"]> => {
  if (step.tag === "town") {
    crowd = new Crowd(step)
    return undefined
  }
  if (crowd === undefined) throw new Error("the town comes first")
  switch (step.tag) {
    case "subscribe":
      await crowd.subscribe(step.count)
      return undefined
    case "debit": {
      const { ratePerSecond, durationMs } = step
      return crowd.debit(ratePerSecond, (elapsedMs) => elapsedMs >= durationMs)
    }
    case "storm":
      return crowd.storm(step.ratePerSecond)
    case "count":
      return crowd.count()
  }
}

// Imported for its types; a program only when it was forked.
if (process.send !== undefined && import.meta.main) {
  process.on("message", (step: Step) => {
    void take(step).then(
      (found) => process.send?.({ tag: "done", found } satisfies Done),
      (cause: unknown) => {
        process.stderr.write(`${String(cause)}\n`)
        process.exit(1)
      }
    )
  })
  process.on("disconnect", () => process.exit())
}
