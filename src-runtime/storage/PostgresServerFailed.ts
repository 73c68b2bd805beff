/**
 * Why there is no embedded PostgreSQL. `message` is one sentence for the person at the terminal: what happened, at which
 * path, and what to do about it. The operating system's or the server's own words are kept in `cause`.
 */
import { Schema } from "effect"

export class PostgresServerFailed extends Schema.TaggedError<PostgresServerFailed>()("PostgresServerFailed", {
  message: Schema.String,
  path: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {}
