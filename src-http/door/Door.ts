/**
 * The doors on the library's router: batches, which stream, files, and the answer to whatever nobody serves. All other declared
 * endpoints are answered by `FrontDoor` before a request gets here.
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import { timeOrderedUuid } from "#runtime/actor/Naming.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { IncomingMessage } from "node:http"
import { metered } from "../operator/RequestMeter.ts"
import { plainHeaders } from "./AnswerHeaders.ts"
import { guarded, pathOf, queryOf } from "./Answering.ts"
import { CurrentServer } from "./Connections.ts"
import type { Call, Declaration, Endpoint, HandlerError } from "./Endpoint.ts"
import { type Fault, fault, invalidField } from "./Fault.ts"
import { verdicts } from "./Lines.ts"
import { Authentication } from "./Principal.ts"
import { type Rendered, renderProblem, renderReply } from "./Rendered.ts"
import { fingerprinting } from "./RequestCommand.ts"
import { CurrentGate, priorityOf } from "./Shedding.ts"
import { answerUpload } from "./Uploads.ts"
import { decoderOf, NoFields } from "./Validation.ts"

const responseOf = ({ status, headers, body }: Rendered): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(body, {
    status,
    // Also here: the refusal of an upgrade passes nobody else.
    headers: { ...plainHeaders, ...headers },
    ...(headers["content-type"] && { contentType: headers["content-type"] })
  })

/** A route of the library's whose every way out is an answer. */
export const guardedRoute = <R>(
  effect: Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>,
  instance: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R> =>
  guarded(effect, (problem) => responseOf(renderProblem(problem, instance)))

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
  const fingerprint = yield* fingerprinting
  const traceparent = request.headers["traceparent"]
  const lines = verdicts(endpoint, request.stream, { ...call, fingerprint, path: pathOf(request.url), traceparent })
  const { source } = request
  const body = source instanceof IncomingMessage ? (yield* CurrentServer)?.streams(source) : undefined
  const watched = lines.pipe(
    Stream.map((verdict) => {
      body?.moved()
      return verdict
    }),
    Stream.ensuring(Effect.sync(() => body?.ended()))
  )
  return HttpServerResponse.stream(Stream.provideContext(watched, context), { contentType: "application/x-ndjson" })
})

const routed = <R>(
  declaration: Declaration<unknown, unknown, unknown>,
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, HandlerError, R>
) =>
  HttpRouter.route(declaration.method, declaration.path, metered(declaration, guardedRoute(answer, declaration.path)))

/** Who asks, and for what, of whoever is let in and has said who it is. */
const admission = (declaration: Declaration<unknown, unknown, unknown>) => {
  const decodeQuery = decoderOf(declaration.query ?? NoFields, "")
  const priority = priorityOf(declaration)
  return Effect.gen(function* () {
    const full = (yield* CurrentGate).refuses(priority)
    if (full !== undefined) return yield* Effect.fail(full)
    const request = yield* HttpServerRequest.HttpServerRequest
    const params = (yield* HttpRouter.params) as Call<unknown, unknown>["params"]
    const authentication = yield* Authentication
    const principal = yield* authentication.authenticate(request.headers, declaration.access)
    const query = yield* Effect.fromResult(decodeQuery(queryOf(request.url)))
    return { request, principal, params, query }
  })
}

const batchRoute = <R>(endpoint: Endpoint<R>) => {
  const { declaration } = endpoint
  const admitted = admission(declaration)
  const answer = Effect.gen(function* () {
    const { request, ...caller } = yield* admitted
    return yield* batchOf(endpoint, request, caller)
  })
  return routed(declaration, answer)
}

const uploadRoute = <R>(endpoint: Endpoint<R>) => {
  const { declaration } = endpoint
  const answer = Effect.map(answerUpload(endpoint), (reply) => responseOf(renderReply(declaration, reply)))
  return routed(declaration, answer)
}

/** What a file takes to be made, at most. */
const handledWithinMs = 30_000

/** The handler makes the whole answer. */
const fileRoute = <R>(endpoint: Endpoint<R>) => {
  const { declaration, handle } = endpoint
  const admitted = admission(declaration)
  const answer = Effect.gen(function* () {
    const { principal, params, query } = yield* admitted
    const now = yield* Clock.currentTimeMillis
    const call = { principal, params, query, body: undefined, commandId: timeOrderedUuid(now), fingerprint: "" }
    const reply = yield* handle({ ...call, expectedSeq: undefined, deadlineAt: now + handledWithinMs })
    return (reply as { readonly body: unknown }).body as HttpServerResponse.HttpServerResponse
  })
  return routed(declaration, answer)
}

/** What no route answers: 405 with the methods that exist, or 404. */
const fallback = <R>(endpoints: ReadonlyArray<Endpoint<R>>) => {
  const patterns = endpoints.map(({ declaration }) => ({
    method: declaration.method,
    pattern: new RegExp(`^${declaration.path.replaceAll(/:[a-z_]+/g, "[^/]+")}$`)
  }))
  const problemOf = (path: string): Fault => {
    const allowed = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))]
    return allowed.length === 0
      ? fault(404, "CRM.EXCEPTIONS.NOTFOUNDEXCEPTION", "Not found", `Nothing is served at ${path}; see /docs.`)
      : fault(405, "KOINON.METHOD_NOT_ALLOWED", "Method not allowed", `${path} takes ${allowed.join(", ")}.`, {
          headers: { allow: allowed.join(", ") }
        })
  }
  const route = { method: "*", path: "unmatched" }
  return HttpRouter.route("*", "/*", (request: HttpServerRequest.HttpServerRequest) => {
    const path = pathOf(request.url)
    return metered(
      route,
      Effect.sync(() => responseOf(renderProblem(problemOf(path), path)))
    )
  })
}

/** Routes for what streams, and the answer to everything that is not served. */
export const layer = <R>(endpoints: ReadonlyArray<Endpoint<R>>) =>
  HttpRouter.addAll([
    ...endpoints.filter(({ declaration }) => declaration.batch !== undefined).map(batchRoute),
    ...endpoints.filter(({ declaration }) => declaration.upload !== undefined).map(uploadRoute),
    ...endpoints.filter(({ declaration }) => declaration.file !== undefined).map(fileRoute),
    fallback(endpoints)
  ])
