/**
 * Answers declared endpoints: who asks, what exactly was sent, which command id it makes, and the answer or the problem.
 * It validates everything before a handler sees anything, names every fault it finds, and never answers with a stack.
 *
 *     caller → parameters and body → command id → handler → answer | problem+json
 */
import type { Actors, Answered } from "#runtime/actor/Actors.ts"
import { type Trace, traced } from "#runtime/observability/Trace.ts"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import { CurrentMeter, type RequestMeter } from "../operator/RequestMeter.ts"
import { askOf, settled } from "./Asking.ts"
import { logDefect } from "./Defect.ts"
import {
  type Call,
  type Endpoint,
  type HandlerError,
  type Later,
  type Question,
  reasonOf,
  type Reply,
  toFault
} from "./Endpoint.ts"
import { type Fault, internal, invalidField } from "./Fault.ts"
import { answeredInTime, answeredLater, answerWithinMs, durable } from "./Later.ts"
import type { Patience } from "./Patience.ts"
import type { Authentication, Principal } from "./Principal.ts"
import { type RateLimit, taken } from "./RateLimit.ts"
import { type Rendered, renderAccepted, renderProblem, renderReply } from "./Rendered.ts"
import { commandOf, type Fingerprint } from "./RequestCommand.ts"
import { settle } from "./Settled.ts"
import { decoderOf, NoFields, parseJson } from "./Validation.ts"

/** A request, whatever carried it here. */
export interface Incoming {
  readonly method: string
  /** Path and query. */
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Reads the whole body, or says why it cannot be read. */
  readonly text: (done: (text: string | Fault) => void) => void
  /** Where it is traced. */
  readonly trace?: Trace | undefined
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

const nothing = Result.succeed(undefined)

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
    if (failure._tag === "Some") {
      return Effect.map(CurrentMeter, (meter) => {
        meter.refused(reasonOf(failure.value))
        return problem(toFault(failure.value))
      })
    }
    if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
    return Effect.as(logDefect("a handler died", cause), problem(internal))
  })

type Params = Call<unknown, unknown>["params"]

/** What requests are answered with: the actors, who may ask them, and how to run what has to wait. */
export interface Desk<R> {
  readonly actors: Actors["Service"]
  readonly authentication: Authentication["Service"]
  readonly patience: Patience
  readonly meter: RequestMeter
  readonly fingerprint: Fingerprint
  /** What a business may send, if that is limited. */
  readonly rateLimit: RateLimit | undefined
  readonly now: () => number
  readonly context: Context.Context<R | Actors>
  readonly runFork: <A, E>(effect: Effect.Effect<A, E, R | Actors>) => Fiber.Fiber<A, E>
}

/** Answers one request: `done` is called once. */
export type Answerer = (request: Incoming, params: Params, done: (rendered: Rendered) => void) => void

/** The endpoint as it answers requests: in plain calls as far as nothing has to be waited for but the actor. */
export const answering = <R>(endpoint: Endpoint<R>, desk: Desk<R>): Answerer => {
  const { declaration, handle, question } = endpoint
  const { actors, authentication, fingerprint, patience, meter, rateLimit, now } = desk
  const decodeQuery = decoderOf(declaration.query ?? NoFields, "")
  const noQuery = decodeQuery({})
  const writes = declaration.method !== "GET"
  const takesBody = writes || declaration.body !== undefined
  const decodeBody = decoderOf(declaration.body ?? NoFields, "")

  /** All that has to be right before a handler is called. */
  const understand = (
    request: Incoming,
    params: Params,
    principal: Principal,
    text: string
  ): Result.Result<Call<unknown, unknown>, Fault> => {
    const { headers, method, url } = request
    if (url.includes("%00")) return Result.fail(invalidField("/", "No NUL character (%00) stands in an address."))
    const query = url.includes("?") ? decodeQuery(queryOf(url)) : noQuery
    if (Result.isFailure(query)) return Result.fail(query.failure)
    // Where nothing is declared, whoever sends something means more by it than would be done.
    const parsed = takesBody ? parseJson(text) : nothing
    if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
    const body = takesBody ? decodeBody(parsed.success) : nothing
    if (Result.isFailure(body)) return Result.fail(body.failure)
    const identity = declaration.identityOf?.(body.success, principal.caller)
    const key = headers["idempotency-key"]
    const asked = `${method} ${pathOf(url)}\n${text}`
    const command = commandOf({ principal, key, identity, asked, fingerprint })
    if (Result.isFailure(command)) return Result.fail(command.failure)
    const expectedSeq = writes ? expectedSeqOf(headers["if-match"]) : nothing
    if (Result.isFailure(expectedSeq)) return Result.fail(expectedSeq.failure)
    return Result.succeed({
      principal,
      params,
      query: query.success,
      body: body.success,
      commandId: command.success.commandId,
      fingerprint: command.success.fingerprint,
      expectedSeq: expectedSeq.success,
      deadlineAt: now() + answerWithinMs,
      trace: request.trace
    })
  }

  /** Through the handler, on a fiber. */
  const handled = (request: Incoming, call: Call<unknown, unknown>) => {
    const rendered = (reply: Reply<unknown> | Later): Rendered => renderReply(declaration, reply)
    if (!writes) return Effect.map(handle(call), rendered)
    const waiting = prefersLater(request.headers["prefer"]) ? answeredLater : answeredInTime
    return Effect.map(waiting({ ...call, business: call.principal.business }, handle(call)), rendered)
  }

  return (request, params, answer) => {
    let done = answer
    const { trace } = request
    const runFork: Desk<R>["runFork"] =
      trace === undefined ? desk.runFork : (effect) => desk.runFork(traced(trace, effect))
    const problem = (found: Fault, reason: string = found.code): void => {
      meter.refused(reason)
      done(renderProblem(found, pathOf(request.url)))
    }
    const failed = (cause: Cause.Cause<HandlerError>): void => {
      const failure = Cause.findErrorOption(cause)
      if (failure._tag === "Some") return problem(toFault(failure.value), reasonOf(failure.value))
      if (!Cause.hasInterruptsOnly(cause)) runFork(logDefect("a handler died", cause))
      problem(internal)
    }
    /** A step of the way, and the end of it for whoever asks if it goes wrong. */
    const then =
      <A>(step: (value: A) => void) =>
      (exit: Exit.Exit<A, HandlerError>): void => {
        if (Exit.isFailure(exit)) return failed(exit.cause)
        try {
          step(exit.value)
        } catch (defect) {
          failed(Cause.die(defect))
        }
      }

    /** Without a handler: the door asks, and renders the answer when it comes. */
    const ask = (call: Call<unknown, unknown>, { key, command, body }: Question<unknown>): void => {
      const { business } = call.principal
      const giveUp = (): void =>
        settle(
          durable({ ...call, business }),
          runFork,
          then((operation) => done(renderAccepted(operation)))
        )
      const stillWaited = patience.wait(call.deadlineAt, giveUp)
      actors.askWith(askOf(call, key, command, { expectedSeq: call.expectedSeq }), (reply) => {
        if (!stillWaited()) return
        const answered = then(({ answer, replayed, seq }: Answered) =>
          done(renderReply(declaration, { body: body(answer), replayed, seq }))
        )
        settle(settled(reply), runFork, answered)
      })
    }

    const proceed = (principal: Principal, text: string): void => {
      const understood = understand(request, params, principal, text)
      if (Result.isFailure(understood)) return problem(understood.failure)
      const call = understood.success
      if (question === undefined || prefersLater(request.headers["prefer"])) {
        return settle(handled(request, call), runFork, then(done))
      }
      settle(
        question(call, desk.context),
        runFork,
        then((asked) => ask(call, asked))
      )
    }

    const start = then((principal: Principal) => {
      if (!writes) return proceed(principal, "")
      request.text((text) =>
        typeof text === "string" ? then((body: string) => proceed(principal, body))(Exit.succeed(text)) : problem(text)
      )
    })
    const limited = (limit: RateLimit, principal: Principal): void => {
      const { id } = principal.business
      limit.admit(id, (waitMs) => {
        done = (rendered) => answer(limit.told(id, rendered))
        if (waitMs === taken) start(Exit.succeed(principal))
        else problem(limit.fault(waitMs))
      })
    }
    const admitted = rateLimit === undefined ? start : then((principal: Principal) => limited(rateLimit, principal))
    settle(authentication.authenticate(request.headers, declaration.access), runFork, admitted)
  }
}
