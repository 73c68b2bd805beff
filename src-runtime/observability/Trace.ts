/**
 * A traced piece of work and where it stands: the span that whatever comes next belongs to. It is handed on as a value,
 * from the request to the turn, the commit, the views and the sockets, so that only the door knows whether anything is
 * traced, and all others look whether they were handed one. Attributes name routes, tags, shards and counts, nothing
 * of a person or a business.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Tracer from "effect/Tracer"

type Attributes = Readonly<Record<string, string | number>>

/** Of an instant as `performance.now()` tells it. */
const epochNanos = (instant: number): bigint => BigInt(Math.round((performance.timeOrigin + instant) * 1_000_000))

/** Messages that a traced turn sent and that are still on their way in memory. */
const accompanied = new WeakMap<object, Trace>()

export class Trace {
  readonly span: Tracer.Span
  readonly #tracer: Tracer.Tracer

  constructor(
    tracer: Tracer.Tracer,
    name: string,
    parent: Tracer.AnySpan | undefined,
    attributes: Attributes,
    { kind = "internal", startedAt = performance.now() }: { kind?: Tracer.SpanKind; startedAt?: number } = {}
  ) {
    this.#tracer = tracer
    this.span = tracer.span({
      name,
      parent: Option.fromUndefinedOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: epochNanos(startedAt),
      kind,
      root: parent === undefined,
      sampled: true
    })
    for (const attribute in attributes) this.span.attribute(attribute, attributes[attribute])
  }

  /** What this led to. `startedAt` as `performance.now()` told it. */
  child(name: string, attributes: Attributes, startedAt?: number): Trace {
    const began = startedAt === undefined ? {} : { startedAt }
    return new Trace(this.#tracer, name, this.span, attributes, began)
  }

  /** For whoever goes on with it in another process (W3C Trace Context). */
  get traceparent(): string {
    return `00-${this.span.traceId}-${this.span.spanId}-01`
  }

  /** It is over; `failure` names a fault of ours. */
  end(attributes: Attributes = {}, failure?: string): this {
    for (const attribute in attributes) this.span.attribute(attribute, attributes[attribute])
    this.span.end(epochNanos(performance.now()), failure === undefined ? Exit.void : Exit.fail(failure))
    return this
  }

  /** The command is sent by it: the turn that it causes belongs to it, if it is taken from memory. */
  accompany(command: object): void {
    accompanied.set(command, this)
  }
}

/** What the command was sent by, if that is traced. */
export const senderOf = (command: object): Trace | undefined => accompanied.get(command)

/** Logs of the effect name the trace. */
export const traced = <A, E, R>(trace: Trace | undefined, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  trace === undefined ? effect : (Effect.withParentSpan(effect, trace.span) as Effect.Effect<A, E, R>)
