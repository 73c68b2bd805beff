/**
 * What the process does beside its work: how late the event loop comes to what is due, and how long the collector holds it
 * up. Both are counted from the start of the doors to their end, and read when somebody looks.
 */
import { Histogram, secondsBounds } from "#runtime/observability/Histogram.ts"
import * as Effect from "effect/Effect"
import { constants, performance, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks"

/** The event loop is asked this often how late it is. */
const loopLookIntervalMs = 50

const collections: ReadonlyMap<unknown, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak"]
])

/** The declarations of Node do not know what it says of a collection. */
const collectionOf = (entry: PerformanceEntry & { readonly detail?: { readonly kind?: number } }) => ({
  duration: entry.duration,
  kind: entry.detail?.kind
})

export interface ProcessMeter {
  readonly loopDelaySeconds: Histogram
  /** By kind of collection. */
  readonly collections: ReadonlyMap<string, { runs: number; seconds: number }>
  /** How long the event loop had something to do. */
  readonly loopBusySeconds: () => number
}

export const make = Effect.gen(function* () {
  const loopDelaySeconds = new Histogram(secondsBounds)
  let lookedAt = performance.now()
  const look = Effect.sync(() => {
    const now = performance.now()
    loopDelaySeconds.observe(Math.max(0, now - lookedAt - loopLookIntervalMs) / 1000)
    lookedAt = now
  })
  yield* Effect.forkScoped(Effect.forever(Effect.delay(look, loopLookIntervalMs)))

  const counts = new Map([...collections.values()].map((kind) => [kind, { runs: 0, seconds: 0 }]))
  const observer = new PerformanceObserver((list) => {
    for (const { duration, kind } of list.getEntries().map(collectionOf)) {
      const count = counts.get(collections.get(kind) ?? "")
      if (count === undefined) continue
      count.runs += 1
      count.seconds += duration / 1000
    }
  })
  yield* Effect.acquireRelease(
    Effect.sync(() => observer.observe({ entryTypes: ["gc"] })),
    () => Effect.sync(() => observer.disconnect())
  )

  return {
    loopDelaySeconds,
    collections: counts,
    loopBusySeconds: () => performance.eventLoopUtilization().active / 1000
  } satisfies ProcessMeter
})
