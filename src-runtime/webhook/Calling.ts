/**
 * One POST to an endpoint: within a few seconds, over a connection that is guarded (`Targets`), following no redirect, and
 * reading no more of the answer than is kept.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as http from "node:http"
import * as https from "node:https"
import type { Targets } from "./Targets.ts"

/** Of an answer's body; what comes after it is not read. */
const bodyBytesMax = 4_096
const headersMax = 32
const headerSizeMax = 512
/** Idle connections to one host that are kept for the next call. */
const idleSocketsMax = 32
/** What a receiver may ask to wait, at most. */
const retryAfterMostMs = 24 * 60 * 60_000

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Its beginning. */
  readonly body: string
  /** How long it asked to be left alone. */
  readonly retryAfterMs: number | undefined
}

/** A connection that was kept was closed by the other end, mostly before it read this: it is tried once more on a new one. */
const stale = "STALE"

/** What came of it: an answer, or why there was none. */
export type Called = Answered | { readonly failure: string }

export type Call = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  timeoutMs: number
) => Effect.Effect<Called>

const headersOf = (response: http.IncomingMessage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(response.headers)
      .slice(0, headersMax)
      .map(([name, value]) => [name, String(value).slice(0, headerSizeMax)])
  )

/** Seconds, or a date. */
const retryAfterOf = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined
  const waitMs = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(waitMs) ? undefined : Math.min(retryAfterMostMs, Math.max(0, waitMs))
}

const reasonOf = (error: Error): string => {
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  return code ?? error.message
}

/** Connections are kept for as long as the scope is open. */
export const make = Effect.fnUntraced(function* (targets: Targets) {
  const clock = yield* Clock.Clock
  // A bound on sockets is of a host, and would have one business's slow endpoints hold up another's there: what is under way
  // at once is bounded by the gates and the queue.
  const maxSockets = Number.POSITIVE_INFINITY
  const options = { keepAlive: true, maxSockets, maxFreeSockets: idleSocketsMax, lookup: targets.lookup }
  const agents = yield* Effect.acquireRelease(
    Effect.sync(() => ({ http: new http.Agent(options), https: new https.Agent(options) })),
    (open) => Effect.sync(() => [open.http, open.https].forEach((agent) => agent.destroy()))
  )

  const once = (
    url: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    isFresh: boolean
  ): Effect.Effect<Called | typeof stale> =>
    Effect.callback((resume) => {
      // An address that is written as numbers is not looked up when it is connected to.
      const objection = targets.objectionTo(url)
      if (objection !== undefined) return resume(Effect.succeed({ failure: objection }))
      const secure = url.startsWith("https:")
      const request = (secure ? https : http).request(url, {
        method: "POST",
        agent: isFresh ? false : secure ? agents.https : agents.http,
        lookup: targets.lookup,
        headers: { ...headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) }
      })
      let isOver = false
      const end = (called: Called | typeof stale): void => {
        if (isOver) return
        isOver = true
        resume(Effect.succeed(called))
      }
      request.on("error", (error) => {
        end(!isFresh && request.reusedSocket && reasonOf(error) === "ECONNRESET" ? stale : { failure: reasonOf(error) })
      })
      request.on("response", (response) => {
        const chunks: Array<Buffer> = []
        let bytes = 0
        const answered = (): void =>
          end({
            status: response.statusCode ?? 0,
            headers: headersOf(response),
            body: Buffer.concat(chunks).subarray(0, bodyBytesMax).toString("utf8"),
            retryAfterMs: retryAfterOf(response.headers["retry-after"], clock.currentTimeMillisUnsafe())
          })
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes < bodyBytesMax) return
          answered()
          request.destroy()
        })
        response.on("end", answered)
        response.on("error", (error) => end({ failure: reasonOf(error) }))
        response.on("close", () => end({ failure: "it closed before its answer was complete" }))
      })
      request.end(body)
      return Effect.sync(() => void request.destroy())
    })

  const call: Call = (url, headers, body, timeoutMs) =>
    Effect.flatMap(once(url, headers, body, false), (called) =>
      called === stale ? (once(url, headers, body, true) as Effect.Effect<Called>) : Effect.succeed(called)
    ).pipe(
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.succeed<Called>({ failure: `it took longer than ${timeoutMs} ms` })
      })
    )
  return call
})
