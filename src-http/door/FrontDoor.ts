/**
 * The front door: declared endpoints answered straight from `node:http`, ahead of the library's server, which keeps
 * everything else (batches, the live feed, health, docs). What a request costs there before a handler sees it (a request
 * object, a scope, a router fiber, a response object) is most of what a small write costs in all. Handlers are the same
 * either way, and a write that is one command needs no fiber at all.
 */
import { Actors } from "#runtime/actor/Actors.ts"
import { CurrentTracing } from "#runtime/observability/Tracing.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FindMyWay from "effect/http/FindMyWay"
import { type IncomingMessage, Server, type ServerOptions, type ServerResponse } from "node:http"
import { CurrentMeter } from "../operator/RequestMeter.ts"
import { answered, requestTrace } from "../operator/RequestTrace.ts"
import { AllowedOrigins, AnswerHeaders } from "./AnswerHeaders.ts"
import { type Answerer, answering, type Desk, type Incoming } from "./Answering.ts"
import type { Declaration, Endpoint } from "./Endpoint.ts"
import { type Fault, fault } from "./Fault.ts"
import * as Patience from "./Patience.ts"
import { Authentication } from "./Principal.ts"
import type { Rendered } from "./Rendered.ts"
import { fingerprinting } from "./RequestCommand.ts"

/** Bytes of a request body, at most; batches stream and are bounded by the line. */
const bodyBytesMax = 1024 * 1024

const tooLarge = fault(
  413,
  "KOINON.BODY_TOO_LARGE",
  "Body too large",
  `A request body has at most ${bodyBytesMax} bytes.`,
  {
    // What is left of it is not read, so the connection cannot be used again.
    headers: { connection: "close" }
  }
)
const unreadable = fault(
  400,
  "KOINON.BODY_UNREADABLE",
  "Body unreadable",
  "The request body could not be read to its end."
)

const readText =
  (request: IncomingMessage): Incoming["text"] =>
  (done) => {
    const chunks: Array<Buffer> = []
    let size = 0
    let told = false
    // Whoever is refused for sending too much may hang up in the middle of it.
    const tell = (text: string | Fault): void => {
      if (told) return
      told = true
      done(text)
    }
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size <= bodyBytesMax) chunks.push(chunk)
      else {
        request.removeAllListeners("data").removeAllListeners("end").resume()
        tell(tooLarge)
      }
    })
    request.on("end", () => {
      const [only] = chunks
      tell((chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)).toString("utf8"))
    })
    request.on("error", () => tell(unreadable))
  }

const send = (response: ServerResponse, every: ReadonlyArray<string>, { status, headers, body }: Rendered): void => {
  if (response.destroyed) return
  const lines = every.slice()
  for (const name in headers) lines.push(name, headers[name] ?? "")
  if (body === "") response.writeHead(status, lines).end()
  else {
    lines.push("content-length", String(Buffer.byteLength(body)))
    response.writeHead(status, lines).end(body)
  }
}

/** What the library answers: its own headers win. */
const prepare = (response: ServerResponse, every: ReadonlyArray<string>): void => {
  for (let at = 0; at < every.length; at += 2) response.setHeader(every[at] ?? "", every[at + 1] ?? "")
}

type Look = (request: IncomingMessage, response: ServerResponse) => boolean

/** Node's server with a first look at each request; what the look does not take goes the usual way. */
export class FrontServer extends Server {
  look: Look | undefined

  /** Clients that only offer another protocol (`Upgrade: h2c`) are answered in this one. */
  constructor(options: ServerOptions) {
    super({ ...options, shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === "websocket" })
  }

  override emit(event: string, ...given: Array<unknown>): boolean {
    if ((event === "request" || event === "checkContinue") && this.look !== undefined) {
      const [request, response] = given as Parameters<Look>
      if (this.look(request, response)) {
        // Who waits to be told is let go on, unless the answer is there already.
        if (event === "checkContinue" && !response.headersSent) response.writeContinue()
        return true
      }
    }
    return super.emit(event, ...given)
  }
}

interface Room {
  readonly declaration: Declaration<unknown, unknown, unknown>
  readonly answer: Answerer
}

/** Opens the front door for as long as the scope lasts. */
export const open = Effect.fn("FrontDoor.open")(function* <R>(
  server: FrontServer,
  endpoints: ReadonlyArray<Endpoint<R>>
) {
  const context = yield* Effect.context<R | Actors>()
  const clock = yield* Clock.Clock
  const meter = yield* CurrentMeter
  const tracing = yield* CurrentTracing
  const desk: Desk<R> = {
    actors: yield* Actors,
    authentication: yield* Authentication,
    patience: yield* Patience.make,
    meter,
    fingerprint: yield* fingerprinting,
    context,
    now: () => clock.currentTimeMillisUnsafe(),
    runFork: Effect.runForkWith(context)
  }
  const answerHeaders = new AnswerHeaders(yield* AllowedOrigins)
  const rooms = FindMyWay.make<Room>()
  for (const endpoint of endpoints) {
    const { declaration } = endpoint
    if (declaration.batch !== undefined) continue
    rooms.on(declaration.method, declaration.path, { declaration, answer: answering(endpoint, desk) })
  }

  const look: Look = (request, response) => {
    const { method = "", url = "/" } = request
    const found = rooms.find(method, url)
    if (found === undefined) {
      const preflight = answerHeaders.preflight(request)
      if (preflight === undefined) prepare(response, answerHeaders.of(request))
      else response.writeHead(204, preflight).end()
      return preflight !== undefined
    }
    const { declaration, answer } = found.handler
    const startedAt = performance.now()
    const headers = request.headers as Incoming["headers"]
    const trace = tracing === undefined ? undefined : requestTrace(tracing, declaration, headers["traceparent"])
    const text = readText(request)
    answer({ method, url, headers, text, trace }, found.params as Record<string, string>, (rendered) => {
      send(response, answerHeaders.of(request), rendered)
      meter.count(declaration, rendered.status, performance.now() - startedAt)
      if (trace !== undefined) answered(trace, rendered.status)
    })
    return true
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      server.look = look
    }),
    () =>
      Effect.sync(() => {
        server.look = undefined
      })
  )
})
