/**
 * Serves declared endpoints: who asks, what exactly was sent, which command id it makes, and the answer or the problem.
 * It validates everything before a handler sees anything, names every fault it finds, and never answers with a stack.
 *
 *     route → caller → parameters and body → command id → handler → answer | problem+json
 *
 * It serves from the declarations itself rather than through HttpApiBuilder, which costs 88 µs a request against 51 µs
 * here on the same route and machine (bench/README.md); the description and docs still come from HttpApi.
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { metered } from "../operator/RequestMeter.ts"
import { type Operation, operationPath } from "../resource/Operation.ts"
import { type Call, type Declaration, type Endpoint, type HandlerError, type Reply, toFault } from "./Endpoint.ts"
import { type Fault, fault, internal, invalidField, problemJson } from "./Fault.ts"
import { answeredInTime, answeredLater, answerWithinMs } from "./Later.ts"
import { verdicts } from "./Lines.ts"
import { Authentication } from "./Principal.ts"
import { commandOf } from "./RequestCommand.ts"
import { decoderOf, NoFields, parseJson } from "./Validation.ts"

/** Bytes of a request body, at most; batches stream and are bounded by the line. */
const bodyBytesMax = 1024 * 1024
const bodySizeMax = ByteSize.bytes(bodyBytesMax)

/** `?a=1&a=2` keeps both; a lone one is a string. */
const queryOf = (url: string): Record<string, string | ReadonlyArray<string>> => {
  const at = url.indexOf("?")
  if (at < 0) return {}
  const query: Record<string, string | Array<string>> = {}
  for (const [name, value] of new URLSearchParams(url.slice(at + 1))) {
    const known = query[name]
    if (known === undefined) query[name] = value
    else if (typeof known === "string") query[name] = [known, value]
    else known.push(value)
  }
  return query
}

const respond = (problem: Fault, instance: string): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(problemJson(problem, instance), {
    status: problem.status,
    contentType: "application/problem+json",
    headers: {
      ...problem.headers,
      ...(problem.retryAfterSeconds === undefined ? {} : { "retry-after": String(problem.retryAfterSeconds) })
    }
  })

/** Taken over: the write is durable and goes on; here is where to look for its end. */
const accepted = (operation: Operation): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(JSON.stringify(operation), {
    status: 202,
    contentType: "application/json",
    headers: { location: operationPath(operation.id) }
  })

const prefersLater = (preference: string | undefined): boolean =>
  preference?.split(",").some((each) => each.trim().toLowerCase() === "respond-async") ?? false

const answerOf = (
  declaration: Declaration<unknown, unknown, unknown>,
  reply: Reply<unknown>
): HttpServerResponse.HttpServerResponse => {
  const headers: Record<string, string> = {}
  if (reply.seq !== undefined && reply.seq > 0) headers["etag"] = `"${reply.seq}"`
  if (reply.replayed === true) headers["idempotency-replayed"] = "true"
  if (declaration.status === 204) return HttpServerResponse.empty({ status: 204, headers })
  return HttpServerResponse.text(JSON.stringify(reply.body ?? {}), {
    status: declaration.status,
    contentType: "application/json",
    headers
  })
}

const readBody = (request: HttpServerRequest.HttpServerRequest): Effect.Effect<string, Fault> =>
  Effect.mapError(Effect.provideService(request.text, HttpIncomingMessage.MaxBodySize, bodySizeMax), (error) =>
    error.reason._tag === "RequestParseError" && error.reason.reason === "BodyTooLarge"
      ? fault(413, "KOINON.BODY_TOO_LARGE", "Body too large", `A request body has at most ${bodyBytesMax} bytes.`)
      : fault(400, "KOINON.BODY_UNREADABLE", "Body unreadable", "The request body could not be read to its end.")
  )

const expectedSeqOf = (header: string | undefined): Result.Result<number | undefined, Fault> => {
  if (header === undefined || header === "*") return Result.succeed(undefined)
  const match = /^"(\d{1,9})"$/.exec(header)
  return match === null
    ? Result.fail(invalidField("If-Match", 'A single strong entity tag as sent in ETag, such as "12".'))
    : Result.succeed(Number(match[1]))
}

const route = <R>(endpoint: Endpoint<R>) => {
  const { declaration, handle } = endpoint
  const decodeQuery = decoderOf(declaration.query ?? NoFields, "")
  const decodeBody = decoderOf(declaration.body, "")
  const writes = declaration.method !== "GET"

  const call = (request: HttpServerRequest.HttpServerRequest, params: Call<unknown, unknown>["params"]) =>
    Effect.gen(function* () {
      const { headers, method } = request
      const path = pathOf(request.url)
      const authentication = yield* Authentication
      const principal = yield* authentication.authenticate(headers, declaration.access)
      const query = yield* Effect.fromResult(decodeQuery(queryOf(request.url)))
      if (declaration.batch !== undefined) return yield* batchOf(endpoint, request, { principal, params, query })
      const text = writes ? yield* readBody(request) : ""
      const parsed = declaration.body === undefined ? undefined : yield* Effect.fromResult(parseJson(text))
      const body = yield* Effect.fromResult(decodeBody(parsed))
      const identity = declaration.identityOf?.(body, principal.caller)
      const key = headers["idempotency-key"]
      const command = yield* Effect.fromResult(
        commandOf({ principal, key, identity, asked: `${method} ${path}\n${text}` })
      )
      const expectedSeq = yield* Effect.fromResult(expectedSeqOf(writes ? headers["if-match"] : undefined))
      const clock = yield* Clock.Clock
      const deadlineAt = clock.currentTimeMillisUnsafe() + answerWithinMs
      const handled = handle({ principal, params, query, body, ...command, expectedSeq, deadlineAt })
      if (!writes) return answerOf(declaration, yield* handled)
      const waiting = prefersLater(headers["prefer"]) ? answeredLater : answeredInTime
      const reply = yield* waiting({ business: principal.business, ...command }, handled)
      return "later" in reply ? accepted(reply.later) : answerOf(declaration, reply)
    })

  return HttpRouter.route(
    declaration.method,
    declaration.path,
    Effect.gen(function* () {
      const request = yield* HttpServerRequest.HttpServerRequest
      const params = (yield* HttpRouter.params) as Call<unknown, unknown>["params"]
      return yield* metered(declaration, guarded(call(request, params), pathOf(request.url)))
    })
  )
}

/** The body is answered while it arrives, line by line. */
const batchOf = Effect.fnUntraced(function* <R>(
  endpoint: Endpoint<R>,
  request: HttpServerRequest.HttpServerRequest,
  call: Pick<Call<unknown, unknown>, "principal" | "params" | "query">
) {
  if (request.headers["idempotency-key"] !== undefined) {
    return yield* Effect.fail(invalidField("Idempotency-Key", "Each line names itself; a batch has no key of its own."))
  }
  const context = yield* Effect.context<R | Actors>()
  const lines = verdicts(endpoint, request.stream, { ...call, path: pathOf(request.url) })
  return HttpServerResponse.stream(Stream.provideContext(lines, context), { contentType: "application/x-ndjson" })
})

const pathOf = (url: string): string => {
  const at = url.indexOf("?")
  return at < 0 ? url : url.slice(0, at)
}

/** Every way out of a handler becomes a response; a defect is logged with its cause and answered without it. */
export const guarded = <R>(
  effect: Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>,
  instance: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  Effect.catchCause(effect, (cause) => {
    const failure = Cause.findErrorOption(cause)
    if (failure._tag === "Some") return Effect.succeed(respond(toFault(failure.value), instance))
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    return Effect.as(Effect.logError("a handler died", cause), respond(internal, instance))
  })

/** What no route answers: 405 with the methods that exist, or 404. */
const fallback = <R>(endpoints: ReadonlyArray<Endpoint<R>>) => {
  const patterns = endpoints.map(({ declaration }) => ({
    method: declaration.method,
    pattern: new RegExp(`^${declaration.path.replaceAll(/:[a-z_]+/g, "[^/]+")}$`)
  }))
  const route = { method: "*", path: "unmatched" }
  return HttpRouter.route("*", "/*", (request: HttpServerRequest.HttpServerRequest) =>
    metered(
      route,
      Effect.sync(() => {
        const path = pathOf(request.url)
        const allowed = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
        return respond(
          allowed.length === 0
            ? fault(404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION", "Not found", `Nothing is served at ${path}; see /docs.`)
            : fault(405, "KOINON.METHOD_NOT_ALLOWED", "Method not allowed", `${path} takes ${allowed.join(", ")}.`, {
                headers: { allow: allowed.join(", ") }
              }),
          path
        )
      })
    )
  )
}

/** Routes for all endpoints, with the answer to everything else. */
export const layer = <R>(endpoints: ReadonlyArray<Endpoint<R>>) =>
  HttpRouter.addAll([...endpoints.map(route), fallback(endpoints)])
