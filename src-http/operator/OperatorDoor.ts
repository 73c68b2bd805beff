/** The routes of operators and developers: health, metrics, the description and the docs, which need nothing from outside. */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiScalar from "effect/http-api/HttpApiScalar"
import * as OpenApiAnnotation from "effect/http-api/OpenApi"
import * as Layer from "effect/Layer"
import { guardedRoute } from "../door/Door.ts"
import * as DocsPolicy from "./DocsPolicy.ts"
import * as HealthChecks from "./HealthChecks.ts"
import * as Metrics from "./Metrics.ts"
import { type Described, openApi } from "./OpenApi.ts"
import {
  type Check,
  getDescription,
  getLiveness,
  getMetrics,
  getReadiness,
  operatorDescriptions,
  type Readiness
} from "./OperatorApi.ts"
import { metered } from "./RequestMeter.ts"
import { version } from "./Version.ts"

const prometheusType = "text/plain; version=0.0.4; charset=utf-8"
/** What was found a moment ago is no answer for the next one who asks. */
const headers = { "cache-control": "no-store" }

const route = <R>(
  { method, path }: Described,
  answer: Effect.Effect<HttpServerResponse.HttpServerResponse, never, R>
) => HttpRouter.route(method, path, metered({ method, path }, guardedRoute(answer, path)))

const worst = (checks: ReadonlyArray<Check>): Readiness["status"] => {
  const found = new Set(checks.map(({ status }) => status))
  return found.has("fail") ? "fail" : found.has("warn") ? "warn" : "pass"
}

/** The description of everything, given the declarations of the other doors. */
export const describe = (declarations: ReadonlyArray<Described>) => openApi([...declarations, ...operatorDescriptions])

const docs = (description: Record<string, unknown>) =>
  HttpApiScalar.layer(
    HttpApi.make("Koinon").annotate(OpenApiAnnotation.Transform, () => description),
    {
      path: "/docs",
      scalar: { withDefaultFonts: false, hideClientButton: true } as HttpApiScalar.ScalarConfig
    }
  ).pipe(Layer.provide(DocsPolicy.layer))

export const layer = (declarations: ReadonlyArray<Described>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const checks = yield* HealthChecks.make
      const metrics = yield* Metrics.make
      const description = describe(declarations)
      const text = JSON.stringify(description)
      const ready = Effect.map(checks, (found) => {
        const status = worst(found)
        const body: Readiness = { status, version, checks: found }
        return HttpServerResponse.jsonUnsafe(body, { status: status === "fail" ? 503 : 200, headers })
      })
      const routes = HttpRouter.addAll([
        route(getLiveness, Effect.succeed(HttpServerResponse.jsonUnsafe({ status: "pass", version }, { headers }))),
        route(getReadiness, ready),
        route(
          getMetrics,
          Effect.map(metrics, (lines) => HttpServerResponse.text(lines, { contentType: prometheusType, headers }))
        ),
        route(getDescription, Effect.succeed(HttpServerResponse.text(text, { contentType: "application/json" })))
      ])
      return Layer.mergeAll(routes, docs(description))
    })
  )
