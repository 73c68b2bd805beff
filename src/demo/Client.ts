/**
 * The HTTP door as tills, back offices and apps use it: requests and answers are typed by the operation's declaration, and
 * an answer that is not what the declaration promises ends the demo. A refusal is an answer like any other.
 */
import type { Declaration } from "#http/door/Endpoint.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** The demo cannot go on; the message says why. */
export class DemoStopped extends Schema.TaggedError<DemoStopped>()("DemoStopped", { message: Schema.String }) {}

/** Longer than any answer takes that is not lost. */
const answerTimeoutMs = 15_000

const Problem = Schema.Struct({
  status: Schema.Int,
  error: Schema.String,
  detail: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Unknown)
})
export type Problem = typeof Problem.Type

/** A secret key, or a contact's token. */
export type Caller = { readonly apiKey: string } | { readonly token: string }

export interface Answered<Success> {
  readonly outcome: Result.Result<Success, Problem>
  readonly elapsedMs: number
}

interface Asked<Body> {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Body
}

const decodeProblem = Schema.decodeUnknownSync(Problem)

/** Of a failed fetch the cause says more than the failure. */
const reasonOf = (cause: unknown): string => {
  const deepest = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  return deepest instanceof Error ? deepest.message || deepest.name : String(deepest)
}

const send = (url: string) =>
  Effect.fnUntraced(function* <Query, Body, Success>(
    declaration: Declaration<Query, Body, Success>,
    caller: Caller,
    { params = {}, query = {}, body }: Asked<NoInfer<Body>> = {}
  ): Effect.fn.Return<Answered<Success>, DemoStopped> {
    const { method, success } = declaration
    const path = declaration.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""))
    const search = new URLSearchParams(query).toString()
    const headers: Record<string, string> = {
      ...("apiKey" in caller ? { api_key: caller.apiKey } : { authorization: `Bearer ${caller.token}` }),
      ...(body !== undefined && { "content-type": "application/json" })
    }
    const stopped = (what: string) => new DemoStopped({ message: `${method} ${url}${path}: ${what}` })
    const startedAt = performance.now()
    const { ok, text } = yield* Effect.tryPromise({
      try: async (signal) => {
        const answer = await fetch(`${url}${path}${search && `?${search}`}`, {
          method,
          headers,
          body: body === undefined ? null : JSON.stringify(body),
          signal: AbortSignal.any([signal, AbortSignal.timeout(answerTimeoutMs)])
        })
        return { ok: answer.ok, text: await answer.text() }
      },
      catch: (cause) => stopped(`no answer (${reasonOf(cause)})`)
    })
    const elapsedMs = performance.now() - startedAt
    return yield* Effect.try({
      try: (): Answered<Success> => {
        const value: unknown = text === "" ? undefined : JSON.parse(text)
        if (!ok) return { outcome: Result.fail(decodeProblem(value)), elapsedMs }
        const decoded = success === undefined ? (undefined as Success) : Schema.decodeUnknownSync(success)(value)
        return { outcome: Result.succeed(decoded), elapsedMs }
      },
      catch: () => stopped(`not what its description promises: ${text.slice(0, 200)}`)
    })
  })

export interface Client {
  readonly url: string
  /** What was answered, a refusal too, and how long it took. */
  readonly send: ReturnType<typeof send>
  /** What was answered; a refusal ends the demo. */
  readonly get: <Query, Body, Success>(
    declaration: Declaration<Query, Body, Success>,
    caller: Caller,
    asked?: Asked<NoInfer<Body>>
  ) => Effect.Effect<Success, DemoStopped>
}

export const make = (address: string): Client => {
  const url = address.replace(/\/+$/, "")
  const sent = send(url)
  return {
    url,
    send: sent,
    get: Effect.fnUntraced(function* (declaration, caller, asked) {
      const { outcome } = yield* sent(declaration, caller, asked)
      if (Result.isSuccess(outcome)) return outcome.success
      const { status, detail } = outcome.failure
      return yield* new DemoStopped({ message: `${declaration.summary}: ${status}, ${detail}` })
    })
  }
}
