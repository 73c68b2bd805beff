/**
 * Batches: NDJSON in, NDJSON out. Lines are handled while the body still arrives, a bounded number at once, and their
 * verdicts leave in the order of the lines. Nothing is collected: a reader who stops reading stops the lines from being
 * taken. A line that is wrong gets its verdict, and the others go on.
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import { type Trace, traced } from "#runtime/observability/Trace.ts"
import { CurrentTracing } from "#runtime/observability/Tracing.ts"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import { CurrentMeter } from "../operator/RequestMeter.ts"
import { answered, requestTrace } from "../operator/RequestTrace.ts"
import { logDefect } from "./Defect.ts"
import { type Call, type Endpoint, type HandlerError, reasonOf, toFault } from "./Endpoint.ts"
import { type Fault, fault, internal, problemJson } from "./Fault.ts"
import { answeredInTime, answerWithinMs } from "./Later.ts"
import { paced } from "./RateLimit.ts"
import { commandOf, type Fingerprint } from "./RequestCommand.ts"
import { decoderOf, parseJson } from "./Validation.ts"

/** Bytes of one line, at most. */
const lineBytesMax = 1024 * 1024
/** Lines of one batch that are handled at once: few enough to leave the mailbox of a hot contact to others as well. */
const linesInFlightMax = 64

const newline = 0x0a

/** A line as it arrived; without its bytes, if they are too many. */
export interface Line {
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

/** Cuts a body into lines. Holds one line at most, and of one that is too long nothing. */
export class LineCutter {
  readonly #bytesMax: number
  #number = 1
  #parts: Array<Uint8Array> = []
  #size = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(chunk: Uint8Array): ReadonlyArray<Line> {
    const lines: Array<Line> = []
    let from = 0
    for (let to = chunk.indexOf(newline); to >= 0; to = chunk.indexOf(newline, from)) {
      this.#keep(chunk.subarray(from, to))
      this.#cut(lines)
      from = to + 1
    }
    this.#keep(chunk.subarray(from))
    return lines
  }

  /** The last line, if it does not end in a newline. */
  end(): ReadonlyArray<Line> {
    const lines: Array<Line> = []
    this.#cut(lines)
    return lines
  }

  #keep(part: Uint8Array): void {
    this.#size += part.length
    if (this.#size > this.#bytesMax) this.#parts = []
    else if (part.length > 0) this.#parts.push(part)
  }

  /** Blank lines are counted, and say nothing. */
  #cut(lines: Array<Line>): void {
    const number = this.#number
    this.#number += 1
    if (this.#size > this.#bytesMax) lines.push({ number, bytes: undefined })
    else {
      const bytes = Buffer.concat(this.#parts)
      if (bytes.some((byte) => byte !== 0x20 && byte !== 0x0d && byte !== 0x09)) lines.push({ number, bytes })
    }
    this.#parts = []
    this.#size = 0
  }
}

const linesOf = <E>(body: Stream.Stream<Uint8Array, E>): Stream.Stream<Line, E> =>
  Stream.suspend(() => {
    const cutter = new LineCutter(lineBytesMax)
    return body.pipe(
      Stream.map((chunk) => cutter.push(chunk)),
      Stream.concat(Stream.suspend(() => Stream.succeed(cutter.end()))),
      Stream.flattenIterable
    )
  })

const utf8 = new TextDecoder("utf-8", { fatal: true })
const encoder = new TextEncoder()

const textOf = (bytes: Uint8Array | undefined): Effect.Effect<string, Fault> =>
  bytes === undefined
    ? Effect.fail(fault(413, "KOINON.LINE_TOO_LONG", "Line too long", `A line has at most ${lineBytesMax} bytes.`))
    : Effect.try({
        try: () => utf8.decode(bytes),
        catch: () => fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "The line is not UTF-8.")
      })

type Common = Pick<Call<unknown, unknown>, "principal" | "params" | "query"> & {
  readonly path: string
  /** Each line is traced as a request of its own. */
  readonly traceparent?: string | undefined
  readonly fingerprint: Fingerprint
}
type Verdict = Readonly<Record<string, unknown>> & { readonly line: number; readonly status: number }

const lineAnswered = (trace: Trace, status: number, exit: Exit.Exit<object, HandlerError>): Effect.Effect<void> =>
  Effect.sync(() => {
    if (Exit.isSuccess(exit)) return answered(trace, "later" in exit.value ? 202 : status)
    const failure = Cause.findErrorOption(exit.cause)
    answered(trace, failure._tag === "Some" ? toFault(failure.value).status : internal.status)
  })

/** The verdicts on the lines of a body. A body that breaks off ends them: what was taken until then has its effect. */
export const verdicts = <R, E>(
  endpoint: Endpoint<R>,
  body: Stream.Stream<Uint8Array, E>,
  { path, fingerprint, traceparent, ...common }: Common
): Stream.Stream<Uint8Array, never, R | Actors> => {
  const { declaration, handle } = endpoint
  const { batch = "result", method, status } = declaration
  const { business, caller } = common.principal
  const decode = decoderOf(declaration.body, "")

  const judge = Effect.fnUntraced(function* ({
    number,
    bytes
  }: Line): Effect.fn.Return<Verdict, HandlerError, R | Actors> {
    const text = yield* textOf(bytes)
    // Each line is a request of the business's; its reader waits instead of hearing that it is too fast.
    yield* paced(business.id)
    const line = yield* Effect.fromResult(decode(yield* Effect.fromResult(parseJson(text))))
    const identity = declaration.identityOf?.(line, caller)
    const asked = `${method} ${path}\n${text}`
    const command = yield* Effect.fromResult(
      commandOf({ principal: common.principal, key: undefined, identity, asked, fingerprint })
    )
    const clock = yield* Clock.Clock
    const deadlineAt = clock.currentTimeMillisUnsafe() + answerWithinMs
    const tracing = yield* CurrentTracing
    const trace = tracing === undefined ? undefined : requestTrace(tracing, declaration, traceparent)
    const handled = handle({ ...common, body: line, ...command, expectedSeq: undefined, deadlineAt, trace })
    const waited = answeredInTime({ business, ...command }, trace === undefined ? handled : traced(trace, handled))
    const reply = yield* trace === undefined
      ? waited
      : Effect.onExit(waited, (exit) => lineAnswered(trace, status, exit))
    if ("later" in reply) return { line: number, status: 202, operation: reply.later }
    return { line: number, status, ...(reply.replayed === true && { replayed: true }), [batch]: reply.body }
  })

  const problemOf = (line: number, found: Fault): Verdict => ({
    line,
    status: found.status,
    problem: JSON.parse(problemJson(found, path))
  })

  const verdictOn = (line: Line): Effect.Effect<Verdict, never, R | Actors> =>
    Effect.catchCause(judge(line), (cause) => {
      const failure = Cause.findErrorOption(cause)
      if (failure._tag === "Some") {
        return Effect.map(CurrentMeter, (meter) => {
          meter.refused(reasonOf(failure.value))
          return problemOf(line.number, toFault(failure.value))
        })
      }
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      return Effect.as(logDefect("a line's handler died", cause), problemOf(line.number, internal))
    })

  return linesOf(body).pipe(
    Stream.catchCause(() => Stream.empty),
    Stream.mapEffect(verdictOn, { concurrency: linesInFlightMax }),
    Stream.map((verdict) => encoder.encode(`${JSON.stringify(verdict)}\n`))
  )
}
