/**
 * The one SQL client of a runner, over an outside server or the embedded one. Both speak the same dialect through the
 * same driver, so nothing above this file knows which of the two it has.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Layer, Redacted } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as PostgresServer from "./PostgresServer.ts"

export interface Settings {
  /** `DATABASE_URL`, or the embedded server. */
  readonly source: { readonly url: Redacted.Redacted } | { readonly server: PostgresServer.Running }
  /** Size of the connection pool; an outside server usually allows 100 in all. */
  readonly connectionsMax?: number
}

const connectionsMaxDefault = 10
/** A connection on which nothing is said for so long is asked whether it is still there. */
const keepAliveMs = 10_000

/**
 * Every statement here looks rows up by an index, a few at a time. A plan made while a table was still empty would read
 * all of it, and a prepared statement keeps such a plan for long after the table has grown.
 */
const plansByIndex = {
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  jit: "off",
  plan_cache_mode: "force_generic_plan"
}

export const layer = (settings: Settings): Layer.Layer<PgClient.PgClient | SqlClient.SqlClient, SqlError.SqlError> =>
  PgClient.layer({
    url: "url" in settings.source ? settings.source.url : PostgresServer.url(settings.source.server),
    maxConnections: settings.connectionsMax ?? connectionsMaxDefault,
    applicationName: "koinon",
    // A connection that only listens would otherwise never learn that the other end is gone.
    keepAlive: keepAliveMs,
    startupParameters: plansByIndex
  })
