/**
 * What a connection may do before anybody reads a request: how many there may be, how long a head and a body may take,
 * how large and how many things in a head are, how many requests may be sent without waiting for answers. Whoever goes
 * beyond is told so in problem details, cheaply, where anything can still be told; the connection then ends.
 */
import * as Context from "effect/Context"
import { type IncomingMessage, Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import type { Socket } from "node:net"
import { plainHeaders } from "./AnswerHeaders.ts"
import type { DoorLimits } from "./DoorLimits.ts"
import { type Fault, fault } from "./Fault.ts"
import { renderProblem } from "./Rendered.ts"

/** Bytes of a request line and its headers together. */
const headBytesMax = 16 * 1024
/** Characters of a path with its query. */
const urlCharactersMax = 8 * 1024
const headersMax = 100
/** Requests on one connection that wait for the answers to those before them. */
const pipelinedMax = 32
/** How long a refused connection is listened to, so that the refusal arrives before the end does. */
const farewellMs = 1_000

export type Refusal = "connections" | "head" | "headers" | "url" | "pipeline" | "late" | "malformed" | "quiet"

const close = { headers: { connection: "close" } }
const tooManyHeaders = fault(
  431,
  "KOINON.TOO_MANY_HEADERS",
  "Too many headers",
  `A request has at most ${headersMax} headers.`,
  close
)
const urlTooLong = fault(
  414,
  "KOINON.URL_TOO_LONG",
  "URL too long",
  `A path and its query have at most ${urlCharactersMax} characters.`,
  close
)
const headTooLarge = fault(
  431,
  "KOINON.HEAD_TOO_LARGE",
  "Head too large",
  `A request line and its headers have at most ${headBytesMax} bytes together.`,
  close
)
const pipelineTooDeep = fault(
  429,
  "KOINON.PIPELINE_TOO_DEEP",
  "Too many requests at once on a connection",
  `At most ${pipelinedMax} requests may wait on one connection; read their answers first. This one took no effect.`,
  { ...close, retryAfterSeconds: 1 }
)
const malformed = fault(
  400,
  "KOINON.MALFORMED_REQUEST",
  "Malformed request",
  "What was sent is no request of HTTP/1.1.",
  close
)

/** Node's own name for the answer under way on a socket, as its `clientError` handler reads it. */
interface Answering {
  readonly _httpMessage?: { readonly headersSent: boolean } | null
}

/** An answer for a socket on which no request could be read. */
const rawAnswer = (problem: Fault): string => {
  const { status, headers, body } = renderProblem(problem, "/")
  const lines = Object.entries({
    ...plainHeaders,
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    connection: "close"
  })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${head}\r\n${body}`
}

const tooManyConnections = (connectionsMax: number): Fault =>
  fault(
    503,
    "KOINON.TOO_MANY_CONNECTIONS",
    "No room",
    `This runner holds ${connectionsMax} connections at most (KOINON_CONNECTIONS_MAX); try again shortly.`,
    { retryAfterSeconds: 5, parameters: { limit: "KOINON_CONNECTIONS_MAX", connections: connectionsMax } }
  )
const lateRequest = ({ headWithinMs, requestWithinMs }: DoorLimits): Fault =>
  fault(
    408,
    "KOINON.REQUEST_TOO_SLOW",
    "Request too slow",
    `A head has ${headWithinMs} ms to arrive, and a whole request ${requestWithinMs} ms; nothing took effect.`,
    close
  )

/** A body that is read line by line, and may take as long as lines come. */
interface Streaming {
  readonly socket: Socket
  movedAt: number
}

/** Node's server within its bounds. Who extends it hands it what `emit` is called with first. */
export class BoundedServer extends Server {
  readonly #limits: DoorLimits
  readonly #connectionsMax: number
  readonly #noRoom: string
  readonly #late: string
  readonly #waitingOn = new WeakMap<Socket, { count: number }>()
  readonly #streaming = new Map<Socket, Streaming>()
  readonly refusals = new Map<Refusal, number>()
  /** Takes a WebSocket, or leaves it to whoever else listens. */
  takeUpgrade: ((request: IncomingMessage, socket: Socket, head: Buffer) => boolean) | undefined
  #open = 0
  #farewells = 0

  constructor(limits: DoorLimits, connectionsMax: number) {
    const { headWithinMs, requestWithinMs, lookIntervalMs, quietMaxMs, farewellsMax } = limits
    super({
      maxHeaderSize: headBytesMax,
      headersTimeout: Math.min(headWithinMs, requestWithinMs),
      requestTimeout: requestWithinMs,
      connectionsCheckingInterval: lookIntervalMs,
      // Clients that only offer another protocol (`Upgrade: h2c`) are answered in this one.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket"
    })
    this.#limits = limits
    this.#connectionsMax = connectionsMax
    this.#noRoom = rawAnswer(tooManyConnections(connectionsMax))
    this.#late = rawAnswer(lateRequest(limits))
    // They are counted here: Node cannot say what there were too many of. The bytes bound how many it keeps.
    this.maxHeadersCount = 0
    this.timeout = quietMaxMs
    // Beyond those that are told, and without a word: the last bound.
    this.maxConnections = connectionsMax + farewellsMax
    const look = setInterval(() => this.#endQuiet(), lookIntervalMs).unref()
    this.on("close", () => clearInterval(look))
    this.on("clientError", (error: NodeJS.ErrnoException, socket) => this.#misread(error, socket))
  }

  /** Connections that were let in and are open. */
  get openConnections(): number {
    return this.#open
  }

  /** Whether a connection was turned away, which is then taken care of. */
  protected turnsAway(socket: Socket): boolean {
    if (this.#open < this.#connectionsMax) {
      this.#open += 1
      socket.once("close", () => {
        this.#open -= 1
      })
      return false
    }
    this.#count("connections")
    if (this.#farewells >= this.#limits.farewellsMax) {
      socket.destroy()
      return true
    }
    this.#farewells += 1
    socket.once("close", () => {
      this.#farewells -= 1
    })
    socket.on("error", () => undefined)
    // What has arrived is read away: an end with unread bytes would take the answer with it.
    socket.resume().end(this.#noRoom)
    socket.setTimeout(farewellMs, () => socket.destroy())
    return true
  }

  /** What is wrong with the head of a request, or with when it comes. Nothing more is then read on its connection. */
  protected faultOf(request: IncomingMessage, response: ServerResponse): Fault | undefined {
    if (request.rawHeaders.length > headersMax * 2) return this.#counted("headers", tooManyHeaders)
    if ((request.url ?? "").length > urlCharactersMax) return this.#counted("url", urlTooLong)
    // An answer has no socket while others are due before it.
    return response.socket === null ? this.#queued(request.socket, response) : undefined
  }

  /** The body is read line by line: it may take longer than others, as long as `moved` is called now and then. */
  streams(request: IncomingMessage): { readonly moved: () => void; readonly ended: () => void } {
    const { socket } = request
    const streaming = { socket, movedAt: performance.now() }
    this.#streaming.set(socket, streaming)
    return {
      moved: () => {
        streaming.movedAt = performance.now()
      },
      ended: () => void this.#streaming.delete(socket)
    }
  }

  #queued(socket: Socket, response: ServerResponse): Fault | undefined {
    const known = this.#waitingOn.get(socket)
    const waiting = known ?? { count: 0 }
    if (known === undefined) this.#waitingOn.set(socket, waiting)
    if (waiting.count >= pipelinedMax) return this.#counted("pipeline", pipelineTooDeep)
    waiting.count += 1
    response.once("close", () => {
      waiting.count -= 1
    })
    return undefined
  }

  /** A head that is none, is too large or comes too late; `requestTimeout` also tells of batches that are well. */
  #misread(error: NodeJS.ErrnoException, socket: Duplex & Answering): void {
    const isLate = error.code === "ERR_HTTP_REQUEST_TIMEOUT"
    if (isLate && this.#streaming.has(socket as unknown as Socket)) return
    const isTooLarge = error.code === "HPE_HEADER_OVERFLOW"
    this.#count(isLate ? "late" : isTooLarge ? "head" : "malformed")
    const isAnswered = socket._httpMessage?.headersSent === true
    if (!socket.writable || isAnswered || error.code === "ECONNRESET") {
      socket.destroy()
      return
    }
    // An end with unread bytes would take the answer with it, so they are read away for a moment.
    socket.on("error", () => undefined)
    socket.end(isLate ? this.#late : rawAnswer(isTooLarge ? headTooLarge : malformed))
    setTimeout(() => socket.destroy(), farewellMs).unref()
  }

  #endQuiet(): void {
    const before = performance.now() - this.#limits.quietMaxMs
    for (const { socket, movedAt } of this.#streaming.values()) {
      if (movedAt >= before) continue
      this.#count("quiet")
      this.#streaming.delete(socket)
      socket.destroy()
    }
  }

  #counted(refusal: Refusal, problem: Fault): Fault {
    this.#count(refusal)
    return problem
  }

  #count(refusal: Refusal): void {
    this.refusals.set(refusal, (this.refusals.get(refusal) ?? 0) + 1)
  }
}

/** The server whose connections these are. */
export const CurrentServer = Context.Reference<BoundedServer | undefined>("koinon/http/Server", {
  defaultValue: () => undefined
})
