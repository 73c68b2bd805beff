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
import { isUtf8 } from "node:buffer"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { CurrentMeter } from "../operator/RequestMeter.ts"
import { answered, requestTrace } from "../operator/RequestTrace.ts"
import { AllowedOrigins, AnswerHeaders } from "./AnswerHeaders.ts"
import { type Answerer, answering, type Desk, type Incoming, pathOf } from "./Answering.ts"
import { BoundedServer } from "./Connections.ts"
import type { Declaration, Endpoint } from "./Endpoint.ts"
import { type Fault, fault } from "./Fault.ts"
import { HeldRefusals } from "./HeldRefusals.ts"
import * as Patience from "./Patience.ts"
import { Authentication } from "./Principal.ts"
import { CurrentRateLimit } from "./RateLimit.ts"
import { type Rendered, renderProblem } from "./Rendered.ts"
import { fingerprinting } from "./RequestCommand.ts"
import { CurrentGate, type Priority, priorityOf } from "./Shedding.ts"
import { notUtf8 } from "./Validation.ts"

/** Bytes of a request body, at most; batches stream and are bounded by the line. */
const bodyBytesMax = 1024 * 1024

/** Bytes of bodies on their way, of all requests together. */
const bodyBytesHeldMax = 64 * 1024 * 1024
/** Bytes of a refused request's body that are read away, so that the connection can be used again. */
const bodyLeftMax = 64 * 1024

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
const tooManyBodies = fault(
  503,
  "KOINON.BODIES_TOO_MANY",
  "Too many large bodies at once",
  `Bodies on their way hold ${bodyBytesHeldMax} bytes of this runner at most; nothing took effect. Try again after Retry-After.`,
  { headers: { connection: "close" }, retryAfterSeconds: 1 }
)
const unreadable = fault(
  400,
  "KOINON.BODY_UNREADABLE",
  "Body unreadable",
  "The request body could not be read to its end."
)

/** Said while the server goes: by then the library's routes would say that nobody is here for such a request. */
const closing = renderProblem(
  fault(
    503,
    "KOINON.UNAVAILABLE",
    "Closing",
    "This server is about to stop; ask again, at another one if there is one.",
    {
      retryAfterSeconds: 1,
      headers: { connection: "close" }
    }
  ),
  "/"
)

/** Bytes of bodies that have begun to arrive and are not whole yet, of all requests. */
let bodyBytesHeld = 0

/** Reads the body; `arrived` is told that it is whole. */
const readText =
  (request: IncomingMessage, arrived: () => void): Incoming["text"] =>
  (done) => {
    const chunks: Array<Buffer> = []
    let size = 0
    let told = false
    // Whoever is refused for sending too much may hang up in the middle of it.
    const tell = (text: string | Fault): void => {
      if (told) return
      told = true
      bodyBytesHeld -= size
      done(text)
    }
    const stop = (problem: Fault): void => {
      request.removeAllListeners("data").removeAllListeners("end").resume()
      tell(problem)
    }
    request.on("data", (chunk: Buffer) => {
      size += chunk.length
      bodyBytesHeld += chunk.length
      if (size > bodyBytesMax) stop(tooLarge)
      else if (bodyBytesHeld > bodyBytesHeldMax) stop(tooManyBodies)
      else chunks.push(chunk)
    })
    request.on("end", () => {
      arrived()
      const [only] = chunks
      const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
      tell(isUtf8(body) ? body.toString("utf8") : notUtf8)
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

const refuse = (request: IncomingMessage, response: ServerResponse, every: AnswerHeaders, problem: Fault): void => {
  const { headers, ...rest } = renderProblem(problem, pathOf(request.url ?? "/"))
  // A body that nobody will read is not waited for, unless it is so short that it is here.
  const isShort = Number(request.headers["content-length"] ?? 0) <= bodyLeftMax
  const ends = !isShort || request.headers["transfer-encoding"] !== undefined
  send(response, every.of(request), { ...rest, headers: ends ? { ...headers, connection: "close" } : headers })
}

/** Node's server within its bounds, with a first look at each request; what the look does not take goes the usual way. */
export class FrontServer extends BoundedServer {
  look: Look | undefined

  answerHeaders = new AnswerHeaders([])

  override emit(event: string, ...given: Array<unknown>): boolean {
    if (event === "connection" && this.turnsAway(given[0] as Socket)) return true
    if (event === "upgrade" && this.takeUpgrade?.(...(given as [IncomingMessage, Socket, Buffer])) === true) return true
    if (event === "request" || event === "checkContinue") {
      const [request, response] = given as Parameters<Look>
      const problem = this.faultOf(request, response)
      if (problem !== undefined) {
        refuse(request, response, this.answerHeaders, problem)
        return true
      }
      if (this.look?.(request, response) === true) return true
    }
    return super.emit(event, ...given)
  }
}

interface Room {
  readonly declaration: Declaration<unknown, unknown, unknown>
  readonly answer: Answerer
  readonly priority: Priority
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
  const gate = yield* CurrentGate
  const held = new HeldRefusals()
  const desk: Desk<R> = {
    actors: yield* Actors,
    authentication: yield* Authentication,
    patience: yield* Patience.make,
    meter,
    fingerprint: yield* fingerprinting,
    rateLimit: yield* CurrentRateLimit,
    context,
    now: () => clock.currentTimeMillisUnsafe(),
    runFork: Effect.runForkWith(context)
  }
  const answerHeaders = new AnswerHeaders(yield* AllowedOrigins)
  const rooms = FindMyWay.make<Room>()
  for (const endpoint of endpoints) {
    const { declaration } = endpoint
    const { batch, upload, file } = declaration
    if (batch !== undefined || upload !== undefined || file !== undefined) continue
    rooms.on(declaration.method, declaration.path, {
      declaration,
      answer: answering(endpoint, desk),
      priority: priorityOf(declaration)
    })
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
    const { declaration, answer, priority } = found.handler
    const startedAt = performance.now()
    const full = gate.refuses(priority)
    if (full !== undefined) {
      const turnAway = (): void => {
        refuse(request, response, answerHeaders, full)
        meter.count(declaration, full.status, performance.now() - startedAt)
      }
      if (gate.isLate) held.hold(turnAway)
      else turnAway()
      return true
    }
    let underWay = false
    // What has not arrived waits for its sender, and keeps nobody else waiting.
    const begin = (): void => {
      underWay = true
      gate.begin()
    }
    if (method === "GET") begin()
    const headers = request.headers as Incoming["headers"]
    const trace = tracing === undefined ? undefined : requestTrace(tracing, declaration, headers["traceparent"])
    const whole = readText(request, begin)
    // Whoever asks first whether to send the body is told only now that it is wanted.
    const text: Incoming["text"] =
      headers["expect"] === undefined
        ? whole
        : (done) => {
            response.writeContinue()
            whole(done)
          }
    answer({ method, url, headers, text, trace }, found.params as Record<string, string>, (rendered) => {
      if (underWay) gate.leave()
      send(response, answerHeaders.of(request), rendered)
      meter.count(declaration, rendered.status, performance.now() - startedAt)
      if (trace !== undefined) answered(trace, rendered.status)
    })
    return true
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      server.look = look
      server.answerHeaders = answerHeaders
    }),
    () =>
      Effect.sync(() => {
        held.release()
        server.look = (request, response) => {
          if (rooms.find(request.method ?? "", request.url ?? "/") === undefined) return false
          request.resume()
          send(response, answerHeaders.of(request), closing)
          return true
        }
      })
  )
})
