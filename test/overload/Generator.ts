/**
 * The load of an overload run, a process of its own so that what it costs is not the server's. Requests are due at a fixed
 * rate whatever the answers do (open loop) and go out on whichever connection is free; without a rate each connection asks
 * again as soon as it is answered, which finds the capacity. Every refusal is held against what one has to be, and every
 * accepted write is remembered by what it was answered.
 */
import { connect, type Socket } from "node:net"

export const classes = ["write", "read", "list"] as const
export type Class = (typeof classes)[number]

export interface Load {
  readonly port: number
  readonly apiKey: string
  /** Ids of contacts, from whose wallets a cent is taken at a time. */
  readonly contacts: ReadonlyArray<string>
  readonly connections: number
  /** Absent: a closed loop. */
  readonly ratePerSecond?: number
  readonly durationMs: number
  readonly reportEveryMs: number
  /** Of a hundred requests; the others are writes. */
  readonly readsPercent: number
  readonly listsPercent: number
}

export interface Tally {
  /** Due, and of those the ones for which no connection was free. */
  readonly offered: number
  readonly unsent: number
  readonly accepted: Readonly<Record<Class, number>>
  readonly refused: Readonly<Record<Class, number>>
  readonly limited: number
  readonly shed: number
  /** Durable, and not answered in time: the answer is an operation to come back to. */
  readonly later: number
  /** Any other status, or a connection that broke. */
  readonly failed: number
  /** Of accepted writes, from sent to answered. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** What was wrong with refusals and failures, the first few. */
  readonly oddities: ReadonlyArray<string>
}

export type Heard =
  | { readonly tag: "progress"; readonly tally: Tally }
  /** `entries` are the first 52 bits of the id that each accepted write was answered with. */
  | { readonly tag: "end"; readonly tally: Tally; readonly entries: Float64Array }

const odditiesMax = 5
const tickMs = 1
/** Answers may come this long after the last request. */
const drainMs = 30_000
/** A broken connection is opened again after that. */
const reopenMs = 50
const headEnd = Buffer.from("\r\n\r\n")

/** Of an id in hexadecimal: as much as a number holds exactly. */
export const entryNumber = (id: string): number => Number.parseInt(id.replaceAll("-", "").slice(0, 13), 16)

class Count {
  offered = 0
  unsent = 0
  readonly accepted = { write: 0, read: 0, list: 0 }
  readonly refused = { write: 0, read: 0, list: 0 }
  limited = 0
  shed = 0
  later = 0
  failed = 0
  readonly latencies: Array<number> = []
  readonly oddities: Array<string> = []

  odd(what: string): void {
    if (this.oddities.length < odditiesMax) this.oddities.push(what)
  }

  get tally(): Tally {
    const { latencies, ...rest } = this
    const sorted = Float64Array.from(latencies).toSorted()
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { ...rest, p50Ms: at(0.5), p99Ms: at(0.99) }
  }
}

/** What a refusal lacks, if anything. */
const lackOf = (head: string, body: string, status: number): string | undefined => {
  if (!/\r\nretry-after: [1-9]\d*\r\n/i.test(`${head}\r\n`)) return "no Retry-After"
  if (!/\r\ncontent-type: application\/problem\+json/i.test(head)) return "no problem+json"
  const problem = JSON.parse(body) as Readonly<Record<string, unknown>>
  return problem["status"] === status && typeof problem["detail"] === "string" && typeof problem["error"] === "string"
    ? undefined
    : "a problem without status, error and detail"
}

class Line {
  readonly #port: number
  readonly #answered: (line: Line, head: string, body: string) => void
  readonly #broke: (line: Line) => void
  #socket: Socket | undefined
  #bytes: Buffer = Buffer.alloc(0)
  sentAt = 0
  asked: Class = "write"

  constructor(port: number, answered: (line: Line, head: string, body: string) => void, broke: (line: Line) => void) {
    this.#port = port
    this.#answered = answered
    this.#broke = broke
  }

  open(opened: (line: Line) => void): void {
    this.#bytes = Buffer.alloc(0)
    const socket = connect({ port: this.#port, host: "127.0.0.1", noDelay: true })
    this.#socket = socket
    socket.once("connect", () => opened(this))
    socket.on("data", (chunk) => this.#take(chunk))
    socket.on("error", () => undefined)
    socket.once("close", () => this.#broke(this))
  }

  send(asked: Class, request: string): void {
    this.asked = asked
    this.sentAt = performance.now()
    this.#socket?.write(request)
  }

  close(): void {
    this.#socket?.removeAllListeners("close").destroy()
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const headLength = this.#bytes.indexOf(headEnd)
    if (headLength < 0) return
    const head = this.#bytes.toString("latin1", 0, headLength)
    const bodyAt = headLength + headEnd.length
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (this.#bytes.length < bodyAt + length) return
    const body = this.#bytes.toString("utf8", bodyAt, bodyAt + length)
    this.#bytes = this.#bytes.subarray(bodyAt + length)
    this.#answered(this, head, body)
  }
}

const requestsOf = ({ apiKey, contacts }: Load): Readonly<Record<Class, ReadonlyArray<string>>> => {
  const head = `host: koinon\r\napi_key: ${apiKey}\r\n`
  const body = JSON.stringify({ action: "DEBIT", amount: 0.01, currency_code: "EUR", notes: "overload" })
  const wallet = (id: string): string => `/backoffice/v2/wallets/${id}`
  const json = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  return {
    write: contacts.map((id) => `POST ${wallet(id)}/journals HTTP/1.1\r\n${head}${json}`),
    read: contacts.map((id) => `GET ${wallet(id)} HTTP/1.1\r\n${head}\r\n`),
    list: contacts.map((id) => `GET ${wallet(id)}/journals?size=5 HTTP/1.1\r\n${head}\r\n`)
  }
}

const drive = (load: Load, tell: (heard: Heard) => void): void => {
  const requests = requestsOf(load)
  const intervalMs = load.ratePerSecond === undefined ? 0 : 1_000 / load.ratePerSecond
  const free: Array<Line> = []
  const whole = new Count()
  const entries: Array<number> = []
  let lately = new Count()
  let underWay = 0
  let startedAt = performance.now()
  let due = 0
  let isOver = false

  const classOf = (): Class => {
    const chance = Math.random() * 100
    return chance < load.readsPercent ? "read" : chance < load.readsPercent + load.listsPercent ? "list" : "write"
  }
  const ask = (line: Line): void => {
    const asked = classOf()
    const texts = requests[asked]
    underWay += 1
    line.send(asked, texts[Math.floor(Math.random() * texts.length)] as string)
  }
  const judge = (count: Count, line: Line, status: number, head: string, body: string, tookMs: number): void => {
    if (status === 200 || status === 201) {
      count.accepted[line.asked] += 1
      if (line.asked === "write") count.latencies.push(tookMs)
    } else if (status === 429 || status === 503) {
      count.refused[line.asked] += 1
      if (status === 429) count.limited += 1
      else count.shed += 1
      const lack = lackOf(head, body, status)
      if (lack !== undefined) count.odd(`${lack}: ${head}\n${body}`)
    } else if (status === 202) count.later += 1
    else {
      count.failed += 1
      count.odd(`${head.slice(0, 40)} ${body.slice(0, 300)}`)
    }
  }
  const answered = (line: Line, head: string, body: string): void => {
    underWay -= 1
    const status = Number(head.slice(9, 12))
    const tookMs = performance.now() - line.sentAt
    for (const count of [whole, lately]) judge(count, line, status, head, body, tookMs)
    if (status === 201) entries.push(entryNumber((JSON.parse(body) as { readonly id: string }).id))
    if (intervalMs === 0 && !isOver) ask(line)
    else free.push(line)
  }
  const broke = (line: Line): void => {
    const at = free.indexOf(line)
    if (at >= 0) free.splice(at, 1)
    else {
      underWay -= 1
      for (const count of [whole, lately]) {
        count.failed += 1
        count.odd("a connection broke")
      }
    }
    if (!isOver) setTimeout(() => line.open((again) => free.push(again)), reopenMs)
  }
  const lines = Array.from({ length: load.connections }, () => new Line(load.port, answered, broke))

  const tick = (): void => {
    const now = performance.now()
    if (now - startedAt >= load.durationMs) return end()
    const count = intervalMs === 0 ? 0 : Math.floor((now - startedAt) / intervalMs) - due
    due += count
    for (let each = 0; each < count; each++) {
      const line = free.pop()
      for (const tally of [whole, lately]) {
        tally.offered += 1
        if (line === undefined) tally.unsent += 1
      }
      if (line !== undefined) ask(line)
    }
  }
  const end = (): void => {
    if (isOver) return
    isOver = true
    clearInterval(ticking)
    clearInterval(reporting)
    const until = performance.now() + drainMs
    const draining = setInterval(() => {
      if (underWay > 0 && performance.now() < until) return
      clearInterval(draining)
      for (const line of lines) line.close()
      tell({ tag: "progress", tally: lately.tally })
      tell({ tag: "end", tally: whole.tally, entries: Float64Array.from(entries) })
    }, 10)
  }
  let ticking: NodeJS.Timeout | undefined
  let reporting: NodeJS.Timeout | undefined
  let opened = 0
  for (const line of lines) {
    line.open(() => {
      free.push(line)
      opened += 1
      if (opened < lines.length) return
      startedAt = performance.now()
      ticking = setInterval(tick, tickMs)
      reporting = setInterval(() => {
        tell({ tag: "progress", tally: lately.tally })
        lately = new Count()
      }, load.reportEveryMs)
      if (intervalMs === 0) for (const each of free.splice(0)) ask(each)
    })
  }
}

// Imported for its types; a program only when it was forked.
if (process.send !== undefined && import.meta.main) {
  process.on("message", (load: Load) => drive(load, (heard) => process.send?.(heard)))
  process.on("disconnect", () => process.exit())
}
