/**
 * How many requests were answered, with which status and how fast, by route: the declared path, never the one that was
 * sent, so that there are as many series as routes. And what was refused, by its tag or the door's code for it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"

/** Upper ends of the latency buckets, seconds. */
export const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

/** One route; the same object each time. */
export interface Route {
  readonly method: string
  readonly path: string
}

export interface RouteCount {
  readonly byStatus: ReadonlyMap<number, number>
  /** One a bucket, and one for all above the last. */
  readonly latencies: ReadonlyArray<number>
  readonly seconds: number
}

const fresh = () => ({
  byStatus: new Map<number, number>(),
  latencies: Array.from({ length: latencyBuckets.length + 1 }, () => 0),
  seconds: 0
})

export class RequestMeter {
  readonly #routes = new Map<Route, ReturnType<typeof fresh>>()
  readonly #refusals = new Map<string, number>()

  count(route: Route, status: number, milliseconds: number): void {
    let count = this.#routes.get(route)
    if (count === undefined) {
      count = fresh()
      this.#routes.set(route, count)
    }
    const seconds = milliseconds / 1000
    const bucket = latencyBuckets.findIndex((bound) => seconds <= bound)
    const slot = bucket < 0 ? latencyBuckets.length : bucket
    count.latencies[slot] = (count.latencies[slot] ?? 0) + 1
    count.byStatus.set(status, (count.byStatus.get(status) ?? 0) + 1)
    count.seconds += seconds
  }

  refused(reason: string): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
  }

  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals
  }

  get routes(): Iterable<readonly [Route, RouteCount]> {
    return this.#routes
  }
}

/** The meter that the doors count with. */
export const CurrentMeter = Context.Reference<RequestMeter>("koinon/http/RequestMeter", {
  defaultValue: () => new RequestMeter()
})

/** One a server: two in a process would show every route twice. */
export const layer: Layer.Layer<never> = Layer.sync(CurrentMeter, () => new RequestMeter())

/** Counts what the effect answers; who hangs up before is not counted. */
export const metered = <E, R>(
  route: Route,
  answer: Effect.Effect<HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse, E, R> =>
  Effect.flatMap(CurrentMeter, (meter) => {
    const startedAt = performance.now()
    return Effect.map(answer, (response) => {
      meter.count(route, response.status, performance.now() - startedAt)
      return response
    })
  })
