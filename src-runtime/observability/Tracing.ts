/**
 * Which pieces of work are traced: those whose caller says so (W3C Trace Context), and of all others a share, up to a
 * bound a second. Absent, which is the default, nothing is traced, and nothing else looks at it than the doors, once each.
 */
import * as Context from "effect/Context"
import * as Tracer from "effect/Tracer"
import { Trace } from "./Trace.ts"

/** Traces begun in one second, at most: what is exported stays small beside the work itself. */
export const tracesPerSecondMax = 200
const windowMs = 1_000

export interface Tracing {
  /** Begins a trace, or does not. `traceparent` is what the caller sent. */
  readonly begin: (
    name: string,
    traceparent: string | undefined,
    attributes: Readonly<Record<string, string | number>>
  ) => Trace | undefined
}

export const CurrentTracing = Context.Reference<Tracing | undefined>("koinon/runtime/Tracing", {
  defaultValue: () => undefined
})

const parentPattern = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:$|-)/

/** The caller's span; `undefined` if none was sent that can be understood. */
const parentOf = (traceparent: string | undefined): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId, flags] = parentPattern.exec(traceparent ?? "") ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  return Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 })
}

/** `ratio` is the share that is traced of what comes without a trace, from 0 to 1. */
export const make = (tracer: Tracer.Tracer, ratio: number): Tracing => {
  let windowEndsAt = 0
  let left = 0
  const hasRoom = (now: number): boolean => {
    if (now >= windowEndsAt) {
      windowEndsAt = now + windowMs
      left = tracesPerSecondMax
    }
    left -= 1
    return left >= 0
  }
  return {
    begin: (name, traceparent, attributes) => {
      const parent = traceparent === undefined ? undefined : parentOf(traceparent)
      const isWanted = parent === undefined ? Math.random() < ratio : parent.sampled
      if (!isWanted || !hasRoom(performance.now())) return undefined
      return new Trace(tracer, name, parent, attributes, { kind: "server" })
    }
  }
}
