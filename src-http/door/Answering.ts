/**
 * Answers declared endpoints: who asks, what exactly was sent, which command id it makes, and the answer or the problem.
 * It validates everything before a handler sees anything, names every fault it finds, and never answers with a stack.
 *
 *     caller → parameters and body → command id → handler → answer | problem+json
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Call, type Endpoint, type HandlerError, toFault } from "./Endpoint.ts"
import { type Fault, internal, invalidField } from "./Fault.ts"
import { answeredInTime, answeredLater, answerWithinMs } from "./Later.ts"
import { Authentication, type Principal } from "./Principal.ts"
import { type Rendered, renderAccepted, renderProblem, renderReply } from "./Rendered.ts"
import { commandOf } from "./RequestCommand.ts"
import { decoderOf, NoFields, parseJson } from "./Validation.ts"

/** A request, whatever carried it here. */
export interface Incoming {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The whole body, read when it is needed. */
  readonly text: Effect.Effect<string, Fault>
}

/** `?a=1&a=2` keeps both; a lone one is a string. */
export const queryOf = (url: string): Record<string, string | ReadonlyArray<string>> => {
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

const prefersLater = (preference: string | undefined): boolean =>
  preference?.split(",").some((each) => each.trim().toLowerCase() === "respond-async") ?? false

const expectedSeqOf = (header: string | undefined): Result.Result<number | undefined, Fault> => {
  if (header === undefined || header === "*") return Result.succeed(undefined)
  const match = /^"(\d{1,9})"$/.exec(header)
  return match === null
    ? Result.fail(invalidField("If-Match", 'A single strong entity tag as sent in ETag, such as "12".'))
    : Result.succeed(Number(match[1]))
}

export const pathOf = (url: string): string => {
  const at = url.indexOf("?")
  return at < 0 ? url : url.slice(0, at)
}

/** Every way out of a handler becomes an answer; a defect is logged with its cause and answered without it. */
export const guarded = <A, R>(
  effect: Effect.Effect<A, HandlerError, R>,
  problem: (fault: Fault) => A
): Effect.Effect<A, never, R> =>
  Effect.catchCause(effect, (cause) => {
    const failure = Cause.findErrorOption(cause)
    if (failure._tag === "Some") return Effect.succeed(problem(toFault(failure.value)))
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    return Effect.as(Effect.logError("a handler died", cause), problem(internal))
  })

type Params = Call<unknown, unknown>["params"]

/** The endpoint as a function from request to answer. */
export const answering = <R>(
  endpoint: Endpoint<R>
): ((request: Incoming, params: Params) => Effect.Effect<Rendered, never, R | Actors | Authentication>) => {
  const { declaration, handle } = endpoint
  const decodeQuery = decoderOf(declaration.query ?? NoFields, "")
  const decodeBody = decoderOf(declaration.body, "")
  const writes = declaration.method !== "GET"

  /** All that has to be right before a handler is called; plain code, because every request pays for it. */
  const understand = (request: Incoming, principal: Principal, text: string) =>
    Result.gen(function* () {
      const { headers, method, url } = request
      const query = yield* decodeQuery(queryOf(url))
      const parsed = declaration.body === undefined ? undefined : yield* parseJson(text)
      const body = yield* decodeBody(parsed)
      const identity = declaration.identityOf?.(body, principal.caller)
      const key = headers["idempotency-key"]
      const command = yield* commandOf({ principal, key, identity, asked: `${method} ${pathOf(url)}\n${text}` })
      const expectedSeq = yield* expectedSeqOf(writes ? headers["if-match"] : undefined)
      return { principal, query, body, ...command, expectedSeq }
    })

  const answered = (request: Incoming, call: Call<unknown, unknown>) => {
    const handled = handle(call)
    if (!writes) return Effect.map(handled, (reply) => renderReply(declaration, reply))
    const waiting = prefersLater(request.headers["prefer"]) ? answeredLater : answeredInTime
    return Effect.map(waiting({ ...call, business: call.principal.business }, handled), (reply) =>
      "later" in reply ? renderAccepted(reply.later) : renderReply(declaration, reply)
    )
  }

  const call = Effect.fnUntraced(function* (request: Incoming, params: Call<unknown, unknown>["params"]) {
    const authentication = yield* Authentication
    const principal = yield* authentication.authenticate(request.headers, declaration.access)
    const text = writes ? yield* request.text : ""
    const understood = understand(request, principal, text)
    if (Result.isFailure(understood)) return yield* Effect.fail(understood.failure)
    const clock = yield* Clock.Clock
    const deadlineAt = clock.currentTimeMillisUnsafe() + answerWithinMs
    return yield* answered(request, { ...understood.success, params, deadlineAt })
  })

  return (request, params) => guarded(call(request, params), (problem) => renderProblem(problem, pathOf(request.url)))
}
