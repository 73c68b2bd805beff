/** The span of a request, named as OpenTelemetry names it: the declared route, never the path that was sent. */
import type { Trace } from "#runtime/observability/Trace.ts"
import type { Tracing } from "#runtime/observability/Tracing.ts"
import type { Route } from "./RequestMeter.ts"

/** `traceparent` is the header of W3C Trace Context, if one was sent. */
export const requestTrace = (
  tracing: Tracing,
  { method, path }: Route,
  traceparent: string | undefined
): Trace | undefined =>
  tracing.begin(`${method} ${path}`, traceparent, { "http.request.method": method, "http.route": path })

export const answered = (trace: Trace, status: number): void =>
  void trace.end({ "http.response.status_code": status }, status >= 500 ? `answered ${status}` : undefined)
