/**
 * Traces and logs to an OpenTelemetry collector, as JSON over HTTP, when OTEL_EXPORTER_OTLP_ENDPOINT names one. Effect's
 * own spans (of statements, routes and library calls) are not among them: they name paths and queries, and ours do not.
 */
import { version } from "#http/operator/Version.ts"
import * as Tracing from "#runtime/observability/Tracing.ts"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import type { Settings } from "./Settings.ts"

/** What is to be exported leaves this often, or when so much of it has gathered. */
const exportIntervalMs = 1_000
const exportedAtOnceMax = 1_000
/** A collector that takes longer is left; after three tries what gathered is dropped, and exporting rests for a minute. */
const collectorAnswersWithinMs = 5_000
/** What is left is exported on the way out, for so long at most. */
const farewellMs = 1_000

/** Percent-encoded, or as it stands. */
const decoded = (value: string): string => {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** `name=value,name=value`, as OpenTelemetry has it. */
const headersOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const at = pair.indexOf("=")
      return at < 1 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())] as const]
    })
  )

const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.transformResponse((response) =>
      Effect.catchTag(Effect.timeout(response, collectorAnswersWithinMs), "TimeoutError", Effect.die)
    )
  )
).pipe(Layer.provide(FetchHttpClient.layer))

export const layer = ({ telemetryEndpoint, telemetryHeaders, telemetryService, traceRatio }: Settings) => {
  if (telemetryEndpoint === undefined) return Layer.empty
  const to = (signal: string) => ({
    url: `${telemetryEndpoint.replace(/\/+$/, "")}/v1/${signal}`,
    headers: headersOf(telemetryHeaders ?? ""),
    resource: { serviceName: telemetryService, serviceVersion: version },
    exportInterval: exportIntervalMs,
    maxBatchSize: exportedAtOnceMax,
    shutdownTimeout: farewellMs
  })
  const traces = Layer.effect(
    Tracing.CurrentTracing,
    Effect.map(OtlpTracer.make(to("traces")), (tracer) => Tracing.make(tracer, traceRatio))
  ).pipe(Layer.provide(OtlpExporter.layerFlusher))
  const logs = OtlpLogger.layer(to("logs"))
  return Layer.mergeAll(traces, logs).pipe(Layer.provide(Layer.mergeAll(OtlpSerialization.layerJson, client)))
}
