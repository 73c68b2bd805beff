/**
 * What operators and developers ask for, as the description shows it. All of it is open: nothing here is about a person
 * or a business, and who must not reach it is kept out by the network, as with any health check. Safe to share with clients.
 */
import * as Schema from "effect/Schema"
import type { Described } from "./OpenApi.ts"

const Status = Schema.Literals(["pass", "warn", "fail"])

const Liveness = Schema.Struct({ status: Schema.Literal("pass"), version: Schema.String })

const Check = Schema.Struct({
  name: Schema.String,
  status: Status,
  /** What was found, also when all is well. */
  reason: Schema.String,
  /** The numbers behind the reason. */
  observed: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite))
})
export type Check = typeof Check.Type

const Readiness = Schema.Struct({
  /** The worst of the checks; `fail` is sent with status 503. */
  status: Status,
  version: Schema.String,
  checks: Schema.Array(Check)
})
export type Readiness = typeof Readiness.Type

const open = { method: "GET", access: "public", status: 200 } as const

export const getLiveness: Described = {
  ...open,
  path: "/health/live",
  tag: "Operation",
  name: "getLiveness",
  summary: "Is the process alive?",
  description: "Restart it when this is not answered.",
  success: Liveness
}

export const getReadiness: Described = {
  ...open,
  path: "/health/ready",
  tag: "Operation",
  name: "getReadiness",
  summary: "Can it do its work now?",
  description: "503 with the same body when a check fails: send it no requests until it passes again.",
  success: Readiness,
  alternatives: [503]
}

export const getMetrics: Described = {
  ...open,
  path: "/metrics",
  tag: "Operation",
  name: "getMetrics",
  summary: "Counters for Prometheus",
  contentType: "text/plain"
}

export const getDescription: Described = {
  ...open,
  path: "/openapi.json",
  tag: "Operation",
  name: "getDescription",
  summary: "This description, OpenAPI 3.1",
  success: Schema.Record(Schema.String, Schema.Unknown)
}

const getDocs: Described = {
  ...open,
  path: "/docs",
  tag: "Operation",
  name: "getDocs",
  summary: "This description, for people",
  contentType: "text/html"
}

const openLive: Described = {
  ...open,
  status: 101,
  path: "/live",
  tag: "Live",
  name: "openLive",
  summary: "Follow what happens, over a WebSocket",
  description:
    "JSON text frames: the client sends a LiveClientFrame, the server a LiveServerFrame. Authenticate in the first frame " +
    "(or offer the sub-protocols koinon and koinon.bearer.{token}), then subscribe to contact/{id}, wallet/{id}, " +
    "community/{id}, segment/{id} or purchase, which is every purchase of the business; the last two are for secret keys " +
    "alone. Keep the position of the last event and subscribe after it when you come back: nothing is missed, " +
    "or you are told to reload. Closed with 1001 when the server stops, 4401 without a valid token, 4408 when you read " +
    "too slowly, 4409 when you fall silent."
}

export const operatorDescriptions = [openLive, getLiveness, getReadiness, getMetrics, getDescription, getDocs]
